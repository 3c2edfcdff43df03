import { expect, it } from 'vitest';
import { plannedAt } from '../../src/core/closed-because.ts';
import { doorState } from '../../src/core/door-state.ts';
import type { Schedule } from '../../src/core/schedule.ts';
import { crew } from '../support/crew.ts';

const monday = new Date('2027-03-08T15:00:00Z');
const onLock = { state: 'created', readyAt: monday, reason: null } as const;
const notOnLock = { ...onLock, readyAt: null };

function closed(changes: Partial<Schedule>, at = monday, ended: string | null = null) {
  const schedule = { ...crew, ...changes };
  return doorState([], 0, [{ schedule, planned: plannedAt(schedule, [], at), ended }]);
}

it('is ready only where every code of now is on the lock', () => {
  expect(doorState([onLock, onLock], 0, [])).toEqual({ word: 'ready', because: '' });
  expect(doorState([onLock, notOnLock], 0, [])).toMatchObject({
    word: 'waiting',
    because: expect.stringContaining('lock not yet'),
  });
  expect(doorState([{ state: 'planned', readyAt: null, reason: 'Seam was busy' }], 0, [])).toEqual({
    word: 'waiting',
    because: 'Seam was busy',
  });
});

it('is in trouble where a person is needed or a code is refused, whatever else is well', () => {
  expect(doorState([onLock], 2, [])).toEqual({ word: 'trouble', because: '2 things need a person' });
  const refused = { state: 'rejected', readyAt: null, reason: 'the PIN is taken' } as const;
  expect(doorState([onLock, refused], 0, [])).toEqual({ word: 'trouble', because: 'refused: the PIN is taken' });
});

it('says what closes it', () => {
  const night = new Date('2027-03-09T03:00:00Z');
  const skipped = { startsAt: '2027-03-08T14:00:00.000Z', endsAt: '2027-03-08T22:00:00.000Z', reason: 'ill' };
  const because = [
    closed({}, night),
    closed({ status: 'paused' }),
    closed({ status: 'ended' }),
    closed({ startsOn: '2027-04-01' }),
    closed({ endsOn: '2027-03-05' }),
    closed({ byHand: { closed: [skipped], opened: [] } }),
    closed({ holidays: [{ name: 'us', dates: ['2027-03-08'] }] }),
    closed({ exceptDates: ['2027-03-08'] }),
    closed({ blackouts: [{ from: '2027-03-08T00:00', to: '2027-03-09T00:00', reason: 'guests' }] }),
  ];
  expect(because).toEqual(
    [
      'no window now',
      'paused',
      'ended',
      'begins on 2027-04-01',
      'ended on 2027-03-05',
      'skipped: ill',
      'a holiday (us)',
      'a day that is excepted',
      'until Tue 9 Mar 00:00: guests',
    ].map((text) => ({ word: 'closed', because: text })),
  );
  expect(doorState([], 0, [])).toEqual({ word: 'closed', because: 'no schedule has this door any more' });
});

it('waits where a window is open without a code, unless somebody took that away', () => {
  expect(closed({})).toMatchObject({ word: 'waiting' });
  expect(closed({}, monday, 'taken_away')).toMatchObject({ word: 'closed', because: expect.stringContaining('took') });
});
