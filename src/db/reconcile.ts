// What the reconciler reads, and the marks that it leaves on rows. It asks nothing of Seam that plan jobs could do.
import { isOpen } from '../core/access-code.ts';
import type { Window } from '../core/windows.ts';
import { type CodeChange, changeCode, type StoredCode, selectCodes } from './access-codes.ts';
import type { Db, Tx } from './client.ts';
import { Prisma } from './generated/client.ts';
import type { PlanKey } from './queue.ts';

// Any constant will do: it names the lock among the advisory locks of this database.
const lockKey = 7_215_003;

/**
 * Runs `pass` unless another replica is at it: null then. The lock belongs to a connection and not to a transaction, because a
 * pass calls Seam; it goes with its process. Whoever loses it goes on: each mark checks the row that it is for.
 */
export async function onlyOneReplica<T>(db: Db, pass: () => Promise<T>): Promise<T | null> {
  const client = await db.pool.connect();
  // Lent out, it has no other listener, and a broken connection would end the process.
  const ignore = (): void => undefined;
  client.on('error', ignore);
  let isBroken = true;
  try {
    const { rows } = await client.query<{ held: boolean }>('select pg_try_advisory_lock($1) as held', [lockKey]);
    isBroken = false;
    if (rows[0]?.held !== true) return null;
    isBroken = true;
    const result = await pass();
    await client.query('select pg_advisory_unlock($1)', [lockKey]);
    isBroken = false;
    return result;
  } finally {
    client.off('error', ignore);
    client.release(isBroken);
  }
}

/** What the database's clock says. */
export async function databaseNow({ pool }: Db): Promise<Date> {
  const { rows } = await pool.query<{ now: Date }>('select now()');
  if (rows[0] === undefined) throw new Error('the database told no time');
  return rows[0].now;
}

/** Devices that may have codes of ours, by id: of schedules that have not ended, and of codes that were of late. */
export async function devicesToCompare(tx: Tx, after: string, since: Date, limit: number): Promise<string[]> {
  const rows = await tx.$queryRaw<{ device_id: string }[]>`
    (select distinct d.device_id
       from schedule_devices d join schedules s on s.id = d.schedule_id and s.status <> 'ended'
      where d.device_id > ${after}
      order by d.device_id limit ${limit})
    union
    (select distinct c.device_id
       from access_codes c
      where c.device_id > ${after} and (c.next_try_at is not null or c.window_ends_at > ${since})
      order by c.device_id limit ${limit})
    order by device_id limit ${limit}`;
  return rows.map((row) => row.device_id);
}

/** Doors at a device that are served or still have an open code, and whether a plan job of each is alive, or dead and waits for a person. */
export async function doorsAtDevice(tx: Tx, deviceId: string): Promise<(PlanKey & { hasJob: boolean })[]> {
  const rows = await tx.$queryRaw<{ schedule_id: string; has_job: boolean }[]>`
    select p.schedule_id,
           exists (select 1 from pgboss.job j
                    where j.name in ('plan', 'plan.dead') and j.state in ('created', 'retry', 'active')
                      and j.singleton_key = p.schedule_id::text || ':' || ${deviceId})
           or exists (select 1 from dead_letters l
                       where l.state = 'open' and l.schedule_id = p.schedule_id and l.device_id = ${deviceId}) as has_job
      from (select d.schedule_id
              from schedule_devices d join schedules s on s.id = d.schedule_id and s.status = 'active'
             where d.device_id = ${deviceId}
             union
            select c.schedule_id from access_codes c where c.device_id = ${deviceId} and c.next_try_at is not null) p
     order by p.schedule_id`;
  return rows.map((row) => ({ scheduleId: row.schedule_id, deviceId, hasJob: row.has_job }));
}

/** Rows of a device that have one of these ids or markers, whatever their state. */
export async function codesKnownAt(
  tx: Tx,
  deviceId: string,
  listed: { readonly accessCodeIds: readonly string[]; readonly markers: readonly string[] },
): Promise<StoredCode[]> {
  const { accessCodeIds, markers } = listed;
  if (accessCodeIds.length === 0) return [];
  return selectCodes(
    tx,
    Prisma.sql`device_id = ${deviceId}
       and (access_code_id = any(${[...accessCodeIds]}::text[]) or marker = any(${[...markers]}::text[]))`,
  );
}

/** Marks a code as a report of its removal would, unless something became of it since it was read. */
export async function markGone(tx: Tx, code: StoredCode, at: Date): Promise<boolean> {
  return changeIfSame(tx, code, { goneSignalAt: at });
}

/** Marks a code as a report of its change would, likewise. */
export async function markChanged(tx: Tx, code: StoredCode, at: Date): Promise<boolean> {
  return changeIfSame(tx, code, { changedSignalAt: at, quietUntil: null });
}

