// One schedule: what it is, what comes, its week at each door, and its story.
import { UserError } from '../../core/errors.ts';
import type { Schedule } from '../../core/schedule.ts';
import { noSchedule } from '../../core/ways-out.ts';
import type { WeekLine } from '../../core/week-line.ts';
import { loadDevices } from '../../db/devices.ts';
import { loadSchedulesByKeys } from '../../db/schedules.ts';
import { comingWindows, type DoorWindows } from '../../flows/coming-windows.ts';
import { weekLines } from '../../flows/week-lines.ts';
import { Problem } from '../problem.ts';
import { alertsSection, readAlerts } from './alerts-section.ts';
import { type Html, html } from './html.ts';
import type { PageAnswer, PageCall, PageRoute } from './page-route.ts';
import { actPath, doorPath, pathWith, schedulePath } from './paths.ts';
import { ruleWords } from './rule-words.ts';
import { readStory, storySection } from './story-section.ts';
import { weekDrawing } from './week-drawing.ts';
import { weekLegend } from './week-legend.ts';
import { type ShownWeek, weekAsked, weekHeading } from './week-section.ts';
import { countWords, doorWords, leftWords, nameTag, spanWords, timeTag, zoneWords } from './words.ts';

const comingShown = 5;
const groupsShown = 5;
const doorsShown = 5;
const namesShown = 12;

/** What the address of the page may hold. */
const parameters = ['week', 'door', 'before', 'after'] as const;

export const schedulePages: readonly PageRoute[] = [{ method: 'get', path: '/schedules/:key', run: showSchedule }];

/** A door of the schedule, by its name. */
interface NamedDoor {
  readonly deviceId: string;
  readonly name: string;
}

async function showSchedule(call: PageCall): Promise<PageAnswer> {
  const { deps, now, params, query, signedIn } = call;
  const key = params['key'] ?? '';
  const [schedule] = await loadSchedulesByKeys(deps.db.prisma, [key]);
  if (schedule === undefined)
    throw new Problem(404, 'schedule_unknown', 'There is no such schedule', { detail: noSchedule(key) });
  const { timezone } = schedule;
  const week = weekAsked(call, timezone);
  const doors = await namedDoors(call, schedule);
  const from = Math.max(
    0,
    doors.findIndex(({ deviceId }) => deviceId === query.get('door')),
  );
  const shown = doors.slice(from, from + doorsShown);
  const lines = await weekLines(
    deps,
    shown.map(({ deviceId }) => ({ schedule, deviceId })),
    week,
    now,
  );
  const story = await readStory(call, { scheduleKey: key }, timezone);
  const alerts = await readAlerts(deps, now, { scheduleId: schedule.id });
  const pathTo = (changes: Readonly<Record<string, string | null>>): string =>
    pathWith(schedulePath(key), query, parameters, changes);
  const here = pathTo({});
  const body = html`<h1>${nameTag(schedule.name)}</h1>
<p class="state ${schedule.status === 'active' ? 'ready' : 'waiting'}"><strong>${statusWords[schedule.status]}</strong></p>
${about(schedule, doors)}
<p class="acts"><a class="button" href="${actPath(key, here)}">Skip, extend or revoke</a></p>
${alertsSection(alerts, { signedIn, now, here })}
${await coming(call, schedule, doors)}
<section aria-labelledby="week">
${weekHeading(week, (monday) => pathTo({ week: monday, before: null, after: null }))}
${shown.map((door, index) => doorWeek(door, lines[index] ?? { facts: [], isCut: false }, week, now, index === 0 && shown.length === 1))}
${
  shown.length > 0 &&
  weekLegend(
    lines.map((line) => ({ name: null, line })),
    week.days,
  )
}
${doors.length === 0 && html`<p class="none">It has no door.</p>`}
${doors.length > doorsShown && doorPager(doors, from, pathTo)}
</section>
${storySection(story, (part) => pathTo({ before: null, after: null, ...part }))}`;
  return { title: schedule.name, body, updates: story.newerThan === null && week.isNow };
}

const statusWords = { active: 'Active', paused: 'Paused', ended: 'Ended' } as const;

async function namedDoors({ deps }: PageCall, { devices }: Schedule): Promise<NamedDoor[]> {
  const known = await loadDevices(
    deps.db.prisma,
    devices.map(({ deviceId }) => deviceId),
  );
  return devices
    .map(({ deviceId }) => ({ deviceId, name: doorWords(known.get(deviceId)?.name ?? null) }))
    .sort((a, b) => a.name.localeCompare(b.name, 'en') || (a.deviceId < b.deviceId ? -1 : 1));
}

