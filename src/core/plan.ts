// What to do next about one schedule's codes on one door. Pure: the webhook, the reconciler and every edit ask here.
// It looks at the window in progress and the one after it and never runs ahead of them; it is called again after each of
// its actions, until it has none.
import { type AccessCode, isOpen, mayHoldPin } from './access-code.ts';
import type { Window } from './windows.ts';

export interface PlanInput<Code extends AccessCode = AccessCode> {
  /** The window in progress, if there is one, and the one after it; none when the door is to have no code. */
  readonly windows: readonly Window[];
  /** Open codes of this schedule and door, and final ones whose window has not ended, or had not as the one in progress began. */
  readonly codes: readonly Code[];
  /** Final codes of an older generation no longer keep their window's place. */
  readonly generation: number;
  /** A new PIN each window: the next code need not wait for the last one to be gone. */
  readonly rotates: boolean;
  readonly now: Date;
}

export type Action<Code extends AccessCode = AccessCode> =
  /** Write the intent to have a code for this window. */
  | { readonly kind: 'intend'; readonly window: Window }
  /** Ask Seam for the code. */
  | { readonly kind: 'create'; readonly code: Code }
  /** The outcome of the last call is unknown: look for the marker on the device before anything else. */
  | { readonly kind: 'find'; readonly code: Code }
  /** Seam said that it is gone, or it should be: ask. */
  | { readonly kind: 'confirm_gone'; readonly code: Code; readonly isEarly: boolean }
  /** The plan moved: the row follows it. */
  | { readonly kind: 'move'; readonly code: Code; readonly window: Window }
  /** Seam follows the row. */
  | { readonly kind: 'update'; readonly code: Code; readonly startsAt: Date; readonly endsAt: Date }
  /** Seam said that it was changed: see whether it is still as asked. */
  | { readonly kind: 'compare'; readonly code: Code }
  | { readonly kind: 'delete'; readonly code: Code; readonly reason: DeleteReason }
  | { readonly kind: 'removed'; readonly code: Code }
  | { readonly kind: 'close'; readonly code: Code; readonly reason: CloseReason }
  /** A window that is to stay without a code goes on for longer: its row keeps its place to the end. */
  | { readonly kind: 'keep_closed'; readonly code: Code; readonly window: Window }
  /** A refused code may be asked for again, because something changed. */
  | { readonly kind: 'reopen'; readonly code: Code };

export type DeleteReason = 'not_planned' | 'moved_later' | 'overdue' | 'pin_revoked';
/** `replaced`: another code of the door is to serve its window; the row stands for none any more. */
export type CloseReason = 'missed' | 'too_late' | 'not_planned' | 'replaced' | 'pin_revoked';

export const minuteMs = 60_000;
/** A window in progress with less left is not worth a code: it may not reach the lock in time. */
export const tooLateMs = 5 * minuteMs;
/** A removal sooner than this before the end is early: somebody took the code away. */
export const earlyRemovalMs = 2 * minuteMs;
/** So long after its end a code whose removal was not reported is asked for. */
export const removalOverdueMs = 2 * minuteMs;
/** Locks that want a start in the future get one far enough away to still be ahead when it arrives. */
export const startAheadMs = 3 * minuteMs;
/** A yearly window must not hold a lock's slot for a year. */
export const aheadMs = 14 * 24 * 60 * minuteMs;
/** A run without an end is cut monthly; the live code is carried over the cut so long before it. */
export const carryOverMs = 24 * 60 * minuteMs;

