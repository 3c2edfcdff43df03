import type { AccessCode } from '../core/access-code.ts';
import type { Window } from '../core/windows.ts';
import type { Tx } from './client.ts';
import { Prisma } from './generated/client.ts';
import { inBatches } from './in-batches.ts';
import type { EncryptedPin } from './pin-vault.ts';
import type { PlanKey } from './queue.ts';

/** A row as flows see it: the core's access code, and the PIN as it is stored. */
export interface StoredCode extends AccessCode {
  readonly pinCiphertext: Uint8Array<ArrayBuffer> | null;
  readonly pinKeyId: string | null;
}

/** What a write may change; fence and identity are not among it. */
export type CodeChange = Omit<Prisma.AccessCodeUncheckedUpdateManyInput, 'id' | 'fence' | 'scheduleId' | 'deviceId'>;

const columns = Prisma.raw(
  Object.values(Prisma.AccessCodeScalarFieldEnum)
    .map((name) => `${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)} as "${name}"`)
    .join(', '),
);

/** Reads whole rows in SQL: through the model a row as wide takes three times as long, and each step of a plan begins with it. */
export async function selectCodes(tx: Tx, where: Prisma.Sql): Promise<StoredCode[]> {
  return tx.$queryRaw<StoredCode[]>`select ${columns} from access_codes where ${where}`;
}

/** Open codes of a schedule's door, and final ones whose window ended after an instant, oldest window first. */
export async function loadCodes(tx: Tx, { scheduleId, deviceId }: PlanKey, since: Date): Promise<StoredCode[]> {
  return selectCodes(
    tx,
    Prisma.sql`schedule_id = ${scheduleId}::uuid and device_id = ${deviceId}
       and (next_try_at is not null or window_ends_at > ${since})
     order by window_starts_at, generation`,
  );
}

/** What of a door's past is accounted for. */
export interface PlannedUntil extends PlanKey {
  /** End of the latest window that was planned and not taken back; null when none was. */
  readonly lastEndsAt: Date | null;
  /** When the schedule was last changed: what passed before then was settled by what it was before. */
  readonly changedAt: Date;
}

export async function plannedUntil(tx: Tx, doors: readonly PlanKey[]): Promise<PlannedUntil[]> {
  if (doors.length === 0) return [];
  const rows = await tx.$queryRaw<(DoorRow & { last_ends_at: Date | null; changed_at: Date })[]>`
    select d.schedule_id, d.device_id, s.updated_at as changed_at,
           (select max(c.window_ends_at) from access_codes c
             where c.schedule_id = d.schedule_id and c.device_id = d.device_id
               and c.generation >= 0 and c.reason is distinct from 'not_planned') as last_ends_at
      from unnest(${doors.map(({ scheduleId }) => scheduleId)}::uuid[], ${doors.map(({ deviceId }) => deviceId)}::text[])
             as d(schedule_id, device_id)
      join schedules s on s.id = d.schedule_id`;
  return rows.map((row) => ({ ...doorOf(row), lastEndsAt: row.last_ends_at, changedAt: row.changed_at }));
}

/** A window of a door, for which a row is to be written. */
export interface Intent extends PlanKey {
  readonly window: Window;
  readonly generation: number;
  readonly marker: string;
  readonly now: Date;
}

/** Writes the intent to have a code for a window. The unique keys decide a race: false when the row was there. */
export async function insertIntent(tx: Tx, intent: Intent): Promise<boolean> {
  const data = { ...rowOf(intent), state: 'planned', nextTryAt: intent.now } as const;
  const { count } = await tx.accessCode.createMany({ data, skipDuplicates: true });
  return count === 1;
}

