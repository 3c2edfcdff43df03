import { expect, it } from 'vitest';
import { laterMs, promptTries, rareDelayMs, removalDelayMs } from '../../src/core/backoff.ts';

it('asks for a removal again after 5, 15 and 60 s, then every 5 min', () => {
  expect([1, 2, 3, 4, 5, 1_000].map(removalDelayMs)).toEqual([5_000, 15_000, 60_000, 300_000, 300_000, 300_000]);
  expect(removalDelayMs(0)).toBe(5_000);
});

it.each([
  ['while the code is valid', -30 * 24, 1],
  ['at its end', 0, 1],
  ['until a day after it', 23.99, 1],
  ['a day after it', 24, 24],
  ['until 30 days after it', 30 * 24 - 0.01, 24],
  ['30 days after it', 30 * 24, null],
])('tries rarely what hours did not settle: %s', (_when, endedForHours, delayHours) => {
  expect(rareDelayMs(endedForHours * 3_600_000)).toBe(delayHours === null ? null : delayHours * 3_600_000);
});

it('turns to rare tries after about three hours', () => {
  const tries = Array.from({ length: promptTries }, (_, index) => removalDelayMs(index + 1));
  const minutes = tries.reduce((sum, ms) => sum + ms, 0) / 60_000;
  expect(minutes).toBeGreaterThanOrEqual(175);
  expect(minutes).toBeLessThan(185);
});

it('waits twice as long each time, up to 5 min', () => {
  const least = (attempts: number): number => laterMs(attempts, () => 0);
  expect([1, 2, 3, 4].map(least)).toEqual([5_000, 10_000, 20_000, 40_000]);
  expect([0, 6, 7, 30, 10_000].map(least)).toEqual([5_000, 160_000, 300_000, 300_000, 300_000]);
});

it('adds at most a fifth, so that what failed together does not come back together', () => {
  expect(laterMs(1, (below) => below - 1)).toBe(6_000);
  expect(laterMs(100, (below) => below - 1)).toBe(360_000);
});
