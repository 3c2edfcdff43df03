import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Calendar,
  type CalendarInput,
  compileCalendar,
  isLocalDate,
  localDateOf,
  windowsFrom,
} from '../../src/core/windows.ts';
import { calendarInputs, stretchedInputs } from '../support/calendar-inputs.ts';
import { fallsOn, spanOn } from '../support/reference-windows.ts';
import { runs } from '../support/runs.ts';

const NIGHT = { from: '22:00', to: '06:00' };
const DAY = 86_400_000;
const ALL_DAY = { from: '00:00', to: '24:00' };

function aCalendar(input: Partial<CalendarInput> & Pick<CalendarInput, 'windows'>): Calendar {
  const compilation = compileCalendar({ timezone: 'America/New_York', startsOn: '2026-01-01', ...input });
  if (!compilation.ok) throw new Error(JSON.stringify(compilation.problems));
  return compilation.calendar;
}

/** "2026-03-07T22:00Z/2026-03-08T06:00Z" for each window. */
function spans(calendar: Calendar, after: string, count: number): string[] {
  const minute = (at: Date) => at.toISOString().replace(':00.000', '');
  return windowsFrom(calendar, new Date(after), count).map(
    ({ startsAt, endsAt }) => `${minute(startsAt)}/${minute(endsAt)}`,
  );
}

function problemsOf(input: Partial<CalendarInput>): string[] {
  const valid = { windows: [{ rrule: 'FREQ=DAILY', ...NIGHT }], timezone: 'America/New_York', startsOn: '2026-01-01' };
  const compilation = compileCalendar({ ...valid, ...input });
  if (compilation.ok) return [];
  // Word for word: the sentence is all that the person who wrote the schedule gets to see.
  expect(compilation.problems.map(({ message }) => message)).toMatchSnapshot();
  return compilation.problems.map(({ field, code }) => `${field} ${code}`);
}

describe('clock changes', () => {
  const nights = aCalendar({ windows: [{ rrule: 'FREQ=DAILY', ...NIGHT }] });

  it('makes the night of the spring change seven hours long', () => {
    expect(spans(nights, '2026-03-08T00:00Z', 1)).toEqual(['2026-03-08T03:00Z/2026-03-08T10:00Z']);
  });

  it('makes the night of the autumn change nine hours long', () => {
    expect(spans(nights, '2026-11-01T00:00Z', 1)).toEqual(['2026-11-01T02:00Z/2026-11-01T11:00Z']);
  });

  it('keeps the nominal length of a window that the skipped hour would empty', () => {
    const early = aCalendar({ windows: [{ rrule: 'FREQ=DAILY', from: '02:30', to: '03:15' }] });
    expect(spans(early, '2026-03-08T00:00Z', 1)).toEqual(['2026-03-08T07:30Z/2026-03-08T08:15Z']);
    const skipped = aCalendar({ windows: [{ rrule: 'FREQ=DAILY', from: '02:00', to: '03:00' }] });
    expect(spans(skipped, '2026-03-08T00:00Z', 1)).toEqual(['2026-03-08T07:00Z/2026-03-08T08:00Z']);
  });

  it('starts in the first of the two repeated hours', () => {
    const early = aCalendar({ windows: [{ rrule: 'FREQ=DAILY', from: '01:30', to: '02:30' }] });
    expect(spans(early, '2026-11-01T00:00Z', 1)).toEqual(['2026-11-01T05:30Z/2026-11-01T07:30Z']);
  });

  it('gives one window for two days that fall on one instant', () => {
    const apia = aCalendar({
      windows: [{ rrule: 'FREQ=DAILY', from: '10:00', to: '12:00' }],
      timezone: 'Pacific/Apia',
      startsOn: '2011-12-01',
    });
    expect(spans(apia, '2011-12-29T21:00Z', 3)).toEqual([
      '2011-12-29T20:00Z/2011-12-29T22:00Z',
      '2011-12-30T20:00Z/2011-12-30T22:00Z',
      '2011-12-31T20:00Z/2011-12-31T22:00Z',
    ]);
  });

  it('joins windows of one rule that only a skipped hour brings together', () => {
    const almost = aCalendar({ windows: [{ rrule: 'FREQ=DAILY', from: '03:00', to: '02:45' }] });
    const expected = '2026-03-07T08:00Z/2026-03-09T06:45Z';
    for (const after of ['2026-03-07T12:00Z', '2026-03-08T07:30Z', '2026-03-08T20:00Z']) {
      expect(spans(almost, after, 1)).toEqual([expected]);
    }
  });
});

