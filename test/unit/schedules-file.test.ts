import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { formatProblems, parseSchedulesFile, type SchedulesFile } from '../../src/core/schedules-file.ts';

const head = 'timezone: America/New_York\nholidays: { us: [2026-12-25] }\nschedules:\n';
const whole = `  - key: crew
    name: Crew
    devices: [door]
    windows:
      - { rrule: "FREQ=DAILY", from: "09:00", to: "17:00" }
`;

function problemsOf(text: string): string[] {
  const parsed = parseSchedulesFile(text);
  if (parsed.ok) return [];
  const lines = formatProblems('f.yaml', parsed.problems);
  // Word for word: these lines are all that the person who wrote the file gets to see.
  expect(lines).toMatchSnapshot();
  return lines;
}

function fileOf(text: string): SchedulesFile {
  const parsed = parseSchedulesFile(text);
  if (!parsed.ok) throw new Error(formatProblems('f.yaml', parsed.problems).join('\n'));
  return parsed.file;
}

describe('a mistake in the file is told with its line, its field and the remedy', () => {
  it.each([
    ['an unknown zone', 'timezone: America/Chigaco', '9  schedules[0].timezone: ', 'mean "America/Chicago"?'],
    ['an unknown field', 'device: [x]', '9  schedules[0].device: ', 'Did you mean "devices"?'],
    [
      'an unknown field like no other',
      'qwertzuiop: 1',
      '9  schedules[0].qwertzuiop: ',
      'The fields here are key, name',
    ],
    ['a field given twice', 'name: Other', '9  schedules[0].name: ', 'given twice'],
    ['a text that YAML takes for a number', 'holder: 42', '9  schedules[0].holder: ', 'put it in quotes'],
    ['a text of several lines', 'holder: "a\\nb"', '9  schedules[0].holder: ', 'without line breaks'],
    ['a date that does not exist', 'starts_on: 2026-02-30', '9  schedules[0].starts_on: ', 'is no date'],
    ['a date out of range', 'starts_on: 1066-10-14', '9  schedules[0].starts_on: ', 'from 1970 to 2200'],
    [
      'an end before the start',
      'starts_on: 2026-12-02\n    ends_on: 2026-12-01',
      '10  schedules[0].ends_on: ',
      'before',
    ],
    ['an unquoted PIN', 'pin: 4821', '9  schedules[0].pin: ', 'put it in quotes'],
    ['a PIN with too few digits', 'pin: "482"', '9  schedules[0].pin: ', 'has 3 digits: give it 4 to 8'],
    ['a PIN with too many digits', 'pin: "482148214"', '9  schedules[0].pin: ', 'has 9 digits: give it 4 to 8'],
    ['a PIN that is none', 'pin: kept', '9  schedules[0].pin: ', 'keep, rotate, or a PIN'],
    ['an unknown status', 'status: ended', '9  schedules[0].status: ', 'active or paused'],
    ['a truth that is none', 'allow_other_pin: yes', '9  schedules[0].allow_other_pin: ', 'true or false'],
    ['an unknown exception', 'except: { holiday: [us] }', '9  schedules[0].except.holiday: ', 'mean "holidays"?'],
    ['a wrong exception date', 'except: { dates: [2026-13-01] }', '9  schedules[0].except.dates[0]: ', 'is no date'],
    [
      'a date excepted twice',
      'except: { dates: [2026-12-24, 2026-12-24] }',
      '9  schedules[0].except.dates[1]: ',
      'twice',
    ],
    [
      'an impossible extra',
      'extra: [{ date: 2026-12-26, from: "10:00", to: "25:00" }]',
      '9  schedules[0].extra[0].to: ',
      'HH:MM',
    ],
    [
      'an extra without a date',
      'extra: [{ from: "10:00", to: "14:00" }]',
      '9  schedules[0].extra[0].date: ',
      'missing',
    ],
    [
      'a blackout that ends before it begins',
      'blackouts: [{ from: 2026-12-24T12:00, to: 2026-12-23T12:00 }]',
      '9  schedules[0].blackouts[0].to: ',
      'must end after it begins',
    ],
    [
      'a blackout without a time of day',
      'blackouts: [{ from: 2026-12-24, to: 2026-12-25T12:00 }]',
      '9  schedules[0].blackouts[0].from: ',
      'YYYY-MM-DDTHH:MM',
    ],
    [
      'a blackout of doors in a schedule',
      'blackouts: [{ devices: [door], from: 2026-12-24T12:00, to: 2026-12-25T12:00 }]',
      '9  schedules[0].blackouts[0].devices: ',
      'from, to, reason',
    ],
    ['too much grace', 'grace: { early_minutes: 1441 }', '9  schedules[0].grace.early_minutes: ', 'from 0 to 1440'],
    ['grace without a unit', 'grace: { early: 10 }', '9  schedules[0].grace.early: ', 'early_minutes'],
    ['half a minute to merge', 'merge_gaps_up_to_minutes: 0.5', '9  schedules[0].merge_gaps_up_to_minutes: ', 'whole'],
    ['no list', 'except: { dates: 2026-12-24 }', '9  schedules[0].except.dates: ', 'must be a list'],
  ])('%s', (_, line, place, remedy) => {
    // The line after the 3 of the head and the 5 of the schedule.
    const problems = problemsOf(`${head}${whole}    ${line}
`);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(`f.yaml:${place}`);
    expect(problems[0]).toContain(remedy);
  });

  const withWindows = (windows: string) => `${head}${whole.split('windows:')[0]}windows:\n      - ${windows}\n`;
  it.each([
    ['{ rrule: "FREQ=HOURLY", from: "09:00", to: "17:00" }', 'rrule: ', 'FREQ=DAILY'],
    ['{ rrule: "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", from: "09:00", to: "17:00" }', 'rrule: ', 'never matches'],
    ['{ rrule: "FREQ=DAILY", from: "25:00", to: "17:00" }', 'from: ', 'HH:MM'],
    ['{ rrule: "FREQ=DAILY", from: "09:00", to: "24:01" }', 'to: ', 'HH:MM'],
    ['{ rrule: "FREQ=DAILY", from: "09:00" }', 'to: ', 'It is missing'],
    ['{ rrule: "FREQ=DAILY", from: 9, to: "17:00" }', 'from: ', 'put it in quotes'],
    ['{ rule: "FREQ=DAILY", rrule: "FREQ=DAILY", from: "09:00", to: "17:00" }', 'rule: ', 'Did you mean "rrule"?'],
  ])('a window %s', (window, field, remedy) => {
    const problems = problemsOf(withWindows(window));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(`f.yaml:8  schedules[0].windows[0].${field}`);
    expect(problems[0]).toContain(remedy);
  });

  it.each([
    ['a device listed twice', whole.replace('[door]', '[door, door]'), '6  schedules[0].devices[1]: '],
    ['no device', whole.replace('[door]', '[]'), '6  schedules[0].devices: '],
    ['no window', `${whole.split('windows:')[0]}windows: []\n`, '7  schedules[0].windows: '],
    ['a key used twice', whole + whole, '9  schedules[1].key: '],
    ['no key', whole.replace('key: crew\n    ', ''), '4  schedules[0].key: '],
    ['a key that is none', whole.replace('key: crew', 'key: "the crew"'), '4  schedules[0].key: '],
    ['no schedule', '  - crew\n', '4  schedules[0]: '],
    [
      'a PIN that two schedules have on one door',
      `${whole}    pin: "4821"\n${whole.replace('crew', 'gym')}    pin: "4821"\n`,
      '15  schedules[1].pin: ',
    ],
  ])('%s', (_, schedules, place) => {
    const problems = problemsOf(head + schedules);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(`f.yaml:${place}`);
  });

  it.each([
    ['an empty file', '', 1],
    ['a file that is no mapping', '- a', 1],
    ['no list of schedules', 'schedules: 4', 1],
    ['an unclosed quote', 'schedules: []\ntimezone: "Europe', 2],
    ['a tab', 'schedules:\n\t- key: x', 2],
    ['an alias to nowhere', 'schedules: *none', 1],
    ['two documents', 'schedules: []\n---\nschedules: []', 2],
    ['a wrong holiday', 'holidays:\n  us:\n    - 2026-12-25\n    - 2026-12-32\nschedules: []', 4],
    ['an unknown field at the top', 'schedules: []\nshedules: []', 2],
    [
      'a wrong blackout of doors',
      'blackouts:\n  - { devices: [d], from: 2026-12-24T12:00, to: now }\nschedules: []',
      2,
    ],
    ['a blackout of no door', 'blackouts:\n  - { from: 2026-12-24T12:00, to: 2026-12-25T12:00 }\nschedules: []', 2],
  ])('%s', (_, text, line) => {
    const problems = problemsOf(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`^f\\.yaml:${line}  `));
  });
});

