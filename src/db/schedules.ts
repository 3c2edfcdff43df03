// Schedules as rows, with their rules, doors and holiday lists.
import type { Schedule, ScheduleStatus } from '../core/schedule.ts';
import type { ScheduleDraft } from '../core/schedules-file-merge.ts';
import { blackoutsColumn, blackoutsOf, byHandColumn, byHandOf, extraColumn, extraOf } from './calendar-columns.ts';
import type { Tx } from './client.ts';
import { dateColumn, localDateText } from './date-columns.ts';
import type { Prisma } from './generated/client.ts';
import type { HistoryEntry } from './history.ts';
import { inBatches } from './in-batches.ts';
import type { EncryptedPin } from './pin-vault.ts';
import { columnsOfPin, encryptedPin } from './pins.ts';
import type { PlanKey } from './queue.ts';

/** A schedule with its PINs as they are stored. */
export interface StoredSchedule {
  readonly schedule: Schedule;
  readonly pins: SchedulePins;
}

/** The schedule's PIN, and those of doors that have their own. */
export interface SchedulePins {
  readonly all: EncryptedPin | null;
  readonly byDevice: ReadonlyMap<string, EncryptedPin>;
}

const withAll = {
  rules: { orderBy: { position: 'asc' } },
  devices: true,
  holidayLists: { include: { holidayList: true } },
} satisfies Prisma.ScheduleInclude;

type Row = Prisma.ScheduleGetPayload<{ include: typeof withAll }>;

export async function loadSchedule(tx: Tx, id: string): Promise<Schedule | null> {
  const row = await tx.schedule.findUnique({ where: { id }, include: withAll });
  return row === null ? null : scheduleOf(row);
}

/** As `loadSchedulesByKeys`. */
export async function loadSchedulesByIds(prisma: Tx, ids: readonly string[]): Promise<Schedule[]> {
  const rows = await prisma.schedule.findMany({ where: { id: { in: [...ids] } }, include: withAll });
  return rows.map(scheduleOf);
}

/** Those of the schedules that exist, in no certain order. Not for within a transaction. */
export async function loadSchedulesByKeys(prisma: Tx, keys: readonly string[]): Promise<Schedule[]> {
  const rows = await prisma.schedule.findMany({ where: { key: { in: [...keys] } }, include: withAll });
  return rows.map(scheduleOf);
}

export interface ScheduleFilter {
  readonly deviceId?: string | undefined;
  readonly status?: ScheduleStatus | undefined;
  readonly holder?: string | undefined;
  /** Stands in the key, the name or the holder, in whatever case. */
  readonly text?: string | undefined;
}

/** The first schedules in order of their keys, behind one of them. Not for within a transaction. */
export async function listSchedules(
  prisma: Tx,
  { deviceId, status, holder, text }: ScheduleFilter,
  { after, limit }: { after?: string | undefined; limit: number },
): Promise<Schedule[]> {
  // Prisma hands wildcards of LIKE on as they are.
  const part =
    text === undefined ? undefined : { contains: text.replaceAll(/[\\%_]/g, '\\$&'), mode: 'insensitive' as const };
  const rows = await prisma.schedule.findMany({
    where: {
      ...(after !== undefined && { key: { gt: after } }),
      ...(deviceId !== undefined && { devices: { some: { deviceId } } }),
      ...(status !== undefined && { status }),
      ...(holder !== undefined && { holder }),
      ...(part !== undefined && { OR: [{ key: part }, { name: part }, { holder: part }] }),
    },
    orderBy: { key: 'asc' },
    take: limit,
    include: withAll,
  });
  return rows.map(scheduleOf);
}