function about(schedule: Schedule, doors: readonly NamedDoor[]): Html {
  const { key, holder, timezone, startsOn, endsOn, rules, holidays, exceptDates, extra, blackouts } = schedule;
  const { earlyMinutes, lateMinutes } = schedule.grace;
  const exceptions = [
    ...holidays.map(({ name, dates }) => `${name} (${countWords(dates.length, 'day')})`),
    exceptDates.length > 0 ? countWords(exceptDates.length, 'exception date') : '',
    blackouts.length > 0 ? countWords(blackouts.length, 'blackout') : '',
  ].filter((text) => text !== '');
  const facts: (readonly [string, Html | string])[] = [
    ['Key', html`<code>${key}</code>`],
    ['For', holder === null ? 'nobody by name' : nameTag(holder)],
    ['Doors', doorNames(doors)],
    [
      'Open',
      rules.map((rule, index) => html`<div>${rules.length > 1 && `Rule ${index + 1}: `}${ruleWords(rule)}</div>`),
    ],
    ['From', `${startsOn}${endsOn === null ? ' on' : ` to ${endsOn}`}`],
    ['But not', exceptions.join(', ')],
    ['And besides', extra.length > 0 ? countWords(extra.length, 'extra window') : ''],
    ['Grace', earlyMinutes + lateMinutes === 0 ? '' : `${earlyMinutes} min before, ${lateMinutes} min after`],
    ['Time zone', `${zoneWords(timezone)} (${timezone})`],
    ['PIN', pinWords(schedule)],
  ].filter((fact): fact is [string, Html | string] => fact[1] !== '' && fact[1] !== null);
  return html`<dl class="about">${facts.map(([what, text]) => html`<dt>${what}</dt><dd>${text}</dd>`)}</dl>`;
}

function doorNames(doors: readonly NamedDoor[]): Html {
  const rest = doors.length - namesShown;
  return html`${doors
    .slice(0, namesShown)
    .map(({ deviceId, name }, index) => [
      index > 0 && ', ',
      html`<a href="${doorPath(deviceId)}">${nameTag(name)}</a>`,
    ])}${rest > 0 && ` and ${countWords(rest, 'other door')}`}`;
}

function pinWords({ pinPolicy, allowOtherPin }: Schedule): string {
  const policies = {
    keep: 'one PIN for every window',
    rotate: 'a new PIN for each window',
    given: 'one PIN for every window, which somebody chose',
  };
  return `${policies[pinPolicy]}${allowOtherPin ? '; another one may be handed out where it is refused' : ''}`;
}

async function coming(call: PageCall, schedule: Schedule, doors: readonly NamedDoor[]): Promise<Html> {
  const { deps, now } = call;
  const found = await comingWindows(deps, schedule.key, { from: now, count: comingShown }).catch((error: unknown) => {
    if (error instanceof UserError && error.code === 'doors_differ') return null;
    throw error;
  });
  const groups = found?.doors ?? [];
  const rest = groups.length - groupsShown;
  return html`<section aria-labelledby="coming"><h2 id="coming">Next windows</h2>
${found === null && html`<p class="none">Its doors differ in too many ways to list: see the week of each.</p>`}
${groups.slice(0, groupsShown).map((group) => comingAt(group, groups.length > 1, call, schedule, doors))}
${rest > 0 && html`<p class="fine">${countWords(rest, 'other group')} of doors open at other times.</p>`}
</section>`;
}

function comingAt(
  { deviceIds, windows }: DoorWindows,
  isNamed: boolean,
  { now }: PageCall,
  { status, timezone }: Schedule,
  doors: readonly NamedDoor[],
): Html {
  const names = doors.filter(({ deviceId }) => deviceIds.includes(deviceId));
  return html`${isNamed && html`<h3>${doorNames(names)}</h3>`}
${windows.length === 0 && html`<p class="none">${status === 'active' ? 'None is left.' : `None: the schedule ${status === 'paused' ? 'is paused' : 'has ended'}.`}</p>`}
<ul class="coming">${windows.map(
    (window, index) =>
      html`<li>${timeTag(window.startsAt, spanWords(timezone, window, now))}${
        index === 0 && html`, ${leftWords(window, now)}`
      } <span class="fine">${window.why}</span></li>`,
  )}</ul>`;
}

function doorWeek({ deviceId, name }: NamedDoor, line: WeekLine, week: ShownWeek, now: Date, isOnly: boolean): Html {
  const { days, timezone } = week;
  const drawing = weekDrawing({ days, timezone, tracks: [{ name: null, line }], now });
  if (isOnly) return drawing;
  const gaps = line.facts.filter(({ kind }) => kind === 'gap').length;
  const closed = line.facts.filter(({ kind }) => kind === 'closed').length;
  const notes = [gaps > 0 ? countWords(gaps, 'gap') : '', closed > 0 ? `${closed} closed` : ''].filter(
    (text) => text !== '',
  );
  return html`<details class="door-week" id="week-${deviceId}" open><summary><h3>${nameTag(name)}</h3>${
    notes.length > 0 && html` <span class="fine">${notes.join(', ')}</span>`
  }</summary>
${drawing}</details>`;
}

function doorPager(
  doors: readonly NamedDoor[],
  from: number,
  pathTo: (changes: Readonly<Record<string, string | null>>) => string,
): Html {
  const at = (index: number): string => pathTo({ door: doors[index]?.deviceId ?? null });
  return html`<nav class="pager" aria-label="Pages of doors">
${from > 0 && html`<a rel="prev" href="${at(Math.max(0, from - doorsShown))}#week">Doors before</a>`}
<span class="fine">Doors ${from + 1} to ${Math.min(doors.length, from + doorsShown)} of ${doors.length}</span>
${from + doorsShown < doors.length && html`<a rel="next" href="${at(from + doorsShown)}#week">Doors after</a>`}
</nav>`;
}