describe('the span of a day', () => {
  it('ends at midnight with 24:00', () => {
    const evening = aCalendar({ windows: [{ rrule: 'FREQ=WEEKLY;BYDAY=MO', from: '20:00', to: '24:00' }] });
    expect(spans(evening, '2026-06-01T00:00Z', 1)).toEqual(['2026-06-02T00:00Z/2026-06-02T04:00Z']);
  });

  it('lasts 24 hours by the clock when it ends at the time at which it begins', () => {
    const weekly = aCalendar({ windows: [{ rrule: 'FREQ=WEEKLY;BYDAY=SA', from: '15:00', to: '15:00' }] });
    expect(spans(weekly, '2026-03-07T00:00Z', 1)).toEqual(['2026-03-07T20:00Z/2026-03-08T19:00Z']);
  });

  it('comes first while it is in progress and is over at its end', () => {
    const nights = aCalendar({ windows: [{ rrule: 'FREQ=DAILY', ...NIGHT }] });
    expect(spans(nights, '2026-06-02T09:59Z', 1)).toEqual(['2026-06-02T02:00Z/2026-06-02T10:00Z']);
    expect(spans(nights, '2026-06-02T10:00Z', 1)).toEqual(['2026-06-03T02:00Z/2026-06-03T10:00Z']);
  });
});

describe('joined windows', () => {
  it('joins windows that touch', () => {
    const touching = aCalendar({
      windows: [
        { rrule: 'FREQ=WEEKLY;BYDAY=MO', from: '08:00', to: '12:00' },
        { rrule: 'FREQ=WEEKLY;BYDAY=MO', from: '12:00', to: '17:00' },
      ],
    });
    expect(spans(touching, '2026-06-01T15:00Z', 1)).toEqual(['2026-06-01T12:00Z/2026-06-01T21:00Z']);
  });

  it('joins windows that overlap, one inside the other too', () => {
    const overlapping = aCalendar({
      windows: [
        { rrule: 'FREQ=WEEKLY;BYDAY=MO', from: '08:00', to: '16:00' },
        { rrule: 'FREQ=WEEKLY;BYDAY=MO', from: '10:00', to: '11:00' },
        { rrule: 'FREQ=WEEKLY;BYDAY=MO', from: '15:00', to: '18:00' },
      ],
    });
    expect(spans(overlapping, '2026-06-01T00:00Z', 2)).toEqual([
      '2026-06-01T12:00Z/2026-06-01T22:00Z',
      '2026-06-08T12:00Z/2026-06-08T22:00Z',
    ]);
  });

  it('does not cut a run of 31 days or less', () => {
    const month = aCalendar({
      windows: [{ rrule: 'FREQ=DAILY;COUNT=31', ...ALL_DAY }],
      startsOn: '2026-06-15',
    });
    const whole = ['2026-06-15T04:00Z/2026-07-16T04:00Z'];
    for (const after of ['2026-06-01T00:00Z', '2026-06-20T00:00Z', '2026-07-16T03:00Z']) {
      expect(spans(month, after, 3)).toEqual(whole);
    }
  });

  it('cuts a longer run at local midnight of the 1st', () => {
    const longer = aCalendar({
      windows: [{ rrule: 'FREQ=DAILY;COUNT=48', ...ALL_DAY }],
      startsOn: '2026-06-15',
    });
    const pieces = [
      '2026-06-15T04:00Z/2026-07-01T04:00Z',
      '2026-07-01T04:00Z/2026-08-01T04:00Z',
      '2026-08-01T04:00Z/2026-08-02T04:00Z',
    ];
    expect(spans(longer, '2026-01-01T00:00Z', 9)).toEqual(pieces);
    expect(spans(longer, '2026-07-01T03:59Z', 9)).toEqual(pieces);
    expect(spans(longer, '2026-07-01T04:00Z', 9)).toEqual(pieces.slice(1));
    expect(spans(longer, '2026-08-02T03:00Z', 9)).toEqual(pieces.slice(2));
  });

  it('cuts no empty piece off a run that ends on the 1st', () => {
    const longer = aCalendar({ windows: [{ rrule: 'FREQ=DAILY;COUNT=47', ...ALL_DAY }], startsOn: '2026-06-15' });
    expect(spans(longer, '2026-07-10T00:00Z', 9)).toEqual(['2026-07-01T04:00Z/2026-08-01T04:00Z']);
  });

  it('gives the same pieces of an endless run after twenty years, across the change of the clocks', () => {
    const always = aCalendar({ windows: [{ rrule: 'FREQ=DAILY', ...ALL_DAY }], startsOn: '2006-01-10' });
    expect(spans(always, '2006-01-01T00:00Z', 2)).toEqual([
      '2006-01-10T05:00Z/2006-02-01T05:00Z',
      '2006-02-01T05:00Z/2006-03-01T05:00Z',
    ]);
    const march = ['2026-03-01T05:00Z/2026-04-01T04:00Z', '2026-04-01T04:00Z/2026-05-01T04:00Z'];
    expect(spans(always, '2026-03-01T05:00Z', 2)).toEqual(march);
    expect(spans(always, '2026-03-17T11:11Z', 2)).toEqual(march);
  });

  it('cuts a run that grace has begin in an hour that the clocks turn back into the month before', () => {
    const always = aCalendar({
      windows: [{ rrule: 'FREQ=DAILY', from: '00:10', to: '00:10' }],
      timezone: 'America/St_Johns',
      startsOn: '2009-11-01',
      grace: { earlyMinutes: 30, lateMinutes: 0 },
    });
    expect(spans(always, '2009-11-01T00:00Z', 2)).toEqual([
      '2009-11-01T03:10Z/2009-12-01T03:30Z',
      '2009-12-01T03:30Z/2010-01-01T03:30Z',
    ]);
  });

  it('ends a long run at an exception date and begins anew after it', () => {
    const always = aCalendar({ windows: [{ rrule: 'FREQ=DAILY', ...ALL_DAY }], exceptDates: ['2026-06-10'] });
    expect(spans(always, '2026-06-05T00:00Z', 3)).toEqual([
      '2026-06-01T04:00Z/2026-06-10T04:00Z',
      '2026-06-11T04:00Z/2026-07-01T04:00Z',
      '2026-07-01T04:00Z/2026-08-01T04:00Z',
    ]);
  });
});

