import { describe, expect, it } from 'vitest';
import {
  describeAttempt,
  isFailingTooLong,
  isGone,
  isTaken,
  quietMs,
  retryDelayMs,
  wasAway,
} from '../../src/core/endpoint.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const answered = (status: number, retryAfterSeconds: number | null = null) => ({ status, retryAfterSeconds });

describe('a message', () => {
  it('is tried ten times in all, at the distances that Standard Webhooks recommend', () => {
    const delays = Array.from({ length: 10 }, (_, index) => retryDelayMs(index + 1, () => 0));
    const hours = [2, 5, 10, 14, 20, 24].map((count) => count * hourMs);
    expect(delays).toEqual([5_000, 5 * minuteMs, 30 * minuteMs, ...hours, null]);
  });

  it('is tried up to a tenth later, so that what failed together does not come back together', () => {
    expect(retryDelayMs(1, (below) => below - 1)).toBe(5_500);
    expect(retryDelayMs(9, (below) => below - 1)).toBe(26.4 * hourMs);
  });

  it.each([
    [199, false],
    [200, true],
    [204, true],
    [299, true],
    [300, false],
    [500, false],
  ])('that is answered %i is taken: %s', (status, isIt) => expect(isTaken(answered(status))).toBe(isIt));

  it('is wanted by nobody any more who answers 410', () => {
    expect([410, 404].map((status) => isGone(answered(status)))).toEqual([true, false]);
    expect(isTaken({ error: 'x' }) || isGone({ error: 'x' })).toBe(false);
  });

  it('that failed is told of in words', () => {
    const attempts = [answered(500), answered(302), answered(400), { error: 'it did not answer within 15 s' }];
    expect(attempts.map(describeAttempt)).toEqual([
      'it answered 500',
      'it answered 302, and redirects are not followed',
      'it answered 400',
      'it did not answer within 15 s',
    ]);
  });
});

describe('an endpoint that fails', () => {
  it.each([
    [0, answered(500), 5_000],
    [60_000, answered(500), 60_000],
    [hourMs, { error: 'x' }, 5 * minuteMs],
    [0, answered(429, 120), 120_000],
    [hourMs, answered(503, 1), 5 * minuteMs],
    [0, answered(503, 999_999), hourMs],
  ])('for %i ms is left alone after %o for %i ms', (failingMs, attempt, expected) => {
    expect(quietMs(failingMs, attempt)).toBe(expected);
  });

  it('was away after five minutes, and is given up after five days', () => {
    const since = new Date('2027-03-08T12:00:00Z');
    const later = (ms: number) => new Date(since.getTime() + ms);
    expect([5 * minuteMs - 1, 5 * minuteMs].map((ms) => wasAway(since, later(ms)))).toEqual([false, true]);
    const days = 5 * 24 * hourMs;
    expect([days - 1, days].map((ms) => isFailingTooLong(since, later(ms)))).toEqual([false, true]);
  });
});
