const secondMs = 1_000;
// A code that should be gone and is not: soon again at first, because its successor may be waiting for the PIN.
const removalDelaysMs = [5 * secondMs, 15 * secondMs, 60 * secondMs] as const;
const removalDelayMaxMs = 300 * secondMs;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const givenUpAfterMs = 30 * dayMs;
const laterDelayMs = 5 * secondMs;
// A window may begin soon after Seam is back.
const laterDelayMaxMs = 300 * secondMs;

/** How long to wait before a removal is asked for again, after `attempts` (1 or more) of them. */
export function removalDelayMs(attempts: number): number {
  return removalDelaysMs[Math.max(0, attempts - 1)] ?? removalDelayMaxMs;
}

/** So many tries take about three hours; what they have not settled is tried rarely, see `rareDelayMs`. */
export const promptTries = 38;

/**
 * How long to wait before the next rare try to have a code gone, or null when it is given up: while it may open its door, and
 * on the day after its end, an hour; a day from then on; 30 days after its end no more.
 * @param endedForMs how long ago the code ended by itself; negative while it has not
 */
export function rareDelayMs(endedForMs: number): number | null {
  if (endedForMs < dayMs) return hourMs;
  return endedForMs < givenUpAfterMs ? dayMs : null;
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
