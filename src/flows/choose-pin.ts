import { drawPin, type PinConstraints, pinProblem } from '../core/pin.ts';
import type { StoredCode } from '../db/access-codes.ts';
import type { KnownDevice } from '../db/devices.ts';
import type { EncryptedPin } from '../db/pin-vault.ts';
import { encryptedPin, loadDoorPins, loadPinsOnDevices, storeDoorPin } from '../db/pins.ts';
import type { Door } from './door.ts';
import type { FlowDeps } from './flow-deps.ts';

export type ChosenPin =
  | { readonly ok: true; readonly pin: string | null; readonly stored: EncryptedPin | null }
  /** A sentence for people: what is wrong with the PIN at this lock. */
  | { readonly ok: false; readonly problem: string };

/**
 * The PIN to send for a code. A repeat sends the one of the first call; `keep` and `given` the schedule's, or the door's own
 * where the lock cannot take that; `rotate` a new one. Null where the lock draws its own.
 */
export async function choosePin(
  deps: FlowDeps,
  door: Door & { device: KnownDevice },
  code: StoredCode,
): Promise<ChosenPin> {
  const { device, schedule } = door;
  if (device.constraints.includes('cannot_specify_pin_code')) return { ok: true, pin: null, stored: null };
  const first = encryptedPin(code);
  if (first !== null) return { ok: true, pin: deps.vault.decrypt(first, schedule.id), stored: first };
  const constraints: PinConstraints = { lengths: device.pinLengths, types: device.constraints };
  if (schedule.pinPolicy === 'rotate') return drawn(deps, door, constraints);

  const { doorPin, schedulePin } = await loadDoorPins(deps.db.prisma, door.key);
  const stored = doorPin ?? schedulePin;
  if (stored !== null) {
    const pin = deps.vault.decrypt(stored, schedule.id);
    const problem = pinProblem(pin, constraints);
    if (problem === null) return { ok: true, pin, stored };
    if (schedule.pinPolicy === 'given') return { ok: false, problem: `the PIN ${problem}` };
  }
  if (schedule.pinPolicy === 'given')
    return { ok: false, problem: 'its PIN was lost with the key that protected it: give it anew' };
  // This lock cannot take the PIN that the other doors have: it keeps one of its own from now on.
  const own = await drawn(deps, door, constraints);
  if (!own.ok || own.stored === null) return own;
  const kept = own.stored;
  await deps.db.prisma.$transaction((tx) => storeDoorPin(tx, door.key, kept));
  return own;
}

/** A PIN for one window only, in the place of one that the lock does not take; null when none is free. */
export async function drawOtherPin(deps: FlowDeps, door: Door & { device: KnownDevice }): Promise<EncryptedPin | null> {
  const { pinLengths, constraints } = door.device;
  const other = await drawn(deps, door, { lengths: pinLengths, types: constraints });
  return other.ok ? other.stored : null;
}

async function drawn(deps: FlowDeps, door: Door, constraints: PinConstraints): Promise<ChosenPin> {
  const known = await loadPinsOnDevices(deps.db.prisma, [door.key.deviceId]);
  const taken = new Set(known.map((pin) => deps.vault.decrypt(pin, pin.scheduleId)));
  const pin = drawPin(constraints, deps.random, taken);
  if (pin === null) return { ok: false, problem: 'the lock takes no PIN that is free: its constraints leave none' };
  return { ok: true, pin, stored: deps.vault.encrypt(pin, door.schedule.id) };
}
