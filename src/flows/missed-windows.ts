// Windows that passed while nobody looked: an outage of our own. Each gets a row, so that it is told once, and an alert.
import type { Logger } from 'pino';
import { newMarker } from '../core/access-code.ts';
import { calendarOf, type Schedule } from '../core/schedule.ts';
import { type Blackout, type Window, windowsFrom } from '../core/windows.ts';
import { insertPassed, type PlannedUntil, plannedUntil } from '../db/access-codes.ts';
import type { Tx } from '../db/client.ts';
import { type KnownDevice, loadDevices } from '../db/devices.ts';
import { loadDoorBlackouts } from '../db/door-blackouts.ts';
import { type HistoryEntry, insertDoorHistory } from '../db/history.ts';
import { inBatches } from '../db/in-batches.ts';
import { markerPrefixOf } from '../db/installation.ts';
import { type Door, describeWindow, entryFor, windowDetail } from './door.ts';
import type { FlowDeps } from './flow-deps.ts';
import { logEntry } from './record.ts';

// Mostly there is none; after a long outage there are many.
const [firstPage, nextPages] = [4, 100];
const reason = 'nothing was planned at the time: Relatch was not running';

/** Windows that passed since the last planned one, or since the schedule was changed, without anybody looking. */
export async function unservedWindows(tx: Tx, door: Door): Promise<readonly Window[]> {
  const { now, codes } = door.input;
  if (!door.isServed || codes.some((code) => code.windowEndsAt > now && code.reason !== 'not_planned')) return [];
  const [planned] = await plannedUntil(tx, [door.key]);
  return planned === undefined ? [] : unservedSince(planned, door.schedule, door.blackouts, now);
}

export async function recordUnserved(deps: FlowDeps, door: Door): Promise<void> {
  const windows = await unservedWindows(deps.db.prisma, door);
  // In transactions that end in time; a next job goes on from the last window that was recorded.
  await inBatches(windows, async (some) => {
    const entries = await deps.db.prisma.$transaction((tx) => recordMissed(tx, deps, [{ door, windows: some }]));
    logMissed(deps.log, entries);
  });
}

/** Tells the log what was recorded as missed, in one line for each door: after a long outage there are tens of thousands. */
export function logMissed(log: Logger, entries: readonly HistoryEntry[]): void {
  const byDoor = Map.groupBy(entries, ({ scheduleId, deviceId }) => `${scheduleId}:${deviceId}`);
  for (const [first, ...others] of byDoor.values()) {
    if (first === undefined) continue;
    const more = others.length === 0 ? '' : ` So it is with ${others.length} more of its windows since.`;
    logEntry(log, { ...first, message: first.message + more, detail: { ...first.detail, windows: 1 + others.length } });
  }
}

/**
 * Settles the past of schedules under the rules that held in it, before others take their place.
 * @returns what was recorded, to be logged once it is committed
 */
export async function settlePast(
  tx: Tx,
  deps: Pick<FlowDeps, 'random'>,
  schedules: readonly Schedule[],
  now: Date,
): Promise<HistoryEntry[]> {
  const byId = new Map(schedules.filter(({ status }) => status === 'active').map((one) => [one.id, one]));
  const keys = [...byId.values()].flatMap(({ id: scheduleId, devices }) =>
    devices.map(({ deviceId }) => ({ scheduleId, deviceId })),
  );
  const behind = (await plannedUntil(tx, keys)).filter(({ lastEndsAt }) => lastEndsAt === null || lastEndsAt < now);
  // Without a service there was no plan yet, and no name to give its codes.
  const markerPrefix = behind.length === 0 ? null : await markerPrefixOf(tx);
  if (markerPrefix === null) return [];
  const deviceIds = [...new Set(behind.map(({ deviceId }) => deviceId))];
  const blackouts = await loadDoorBlackouts(tx, deviceIds);
  const devices = await loadDevices(tx, deviceIds);
  const unserved = behind.flatMap((planned): Unserved[] => {
    const schedule = byId.get(planned.scheduleId);
    if (schedule === undefined) return [];
    const closed = blackouts.get(planned.deviceId) ?? [];
    const device = devices.get(planned.deviceId) ?? null;
    const windows = unservedSince(planned, schedule, closed, now);
    return [{ door: doorOf(schedule, planned, device, closed, now), windows }];
  });
  return recordMissed(tx, { ...deps, markerPrefix }, unserved);
}

/** A door, and windows that passed on it. */
interface Unserved {
  readonly door: Door;
  readonly windows: readonly Window[];
}

/** Gives each window a row; tells of those that had none. There may be tens of thousands. */
async function recordMissed(
  tx: Tx,
  { markerPrefix, random }: Pick<FlowDeps, 'markerPrefix' | 'random'>,
  unserved: readonly Unserved[],
): Promise<HistoryEntry[]> {
  const passed = unserved.flatMap(({ door, windows }) => {
    const { generation, now } = door.input;
    return windows.map((window) => {
      return { ...door.key, door, window, generation, marker: newMarker(markerPrefix, random), now };
    });
  });
  const entries = (await insertPassed(tx, passed, reason)).map(({ door, window }) => missedEntry(door, window));
  await insertDoorHistory(tx, 'window.missed', entries);
  return entries;
}

function unservedSince(
  { lastEndsAt, changedAt }: PlannedUntil,
  schedule: Schedule,
  blackouts: readonly Blackout[],
  now: Date,
): readonly Window[] {
  const from = lastEndsAt !== null && lastEndsAt > changedAt ? lastEndsAt : changedAt;
  const calendar = calendarOf(schedule, blackouts);
  const unserved: Window[] = [];
  for (let since = from, size = firstPage; since < now; size = nextPages) {
    const page = windowsFrom(calendar, since, size);
    unserved.push(
      ...page.filter(({ startsAt, endsAt }) => endsAt <= now && (lastEndsAt === null || startsAt >= lastEndsAt)),
    );
    const last = page.at(-1);
    if (last === undefined || page.length < size) break;
    since = last.endsAt;
  }
  return unserved;
}

/** A door as it was before a change, as far as sentences and rows need it. */
function doorOf(
  schedule: Schedule,
  { scheduleId, deviceId }: PlannedUntil,
  device: KnownDevice | null,
  blackouts: readonly Blackout[],
  now: Date,
): Door {
  const generation = schedule.devices.find((one) => one.deviceId === deviceId)?.generation ?? 0;
  const input = { windows: [], codes: [], generation, rotates: schedule.pinPolicy === 'rotate', now };
  return { key: { scheduleId, deviceId }, schedule, device, blackouts, isServed: true, input };
}

function missedEntry(door: Door, window: Window): HistoryEntry {
  // Windows of one outage are one cause, those of the next another.
  const aspect = door.input.now.toISOString();
  const message = `No code for ${describeWindow(door, window)}: ${reason}.`;
  return entryFor(door, 'window.missed', message, { alert: true, aspect, detail: windowDetail(window) });
}