/** Records windows that passed unserved, never to be created; answers with those that had no row. */
export async function insertPassed<Passed extends Intent>(
  tx: Tx,
  windows: readonly Passed[],
  reason: string,
): Promise<Passed[]> {
  const inserted = new Set<string>();
  const keyOf = ({ deviceId, marker }: { deviceId: string; marker: string }): string => `${deviceId} ${marker}`;
  await inBatches(windows, async (batch) => {
    const data = batch.map((window) => ({ ...rowOf(window), state: 'closed', nextTryAt: null, reason }) as const);
    const select = { deviceId: true, marker: true };
    const rows = await tx.accessCode.createManyAndReturn({ data, skipDuplicates: true, select });
    for (const row of rows) inserted.add(keyOf(row));
  });
  return windows.filter((window) => inserted.has(keyOf(window)));
}

function rowOf({ scheduleId, deviceId, window, generation, marker, now }: Intent) {
  const { startsAt: windowStartsAt, endsAt: windowEndsAt } = window;
  // Rungs of the ladder before it do not count, and they go by this clock.
  return { scheduleId, deviceId, windowStartsAt, windowEndsAt, generation, marker, createdAt: now };
}

/** Takes the code for one call to Seam: raises the fence, so that whoever held it before writes nothing any more. */
export async function claimForCreate(
  tx: Tx,
  code: AccessCode,
  claim: {
    scheduleVersion: number;
    pin: EncryptedPin | null;
    startsAt: Date;
    endsAt: Date;
    now: Date;
    quietUntil: Date;
  },
): Promise<StoredCode | null> {
  const [row] = await tx.accessCode.updateManyAndReturn({
    where: {
      id: code.id,
      fence: code.fence,
      state: 'planned',
      schedule: { version: claim.scheduleVersion, status: 'active' },
    },
    data: {
      state: 'calling',
      fence: { increment: 1 },
      attempts: { increment: 1 },
      calledAt: claim.now,
      quietUntil: claim.quietUntil,
      askedStartsAt: claim.startsAt,
      askedEndsAt: claim.endsAt,
      pinCiphertext: claim.pin?.pinCiphertext ?? null,
      pinKeyId: claim.pin?.pinKeyId ?? null,
      updatedAt: new Date(),
    },
  });
  return row ?? null;
}

/** Takes a code whose outcome was unknown, so that nobody else records what Seam has of it before the quiet time is over. */
export async function claimFound(tx: Tx, code: AccessCode, quietUntil: Date): Promise<StoredCode | null> {
  const [row] = await tx.accessCode.updateManyAndReturn({
    where: { id: code.id, fence: code.fence, state: code.state },
    data: { state: 'calling', fence: { increment: 1 }, quietUntil, updatedAt: new Date() },
  });
  return row ?? null;
}

/**
 * Changes a code if nobody has claimed it since it was read; false otherwise.
 * @param still what else must be as it was: what events note in a row claims nothing
 */
export async function changeCode(
  tx: Tx,
  code: AccessCode,
  change: CodeChange,
  still: Pick<Prisma.AccessCodeWhereInput, 'deviceAwaySince' | 'goneSignalAt'> = {},
): Promise<boolean> {
  const { count } = await tx.accessCode.updateMany({
    where: { ...still, id: code.id, fence: code.fence, state: code.state },
    data: { ...change, updatedAt: new Date() },
  });
  return count === 1;
}

export async function findCodeById(tx: Tx, id: string): Promise<StoredCode | null> {
  return tx.accessCode.findUnique({ where: { id } });
}

/** As it is now, and kept from changing until the transaction ends; null when it is gone. */
export async function lockCode(tx: Tx, id: string): Promise<StoredCode | null> {
  const [row] = await selectCodes(tx, Prisma.sql`id = ${id}::uuid for update`);
  return row ?? null;
}

export async function findByAccessCodeId(tx: Tx, accessCodeId: string): Promise<StoredCode | null> {
  const [row] = await selectCodes(tx, Prisma.sql`access_code_id = ${accessCodeId}`);
  return row ?? null;
}

