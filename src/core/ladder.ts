// The deadline ladder: before a window begins its code is looked after at a few rungs, and after it has ended once more. Pure:
// says which rung is due, what is wrong, and what to try before people are told.
import { type AccessCode, isOpen, mayHoldPin } from './access-code.ts';
import { blockerOf, minuteMs, type PlanInput } from './plan.ts';

/** A code that is so late off the lock is an alert. */
export const removalLateMs = 15 * minuteMs;
/** With one PIN for every window a code cannot be ready sooner after the end of the one before it. */
const afterLastEndMs = 15 * minuteMs;
// So soon after a call its effect is still on its way to the lock.
const afterCallMs = minuteMs;
// Locks without schedules of their own get a code an hour ahead: nearer than this nothing may be pending.
const pendingCountsMs = 30 * minuteMs;

/** A moment at which a code is looked after. */
export interface Rung {
  readonly kind: 'before_start' | 'after_end';
  readonly dueAt: Date;
  /** The first rung leaves Seam and people time to put it right by themselves. */
  readonly isFirst: boolean;
}

/** How the ladder stands: `rungsMs` before a start, longest first; when the last window before now ended, if any did. */
export interface Ladder {
  readonly rungsMs: readonly number[];
  readonly lastEndsAt: Date | null;
}

/** The next rung of an open code that is not done; its `dueAt` may have passed. Null when none is left. */
export function nextRung<Code extends AccessCode>(code: Code, ladder: Ladder, input: PlanInput<Code>): Rung | null {
  const { now } = input;
  // A row of a generation before the first is for no window.
  if (!isOpen(code) || code.generation < 0) return null;
  if (code.windowStartsAt <= now) return rungAfterEnd(code);
  if (code.state === 'removing') return null;
  const possibleAt = possibleMs(code, ladder, input);
  const done = Math.max(code.createdAt.getTime(), code.checkedAt?.getTime() ?? 0, possibleAt);
  const start = code.windowStartsAt.getTime();
  // A create that fails and is repeated is trouble at once; only what Seam has taken is on its way.
  const soonest = code.state === 'created' ? (code.calledAt?.getTime() ?? 0) + afterCallMs : 0;
  const open = ladder.rungsMs.map((rungMs, index) => ({ at: start - rungMs, index })).filter(({ at }) => at > done);
  // What was slept through is made up for at the last rung that has passed.
  const next = open.filter(({ at }) => at <= now.getTime()).at(-1) ?? open[0];
  if (next === undefined) return null;
  const dueAt = Math.max(next.at, soonest);
  if (dueAt >= start) return null;
  return { kind: 'before_start', dueAt: new Date(dueAt), isFirst: next.index === 0 && ladder.rungsMs.length > 1 };
}

/** Only a code that the lock may hold can be late off it. */
function rungAfterEnd(code: AccessCode): Rung | null {
  if (code.state !== 'created' && code.state !== 'removing') return null;
  const at = code.windowEndsAt.getTime() + removalLateMs;
  if (code.checkedAt !== null && code.checkedAt.getTime() >= at) return null;
  return { kind: 'after_end', dueAt: new Date(at), isFirst: false };
}

/** The earliest moment at which this code can be on the lock; rungs before it do not count. */
function possibleMs<Code extends AccessCode>(code: Code, { lastEndsAt }: Ladder, input: PlanInput<Code>): number {
  if (input.rotates || code.hasOtherPin) return 0;
  const ends = input.codes
    .filter(
      (other) => other.id !== code.id && other.windowEndsAt <= code.windowStartsAt && other.reason !== 'not_planned',
    )
    .map(({ windowEndsAt }) => windowEndsAt.getTime());
  return Math.max(lastEndsAt?.getTime() ?? Number.NEGATIVE_INFINITY, ...ends) + afterLastEndMs;
}

/** What Seam shows of a code. */
export interface Seen {
  readonly errors: readonly { readonly code: string; readonly isOwn: boolean }[];
  readonly pending: readonly string[];
}

