import { z } from 'zod';
import type { DeviceFacts } from '../core/device.ts';
import type { Tx } from './client.ts';
import type { PlanKey } from './queue.ts';

/** What we last heard of a device, and when. */
export interface KnownDevice extends DeviceFacts {
  readonly refreshedAt: Date;
}

const Constraints = z.object({
  pinLengths: z.array(z.number()).nullable(),
  constraints: z.array(z.string()),
  nameLengthMax: z.number().nullable(),
});

export async function loadDevice(tx: Tx, deviceId: string): Promise<KnownDevice | null> {
  const row = await tx.device.findUnique({ where: { id: deviceId } });
  if (row === null) return null;
  const { name, timezone, refreshedAt } = row;
  return { deviceId, name, timezone, refreshedAt, ...Constraints.parse(row.constraints) };
}

export async function saveDevice(tx: Tx, device: DeviceFacts, refreshedAt: Date): Promise<void> {
  const { deviceId, name, timezone, pinLengths, constraints, nameLengthMax } = device;
  const facts = {
    name,
    timezone,
    constraints: {
      pinLengths: pinLengths === null ? null : [...pinLengths],
      constraints: [...constraints],
      nameLengthMax,
    },
    refreshedAt,
  };
  await tx.device.upsert({ where: { id: deviceId }, create: { id: deviceId, ...facts }, update: facts });
}

/** How people call a schedule and a door; null where nothing is known of them yet. */
export interface DoorNames {
  readonly scheduleKey: string | null;
  readonly scheduleName: string | null;
  readonly deviceName: string | null;
  readonly holder: string | null;
}

export async function loadDoorNames(tx: Tx, { scheduleId, deviceId }: PlanKey): Promise<DoorNames> {
  const [row] = await tx.$queryRaw<{ key: string; name: string; holder: string | null; device_name: string | null }[]>`
    select s.key, s.name, s.holder, d.name as device_name
      from schedules s left join devices d on d.id = ${deviceId}
     where s.id = ${scheduleId}::uuid`;
  return {
    scheduleKey: row?.key ?? null,
    scheduleName: row?.name ?? null,
    deviceName: row?.device_name ?? null,
    holder: row?.holder ?? null,
  };
}
