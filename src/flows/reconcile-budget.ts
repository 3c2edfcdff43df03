import type { SeamFailure } from '../seam/errors.ts';

/** What a pass may spend, so that it ends before the next one begins and Seam has time for what is urgent. */
export interface PassLimits {
  readonly seamCalls: number;
  readonly durationMs: number;
}

/** Doors beyond it are compared in the passes that follow. */
export const passLimits: PassLimits = { seamCalls: 1_000, durationMs: 120_000 };

/** Counts down what is left of a pass. */
export interface Budget {
  /** Takes so many calls to Seam; answers why they may not be made, or null. */
  take(calls: number): string | null;
  /** Why the pass is to end whatever it would do next, calls or not; null while it may go on. */
  isOver(): string | null;
  /** No call is granted any more where Seam asks to wait, or cannot be asked: the next one would be told the same. */
  noteFailure(failure: SeamFailure): void;
  readonly callsMade: number;
}

const ends: ReadonlySet<SeamFailure['kind']> = new Set(['rate_limited', 'unauthorized', 'held_back']);

/** Starts now. Lasts by the real clock: it is our own time that is spent. Ends at once when `signal` is aborted. */
export function startBudget({ seamCalls, durationMs }: PassLimits, signal?: AbortSignal): Budget {
  const endsMs = performance.now() + durationMs;
  let callsMade = 0;
  let endedBecause: string | null = null;
  const isOver = (): string | null => {
    if (signal?.aborted === true) return 'the service is stopping';
    return performance.now() > endsMs ? `a pass lasts at most ${durationMs / 1_000} s` : null;
  };
  return {
    get callsMade() {
      return callsMade;
    },
    take(calls) {
      const why = isOver() ?? endedBecause;
      if (why !== null) return why;
      if (callsMade + calls > seamCalls) return `a pass makes at most ${seamCalls} calls to Seam`;
      callsMade += calls;
      return null;
    },
    isOver,
    noteFailure({ kind, message }) {
      if (ends.has(kind)) endedBecause = message;
    },
  };
}
