import fc from 'fast-check';
import { RRuleTemporal } from 'rrule-temporal';
import { describe, expect, it } from 'vitest';
import { compileRule, nextDay } from '../../src/core/recurrence.ts';
import { parseRule } from '../../src/core/rrule.ts';
import { dependsOnStart, type Rule } from '../../src/core/rule.ts';
import { ruleTexts } from '../support/rule-texts.ts';
import { runs } from '../support/runs.ts';

const DAY = 86_400_000;
const dayNumber = (text: string) => Date.parse(`${text}T00:00Z`) / DAY;
const dateText = (day: number) => new Date(day * DAY).toISOString().slice(0, 10);

function aRule(text: string): Rule {
  const parsed = parseRule(text);
  if (!parsed.ok) throw new Error(parsed.problem.message);
  return parsed.rule;
}

/** Undefined when the rule is refused because it never matches. */
function datesOf(text: string, startsOn: string, until: string, count = 100_000): string[] | undefined {
  const compilation = compileRule(aRule(text), dayNumber(startsOn));
  if (!compilation.ok) return undefined;
  const dates: string[] = [];
  let day = nextDay(compilation.compiled, 0);
  while (day !== undefined && day <= dayNumber(until) && dates.length < count) {
    dates.push(dateText(day));
    day = nextDay(compilation.compiled, day + 1);
  }
  return dates;
}

