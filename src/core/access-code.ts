/**
 * One code for one window on one door, from intent to removal.
 * `removed` and `closed` are final; a row in any other state is open and has a moment at which it is planned again.
 */
export interface AccessCode {
  readonly id: string;
  readonly scheduleId: string;
  readonly deviceId: string;
  readonly windowStartsAt: Date;
  readonly windowEndsAt: Date;
  readonly generation: number;
  readonly marker: string;
  readonly state: CodeState;
  readonly fence: number;
  readonly attempts: number;
  readonly accessCodeId: string | null;
  readonly askedStartsAt: Date | null;
  readonly askedEndsAt: Date | null;
  readonly confirmedStartsAt: Date | null;
  readonly confirmedEndsAt: Date | null;
  readonly calledAt: Date | null;
  readonly quietUntil: Date | null;
  readonly nextTryAt: Date | null;
  readonly goneSignalAt: Date | null;
  readonly deviceAwaySince: Date | null;
  /** Since when the lock holds it, as far as Seam has said. */
  readonly readyAt: Date | null;
  /** When Seam said that it was changed, until that is judged. */
  readonly changedSignalAt: Date | null;
  /** When the ladder last looked after it. */
  readonly checkedAt: Date | null;
  /** It has a PIN of its own, for its window only. */
  readonly hasOtherPin: boolean;
  /** Its PIN is to open nothing any more: the code goes, and its window gets another. */
  readonly pinRevoked: boolean;
  readonly backupAccessCodeId: string | null;
  readonly createdAt: Date;
  readonly reason: string | null;
}

export type CodeState = 'planned' | 'calling' | 'unknown' | 'created' | 'removing' | 'rejected' | 'removed' | 'closed';

export function isOpen(code: { readonly state: CodeState }): boolean {
  return code.state !== 'removed' && code.state !== 'closed';
}

/** Whether the lock may hold this code's PIN, as far as we know. Seam refuses a PIN twice on one device. */
export function mayHoldPin(code: { readonly state: CodeState }): boolean {
  return code.state === 'calling' || code.state === 'unknown' || code.state === 'created' || code.state === 'removing';
}

export const markerPrefixLength = 3;
export const markerLength = 8;
// No vowels and no look-alikes: a marker never spells a word and can be read out.
const markerAlphabet = '23456789BCDFGHJKMNPQRSTVWXZ';

/** Draws `length` characters for a marker. @param random uniform integer below its argument */
export function drawMarker(length: number, random: (below: number) => number): string {
  return Array.from({ length }, () => markerAlphabet.charAt(random(markerAlphabet.length))).join('');
}

/** A marker for a new row, beginning with the installation's prefix. */
export function newMarker(prefix: string, random: (below: number) => number): string {
  return prefix + drawMarker(markerLength - prefix.length, random);
}

/**
 * The name that a code gets at Seam: the schedule's label, then the marker by which we find it again.
 * The label gives way where the lock's names are short; the marker never does.
 */
export function codeName(label: string, marker: string, lengthMax: number | null): string {
  const room = (lengthMax ?? defaultNameLengthMax) - marker.length - 1;
  const cut = label.slice(0, Math.max(0, room)).trim();
  return cut === '' ? marker : `${cut} ${marker}`;
}
const defaultNameLengthMax = 60;

/** Whether a name at Seam bears this marker; locks may cut or change what stands around it. */
export function bearsMarker(name: string | null, marker: string): boolean {
  return name?.toUpperCase().includes(marker) ?? false;
}

/** Whether a name at Seam ends in a marker of the installation with this prefix. */
export function bearsPrefix(name: string | null, prefix: string): boolean {
  const last = name?.toUpperCase().split(' ').at(-1) ?? '';
  return last.length === markerLength && last.startsWith(prefix) && [...last].every((c) => markerAlphabet.includes(c));
}
