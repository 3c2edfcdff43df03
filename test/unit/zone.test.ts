import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  instantToLocal,
  isRepeatedLocal,
  isTimeZone,
  largestGapNear,
  localToInstant,
  offsetAt,
  zoneNamed,
} from '../../src/core/zone.ts';
import { runs, sampled } from '../support/runs.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;

/** The local date-time as though it were UTC, which is how zone.ts counts it. */
const local = (text: string) => Date.parse(`${text}Z`);
const iso = (at: number) => new Date(at).toISOString();

describe('localToInstant', () => {
  it.each([
    ['takes the offset before the gap for a skipped time', 'America/New_York', '2026-03-08T02:30', '2026-03-08T07:30'],
    [
      'takes the offset before the gap at the first skipped minute',
      'America/New_York',
      '2026-03-08T02:00',
      '2026-03-08T07:00',
    ],
    ['goes on after the gap with the new offset', 'America/New_York', '2026-03-08T03:00', '2026-03-08T07:00'],
    ['takes the first of two in the Americas', 'America/New_York', '2026-11-01T01:30', '2026-11-01T05:30'],
    ['takes the first of two in Europe', 'Europe/London', '2026-10-25T01:30', '2026-10-25T00:30'],
    ['takes the first of two in Australia', 'Australia/Sydney', '2026-04-05T02:30', '2026-04-04T15:30'],
    ['handles a change of half an hour', 'Australia/Lord_Howe', '2026-10-04T02:15', '2026-10-03T15:45'],
    ['handles a midnight that does not exist', 'America/Havana', '2026-03-08T00:00', '2026-03-08T05:00'],
    ['handles a whole day that does not exist', 'Pacific/Apia', '2011-12-30T10:00', '2011-12-30T20:00'],
    ['handles the short summer time beside Ramadan', 'Africa/Casablanca', '2019-05-10T09:00', '2019-05-10T09:00'],
    ['handles a change of two hours', 'Antarctica/Troll', '2026-03-29T02:30', '2026-03-29T02:30'],
    ['handles a change of three hours', 'Antarctica/Casey', '2010-03-05T00:30', '2010-03-04T13:30'],
    ['handles summer time as standard time', 'Europe/Dublin', '2026-03-29T01:30', '2026-03-29T01:30'],
    ['handles a zone that changed its offset', 'Asia/Pyongyang', '2018-05-04T23:45', '2018-05-04T15:15'],
    ['handles a zone that is a link', 'US/Eastern', '2026-03-08T02:30', '2026-03-08T07:30'],
    ['handles a zone without changes', 'Asia/Kolkata', '2026-06-01T00:00', '2026-05-31T18:30'],
    ['handles an offset with seconds', 'Africa/Monrovia', '1971-06-01T00:44', '1971-06-01T01:28:30'],
    ['handles a change just before the end of a block', 'America/New_York', '2063-03-11T12:00', '2063-03-11T16:00'],
    ['handles a year far ahead', 'Europe/Berlin', '2199-07-01T12:00', '2199-07-01T10:00'],
  ])('%s', (_title, zone, text, expected) => {
    expect(iso(localToInstant(zoneNamed(zone), local(text)))).toBe(`${expected.padEnd(19, ':00')}.000Z`);
  });

  it('answers outside its table with the nearest known offset', () => {
    const zone = zoneNamed('Europe/Berlin');
    expect(offsetAt(zone, Date.UTC(1800, 0, 1))).toBe(60 * MINUTE);
    expect([60 * MINUTE, 120 * MINUTE]).toContain(offsetAt(zone, 8.64e15));
  });
});

describe('isRepeatedLocal', () => {
  it.each([
    ['America/New_York', '2026-11-01T00:59', false],
    ['America/New_York', '2026-11-01T01:00', true],
    ['America/New_York', '2026-11-01T01:59', true],
    ['America/New_York', '2026-11-01T02:00', false],
    ['America/New_York', '2026-03-08T02:30', false],
    ['America/New_York', '2026-03-08T03:00', false],
    ['Australia/Lord_Howe', '2026-04-05T01:30', true],
    ['Australia/Lord_Howe', '2026-04-05T02:00', false],
    ['Asia/Pyongyang', '2015-08-14T23:45', true],
    ['Pacific/Apia', '2011-12-30T10:00', false],
    ['Asia/Kolkata', '2026-11-01T01:30', false],
  ])('in %s, %s: %s', (name, text, expected) => {
    expect(isRepeatedLocal(zoneNamed(name), local(text))).toBe(expected);
  });
});

describe('largestGapNear', () => {
  it.each([
    ['America/New_York', 60],
    ['Australia/Lord_Howe', 30],
    ['Antarctica/Troll', 120],
    ['Asia/Kolkata', 0],
  ])('in %s in 2026: %d minutes', (name, minutes) => {
    expect(largestGapNear(zoneNamed(name), Date.UTC(2026, 5))).toBe(minutes * MINUTE);
  });

  it('is a day where the calendar skips one, and nothing in years in which the clocks are only turned back', () => {
    expect(largestGapNear(zoneNamed('Pacific/Apia'), Date.UTC(2011, 11, 29))).toBe(DAY);
    expect(largestGapNear(zoneNamed('Asia/Pyongyang'), Date.UTC(2015, 7, 14))).toBe(0);
  });
});