describe('parseRule', () => {
  it.each([
    'FREQ=DAILY',
    'FREQ=WEEKLY;INTERVAL=520;BYDAY=MO,TU;WKST=SU',
    'BYDAY=MO;FREQ=WEEKLY',
    'FREQ=DAILY;UNTIL=20301231',
    'FREQ=DAILY;UNTIL=20240229T235959Z',
    'FREQ=MONTHLY;BYDAY=+1TU,-5WE,FR',
    'FREQ=MONTHLY;BYMONTHDAY=-31,+5,07',
    'FREQ=YEARLY;BYDAY=53SA,-53SU',
    'FREQ=YEARLY;BYWEEKNO=1,-1,53;BYDAY=MO',
    'FREQ=YEARLY;BYYEARDAY=1,-366',
    'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29',
    'FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1',
    'FREQ=DAILY;COUNT=10000;INTERVAL=3660',
  ])('accepts %s', (text) => {
    expect(parseRule(text)).toMatchObject({ ok: true });
  });

  it.each([
    ['', 'RRULE', 'rule_malformed'],
    ['FREQ=DAILY;', 'RRULE', 'rule_malformed'],
    ['RRULE:FREQ=DAILY', 'RRULE', 'rule_malformed'],
    ['freq=daily', 'RRULE', 'rule_malformed'],
    ['FREQ=DAILY\nRDATE:20260101', 'RRULE', 'rule_malformed'],
    [`FREQ=DAILY;BYMONTH=${'1,'.repeat(300)}1`, 'RRULE', 'rule_malformed'],
    ['FREQ', 'FREQ', 'rule_malformed'],
    ['FREQ=', 'FREQ', 'rule_malformed'],
    ['FREQ=DAILY=DAILY', 'FREQ', 'rule_malformed'],
    ['FREQ=DAILY;FREQ=SECONDLY', 'FREQ', 'part_repeated'],
    ['INTERVAL=2', 'FREQ', 'part_missing'],
    ['FREQ=SECONDLY', 'FREQ', 'part_unsupported'],
    ['FREQ=MINUTELY', 'FREQ', 'part_unsupported'],
    ['FREQ=HOURLY;INTERVAL=24;BYHOUR=5', 'FREQ', 'part_unsupported'],
    ['FREQ=FORTNIGHTLY', 'FREQ', 'value_invalid'],
    ['FREQ=DAILY;BYHOUR=9', 'BYHOUR', 'part_unsupported'],
    ['FREQ=DAILY;BYMINUTE=0', 'BYMINUTE', 'part_unsupported'],
    ['FREQ=DAILY;BYSECOND=0', 'BYSECOND', 'part_unsupported'],
    ['FREQ=YEARLY;BYEASTER=0', 'BYEASTER', 'part_unsupported'],
    ['FREQ=MONTHLY;RSCALE=GREGORIAN', 'RSCALE', 'part_unsupported'],
    ['FREQ=MONTHLY;SKIP=BACKWARD', 'SKIP', 'part_unsupported'],
    ['FREQ=DAILY;X-NAME=1', 'X-NAME', 'part_unsupported'],
    ['FREQ=DAILY;INTERVAL=0', 'INTERVAL', 'value_invalid'],
    ['FREQ=DAILY;INTERVAL=-1', 'INTERVAL', 'value_invalid'],
    ['FREQ=DAILY;INTERVAL=3661', 'INTERVAL', 'value_invalid'],
    ['FREQ=WEEKLY;INTERVAL=521', 'INTERVAL', 'value_invalid'],
    ['INTERVAL=241;FREQ=MONTHLY', 'INTERVAL', 'value_invalid'],
    ['FREQ=YEARLY;INTERVAL=41', 'INTERVAL', 'value_invalid'],
    ['FREQ=DAILY;COUNT=0', 'COUNT', 'value_invalid'],
    ['FREQ=DAILY;COUNT=10001', 'COUNT', 'value_invalid'],
    ['FREQ=DAILY;COUNT=2;UNTIL=20300101', 'COUNT', 'parts_conflict'],
    ['FREQ=DAILY;UNTIL=20260230', 'UNTIL', 'value_invalid'],
    ['FREQ=DAILY;UNTIL=20260101T250000Z', 'UNTIL', 'value_invalid'],
    ['FREQ=DAILY;UNTIL=20260101T236000Z', 'UNTIL', 'value_invalid'],
    ['FREQ=DAILY;UNTIL=20260101T235960Z', 'UNTIL', 'value_invalid'],
    ['FREQ=DAILY;UNTIL=99999999T999999Z', 'UNTIL', 'value_invalid'],
    ['FREQ=DAILY;UNTIL=22010101', 'UNTIL', 'value_invalid'],
    ['FREQ=DAILY;UNTIL=20260101T100000', 'UNTIL', 'value_invalid'],
    ['FREQ=DAILY;UNTIL=20260101Z', 'UNTIL', 'value_invalid'],
    ['FREQ=DAILY;BYMONTH=0', 'BYMONTH', 'value_invalid'],
    ['FREQ=DAILY;BYMONTH=13', 'BYMONTH', 'value_invalid'],
    ['FREQ=DAILY;BYMONTH=-1', 'BYMONTH', 'value_invalid'],
    ['FREQ=DAILY;BYMONTH=1,1', 'BYMONTH', 'value_invalid'],
    ['FREQ=DAILY;BYMONTH=1,', 'BYMONTH', 'value_invalid'],
    ['FREQ=MONTHLY;BYMONTHDAY=0', 'BYMONTHDAY', 'value_invalid'],
    ['FREQ=MONTHLY;BYMONTHDAY=32', 'BYMONTHDAY', 'value_invalid'],
    ['FREQ=WEEKLY;BYMONTHDAY=1', 'BYMONTHDAY', 'parts_conflict'],
    ['FREQ=YEARLY;BYMONTHDAY=29', 'BYMONTHDAY', 'parts_conflict'],
    ['FREQ=YEARLY;BYYEARDAY=367', 'BYYEARDAY', 'value_invalid'],
    [`FREQ=YEARLY;BYYEARDAY=${Array.from({ length: 65 }, (_, index) => index + 1)}`, 'BYYEARDAY', 'value_invalid'],
    ['FREQ=MONTHLY;BYYEARDAY=1', 'BYYEARDAY', 'parts_conflict'],
    ['FREQ=YEARLY;BYWEEKNO=54', 'BYWEEKNO', 'value_invalid'],
    ['FREQ=MONTHLY;BYWEEKNO=1', 'BYWEEKNO', 'parts_conflict'],
    ['FREQ=YEARLY;BYWEEKNO=1;BYDAY=2MO', 'BYDAY', 'parts_conflict'],
    ['FREQ=WEEKLY;BYDAY=XX', 'BYDAY', 'value_invalid'],
    ['FREQ=WEEKLY;BYDAY=MO,MO', 'BYDAY', 'value_invalid'],
    ['FREQ=MONTHLY;BYDAY=1MO,+1MO', 'BYDAY', 'value_invalid'],
    ['FREQ=MONTHLY;BYDAY=0MO', 'BYDAY', 'value_invalid'],
    ['FREQ=MONTHLY;BYDAY=6MO', 'BYDAY', 'value_invalid'],
    ['FREQ=YEARLY;BYMONTH=1;BYDAY=6MO', 'BYDAY', 'value_invalid'],
    ['FREQ=YEARLY;BYDAY=54MO', 'BYDAY', 'value_invalid'],
    ['FREQ=WEEKLY;BYDAY=2MO', 'BYDAY', 'parts_conflict'],
    ['FREQ=DAILY;BYDAY=-1MO', 'BYDAY', 'parts_conflict'],
    ['FREQ=MONTHLY;BYSETPOS=1', 'BYSETPOS', 'parts_conflict'],
    ['FREQ=DAILY;BYDAY=MO;BYSETPOS=1', 'BYSETPOS', 'parts_conflict'],
    ['FREQ=MONTHLY;BYDAY=MO;BYSETPOS=0', 'BYSETPOS', 'value_invalid'],
    ['FREQ=WEEKLY;WKST=XX', 'WKST', 'value_invalid'],
  ])('refuses %j and blames %s (%s) in a full sentence', (text, part, code) => {
    const parsed = parseRule(text);
    expect(parsed).toMatchObject({ ok: false, problem: { part, code } });
    if (!parsed.ok) {
      expect(parsed.problem.message).toMatch(/^[A-Z].*\.$/s);
      // Word for word: the sentence is all that the person who wrote the rule gets to see.
      expect(parsed.problem.message).toMatchSnapshot();
      if (part !== 'RRULE' && code !== 'rule_malformed') expect(parsed.problem.message).toContain(part);
    }
  });

  it('accepts a text of 512 characters with lists of 64 values, and no longer one', () => {
    const days = Array.from(
      { length: 65 },
      (_, at) => `+${`${(at % 53) + 1}`.padStart(2, '0')}${at < 53 ? 'MO' : 'TU'}`,
    );
    const positions = Array.from({ length: 18 }, (_, at) => `+${`${at + 1}`.padStart(3, '0')}`);
    const rest = `FREQ=YEARLY;BYDAY=${days.slice(0, 64)};BYSETPOS=${positions};INTERVAL=`;
    const ofLength = (length: number) => parseRule(rest + '1'.padStart(length - rest.length, '0'));
    expect(ofLength(512)).toMatchObject({ ok: true, rule: { interval: 1, byDay: { length: 64 } } });
    expect(ofLength(513)).toMatchObject({ ok: false, problem: { part: 'RRULE' } });
    const yearDays = Array.from({ length: 64 }, (_, at) => at + 1);
    expect(parseRule(`FREQ=YEARLY;BYYEARDAY=${yearDays}`)).toMatchObject({ ok: true });
    expect(parseRule(`FREQ=YEARLY;BYDAY=${days}`)).toMatchObject({ ok: false, problem: { part: 'BYDAY' } });
  });

  it('answers any text without throwing', () => {
    const token = fc.constantFrom(
      'FREQ',
      '=',
      ';',
      ',',
      'DAILY',
      'YEARLY',
      'BYDAY',
      'UNTIL',
      '2026',
      '-1',
      'MO',
      'T',
      'Z',
      'COUNT',
      '\u0000',
      'é',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(token).map((tokens) => tokens.join('')),
        ),
        (text) => {
          expect(parseRule(text)).toHaveProperty('ok');
        },
      ),
      { numRuns: runs(100) },
    );
  });
});

