// Jobs that failed for good, as rows that wait for a person. Times here are the database's.
import type { JobError } from '../core/dead-letter.ts';
import type { After } from './alerts.ts';
import type { Tx } from './client.ts';
import type { DeadLetterState } from './generated/client.ts';
import type { PlanKey } from './queue.ts';

/** What a letter is about. */
export type LetterSubject = { readonly eventKey: string } | PlanKey;

/** A letter as its row holds it. */
export interface DeadLetter {
  readonly id: string;
  readonly state: DeadLetterState;
  readonly subject: LetterSubject;
  readonly error: JobError;
  /** How often it was tried in all, and how often it failed for good. */
  readonly attempts: number;
  readonly times: number;
  readonly diedAt: Date;
}

interface Row {
  readonly id: string;
  readonly state: DeadLetterState;
  readonly event_key: string | null;
  readonly schedule_id: string | null;
  readonly device_id: string | null;
  readonly error_name: string;
  readonly error_message: string;
  readonly attempts: number;
  readonly times: number;
  readonly died_at: Date;
}

function letterOf(row: Row): DeadLetter {
  const { id, state, attempts, times, event_key: eventKey } = row;
  // A constraint of the table: about an event, or about a door.
  const subject =
    eventKey === null ? { scheduleId: row.schedule_id ?? '', deviceId: row.device_id ?? '' } : { eventKey };
  const error = { name: row.error_name, message: row.error_message };
  return { id, state, subject, error, attempts, times, diedAt: row.died_at };
}

/** The death of a job, on its way into a letter. */
export interface Death {
  readonly error: JobError;
  readonly attempts: number;
  readonly diedAt: Date;
}

/** Ends the inbox row of an event whose job died; false when it was settled all the same, and there is nothing to set aside. */
export async function markEventDead(tx: Tx, eventKey: string, { error }: Death): Promise<boolean> {
  const count = await tx.$executeRaw`
    update inbox set state = 'dead', reason = ${`${error.name}: ${error.message}`}, done_at = now()
     where key = ${eventKey} and state = 'received'`;
  return count === 1;
}

export async function saveEventLetter(
  tx: Tx,
  eventKey: string,
  { error, attempts, diedAt }: Death,
): Promise<DeadLetter> {
  const [row] = await tx.$queryRaw<Row[]>`
    insert into dead_letters (event_key, error_name, error_message, attempts, died_at)
    values (${eventKey}, ${error.name}, ${error.message}, ${attempts}, ${diedAt})
    on conflict (event_key) where state in ('open', 'retried')
    do update set state = 'open', error_name = excluded.error_name, error_message = excluded.error_message,
                  attempts = dead_letters.attempts + excluded.attempts, times = dead_letters.times + 1, died_at = excluded.died_at
    returning *`;
  return saved(row);
}

/** A door that has another job, or had one since, is already being tried again. */
export async function saveDoorLetter(tx: Tx, door: PlanKey, { error, attempts, diedAt }: Death): Promise<DeadLetter> {
  const { scheduleId, deviceId } = door;
  const [row] = await tx.$queryRaw<Row[]>`
    insert into dead_letters (schedule_id, device_id, error_name, error_message, attempts, died_at, state)
    select ${scheduleId}::uuid, ${deviceId}, ${error.name}, ${error.message}, ${attempts}, ${diedAt},
           (case when exists (
              select 1 from pgboss.job j
               where j.name = 'plan' and j.singleton_key = ${`${scheduleId}:${deviceId}`}
                 and (j.state in ('created', 'retry', 'active') or (j.state = 'completed' and j.completed_on >= ${diedAt})))
            then 'retried' else 'open' end)::dead_letter_state
    on conflict (schedule_id, device_id) where state in ('open', 'retried')
    do update set state = excluded.state, error_name = excluded.error_name, error_message = excluded.error_message,
                  attempts = dead_letters.attempts + excluded.attempts, times = dead_letters.times + 1, died_at = excluded.died_at
    returning *`;
  return saved(row);
}

function saved(row: Row | undefined): DeadLetter {
  if (row === undefined) throw new Error('an insert that returns its row returned none');
  return letterOf(row);
}

/**
 * Settles up to `limit` retried letters whose work is done: the event was handled or ignored; the door has no job left, alive or
 * dead, so that its last one ran to its end.
 */
