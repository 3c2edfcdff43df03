// Which week a page shows, and the ways to the weeks beside it.
import { FIRST_YEAR, LAST_YEAR } from '../../core/local-date.ts';
import { daysFrom, mondayOf, type WeekDay, weeksAfter } from '../../core/week-days.ts';
import { localDateOf } from '../../core/windows.ts';
import { zoneNamed } from '../../core/zone.ts';
import { Problem } from '../problem.ts';
import { type Html, html } from './html.ts';
import type { PageCall } from './page-route.ts';
import { weekLabel } from './week-words.ts';
import { zoneWords } from './words.ts';

/** Days of a zone, from a Monday to a Sunday. */
export interface ShownWeek {
  readonly monday: string;
  readonly days: readonly WeekDay[];
  readonly startsAt: Date;
  readonly endsAt: Date;
  readonly timezone: string;
  /** Whether it holds the moment of now. */
  readonly isNow: boolean;
}

/** The week that ?week names by one of its days; else that of now. @throws Problem where it is no date */
export function weekAsked({ query, now }: Pick<PageCall, 'query' | 'now'>, timezone: string): ShownWeek {
  const current = mondayOf(localDateOf(timezone, now)) ?? '';
  const asked = query.get('week');
  const monday = asked === null ? current : readMonday(asked);
  const days = daysFrom(zoneNamed(timezone), monday);
  const [first, last] = [days[0], days.at(-1)];
  if (first === undefined || last === undefined) throw new Error('a week without days');
  return { monday, days, timezone, startsAt: first.startsAt, endsAt: last.endsAt, isNow: monday === current };
}

function readMonday(asked: string): string {
  const monday = mondayOf(asked);
  const year = Number(asked.slice(0, 4));
  if (monday !== undefined && year > FIRST_YEAR && year < LAST_YEAR) return monday;
  const detail = `A week is named by a day of it, such as 2027-03-08, of the years ${FIRST_YEAR + 1} to ${LAST_YEAR - 1}; “${asked.slice(0, 40)}” is none.`;
  throw new Problem(400, 'week_invalid', 'There is no such week', { detail });
}

/** @param pathTo the address of this page in another week; null: in that of now */
export function weekHeading(week: ShownWeek, pathTo: (monday: string | null) => string): Html {
  const { monday, days, timezone, isNow } = week;
  return html`<div class="bar"><h2 id="week">${isNow ? 'This week' : 'Week'}: ${weekLabel(days)}</h2>
<nav class="weeks" aria-label="Weeks">
<a rel="prev" href="${pathTo(weeksAfter(monday, -1))}">Week before</a>
${!isNow && html`<a href="${pathTo(null)}">This week</a>`}
<a rel="next" href="${pathTo(weeksAfter(monday, 1))}">Week after</a>
</nav></div>
<p class="fine">In ${zoneWords(timezone)} (${timezone}).</p>`;
}
