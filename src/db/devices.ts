import { z } from 'zod';
import type { DeviceFacts } from '../core/device.ts';
import type { AwayBecause } from '../core/seam-event-types.ts';
import type { Tx } from './client.ts';
import type { PlanKey } from './queue.ts';

/** What we last heard of a device, and when. */
export interface KnownDevice extends DeviceFacts {
  readonly refreshedAt: Date;
  /** Since when Seam cannot reach it; null while it can, as far as it said. */
  readonly awaySince: Date | null;
  /** 'disconnected' or 'account': it is still there; 'removed': Seam has it no more. */
  readonly awayBecause: string | null;
}

const Constraints = z.object({
  pinLengths: z.array(z.number()).nullable(),
  constraints: z.array(z.string()),
  nameLengthMax: z.number().nullable(),
  hasBackupPool: z.boolean().default(false),
  canProgram: z.boolean().default(true),
  codesMax: z.number().nullable().default(null),
  timeFrames: z
    .array(
      z.object({
        name: z.string(),
        minMs: z.number().nullable(),
        maxMs: z.number().nullable(),
        hasMatchingTimes: z.boolean(),
        pairs: z.array(z.object({ from: z.string(), to: z.string() })).nullable(),
        timezone: z.string().nullable(),
      }),
    )
    .nullable()
    .default(null),
});

export async function loadDevice(tx: Tx, deviceId: string): Promise<KnownDevice | null> {
  return (await loadDevices(tx, [deviceId])).get(deviceId) ?? null;
}

/** Those of these devices of which something is known, by id. */
export async function loadDevices(tx: Tx, deviceIds: readonly string[]): Promise<Map<string, KnownDevice>> {
  const rows = await tx.device.findMany({ where: { id: { in: [...deviceIds] } } });
  return new Map(
    rows.map(({ id, name, timezone, refreshedAt, connectedAccountId, awaySince, awayBecause, constraints }) => {
      const heard = { name, timezone, refreshedAt, connectedAccountId, awaySince, awayBecause };
      return [id, { deviceId: id, ...heard, ...Constraints.parse(constraints) }];
    }),
  );
}

export async function saveDevice(tx: Tx, device: DeviceFacts, refreshedAt: Date): Promise<void> {
  const { deviceId, name, timezone, connectedAccountId } = device;
  const constraints = Constraints.parse(device);
  const facts = { name, timezone, constraints, connectedAccountId, refreshedAt };
  await tx.device.upsert({ where: { id: deviceId }, create: { id: deviceId, ...facts }, update: facts });
}

/** How many active schedules have codes on each of these devices, by id, without those that are named. */
export async function countSchedulesOn(
  tx: Tx,
  deviceIds: readonly string[],
  otherThan: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await tx.$queryRaw<{ device_id: string; schedules: bigint }[]>`
    select d.device_id, count(*) as schedules
      from schedule_devices d join schedules s on s.id = d.schedule_id
     where d.device_id = any(${[...deviceIds]}::text[]) and s.status = 'active' and s.id <> all(${[...otherThan]}::uuid[])
     group by d.device_id`;
  return new Map(rows.map((row) => [row.device_id, Number(row.schedules)]));
}

/** How people call a schedule and a door; null where nothing is known of them yet. */
export interface DoorNames {
  readonly scheduleKey: string | null;
  readonly scheduleName: string | null;
  readonly timezone: string | null;
  readonly deviceName: string | null;
  readonly holder: string | null;
}

export async function loadDoorNames(tx: Tx, { scheduleId, deviceId }: PlanKey): Promise<DoorNames> {
  const [row] = await tx.$queryRaw<
    { key: string; name: string; timezone: string; holder: string | null; device_name: string | null }[]
  >`
    select s.key, s.name, s.timezone, s.holder, d.name as device_name
      from schedules s left join devices d on d.id = ${deviceId}
     where s.id = ${scheduleId}::uuid`;
  return {
    scheduleKey: row?.key ?? null,
    scheduleName: row?.name ?? null,
    timezone: row?.timezone ?? null,
    deviceName: row?.device_name ?? null,
    holder: row?.holder ?? null,
  };
}

/** A report that Seam can reach a device or an account's devices again (null), or cannot, and since when. */
export interface ReachReport {
  readonly about: { readonly deviceId: string } | { readonly connectedAccountId: string };
  readonly awayBecause: AwayBecause | null;
  readonly at: Date;
}

/**
 * Notes what Seam says of its reach, unless it has said something later. That a device is offline by itself does not end with
 * its account's trouble. Answers the devices that it is about, and for which of them it is news.
 */
export async function noteReach(
  tx: Tx,
  { about, awayBecause, at }: ReachReport,
): Promise<{ id: string; name: string; isNews: boolean }[]> {
  const isOfAccount = 'connectedAccountId' in about;
  const deviceId = isOfAccount ? null : about.deviceId;
  const accountId = isOfAccount ? about.connectedAccountId : null;
  const isAway = awayBecause !== null;
  const because = isOfAccount && isAway ? 'account' : awayBecause;
  const keepsOwn = isOfAccount && awayBecause !== 'removed';
  const rows = await tx.$queryRaw<{ id: string; name: string; is_news: boolean }[]>`
    with mine as (
      select id, name, away_because as before,
             (reach_told_at is null or reach_told_at <= ${at})
             and not (${keepsOwn}::boolean and away_since is not null and away_because <> 'account') as counts
        from devices
       where id = ${deviceId} or connected_account_id = ${accountId}
       order by id
         for update),
    told as (
      update devices d
         set away_since = case when ${isAway}::boolean then coalesce(d.away_since, ${at}) end,
             away_because = ${because}, reach_told_at = ${at}
        from mine
       where d.id = mine.id and mine.counts)
    select id, name, counts and before is distinct from ${because} as is_news from mine`;
  return rows.map(({ id, name, is_news }) => ({ id, name, isNews: is_news }));
}

/** Doors of these devices: of schedules that have them, and of codes that may still be on them. */
export async function doorsOfDevices(tx: Tx, deviceIds: readonly string[]): Promise<PlanKey[]> {
  const rows = await tx.$queryRaw<{ schedule_id: string; device_id: string }[]>`
    select schedule_id, device_id from schedule_devices where device_id = any(${[...deviceIds]}::text[])
     union
    select schedule_id, device_id from access_codes where device_id = any(${[...deviceIds]}::text[]) and next_try_at is not null`;
  return rows.map((row) => ({ scheduleId: row.schedule_id, deviceId: row.device_id }));
}

/** Devices of this id or name, in whatever case, that we know of: from Seam, from a schedule, or from codes of the past. */
export async function findDeviceIds(tx: Tx, idOrName: string): Promise<string[]> {
  const rows = await tx.$queryRaw<{ id: string }[]>`
    select id from devices where id = ${idOrName} or lower(name) = lower(${idOrName})
     union select device_id from schedule_devices where device_id = ${idOrName}
     union select device_id from access_codes where device_id = ${idOrName}
     order by id`;
  return rows.map(({ id }) => id);
}