/** What is to be done about a door now; nothing when it is as it should be, or has to wait. */
export function planSchedule<Code extends AccessCode>(input: PlanInput<Code>): Action<Code>[] {
  const { codes } = input;
  const targets = targetsOf(input);
  const taken = new Set<Window | undefined>();
  const moved = new Set<Window>();
  const actions: Action<Code>[] = [];
  for (const code of codes.filter(isOpen).sort(bySeniority)) {
    const earlier = earlierTarget(code, targets, input);
    if (earlier !== undefined) moved.add(earlier);
    const target = isForNoWindow(code)
      ? undefined
      : (earlier ?? targets.find((window) => !taken.has(window) && !isSpent(window, input) && overlaps(code, window)));
    taken.add(target);
    const isReplaced =
      target === undefined && mayBeReplaced(code) && [...moved].some((window) => overlaps(code, window));
    const action: Action<Code> | null = isReplaced
      ? { kind: 'close', code, reason: 'replaced' }
      : nextFor(code, target, input);
    if (action !== null) actions.push(action);
  }
  for (const code of codes.filter((one) => keepsPlace(one, input))) {
    const longer = input.windows.find((window) => overlaps(code, window) && window.endsAt > code.windowEndsAt);
    const window = longer && { startsAt: code.windowStartsAt, endsAt: longer.endsAt };
    if (window !== undefined) actions.push({ kind: 'keep_closed', code, window });
  }
  for (const window of targets) {
    if (!taken.has(window) && !isSpent(window, input)) actions.push({ kind: 'intend', window });
  }
  return inTurn(actions, codes);
}

/**
 * Rows come before creates: only when they are as they should be it shows which of them gets the PIN. And a row moves to a start
 * only once no other open row has it: a window has one open row.
 */
function inTurn<Code extends AccessCode>(actions: readonly Action<Code>[], codes: readonly Code[]): Action<Code>[] {
  const isTaken = (startsAt: Date, mover: Code): boolean =>
    codes.some((code) => code.id !== mover.id && isOpen(code) && same(code.windowStartsAt, startsAt));
  const possible = actions.filter((action) => action.kind !== 'move' || !isTaken(action.window.startsAt, action.code));
  return possible.some(isRowAction) ? possible.filter(({ kind }) => kind !== 'create') : possible;
}

const rowActions: ReadonlySet<Action['kind']> = new Set([
  'intend',
  'move',
  'removed',
  'close',
  'keep_closed',
  'reopen',
]);

/** Whether an action changes our rows and asks nothing of Seam. */
export function isRowAction({ kind }: Action): boolean {
  return rowActions.has(kind);
}

function nextFor<Code extends AccessCode>(
  code: Code,
  target: Window | undefined,
  input: PlanInput<Code>,
): Action<Code> | null {
  const { now } = input;
  switch (code.state) {
    case 'planned':
      return nextForPlanned(code, target, input);
    case 'calling':
    case 'unknown':
      return isQuiet(code, now) ? null : { kind: 'find', code };
    case 'created':
      return nextForCreated(code, target, input);
    case 'removing':
      // Only Seam's "not found" proves it: a report may be of an earlier removal. Deleting once more asks for that.
      return code.goneSignalAt === null && isQuiet(code, now) ? null : { kind: 'delete', code, reason: 'overdue' };
    case 'rejected':
      if (target === undefined) return closing(code, now);
      if (code.pinRevoked) return { kind: 'close', code, reason: 'pin_revoked' };
      return input.generation > code.generation ? { kind: 'reopen', code } : null;
    default:
      return null;
  }
}

function nextForPlanned<Code extends AccessCode>(
  code: Code,
  target: Window | undefined,
  input: PlanInput<Code>,
): Action<Code> | null {
  const { now } = input;
  if (target === undefined) return closing(code, now);
  // A repetition would send the PIN of the first call.
  if (code.pinRevoked) return { kind: 'close', code, reason: 'pin_revoked' };
  if (differs(code, target, false)) return { kind: 'move', code, window: target };
  if (target.startsAt <= now && target.endsAt.getTime() - now.getTime() < tooLateMs) {
    return { kind: 'close', code, reason: 'too_late' };
  }
  if (isQuiet(code, now) || target.startsAt.getTime() - now.getTime() > aheadMs) return null;
  return blockerOf(code, input) === undefined ? { kind: 'create', code } : null;
}