describe('dependsOnStart', () => {
  it.each([
    ['FREQ=DAILY', false],
    ['FREQ=WEEKLY;BYDAY=MO', false],
    ['FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO', false],
    ['FREQ=DAILY;INTERVAL=2', true],
    ['FREQ=DAILY;COUNT=2', true],
    ['FREQ=WEEKLY', true],
    ['FREQ=MONTHLY;BYMONTH=1', true],
    ['FREQ=YEARLY;BYWEEKNO=20', true],
  ])('answers for %s: %s', (text, expected) => {
    expect(dependsOnStart(aRule(text))).toBe(expected);
  });
});

describe('examples of RFC 5545 §3.8.5.3', () => {
  it.each([
    [
      'FREQ=DAILY;COUNT=10',
      '1997-09-02',
      '1997-09-02 1997-09-03 1997-09-04 1997-09-05 1997-09-06 1997-09-07 1997-09-08 1997-09-09 1997-09-10 1997-09-11',
    ],
    ['FREQ=DAILY;INTERVAL=10;COUNT=5', '1997-09-02', '1997-09-02 1997-09-12 1997-09-22 1997-10-02 1997-10-12'],
    ['FREQ=WEEKLY;INTERVAL=2;WKST=SU;COUNT=4', '1997-09-02', '1997-09-02 1997-09-16 1997-09-30 1997-10-14'],
    [
      'FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH',
      '1997-09-02',
      '1997-09-02 1997-09-04 1997-09-09 1997-09-11 1997-09-16 1997-09-18 1997-09-23 1997-09-25 1997-09-30 1997-10-02',
    ],
    [
      'FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH',
      '1997-09-02',
      '1997-09-02 1997-09-04 1997-09-16 1997-09-18 1997-09-30 1997-10-02 1997-10-14 1997-10-16',
    ],
    [
      'FREQ=MONTHLY;COUNT=10;BYDAY=1FR',
      '1997-09-05',
      '1997-09-05 1997-10-03 1997-11-07 1997-12-05 1998-01-02 1998-02-06 1998-03-06 1998-04-03 1998-05-01 1998-06-05',
    ],
    [
      'FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU',
      '1997-09-07',
      '1997-09-07 1997-09-28 1997-11-02 1997-11-30 1998-01-04 1998-01-25 1998-03-01 1998-03-29 1998-05-03 1998-05-31',
    ],
    [
      'FREQ=MONTHLY;COUNT=6;BYDAY=-2MO',
      '1997-09-22',
      '1997-09-22 1997-10-20 1997-11-17 1997-12-22 1998-01-19 1998-02-16',
    ],
    [
      'FREQ=MONTHLY;BYMONTHDAY=-3;COUNT=6',
      '1997-09-28',
      '1997-09-28 1997-10-29 1997-11-28 1997-12-29 1998-01-29 1998-02-26',
    ],
    [
      'FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1',
      '1997-09-30',
      '1997-09-30 1997-10-01 1997-10-31 1997-11-01 1997-11-30 1997-12-01 1997-12-31 1998-01-01 1998-01-31 1998-02-01',
    ],
    [
      'FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15',
      '1997-09-10',
      '1997-09-10 1997-09-11 1997-09-12 1997-09-13 1997-09-14 1997-09-15 1999-03-10 1999-03-11 1999-03-12 1999-03-13',
    ],
    [
      'FREQ=YEARLY;COUNT=10;BYMONTH=6,7',
      '1997-06-10',
      '1997-06-10 1997-07-10 1998-06-10 1998-07-10 1999-06-10 1999-07-10 2000-06-10 2000-07-10 2001-06-10 2001-07-10',
    ],
    [
      'FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200',
      '1997-01-01',
      '1997-01-01 1997-04-10 1997-07-19 2000-01-01 2000-04-09 2000-07-18 2003-01-01 2003-04-10 2003-07-19 2006-01-01',
    ],
    ['FREQ=YEARLY;BYDAY=20MO;COUNT=3', '1997-05-19', '1997-05-19 1998-05-18 1999-05-17'],
    ['FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO;COUNT=3', '1997-05-12', '1997-05-12 1998-05-11 1999-05-17'],
    [
      'FREQ=YEARLY;BYMONTH=3;BYDAY=TH;COUNT=6',
      '1997-03-13',
      '1997-03-13 1997-03-20 1997-03-27 1998-03-05 1998-03-12 1998-03-19',
    ],
    [
      'FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13;COUNT=5',
      '1997-09-03',
      '1998-02-13 1998-03-13 1998-11-13 1999-08-13 2000-10-13',
    ],
    [
      'FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13;COUNT=4',
      '1997-09-13',
      '1997-09-13 1997-10-11 1997-11-08 1997-12-13',
    ],
    [
      'FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8;COUNT=3',
      '1996-11-05',
      '1996-11-05 2000-11-07 2004-11-02',
    ],
    ['FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3', '1997-09-04', '1997-09-04 1997-10-07 1997-11-06'],
    [
      'FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2;COUNT=7',
      '1997-09-29',
      '1997-09-29 1997-10-30 1997-11-27 1997-12-30 1998-01-29 1998-02-26 1998-03-30',
    ],
    ['FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO', '1997-08-05', '1997-08-05 1997-08-10 1997-08-19 1997-08-24'],
    ['FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU', '1997-08-05', '1997-08-05 1997-08-17 1997-08-19 1997-08-31'],
    ['FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5', '2007-01-15', '2007-01-15 2007-01-30 2007-02-15 2007-03-15 2007-03-30'],
  ])('%s from %s', (text, startsOn, expected) => {
    expect(datesOf(text, startsOn, '2010-01-01')?.join(' ')).toBe(expected);
  });
});

