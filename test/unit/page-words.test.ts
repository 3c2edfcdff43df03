import { expect, it } from 'vitest';
import { momentWords } from '../../src/http/page/words.ts';

it.each([
  // The night before the clocks go forward: 24 hours on, it is Monday.
  ['2027-03-14T04:30:00Z', '2027-03-14T14:00:00Z', 'tomorrow 10:00'],
  ['2027-03-14T04:30:00Z', '2027-03-15T14:00:00Z', 'Mon 15 Mar 10:00'],
  // The night on which they go back: 24 hours on, it is Sunday still.
  ['2027-11-07T04:30:00Z', '2027-11-07T15:00:00Z', '10:00'],
  ['2027-11-07T04:30:00Z', '2027-11-08T15:00:00Z', 'tomorrow 10:00'],
  ['2027-12-31T17:00:00Z', '2028-01-01T15:00:00Z', 'tomorrow 10:00'],
  ['2027-12-30T17:00:00Z', '2028-01-01T15:00:00Z', 'Sat 1 Jan 2028 10:00'],
])('in New York at %s, %s is %s', (now, at, words) => {
  expect(momentWords('America/New_York', new Date(at), new Date(now))).toBe(words);
});