describe('bounds and exceptions', () => {
  it('lets a night that starts on the last day run to its end', () => {
    const nights = aCalendar({ windows: [{ rrule: 'FREQ=DAILY', ...NIGHT }], endsOn: '2026-06-02' });
    expect(spans(nights, '2026-06-02T12:00Z', 5)).toEqual(['2026-06-03T02:00Z/2026-06-03T10:00Z']);
    expect(spans(nights, '2026-06-03T10:00Z', 5)).toEqual([]);
  });

  it('holds exception dates against the day on which a night starts', () => {
    const nights = aCalendar({
      windows: [{ rrule: 'FREQ=DAILY', ...NIGHT }],
      exceptDates: ['2026-06-02', '2026-06-03'],
    });
    expect(spans(nights, '2026-06-02T01:00Z', 2)).toEqual([
      '2026-06-02T02:00Z/2026-06-02T10:00Z',
      '2026-06-05T02:00Z/2026-06-05T10:00Z',
    ]);
  });

  it('counts COUNT before exceptions are taken out', () => {
    const thrice = aCalendar({ windows: [{ rrule: 'FREQ=DAILY;COUNT=3', ...NIGHT }], exceptDates: ['2026-01-02'] });
    expect(spans(thrice, '2026-01-01T00:00Z', 9)).toEqual([
      '2026-01-02T03:00Z/2026-01-02T11:00Z',
      '2026-01-04T03:00Z/2026-01-04T11:00Z',
    ]);
  });

  it("opens an extra on an exception date and beyond UNTIL and COUNT, but not outside the schedule's days", () => {
    const calendar = aCalendar({
      windows: [{ rrule: 'FREQ=DAILY;COUNT=2', from: '09:00', to: '10:00' }],
      endsOn: '2026-02-01',
      exceptDates: ['2026-01-02'],
      extra: [
        { date: '2026-02-02', from: '12:00', to: '13:00' },
        { date: '2026-02-01', from: '23:00', to: '01:00' },
        { date: '2026-01-02', from: '12:00', to: '13:00' },
        { date: '2025-12-31', from: '12:00', to: '13:00' },
        { date: '2026-01-01', from: '05:00', to: '06:00' },
      ],
    });
    expect(spans(calendar, '2025-01-01T00:00Z', 9)).toEqual([
      '2026-01-01T10:00Z/2026-01-01T11:00Z',
      '2026-01-01T14:00Z/2026-01-01T15:00Z',
      '2026-01-02T17:00Z/2026-01-02T18:00Z',
      '2026-02-02T04:00Z/2026-02-02T06:00Z',
    ]);
  });

  it('joins an extra with the window that it lengthens', () => {
    const calendar = aCalendar({
      windows: [{ rrule: 'FREQ=DAILY', from: '09:00', to: '10:00' }],
      extra: [{ date: '2026-06-01', from: '10:00', to: '11:00' }],
    });
    expect(spans(calendar, '2026-06-01T14:30Z', 1)).toEqual(['2026-06-01T13:00Z/2026-06-01T15:00Z']);
  });

  it('ends with the day of an UNTIL date, held against the local start date', () => {
    const nights = aCalendar({ windows: [{ rrule: 'FREQ=DAILY;UNTIL=20260602', ...NIGHT }] });
    expect(spans(nights, '2026-06-02T12:00Z', 9)).toEqual(['2026-06-03T02:00Z/2026-06-03T10:00Z']);
  });

  it('includes a start at the very instant of an UNTIL in UTC, and none after it', () => {
    const inclusive = aCalendar({ windows: [{ rrule: 'FREQ=DAILY;UNTIL=20260603T020000Z', ...NIGHT }] });
    const exclusive = aCalendar({ windows: [{ rrule: 'FREQ=DAILY;UNTIL=20260603T015959Z', ...NIGHT }] });
    expect(spans(inclusive, '2026-06-02T12:00Z', 9)).toEqual(['2026-06-03T02:00Z/2026-06-03T10:00Z']);
    expect(spans(exclusive, '2026-06-02T12:00Z', 9)).toEqual([]);
  });

  it('finds the start before an UNTIL in UTC where local dates run ahead of it', () => {
    const kiritimati = aCalendar({
      windows: [{ rrule: 'FREQ=DAILY;UNTIL=20260602T100000Z', from: '00:00', to: '01:00' }],
      timezone: 'Pacific/Kiritimati',
    });
    expect(spans(kiritimati, '2026-06-02T00:00Z', 9)).toEqual(['2026-06-02T10:00Z/2026-06-02T11:00Z']);
  });

  it('takes the first day as a lower bound, not as an occurrence', () => {
    const mondays = aCalendar({
      windows: [{ rrule: 'FREQ=WEEKLY;BYDAY=MO;COUNT=1', ...NIGHT }],
      startsOn: '2026-06-03',
    });
    expect(spans(mondays, '2026-01-01T00:00Z', 9)).toEqual(['2026-06-09T02:00Z/2026-06-09T10:00Z']);
  });

  it('counts INTERVAL from the week that holds the first day, by WKST', () => {
    const everyOther = (wkst: string) =>
      aCalendar({
        windows: [{ rrule: `FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO;WKST=${wkst}`, from: '12:00', to: '13:00' }],
        startsOn: '2026-06-07',
        timezone: 'UTC',
      });
    const days = (calendar: Calendar) => spans(calendar, '2026-01-01T00:00Z', 4).map((span) => span.slice(5, 10));
    expect(days(everyOther('MO'))).toEqual(['06-07', '06-15', '06-21', '06-29']);
    expect(days(everyOther('SU'))).toEqual(['06-07', '06-08', '06-21', '06-22']);
  });
});

