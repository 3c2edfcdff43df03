import { calendarOf, type Schedule } from '../core/schedule.ts';
import { type Blackout, type Window, windowsFrom } from '../core/windows.ts';
import { loadDoorBlackouts } from '../db/door-blackouts.ts';
import type { CliTool } from './command.ts';
import { spanIn } from './output.ts';

type Doors = ReadonlyMap<string, readonly Blackout[]>;

/** The doors of these schedules with the blackouts of their own. */
export function doorsOf({ db }: Pick<CliTool, 'db'>, schedules: readonly Schedule[]): Promise<Doors> {
  const deviceIds = schedules.flatMap(({ devices }) => devices.map(({ deviceId }) => deviceId));
  return loadDoorBlackouts(db.prisma, [...new Set(deviceIds)]);
}

/** The earliest window of an active schedule on any of its doors that is not over. */
export function nextWindow(schedule: Schedule, doors: Doors, now: Date): Window | null {
  const [first] = nextByDoor(schedule, doors, now)
    .flatMap(({ window }) => window ?? [])
    .sort((a, b) => a.startsAt.getTime() - b.startsAt.getTime());
  return schedule.status === 'active' && first !== undefined ? first : null;
}

/** "next window Tue 1 Dec 2026 09:00–17:00 (America/New_York)"; for each door where blackouts make a difference. */
export function outlook(schedule: Schedule, doors: Doors, now: Date): string {
  if (schedule.status !== 'active') return schedule.status;
  const texts = nextByDoor(schedule, doors, now).map(({ deviceId, window }) => {
    return { deviceId, text: window === undefined ? 'no window is left' : describe(window, schedule.timezone, now) };
  });
  if (new Set(texts.map(({ text }) => text)).size === 1) return texts[0]?.text ?? 'no door';
  return texts.map(({ deviceId, text }) => `${deviceId} ${text}`).join('; ');
}

function nextByDoor(schedule: Schedule, doors: Doors, now: Date) {
  return schedule.devices.map(({ deviceId }) => {
    const [window] = windowsFrom(calendarOf(schedule, doors.get(deviceId) ?? []), now, 1);
    return { deviceId, window };
  });
}

function describe(window: Window, timezone: string, now: Date): string {
  const name = window.startsAt <= now ? 'window in progress' : 'next window';
  return `${name} ${spanIn(timezone, window)} (${timezone})`;
}
