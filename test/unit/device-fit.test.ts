import { describe, expect, it } from 'vitest';
import type { TimeFrame } from '../../src/core/device.ts';
import { durationMs, lockProblem, shortName, windowProblem } from '../../src/core/device-fit.ts';

const any: TimeFrame = { name: 'Any', minMs: null, maxMs: null, hasMatchingTimes: false, pairs: null, timezone: null };
const hourMs = 3_600_000;
// 09:00 to 17:00 in New York, on the day of a change of the clock.
const window = { startsAt: new Date('2027-03-14T13:00:00Z'), endsAt: new Date('2027-03-14T21:00:00Z') };
const newYork = 'America/New_York';

describe('windowProblem', () => {
  it.each<[string, TimeFrame[] | null, string | null]>([
    ['a lock that names no frames', null, null],
    ['a lock that takes any', [any], null],
    ['just long enough', [{ ...any, minMs: 8 * hourMs }], null],
    ['too short', [{ ...any, minMs: 8.5 * hourMs }], 'takes windows of at least 8 h 30 min, this one has 8 h'],
    ['too short by far', [{ ...any, minMs: 29 * 24 * hourMs }], 'takes windows of at least 29 days, this one has 8 h'],
    ['just short enough', [{ ...any, maxMs: 8 * hourMs }], null],
    ['too long', [{ ...any, maxMs: 600_000 }], 'takes windows of at most 10 min, this one has 8 h'],
    [
      'other times of day',
      [{ ...any, hasMatchingTimes: true }],
      'takes windows that begin and end at the same time of day, this one has 09:00 and 17:00',
    ],
    [
      'the same time of day in the zone of the lock',
      [{ ...any, hasMatchingTimes: true, maxMs: 8 * hourMs }],
      'same time',
    ],
    [
      'one of the pairs',
      [
        {
          ...any,
          pairs: [
            { from: '15:00', to: '11:00' },
            { from: '09:00', to: '17:00' },
          ],
        },
      ],
      null,
    ],
    [
      'none of the pairs',
      [
        {
          ...any,
          pairs: [
            { from: '09:00', to: '11:00' },
            { from: '15:00', to: '17:00' },
          ],
        },
      ],
      'takes windows of 09:00–11:00 or 15:00–17:00, this one is 09:00–17:00',
    ],
    ['a pair in the zone of the lock', [{ ...any, timezone: 'UTC', pairs: [{ from: '13:00', to: '21:00' }] }], null],
    [
      'another pair there',
      [{ ...any, timezone: 'UTC', pairs: [{ from: '09:00', to: '17:00' }] }],
      '(UTC), this one is 13:00',
    ],
    ['one of several kinds', [{ ...any, minMs: 9 * hourMs }, any], null],
    [
      'none of several kinds',
      [
        { ...any, name: 'Daily', minMs: 24 * hourMs },
        { ...any, name: 'Hourly', maxMs: hourMs },
      ],
      'takes only these kinds of windows: Daily (windows of at least 24 h, this one has 8 h); Hourly (windows of at most 1 h',
    ],
  ])('%s', (_, timeFrames, expected) => {
    const problem = windowProblem(window, { timeFrames }, newYork);
    if (expected === null) expect(problem).toBeNull();
    else expect(problem).toContain(expected);
  });
});

it('a lock that takes no codes says what to do', () => {
  expect(lockProblem({ canProgram: true })).toBeNull();
  expect(lockProblem({ canProgram: false })).toContain('use another lock');
});

it.each([
  ['Cleaning crew', null, null],
  ['Crew', 14, null],
  ['Crew', 13, null],
  ['Crew', 12, 'Cre'],
  ['The cleaning crew', 14, 'The c'],
  ['Crew', 8, ''],
])('of the name %s, %s long at most, is left: %s', (label, nameLengthMax, left) => {
  expect(shortName(label, { nameLengthMax })).toBe(left);
});

it.each([
  ['PT672H', 672 * hourMs],
  ['P367D', 367 * 24 * hourMs],
  ['P1DT2H30M', 26.5 * hourMs],
  ['P2W', 14 * 24 * hourMs],
  ['PT90S', 90_000],
  ['P1M', null],
  ['1 day', null],
])('%s lasts %s ms', (text, ms) => {
  expect(durationMs(text)).toBe(ms);
});