describe('windowsFrom', () => {
  it('gives the same windows whatever instant is asked about', { timeout: 120_000 }, () => {
    const from = Date.UTC(2026, 1, 1);
    fc.assert(
      fc.property(
        stretchedInputs(),
        fc.array(fc.integer({ min: 0, max: 300 * 24 * 60 }), { minLength: 5, maxLength: 5 }),
        (input, minutes) => {
          const compilation = compileCalendar(input);
          fc.pre(compilation.ok);
          if (!compilation.ok) return;
          const all = windowsFrom(compilation.calendar, new Date('2000-01-01T00:00Z'), 1500);
          for (const minute of minutes) {
            const after = new Date(from + minute * 60_000);
            const expected = all.filter((window) => window.endsAt > after).slice(0, 3);
            expect(windowsFrom(compilation.calendar, after, 3)).toEqual(expected);
          }
          const isOrdered = all.every(
            (window, index) => window.startsAt < window.endsAt && (all[index - 1]?.endsAt ?? 0) <= window.startsAt,
          );
          const longest = Math.max(...all.map((window) => +window.endsAt - +window.startsAt));
          expect({ isOrdered, longest }).toEqual({
            isOrdered: true,
            longest: expect.toSatisfy((ms) => ms < 31.1 * DAY),
          });
        },
      ),
      { numRuns: runs(300) },
    );
  });

  it('is open exactly when one of the occurrences is', { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(
        calendarInputs(),
        fc.array(fc.integer({ min: 0, max: 300 * 24 * 60 }), { minLength: 20, maxLength: 20 }),
        (input, minutes) => {
          const compilation = compileCalendar(input);
          fc.pre(compilation.ok);
          if (!compilation.ok) return;
          for (const minute of minutes) {
            const at = Date.UTC(2026, 1, 1) + minute * 60_000;
            const [window] = windowsFrom(compilation.calendar, new Date(at), 1);
            const isOpen = window !== undefined && +window.startsAt <= at;
            expect(isOpen, `${new Date(at).toISOString()} ${JSON.stringify(input)}`).toBe(isOpenByTemporal(input, at));
          }
        },
      ),
      { numRuns: runs(300) },
    );
  });

  it('gives none for a count of zero, and refuses an invalid date', () => {
    const nights = aCalendar({ windows: [{ rrule: 'FREQ=DAILY', ...NIGHT }] });
    expect([0, -1].map((count) => windowsFrom(nights, new Date(), count))).toEqual([[], []]);
    expect(() => windowsFrom(nights, new Date(Number.NaN), 1)).toThrow('is not a valid date');
  });

  it('ends with an answer for the farthest dates there are', () => {
    const nights = aCalendar({ windows: [{ rrule: 'FREQ=DAILY', ...NIGHT }], startsOn: '1970-01-01' });
    expect(spans(nights, '-271821-04-20T00:00:00.000Z', 1)).toEqual(['1970-01-02T03:00Z/1970-01-02T11:00Z']);
    expect(windowsFrom(nights, new Date(8.64e15), 1)).toEqual([]);
  });
});