/** Doors of a schedule at which a window in these spans that is not over keeps its place, though it has no code any more. */
export async function closedDoors(tx: Tx, scheduleId: string, spans: readonly Window[], now: Date): Promise<string[]> {
  const { starts, ends } = columnsOfSpans(spans);
  const rows = await tx.$queryRaw<{ device_id: string }[]>`
    select distinct c.device_id from access_codes c
      join schedule_devices d using (schedule_id, device_id)
      join unnest(${starts}::timestamptz[], ${ends}::timestamptz[]) as span(starts_at, ends_at)
        on c.window_starts_at < span.ends_at and c.window_ends_at > span.starts_at
     where c.schedule_id = ${scheduleId}::uuid and c.next_try_at is null and c.generation >= d.generation
       and c.window_ends_at >= ${now}
     order by 1`;
  return rows.map((row) => row.device_id);
}

function columnsOfSpans(spans: readonly Window[]): { starts: Date[]; ends: Date[] } {
  return { starts: spans.map(({ startsAt }) => startsAt), ends: spans.map(({ endsAt }) => endsAt) };
}

/**
 * Has the codes of a schedule go for which Seam was ever asked, whatever their windows are: another row follows each. The others
 * forget what PIN they had.
 */
export async function revokePins(tx: Tx, scheduleId: string, now: Date): Promise<void> {
  const open = { scheduleId, nextTryAt: { not: null } };
  const isFresh = { state: 'planned', fence: 0 } as const;
  await tx.accessCode.updateMany({ where: { ...open, NOT: isFresh }, data: { pinRevoked: true, updatedAt: now } });
  const forgotten = { pinCiphertext: null, pinKeyId: null, hasOtherPin: false, updatedAt: now };
  await tx.accessCode.updateMany({ where: { ...open, ...isFresh }, data: forgotten });
}

/** Open rows of a device, of whatever schedule, whose code may be at Seam without being known here. */
export async function awaitedCodes(tx: Tx, deviceId: string): Promise<{ id: string; marker: string }[]> {
  const where = { deviceId, accessCodeId: null, nextTryAt: { not: null } };
  return tx.accessCode.findMany({ where, select: { id: true, marker: true } });
}

/** Notes when Seam first said that a code is gone; whoever plans its door judges what that means. */
export async function noteGoneSignal(tx: Tx, code: AccessCode, at: Date): Promise<void> {
  await tx.accessCode.updateMany({
    where: { id: code.id, goneSignalAt: null, nextTryAt: { not: null } },
    data: { goneSignalAt: at, updatedAt: new Date() },
  });
}

/**
 * Brings the open codes of these doors due now, where they are not due already. Locks them all in one order until the transaction
 * ends, so that two reports about one door do not wait for each other. A dead letter of theirs counts as retried: what changed may
 * be what it died of.
 */
export async function wakeCodes(tx: Tx, doors: readonly PlanKey[], now: Date): Promise<void> {
  await tx.$executeRaw`
    with mine as (
      select c.id from access_codes c
        join unnest(${doors.map(({ scheduleId }) => scheduleId)}::uuid[], ${doors.map(({ deviceId }) => deviceId)}::text[])
             as d(schedule_id, device_id) using (schedule_id, device_id)
       where c.next_try_at is not null
       order by c.id
         for update of c),
    retried as (
      update dead_letters l set state = 'retried'
        from unnest(${doors.map(({ scheduleId }) => scheduleId)}::uuid[], ${doors.map(({ deviceId }) => deviceId)}::text[])
             as d(schedule_id, device_id)
       where l.state = 'open' and l.schedule_id = d.schedule_id and l.device_id = d.device_id)
    update access_codes c set next_try_at = ${now} from mine where c.id = mine.id and c.next_try_at > ${now}`;
}