describe('days of a rule', () => {
  it.each([
    [
      'skips months without the day of the start',
      'FREQ=MONTHLY;COUNT=4',
      '2026-01-31',
      '2026-01-31 2026-03-31 2026-05-31 2026-07-31',
    ],
    [
      'takes month and day of a year from the start',
      'FREQ=YEARLY;COUNT=3',
      '2024-02-29',
      '2024-02-29 2028-02-29 2032-02-29',
    ],
    [
      'takes the weekday of a numbered week from the start',
      'FREQ=YEARLY;BYWEEKNO=20;COUNT=2',
      '2026-01-07',
      '2026-05-13 2027-05-19',
    ],
    [
      'finds week 1 at the end of the year before',
      'FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO;COUNT=3',
      '2024-06-01',
      '2024-12-30 2025-12-29 2027-01-04',
    ],
    [
      'finds the last week by -1 and in January',
      'FREQ=YEARLY;BYWEEKNO=-1;BYDAY=SU,MO;COUNT=4',
      '2026-06-01',
      '2026-12-28 2027-01-03 2027-12-27 2028-01-02',
    ],
    [
      'joins plain and numbered weekdays',
      'FREQ=MONTHLY;BYDAY=2TU,SU;COUNT=6',
      '2026-06-01',
      '2026-06-07 2026-06-09 2026-06-14 2026-06-21 2026-06-28 2026-07-05',
    ],
    [
      'counts numbered weekdays in the month beside all twelve BYMONTH',
      'FREQ=YEARLY;BYMONTH=1,2,3,4,5,6,7,8,9,10,11,12;BYDAY=1MO;COUNT=3',
      '2026-06-01',
      '2026-06-01 2026-07-06 2026-08-03',
    ],
    [
      'picks by BYSETPOS from a whole first week',
      'FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=1;COUNT=2',
      '2026-06-03',
      '2026-06-08 2026-06-15',
    ],
    [
      'picks by BYSETPOS from a whole year',
      'FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1,-1;COUNT=4',
      '2026-01-01',
      '2026-01-01 2026-12-31 2027-01-01 2027-12-31',
    ],
    [
      'limits days by month and INTERVAL together',
      'FREQ=DAILY;INTERVAL=10;BYMONTH=2;COUNT=4',
      '2026-01-05',
      '2026-02-04 2026-02-14 2026-02-24 2027-02-09',
    ],
    [
      'steps years from the year of the start',
      'FREQ=YEARLY;INTERVAL=2;BYMONTH=1;BYMONTHDAY=1;COUNT=2',
      '2026-06-01',
      '2028-01-01 2030-01-01',
    ],
    [
      'leaves out of a week what lies in another month before it',
      'FREQ=WEEKLY;BYMONTH=1;BYDAY=WE,TH,FR,SA;COUNT=4',
      '2025-12-29',
      '2026-01-01 2026-01-02 2026-01-03 2026-01-07',
    ],
    [
      'leaves out of a week what lies in another month after it',
      'FREQ=WEEKLY;BYMONTH=12;BYDAY=MO,WE,FR;COUNT=4',
      '2025-12-26',
      '2025-12-26 2025-12-29 2025-12-31 2026-12-02',
    ],
    [
      'picks by BYSETPOS from what a month leaves of a week',
      'FREQ=WEEKLY;BYMONTH=1;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1;COUNT=3',
      '2025-12-29',
      '2026-01-01 2026-01-05 2026-01-12',
    ],
    [
      'counts days of the year from both ends, with and without a leap day',
      'FREQ=YEARLY;BYYEARDAY=60,366,-366;COUNT=5',
      '2027-01-01',
      '2027-03-01 2028-01-01 2028-02-29 2028-12-31 2029-03-01',
    ],
    [
      'finds the first and last of 53 Mondays',
      'FREQ=YEARLY;BYDAY=53MO,-53MO;COUNT=3',
      '2026-01-01',
      '2029-01-01 2029-12-31 2035-01-01',
    ],
    [
      'finds week 53 in both its years, and week 1 as the 53rd from the end',
      'FREQ=YEARLY;BYWEEKNO=53,-53;BYDAY=SU,MO;COUNT=4',
      '2026-01-01',
      '2026-01-04 2026-12-28 2027-01-03 2031-12-29',
    ],
    [
      'numbers weeks by WKST',
      'FREQ=YEARLY;BYWEEKNO=53;BYDAY=SA;WKST=SU;COUNT=2',
      '2026-01-01',
      '2026-01-03 2032-01-03',
    ],
    [
      'steps over months by INTERVAL',
      'FREQ=DAILY;INTERVAL=31;BYMONTH=1,3;COUNT=4',
      '2026-01-01',
      '2026-01-01 2026-03-04 2027-01-08 2027-03-11',
    ],
    [
      'finds the fifth of a weekday from both ends where there is one',
      'FREQ=MONTHLY;BYDAY=5MO,-5FR;COUNT=5',
      '2026-01-01',
      '2026-01-02 2026-03-30 2026-05-01 2026-06-29 2026-07-03',
    ],
  ])('%s', (_title, text, startsOn, expected) => {
    expect(datesOf(text, startsOn, '2040-01-01')?.join(' ')).toBe(expected);
  });

  it.each([
    'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30',
    'FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30',
    'FREQ=DAILY;BYMONTH=2;BYMONTHDAY=-31',
    'FREQ=DAILY;INTERVAL=7;BYDAY=TU',
    'FREQ=DAILY;INTERVAL=14;BYMONTH=6;BYMONTHDAY=1;BYDAY=TH',
    'FREQ=WEEKLY;BYMONTH=2;BYDAY=MO;BYSETPOS=2',
    'FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6',
    'FREQ=MONTHLY;INTERVAL=12;BYMONTH=2',
    'FREQ=MONTHLY;BYMONTHDAY=1;BYDAY=2MO,3TU,4WE,5TH,-1FR',
    'FREQ=YEARLY;BYYEARDAY=1;BYMONTH=2',
    'FREQ=YEARLY;BYWEEKNO=10;BYMONTH=7;BYDAY=MO',
    'FREQ=YEARLY;BYDAY=MO;BYSETPOS=54',
    'FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29',
    'FREQ=DAILY;UNTIL=20061121',
  ])('says that %s never matches', (text) => {
    expect(compileRule(aRule(text), dayNumber('2006-11-22'))).toMatchObject({
      ok: false,
      problem: { code: 'never_matches' },
    });
  });

  it('answers none after the last day', () => {
    const compilation = compileRule(aRule('FREQ=DAILY;COUNT=2'), dayNumber('2026-06-01'));
    if (!compilation.ok) throw new Error(compilation.problem.message);
    expect(nextDay(compilation.compiled, dayNumber('2026-06-02'))).toBe(dayNumber('2026-06-02'));
    expect(nextDay(compilation.compiled, dayNumber('2026-06-03'))).toBeUndefined();
  });
});

