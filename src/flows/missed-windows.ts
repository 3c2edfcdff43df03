// Windows that passed while nobody looked: an outage of our own. Each gets a row, so that it is told once, and an alert.
import { newMarker } from '../core/access-code.ts';
import { calendarOf, type Schedule } from '../core/schedule.ts';
import { type Blackout, type Window, windowsFrom } from '../core/windows.ts';
import { insertIntent, type PlannedUntil, plannedUntil } from '../db/access-codes.ts';
import type { Tx } from '../db/client.ts';
import { loadDevice } from '../db/devices.ts';
import { loadDoorBlackouts } from '../db/door-blackouts.ts';
import { type HistoryEntry, insertHistory } from '../db/history.ts';
import { markerPrefixOf } from '../db/installation.ts';
import { type Door, describeWindow, entryFor } from './door.ts';
import type { FlowDeps } from './flow-deps.ts';
import { commit } from './record.ts';

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
  for (const window of await unservedWindows(deps.db.prisma, door)) {
    await commit(deps, missedEntry(door, window), (tx) => insertMissed(tx, door, window, deps));
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
  const blackouts = await loadDoorBlackouts(tx, [...new Set(behind.map(({ deviceId }) => deviceId))]);
  const entries: HistoryEntry[] = [];
  for (const planned of behind) {
    const schedule = byId.get(planned.scheduleId);
    if (schedule === undefined) continue;
    const closed = blackouts.get(planned.deviceId) ?? [];
    const windows = unservedSince(planned, schedule, closed, now);
    if (windows.length === 0) continue;
    const door = await doorOf(tx, schedule, planned, closed, now);
    for (const window of windows) {
      if (!(await insertMissed(tx, door, window, { ...deps, markerPrefix }))) continue;
      const entry = missedEntry(door, window);
      await insertHistory(tx, entry);
      entries.push(entry);
    }
  }
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
async function doorOf(
  tx: Tx,
  schedule: Schedule,
  { scheduleId, deviceId }: PlannedUntil,
  blackouts: readonly Blackout[],
  now: Date,
): Promise<Door> {
  const device = await loadDevice(tx, deviceId);
  const generation = schedule.devices.find((one) => one.deviceId === deviceId)?.generation ?? 0;
  const input = { windows: [], codes: [], generation, rotates: schedule.pinPolicy === 'rotate', now };
  return { key: { scheduleId, deviceId }, schedule, device, blackouts, isServed: true, input };
}

function missedEntry(door: Door, window: Window): HistoryEntry {
  // Windows of one outage are one cause, those of the next another.
  const aspect = door.input.now.toISOString();
  const message = `No code for ${describeWindow(door, window)}: ${reason}.`;
  return entryFor(door, 'window.missed', message, { alert: true, aspect });
}

function insertMissed(
  tx: Tx,
  door: Door,
  window: Window,
  { markerPrefix, random }: Pick<FlowDeps, 'markerPrefix' | 'random'>,
): Promise<boolean> {
  const { generation, now } = door.input;
  const marker = newMarker(markerPrefix, random);
  return insertIntent(tx, { ...door.key, window, generation, marker, now, closedBecause: reason });
}
