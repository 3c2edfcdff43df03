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

/** How many PINs, and signing secrets of endpoints, each key still protects: a key may be taken away once none are left. */
export async function keyIdsInUse(tx: Tx): Promise<ReadonlyMap<string, number>> {
  const rows = await tx.$queryRaw<{ pin_key_id: string; pins: bigint }[]>`
    select pin_key_id, count(*) as pins
      from (select pin_key_id from schedules
            union all select pin_key_id from schedule_devices
            union all select pin_key_id from access_codes where next_try_at is not null
            union all select secret_key_id from webhook_secrets) held
     where pin_key_id is not null
     group by pin_key_id`;
  return new Map(rows.map((row) => [row.pin_key_id, Number(row.pins)]));
}

/** Active schedules whose PIN people choose, and which have none since it was lost. */
export async function keysWithoutGivenPin(tx: Tx): Promise<string[]> {
  const where = { status: 'active', pinPolicy: 'given', pinKeyId: null } as const;
  const rows = await tx.schedule.findMany({ where, select: { key: true }, orderBy: { key: 'asc' } });
  return rows.map(({ key }) => key);
}

/** A stored PIN and the row that holds it. */
export interface HeldPin extends EncryptedPin {
  /** secret: no PIN, but what an endpoint's messages are signed with. */
  readonly place: 'schedule' | 'door' | 'code' | 'secret';
  /** Of the row: the schedule's, the code's, or the secret's. */
  readonly id: string;
  /** To what it is bound: of a secret, the endpoint. */
  readonly scheduleId: string;
  /** Empty for a schedule's. */
  readonly deviceId: string;
  /** Of the code at Seam, if it has one. */
  readonly accessCodeId: string | null;
}

const places = ['schedule', 'door', 'code', 'secret'] as const;

/** A page of the PINs that these keys protect, in a fixed order; counted like those of `keyIdsInUse`. */
export async function pinsUnderKeys(
  tx: Tx,
  keyIds: readonly string[],
  after: HeldPin | null,
  limit: number,
): Promise<HeldPin[]> {
  const from = [after === null ? -1 : places.indexOf(after.place), after?.id ?? '', after?.deviceId ?? ''] as const;
  const rows = await tx.$queryRaw<
    {
      place: number;
      id: string;
      device_id: string;
      schedule_id: string;
      access_code_id: string | null;
      pin_ciphertext: Uint8Array<ArrayBuffer>;
      pin_key_id: string;
    }[]
  >`
    select * from (
      select 0 as place, id::text as id, '' as device_id, id::text as schedule_id, null as access_code_id, pin_ciphertext, pin_key_id
        from schedules
       union all
      select 1, schedule_id::text, device_id, schedule_id::text, null, pin_ciphertext, pin_key_id from schedule_devices
       union all
      select 2, id::text, device_id, schedule_id::text, access_code_id, pin_ciphertext, pin_key_id
        from access_codes where next_try_at is not null
       union all
      select 3, id::text, '', endpoint_id::text, null, secret_ciphertext, secret_key_id from webhook_secrets) held
     where pin_key_id = any(${[...keyIds]}::text[]) and pin_ciphertext is not null
       and (place, id, device_id) > (${from[0]}::int, ${from[1]}::text, ${from[2]}::text)
     order by place, id, device_id
     limit ${limit}`;
  return rows.map((row) => ({
    place: places[row.place] ?? 'code',
    id: row.id,
    scheduleId: row.schedule_id,
    deviceId: row.device_id,
    accessCodeId: row.access_code_id,
    pinCiphertext: row.pin_ciphertext,
    pinKeyId: row.pin_key_id,
  }));
}

/** Stores a PIN, or none, in the place of this one, unless the row holds another by now. */
export async function replaceHeldPin(tx: Tx, held: HeldPin, pin: EncryptedPin | null): Promise<boolean> {
  const data = columnsOfPin(pin);
  const same = { pinCiphertext: held.pinCiphertext };
  const { scheduleId, deviceId, id } = held;
  if (held.place === 'secret') {
    const where = { id, secretCiphertext: held.pinCiphertext };
    if (pin === null) return (await tx.webhookSecret.deleteMany({ where })).count > 0;
    const changed = { secretCiphertext: pin.pinCiphertext, secretKeyId: pin.pinKeyId };
    return (await tx.webhookSecret.updateMany({ where, data: changed })).count > 0;
  }
  const { count } =
    held.place === 'schedule'
      ? await tx.schedule.updateMany({ where: { id, ...same }, data })
      : held.place === 'door'
        ? await tx.scheduleDevice.updateMany({ where: { scheduleId, deviceId, ...same }, data })
        : await tx.accessCode.updateMany({ where: { id, ...same }, data });
  return count > 0;
}

/** Codes at Seam that bear a schedule's PIN, on doors that have none of their own, the latest window first. */
export async function bearersOfPin(tx: Tx, scheduleId: string, deviceId: string | null): Promise<PinBearer[]> {
  const rows = await tx.$queryRaw<{ device_id: string; access_code_id: string }[]>`
    select c.device_id, c.access_code_id
      from access_codes c join schedule_devices d on d.schedule_id = c.schedule_id and d.device_id = c.device_id
     where c.schedule_id = ${scheduleId}::uuid and c.access_code_id is not null and c.next_try_at is not null
       and c.state = 'created' and not c.pin_revoked
       and (c.device_id = ${deviceId} or (${deviceId}::text is null and d.pin_key_id is null))
     order by c.window_starts_at desc
     limit 100`;
  return rows.map((row) => ({ deviceId: row.device_id, accessCodeId: row.access_code_id }));
}

/** A code at Seam, and its door. */
export interface PinBearer {
  readonly deviceId: string;
  readonly accessCodeId: string;
}
