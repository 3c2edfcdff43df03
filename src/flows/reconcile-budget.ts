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
  readonly callsMade: number;
}

/** Starts now. Lasts by the real clock: it is our own time that is spent. Ends at once when `signal` is aborted. */
export function startBudget({ seamCalls, durationMs }: PassLimits, signal?: AbortSignal): Budget {
  const endsMs = performance.now() + durationMs;
  let callsMade = 0;
  return {
    get callsMade() {
      return callsMade;
    },
    take(calls) {
      if (signal?.aborted === true) return 'the service is stopping';
      if (callsMade + calls > seamCalls) return `a pass makes at most ${seamCalls} calls to Seam`;
      if (performance.now() > endsMs) return `a pass lasts at most ${durationMs / 1_000} s`;
      callsMade += calls;
      return null;
    },
  };
}
