import { describe, expect, it } from 'vitest';
import { calendarOf, type Schedule } from '../../src/core/schedule.ts';
import { windowsFrom } from '../../src/core/windows.ts';

const schedule: Schedule = {
  id: '9a1d3c52-0000-4000-8000-000000000001',
  key: 'crew',
  name: 'Crew',
  holder: null,
  timezone: 'UTC',
  startsOn: '2026-06-01',
  endsOn: '2026-06-05',
  rules: [{ rrule: 'FREQ=DAILY', from: '09:00', to: '17:00' }],
  exceptDates: ['2026-06-02'],
  holidays: [{ name: 'local', dates: ['2026-06-03'] }],
  extra: [{ date: '2026-06-03', from: '10:00', to: '12:00' }],
  blackouts: [{ from: '2026-06-04T09:00', to: '2026-06-04T11:00', reason: null }],
  byHand: { closed: [], opened: [] },
  grace: { earlyMinutes: 10, lateMinutes: 20 },
  mergeGapsUpToMinutes: 5,
  devices: [{ deviceId: 'front', generation: 0 }],
  pinPolicy: 'keep',
  allowOtherPin: false,
  status: 'active',
  version: 1,
};

const guest = { from: '2026-06-01T00:00', to: '2026-06-04T00:00', reason: 'guest in house' };

function hours(of: Schedule, doorBlackouts = [] as (typeof guest)[]): string[] {
  const text = (at: Date) => at.toISOString().slice(8, 16);
  return windowsFrom(calendarOf(of, doorBlackouts), new Date('2026-01-01'), 10).map(
    ({ startsAt, endsAt }) => `${text(startsAt)}/${text(endsAt)}`,
  );
}

describe('the calendar of a stored schedule', () => {
  it('is made of all that the schedule says', () => {
    expect(hours(schedule)).toEqual([
      '01T08:50/01T17:20',
      '03T09:50/03T12:20',
      '04T08:50/04T09:00',
      '04T11:00/04T17:20',
      '05T08:50/05T17:20',
    ]);
  });

  it('has the blackouts of its door beside its own, and keeps none of them for another door', () => {
    expect(hours(schedule, [guest])).toEqual(['04T08:50/04T09:00', '04T11:00/04T17:20', '05T08:50/05T17:20']);
    expect(hours(schedule)).toHaveLength(5);
  });

  it('has no end where the schedule has none', () => {
    expect(hours({ ...schedule, endsOn: null, version: 2 })).toHaveLength(10);
  });

  it('follows a new version, and holidays that change without one', () => {
    const rules = [{ rrule: 'FREQ=DAILY', from: '06:00', to: '07:00' }];
    expect(hours({ ...schedule, rules, version: 3 })[0]).toBe('01T05:50/01T07:20');
    expect(hours({ ...schedule, version: 4 })[0]).toBe('01T08:50/01T17:20');
    const holidays = [{ name: 'local', dates: ['2026-06-01', '2026-06-03'] }];
    expect(hours({ ...schedule, holidays, version: 4 })[0]).toBe('03T09:50/03T12:20');
    expect(hours({ ...schedule, version: 4 })[0]).toBe('01T08:50/01T17:20');
  });

  it('is compiled once per version, of each of many schedules', () => {
    const one = { ...schedule, id: '9a1d3c52-0000-4000-8000-000000000002' };
    const compiled = calendarOf(one, []);
    calendarOf(schedule, []);
    expect(calendarOf({ ...one }, [])).toBe(compiled);
    expect(calendarOf({ ...one, version: 2 }, [])).not.toBe(calendarOf(one, []));
  });

  it('is compiled anew after thousands of others, which are not all kept in memory', () => {
    const compiled = calendarOf(schedule, []);
    for (let index = 0; index < 5_000; index += 1) calendarOf({ ...schedule, id: `${index}` }, []);
    expect(calendarOf(schedule, [])).not.toBe(compiled);
    expect(calendarOf(schedule, [])).toEqual(compiled);
  });

  it('that was changed by hand into what nobody can follow is no silence', () => {
    const broken = {
      ...schedule,
      timezone: 'Mars',
      rules: [{ rrule: 'FREQ=X', from: '09:00', to: '17:00' }],
      version: 9,
    };
    expect(() => calendarOf(broken, [])).toThrowErrorMatchingSnapshot();
  });
});
