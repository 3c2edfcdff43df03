import type { AccessCode } from 'seam';
import type { SimulatedDevice } from './device.ts';
import type { Timer } from './timeline.ts';

type Mutation = AccessCode['pending_mutations'][number];

/** Something Seam is doing with the lock for a code. It ends when the lock has been within reach for long enough. */
export interface Operation {
  readonly kind: 'set' | 'change' | 'remove' | 'forget';
  readonly since: number;
  readonly lagMs: number;
  doneAt: number;
  delayedAt: number | null;
  failedAt: number | null;
  /** The lock is full: it waits until another code leaves. */
  hasNoSpace: boolean;
}

/** Times as the caller wants them; null for a code without end. */
export interface Frame {
  readonly startsAt: number | null;
  readonly endsAt: number | null;
}

/** A code as the simulator keeps it. What the lock itself holds is in `lock.ts`. */
export interface Code extends Frame {
  readonly id: string;
  readonly order: number;
  readonly device: SimulatedDevice;
  readonly isManaged: boolean;
  readonly isBackup: boolean;
  readonly createdAt: number;
  readonly isExternalModificationAllowed: boolean;
  readonly isWidened: boolean;
  name: string | null;
  pin: string;
  startsAt: number | null;
  endsAt: number | null;
  pulledBackupId: string | null;
  /** Somebody asked to delete it. */
  deletingSince: number | null;
  /** Ended, off the lock, object kept. */
  isExpired: boolean;
  /** The object no longer exists. */
  isGone: boolean;
  /** Taken off outside of Seam, and Seam was told to leave it so. */
  isLetGo: boolean;
  /** `set_on_device` was sent for what the lock holds now. */
  isAnnounced: boolean;
  /** Its start passed without it. */
  missedStartAt: number | null;
  externalChange: { readonly type: 'modified' | 'removed'; readonly at: number } | null;
  changes: Extract<Mutation, { from: unknown }>[];
  operation: Operation | null;
  timer: Timer | null;
}

export const iso = (at: number): string => new Date(at).toISOString();
export const isoOrNull = (at: number | null): string | null => (at === null ? null : iso(at));

const hourMs = 3_600_000;
const nativeLeadMs = 72 * hourMs;
const justInTimeLeadMs = hourMs;

/** When Seam begins to program a code. */
export function programmingAt(code: Code): number {
  if (code.startsAt === null) return code.createdAt;
  return code.startsAt - (code.device.isNative ? nativeLeadMs : justInTimeLeadMs);
}

export const isOnLock = (code: Code): boolean => code.device.lock.entry(code.id) !== undefined;
