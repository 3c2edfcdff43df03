import { type Code, type Frame, iso, isoOrNull } from './access-code.ts';
import type { SimulatedDevice } from './device.ts';
import { ApiFailure } from './failure.ts';

/** What a new code is to be. */
export interface CodeRequest extends Frame {
  readonly deviceId: string;
  readonly name: string | null;
  readonly pin?: string | undefined;
  readonly preferredLength?: number | undefined;
  readonly isExternalModificationAllowed?: boolean | undefined;
}

/** What of a code is to change; what is undefined stays. */
export interface CodeChange {
  readonly name?: string | undefined;
  readonly pin?: string | undefined;
  readonly frame?: Frame | undefined;
}

/** What a change asks for, as Seam lists it among the pending mutations. */
export function differences(
  code: Code,
  next: { name: string | null; pin: string; frame: Frame },
  now: number,
): Code['changes'] {
  const common = { created_at: iso(now), message: 'Seam is pushing an updated access code to the device.' };
  const { frame } = next;
  const changes: Code['changes'] = [];
  if (next.name !== code.name) {
    const [from, to] = [{ name: code.name }, { name: next.name }];
    changes.push({ ...common, mutation_code: 'updating_name', from, to });
  }
  if (next.pin !== code.pin) {
    const [from, to] = [{ code: code.pin }, { code: next.pin }];
    changes.push({ ...common, mutation_code: 'updating_code', from, to });
  }
  if (frame.startsAt !== code.startsAt || frame.endsAt !== code.endsAt) {
    const from = { starts_at: isoOrNull(code.startsAt), ends_at: isoOrNull(code.endsAt) };
    const to = { starts_at: isoOrNull(frame.startsAt), ends_at: isoOrNull(frame.endsAt) };
    changes.push({ ...common, mutation_code: 'updating_time_frame', from, to });
  }
  return changes;
}

const startOf = ({ startsAt }: Frame): number => startsAt ?? Number.NEGATIVE_INFINITY;
const endOf = ({ endsAt }: Frame): number => endsAt ?? Number.POSITIVE_INFINITY;
const overlap = (a: Frame, b: Frame): boolean => startOf(a) < endOf(b) && startOf(b) < endOf(a);

/** Throws 409 where another code of the device has the PIN. */
export function assertPinIsFree(
  device: SimulatedDevice,
  pin: string,
  frame: Frame,
  { self, mayBeDisjoint }: { self: Code | null; mayBeDisjoint: boolean },
): void {
  for (const other of device.codesByPin.get(pin) ?? []) {
    if (other === self || (mayBeDisjoint && !overlap(other, frame))) continue;
    throw new ApiFailure(409, 'duplicate_access_code', 'An access code with this PIN is already on this device');
  }
}

/** A code's PIN counts as taken from now on. */
export function claimPin(code: Code): void {
  const holders = code.device.codesByPin.get(code.pin);
  if (holders === undefined) code.device.codesByPin.set(code.pin, new Set([code]));
  else holders.add(code);
}

/** A code's PIN is free again. */
export function releasePin(code: Code): void {
  const holders = code.device.codesByPin.get(code.pin);
  holders?.delete(code);
  if (holders?.size === 0) code.device.codesByPin.delete(code.pin);
}
