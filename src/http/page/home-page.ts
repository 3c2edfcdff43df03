// The first page: what needs a person now, then every door.
import { countOpenLetters } from '../../db/dead-letters.ts';
import { lineSince } from '../../db/explain.ts';
import { findSchedules, overviewOfDoors } from '../../flows/door-overview.ts';
import type { ApiDeps } from '../api-route.ts';
import { alertsSection, readAlerts } from './alerts-section.ts';
import { doorRow, scheduleRow, zonesOf } from './doors-section.ts';
import { type Html, html } from './html.ts';
import type { PageCall, PageRoute } from './page-route.ts';
import { countWords, lengthWords, zoneWords } from './words.ts';

const doorsShown = 50;
const schedulesShown = 20;
const textMax = 100;
const doorsTitle = html`<h2 id="doors">Doors</h2>`;

export const homePages: readonly PageRoute[] = [{ method: 'get', path: '/', run: home }];

async function home({ deps, signedIn, now, query }: PageCall) {
  const text = query.get('q')?.trim().slice(0, textMax) || null;
  const after = query.get('after') || null;
  const isHeld = query.get('hold') === '1';
  const here = pathOf({ q: text, after, hold: isHeld ? '1' : null });
  const alerts = await readAlerts(deps, now);
  const letters = await countOpenLetters(deps.db.prisma);
  const schedules = text === null ? [] : await findSchedules(deps, text, schedulesShown + 1);
  const { doors, total, hasMore } = await overviewOfDoors(deps, { text, after, limit: doorsShown });
  const headline = headlineOf(alerts.counts.open);
  const zones = [...zonesOf(doors, schedules)];
  const zone = zones.length === 1 ? (zones[0] ?? null) : null;
  const around = { signedIn, now, here, zone };
  const last = doors.at(-1)?.deviceId ?? null;
  const body = html`<h1>${headline}</h1>
${await standing(deps, now)}
${alertsSection(alerts, around)}
${letters > 0 && lettersLine(letters)}
<section aria-labelledby="doors">
<div class="bar">${schedules.length > 0 ? html`<h2>Schedules</h2>` : doorsTitle}
<form class="find" role="search" method="get" action="/">
<label for="q">Door, schedule or holder</label>
<input id="q" name="q" type="search" value="${text}" maxlength="${textMax}">
${isHeld && html`<input type="hidden" name="hold" value="1">`}
<button type="submit">Find</button>
${text !== null && html`<a href="${pathOf({ hold: isHeld ? '1' : null })}">Show all</a>`}
</form></div>
${
  schedules.length > 0 &&
  html`<ul class="doors">${schedules.slice(0, schedulesShown).map((found) => scheduleRow(found, around))}</ul>
${schedules.length > schedulesShown && html`<p class="fine">There are more: write more of the name.</p>`}
${doorsTitle}`
}
<p class="fine">${countLine(total, text)}${zone !== null && `, ${zoneWords(zone)}`}</p>
<ul class="doors">${doors.map((door) => doorRow(door, around))}</ul>
${(hasMore || after !== null) && pager(text, isHeld, after, hasMore ? last : null)}
</section>
<p class="fine">${
    isHeld
      ? html`This page stays as it is. <a href="${pathOf({ q: text, after })}">Keep it up to date</a>`
      : html`This page keeps itself up to date. <a href="${pathOf({ q: text, after, hold: '1' })}">Hold it still</a>`
  }</p>`;
  return { title: headline, body, updates: !isHeld };
}

function headlineOf(open: number): string {
  if (open === 0) return 'Nothing needs you';
  return open === 1 ? 'One thing needs you' : `${open.toLocaleString('en')} things need you`;
}

/** Whether Relatch does anything at all. */
async function standing({ db, mode }: ApiDeps, now: Date): Promise<Html | null> {
  const { state, since } = await lineSince(db.prisma);
  const length = since === null ? '' : ` for ${lengthWords(now.getTime() - since.getTime())}`;
  return html`${
    mode === 'observe' &&
    html`<p class="notice">Relatch only observes (<code>MODE=observe</code>): it plans and alerts, and changes no code.</p>`
  }${
    state === 'silent' &&
    html`<p class="notice bad">Seam has not answered${length}: no code can be made or taken off. Relatch goes on by itself when Seam is back.</p>`
  }${
    state === 'refused' &&
    html`<p class="notice bad">Seam has refused the API key of Relatch${length}: no code can be made or taken off. Put a valid key into <code>SEAM_API_KEY</code> and restart Relatch.</p>`
  }`;
}

function lettersLine(letters: number): Html {
  const what =
    letters === 1
      ? '1 job has failed for good and waits'
      : `${countWords(letters, 'job')} have failed for good and wait`;
  return html`<p class="notice">${what} for a person: <code>relatch dead-letters list</code> shows them and what to do.</p>`;
}

function countLine(total: number, text: string | null): string {
  if (total === 0)
    return text === null ? 'There is no schedule yet: apply a schedules file.' : `No door is found by “${text}”.`;
  return text === null ? countWords(total, 'door') : `${countWords(total, 'door')} by “${text}”`;
}

function pager(text: string | null, isHeld: boolean, after: string | null, last: string | null): Html {
  const hold = isHeld ? '1' : null;
  return html`<nav class="pager" aria-label="Pages of doors">
${after !== null && html`<a href="${pathOf({ q: text, hold })}">First doors</a>`}
${last !== null && html`<a href="${pathOf({ q: text, after: last, hold })}">Next doors</a>`}
</nav>`;
}

function pathOf(query: Readonly<Record<string, string | null | undefined>>): string {
  const given = Object.entries(query).flatMap(([name, value]) => (value == null ? [] : [[name, value]]));
  return given.length === 0 ? '/' : `/?${new URLSearchParams(given)}`;
}