describe('isTimeZone', () => {
  it.each([
    'Europe/Berlin',
    'America/Argentina/Buenos_Aires',
    'Asia/Kolkata',
    'US/Pacific',
    'Etc/GMT+5',
    'UTC',
    'GMT',
  ])('accepts %s', (name) => {
    expect(isTimeZone(name)).toBe(true);
  });

  it.each([
    '',
    'Europe/Atlantis',
    'IST',
    'PST',
    'EST',
    '+05:30',
    '-08:00',
    'Z',
    'Europe/Berlin ',
    '../Berlin',
    'Local',
  ])('refuses %j', (name) => {
    expect(isTimeZone(name)).toBe(false);
    expect(() => zoneNamed(name)).toThrow(new RangeError(`Not an IANA time zone: ${name}`));
  });

  it('shares one table between the spellings of a zone', () => {
    expect(zoneNamed('US/Pacific')).toBe(zoneNamed('America/Los_Angeles'));
    expect(zoneNamed('europe/berlin')).toBe(zoneNamed('Europe/Berlin'));
  });
});

describe('Intl', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('is asked only once about a year of a zone', () => {
    const zone = zoneNamed('Europe/Oslo');
    const offset = offsetAt(zone, Date.UTC(2026, 6, 1));
    const format = vi.fn(zone.offsetFormat.format);
    Object.defineProperty(zone.offsetFormat, 'format', { value: format });
    expect(offsetAt(zone, Date.UTC(2026, 6, 2))).toBe(offset);
    expect(format).not.toHaveBeenCalled();
    offsetAt(zone, Date.UTC(2036, 6, 2));
    expect(format).toHaveBeenCalled();
  });

  it('is asked only once about a name, of which there may be many', () => {
    for (const name of ['Europe/Oslo', 'Europe/Rome', 'Asia/Tokyo']) zoneNamed(name);
    const constructed = vi.spyOn(Intl, 'DateTimeFormat');
    for (const name of ['Europe/Oslo', 'Europe/Rome', 'Asia/Tokyo']) zoneNamed(name);
    expect(constructed).not.toHaveBeenCalled();
  });

  it('is asked again once there were thousands of spellings, which are not kept in memory', () => {
    const spellingOf = (bits: number) =>
      [...'indianapolis'].map((letter, index) => ((bits >> index) & 1 ? letter.toUpperCase() : letter)).join('');
    const spellings = Array.from({ length: 2_001 }, (_, bits) => `america/${spellingOf(bits)}`);
    for (const spelling of spellings) zoneNamed(spelling);
    const constructed = vi.spyOn(Intl, 'DateTimeFormat');
    zoneNamed(spellings[0]!);
    expect(constructed).toHaveBeenCalled();
  });
});

describe('agreement with Temporal', () => {
  it('holds in every zone around each change of its clocks from 1990 to 2037', { timeout: 120_000 }, () => {
    const disagreements: string[] = [];
    let changes = 0;
    for (const name of sampled(Intl.supportedValuesOf('timeZone').filter(isTimeZone))) {
      for (const at of changesIn(name)) {
        changes++;
        disagreements.push(...disagreementsAround(name, at));
      }
    }
    expect(disagreements).toEqual([]);
    expect(changes).toBeGreaterThan(runs(10_000) / 4);
  });

  it('holds in every zone on ordinary days', () => {
    for (const name of sampled(Intl.supportedValuesOf('timeZone').filter(isTimeZone))) {
      for (let at = Date.UTC(2024, 0, 1); at < Date.UTC(2028, 0, 1); at += 11 * DAY + 7 * 60 * MINUTE) {
        expect(offsetAt(zoneNamed(name), at)).toBe(temporalOffset(name, at));
      }
    }
  });
});

function* changesIn(name: string): Generator<number> {
  let moment: Temporal.ZonedDateTime | null = Temporal.Instant.from('1990-01-01T00:00Z').toZonedDateTimeISO(name);
  for (;;) {
    moment = moment.getTimeZoneTransition('next');
    if (moment === null || moment.epochMilliseconds >= Date.UTC(2038, 0, 1)) return;
    yield moment.epochMilliseconds;
  }
}

/** Looks at the local times just before, in and just after what the clocks skip or repeat, and at the instants beside. */
function disagreementsAround(name: string, at: number): string[] {
  const zone = zoneNamed(name);
  const found: string[] = [];
  for (const beside of [at - 1, at, at + 1]) {
    if (offsetAt(zone, beside) !== temporalOffset(name, beside)) found.push(`${name} offset at ${iso(beside)}`);
    if (instantToLocal(zone, beside) !== beside + temporalOffset(name, beside))
      found.push(`${name} local at ${iso(beside)}`);
  }
  const edges = [at + temporalOffset(name, at - 1), at + temporalOffset(name, at)].sort((a, b) => a - b);
  const [low = 0, high = 0] = edges;
  const middle = Math.floor((low + high) / 2);
  const probes = [low - DAY, low - MINUTE, low - 1, low, low + 1, middle, high - 1, high, high + MINUTE, high + DAY];
  for (const localMs of probes) {
    const wanted = Temporal.PlainDateTime.from(iso(localMs).slice(0, -1)).toZonedDateTime(name, {
      disambiguation: 'compatible',
    }).epochMilliseconds;
    const actual = localToInstant(zone, localMs);
    if (actual !== wanted) found.push(`${name} ${iso(localMs)} local: ${iso(actual)} instead of ${iso(wanted)}`);
  }
  return found;
}

function temporalOffset(name: string, at: number): number {
  return Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(name).offsetNanoseconds / 1e6;
}
