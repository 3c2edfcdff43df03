import { expect, it } from 'vitest';
import { calendarOfDraft, type Schedule } from '../../src/core/schedule.ts';
import { actOnSchedule, type Decision, type ScheduleAction } from '../../src/core/schedule-actions.ts';
import { windowsFrom } from '../../src/core/windows.ts';
import { crew } from '../support/crew.ts';

// 2027-03-08 is a Monday; New York is five hours behind UTC until the 14th.
const monday8 = new Date('2027-03-08T13:00:00Z');
const monday12 = new Date('2027-03-08T17:00:00Z');
const monday18 = new Date('2027-03-08T23:00:00Z');
const monday19 = new Date('2027-03-09T00:00:00Z');
const nextMonday = new Date('2027-03-15T13:00:00Z');
const sunday = new Date('2027-03-07T17:00:00Z');

const nights = { ...crew, rules: [{ rrule: 'FREQ=DAILY', from: '22:00', to: '06:00' }] };
const late15 = { ...crew, grace: { earlyMinutes: 10, lateMinutes: 15 } };

/** The schedule after the action; fails where it was refused. */
function after(schedule: Schedule, action: ScheduleAction, now: Date): Schedule {
  const decision = accepted(actOnSchedule(schedule, action, now));
  const { deviceIds: _, ...draft } = decision.draft;
  return { ...schedule, ...draft };
}

function accepted(decision: Decision): Extract<Decision, { ok: true }> {
  if (!decision.ok) throw new Error(`${decision.code}: ${decision.message}`);
  return decision;
}

/** The next windows as "08T14:00/08T22:00", in UTC. */
function next(schedule: Schedule, now: Date, count = 2): string[] {
  const windows = schedule.status === 'active' ? windowsFrom(calendarOfDraft(schedule, []), now, count) : [];
  const brief = (at: Date): string => at.toISOString().slice(8, 16);
  return windows.map(({ startsAt, endsAt }) => `${brief(startsAt)}/${brief(endsAt)}`);
}

const mondays = '08T14:00/08T22:00';
const tuesdays = '09T14:00/09T22:00';
const wednesdays = '10T14:00/10T22:00';

it.each<[string, Schedule, ScheduleAction, Date, string[]]>([
  ['a pause', crew, { kind: 'pause' }, monday12, []],
  ['a revocation', crew, { kind: 'revoke' }, monday12, []],
  ['the next skipped before it begins', crew, skip(), monday8, [tuesdays, wednesdays]],
  ['the next skipped while one runs', crew, skip(), monday12, [mondays, wednesdays]],
  ['a day skipped while its window runs', crew, skip('2027-03-08'), monday12, [tuesdays, wednesdays]],
  [
    'a night skipped, by the day on which it begins',
    nights,
    skip('2027-03-09'),
    monday8,
    ['09T03:00/09T11:00', '11T03:00/11T11:00'],
  ],
  ['a skip with grace on both ends', late15, skip('2027-03-08'), monday8, ['09T13:50/09T22:15', '10T13:50/10T22:15']],
  [
    'an extension of the window that runs',
    crew,
    { kind: 'extend', until: '19:30' },
    monday12,
    ['08T14:00/09T00:30', tuesdays],
  ],
  [
    'an extension before the window begins',
    crew,
    { kind: 'extend', until: '19:30' },
    monday8,
    ['08T14:00/09T00:30', tuesdays],
  ],
  ['an extension past midnight', crew, { kind: 'extend', until: '01:00' }, monday12, ['08T14:00/09T06:00', tuesdays]],
  [
    'an extension with grace on top of it',
    late15,
    { kind: 'extend', until: '18:00' },
    monday12,
    ['08T13:50/08T23:15', '09T13:50/09T22:15'],
  ],
  [
    'an extension after the end, from now',
    crew,
    { kind: 'extend', until: '20:00' },
    monday18,
    ['08T23:00/09T01:00', tuesdays],
  ],
  [
    'a night extended in the morning',
    nights,
    { kind: 'extend', until: '08:00' },
    new Date('2027-03-09T09:00:00Z'),
    ['09T03:00/09T13:00', '10T03:00/10T11:00'],
  ],
  ['an extra window', crew, extra('2027-03-07', '13:00', '15:00'), sunday, ['07T18:00/07T20:00', mondays]],
  [
    'an extra window that touches a window',
    crew,
    extra('2027-03-08', '17:00', '18:00'),
    sunday,
    ['08T14:00/08T23:00', tuesdays],
  ],
  ['a last day', crew, { kind: 'end', on: '2027-03-09' }, monday12, [mondays, tuesdays]],
  ['a last day today, while the window runs', crew, { kind: 'end', on: null }, monday12, [mondays]],
])('what is open after %s', (_, schedule, action, now, expected) => {
  expect(next(after(schedule, action, now), now)).toEqual(expected);
});

