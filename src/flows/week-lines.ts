// A week of schedules on doors, as `weekLine` tells it. Reads only.
import type { Schedule } from '../core/schedule.ts';
import type { DateSpan } from '../core/spans.ts';
import { type WeekLine, weekLine } from '../core/week-line.ts';
import { loadDoorBlackouts } from '../db/door-blackouts.ts';
import { codesOfWeek, livesOfSchedules } from '../db/week.ts';
import type { FlowDeps } from './flow-deps.ts';

/** A schedule on a door, which may have left it. */
export interface ScheduleAtDoor {
  readonly schedule: Schedule;
  readonly deviceId: string;
}

/** A line for each, in their order. Moments are told in the week's zone, if it has one. */
export async function weekLines(
  { db }: Pick<FlowDeps, 'db'>,
  doors: readonly ScheduleAtDoor[],
  week: DateSpan & { readonly timezone?: string },
  now: Date,
): Promise<WeekLine[]> {
  const { prisma } = db;
  const keys = doors.map(({ schedule, deviceId }) => ({ scheduleId: schedule.id, deviceId }));
  const codes = Map.groupBy(await codesOfWeek(prisma, keys, week), (row) => `${row.scheduleId} ${row.deviceId}`);
  const blackouts = await loadDoorBlackouts(prisma, [...new Set(keys.map(({ deviceId }) => deviceId))]);
  const lives = await livesOfSchedules(prisma, [...new Set(keys.map(({ scheduleId }) => scheduleId))], week);
  return doors.map(({ schedule, deviceId }) => {
    const { createdAt, statuses } = lives.get(schedule.id) ?? { createdAt: now, statuses: [] };
    return weekLine({
      schedule,
      deviceId,
      doorBlackouts: blackouts.get(deviceId) ?? [],
      codes: codes.get(`${schedule.id} ${deviceId}`) ?? [],
      statuses,
      createdAt,
      week,
      timezone: week.timezone,
      now,
    });
  });
}
