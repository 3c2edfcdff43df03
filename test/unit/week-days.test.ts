import { describe, expect, it } from 'vitest';
import { daysFrom, mondayOf, partsOn, placeIn, weeksAfter } from '../../src/core/week-days.ts';
import { zoneNamed } from '../../src/core/zone.ts';

const hoursOf = (zone: string, monday: string): number[] =>
  daysFrom(zoneNamed(zone), monday).map(({ startsAt, endsAt }) => (endsAt.getTime() - startsAt.getTime()) / 3_600_000);

describe('a week', () => {
  it.each([
    ['America/New_York', '2027-03-01', [24, 24, 24, 24, 24, 24, 24]],
    ['America/New_York', '2027-03-08', [24, 24, 24, 24, 24, 24, 23]],
    ['America/New_York', '2027-11-01', [24, 24, 24, 24, 24, 24, 25]],
    ['Australia/Lord_Howe', '2027-03-29', [24, 24, 24, 24, 24, 24, 24.5]],
    ['Australia/Lord_Howe', '2027-09-27', [24, 24, 24, 24, 24, 24, 23.5]],
    ['Africa/Cairo', '2027-04-26', [24, 24, 24, 24, 23, 24, 24]],
    ['America/Havana', '2027-11-01', [24, 24, 24, 24, 24, 24, 25]],
    ['Pacific/Apia', '2011-12-26', [24, 24, 24, 24, 0, 24, 24]],
    ['UTC', '2027-03-08', [24, 24, 24, 24, 24, 24, 24]],
  ])('in %s from %s has days of %j hours', (zone, monday, hours) => {
    expect(hoursOf(zone, monday)).toEqual(hours);
  });

  it.each([
    [
      'America/New_York',
      '2027-03-08',
      { offsetBefore: '-05:00', offsetAfter: '-04:00', localBefore: '02:00', localAfter: '03:00', forwardMinutes: 60 },
    ],
    [
      'America/New_York',
      '2027-11-01',
      { offsetBefore: '-04:00', offsetAfter: '-05:00', localBefore: '02:00', localAfter: '01:00', forwardMinutes: -60 },
    ],
    [
      'Australia/Lord_Howe',
      '2027-03-29',
      { offsetBefore: '+11:00', offsetAfter: '+10:30', localBefore: '02:00', localAfter: '01:30', forwardMinutes: -30 },
    ],
  ])('in %s from %s tells how its clocks change', (zone, monday, change) => {
    const days = daysFrom(zoneNamed(zone), monday);
    expect(days.slice(0, 6).flatMap(({ clockChanges }) => clockChanges)).toEqual([]);
    expect(days[6]?.clockChanges).toMatchObject([change]);
  });

  it('marks the hours where they are on that day, and none that it does not have', () => {
    const labels = (zone: string, monday: string, day: number) =>
      daysFrom(zoneNamed(zone), monday)[day]?.ticks.map(({ label, place }) => `${label} ${Math.round(place * 1_000)}`);
    expect(labels('America/New_York', '2027-03-08', 0)).toEqual([
      '00 0',
      '03 125',
      '06 250',
      '09 375',
      '12 500',
      '15 625',
      '18 750',
      '21 875',
    ]);
    expect(labels('America/New_York', '2027-03-08', 6)).toEqual([
      '00 0',
      '03 87',
      '06 217',
      '09 348',
      '12 478',
      '15 609',
      '18 739',
      '21 870',
    ]);
    expect(labels('America/New_York', '2027-11-01', 6)?.slice(0, 3)).toEqual(['00 0', '03 160', '06 280']);
    expect(labels('Africa/Cairo', '2027-04-26', 4)?.[0]).toBe('03 87');
    expect(labels('Pacific/Apia', '2011-12-26', 4)).toEqual([]);
  });

  it('begins on a Monday, and others are weeks away', () => {
    expect(mondayOf('2027-03-14')).toBe('2027-03-08');
    expect(mondayOf('2027-03-08')).toBe('2027-03-08');
    expect(mondayOf('2027-02-30')).toBeUndefined();
    expect(weeksAfter('2027-03-08', -1)).toBe('2027-03-01');
    expect(weeksAfter('2027-12-27', 1)).toBe('2028-01-03');
  });
});

it('places instants and parts of spans by the true length of the day', () => {
  const days = daysFrom(zoneNamed('America/New_York'), '2027-03-08');
  const sunday = days[6]!;
  expect(placeIn(sunday, Date.parse('2027-03-14T16:30:00Z'))).toBe(0.5);
  expect([placeIn(sunday, 0), placeIn(sunday, 9e12)]).toEqual([0, 1]);
  const night = { startsAt: new Date('2027-03-14T03:00:00Z'), endsAt: new Date('2027-03-14T10:00:00Z') };
  expect(days.flatMap((day) => partsOn(day, [night]))).toMatchObject([
    { of: night, from: 22 / 24, to: 1, isContinued: false, goesOn: true },
    { of: night, from: 0, to: 5 / 23, isContinued: true, goesOn: false },
  ]);
});