describe('compileCalendar', () => {
  it('reports every problem at once, each with its field', () => {
    expect(
      problemsOf({
        windows: [
          { rrule: 'FREQ=HOURLY', from: '9:00', to: '24:01' },
          { rrule: 'FREQ=DAILY', from: '24:00', to: '10:60' },
        ],
        timezone: 'Mars/Olympus',
        startsOn: '2026-02-30',
        endsOn: '2026-13-01',
        exceptDates: ['2026-01-01', '01/02/2026'],
        extra: [{ date: '2027-02-29', from: '', to: '12:00' }],
      }),
    ).toEqual([
      'timezone timezone_unknown',
      'starts_on date_invalid',
      'ends_on date_invalid',
      'windows[0].from time_invalid',
      'windows[0].to time_invalid',
      'windows[0].rrule part_unsupported',
      'windows[1].from time_invalid',
      'windows[1].to time_invalid',
      'except.dates[1] date_invalid',
      'extra[0].date date_invalid',
      'extra[0].from time_invalid',
    ]);
  });

  it.each([
    ['no window', { windows: [] }, ['windows windows_missing']],
    ['an end before the start', { endsOn: '2025-12-31' }, ['ends_on ends_before_start']],
    ['a start beyond 2200', { startsOn: '2201-01-01' }, ['starts_on date_out_of_range']],
    [
      'a rule that never matches',
      { windows: [{ rrule: 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30', ...NIGHT }] },
      ['windows[0].rrule never_matches'],
    ],
    [
      'an UNTIL date before the start',
      { windows: [{ rrule: 'FREQ=DAILY;UNTIL=20251231', ...NIGHT }] },
      ['windows[0].rrule never_matches'],
    ],
    [
      'an UNTIL in UTC before the first start',
      { windows: [{ rrule: 'FREQ=DAILY;UNTIL=20260102T025959Z', ...NIGHT }] },
      ['windows[0].rrule never_matches'],
    ],
    [
      'a wrong last day, before it is asked on which days rules fall',
      { endsOn: 'never', windows: [{ rrule: 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30', ...NIGHT }] },
      ['ends_on date_invalid'],
    ],
    ['too many exception dates', { exceptDates: new Array(5001).fill('2026-05-05') }, ['except.dates too_many']],
    [
      'too many windows, and reads only so many',
      { windows: [...new Array(50).fill({ rrule: 'FREQ=DAILY', ...NIGHT }), { rrule: '', from: '', to: '' }] },
      ['windows too_many'],
    ],
    [
      'too many extras, and reads only so many',
      { extra: [...new Array(1_000).fill({ date: '2026-05-05', ...NIGHT }), { date: '', from: '', to: '' }] },
      ['extra too_many'],
    ],
    [
      'too many blackouts, and reads only so many',
      {
        blackouts: [
          ...new Array(1_000).fill({ from: '2026-05-05T00:00', to: '2026-05-06T00:00', reason: null }),
          { from: '', to: '', reason: null },
        ],
      },
      ['blackouts too_many'],
    ],
  ])('refuses %s', (_title, input, problems) => {
    expect(problemsOf(input)).toEqual(problems);
  });

  it('accepts an UNTIL in UTC at the very instant of the first start', () => {
    const once = aCalendar({ windows: [{ rrule: 'FREQ=DAILY;UNTIL=20260102T030000Z', ...NIGHT }] });
    expect(spans(once, '2026-01-01T00:00Z', 9)).toEqual(['2026-01-02T03:00Z/2026-01-02T11:00Z']);
  });

  it('has calendars without extras and blackouts share what says so, because there are many', () => {
    const [one, other] = [NIGHT, ALL_DAY].map((span) => aCalendar({ windows: [{ rrule: 'FREQ=DAILY', ...span }] }));
    expect(one!.extras).toBe(other!.extras);
    expect([one!.closed, one!.blackouts]).toEqual([[], []]);
    expect(one!.closed).toBe(other!.closed);
  });

  it('accepts a schedule whose last day leaves a rule without windows', () => {
    expect(problemsOf({ endsOn: '2026-01-01', windows: [{ rrule: 'FREQ=WEEKLY;BYDAY=SU', ...NIGHT }] })).toEqual([]);
  });
});

describe('dates', () => {
  it('tells the local date at an instant', () => {
    expect(localDateOf('America/New_York', new Date('2026-06-02T03:59:59.999Z'))).toBe('2026-06-01');
    expect(localDateOf('America/New_York', new Date('2026-06-02T04:00Z'))).toBe('2026-06-02');
    expect(localDateOf('Pacific/Kiritimati', new Date('2026-12-31T10:00Z'))).toBe('2027-01-01');
  });

  it.each(['2026-02-28', '2024-02-29', '2000-02-29', '1970-01-01'])('knows that %s exists', (text) => {
    expect(isLocalDate(text)).toBe(true);
  });

  it.each([
    '2026-02-29',
    '1900-02-29',
    '2026-02-30',
    '2026-00-10',
    '2026-13-01',
    '2026-1-1',
    '2026-01-00',
    '2026-04-31',
    '',
    '2026-01-01T00:00',
  ])('knows that %j is no date', (text) => {
    expect(isLocalDate(text)).toBe(false);
  });
});

/** Looks at each date near the instant on its own, without joining anything. */
function isOpenByTemporal(input: CalendarInput, at: number): boolean {
  const today = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(input.timezone).toPlainDate();
  return [-3, -2, -1, 0, 1].some((days) => {
    const date = today.add({ days });
    const text = date.toString();
    if (text < input.startsOn) return false;
    const isExcept = input.exceptDates?.includes(text) ?? false;
    const byRule = input.windows.some(
      (rule) => !isExcept && fallsOn(rule.rrule, input.startsOn, text) && isWithin(rule, date, input, at),
    );
    return byRule || (input.extra ?? []).some((extra) => extra.date === text && isWithin(extra, date, input, at));
  });
}

function isWithin(
  span: { from: string; to: string },
  date: Temporal.PlainDate,
  { timezone }: CalendarInput,
  at: number,
): boolean {
  const { startAt, endAt } = spanOn(span, date, timezone);
  return startAt <= at && at < endAt;
}
