// What people and programs are shown of codes, history and devices. Reads only, in pages.
import type { CodeState } from '../core/access-code.ts';
import type { Tx } from './client.ts';
import type { EncryptedPin } from './pin-vault.ts';
import { encryptedPin } from './pins.ts';

/** A code of a window. */
export interface CodeView {
  readonly id: string;
  readonly scheduleKey: string;
  readonly holder: string | null;
  readonly timezone: string;
  readonly deviceId: string;
  readonly deviceName: string | null;
  readonly state: CodeState;
  readonly windowStartsAt: Date;
  readonly windowEndsAt: Date;
  readonly askedStartsAt: Date | null;
  readonly askedEndsAt: Date | null;
  readonly confirmedStartsAt: Date | null;
  readonly confirmedEndsAt: Date | null;
  /** Since when the lock holds it, as far as Seam has said. */
  readonly readyAt: Date | null;
  readonly removedAt: Date | null;
  /** Before then nothing is asked of Seam for it. */
  readonly quietUntil: Date | null;
  readonly accessCodeId: string | null;
  readonly hasOtherPin: boolean;
  readonly reason: string | null;
}

/** Where a page of codes begins: behind this one. */
export interface AfterCode {
  readonly at: Date;
  readonly id: string;
}

/**
 * Codes of a schedule, a device, or all, earliest window first: those that are not gone for good, or the last ones of all, gone
 * ones too.
 */
export async function listCodes(
  tx: Tx,
  wanted: {
    scheduleKey?: string | undefined;
    deviceId?: string | undefined;
    after?: AfterCode | undefined;
    withGone?: boolean;
    limit: number;
  },
): Promise<CodeView[]> {
  const { scheduleKey, deviceId, after, withGone = false, limit } = wanted;
  const direction = withGone ? 'desc' : 'asc';
  const found = await tx.accessCode.findMany({
    where: {
      ...(!withGone && { nextTryAt: { not: null } }),
      ...(scheduleKey !== undefined && { schedule: { key: scheduleKey } }),
      ...(deviceId !== undefined && { deviceId }),
      ...(after !== undefined && {
        OR: [{ windowStartsAt: { gt: after.at } }, { windowStartsAt: after.at, id: { gt: after.id } }],
      }),
    },
    include: { schedule: { select: { key: true, holder: true, timezone: true } } },
    orderBy: [{ windowStartsAt: direction }, { id: direction }],
    take: limit,
  });
  const rows = withGone ? found.reverse() : found;
  const names = await deviceNames(
    tx,
    rows.map((row) => row.deviceId),
  );
  return rows.map(({ schedule, ...row }) => ({
    id: row.id,
    scheduleKey: schedule.key,
    holder: schedule.holder,
    timezone: schedule.timezone,
    deviceId: row.deviceId,
    deviceName: names.get(row.deviceId) ?? null,
    state: row.state,
    windowStartsAt: row.windowStartsAt,
    windowEndsAt: row.windowEndsAt,
    askedStartsAt: row.askedStartsAt,
    askedEndsAt: row.askedEndsAt,
    confirmedStartsAt: row.confirmedStartsAt,
    confirmedEndsAt: row.confirmedEndsAt,
    readyAt: row.readyAt,
    removedAt: row.removedAt,
    quietUntil: row.quietUntil,
    accessCodeId: row.accessCodeId,
    hasOtherPin: row.hasOtherPin,
    reason: row.reason,
  }));
}

async function deviceNames(tx: Tx, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const rows = await tx.device.findMany({ where: { id: { in: [...ids] } }, select: { id: true, name: true } });
  return new Map(rows.map(({ id, name }) => [id, name]));
}

/** A code with its PIN as it is stored, and the names by which its revelation is told. */
export interface CodeToReveal {
  readonly id: string;
  readonly scheduleId: string;
  readonly scheduleName: string;
  readonly scheduleKey: string;
  readonly timezone: string;
  readonly deviceId: string;
  readonly deviceName: string | null;
  readonly windowStartsAt: Date;
  readonly windowEndsAt: Date;
  readonly pin: EncryptedPin | null;
}

/** Those of these codes that are there, in no certain order. */
export async function loadCodesToReveal(tx: Tx, ids: readonly string[]): Promise<CodeToReveal[]> {
  const rows = await tx.accessCode.findMany({ where: { id: { in: [...ids] } } });
  const schedules = await tx.schedule.findMany({
    where: { id: { in: rows.map(({ scheduleId }) => scheduleId) } },
    select: { id: true, key: true, name: true, timezone: true },
  });
  const names = await deviceNames(
    tx,
    rows.map(({ deviceId }) => deviceId),
  );
  return rows.flatMap(({ id, scheduleId, deviceId, windowStartsAt, windowEndsAt, ...row }) => {
    const schedule = schedules.find((one) => one.id === scheduleId);
    if (schedule === undefined) return [];
    const { key: scheduleKey, name: scheduleName, timezone } = schedule;
    const deviceName = names.get(deviceId) ?? null;
    const whose = { id, scheduleId, scheduleKey, scheduleName, timezone, deviceId, deviceName };
    return [{ ...whose, windowStartsAt, windowEndsAt, pin: encryptedPin(row) }];
  });
}

