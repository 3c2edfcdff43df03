import { expect, it } from 'vitest';
import { plannedAt } from '../../src/core/closed-because.ts';
import { type DoorFacts, type ExplainedCode, explainDoor } from '../../src/core/explain.ts';
import type { Schedule } from '../../src/core/schedule.ts';
import type { Blackout } from '../../src/core/windows.ts';
import { crew } from '../support/crew.ts';

// 2027-03-08 is a Monday; New York is five hours behind UTC.
const monday10 = new Date('2027-03-08T15:00:00Z');
const minutes = (count: number): Date => new Date(monday10.getTime() + count * 60_000);
const window = { startsAt: new Date('2027-03-08T14:00:00Z'), endsAt: new Date('2027-03-08T22:00:00Z') };

/** A code on the lock in its window, changed as given. */
function aCode(fields: Partial<ExplainedCode> = {}): ExplainedCode {
  const { startsAt, endsAt } = window;
  return {
    id: 'code',
    scheduleId: crew.id,
    deviceId: 'front',
    windowStartsAt: startsAt,
    windowEndsAt: endsAt,
    generation: 0,
    marker: 'M',
    state: 'created',
    fence: 1,
    attempts: 0,
    accessCodeId: 'seam',
    askedStartsAt: startsAt,
    askedEndsAt: endsAt,
    confirmedStartsAt: startsAt,
    confirmedEndsAt: endsAt,
    calledAt: minutes(-120),
    quietUntil: null,
    nextTryAt: minutes(420),
    goneSignalAt: null,
    deviceAwaySince: null,
    readyAt: minutes(-110),
    changedSignalAt: null,
    checkedAt: null,
    hasOtherPin: false,
    pinRevoked: false,
    backupAccessCodeId: null,
    createdAt: minutes(-180),
    reason: null,
    removedAt: null,
    ...fields,
  };
}

function aDoor(fields: Partial<DoorFacts> = {}): DoorFacts {
  return {
    schedule: crew,
    deviceId: 'front',
    deviceName: 'Front door',
    away: null,
    at: monday10,
    now: monday10,
    planned: { isOpen: true, window, why: 'rule 1', because: [] },
    nextWindow: null,
    before: null,
    statusSet: null,
    codes: [aCode()],
    entries: [],
    line: { state: 'clear', since: null },
    failedJob: null,
    ...fields,
  };
}

const waiting = { state: 'planned', readyAt: null, accessCodeId: null, nextTryAt: minutes(0) } as const;

it.each<[string, Partial<DoorFacts>, RegExp]>([
  ['works', {}, /^Yes: the code opens Front door; the lock holds it since Mon 8 Mar 08:10\.$/],
  [
    'works',
    { away: { since: minutes(-5), because: 'disconnected' } },
    /^Yes: .*offline for Seam since Mon 8 Mar 09:55, but the lock opens to the code by itself\.$/,
  ],
  ['gone', { codes: [aCode({ goneSignalAt: minutes(-1) })] }, /^No, because Seam said .* that the code is gone/],
  ['starts_later', { codes: [aCode({ confirmedStartsAt: minutes(5) })] }, /valid only from Mon 8 Mar 10:05 on\.$/],
  ['ends_earlier', { codes: [aCode({ confirmedEndsAt: minutes(-5) })] }, /only until Mon 8 Mar 09:55/],
  ['not_on_lock', { codes: [aCode({ readyAt: null })] }, /has not said that the lock holds it\.$/],
  [
    'unsettled',
    { codes: [aCode({ ...waiting, state: 'unknown' })] },
    /asked for the code on Mon 8 Mar 08:00 and it is not/,
  ],
  ['refused', { codes: [aCode({ ...waiting, state: 'rejected', reason: 'full.' })] }, /refuses the code: full\.$/],
  [
    'removing',
    { codes: [aCode({ state: 'removing', reason: 'pin_revoked' })] },
    /being removed: its PIN was taken back\.$/,
  ],
  ['not_made', { codes: [aCode({ ...waiting, reason: 'no answer' })] }, /has not made the code: no answer\.$/],
  ['not_asked_yet', { codes: [aCode(waiting)] }, /has not been asked of Seam yet\.$/],
  [
    'overdue',
    { codes: [aCode({ ...waiting, nextTryAt: minutes(-30) })] },
    /on Mon 8 Mar 09:30, and nothing has been done/,
  ],
  ['not_planned_yet', { codes: [] }, /^No, because no code has been made for Mon 8 Mar 09:00–17:00 yet/],
  [
    'seam_silent',
    { codes: [], line: { state: 'silent', since: minutes(-9) } },
    /Seam does not answer since Mon 8 Mar 09:51/,
  ],
  [
    'device_away',
    { codes: [], away: { since: minutes(-9), because: 'account' } },
    /the account of Front door is disconnected/,
  ],
  [
    'job_failed',
    { codes: [aCode(waiting)], failedJob: { message: 'boom.', at: minutes(-3) } },
    /failed for good .* \(boom\)\.$/,
  ],
  [
    'missed',
    { codes: [aCode({ ...waiting, state: 'closed', reason: 'no answer' })] },
    /passed without a code: no answer\.$/,
  ],
  [
    'ended',
    { schedule: { ...crew, status: 'ended' }, statusSet: { at: minutes(-60), by: null } },
    /has ended since Mon 8 Mar 09:00\.$/,
  ],
  [
    'not_a_door',
    { deviceId: 'back', deviceName: 'Back door' },
    /^No, because Back door is not a door of the schedule Crew\.$/,
  ],
  [
    'worked',
    { now: minutes(600), codes: [aCode({ state: 'removed', removedAt: minutes(420) })] },
    /^Yes: the code opened Front door then/,
  ],
  [
    'gone',
    { now: minutes(600), codes: [aCode({ state: 'removed', removedAt: minutes(-1), reason: 'not_planned' })] },
    /had been taken away on Mon 8 Mar 09:59/,
  ],
  [
    'not_on_lock',
    { now: minutes(600), codes: [aCode({ readyAt: minutes(9) })] },
    /held the code only from Mon 8 Mar 10:09 on\.$/,
  ],
  ['works', { now: minutes(-100) }, /^Yes: as things stand, the code will open Front door then/],
])('answers %s', (cause, fields, answer) => {
  const explained = explainDoor(aDoor(fields));
  expect(explained.answer).toMatch(answer);
  expect(explained).toMatchObject({ cause, works: explained.answer.startsWith('Yes: ') });
  for (const sentence of [explained.about, explained.next, explained.remedy]) expect(sentence).toMatch(/^[A-Z].*\.$/);
});

