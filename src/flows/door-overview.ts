// A page of doors: who can open each now, what comes next, and how it stands. What is not in rows of codes is worked out for the
// doors of the page only.
import { plannedAt } from '../core/closed-because.ts';
import { type DoorState, doorState, type PlannedSchedule } from '../core/door-state.ts';
import { calendarOf, type Schedule } from '../core/schedule.ts';
import { type Blackout, type Window, windowsFrom } from '../core/windows.ts';
import { loadDoorBlackouts } from '../db/door-blackouts.ts';
import {
  codesAtDoors,
  type DoorsWanted,
  endedInWindow,
  listDoors,
  type OverviewCode,
  type OverviewDoor,
  schedulesAtDoors,
} from '../db/door-overview.ts';
import { listSchedules, loadSchedulesByIds } from '../db/schedules.ts';
import type { FlowDeps } from './flow-deps.ts';

/** A window to come, and whose it is. */
export interface ComingWindow extends Window {
  readonly schedule: Pick<Schedule, 'key' | 'name' | 'holder' | 'timezone'>;
  /** Its code, where one is planned already. */
  readonly code: OverviewCode | null;
}

export interface DoorOutlook extends OverviewDoor {
  readonly state: DoorState;
  /** Codes whose windows go on. */
  readonly live: readonly OverviewCode[];
  /** Codes that are to go: their windows are over, or closed. */
  readonly leaving: readonly OverviewCode[];
  readonly next: ComingWindow | null;
}

type OverviewDeps = Pick<FlowDeps, 'db' | 'now'>;

const codesPerDoor = 8;
// Where a door has more, some of them are live or next, and tell enough.
const schedulesPerDoor = 4;

/** Doors by name, as `listDoors` has them, and whether more follow. */
export async function overviewOfDoors(
  { db, now: clock }: OverviewDeps,
  { limit, ...wanted }: DoorsWanted,
): Promise<{ readonly doors: readonly DoorOutlook[]; readonly total: number; readonly hasMore: boolean }> {
  const { prisma } = db;
  const now = clock();
  const { doors: found, total } = await listDoors(prisma, { ...wanted, limit: limit + 1 });
  const doors = found.slice(0, limit);
  const ids = doors.map(({ deviceId }) => deviceId);
  const codes = Map.groupBy(await codesAtDoors(prisma, ids, codesPerDoor), ({ deviceId }) => deviceId);
  const byRows = doors.map((door) => ({ door, ...sorted(codes.get(door.deviceId) ?? [], now) }));
  const unclear = byRows.flatMap(({ door, live, next }) => (live.length === 0 || next === null ? [door.deviceId] : []));
  const schedules = await schedulesOf(prisma, unclear, now);
  return {
    doors: byRows.map(({ door, live, leaving, next }) => {
      const planned = schedules.get(door.deviceId) ?? [];
      const state = doorState(live, door.alerts, live.length === 0 ? planned : []);
      return { ...door, state, live, leaving, next: next ?? earliest(planned) };
    }),
    total,
    hasMore: found.length > limit,
  };
}

function sorted(codes: readonly OverviewCode[], now: Date) {
  const isLeaving = ({ state, windowEndsAt }: OverviewCode): boolean =>
    state === 'removing' || (state === 'created' && windowEndsAt <= now);
  const staying = codes.filter((code) => !isLeaving(code));
  const live = staying.filter(({ windowStartsAt, windowEndsAt }) => windowStartsAt <= now && windowEndsAt > now);
  const code = staying.find(({ windowStartsAt }) => windowStartsAt > now);
  return { live, leaving: codes.filter(isLeaving), next: code === undefined ? null : comingOf(code) };
}

function comingOf(code: OverviewCode): ComingWindow {
  const { scheduleKey: key, scheduleName: name, holder, timezone } = code;
  return { startsAt: code.windowStartsAt, endsAt: code.windowEndsAt, schedule: { key, name, holder, timezone }, code };
}

interface AtDoor extends PlannedSchedule {
  readonly schedule: Schedule;
  readonly coming: Window | null;
}

async function schedulesOf(
  prisma: OverviewDeps['db']['prisma'],
  deviceIds: readonly string[],
  now: Date,
): Promise<ReadonlyMap<string, readonly AtDoor[]>> {
  const pairs = await schedulesAtDoors(prisma, deviceIds, schedulesPerDoor);
  const schedules = await loadSchedulesByIds(prisma, [...new Set(pairs.map(({ scheduleId }) => scheduleId))]);
  const byId = new Map(schedules.map((schedule) => [schedule.id, schedule]));
  const blackouts = await loadDoorBlackouts(prisma, deviceIds);
  const atDoors = pairs.flatMap((pair) => {
    const schedule = byId.get(pair.scheduleId);
    if (schedule === undefined) return [];
    const own = blackouts.get(pair.deviceId) ?? [];
    return [{ pair, schedule, planned: plannedAt(schedule, own, now), coming: comingAt(schedule, own, now) }];
  });
  const open = atDoors.filter(({ planned }) => planned.isOpen).map(({ pair }) => pair);
  const ended = await endedInWindow(prisma, open, now);
  const told = atDoors.map(({ pair, ...one }) => ({
    ...one,
    deviceId: pair.deviceId,
    ended: ended.get(`${pair.scheduleId} ${pair.deviceId}`) ?? null,
  }));
  return Map.groupBy(told, ({ deviceId }) => deviceId);
}

/** The next window that has not begun, of a schedule that opens any. */
function comingAt(schedule: Schedule, blackouts: readonly Blackout[], now: Date): Window | null {
  if (schedule.status !== 'active') return null;
  return windowsFrom(calendarOf(schedule, blackouts), now, 2).find(({ startsAt }) => startsAt > now) ?? null;
}

function earliest(schedules: readonly AtDoor[]): ComingWindow | null {
  const [first] = schedules
    .flatMap(({ schedule, coming }) => (coming === null ? [] : [{ ...coming, schedule, code: null }]))
    .sort((a, b) => a.startsAt.getTime() - b.startsAt.getTime());
  return first ?? null;
}

/** A schedule that was looked for. */
export interface FoundSchedule {
  readonly schedule: Schedule;
  /** In progress or to come, at whichever door opens first. */
  readonly window: Window | null;
}

/** Schedules whose key, name or holder holds a text. */
export async function findSchedules(
  { db, now: clock }: OverviewDeps,
  text: string,
  limit: number,
): Promise<readonly FoundSchedule[]> {
  const now = clock();
  const { prisma } = db;
  const found = await listSchedules(prisma, { text }, { limit });
  const doorsOf = ({ devices }: Schedule): string[] => devices.map(({ deviceId }) => deviceId);
  const blackouts = await loadDoorBlackouts(prisma, [...new Set(found.flatMap(doorsOf))]);
  return found.map((schedule) => {
    if (schedule.status !== 'active') return { schedule, window: null };
    const ways = Map.groupBy(doorsOf(schedule), (deviceId) => JSON.stringify(blackouts.get(deviceId) ?? []));
    const windows = [...ways.values()].flatMap(([deviceId = '']) =>
      windowsFrom(calendarOf(schedule, blackouts.get(deviceId) ?? []), now, 1),
    );
    const [first = null] = windows.sort((a, b) => a.startsAt.getTime() - b.startsAt.getTime());
    return { schedule, window: first };
  });
}