/** A line of the history. */
export interface HistoryView {
  /** Rises with the order of writing. */
  readonly id: bigint;
  readonly at: Date;
  readonly kind: string;
  readonly isAlert: boolean;
  readonly message: string;
  readonly scheduleKey: string | null;
  readonly deviceId: string | null;
  readonly codeId: string | null;
  readonly eventKey: string | null;
  /** Who did it, where a person did. */
  readonly by: string | null;
  /** Facts for programs: times, ids, outcome. */
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Newest first; of a schedule, a device, a code, or all: the newest, those before an entry, or those that come next after one. */
export async function listHistory(
  tx: Tx,
  wanted: {
    scheduleKey?: string | undefined;
    deviceId?: string | undefined;
    codeId?: string | undefined;
    before?: bigint | undefined;
    after?: bigint | undefined;
    limit: number;
  },
): Promise<HistoryView[]> {
  const { scheduleKey, deviceId, codeId, before, after, limit } = wanted;
  const schedule =
    scheduleKey === undefined
      ? null
      : await tx.schedule.findUnique({ where: { key: scheduleKey }, select: { id: true } });
  if (scheduleKey !== undefined && schedule === null) return [];
  const found = await tx.historyEntry.findMany({
    where: {
      ...(schedule !== null && { scheduleId: schedule.id }),
      ...(deviceId !== undefined && { deviceId }),
      ...(codeId !== undefined && { codeId }),
      id: { ...(before !== undefined && { lt: before }), ...(after !== undefined && { gt: after }) },
    },
    orderBy: { id: after === undefined ? 'desc' : 'asc' },
    take: limit,
  });
  const rows = after === undefined ? found : found.reverse();
  const schedules = await tx.schedule.findMany({
    where: { id: { in: rows.flatMap(({ scheduleId }) => scheduleId ?? []) } },
    select: { id: true, key: true },
  });
  const keys = new Map(schedules.map(({ id, key }) => [id, key]));
  return rows.map((row) => {
    const detail = factsOf(row.detail);
    return {
      id: row.id,
      at: row.at,
      kind: row.kind,
      isAlert: row.alert,
      message: row.message,
      scheduleKey: keys.get(row.scheduleId ?? '') ?? null,
      deviceId: row.deviceId,
      codeId: row.codeId,
      eventKey: row.eventKey,
      by: typeof detail['by'] === 'string' ? detail['by'] : null,
      detail,
    };
  });
}

function factsOf(detail: unknown): Readonly<Record<string, unknown>> {
  return typeof detail === 'object' && detail !== null && !Array.isArray(detail) ? { ...detail } : {};
}

/** Whether there is a schedule of this key. */
export async function isSchedule(tx: Tx, key: string): Promise<boolean> {
  return (await tx.schedule.count({ where: { key } })) > 0;
}

/** Who uses a device, and how many codes it may hold by our rows. */
export interface DeviceUse {
  readonly scheduleKeys: readonly string[];
  readonly codes: number;
}

/** The devices of schedules and of codes that are not gone, by id. */
export async function deviceUses(tx: Tx): Promise<ReadonlyMap<string, DeviceUse>> {
  const rows = await tx.$queryRaw<{ device_id: string; keys: string[] | null; codes: number }[]>`
    select coalesce(u.device_id, c.device_id) as device_id, u.keys, coalesce(c.codes, 0)::int as codes
      from (select d.device_id, array_agg(s.key order by s.key) as keys
              from schedule_devices d join schedules s on s.id = d.schedule_id group by 1) u
      full join (select device_id, count(*) as codes from access_codes
                  where next_try_at is not null and state in ('calling', 'unknown', 'created', 'removing')
                  group by 1) c
        on c.device_id = u.device_id`;
  return new Map(rows.map(({ device_id, keys, codes }) => [device_id, { scheduleKeys: keys ?? [], codes }]));
}

/** Whether a schedule is on a device, or a code there is not gone yet. */
export async function isDeviceUsed(tx: Tx, deviceId: string): Promise<boolean> {
  if ((await tx.scheduleDevice.count({ where: { deviceId } })) > 0) return true;
  return (await tx.accessCode.count({ where: { deviceId, nextTryAt: { not: null } } })) > 0;
}