function nextForCreated<Code extends AccessCode>(
  code: Code,
  target: Window | undefined,
  input: PlanInput<Code>,
): Action<Code> | null {
  const { now } = input;
  const endsAt = code.confirmedEndsAt ?? code.windowEndsAt;
  const isEarly = endsAt.getTime() - now.getTime() > earlyRemovalMs;
  const quiet = isQuiet(code, now);
  if (code.goneSignalAt !== null && !isEarly) return { kind: 'removed', code };
  // Seam has ended it, whatever the plan says now: it cannot be moved any more.
  if (now >= endsAt && !isUnsettled(code)) {
    const isOverdue = now.getTime() - endsAt.getTime() >= removalOverdueMs;
    return isOverdue && !quiet ? { kind: 'confirm_gone', code, isEarly: false } : null;
  }
  // What is not to be is taken away at once: the quiet time of another call holds no removal back.
  if (target === undefined) return { kind: 'delete', code, reason: 'not_planned' };
  if (code.pinRevoked) return { kind: 'delete', code, reason: 'pin_revoked' };
  const live = isLive(code, now);
  if (code.goneSignalAt !== null) {
    // The window that it ends with is the one of now, or a later edit could not tell it from those that it never was for.
    if (differs(code, target, live)) return { kind: 'move', code, window: target };
    return quiet ? null : { kind: 'confirm_gone', code, isEarly: true };
  }
  // A lock does not take back a code that is live: it goes, and another comes for the later start.
  if (live && target.startsAt > now && target.startsAt > code.windowStartsAt) {
    return { kind: 'delete', code, reason: 'moved_later' };
  }
  if (differs(code, target, live)) return { kind: 'move', code, window: target };
  const startsAt = startToAsk(code, target, now);
  const isAsAsked = same(code.askedStartsAt, startsAt) && same(code.askedEndsAt, target.endsAt);
  if (quiet) return null;
  if (!isAsAsked) return { kind: 'update', code, startsAt, endsAt: target.endsAt };
  return code.changedSignalAt === null ? null : { kind: 'compare', code };
}

/** A window in progress is joined now, once: what was asked stays if it comes no later than a new request would. */
function startToAsk(code: AccessCode, target: Window, now: Date): Date {
  if (target.startsAt > now) return target.startsAt;
  const asked = code.askedStartsAt ?? code.confirmedStartsAt;
  return asked !== null && asked.getTime() - now.getTime() <= startAheadMs ? asked : now;
}

/** Whether the outcome of a created code's last change is unknown: Seam may have it until another time than it confirmed. */
export function isUnsettled({ askedEndsAt }: AccessCode): boolean {
  return askedEndsAt === null;
}

/** Whether it opens the door by now, as far as Seam has confirmed. */
function isLive(code: AccessCode, now: Date): boolean {
  return code.confirmedStartsAt !== null && code.confirmedStartsAt <= now;
}

function closing<Code extends AccessCode>(code: Code, now: Date): Action<Code> {
  return { kind: 'close', code, reason: code.windowEndsAt <= now ? 'missed' : 'not_planned' };
}

/**
 * The code that keeps this one, which is not at Seam, waiting: with one PIN for every window the last code must be gone first; with
 * another PIN, Seam must only have confirmed that it ends in time.
 */
export function blockerOf(code: AccessCode, input: PlanInput): AccessCode | undefined {
  if (input.rotates || code.hasOtherPin) return input.codes.find((other) => mayReachInto(other, code));
  return input.codes.find(
    (other) =>
      other.id !== code.id &&
      !other.hasOtherPin &&
      (mayHoldPin(other) || (isWaiting(other) && other.windowStartsAt < code.windowStartsAt)),
  );
}