/** Brings what was left alone for one of these reasons due now, and what is being removed; answers with how many rows. */
export async function releaseObserved(tx: Tx, reasons: readonly string[], now: Date): Promise<number> {
  return tx.$executeRaw`
    update access_codes
       set next_try_at = least(next_try_at, ${now}), quiet_until = null,
           reason = case when reason = any(${[...reasons]}) then null else reason end
     where next_try_at is not null
       and (reason = any(${[...reasons]}) or (state = 'removing' and quiet_until > ${now}))`;
}

/** Whether a creation on this device is unsettled, so that the event of an unknown code may yet be ours. */
export async function isCreationUnsettled(tx: Tx, deviceId: string): Promise<boolean> {
  const row = await tx.accessCode.findFirst({
    where: { deviceId, state: { in: ['calling', 'unknown'] } },
    select: { id: true },
  });
  return row !== null;
}

/** Whether a schedule has an open code on any door. */
export async function hasOpenCodes(tx: Tx, scheduleId: string): Promise<boolean> {
  const row = await tx.accessCode.findFirst({ where: { scheduleId, nextTryAt: { not: null } }, select: { id: true } });
  return row !== null;
}

/** Whether a window has an open code, in whatever generation. */
export async function hasOpenCodeFor(tx: Tx, { scheduleId, deviceId, windowStartsAt }: AccessCode): Promise<boolean> {
  const where = { scheduleId, deviceId, windowStartsAt, nextTryAt: { not: null } };
  return (await tx.accessCode.findFirst({ where, select: { id: true } })) !== null;
}

/**
 * Keeps whoever applies a schedules file, and so reads doors first and writes them later, from overlooking this change.
 * @returns the schedule's version, which stays until the transaction ends
 */
export async function holdSchedule(tx: Tx, scheduleId: string): Promise<number | null> {
  const [row] = await tx.$queryRaw<{ version: number }[]>`
    select version from schedules where id = ${scheduleId}::uuid for share`;
  return row?.version ?? null;
}

/**
 * Records a reopening that nobody asked for: windows of this door that were served or closed may have a code again. Those whose
 * codes somebody took away stay closed.
 */
export async function raiseGeneration(tx: Tx, { scheduleId, deviceId }: PlanKey, now: Date): Promise<void> {
  await holdSchedule(tx, scheduleId);
  const raised = await tx.scheduleDevice.updateManyAndReturn({
    where: { scheduleId, deviceId },
    data: { generation: { increment: 1 } },
    select: { deviceId: true, generation: true },
  });
  await keepTakenAway(tx, { scheduleId, doors: raised, reopens: [] }, now);
}

/** Doors of a schedule with the generation that each has risen to. */
export type RaisedDoors = readonly { readonly deviceId: string; readonly generation: number }[];

/** After the generation of doors rose: windows whose codes somebody took away stay closed, but for those in these spans. */
export async function keepTakenAway(
  tx: Tx,
  { scheduleId, doors, reopens }: { scheduleId: string; doors: RaisedDoors; reopens: readonly Window[] },
  now: Date,
): Promise<void> {
  const { starts, ends } = columnsOfSpans(reopens);
  const [deviceIds, generations] = [doors.map((door) => door.deviceId), doors.map((door) => door.generation)];
  await tx.$executeRaw`
    update access_codes c set generation = d.generation, updated_at = now()
      from unnest(${deviceIds}::text[], ${generations}::int[]) as d(device_id, generation)
     where c.schedule_id = ${scheduleId}::uuid and c.device_id = d.device_id and c.generation = d.generation - 1
       and c.state = 'closed' and c.reason = 'taken_away' and c.window_ends_at > ${now}
       and not exists (select 1 from unnest(${starts}::timestamptz[], ${ends}::timestamptz[]) as span(starts_at, ends_at)
                        where c.window_starts_at < span.ends_at and c.window_ends_at > span.starts_at)`;
}

export interface DoorRow {
  readonly schedule_id: string;
  readonly device_id: string;
}

export function doorOf(row: DoorRow): PlanKey {
  return { scheduleId: row.schedule_id, deviceId: row.device_id };
}