/** Schedules by key, in order of their keys; locked until the transaction ends, though not against new codes of theirs. */
export async function loadSchedulesToChange(tx: Tx, keys: readonly string[]): Promise<StoredSchedule[]> {
  await tx.$queryRaw`SELECT id FROM schedules WHERE key = ANY(${keys}) ORDER BY key FOR NO KEY UPDATE`;
  const rows = await tx.schedule.findMany({ where: { key: { in: [...keys] } }, orderBy: { key: 'asc' } });
  // One after the other: an include of several relations would query them side by side, which a transaction's connection
  // cannot, and of which `pg` warns.
  const where = { scheduleId: { in: rows.map(({ id }) => id) } };
  const rules = await tx.scheduleRule.findMany({ where, orderBy: { position: 'asc' } });
  const devices = await tx.scheduleDevice.findMany({ where });
  const holidayLists = await tx.scheduleHolidayList.findMany({ where, include: { holidayList: true } });
  const partsOf = {
    rules: Map.groupBy(rules, ({ scheduleId }) => scheduleId),
    devices: Map.groupBy(devices, ({ scheduleId }) => scheduleId),
    holidayLists: Map.groupBy(holidayLists, ({ scheduleId }) => scheduleId),
  };
  return rows.map((schedule) => {
    const row = {
      ...schedule,
      rules: partsOf.rules.get(schedule.id) ?? [],
      devices: partsOf.devices.get(schedule.id) ?? [],
      holidayLists: partsOf.holidayLists.get(schedule.id) ?? [],
    };
    return { schedule: scheduleOf(row), pins: pinsOf(row) };
  });
}

/** How many schedules have none of these keys, and the first few of them by name. */
export async function loadOtherKeys(tx: Tx, keys: readonly string[], limit: number) {
  const rows = await tx.$queryRaw<{ key: string; total: bigint }[]>`
    SELECT key, count(*) OVER () AS total FROM schedules WHERE key <> ALL(${keys}) ORDER BY key LIMIT ${limit}`;
  return { total: Number(rows[0]?.total ?? 0), keys: rows.map(({ key }) => key) };
}

/** Keys of the active schedules that are none of these. */
export async function activeKeysBut(tx: Tx, keys: readonly string[]): Promise<string[]> {
  const where = { key: { notIn: [...keys] }, status: 'active' as const };
  return (await tx.schedule.findMany({ where, select: { key: true }, orderBy: { key: 'asc' } })).map(({ key }) => key);
}

/** What a schedule is to be, with the PINs of doors that have their own and the generation of each door. */
export interface ScheduleWrite {
  readonly id: string;
  readonly isNew: boolean;
  readonly draft: ScheduleDraft;
  readonly pins: SchedulePins;
  readonly generations: ReadonlyMap<string, number>;
}

/** Writes new schedules, and the others anew under their next version. */
export async function writeSchedules(tx: Tx, writes: readonly ScheduleWrite[], now: Date): Promise<void> {
  if (writes.length === 0) return;
  const [added, changed] = [writes.filter(({ isNew }) => isNew), writes.filter(({ isNew }) => !isNew)];
  const times = { createdAt: now, updatedAt: now };
  const rows = added.map((write) => ({ id: write.id, key: write.draft.key, ...columnsOf(write), ...times }));
  await inBatches(rows, (data) => tx.schedule.createMany({ data }));
  for (const write of changed) {
    const data = { ...columnsOf(write), version: { increment: 1 }, updatedAt: now };
    await tx.schedule.update({ where: { id: write.id }, data, select: { id: true } });
  }
  const where = { scheduleId: { in: changed.map(({ id }) => id) } };
  await tx.scheduleRule.deleteMany({ where });
  await tx.scheduleDevice.deleteMany({ where });
  await tx.scheduleHolidayList.deleteMany({ where });
  await inBatches(writes.flatMap(rulesOf), (data) => tx.scheduleRule.createMany({ data }));
  await inBatches(writes.flatMap(doorsOf), (data) => tx.scheduleDevice.createMany({ data }));
  await inBatches(writes.flatMap(holidayListsOf), (data) => tx.scheduleHolidayList.createMany({ data }));
}

/** What is told of a schedule as a whole. */
export type ScheduleEntry = Pick<HistoryEntry, 'at' | 'kind' | 'message'> &
  Required<Pick<HistoryEntry, 'detail'>> & { readonly scheduleId: string };

/** Appends the entries in their order. */
export async function insertScheduleHistory(tx: Tx, entries: readonly ScheduleEntry[]): Promise<void> {
  await inBatches(entries, (data) => tx.historyEntry.createMany({ data }));
}