const guests: Blackout = { from: '2027-03-08T08:00', to: '2027-03-08T12:00', reason: 'guests' };
const skip = { startsAt: window.startsAt.toISOString(), endsAt: window.endsAt.toISOString(), reason: 'ill' };

it.each<[string, Partial<Schedule>, readonly Blackout[], readonly object[]]>([
  ['an ended schedule', { endsOn: '2027-03-07' }, [], [{ kind: 'after_end', endsOn: '2027-03-07' }]],
  ['a skip', { byHand: { closed: [skip], opened: [] } }, [], [{ kind: 'skipped', reason: 'ill' }]],
  ['a blackout', { blackouts: [guests] }, [], [{ kind: 'blackout', reason: 'guests', isOfDoor: false }]],
  ['a blackout of the door', {}, [guests], [{ kind: 'blackout', reason: 'guests', isOfDoor: true }]],
  [
    'just the holiday list that has the day',
    {
      holidays: [
        { name: 'a', dates: ['2027-03-09'] },
        { name: 'b', dates: ['2027-03-08'] },
      ],
    },
    [],
    [{ kind: 'holiday', list: 'b' }],
  ],
  [
    'all that would close it by itself',
    { exceptDates: ['2027-03-08'], blackouts: [guests] },
    [],
    [{ kind: 'blackout' }, { kind: 'except_date', date: '2027-03-08' }],
  ],
])('names %s as what closes a window', (_, fields, doorBlackouts, because) => {
  const planned = plannedAt({ ...crew, ...fields }, doorBlackouts, monday10);
  expect(planned).toMatchObject({ isOpen: false, window, because });
  expect(plannedAt(crew, [], monday10)).toEqual({ isOpen: true, window, because: [] });
});

it('finds the closed window of a day by an hour at which none would be open, and none on a day without rule', () => {
  const skipped = { ...crew, byHand: { closed: [skip], opened: [] } };
  const monday20 = new Date('2027-03-09T01:00:00Z');
  expect(plannedAt(skipped, [], monday20)).toMatchObject({ window, because: [{ kind: 'skipped' }] });
  expect(plannedAt(crew, [], monday20)).toEqual({ isOpen: false, window: null, because: [{ kind: 'no_window' }] });
  const february = new Date('2027-02-22T15:00:00Z');
  expect(plannedAt(crew, [], february).because).toEqual([{ kind: 'not_before', startsOn: '2027-03-01' }]);
});

it('tells of a window that was changed in its course what it was first, what it became, and what Seam made of that', () => {
  const until18 = '2027-03-08T23:00:00.000Z';
  const longer = { startsAt: window.startsAt, endsAt: new Date(until18) };
  const from = window.startsAt.toISOString();
  const own = { schedule_name: 'Crew', device_name: 'Front door' };
  const of = 'Crew at Front door, Mon 8 Mar 09:00–';
  const { timeline } = explainDoor(
    aDoor({
      planned: { isOpen: true, window: longer, why: 'rule 1, extra on 2027-03-08', because: [] },
      codes: [aCode({ windowEndsAt: longer.endsAt })],
      entries: [
        {
          at: minutes(-180),
          kind: 'window.planned',
          message: `Planned: ${of}17:00.`,
          detail: { ...own, window_starts_at: from, window_ends_at: window.endsAt.toISOString() },
        },
        {
          at: minutes(-1),
          kind: 'window.moved',
          message: `Moved: ${of}17:00 is now ${of}18:00.`,
          detail: { ...own, window_starts_at: from, window_ends_at: until18 },
        },
        {
          at: minutes(0),
          kind: 'code.updated',
          message: `Updated: the code of ${of}18:00.`,
          detail: { ...own, starts_at: from, ends_at: until18 },
        },
      ],
    }),
  );
  expect(timeline.map(({ text }) => text)).toEqual([
    'Planned for Mon 8 Mar 09:00–17:00.',
    'The window is now Mon 8 Mar 09:00–18:00 (rule 1, extra on 2027-03-08).',
    'Seam was asked for the new times and has them: the code is valid Mon 8 Mar 09:00–18:00.',
  ]);
});

it('says that the next code is not made while a job of the door that failed for good waits for a person', () => {
  const nextWindow = { startsAt: minutes(1_380), endsAt: minutes(1_860) };
  const { works, next } = explainDoor(aDoor({ nextWindow, failedJob: { message: 'boom.', at: minutes(-3) } }));
  expect(works).toBe(true);
  expect(next).toContain(
    'The next window is Tue 9 Mar 09:00–17:00; its code is not made before the failed job of this door is retried or dropped, see relatch dead-letters list.',
  );
});