/** An update raises no fence: what it asked and what was confirmed tell that there was none meanwhile. */
async function changeIfSame(tx: Tx, code: StoredCode, change: CodeChange): Promise<boolean> {
  const { id, fence, state, askedStartsAt, askedEndsAt, confirmedEndsAt, accessCodeId, goneSignalAt } = code;
  const same = { askedStartsAt, askedEndsAt, confirmedEndsAt, accessCodeId, goneSignalAt };
  const { count } = await tx.accessCode.updateMany({
    where: { id, fence, state, ...same },
    data: { ...change, updatedAt: new Date() },
  });
  return count === 1;
}

/**
 * Has a code removed whose row is final. Where its window has another code by now, it stands for that window no longer, or
 * the plan would take it for the window's code.
 */
export async function reopenForRemoval(
  tx: Tx,
  code: StoredCode,
  { accessCodeId, outOfPlan, now }: { accessCodeId: string; outOfPlan: OutOfPlan; now: Date },
): Promise<boolean> {
  if (isOpen(code)) return false;
  const { scheduleId, deviceId, windowStartsAt, windowEndsAt } = code;
  const other = await tx.accessCode.findFirst({
    where: {
      scheduleId,
      deviceId,
      nextTryAt: { not: null },
      windowStartsAt: { lt: windowEndsAt },
      windowEndsAt: { gt: windowStartsAt },
    },
    select: { id: true },
  });
  const removing = { state: 'removing', accessCodeId, attempts: 0, quietUntil: null, goneSignalAt: null } as const;
  return changeCode(tx, code, { ...removing, nextTryAt: now, ...(other === null ? {} : outOfPlan) });
}

/** Where a row stands that is for no window: for the second in which its code was made, in a generation that spends none. */
export type OutOfPlan = Pick<StoredCode, 'windowStartsAt' | 'windowEndsAt' | 'generation'>;

export function outOfPlan(madeAt: Date): OutOfPlan {
  return { windowStartsAt: madeAt, windowEndsAt: new Date(madeAt.getTime() + 1_000), generation: -1 };
}

/** Gives a found code a row: `unknown`, so that the plan looks for its marker and adopts it, or `removing`. */
export async function insertFound(
  tx: Tx,
  found: PlanKey &
    OutOfPlan & {
      marker: string;
      state: 'unknown' | 'removing';
      accessCodeId: string | null;
      /** Seam gave it a PIN that no other row has. */
      hasOtherPin?: boolean;
      /** When it ends by itself, which its row's window does not tell. */
      confirmedEndsAt?: Date | null;
      reason: string;
      nextTryAt: Date;
    },
): Promise<string | null> {
  const [row] = await tx.accessCode.createManyAndReturn({ data: [found], skipDuplicates: true, select: { id: true } });
  return row?.id ?? null;
}

/** Has a planned row take over a found code, by its marker. */
export async function adoptInto(tx: Tx, code: StoredCode, marker: string, now: Date): Promise<boolean> {
  return changeCode(tx, code, { state: 'unknown', marker, quietUntil: null, nextTryAt: now });
}

export function windowColumns({ startsAt, endsAt }: Window): { windowStartsAt: Date; windowEndsAt: Date } {
  return { windowStartsAt: startsAt, windowEndsAt: endsAt };
}

/** An unresolved alert about a code that no row explains. */
export interface OrphanAlert {
  readonly id: string;
  readonly accessCodeId: string;
  readonly raisedAt: Date;
}

/** The unresolved alerts about orphans on these devices, by device. */
export async function orphanAlertsAt(
  tx: Tx,
  deviceIds: readonly string[],
): Promise<ReadonlyMap<string | null, OrphanAlert[]>> {
  const rows = await tx.alert.findMany({
    where: { state: { not: 'resolved' }, kind: 'code.orphaned', deviceId: { in: [...deviceIds] } },
    select: { id: true, cause: true, raisedAt: true, deviceId: true },
  });
  const alerts = rows.map(({ id, cause, raisedAt, deviceId }) => {
    return { deviceId, id, raisedAt, accessCodeId: cause.split(' ').at(-1) ?? '' };
  });
  return Map.groupBy(alerts, ({ deviceId }) => deviceId);
}

export async function resolveAlert(tx: Tx, id: string, at: Date, because: string): Promise<void> {
  await tx.alert.updateMany({
    where: { id, state: { not: 'resolved' } },
    data: { state: 'resolved', settledAt: at, settledBecause: because },
  });
}

/** Any schedule that has or had a door at a device: a row must belong to one. */
export async function anyScheduleAt(tx: Tx, deviceId: string): Promise<string | null> {
  const door = await tx.scheduleDevice.findFirst({ where: { deviceId }, select: { scheduleId: true } });
  const row = door ?? (await tx.accessCode.findFirst({ where: { deviceId }, select: { scheduleId: true } }));
  return row?.scheduleId ?? null;
}