describe('agreement with other ways to work it out', () => {
  const starts = fc.integer({ min: dayNumber('1995-01-01'), max: dayNumber('2030-12-31') }).map(dateText);

  it('holds against a look at every single day', { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(ruleTexts(), starts, (text, startsOn) => {
        const until = dateText(dayNumber(startsOn) + 9 * 366);
        expect(datesOf(text, startsOn, until) ?? [], `${text} from ${startsOn}`).toEqual(
          datesByLooking(text, startsOn, until),
        );
      }),
      { numRuns: runs(1000) },
    );
  });

  it('holds against rrule-temporal where it is known to be right', { timeout: 120_000 }, () => {
    const isTrusted = (text: string) => !/YEARLY.*(BYDAY|BYWEEKNO|BYYEARDAY)|UNTIL=\d{8}T/.test(text);
    fc.assert(
      fc.property(ruleTexts().filter(isTrusted), starts, (text, startsOn) => {
        const until = dateText(dayNumber(startsOn) + 3 * 366);
        const engine = new RRuleTemporal({
          rruleString: `DTSTART:${startsOn.replaceAll('-', '')}T000000Z\nRRULE:${text}`,
        });
        const wanted = engine.between(new Date(dayNumber(startsOn) * DAY), new Date(dayNumber(until) * DAY), true);
        const dates = wanted.map((moment) => dateText(moment.epochMilliseconds / DAY));
        expect(datesOf(text, startsOn, until) ?? [], `${text} from ${startsOn}`).toEqual(dates);
      }),
      { numRuns: runs(500) },
    );
  });
});

