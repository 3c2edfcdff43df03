import type { AccessCode } from './access-code.ts';
import {
  aheadMs,
  blockerOf,
  carryOverMs,
  isContinued,
  isQuiet,
  isUnsettled,
  minuteMs,
  type PlanInput,
  removalOverdueMs,
  tooLateMs,
} from './plan.ts';

/**
 * When an open code is to be planned again at the latest, whatever events come or stay away.
 * Always after `now`: what is due now has been done, or has set a quiet time.
 * @param rungAt when the ladder is to look after it; one that has passed could not be asked for, and is again in a minute
 */
export function wakeAt(code: AccessCode, input: PlanInput, rungAt: Date | null = null): Date {
  const { now } = input;
  const quiet = isQuiet(code, now) ? code.quietUntil.getTime() : null;
  const soonest = now.getTime() + 1_000;
  const rung = rungAt === null ? Number.POSITIVE_INFINITY : rungAt > now ? rungAt.getTime() : now.getTime() + minuteMs;
  return new Date(Math.max(soonest, Math.min(wakeMs(code, input, quiet), rung)));
}

function wakeMs(code: AccessCode, input: PlanInput, quiet: number | null): number {
  const now = input.now.getTime();
  const end = code.windowEndsAt.getTime();
  switch (code.state) {
    case 'planned': {
      const blocker = blockerOf(code, input);
      // The blocker has wakes of its own, and each plan looks at all codes of the door: this one is only a safeguard.
      if (blocker !== undefined) return Math.min(end, Math.max(blocker.windowEndsAt.getTime(), now) + tooLateMs);
      return Math.min(end, Math.max(quiet ?? 0, code.windowStartsAt.getTime() - aheadMs));
    }
    case 'created': {
      const confirmed = code.confirmedEndsAt?.getTime() ?? end;
      // Valid for longer than its window, or perhaps so: it is taken away when that ends.
      const overdue = confirmed > end || isUnsettled(code) ? end : confirmed + removalOverdueMs;
      if (quiet !== null) return overdue > now ? Math.min(quiet, overdue) : quiet;
      const [first, second] = input.windows;
      if (isContinued(first, second)) return Math.min(overdue, end - carryOverMs);
      // Once its window is in progress, the one after it may have its code ahead of time.
      const start = code.windowStartsAt.getTime();
      return input.rotates && start > now ? Math.min(overdue, start) : overdue;
    }
    case 'rejected':
      return end;
    default:
      return quiet ?? now + minuteMs;
  }
}
