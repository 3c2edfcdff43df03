import fc from 'fast-check';
import { expect, it } from 'vitest';
import { carrySkips } from '../../src/core/carried-skips.ts';
import { calendarOfDraft, type Schedule } from '../../src/core/schedule.ts';
import { actOnSchedule, type ScheduleAction } from '../../src/core/schedule-actions.ts';
import { localDateOf, windowsFrom } from '../../src/core/windows.ts';
import { crew as weekdays } from '../support/crew.ts';
import { runs } from '../support/runs.ts';

// 2027-03-08 is a Monday; New York is five hours behind UTC until the 14th.
const sunday = new Date('2027-03-07T17:00:00Z');
const daily = (from: string, to: string) => ({ rrule: 'FREQ=DAILY', from, to });

const tuesdays = { rrule: 'FREQ=WEEKLY;BYDAY=TU', from: '09:00', to: '17:00' };

const crew: Schedule = { ...weekdays, rules: [daily('09:00', '17:00')] };
const twoShifts = { ...crew, rules: [daily('09:00', '12:00'), daily('14:00', '17:00')] };
const skipMonday: ScheduleAction = { kind: 'skip', date: '2027-03-08', reason: 'works' };

function after(schedule: Schedule, action: ScheduleAction): Schedule {
  const decision = actOnSchedule(schedule, action, new Date('2027-03-08T12:00:00Z'));
  if (!decision.ok) throw new Error(decision.message);
  const { deviceIds: _, ...draft } = decision.draft;
  return { ...schedule, ...draft };
}

function edited(schedule: Schedule, change: Partial<Schedule>, now = sunday): Schedule {
  const draft = { ...schedule, ...change };
  return { ...draft, byHand: carrySkips(schedule, draft, now) };
}

/** The windows of that Monday as "09:00-17:00", in the schedule's own time. */
function onMonday(schedule: Schedule): string[] {
  const { timezone } = schedule;
  const time = (at: Date): string =>
    at.toLocaleTimeString('en-GB', { timeZone: timezone, hour: '2-digit', minute: '2-digit' });
  return windowsFrom(calendarOfDraft(schedule, []), sunday, 10)
    .filter(({ startsAt }) => localDateOf(timezone, startsAt) === '2027-03-08')
    .map(({ startsAt, endsAt }) => `${time(startsAt)}-${time(endsAt)}`);
}

const skipped = after(crew, skipMonday);
const morningSkipped = after(twoShifts, { kind: 'skip', date: null, reason: null });

it.each<[string, Schedule, Partial<Schedule>, string[]]>([
  ['grace is added', skipped, { grace: { earlyMinutes: 15, lateMinutes: 15 } }, []],
  ['hours grow', skipped, { rules: [daily('07:00', '20:00')] }, []],
  ['hours move away', skipped, { rules: [daily('18:00', '22:00')] }, []],
  ['a shift is added to a skipped day', skipped, { rules: [daily('09:00', '17:00'), daily('19:00', '21:00')] }, []],
  ['hours run past midnight', skipped, { rules: [daily('22:00', '06:00')] }, []],
  ['the time zone changes', skipped, { timezone: 'Asia/Tokyo' }, []],
  [
    'a blackout that cut the day goes',
    after({ ...crew, blackouts: [{ from: '2027-03-08T09:00', to: '2027-03-08T11:00', reason: null }] }, skipMonday),
    { blackouts: [] },
    [],
  ],
  [
    'the skipped one of two shifts grows',
    morningSkipped,
    { rules: [daily('08:00', '13:00'), daily('14:00', '17:00')] },
    ['14:00-17:00'],
  ],
  [
    'the shift beside the skipped one grows',
    morningSkipped,
    { rules: [daily('09:00', '12:00'), daily('13:00', '18:00')] },
    ['13:00-18:00'],
  ],
  [
    'grace is added and an extra window reaches beyond',
    after(skipped, { kind: 'extra', date: '2027-03-08', from: '19:00', to: '21:00' }),
    { grace: { earlyMinutes: 15, lateMinutes: 15 } },
    ['18:45-21:15'],
  ],
  [
    'a skipped extra window gets grace',
    after(
      after({ ...crew, rules: [tuesdays] }, { kind: 'extra', date: '2027-03-08', from: '19:00', to: '21:00' }),
      skipMonday,
    ),
    { grace: { earlyMinutes: 15, lateMinutes: 0 } },
    [],
  ],
  ['a name changes', skipped, { name: 'Other' }, []],
])('keeps what was skipped closed when %s', (_, schedule, change, left) => {
  const then = edited(schedule, change);
  expect(onMonday(then)).toEqual(left);
  expect(then.byHand.closed.every(({ reason }) => reason === 'works' || schedule === morningSkipped)).toBe(true);
});

it('keeps a skipped day without windows through a rule that leaves it and comes back', () => {
  const away = edited(skipped, { rules: [tuesdays] });
  expect(onMonday(edited(away, { rules: [daily('08:00', '18:00')] }))).toEqual([]);
});

it('gives the whole of the new hours back when the skip is taken back', () => {
  const wider = edited(skipped, { rules: [daily('07:00', '20:00')] });
  expect(onMonday(after(wider, { kind: 'unskip', date: '2027-03-08' }))).toEqual(['07:00-20:00']);
});

it('leaves alone what is over, and what an edit does not touch', () => {
  const later = new Date('2027-03-09T12:00:00Z');
  expect(edited(skipped, { rules: [daily('07:00', '20:00')] }, later).byHand).toEqual(skipped.byHand);
  expect(edited(skipped, { rules: [...crew.rules] }).byHand).toEqual(skipped.byHand);
});

it('opens no minute of a day that was skipped as a whole, whatever the hours become', () => {
  // What runs through midnight belongs to the day before.
  const time = fc.tuple(fc.integer({ min: 2, max: 21 }), fc.constantFrom('00', '30')).map(([hour, minute]) => {
    return `${String(hour).padStart(2, '0')}:${minute}`;
  });
  const rules = fc.array(
    fc.tuple(time, time).filter(([from, to]) => from < to),
    { minLength: 1, maxLength: 3 },
  );
  const grace = fc.record({
    earlyMinutes: fc.integer({ min: 0, max: 60 }),
    lateMinutes: fc.integer({ min: 0, max: 60 }),
  });
  fc.assert(
    fc.property(rules, rules, grace, (before, then, more) => {
      const hours = before.map(([from, to]) => daily(from, to));
      const schedule = { ...crew, rules: hours };
      if (onMonday(schedule).length === 0) return;
      const decision = actOnSchedule(schedule, skipMonday, sunday);
      if (!decision.ok) throw new Error(decision.message);
      const { deviceIds: _, ...draft } = decision.draft;
      const changed = edited(
        { ...schedule, ...draft },
        { rules: then.map(([from, to]) => daily(from, to)), grace: more },
      );
      expect(onMonday(changed)).toEqual([]);
    }),
    { numRuns: runs(300) },
  );
});