/** Asks of each day whether it meets every part, then picks by position within each period; slow and plain. */
function datesByLooking(text: string, startsOn: string, until: string): string[] {
  const rule = aRule(text);
  const start = new Date(`${startsOn}T00:00Z`);
  const periods = new Map<number, Date[]>();
  const startYear = Date.UTC(start.getUTCFullYear() - 1, 11, 1);
  for (let at = startYear; at <= Date.parse(until) + 400 * DAY; at += DAY) {
    const date = new Date(at);
    const period = periodOf(rule, date);
    if ((period - periodOf(rule, start)) % rule.interval !== 0 || !meets(rule, date, start)) continue;
    periods.set(period, [...(periods.get(period) ?? []), date]);
  }
  const picked = [...periods.values()].flatMap((dates) => {
    const wanted = (index: number) => rule.bySetPos.includes(index + 1) || rule.bySetPos.includes(index - dates.length);
    return rule.bySetPos.length === 0 ? dates : dates.filter((_, index) => wanted(index));
  });
  const lastAt =
    rule.until === undefined ? Infinity : rule.until.kind === 'day' ? rule.until.day * DAY : rule.until.at + DAY;
  const bounded = picked.filter((date) => date >= start && +date <= lastAt).slice(0, rule.count ?? Infinity);
  return bounded.map((date) => date.toISOString().slice(0, 10)).filter((date) => date <= until);
}