/** Whether Seam may keep the code of an earlier window until this one's has begun. */
function mayReachInto(other: AccessCode, { windowStartsAt }: AccessCode): boolean {
  if (other.state !== 'created' || other.windowStartsAt >= windowStartsAt) return false;
  return isUnsettled(other) || (other.confirmedEndsAt ?? other.windowEndsAt) > windowStartsAt;
}

/** Not at Seam, but it may be after a change: the PIN is kept for the earlier window. */
export function isWaiting({ state }: AccessCode): boolean {
  return state === 'planned' || state === 'rejected';
}

/**
 * The window that came in before an upcoming code's own (an edit, a reopening): it needs the one PIN, which that code holds,
 * so the code is moved there. A row that only waits for that PIN is no hindrance.
 */
function earlierTarget(code: AccessCode, targets: readonly Window[], input: PlanInput): Window | undefined {
  const { codes, rotates, now } = input;
  if (rotates || code.hasOtherPin || code.state !== 'created' || code.goneSignalAt !== null || isLive(code, now))
    return undefined;
  return targets.find(
    (window) =>
      window.startsAt < code.windowStartsAt &&
      window.endsAt.getTime() - now.getTime() >= tooLateMs &&
      !isSpent(window, input) &&
      !codes.some((other) => isOpen(other) && !mayBeReplaced(other) && overlaps(other, window)),
  );
}

/** A code that only waits to be removed must not keep the place of a window. */
function isForNoWindow({ generation }: AccessCode): boolean {
  return generation < 0;
}

function mayBeReplaced({ state, hasOtherPin }: AccessCode): boolean {
  return state === 'planned' && !hasOtherPin;
}

function targetsOf(input: PlanInput): readonly Window[] {
  const { now } = input;
  const [first, second] = input.windows;
  if (first === undefined) return [];
  const isInProgress = first.startsAt <= now;
  if (isContinued(first, second)) {
    const isNear = first.endsAt.getTime() - now.getTime() <= carryOverMs;
    return [isNear ? { startsAt: first.startsAt, endsAt: second.endsAt } : first];
  }
  if (second === undefined) return [first];
  // A replica whose clock is ahead may have begun with the second: to take it away would close that window for good.
  const isBegun = input.codes.some((code) => isOpen(code) && overlaps(code, second) && !overlaps(code, first));
  return isInProgress || isBegun || isSpent(first, input) ? [first, second] : [first];
}

/** Whether a code that was served, closed or missed keeps this window's place: until an edit or a reopening it gets no other. */
function isSpent(window: Window, input: PlanInput): boolean {
  return input.codes.some((code) => keepsPlace(code, input) && overlaps(code, window));
}

function keepsPlace(code: AccessCode, { generation }: PlanInput): boolean {
  return !isOpen(code) && code.generation >= generation;
}

/** Windows of one schedule touch only where an endless run was cut. */
export function isContinued(first: Window | undefined, second: Window | undefined): second is Window {
  return first !== undefined && second !== undefined && first.endsAt.getTime() === second.startsAt.getTime();
}

/** What the lock holds comes before what is only meant; then the earlier window. */
function bySeniority(a: AccessCode, b: AccessCode): number {
  return Number(mayHoldPin(b)) - Number(mayHoldPin(a)) || a.windowStartsAt.getTime() - b.windowStartsAt.getTime();
}

function overlaps(code: AccessCode, window: Window): boolean {
  return code.windowStartsAt < window.endsAt && window.startsAt < code.windowEndsAt;
}

/** The start of a live code has passed and is no difference. */
function differs(code: AccessCode, window: Window, live: boolean): boolean {
  return !same(code.windowEndsAt, window.endsAt) || (!live && !same(code.windowStartsAt, window.startsAt));
}

function same(a: Date | null, b: Date): boolean {
  return a !== null && a.getTime() === b.getTime();
}

/** Whether Seam is to be left alone about this code for now. */
export function isQuiet<Code extends AccessCode>(code: Code, now: Date): code is Code & { quietUntil: Date } {
  return code.quietUntil !== null && code.quietUntil > now;
}
