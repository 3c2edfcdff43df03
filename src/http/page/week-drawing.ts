// A week as a drawing: a lane for each day, as long as the day is, with the hours from left to right. It places what
// core/week-days.ts has measured, and asks nothing itself. Places are percentages and sizes are pixels, so that the same drawing
// fits a phone and a desk without its letters shrinking. What is drawn is also said in words below it.
import { type DayPart, partsOn, placeIn, rowsFor, type WeekDay } from '../../core/week-days.ts';
import type { WeekFact, WeekLine } from '../../core/week-line.ts';
import { type Html, html } from './html.ts';
import { changeWords, dayLabel, factWords, hoursWords } from './week-words.ts';
import { countWords, nameTag } from './words.ts';

/** What goes into the lanes together: a schedule on a door, with a name where there are several. */
export interface Track {
  readonly name: string | null;
  readonly line: WeekLine;
}

export interface DrawnWeek {
  readonly days: readonly WeekDay[];
  /** The zone in which the days are days. */
  readonly timezone: string;
  readonly tracks: readonly Track[];
  readonly now: Date;
}

type Part = DayPart<WeekFact>;

const barTop = 3;
const barHeight = 20;
const lockTop = 25;
const rowHeight = 35;
/** Of a day: a door with very many schedules is no drawing any more. */
const rowsMax = 8;
/** Parts of a day below which both hours, or one, do not fit: where the day is as short as on a phone, and where it is long. */
const fits = { phone: { both: 0.24, one: 0.16 }, desk: { both: 0.08, one: 0.05 } } as const;
/** Behind a change of the clocks, as parts of a day, there is no room for the hours. */
const roomForChange = { phone: 0.32, desk: 0.12 } as const;

export function weekDrawing(week: DrawnWeek): Html {
  const { days, tracks } = week;
  const longestMs = Math.max(...days.map(lengthOf));
  return html`<div class="week" aria-hidden="true">
<div class="week-day axis"><span></span>${axis(days, longestMs)}</div>
${days.map((day) => dayRow(day, week, longestMs))}
</div>
<details class="week-words"><summary>This week in words</summary>
<dl>${days.map((day) => dayInWords(day, week))}</dl>
${tracks.some(({ line }) => line.isCut) && html`<p>There are more windows than are shown here: see <code>relatch windows</code>.</p>`}
</details>`;
}

function lengthOf({ startsAt, endsAt }: WeekDay): number {
  return endsAt.getTime() - startsAt.getTime();
}

function percent(part: number): string {
  return `${Math.round(part * 100_000) / 1_000}%`;
}

/** The hours of a day on which the clocks do not change. */
function axis(days: readonly WeekDay[], longestMs: number): Html {
  const day = days.find(({ clockChanges }) => clockChanges.length === 0) ?? days[0];
  if (day === undefined) return html``;
  return html`<svg width="100%" height="16"><svg width="${percent(lengthOf(day) / longestMs)}" height="16" overflow="visible">
${hourLabels(day)}</svg></svg>`;
}

function hourLabels({ ticks, clockChanges }: WeekDay): Html[] {
  const isFree = (place: number, room: number): boolean =>
    clockChanges.every((change) => place <= change.place - room / 5 || place >= change.place + room);
  return ticks
    .filter(({ place }) => isFree(place, roomForChange.desk))
    .map(({ place, label }) => {
      const on = isFree(place, roomForChange.phone) ? '' : ' desk';
      return html`<text class="w-hour${on}" x="${percent(place)}" y="12">${label}</text>`;
    });
}

function dayRow(day: WeekDay, week: DrawnWeek, longestMs: number): Html {
  const { timezone, tracks, now } = week;
  const isToday = day.startsAt <= now && now < day.endsAt;
  const isOdd = day.clockChanges.length > 0;
  const top = isOdd ? 16 : 0;
  const parts = tracks.map((track) => partsOn(day, track.line.facts).filter(({ of }) => isShown(of, track)));
  const rows = rowsFor(parts);
  const rowCount = Math.min(rowsMax, Math.max(1, ...rows.map((row) => row + 1)));
  const rest = rows.filter((row, index) => row >= rowsMax && (parts[index] ?? []).length > 0).length;
  const height = top + rowHeight * rowCount + (rest > 0 ? 18 : 0);
  return html`<div class="week-day${isToday && ' today'}"><p>${dayLabel(day, 'EEE')} <span>${dayLabel(day, 'd MMM')}</span></p>
<svg width="100%" height="${height}"><svg width="${percent(lengthOf(day) / longestMs)}" height="${height}">
<rect class="w-lane" y="${top}" width="100%" height="${height - top}"/>
${isOdd && hourLabels(day)}
${day.ticks.map(({ place }) => html`<line class="w-tick" x1="${percent(place)}" x2="${percent(place)}" y1="${top}" y2="${height}"/>`)}
${tracks.map((track, index) =>
  (parts[index] ?? [])
    .toSorted((a, b) => orderOf(a) - orderOf(b))
    .map((part) =>
      drawn(part, { top: top + (rows[index] ?? 0) * rowHeight, day, timezone, track, all: parts[index] ?? [] }),
    ),
)}
${day.clockChanges.map(
  (change) => html`<g><title>${changeWords(change, day)}</title>
<line class="w-change" x1="${percent(change.place)}" x2="${percent(change.place)}" y1="0" y2="${height}"/>
<text class="w-change-text" x="${percent(change.place)}" dx="4" y="12">${change.localBefore}→${change.localAfter}</text></g>`,
)}
${rest > 0 && html`<text class="w-hour" x="5" y="${height - 5}">and ${countWords(rest, 'more schedule')}: see the words below</text>`}
${isToday && html`<line class="w-now" x1="${percent(placeIn(day, now.getTime()))}" x2="${percent(placeIn(day, now.getTime()))}" y1="${top}" y2="${height}"/>`}
</svg></svg></div>`;
}

