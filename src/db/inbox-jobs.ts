// The inbox from its inner side: rows become jobs, jobs settle rows. Times here are the database's.
import { createHash } from 'node:crypto';
import { readEvent, type SeamEventFields } from '../core/seam-event.ts';
import { accessCodeEvents, goneEvents } from '../core/seam-event-types.ts';
import type { Db, Tx } from './client.ts';
import type { Queue } from './queue.ts';

// A row that has waited so long without a live job gets a new one.
const requeueAfterSeconds = 120;

/**
 * Sends a job for each row that is due and has none alive, and settles those that are nobody's. Answers how many rows there were.
 * The id of a job never repeats, because the run rises.
 */
export async function queueDueEvents(db: Db, queue: Pick<Queue, 'sendEvents'>, limit: number): Promise<number> {
  return db.prisma.$transaction(async (tx) => {
    const due = await tx.$queryRaw<{ key: string; run: number; removal_received_at: Date | null }[]>`
      select i.key, i.run,
             case when i.event_type = any(${[...goneEvents]}::text[]) then i.received_at end as removal_received_at
        from inbox i
       where i.state = 'received' and i.due_at <= now()
         and not exists (select 1 from pgboss.job j
                          where j.name = 'event' and j.id = i.job_id and j.state in ('created', 'retry', 'active'))
         and not exists (select 1 from pgboss.job j where j.name = 'event.dead' and j.source_id = i.job_id)
       order by i.due_at
       limit ${limit}
         for update skip locked`;
    if (due.length === 0) return 0;
    const nobodys = await ignoreNobodys(
      tx,
      due.map(({ key }) => key),
    );
    const jobs = due
      .filter(({ key }) => !nobodys.has(key))
      .map(({ key, run, removal_received_at: receivedAt }) => {
        return { key, id: eventJobId(key, run), removalReceivedAt: receivedAt?.toISOString() };
      });
    if (jobs.length === 0) return due.length;
    await queue.sendEvents(tx, jobs);
    await tx.$executeRaw`
      update inbox i
         set run = i.run + 1, job_id = sent.id, due_at = now() + make_interval(secs => ${requeueAfterSeconds}::int)
        from unnest(${jobs.map(({ key }) => key)}::text[], ${jobs.map(({ id }) => id)}::uuid[]) as sent(key, id)
       where i.key = sent.key`;
    return due.length;
  });
}

const codeEventTypes = Object.keys(accessCodeEvents);

/**
 * Ends those of the locked rows that are about codes of nobody, most of what a workspace sends after an outage: one statement
 * instead of a job for each. Answers their keys.
 */
async function ignoreNobodys(tx: Tx, keys: readonly string[]): Promise<ReadonlySet<string>> {
  await tx.$executeRaw`savepoint nobodys`;
  try {
    const rows = await tx.$queryRaw<{ key: string }[]>`
      update inbox i set state = 'ignored', reason = 'no_schedule_owns_code', done_at = now()
       where i.key = any(${[...keys]}::text[]) and i.event_type = any(${codeEventTypes}::text[])
         and i.access_code_id is not null
         and not exists (select 1 from access_codes c where c.access_code_id = i.access_code_id)
         and not exists (select 1 from access_codes c
                          where c.device_id = i.device_id and c.state in ('calling', 'unknown'))
      returning i.key`;
    return new Set(rows.map(({ key }) => key));
  } catch {
    // One row that cannot be ended holds up no other: each gets its job, and that one's tells of it.
    await tx.$executeRaw`rollback to savepoint nobodys`;
    return new Set();
  }
}

/** Reads a row that waits to be handled and keeps others from settling it until the transaction ends. */
export async function lockReceived(tx: Tx, key: string): Promise<SeamEventFields | null> {
  const rows = await tx.$queryRaw<
    {
      event_type: string | null;
      access_code_id: string | null;
      device_id: string | null;
      occurred_at: Date | null;
      payload: unknown;
    }[]
  >`
    select event_type, access_code_id, device_id, occurred_at, payload
      from inbox where key = ${key} and state = 'received' for update`;
  const [row] = rows;
  if (row === undefined) return null;
  const { connectedAccountId, backupAccessCodeId } = readEvent(row.payload);
  return {
    eventId: key,
    eventType: row.event_type ?? undefined,
    accessCodeId: row.access_code_id ?? undefined,
    deviceId: row.device_id ?? undefined,
    connectedAccountId,
    backupAccessCodeId,
    occurredAt: row.occurred_at ?? undefined,
  };
}

/** Ends a row; false when another run ended it first. */
export async function settleEvent(
  tx: Tx,
  key: string,
  outcome: { state: 'handled' | 'ignored'; reason: string },
): Promise<boolean> {
  const count = await tx.$executeRaw`
    update inbox set state = ${outcome.state}::inbox_state, reason = ${outcome.reason}, done_at = now()
     where key = ${key} and state = 'received'`;
  return count === 1;
}

/** Lets a row wait: its code may yet turn out to be ours. */
export async function deferEvent(tx: Tx, key: string, seconds: number): Promise<void> {
  await tx.$executeRaw`
    update inbox set due_at = now() + make_interval(secs => ${seconds}::int) where key = ${key} and state = 'received'`;
}

/** Once a code is known to be ours, what was ignored or made to wait about it is looked at again. */
export async function reopenIgnored(tx: Tx, accessCodeId: string): Promise<void> {
  await tx.$executeRaw`
    update inbox set state = 'received', reason = null, done_at = null, due_at = now()
     where access_code_id = ${accessCodeId} and state in ('received', 'ignored')`;
}

/** An event's row before it was opened again. */
export interface EventRow {
  readonly state: 'received' | 'handled' | 'ignored' | 'dead';
  readonly reason: string | null;
  readonly eventType: string | null;
  readonly deviceId: string | null;
}

/**
 * Lets a settled row get a job again, whose id is new because the run has risen with the last one; answers with what it was
 * before, null where there is none. One that waits is left alone.
 */
export async function reopenEvent(tx: Tx, key: string): Promise<EventRow | null> {
  const [row] = await tx.$queryRaw<EventRow[]>`
    select state, reason, event_type as "eventType", device_id as "deviceId" from inbox where key = ${key} for update`;
  if (row === undefined) return null;
  await tx.$executeRaw`
    update inbox set state = 'received', reason = null, done_at = null, due_at = now() where key = ${key} and state <> 'received'`;
  return row;
}

/** UUID v5 (RFC 9562 §5.5) of an event's key and run: two pumps that send the same row send the same job. */
export function eventJobId(key: string, run: number): string {
  const bytes = createHash('sha1').update(namespace).update(`${key}#${run}`).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
const namespace = Buffer.from('b7d3c0f25a1e4c0a9d5f3a8c61e2b940', 'hex');