it('tells the mistakes of each blackout, whatever is wrong with another', () => {
  const wrong = (more: string) => `
  - { ${more}from: 2026-12-24, to: now, reson: x }
  - { ${more}from: 2026-12-24T12:00, to: 2026-12-23T12:00 }
`;
  const ofDoors = problemsOf(`schedules: []\nblackouts:${wrong('devices: [door], ')}`);
  const ofSchedule = problemsOf(`${head}${whole}    blackouts:${wrong('').replaceAll('\n', '\n  ')}`);
  const fields = (lines: readonly string[]) => lines.map((line) => /blackouts.*?(?=:)/.exec(line)?.[0]);
  const all = ['blackouts[0].from', 'blackouts[0].to', 'blackouts[0].reson', 'blackouts[1].to'];
  expect(fields(ofDoors)).toEqual(all);
  expect(fields(ofSchedule)).toEqual(all);
});

it('tells all mistakes at once, in the order of the file', () => {
  const problems = problemsOf(`timezone: Nowhere/Land
schedules:
  - key: a
    name: ""
    devices: [x]
    pin: 4821
    windows:
      - { rrule: "FREQ=DAILY;FREQ=DAILY", from: "09:00", to: "9" }
      - { rrule: "FREQ=DAILY", from: "09:00" }
  - key: a
    colour: blue
    starts_on: 2026-99-99
`);
  expect(problems.map((line) => line.split(': ')[0])).toEqual([
    'f.yaml:1  timezone',
    'f.yaml:4  schedules[0].name',
    'f.yaml:6  schedules[0].pin',
    'f.yaml:8  schedules[0].windows[0].rrule',
    'f.yaml:8  schedules[0].windows[0].to',
    'f.yaml:9  schedules[0].windows[1].to',
    'f.yaml:10  schedules[1].key',
    'f.yaml:11  schedules[1].colour',
    'f.yaml:12  schedules[1].starts_on',
  ]);
});