/** Beside others, what only waits on the lock would take room from what opens it. */
export function isShown(fact: WeekFact, { name }: Track): boolean {
  return name === null || fact.kind !== 'on_lock' || fact.role === 'valid';
}

const order = { closed: 0, window: 1, on_lock: 2, gap: 3 } as const;

function orderOf({ of }: Part): number {
  return order[of.kind];
}

interface Place {
  readonly top: number;
  readonly day: WeekDay;
  readonly timezone: string;
  readonly track: Track;
  readonly all: readonly Part[];
}

function drawn(part: Part, place: Place): Html {
  const { of: fact, from, to } = part;
  const { top, day, timezone, track } = place;
  const title = `${track.name === null ? '' : `${track.name}: `}${hoursWords(timezone, fact, day)}. ${factWords(fact)}`;
  const box = html`x="${percent(from)}" width="${percent(to - from)}"`;
  if (fact.kind === 'on_lock') {
    const height = fact.role === 'early' ? 2 : 6;
    const y = top + lockTop + (6 - height) / 2;
    return html`<g><title>${title}</title><rect class="w-lock ${fact.role}" ${box} y="${y}" height="${height}"${fact.role === 'late' && html` fill="url(#week-gap)"`}/></g>`;
  }
  const pattern = fact.kind === 'gap' ? 'week-gap' : fact.kind === 'closed' ? 'week-closed' : null;
  const kind = fact.kind === 'window' ? `w-window ${fact.state}` : `w-${fact.kind}`;
  const texts = textsOn(part, place);
  return html`<g><title>${title}</title><rect class="${kind}" ${box} y="${top + barTop}" height="${barHeight}" rx="3"${pattern !== null && html` fill="url(#${pattern})"`}/>
${texts.length > 0 && html`<foreignObject ${box} y="${top + barTop}" height="${barHeight}">${texts.map(({ text, on }) => html`<div class="w-label ${on} ${fact.kind}">${nameTag(text)}</div>`)}</foreignObject>`}</g>`;
}

const screens = ['phone', 'desk'] as const;

interface Label {
  readonly text: string;
  readonly on: 'phone' | 'desk' | 'both';
}

/** What fits into a bar, on a phone and on a desk; the words below hold all of it. */
function textsOn({ of: fact, from, to }: Part, { day, timezone, track, all }: Place): Label[] {
  const { name } = track;
  if (fact.kind === 'on_lock') return [];
  if (fact.kind === 'gap') {
    if (name !== null) return [];
    return screens.flatMap((on) => (to - from >= fits[on].one ? [{ text: 'no code', on }] : []));
  }
  if (fact.kind === 'closed') {
    const why = factWords(fact).replace(/^Closed: /, '');
    return [{ text: name === null ? why : `${name}: ${why}`, on: 'both' }];
  }
  const hours = hoursOnDay(fact, day, timezone);
  if (name !== null) return [{ text: `${name} ${hours}`, on: 'both' }];
  if (all.some((other) => other.of.kind === 'gap' && other.from < to && other.to > from)) return [];
  return screens.flatMap((on): Label[] => {
    if (to - from >= fits[on].both) return [{ text: hours, on }];
    const isShort = hours.includes('→');
    return to - from >= fits[on].one ? [{ text: isShort ? hours : hours.slice(0, 5), on }] : [];
  });
}

/** "09:00–17:00", "22:00→", "→06:00". */
function hoursOnDay({ startsAt, endsAt }: WeekFact, day: WeekDay, timezone: string): string {
  const begins = startsAt >= day.startsAt;
  const ends = endsAt <= day.endsAt;
  const within = {
    startsAt: begins ? startsAt : day.startsAt,
    endsAt: ends ? endsAt : day.endsAt,
  };
  const [from = '', to = ''] = hoursWords(timezone, within, day)
    .replaceAll(/ \(UTC[^)]*\)/g, '')
    .split('–');
  if (begins && ends) return `${from}–${to}`;
  return begins ? `${from}→` : ends ? `→${to}` : 'all day';
}

/** What begins on a day, or goes on from before the week on its first. */
function dayInWords(day: WeekDay, { days, timezone, tracks }: DrawnWeek): Html {
  const isFirst = day === days[0];
  const lines = tracks.flatMap((track) =>
    partsOn(day, track.line.facts)
      .filter(({ isContinued, of }) => (!isContinued || isFirst) && isShown(of, track))
      .map(({ of: fact }) => ({ fact, name: track.name })),
  );
  lines.sort((a, b) => a.fact.startsAt.getTime() - b.fact.startsAt.getTime());
  return html`<div><dt>${dayLabel(day, 'EEEE d MMMM')}</dt>
${day.clockChanges.map((change) => html`<dd>${changeWords(change, day)}.</dd>`)}
${lines.map(({ fact, name }) => html`<dd>${name !== null && html`${nameTag(name)}, `}${hoursWords(timezone, fact, day)}: <bdi>${factWords(fact)}</bdi>.</dd>`)}
${lines.length === 0 && html`<dd>Nothing.</dd>`}</div>`;
}