export async function settleRecovered(tx: Tx, limit: number): Promise<DeadLetter[]> {
  const rows = await tx.$queryRaw<Row[]>`
    update dead_letters set state = 'recovered', settled_at = now()
     where id in (
       select l.id from dead_letters l
        where l.state = 'retried'
          and case when l.event_key is not null
              then not exists (select 1 from inbox i where i.key = l.event_key and i.state in ('received', 'dead'))
              else not exists (select 1 from pgboss.job j
                                where j.name in ('plan', 'plan.dead') and j.state in ('created', 'retry', 'active')
                                  and j.singleton_key = l.schedule_id::text || ':' || l.device_id) end
        limit ${limit}
          for update skip locked)
    returning *`;
  return rows.map(letterOf);
}

/** Ids of open letters, oldest death first. */
export async function openLetterIds(tx: Tx): Promise<string[]> {
  const rows = await tx.deadLetter.findMany({
    where: { state: 'open' },
    select: { id: true },
    orderBy: [{ diedAt: 'asc' }, { id: 'asc' }],
  });
  return rows.map(({ id }) => id);
}

/** How many letters are open. */
export async function countOpenLetters(tx: Tx): Promise<number> {
  return tx.deadLetter.count({ where: { state: 'open' } });
}

/** The open letter about an event. */
export async function openLetterOf(tx: Tx, eventKey: string): Promise<string | null> {
  return (await tx.deadLetter.findFirst({ where: { eventKey, state: 'open' }, select: { id: true } }))?.id ?? null;
}

/** Moves an open letter on; null when there is no such letter, or it is not open. */
export async function moveLetter(
  tx: Tx,
  id: string,
  to: { state: 'retried' } | { state: 'dropped'; because: string },
): Promise<DeadLetter | null> {
  const isDropped = to.state === 'dropped';
  const [row] = await tx.$queryRaw<Row[]>`
    update dead_letters
       set state = ${to.state}::dead_letter_state, settled_because = ${isDropped ? to.because : null},
           settled_at = case when ${isDropped} then now() end
     where id = ${id}::uuid and state = 'open'
    returning *`;
  return row === undefined ? null : letterOf(row);
}

/** Lets a dead event's row get a job again; its run has risen with the last one, so that the queue takes the new id. */
export async function reviveEvent(tx: Tx, eventKey: string): Promise<void> {
  await tx.$executeRaw`
    update inbox set state = 'received', reason = null, done_at = null, due_at = now() where key = ${eventKey} and state = 'dead'`;
}

/** Ends a dead event's row as ignored. */
export async function ignoreDeadEvent(tx: Tx, eventKey: string, reason: string): Promise<void> {
  await tx.$executeRaw`
    update inbox set state = 'ignored', reason = ${reason}, done_at = now() where key = ${eventKey} and state = 'dead'`;
}

/** A letter as people are shown it. */
export interface ListedLetter extends DeadLetter {
  readonly eventType: string | null;
  readonly scheduleKey: string | null;
  readonly scheduleName: string | null;
  /** Of the schedule. */
  readonly timezone: string | null;
  readonly deviceName: string | null;
  readonly deviceId: string | null;
}

/** Letters that still need somebody, or have a job again; oldest death first. */
export async function listLetters(tx: Tx, limit: number, after?: After): Promise<ListedLetter[]> {
  type Named = Row & {
    event_type: string | null;
    key: string | null;
    name: string | null;
    timezone: string | null;
    device_name: string | null;
    about_device: string | null;
  };
  const rows = await tx.$queryRaw<Named[]>`
    select l.*, i.event_type, s.key, s.name, s.timezone, d.name as device_name, coalesce(l.device_id, i.device_id) as about_device
      from dead_letters l
      left join inbox i on i.key = l.event_key
      left join access_codes c on c.access_code_id = i.access_code_id
      left join schedules s on s.id = coalesce(l.schedule_id, c.schedule_id)
      left join devices d on d.id = coalesce(l.device_id, i.device_id)
     where l.state in ('open', 'retried')
       and (${after === undefined} or (l.died_at, l.id) > (${after?.at ?? null}::timestamptz, ${after?.id ?? null}::uuid))
     order by l.died_at, l.id
     limit ${limit}`;
  return rows.map((row) => ({
    ...letterOf(row),
    eventType: row.event_type,
    scheduleKey: row.key,
    scheduleName: row.name,
    timezone: row.timezone,
    deviceName: row.device_name,
    deviceId: row.about_device,
  }));
}
