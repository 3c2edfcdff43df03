/** How long things take in virtual time. */
export interface Timings {
  /** From deciding to program a code to its being on the lock. */
  readonly settingLagMs: number;
  /** From `ends_at`, or a deletion, to the code being off the lock. */
  readonly removingLagMs: number;
  /** How long Seam takes to see, and mend, what was changed at the lock. */
  readonly repairLagMs: number;
  /** How long something may be stuck before Seam warns of a delay, and before it calls it failed. */
  readonly delayAfterMs: number;
  readonly failAfterMs: number;
}

export const defaultTimings: Timings = {
  settingLagMs: 2_000,
  removingLagMs: 5_000,
  repairLagMs: 60_000,
  delayAfterMs: 120_000,
  failAfterMs: 600_000,
};
