// Grace, merging, extras and blackouts, alone and against each other.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { causesOf, describeCauses } from '../../src/core/window-causes.ts';
import {
  type Calendar,
  type CalendarInput,
  compileCalendar,
  windowsFrom,
  withBlackouts,
} from '../../src/core/windows.ts';
import { calendarInputs, stretchedInputs } from '../support/calendar-inputs.ts';
import { referenceWindows, type Span, union } from '../support/reference-windows.ts';
import { ruleTexts } from '../support/rule-texts.ts';
import { runs } from '../support/runs.ts';

const DAY = 86_400_000;
const weekdays = { rrule: 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR', from: '09:00', to: '17:00' };

function aCalendar(input: Partial<CalendarInput>): Calendar {
  const compilation = compileCalendar({ windows: [weekdays], timezone: 'UTC', startsOn: '2026-01-01', ...input });
  if (!compilation.ok) throw new Error(JSON.stringify(compilation.problems));
  return compilation.calendar;
}

/** "09:00–12:00, 13:00–17:00": what is open on a day, in UTC; hours beyond it by their date. */
function openOn(date: string, input: Partial<CalendarInput>): string {
  const midnightAt = Date.parse(date);
  const text = (at: Date) =>
    at.toISOString().startsWith(date)
      ? at.toISOString().slice(11, 16)
      : at.toISOString().slice(5, 16).replace('T', ' ');
  return windowsFrom(aCalendar(input), new Date(midnightAt), 10)
    .filter(({ startsAt }) => startsAt.getTime() < midnightAt + DAY)
    .map(({ startsAt, endsAt }) => `${text(startsAt)}–${text(endsAt)}`)
    .join(', ');
}

const monday = '2026-06-01';
const extra = [{ date: monday, from: '18:00', to: '20:00' }];
const grace = { earlyMinutes: 10, lateMinutes: 15 };
const aBlackout = (from: string, to: string) => [{ from: `${monday}T${from}`, to: `${monday}T${to}`, reason: null }];

describe('each part alone', () => {
  it.each<[string, Partial<CalendarInput>, string]>([
    ['rules only', {}, '09:00–17:00'],
    ['an excepted date', { exceptDates: [monday] }, ''],
    ['an extra', { extra }, '09:00–17:00, 18:00–20:00'],
    ['early grace', { grace: { earlyMinutes: 10, lateMinutes: 0 } }, '08:50–17:00'],
    ['late grace', { grace: { earlyMinutes: 0, lateMinutes: 15 } }, '09:00–17:15'],
    ['a blackout inside', { blackouts: aBlackout('12:00', '13:00') }, '09:00–12:00, 13:00–17:00'],
    ['a blackout over the start', { blackouts: aBlackout('08:00', '10:00') }, '10:00–17:00'],
    ['a blackout over the end', { blackouts: aBlackout('16:00', '18:00') }, '09:00–16:00'],
    ['a blackout of just the window', { blackouts: aBlackout('09:00', '17:00') }, ''],
    ['a blackout that touches the start', { blackouts: aBlackout('08:00', '09:00') }, '09:00–17:00'],
    ['a blackout that touches the end', { blackouts: aBlackout('17:00', '18:00') }, '09:00–17:00'],
    [
      'blackouts that overlap and touch',
      { blackouts: [...aBlackout('13:00', '14:00'), ...aBlackout('10:00', '12:00'), ...aBlackout('11:00', '13:00')] },
      '09:00–10:00, 14:00–17:00',
    ],
    ['merging, with nothing near', { mergeGapsUpToMinutes: 60 }, '09:00–17:00'],
  ])('%s', (_, input, expected) => {
    expect(openOn(monday, input)).toBe(expected);
  });
});

describe('pairs of parts', () => {
  it.each<[string, Partial<CalendarInput>, string]>([
    ['an extra opens on an excepted date', { exceptDates: [monday], extra }, '18:00–20:00'],
    ['grace lengthens extras too', { extra, grace }, '08:50–17:15, 17:50–20:15'],
    [
      'grace that makes two windows meet makes them one',
      { extra, grace: { earlyMinutes: 30, lateMinutes: 30 } },
      '08:30–20:30',
    ],
    ['grace reopens no excepted date', { exceptDates: [monday], grace }, ''],
    ['a gap is merged when it is as long as allowed', { extra, mergeGapsUpToMinutes: 60 }, '09:00–20:00'],
    ['a gap one minute longer is not', { extra, mergeGapsUpToMinutes: 59 }, '09:00–17:00, 18:00–20:00'],
    ['what grace leaves of a gap is merged', { extra, grace, mergeGapsUpToMinutes: 35 }, '08:50–20:15'],
    ['what grace leaves of a gap is too long', { extra, grace, mergeGapsUpToMinutes: 34 }, '08:50–17:15, 17:50–20:15'],
    ['a blackout cuts an extra', { extra, blackouts: aBlackout('19:00', '21:00') }, '09:00–17:00, 18:00–19:00'],
    [
      'grace reopens nothing of a blackout',
      { grace, blackouts: aBlackout('16:00', '17:00') },
      '08:50–16:00, 17:00–17:15',
    ],
    ['grace does not grow out of a blackout', { grace, blackouts: aBlackout('08:00', '18:00') }, ''],
    [
      'merging reopens nothing of a blackout',
      { mergeGapsUpToMinutes: 120, blackouts: aBlackout('12:00', '13:00') },
      '09:00–12:00, 13:00–17:00',
    ],
    [
      'a merged gap is open up to a blackout in it',
      { extra, mergeGapsUpToMinutes: 60, blackouts: aBlackout('17:20', '17:40') },
      '09:00–17:20, 17:40–20:00',
    ],
    ['starts_on bounds extras', { extra, startsOn: '2026-06-02' }, ''],
    ['ends_on bounds extras', { extra, startsOn: '2026-01-01', endsOn: '2026-05-31' }, ''],
    [
      'early grace reaches before starts_on',
      { startsOn: monday, grace: { earlyMinutes: 600, lateMinutes: 0 } },
      '05-31 23:00–17:00, 23:00–06-02 17:00',
    ],
    [
      'late grace reaches beyond ends_on',
      { endsOn: monday, grace: { earlyMinutes: 0, lateMinutes: 480 } },
      '09:00–06-02 01:00',
    ],
    [
      'UNTIL is held against the start before grace',
      { windows: [{ ...weekdays, rrule: 'FREQ=DAILY;UNTIL=20260601T090000Z' }], grace },
      '08:50–17:15',
    ],
  ])('%s', (_, input, expected) => {
    expect(openOn(monday, input)).toBe(expected);
  });

  it.each([
    ['is in progress until its late grace is over', '2026-06-01T17:14:59Z', '2026-06-01T08:50Z'],
    ['is over when its late grace is', '2026-06-01T17:15:00Z', '2026-06-02T08:50Z'],
  ])('a window %s', (_, after, startsAt) => {
    expect(windowsFrom(aCalendar({ grace }), new Date(after), 1)[0]?.startsAt).toEqual(new Date(startsAt));
  });

  it('are cut by blackouts into no more windows than are asked for', () => {
    const calendar = aCalendar({ blackouts: [...aBlackout('10:00', '11:00'), ...aBlackout('13:00', '14:00')] });
    const all = ['06-01T09:00', '06-01T11:00', '06-01T14:00', '06-02T09:00'];
    for (const count of [1, 2, 3, 4]) {
      const windows = windowsFrom(calendar, new Date(monday), count);
      expect(windows.map(({ startsAt }) => startsAt.toISOString().slice(5, 16))).toEqual(all.slice(0, count));
    }
    expect(windowsFrom(calendar, new Date(`${monday}T11:00Z`), 1)[0]?.endsAt).toEqual(new Date(`${monday}T13:00Z`));
  });

  it('is counted by COUNT before exceptions, blackouts and merging', () => {
    const calendar = aCalendar({
      windows: [{ rrule: 'FREQ=DAILY;COUNT=3', from: '09:00', to: '10:00' }],
      startsOn: monday,
      exceptDates: ['2026-06-02'],
      blackouts: aBlackout('00:00', '12:00'),
    });
    expect(windowsFrom(calendar, new Date('2026-01-01'), 5).map(({ startsAt }) => startsAt.toISOString())).toEqual([
      '2026-06-03T09:00:00.000Z',
    ]);
  });
});

describe('blackouts', () => {
  it('close by the local clock, start and end each on its own', () => {
    const calendar = aCalendar({
      windows: [{ rrule: 'FREQ=DAILY', from: '00:00', to: '06:00' }],
      timezone: 'America/New_York',
      blackouts: [{ from: '2026-03-08T01:00', to: '2026-03-08T04:00', reason: null }],
    });
    expect(windowsFrom(calendar, new Date('2026-03-08T05:00Z'), 2)).toEqual([
      { startsAt: new Date('2026-03-08T05:00Z'), endsAt: new Date('2026-03-08T06:00Z') },
      { startsAt: new Date('2026-03-08T08:00Z'), endsAt: new Date('2026-03-08T10:00Z') },
    ]);
  });

  it.each([
    ['02:30', '03:15'],
    ['02:00', '03:00'],
  ])('close a window of the same hours whole, also where the clocks skip them: %s to %s', (from, to) => {
    const hours = { from, to };
    const calendar = aCalendar({
      windows: [{ rrule: 'FREQ=DAILY', ...hours }],
      timezone: 'America/New_York',
      blackouts: [{ from: `2026-03-08T${hours.from}`, to: `2026-03-08T${hours.to}`, reason: null }],
    });
    const [next] = windowsFrom(calendar, new Date('2026-03-08T00:00Z'), 1);
    expect(next?.startsAt).toEqual(new Date(`2026-03-09T${from}-04:00`));
  });

  it("of a door close for every schedule there, beside the schedule's own", () => {
    const own = aCalendar({ blackouts: aBlackout('10:00', '11:00') });
    const onDoor = withBlackouts(own, aBlackout('15:00', '16:00'));
    const hours = (calendar: Calendar) =>
      windowsFrom(calendar, new Date(monday), 3).map(({ startsAt }) => startsAt.toISOString().slice(5, 16));
    expect(hours(onDoor)).toEqual(['06-01T09:00', '06-01T11:00', '06-01T16:00']);
    expect(hours(own)).toEqual(['06-01T09:00', '06-01T11:00', '06-02T09:00']);
    expect(withBlackouts(own, [])).toBe(own);
  });

  it('that were stored by hand and cannot be read are no silent opening', () => {
    expect(() => withBlackouts(aCalendar({}), [{ from: 'now', to: 'later', reason: null }])).toThrow(
      'blackouts[0].from',
    );
  });

  it('of two centuries are passed over at once', () => {
    const calendar = aCalendar({
      windows: [{ rrule: 'FREQ=DAILY', from: '00:00', to: '24:00' }],
      blackouts: [{ from: '2026-06-10T12:00', to: '2199-12-31T12:00', reason: null }],
    });
    expect(windowsFrom(calendar, new Date('2026-06-02'), 3)).toEqual([
      { startsAt: new Date('2026-06-01'), endsAt: new Date('2026-06-10T12:00Z') },
      { startsAt: new Date('2199-12-31T12:00Z'), endsAt: new Date('2200-01-01') },
      { startsAt: new Date('2200-01-01'), endsAt: new Date('2200-02-01') },
    ]);
  });

  it.each([
    ['from', { from: '2026-06-01 09:00', to: '2026-06-01T10:00' }, 'blackouts[0].from time_invalid'],
    ['from', { from: '2026-02-30T09:00', to: '2026-06-01T10:00' }, 'blackouts[0].from time_invalid'],
    ['from', { from: 'on 2026-06-01T09:00', to: '2026-06-01T10:00' }, 'blackouts[0].from time_invalid'],
    ['to', { from: '2026-06-01T09:00', to: '2026-06-01T10:00:00' }, 'blackouts[0].to time_invalid'],
    ['from', { from: '1969-12-31T09:00', to: '2026-06-01T10:00' }, 'blackouts[0].from time_invalid'],
    ['to', { from: '2026-06-01T09:00', to: '2026-06-01T24:00' }, 'blackouts[0].to time_invalid'],
    ['to', { from: '2026-06-01T09:00', to: '2201-01-01T00:00' }, 'blackouts[0].to time_invalid'],
    ['to', { from: '2026-06-01T09:00', to: '2026-06-01T09:00' }, 'blackouts[0].to ends_before_start'],
  ])('are refused in %s when they read %j', (_, span, expected) => {
    const blackouts = [{ ...span, reason: null }];
    const compilation = compileCalendar({ windows: [weekdays], timezone: 'UTC', startsOn: '2026-01-01', blackouts });
    const problems = compilation.ok ? [] : compilation.problems;
    expect(problems.map(({ message }) => message)).toMatchSnapshot();
    expect(problems.map(({ field, code }) => `${field} ${code}`)).toEqual([expected]);
  });
});

describe('minutes', () => {
  it.each([
    [{ grace: { earlyMinutes: -1, lateMinutes: 0 } }, ['grace.early_minutes minutes_invalid']],
    [{ grace: { earlyMinutes: 0, lateMinutes: 1441 } }, ['grace.late_minutes minutes_invalid']],
    [{ mergeGapsUpToMinutes: 0.5 }, ['merge_gaps_up_to_minutes minutes_invalid']],
    [{ grace: { earlyMinutes: 1440, lateMinutes: 1440 }, mergeGapsUpToMinutes: 1440 }, []],
  ])('of %j', (more, expected) => {
    const compilation = compileCalendar({ windows: [weekdays], timezone: 'UTC', startsOn: '2026-01-01', ...more });
    const problems = compilation.ok ? [] : compilation.problems;
    expect(problems.map(({ message }) => message)).toMatchSnapshot();
    expect(problems.map(({ field, code }) => `${field} ${code}`)).toEqual(expected);
  });
});

describe('properties', () => {
  const open = (input: CalendarInput): Span[] => {
    const compilation = compileCalendar(input);
    if (!compilation.ok) throw new Error(JSON.stringify(compilation.problems));
    // All that begins before an instant: a fixed number of windows would end elsewhere in another calendar.
    const untilAt = Date.UTC(2027, 0, 1);
    const all = windowsFrom(compilation.calendar, new Date('2000-01-01'), 1_500);
    const spans = all.map(({ startsAt, endsAt }) => ({
      startAt: startsAt.getTime(),
      endAt: Math.min(endsAt.getTime(), untilAt),
    }));
    return union(
      spans.filter(({ startAt }) => startAt < untilAt),
      0,
    );
  };
  const isValid = (input: CalendarInput) => compileCalendar(input).ok;
  const within = (spans: readonly Span[], fromAt: number, toAt: number) =>
    spans
      .map(({ startAt, endAt }) => ({ startAt: Math.max(startAt, fromAt), endAt: Math.min(endAt, toAt) }))
      .filter(({ startAt, endAt }) => startAt < endAt);

  it('come to the same as each step on its own', { timeout: 120_000 }, () => {
    const [fromAt, toAt] = [Date.UTC(2026, 0, 20), Date.UTC(2026, 10, 20)];
    fc.assert(
      fc.property(stretchedInputs().filter(isValid), (input) => {
        const expected = referenceWindows(input, '2026-01-10', '2026-12-01');
        expect(within(open(input), fromAt, toAt)).toEqual(within(expected, fromAt, toAt));
      }),
      { numRuns: runs(100) },
    );
  });

  it('do not depend on the order of rules, extras and blackouts', { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(stretchedInputs().filter(isValid), (input) => {
        const { windows, extra = [], blackouts = [] } = input;
        const turned = { windows: windows.toReversed(), extra: extra.toReversed(), blackouts: blackouts.toReversed() };
        expect(open({ ...input, ...turned })).toEqual(open(input));
      }),
      { numRuns: runs(100) },
    );
  });

  it('of whatever was accepted: it never throws later, and no window is empty', { timeout: 120_000 }, () => {
    const time = fc
      .tuple(fc.nat(23), fc.nat(59))
      .map((parts) => parts.map((part) => `${part}`.padStart(2, '0')).join(':'));
    const rules = fc.array(fc.record({ rrule: ruleTexts(), from: time, to: time }), { minLength: 1, maxLength: 3 });
    const zones = fc.constantFrom(...Intl.supportedValuesOf('timeZone'), 'US/Eastern', 'Asia/Calcutta', 'UTC');
    const instants = fc.array(fc.integer({ min: Date.UTC(1960, 0), max: Date.UTC(2400, 0) }), { minLength: 3 });
    fc.assert(
      fc.property(rules, zones, stretchedInputs(), instants, (windows, timezone, more, atAll) => {
        const compilation = compileCalendar({ ...more, windows, timezone, startsOn: '2010-02-28' });
        if (!compilation.ok) return;
        for (const at of atAll) {
          let until = at;
          for (const window of windowsFrom(compilation.calendar, new Date(at), 3)) {
            expect(window.endsAt.getTime()).toBeGreaterThan(Math.max(until, window.startsAt.getTime()));
            expect(describeCauses(causesOf(compilation.calendar, window))).not.toBe('');
            until = window.endsAt.getTime();
          }
        }
      }),
      { numRuns: runs(1_000) },
    );
  });

  it('of a blackout: it opens nothing', { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(stretchedInputs().filter(isValid), (input) => {
        const before = open({ ...input, blackouts: [] });
        for (const { startAt, endAt } of open(input)) {
          expect(before.some((span) => span.startAt <= startAt && endAt <= span.endAt)).toBe(true);
        }
      }),
      { numRuns: runs(100) },
    );
  });

  it('of grace and merging: they close nothing', { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(
        calendarInputs().filter(isValid),
        fc.nat(1_440),
        fc.nat(1_440),
        fc.nat(1_440),
        (input, ...minutes) => {
          const [earlyMinutes = 0, lateMinutes = 0, mergeGapsUpToMinutes = 0] = minutes;
          const after = open({ ...input, grace: { earlyMinutes, lateMinutes }, mergeGapsUpToMinutes });
          for (const { startAt, endAt } of open(input)) {
            expect(after.some((span) => span.startAt <= startAt && endAt <= span.endAt)).toBe(true);
          }
        },
      ),
      { numRuns: runs(100) },
    );
  });
});