function periodOf(rule: Rule, date: Date): number {
  if (rule.freq === 'YEARLY') return date.getUTCFullYear();
  if (rule.freq === 'MONTHLY') return date.getUTCFullYear() * 12 + date.getUTCMonth();
  return rule.freq === 'WEEKLY' ? Math.floor(+weekStart(rule, date) / DAY / 7) : +date / DAY;
}

function weekStart(rule: Rule, date: Date): Date {
  let start = date;
  while ((start.getUTCDay() + 6) % 7 !== rule.wkst) start = new Date(+start - DAY);
  return start;
}

function meets(rule: Rule, date: Date, start: Date): boolean {
  const isOneOf = (list: readonly number[], ...names: number[]) =>
    list.length === 0 || names.some((name) => list.includes(name));
  const year = date.getUTCFullYear();
  const monthLength = new Date(Date.UTC(year, date.getUTCMonth() + 1, 0)).getUTCDate();
  const yearLength = (Date.UTC(year + 1, 0, 1) - Date.UTC(year, 0, 1)) / DAY;
  const yearDay = (+date - Date.UTC(year, 0, 1)) / DAY + 1;
  const monthDay = date.getUTCDate();
  const hasDays = rule.byDay.length + rule.byMonthDay.length + rule.byYearDay.length > 0;
  if (!hasDays && rule.freq !== 'DAILY') {
    const isByWeekday = rule.freq === 'WEEKLY' || rule.byWeekNo.length > 0;
    if (isByWeekday && date.getUTCDay() !== start.getUTCDay()) return false;
    if (!isByWeekday && monthDay !== start.getUTCDate()) return false;
    if (
      !isByWeekday &&
      rule.freq === 'YEARLY' &&
      rule.byMonth.length === 0 &&
      date.getUTCMonth() !== start.getUTCMonth()
    )
      return false;
  }
  const inMonth = rule.freq === 'MONTHLY' || rule.byMonth.length > 0;
  const position = inMonth ? monthDay : yearDay;
  const length = inMonth ? monthLength : yearLength;
  const ordinals = [0, Math.ceil(position / 7), -Math.ceil((length - position + 1) / 7)];
  const weekday = (date.getUTCDay() + 6) % 7;
  return (
    isOneOf(rule.byMonth, date.getUTCMonth() + 1) &&
    isOneOf(rule.byMonthDay, monthDay, monthDay - monthLength - 1) &&
    isOneOf(rule.byYearDay, yearDay, yearDay - yearLength - 1) &&
    isOneOf(rule.byWeekNo, ...weekNames(rule, date)) &&
    (rule.byDay.length === 0 || rule.byDay.some((day) => day.weekday === weekday && ordinals.includes(day.ordinal)))
  );
}

/** The number of the date's week from the start of its year and from the end: the year that holds four of its days. */
function weekNames(rule: Rule, date: Date): number[] {
  const fourth = new Date(+weekStart(rule, date) + 3 * DAY);
  const year = fourth.getUTCFullYear();
  const before = Math.floor((+fourth - Date.UTC(year, 0, 1)) / DAY / 7);
  const after = Math.floor((Date.UTC(year, 11, 31) - +fourth) / DAY / 7);
  return [before + 1, -after - 1];
}