it('takes a skip back, of one day or of all', () => {
  const skipped = after(after(crew, skip('2027-03-08'), monday8), skip('2027-03-09'), monday8);
  expect(next(skipped, monday8, 1)).toEqual([wednesdays]);
  expect(next(after(skipped, { kind: 'unskip', date: '2027-03-09' }, monday8), monday8, 1)).toEqual([tuesdays]);
  expect(next(after(skipped, { kind: 'unskip', date: null }, monday8), monday8)).toEqual([mondays, tuesdays]);
});

it('lets only those windows open once more that the action is about', () => {
  const reopens = (schedule: Schedule, action: ScheduleAction, now: Date) =>
    accepted(actOnSchedule(schedule, action, now)).reopens[0]?.startsAt.toISOString() ?? null;
  expect(reopens(crew, skip(), monday8)).toBeNull();
  expect(reopens(crew, { kind: 'pause' }, monday8)).toBeNull();
  expect(reopens(crew, { kind: 'extend', until: '18:00' }, monday12)).toBe('2027-03-08T22:00:00.000Z');
  expect(reopens(crew, { kind: 'resume', revive: false }, monday8)).toBeNull();
  expect(reopens({ ...crew, status: 'paused' }, { kind: 'resume', revive: false }, monday8)).toBe(
    '1970-01-01T00:00:00.000Z',
  );
  const skipped = after(crew, skip('2027-03-09'), monday8);
  expect(reopens(skipped, { kind: 'unskip', date: null }, monday8)).toBe('2027-03-09T14:00:00.000Z');
  expect(reopens(crew, { kind: 'extend', until: '20:00' }, monday18)).toBe('2027-03-08T23:00:00.000Z');
});

it.each<[string, Schedule, ScheduleAction, Date]>([
  ['schedule_ended', { ...crew, status: 'ended' }, skip(), monday8],
  ['schedule_ended', { ...crew, status: 'ended' }, { kind: 'resume', revive: false }, monday8],
  ['no_window', crew, skip('2027-03-13'), monday8],
  ['no_window', crew, skip('2027-03-08'), monday18],
  ['no_window', { ...crew, endsOn: '2027-03-05' }, skip(), monday8],
  ['not_skipped', crew, { kind: 'unskip', date: null }, monday8],
  ['not_longer', crew, { kind: 'extend', until: '17:00' }, monday12],
  ['too_long', crew, { kind: 'extend', until: '16:00' }, monday12],
  ['no_window_today', crew, { kind: 'extend', until: '20:00' }, sunday],
  ['time_invalid', crew, { kind: 'extend', until: '25:00' }, monday12],
  [
    'not_longer',
    { ...crew, blackouts: [{ from: '2027-03-08T17:00', to: '2027-03-09T00:00', reason: null }] },
    { kind: 'extend', until: '19:00' },
    monday12,
  ],
  ['opens_nothing', crew, extra('2027-03-08', '10:00', '11:00'), sunday],
  ['opens_nothing', crew, extra('2027-03-06', '10:00', '11:00'), sunday],
  [
    'opens_nothing',
    after(crew, extra('2027-03-13', '09:00', '15:00'), monday8),
    extra('2027-03-13', '10:00', '14:00'),
    monday8,
  ],
  ['extra_invalid', crew, extra('2027-02-30', '10:00', '11:00'), sunday],
  ['outside_schedule', { ...crew, endsOn: '2027-04-01' }, extra('2027-04-02', '10:00', '11:00'), sunday],
  ['date_past', crew, { kind: 'end', on: '2027-03-07' }, monday8],
])('refuses with %s', (code, schedule, action, now) => {
  expect(actOnSchedule(schedule, action, now)).toMatchObject({ ok: false, code });
});

it('forgets what was done to windows that are long over', () => {
  const skipped = after(crew, skip('2027-03-09'), monday8);
  const later = new Date('2027-04-05T13:00:00Z');
  expect(after(skipped, skip('2027-04-05'), later).byHand.closed).toHaveLength(1);
});

const paused: Schedule = { ...crew, status: 'paused' };
const twoSkips = after(after(crew, skip('2027-03-08'), monday8), skip('2027-03-09'), monday8);
const sevenSkips = ['08', '09', '10', '11', '12', '15', '16'].reduce(
  (schedule, day) => after(schedule, skip(`2027-03-${day}`), monday8),
  crew,
);

it.each<[string, Schedule, ScheduleAction, Date]>([
  ['skipped 2027-03-08 09:00–17:00 (America/New_York)', crew, skip(), monday8],
  ['skipped 2027-03-09 22:00 to 2027-03-10 06:00 (America/New_York)', nights, skip('2027-03-09'), monday8],
  ['skipped 2027-03-09 09:00–17:00 (America/New_York)', twoSkips, skip('2027-03-09'), monday8],
  [
    'opened again 2027-03-08 09:00–17:00, 2027-03-09 09:00–17:00 (America/New_York)',
    twoSkips,
    { kind: 'unskip', date: null },
    monday8,
  ],
  [
    'opened again 2027-03-08 09:00–17:00, 2027-03-09 09:00–17:00, 2027-03-10 09:00–17:00, 2027-03-11 09:00–17:00, 2027-03-12 09:00–17:00 and 2 more (America/New_York)',
    sevenSkips,
    { kind: 'unskip', date: null },
    monday8,
  ],
  ['extended: open 2027-03-08 09:00–19:00 (America/New_York)', crew, { kind: 'extend', until: '19:00' }, monday12],
  [
    'extended: open 2027-03-08 09:00–19:00 (America/New_York); it opens no door before the schedule is resumed',
    paused,
    { kind: 'extend', until: '19:00' },
    monday12,
  ],
  [
    'given the extra window 2027-03-13 10:00–14:00 (America/New_York); it opens no door before the schedule is resumed',
    paused,
    extra('2027-03-13', '10:00', '14:00'),
    monday8,
  ],
  ['skipped 2027-03-08 09:00–17:00 (America/New_York)', paused, skip(), monday8],
])('says "%s"', (message, schedule, action, now) => {
  expect(accepted(actOnSchedule(schedule, action, now)).message).toBe(message);
});

