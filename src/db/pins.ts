// Where PINs are stored, and how they are found again; always encrypted here.
import { z } from 'zod';
import type { PinConstraints } from '../core/pin.ts';
import { holdSchedule } from './access-codes.ts';
import type { Tx } from './client.ts';
import type { EncryptedPin } from './pin-vault.ts';
import type { PlanKey } from './queue.ts';

/** The two columns of each table that holds PINs. */
interface PinColumns {
  readonly pinCiphertext: Uint8Array<ArrayBuffer> | null;
  readonly pinKeyId: string | null;
}

/** A PIN that a schedule holds on a device, or that a code there still bears, and whose it is. */
export interface PinOnDevice extends EncryptedPin {
  readonly scheduleId: string;
  readonly scheduleKey: string;
  readonly deviceId: string;
  /** From a code that is not yet final; its schedule may have another PIN by now. */
  readonly isOfCode: boolean;
}

const pinColumns = { pinCiphertext: true, pinKeyId: true } as const;

/** The PIN that a row holds; null when it holds none, or there is no row. */
export function encryptedPin(row: PinColumns | null | undefined): EncryptedPin | null {
  if (row?.pinCiphertext == null || row.pinKeyId == null) return null;
  return { pinCiphertext: row.pinCiphertext, pinKeyId: row.pinKeyId };
}

/** The columns that store a PIN, or none. */
export function columnsOfPin(pin: EncryptedPin | null | undefined): PinColumns {
  return { pinCiphertext: pin?.pinCiphertext ?? null, pinKeyId: pin?.pinKeyId ?? null };
}

/** The schedule's PIN, and the door's own where that lock cannot take it. */
export async function loadDoorPins(
  tx: Tx,
  { scheduleId, deviceId }: PlanKey,
): Promise<{ schedulePin: EncryptedPin | null; doorPin: EncryptedPin | null }> {
  const row = await tx.scheduleDevice.findUnique({
    where: { scheduleId_deviceId: { scheduleId, deviceId } },
    select: { ...pinColumns, schedule: { select: pinColumns } },
  });
  return { schedulePin: encryptedPin(row?.schedule), doorPin: encryptedPin(row) };
}

/** Gives a door a PIN of its own. For within a transaction. */
export async function storeDoorPin(tx: Tx, { scheduleId, deviceId }: PlanKey, pin: EncryptedPin): Promise<void> {
  await holdSchedule(tx, scheduleId);
  await tx.scheduleDevice.updateMany({ where: { scheduleId, deviceId }, data: pin });
}

/** Every PIN that a schedule holds for these devices, or an open code has on them: none of them is to be drawn again there. */
export async function loadPinsOnDevices(tx: Tx, deviceIds: readonly string[]): Promise<PinOnDevice[]> {
  const where = { deviceId: { in: [...deviceIds] } };
  const ids = { scheduleId: true, deviceId: true } as const;
  const doors = await tx.scheduleDevice.findMany({
    where,
    select: { ...ids, ...pinColumns, schedule: { select: { key: true, ...pinColumns } } },
  });
  const codes = await tx.accessCode.findMany({
    where: { ...where, nextTryAt: { not: null }, pinKeyId: { not: null } },
    select: { ...ids, ...pinColumns, schedule: { select: { key: true } } },
  });
  const held = doors.map((door) => ({
    ...door,
    pin: encryptedPin(door) ?? encryptedPin(door.schedule),
    isOfCode: false,
  }));
  const borne = codes.map((code) => ({ ...code, pin: encryptedPin(code), isOfCode: true }));
  return [...held, ...borne].flatMap(({ scheduleId, schedule, deviceId, isOfCode, pin }) =>
    pin === null ? [] : [{ scheduleId, scheduleKey: schedule.key, deviceId, isOfCode, ...pin }],
  );
}

// Of what is stored of a device (db/devices.ts), the part that PINs are held against.
const Constraints = z.object({ pinLengths: z.array(z.number()).nullable(), constraints: z.array(z.string()) });

/** What the devices ask of a PIN; those that are not known yet are left out. */
export async function loadPinConstraints(tx: Tx, deviceIds: readonly string[]): Promise<Map<string, PinConstraints>> {
  const rows = await tx.device.findMany({
    where: { id: { in: [...deviceIds] } },
    select: { id: true, constraints: true },
  });
  return new Map(
    rows.map((row) => {
      const { pinLengths, constraints } = Constraints.parse(row.constraints);
      return [row.id, { lengths: pinLengths, types: constraints }];
    }),
  );
}

/** How many PINs each key still protects: a key may be taken away once none are left. */
export async function keyIdsInUse(tx: Tx): Promise<ReadonlyMap<string, number>> {
  const rows = await tx.$queryRaw<{ pin_key_id: string; pins: bigint }[]>`
    select pin_key_id, count(*) as pins
      from (select pin_key_id from schedules
            union all select pin_key_id from schedule_devices
            union all select pin_key_id from access_codes where next_try_at is not null) held
     where pin_key_id is not null
     group by pin_key_id`;
  return new Map(rows.map((row) => [row.pin_key_id, Number(row.pins)]));
}