it.each([
  'pin: 482133',
  'pin: "482133x"',
  'pin: ["482133"]',
  'pin: "482133" 482133',
  '"482133',
  'pin: "482133',
  '482133: 1',
])('never repeats a PIN: %s', (line) => {
  const problems = problemsOf(`${head}${whole}    ${line}\n`);
  expect(problems.length).toBeGreaterThan(0);
  expect(problems.map((problem) => problem.replace(/schedules\[0\]\.482133/, '')).join('\n')).not.toContain('482133');
});

it('reads the example without a mistake', () => {
  const text = readFileSync(new URL('../../prisma/schedules.example.yaml', import.meta.url), 'utf8');
  expect(problemsOf(text)).toEqual([]);
  const { schedules } = fileOf(text);
  expect(schedules).toHaveLength(5);
  expect(new Set(schedules.flatMap(({ given }) => given.devices)).size).toBe(4);
});

it('takes quoted and unquoted dates and times for the same, and follows anchors', () => {
  const file = fileOf(`timezone: America/New_York
schedules:
  - &first
    key: a
    name: A
    devices: [x]
    starts_on: 2026-12-01
    windows: [{ rrule: FREQ=DAILY, from: 09:00, to: 24:00 }]
`);
  expect(file.schedules[0]?.given).toMatchObject({
    starts_on: '2026-12-01',
    windows: [{ rrule: 'FREQ=DAILY', from: '09:00', to: '24:00' }],
  });
});
