import type { Blackout } from '../core/windows.ts';
import { blackoutsColumn, blackoutsOf } from './calendar-columns.ts';
import type { Tx } from './client.ts';

/** The blackouts of doors, by device; a door that has none may be missing. */
export async function loadDoorBlackouts(
  tx: Tx,
  deviceIds: readonly string[],
): Promise<ReadonlyMap<string, readonly Blackout[]>> {
  if (deviceIds.length === 0) return new Map();
  const rows = await tx.doorBlackouts.findMany({ where: { deviceId: { in: [...deviceIds] } } });
  return new Map(rows.map(({ deviceId, blackouts }) => [deviceId, blackoutsOf(blackouts)]));
}

/** Replaces the blackouts of a door. */
export async function saveDoorBlackouts(
  tx: Tx,
  deviceId: string,
  blackouts: readonly Blackout[],
  now: Date,
): Promise<void> {
  const facts = { blackouts: blackoutsColumn(blackouts), updatedAt: now };
  await tx.doorBlackouts.upsert({ where: { deviceId }, create: { deviceId, ...facts }, update: facts });
}

/** The doors of these schedules. */
export async function devicesOfSchedules(tx: Tx, keys: readonly string[]): Promise<string[]> {
  const rows = await tx.scheduleDevice.findMany({
    where: { schedule: { key: { in: [...keys] } } },
    select: { deviceId: true },
    distinct: ['deviceId'],
  });
  return rows.map(({ deviceId }) => deviceId);
}

/** Every door that is in a schedule. */
export async function devicesWithSchedules(tx: Tx): Promise<string[]> {
  const rows = await tx.scheduleDevice.findMany({ select: { deviceId: true }, distinct: ['deviceId'] });
  return rows.map(({ deviceId }) => deviceId);
}

/** Keys of the schedules on any of these doors. */
export async function keysOnDevices(tx: Tx, deviceIds: readonly string[]): Promise<string[]> {
  if (deviceIds.length === 0) return [];
  const where = { devices: { some: { deviceId: { in: [...deviceIds] } } } };
  const rows = await tx.schedule.findMany({ where, select: { key: true } });
  return rows.map(({ key }) => key);
}
