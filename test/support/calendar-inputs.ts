import fc from 'fast-check';
import type { CalendarInput } from '../../src/core/windows.ts';

/** Calendars of rules, exceptions and extras, with zones and hours that make trouble. */
export function calendarInputs(): fc.Arbitrary<CalendarInput> {
  const time = fc.constantFrom('00:00', '00:30', '01:30', '02:00', '02:45', '03:00', '12:00', '23:30');
  const rrule = fc.constantFrom(
    'FREQ=DAILY',
    'FREQ=DAILY;INTERVAL=2',
    'FREQ=DAILY;COUNT=60',
    'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR',
    'FREQ=WEEKLY;BYDAY=SA,SU',
    'FREQ=MONTHLY;BYMONTHDAY=1,2,3,-1,-2',
    'FREQ=DAILY;BYMONTH=3,4,10',
  );
  const window = fc.record({ rrule, from: time, to: fc.oneof(time, fc.constant('24:00')) });
  const date = fc
    .integer({ min: 0, max: 250 })
    .map((day) => new Date(Date.UTC(2026, 1, 20) + day * 86_400_000).toISOString().slice(0, 10));
  return fc.record({
    windows: fc.array(window, { minLength: 1, maxLength: 3 }),
    timezone: fc.constantFrom(
      'America/New_York',
      'Europe/London',
      'America/Havana',
      'Africa/Cairo',
      'Australia/Lord_Howe',
      'Asia/Kolkata',
    ),
    startsOn: fc.constantFrom('2026-02-10', '2026-01-31'),
    exceptDates: fc.array(date, { maxLength: 4 }),
    extra: fc.array(fc.record({ date, from: time, to: time }), { maxLength: 4 }),
  });
}

/** The same with grace, merging and blackouts. */
export function stretchedInputs(): fc.Arbitrary<CalendarInput> {
  const minutes = fc.constantFrom(0, 0, 10, 45, 120, 720, 1440);
  const blackout = fc
    .record({
      fromHalfHour: fc.integer({ min: 0, max: 260 * 48 }),
      halfHours: fc.constantFrom(1, 3, 24, 48, 300, 48 * 90),
      reason: fc.constantFrom(null, 'guest in house'),
    })
    .map(({ fromHalfHour, halfHours, reason }) => {
      const local = (halfHour: number) =>
        new Date(Date.UTC(2026, 1, 10) + halfHour * 1_800_000).toISOString().slice(0, 16);
      return { from: local(fromHalfHour), to: local(fromHalfHour + halfHours), reason };
    });
  return fc
    .record({
      input: calendarInputs(),
      grace: fc.record({ earlyMinutes: minutes, lateMinutes: minutes }),
      mergeGapsUpToMinutes: minutes,
      blackouts: fc.array(blackout, { maxLength: 4 }),
    })
    .map(({ input, ...more }) => ({ ...input, ...more }));
}