it.each<[string, Schedule, ScheduleAction, Date, Date]>([
  ['a day is skipped', crew, skip('2027-03-09'), monday8, monday12],
  ['a coming window is extended', crew, { kind: 'extend', until: '19:00' }, monday8, monday8],
  ['a window is extended that has begun since', crew, { kind: 'extend', until: '24:00' }, monday8, monday12],
  ['a window with grace is extended', late15, { kind: 'extend', until: '19:00' }, monday12, monday18],
  ['a window that was over goes on', crew, { kind: 'extend', until: '20:00' }, monday18, monday19],
  ['a paused schedule is extended', paused, { kind: 'extend', until: '19:00' }, monday8, monday12],
  ['an extra window is coming', crew, extra('2027-03-13', '10:00', '14:00'), monday8, monday12],
  ['an extra window is open', crew, extra('2027-03-08', '18:00', '20:00'), monday8, monday19],
])('changes nothing where %s already', (_, schedule, action, now, later) => {
  const done = after(schedule, action, now);
  expect(done).not.toEqual(schedule);
  expect(after(done, action, later)).toEqual(done);
  expect(accepted(actOnSchedule(done, action, later)).reopens).toEqual([]);
});

it('opens nothing by a repetition once it is over, or closed since', () => {
  const saturday = extra('2027-03-13', '10:00', '14:00');
  const extended = after(crew, { kind: 'extend', until: '18:30' }, monday12);
  const given = after(after(crew, saturday, monday8), skip('2027-03-13'), monday8);
  const closed = { ...extended, blackouts: [{ from: '2027-03-08T16:00', to: '2027-03-09T00:00', reason: null }] };
  const again = (schedule: Schedule, action: ScheduleAction, now: Date) => actOnSchedule(schedule, action, now);
  expect(again(given, saturday, monday12)).toMatchObject({ ok: false, code: 'opens_nothing' });
  expect(again(after(crew, saturday, monday8), saturday, nextMonday)).toMatchObject({ code: 'opens_nothing' });
  expect(again(closed, { kind: 'extend', until: '18:30' }, monday12)).toMatchObject({ code: 'not_longer' });
  expect(again(extended, { kind: 'extend', until: '18:30' }, monday19)).toMatchObject({ code: 'too_long' });
});

// As many as a schedule may have: the next one is not badly written, but one too many.
const full: Schedule = {
  ...crew,
  extra: Array.from({ length: 1_000 }, () => ({ date: '2027-03-06', from: '10:00', to: '11:00' })),
};
const tooMany =
  'A schedule has at most 1000 extra windows, extensions among them, and this one has as many. Take some out of extra in its schedules file; those added by hand go a week after they are over.';

it.each<[string, Schedule, ScheduleAction, Date]>([
  [tooMany, full, extra('2027-03-13', '10:00', '14:00'), monday8],
  [tooMany, full, { kind: 'extend', until: '19:00' }, monday12],
  [
    'The schedule has ended or was revoked. To open its doors again: relatch schedules resume crew --revive',
    { ...crew, status: 'ended' },
    skip(),
    monday8,
  ],
  [
    'The schedule has ended or was revoked. To open its doors again: relatch schedules resume crew --revive',
    { ...crew, status: 'ended' },
    { kind: 'resume', revive: false },
    monday8,
  ],
  [
    'No window is open or begins today, 2027-03-07. To open today all the same: relatch schedules extra crew --date 2027-03-07 --from HH:MM --to HH:MM',
    crew,
    { kind: 'extend', until: '20:00' },
    sunday,
  ],
  [
    'It is open 2027-03-08 09:00–17:00 (America/New_York) as it stands: 17:00 is no later, or a blackout closes what it adds.',
    crew,
    { kind: 'extend', until: '17:00' },
    monday12,
  ],
])('refuses with the way out: "%s"', (message, schedule, action, now) => {
  expect(actOnSchedule(schedule, action, now)).toMatchObject({ ok: false, message });
});

function skip(date: string | null = null): ScheduleAction {
  return { kind: 'skip', date, reason: null };
}

function extra(date: string, from: string, to: string): ScheduleAction {
  return { kind: 'extra', date, from, to };
}
