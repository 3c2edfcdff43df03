const secondMs = 1_000;
// A code that should be gone and is not: soon again at first, because its successor may be waiting for the PIN.
const removalDelaysMs = [5 * secondMs, 15 * secondMs, 60 * secondMs] as const;
const removalDelayMaxMs = 300 * secondMs;
const laterDelayMs = 5 * secondMs;
// A window may begin soon after Seam is back.
const laterDelayMaxMs = 300 * secondMs;

/** How long to wait before a removal is asked for again, after `attempts` (1 or more) of them. */
export function removalDelayMs(attempts: number): number {
  return removalDelaysMs[Math.max(0, attempts - 1)] ?? removalDelayMaxMs;
}

/**
 * How long to wait before Seam is asked again for what did not happen: doubling from 5 s to 5 min, with up to a fifth more
 * so that what failed together does not come back together.
 * @param random uniform whole number below its argument
 */
export function laterMs(attempts: number, random: (below: number) => number): number {
  const delayMs = Math.min(laterDelayMaxMs, laterDelayMs * 2 ** Math.min(20, Math.max(0, attempts - 1)));
  return delayMs + random(Math.floor(delayMs / 5) + 1);
}
