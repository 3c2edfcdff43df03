// Holds what really happened at the simulated locks against what should have: to the second, by the simulator's own record of
// when which PIN opened which door.
import { z } from 'zod';
import type { Schedule } from '../core/schedule.ts';
import type { Db } from '../db/client.ts';
import { loadSchedule } from '../db/schedules.ts';
import type { Simulator } from '../simulator/simulator.ts';
import { type DueWindow, dueWindows } from './due-windows.ts';

export interface AuditRow {
  readonly schedule: string;
  readonly door: string;
  readonly windowsDue: number;
  readonly windowsCovered: number;
  /** Minutes of due windows in which no code opened the door. */
  readonly gapMinutes: number;
  /** Pairs of codes that opened the door for one schedule at one time, and windows that had more than one code. */
  readonly doubleCodes: number;
  /** Codes that were asked of Seam for times outside the windows, or opened the door outside them. */
  readonly outside: number;
}

interface Opening {
  readonly accessCodeId: string;
  readonly from: number;
  readonly until: number;
}

// A lock that knows no times keeps a code for the seconds that Seam takes to remove it. No service could do better.
const lockLagMs = 5_000;

/** One row per schedule and door, for the span of the demo. Windows in progress at its end count up to it. */
export async function audit(simulator: Simulator, db: Db, from: Date, to: Date): Promise<AuditRow[]> {
  const [ids, owned] = await Promise.all([
    db.prisma.schedule.findMany({ select: { id: true }, orderBy: { key: 'asc' } }),
    db.prisma.accessCode.findMany({ where: { accessCodeId: { not: null } } }),
  ]);
  const rows: AuditRow[] = [];
  const names = new Map((await db.prisma.device.findMany()).map(({ id, name }) => [id, name]));
  for (const { id } of ids) {
    const schedule = await loadSchedule(db.prisma, id);
    if (schedule === null) continue;
    for (const { deviceId } of schedule.devices) {
      const codes = new Set(
        owned.filter((code) => code.scheduleId === id && code.deviceId === deviceId).map((code) => code.accessCodeId),
      );
      rows.push(
        auditDoor(simulator, schedule, { deviceId, doorName: names.get(deviceId) ?? deviceId, codes }, { from, to }),
      );
    }
  }
  return rows;
}

/** Whether everything is as promised: each due window covered from start to end, by one code, and nothing beside them. */
export function isAsPromised(rows: readonly AuditRow[]): boolean {
  return rows.every(
    (row) =>
      row.windowsDue > 0 &&
      row.windowsCovered === row.windowsDue &&
      row.gapMinutes === 0 &&
      row.doubleCodes === 0 &&
      row.outside === 0,
  );
}

function auditDoor(
  simulator: Simulator,
  schedule: Schedule,
  { deviceId, doorName, codes }: { deviceId: string; doorName: string; codes: ReadonlySet<string | null> },
  span: { from: Date; to: Date },
): AuditRow {
  const windows = dueWindows(schedule, span.from, span.to);
  // A window that was in progress when everything started could not be covered from its start.
  const due = windows.filter(({ startsAt }) => startsAt >= span.from);
  const openings = simulator
    .intervals(deviceId)
    .filter((interval) => codes.has(interval.access_code_id))
    .map((interval) => ({
      accessCodeId: interval.access_code_id,
      from: interval.on_device_from.getTime(),
      until: (interval.off_device_at ?? span.to).getTime(),
    }));
  const gapsMs = due.map((window) => gapMs(clipped(window, span), openings));
  const codesPerWindow = due.map((window) => codesIn(window, openings));
  return {
    schedule: schedule.name,
    door: doorName,
    windowsDue: due.length,
    windowsCovered: gapsMs.filter((gap) => gap === 0).length,
    gapMinutes: Math.round((gapsMs.reduce((sum, gap) => sum + gap, 0) / 60_000) * 10) / 10,
    doubleCodes: codesPerWindow.filter((count) => count > 1).length,
    outside:
      openings.filter((opening) => !windows.some((window) => isInside(opening, window))).length +
      askedOutside(simulator, schedule, deviceId, dueWindows(schedule, span.from, farAfter(span.to))),
  };
}

function clipped({ startsAt, endsAt }: DueWindow, { from, to }: { from: Date; to: Date }): [number, number] {
  return [Math.max(startsAt.getTime(), from.getTime()), Math.min(endsAt.getTime(), to.getTime())];
}

function gapMs([start, end]: [number, number], openings: readonly Opening[]): number {
  let covered = start;
  let gap = 0;
  for (const { from, until } of [...openings].sort((a, b) => a.from - b.from)) {
    if (until <= covered || from >= end) continue;
    gap += Math.max(0, from - covered);
    covered = Math.max(covered, until);
  }
  return gap + Math.max(0, end - covered);
}

function codesIn({ startsAt, endsAt }: DueWindow, openings: readonly Opening[]): number {
  const inside = openings.filter(({ from, until }) => from < endsAt.getTime() && until > startsAt.getTime());
  return new Set(inside.map(({ accessCodeId }) => accessCodeId)).size;
}

function isInside({ from, until }: Opening, { startsAt, endsAt }: DueWindow): boolean {
  return from >= startsAt.getTime() && until <= endsAt.getTime() + lockLagMs;
}

/** How many codes were asked of Seam for this schedule and door with times that no due window holds. */
function askedOutside(
  simulator: Simulator,
  schedule: Schedule,
  deviceId: string,
  windows: readonly DueWindow[],
): number {
  const asked = simulator.requests.flatMap(({ path, params }) => {
    const request = CreateRequest.safeParse(params);
    return path === '/access_codes/create' && request.success ? [request.data] : [];
  });
  return asked
    .filter(({ device_id, name }) => device_id === deviceId && name.startsWith(`${schedule.name} `))
    .filter(({ starts_at, ends_at }) => {
      const [startsAt, endsAt] = [new Date(starts_at), new Date(ends_at)];
      return !windows.some((window) => startsAt >= window.startsAt && endsAt <= window.endsAt);
    }).length;
}

const CreateRequest = z.object({ device_id: z.string(), name: z.string(), starts_at: z.string(), ends_at: z.string() });

function farAfter(at: Date): Date {
  return new Date(at.getTime() + 30 * 86_400_000);
}
