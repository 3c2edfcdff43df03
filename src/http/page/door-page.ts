// One door: who can open it now, the week of all schedules on it, what needs a person, and its story.
import type { Schedule } from '../../core/schedule.ts';
import { isTimeZone } from '../../core/zone.ts';
import { type KnownDevice, loadDevice } from '../../db/devices.ts';
import { codesAtDoors, type OverviewCode } from '../../db/door-overview.ts';
import { listSchedules, loadSchedulesByKeys } from '../../db/schedules.ts';
import { isDeviceUsed } from '../../db/views.ts';
import { weekLines } from '../../flows/week-lines.ts';
import { Problem } from '../problem.ts';
import { alertsSection, readAlerts } from './alerts-section.ts';
import { type Around, codeLine } from './doors-section.ts';
import { type Html, html } from './html.ts';
import type { PageAnswer, PageCall, PageRoute } from './page-route.ts';
import { doorPath, pathWith, schedulePath } from './paths.ts';
import { readStory, storySection } from './story-section.ts';
import { weekDrawing } from './week-drawing.ts';
import { weekLegend } from './week-legend.ts';
import { weekAsked, weekHeading } from './week-section.ts';
import { countWords, doorWords, lengthWords, nameTag, whoWords } from './words.ts';

const schedulesShown = 25;
const codesShown = 60;

/** What the address of the page may hold. */
const parameters = ['week', 'from', 'before', 'after'] as const;

export const doorPages: readonly PageRoute[] = [{ method: 'get', path: '/doors/:id', run: showDoor }];

async function showDoor(call: PageCall): Promise<PageAnswer> {
  const { deps, now, params, query, signedIn } = call;
  const { prisma } = deps.db;
  const deviceId = params['id'] ?? '';
  const device = await loadDevice(prisma, deviceId);
  if (device === null && !(await isDeviceUsed(prisma, deviceId)))
    throw new Problem(404, 'device_unknown', 'There is no such door', {
      detail: 'No schedule has a device of this id, and Seam has not told of one: see the list of doors.',
    });
  const after = query.get('from') ?? undefined;
  const found = await listSchedules(prisma, { deviceId }, { after, limit: schedulesShown + 1 });
  const codes = await codesAtDoors(prisma, [deviceId], codesShown);
  const own = found.slice(0, schedulesShown);
  const schedules = after === undefined ? [...own, ...(await leaving(call, deviceId, codes))] : own;
  const timezone = zoneOf(device, schedules);
  const week = weekAsked(call, timezone);
  const lines = await weekLines(
    deps,
    schedules.map((schedule) => ({ schedule, deviceId })),
    week,
    now,
  );
  const tracks = schedules.flatMap(({ name }, index) => {
    const line = lines[index];
    return line === undefined || line.facts.length === 0 ? [] : [{ name, line }];
  });
  const alerts = await readAlerts(deps, now, { deviceId });
  const story = await readStory(call, { deviceId }, timezone);
  const pathTo = (changes: Readonly<Record<string, string | null>>): string =>
    pathWith(doorPath(deviceId), query, parameters, changes);
  const around = { signedIn, now, here: pathTo({}), zone: null };
  const name = doorWords(device?.name ?? null);
  const body = html`<h1>${nameTag(name)}</h1>
${awayLine(device, now)}
${alertsSection(alerts, around)}
${nowAndNext(codes, around)}
<section aria-labelledby="week">
${weekHeading(week, (monday) => pathTo({ week: monday, before: null, after: null }))}
${schedules.length === 0 && html`<p class="none">No schedule has this door.</p>`}
${schedules.length > 0 && html`<p>${schedules.map((schedule, index) => [index > 0 && ', ', scheduleLink(schedule)])}</p>`}
${tracks.length > 0 && html`${weekDrawing({ days: week.days, timezone, tracks, now })}${weekLegend(tracks, week.days)}`}
${tracks.length === 0 && schedules.length > 0 && html`<p class="none">Nothing opens it this week.</p>`}
${schedulePager(own, found.length > schedulesShown, after !== undefined, pathTo)}
</section>
${storySection(story, (part) => pathTo({ before: null, after: null, ...part }))}`;
  return { title: name, body, updates: story.newerThan === null && week.isNow };
}

/** Schedules that left the door, or it them, whose codes are not gone yet. */
async function leaving(
  { deps }: PageCall,
  deviceId: string,
  codes: readonly OverviewCode[],
): Promise<readonly Schedule[]> {
  const keys = [...new Set(codes.map(({ scheduleKey }) => scheduleKey))].slice(0, schedulesShown);
  const found = keys.length === 0 ? [] : await loadSchedulesByKeys(deps.db.prisma, keys);
  return found.filter(({ devices }) => !devices.some((door) => door.deviceId === deviceId));
}

/** That of most of its schedules; else the device's own, as Seam tells it. */
function zoneOf(device: KnownDevice | null, schedules: readonly Schedule[]): string {
  const zones = [...Map.groupBy(schedules, ({ timezone }) => timezone)].sort(([, a], [, b]) => b.length - a.length);
  const own = device?.timezone ?? 'UTC';
  return zones[0]?.[0] ?? (isTimeZone(own) ? own : 'UTC');
}

function awayLine(device: KnownDevice | null, now: Date): Html | null {
  if (device === null || device.awaySince === null) return null;
  const length = lengthWords(now.getTime() - device.awaySince.getTime());
  const what = {
    removed: 'Seam no longer has it',
    account: 'Its account is disconnected from Seam',
    disconnected: 'Seam cannot reach it',
  }[device.awayBecause ?? 'disconnected'];
  return html`<p class="notice bad">${what ?? 'Seam cannot reach it'}, for ${length}.</p>`;
}

function nowAndNext(codes: readonly OverviewCode[], around: Around): Html {
  const { now } = around;
  const live = codes.filter(({ windowStartsAt, windowEndsAt }) => windowStartsAt <= now && windowEndsAt > now);
  return html`<section aria-labelledby="now"><h2 id="now">Now</h2>
${live.length === 0 && html`<p class="none">Nobody is to open it now.</p>`}
${live.map((code) => codeLine(code, around))}
</section>`;
}

function scheduleLink({ key, name, holder, status }: Schedule): Html {
  return html`<a href="${schedulePath(key)}">${nameTag(whoWords({ name, holder }))}</a>${status !== 'active' && ` (${status})`}`;
}

function schedulePager(
  shown: readonly Schedule[],
  hasMore: boolean,
  hasBefore: boolean,
  pathTo: (changes: Readonly<Record<string, string | null>>) => string,
): Html | null {
  const last = shown.at(-1);
  if (!hasMore && !hasBefore) return null;
  return html`<nav class="pager" aria-label="Pages of schedules">
${hasBefore && html`<a href="${pathTo({ from: null })}#week">First schedules</a>`}
<span class="fine">${countWords(shown.length, 'schedule')} by key</span>
${hasMore && last !== undefined && html`<a rel="next" href="${pathTo({ from: last.key })}#week">Schedules after</a>`}
</nav>`;
}