/** For a door that joins a schedule: a generation that none of the pair's earlier codes had. Those below zero stand for no window. */
export async function loadNextGenerations(tx: Tx, doors: readonly PlanKey[]): Promise<Map<string, number>> {
  if (doors.length === 0) return new Map();
  const [scheduleIds, deviceIds] = [doors.map(({ scheduleId }) => scheduleId), doors.map(({ deviceId }) => deviceId)];
  const rows = await tx.$queryRaw<{ schedule_id: string; device_id: string; next: number }[]>`
    SELECT schedule_id, device_id, greatest(max(generation) + 1, 0) AS next FROM access_codes
      JOIN unnest(${scheduleIds}::uuid[], ${deviceIds}::text[]) AS door (schedule_id, device_id)
     USING (schedule_id, device_id) GROUP BY schedule_id, device_id`;
  return new Map(rows.map((row) => [doorKey({ scheduleId: row.schedule_id, deviceId: row.device_id }), row.next]));
}

/** A door as the key of a map. */
export function doorKey({ scheduleId, deviceId }: PlanKey): string {
  return `${scheduleId}:${deviceId}`;
}

function rulesOf({ id: scheduleId, draft }: ScheduleWrite) {
  return draft.rules.map(({ rrule, from: fromLocal, to: toLocal }, position) => {
    return { scheduleId, position, rrule, fromLocal, toLocal };
  });
}

function doorsOf({ id: scheduleId, draft, pins, generations }: ScheduleWrite) {
  return draft.deviceIds.map((deviceId) => {
    const generation = generations.get(deviceId) ?? 0;
    return { scheduleId, deviceId, generation, ...columnsOfPin(pins.byDevice.get(deviceId)) };
  });
}

function holidayListsOf({ id: scheduleId, draft }: ScheduleWrite) {
  return draft.holidays.map(({ name: holidayListName }) => ({ scheduleId, holidayListName }));
}

function columnsOf({ draft, pins }: ScheduleWrite) {
  return {
    name: draft.name,
    holder: draft.holder,
    timezone: draft.timezone,
    startsOn: dateColumn(draft.startsOn),
    endsOn: draft.endsOn === null ? null : dateColumn(draft.endsOn),
    exceptDates: draft.exceptDates.map(dateColumn),
    extra: extraColumn(draft.extra),
    blackouts: blackoutsColumn(draft.blackouts),
    byHand: byHandColumn(draft.byHand),
    graceEarlyMinutes: draft.grace.earlyMinutes,
    graceLateMinutes: draft.grace.lateMinutes,
    mergeGapsUpToMinutes: draft.mergeGapsUpToMinutes,
    pinPolicy: draft.pinPolicy,
    ...columnsOfPin(pins.all),
    allowOtherPin: draft.allowOtherPin,
    status: draft.status,
  };
}

function scheduleOf(row: Row): Schedule {
  return {
    id: row.id,
    key: row.key,
    name: row.name,
    holder: row.holder,
    timezone: row.timezone,
    startsOn: localDateText(row.startsOn),
    endsOn: row.endsOn === null ? null : localDateText(row.endsOn),
    rules: row.rules.map(({ rrule, fromLocal, toLocal }) => ({ rrule, from: fromLocal, to: toLocal })),
    exceptDates: row.exceptDates.map(localDateText).sort(),
    // By code units, as drafts are: a database sorts by its own collation.
    holidays: row.holidayLists
      .map(({ holidayList: { name, dates } }) => ({ name, dates: dates.map(localDateText).sort() }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    extra: extraOf(row.extra),
    blackouts: blackoutsOf(row.blackouts),
    byHand: byHandOf(row.byHand),
    grace: { earlyMinutes: row.graceEarlyMinutes, lateMinutes: row.graceLateMinutes },
    mergeGapsUpToMinutes: row.mergeGapsUpToMinutes,
    devices: row.devices
      .map(({ deviceId, generation }) => ({ deviceId, generation }))
      .sort((a, b) => (a.deviceId < b.deviceId ? -1 : 1)),
    pinPolicy: row.pinPolicy,
    allowOtherPin: row.allowOtherPin,
    status: row.status,
    version: row.version,
  };
}

function pinsOf(row: Row): SchedulePins {
  const own = row.devices.flatMap((door) => {
    const pin = encryptedPin(door);
    return pin === null ? [] : [[door.deviceId, pin] as const];
  });
  return { all: encryptedPin(row), byDevice: new Map(own) };
}

/** Ends an active schedule whose windows are over, unless it was changed since it was read: false then. */
export async function markEnded(tx: Tx, { id, version }: Schedule): Promise<boolean> {
  const { count } = await tx.schedule.updateMany({
    where: { id, version, status: 'active' },
    data: { status: 'ended', version: { increment: 1 } },
  });
  return count === 1;
}