/** What keeps a window's code from being ready. */
export type Trouble =
  | { readonly kind: 'last_code_hangs' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'not_created'; readonly reason: string | null }
  | { readonly kind: 'seam_error'; readonly errors: readonly string[]; readonly isAboutPin: boolean }
  | { readonly kind: 'pending' };

const aboutPin = new Set(['duplicate_code_on_device', 'code_constraints_violated']);

/** What is wrong with an upcoming code; null when it is as it should be. @param seen null: Seam has no such code */
export function troubleOf<Code extends AccessCode>(
  code: Code,
  seen: Seen | null,
  input: PlanInput<Code>,
): Trouble | null {
  if (code.state === 'rejected') return { kind: 'refused', reason: code.reason ?? 'Seam refuses it' };
  if (seen === null) {
    const blocker = code.state === 'planned' ? blockerOf(code, input) : undefined;
    const hangs = blocker !== undefined && mayHoldPin(blocker) && blocker.windowEndsAt <= input.now;
    if (hangs) return { kind: 'last_code_hangs' };
    return {
      kind: 'not_created',
      reason: code.deviceAwaySince === null ? code.reason : 'its device is gone from Seam',
    };
  }
  // What the lock holds already, it opens to by itself: that it is offline then is the device's trouble.
  const isOnLock = code.readyAt !== null && seen.pending.length === 0;
  const errors = seen.errors.filter(({ isOwn }) => isOwn || !isOnLock).map((error) => error.code);
  if (errors.length > 0) {
    return { kind: 'seam_error', errors, isAboutPin: errors.some((error) => aboutPin.has(error)) };
  }
  const isNear = code.windowStartsAt.getTime() - input.now.getTime() <= pendingCountsMs;
  return isNear && seen.pending.length > 0 ? { kind: 'pending' } : null;
}

/** What the door and the schedule allow. */
export interface Means {
  readonly allowsOtherPin: boolean;
  readonly hasBackupPool: boolean;
}

/** What is tried before people are told; `tell` where nothing is left. */
export type Remedy = 'other_pin' | 'ask_again' | 'backup' | 'tell';

/** The next thing to try, in the order of what it costs the holder. */
export function remedyFor(code: AccessCode, trouble: Trouble, rung: Pick<Rung, 'isFirst'>, means: Means): Remedy {
  const isAboutPin =
    trouble.kind === 'last_code_hangs' ||
    trouble.kind === 'refused' ||
    (trouble.kind === 'seam_error' && trouble.isAboutPin);
  if (isAboutPin && means.allowsOtherPin && !code.hasOtherPin) return 'other_pin';
  if (trouble.kind === 'refused') return 'ask_again';
  const isAtSeam = code.state === 'created';
  if (isAtSeam && means.hasBackupPool && code.backupAccessCodeId === null && !rung.isFirst) return 'backup';
  return 'tell';
}

/** The trouble as the end of a sentence, and what a person can do. */
export function explainTrouble(trouble: Trouble): { cause: string; remedy: string } {
  switch (trouble.kind) {
    case 'last_code_hangs':
      return {
        cause: 'the code before it, which has the same PIN, is still on the lock',
        remedy: 'Check that the lock is online, or allow another PIN (allow_other_pin).',
      };
    case 'refused':
      return { cause: trouble.reason, remedy: 'Change the schedule, or remove what is in the way.' };
    case 'not_created':
      return {
        cause: trouble.reason ?? 'Seam has not made it yet',
        remedy: 'Relatch keeps trying; if Seam is up, see what it says of the device.',
      };
    case 'seam_error':
      return {
        cause: `Seam reports ${trouble.errors.join(', ')}`,
        remedy: 'Check that the lock is online and has battery and room for codes.',
      };
    case 'pending':
      return { cause: 'it is not on the lock yet', remedy: 'Check that the lock is online and has battery.' };
  }
}
