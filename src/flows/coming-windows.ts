// The next windows of a schedule and why each is as it is, by door where the doors' own blackouts differ.
import { UserError } from '../core/errors.ts';
import { calendarOf, type Schedule } from '../core/schedule.ts';
import { causesOf, describeCauses } from '../core/window-causes.ts';
import { type Window, windowsFrom } from '../core/windows.ts';
import { loadDoorBlackouts } from '../db/door-blackouts.ts';
import { loadSchedulesByKeys } from '../db/schedules.ts';
import type { FlowDeps } from './flow-deps.ts';

/** Doors that open at the same times. */
export interface DoorWindows {
  readonly deviceIds: readonly string[];
  readonly windows: readonly (Window & { readonly why: string })[];
}

export interface WindowsWanted {
  /** Only windows that end after it. */
  readonly from: Date;
  readonly count: number;
  /** Of this door alone. */
  readonly deviceId?: string | undefined;
}

const groupsMax = 20;

/**
 * The windows of each door; none where the schedule is paused or ended. Null where there is no such schedule.
 * @throws UserError where so many doors differ that one must be named
 */
export async function comingWindows(
  { db }: Pick<FlowDeps, 'db'>,
  key: string,
  { from, count, deviceId }: WindowsWanted,
): Promise<{ readonly schedule: Schedule; readonly doors: readonly DoorWindows[] } | null> {
  const [schedule] = await loadSchedulesByKeys(db.prisma, [key]);
  if (schedule === undefined) return null;
  const all = schedule.devices.map((door) => door.deviceId);
  const deviceIds = deviceId === undefined ? all : all.filter((one) => one === deviceId);
  if (deviceIds.length === 0)
    throw new UserError('device_not_of_schedule', `The schedule ${key} is not on device ${deviceId}.`);
  const blackouts = await loadDoorBlackouts(db.prisma, deviceIds);
  const groups = Map.groupBy(deviceIds, (one) => JSON.stringify(blackouts.get(one) ?? []));
  if (groups.size > groupsMax) {
    const message = `The doors of ${key} differ in ${groups.size} ways: name one device.`;
    throw new UserError('doors_differ', message);
  }
  const doors = [...groups.values()].map((group): DoorWindows => {
    if (schedule.status !== 'active') return { deviceIds: group, windows: [] };
    const calendar = calendarOf(schedule, blackouts.get(group[0] ?? '') ?? []);
    const windows = windowsFrom(calendar, from, count);
    return {
      deviceIds: group,
      windows: windows.map((window) => ({ ...window, why: describeCauses(causesOf(calendar, window)) })),
    };
  });
  return { schedule, doors };
}
