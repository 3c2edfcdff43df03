// What a week of some doors is read from. Reads only; a week costs what a week costs, however long a door has been there.
import type { Schedule } from '../core/schedule.ts';
import { notReadyEvents, readyEvents } from '../core/seam-event-types.ts';
import { heldUntilLost, type LockReport } from '../core/week-gap.ts';
import type { StatusSet, WeekCode } from '../core/week-line.ts';
import type { Window } from '../core/windows.ts';
import type { Tx } from './client.ts';
import type { PlanKey } from './queue.ts';

const dayMs = 86_400_000;
/** A code is on the lock for so long before its window at the most, see `aheadMs`. */
const earlyMs = 15 * dayMs;
/** One that is not gone so long after its window has not ended, and is found by that. */
const lateMs = 15 * dayMs;
const codesMax = 5_000;
const reportsMax = 20_000;
const statusesMax = 100;

/** A row, and whose it is. */
export interface WeekRow extends WeekCode, PlanKey {
  readonly id: string;
}

/** Rows of these doors whose window or time on the lock may reach into a span. */
export async function codesOfWeek(tx: Tx, doors: readonly PlanKey[], { startsAt, endsAt }: Window): Promise<WeekRow[]> {
  if (doors.length === 0) return [];
  const rows = await tx.accessCode.findMany({
    where: {
      OR: doors.map(({ scheduleId, deviceId }) => ({
        scheduleId,
        deviceId,
        windowEndsAt: { gt: new Date(startsAt.getTime() - lateMs) },
        windowStartsAt: { lt: new Date(endsAt.getTime() + earlyMs) },
      })),
      AND: { OR: [{ nextTryAt: { not: null } }, { windowEndsAt: { gt: startsAt } }, { removedAt: { gt: startsAt } }] },
    },
    select: {
      id: true,
      scheduleId: true,
      deviceId: true,
      windowStartsAt: true,
      windowEndsAt: true,
      generation: true,
      state: true,
      confirmedStartsAt: true,
      confirmedEndsAt: true,
      deviceAwaySince: true,
      readyAt: true,
      removedAt: true,
      createdAt: true,
      reason: true,
      accessCodeId: true,
    },
    orderBy: { windowStartsAt: 'asc' },
    take: codesMax,
  });
  const reports = await lockReports(
    tx,
    rows.flatMap(({ accessCodeId }) => accessCodeId ?? []),
  );
  return rows.map((row) => ({ ...row, heldBefore: heldUntilLost(reports.get(row.accessCodeId ?? '') ?? []) }));
}

/** What Seam said of codes that their locks lost, as far as it is kept, in the order in which it happened. */
async function lockReports(tx: Tx, ids: readonly string[]): Promise<ReadonlyMap<string, readonly LockReport[]>> {
  const lost = await tx.inboxEvent.findMany({
    where: { accessCodeId: { in: [...ids] }, eventType: { in: [...notReadyEvents] } },
    select: { accessCodeId: true },
    distinct: ['accessCodeId'],
  });
  if (lost.length === 0) return new Map();
  const events = await tx.inboxEvent.findMany({
    where: {
      accessCodeId: { in: lost.flatMap(({ accessCodeId }) => accessCodeId ?? []) },
      eventType: { in: [...readyEvents, ...notReadyEvents] },
    },
    select: { accessCodeId: true, eventType: true, occurredAt: true },
    orderBy: { occurredAt: 'asc' },
    take: reportsMax,
  });
  const reports = events.flatMap(({ accessCodeId, eventType, occurredAt }) =>
    accessCodeId === null || eventType === null || occurredAt === null ? [] : [{ accessCodeId, eventType, occurredAt }],
  );
  return Map.groupBy(reports, ({ accessCodeId }) => accessCodeId);
}

/** When a schedule was made, and what its status became within a span and last before it, oldest first. */
export interface ScheduleLife {
  readonly createdAt: Date;
  readonly statuses: readonly StatusSet[];
}

/** By id. */
export async function livesOfSchedules(
  tx: Tx,
  ids: readonly string[],
  { startsAt, endsAt }: Window,
): Promise<ReadonlyMap<string, ScheduleLife>> {
  const rows = await tx.schedule.findMany({ where: { id: { in: [...ids] } }, select: { id: true, createdAt: true } });
  const statuses = await tx.$queryRaw<
    { schedule_id: string; at: Date; status: Schedule['status']; by: string | null }[]
  >`
    select h.*
      from unnest(${[...ids]}::uuid[]) as one(id)
     cross join lateral (
       select schedule_id, at, detail ->> 'by' as by, change ->> 'to' as status
         from history, lateral jsonb_array_elements(
                case jsonb_typeof(detail -> 'changes') when 'array' then detail -> 'changes' else '[]' end) change
        where schedule_id = one.id and device_id is null and at < ${endsAt} and kind = 'schedule.changed'
          and change ->> 'field' = 'status' and change ->> 'to' in ('active', 'paused', 'ended')
        order by at desc, history.id desc
        limit ${statusesMax}) h
     order by h.at`;
  const bySchedule = Map.groupBy(statuses, (row) => row.schedule_id);
  return new Map(
    rows.map(({ id, createdAt }) => {
      const all = bySchedule.get(id) ?? [];
      const first = all.findLastIndex(({ at }) => at <= startsAt);
      const told = all.slice(Math.max(0, first)).map(({ at, status, by }) => ({ at, status, by }));
      return [id, { createdAt, statuses: told }];
    }),
  );
}

/** The windows of codes, by the codes' ids, as far as their rows are kept. */
export async function windowsOfCodes(tx: Tx, ids: readonly string[]): Promise<ReadonlyMap<string, Window>> {
  const rows = await tx.accessCode.findMany({
    where: { id: { in: [...new Set(ids)] } },
    select: { id: true, windowStartsAt: true, windowEndsAt: true },
  });
  return new Map(rows.map((row) => [row.id, { startsAt: row.windowStartsAt, endsAt: row.windowEndsAt }]));
}
