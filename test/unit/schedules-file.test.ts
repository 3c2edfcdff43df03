import { readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { formatProblems, parseSchedulesFile, type SchedulesFile, sortProblems } from '../../src/core/schedules-file.ts';

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

describe('what a field may hold', () => {
  const long = (length: number) => 'x'.repeat(length);
  const list = (length: number, entry: (index: number) => string) =>
    `[${Array.from({ length }, (_, i) => entry(i)).join()}]`;
  const dates = (length: number) => list(length, (index) => new Date(index * 86_400_000).toISOString().slice(0, 10));
  const windows = (length: number) => list(length, () => '{ rrule: FREQ=DAILY, from: 09:00, to: 17:00 }');

  /** The file with one field given in place of what it had there. */
  function withField(name: string, value: string): string {
    const fields = { key: 'crew', name: 'Crew', devices: '[door]', windows: windows(1), [name]: value };
    const lines = Object.entries(fields).map(([field, text]) => `    ${field}: ${text}\n`);
    return `${head}  -\n${lines.join('')}`;
  }

  it.each([
    ['key', `a${long(99)}`],
    ['key', 'A.b_c-9'],
    ['key', '"7"'],
    ['name', long(100)],
    ['name', 'x'],
    ['name', 'Crew of the 2nd floor, Łódź'],
    ['holder', long(200)],
    ['holder', 'null'],
    ['devices', `[${long(100)}, a-B_9]`],
    ['devices', list(1000, (index) => `d${index}`)],
    ['timezone', 'asia/calcutta'],
    ['starts_on', '1970-01-01'],
    ['starts_on', '2200-12-31'],
    ['ends_on', 'null'],
    ['pin', 'keep'],
    ['pin', 'rotate'],
    ['pin', '"0815"'],
    ['pin', '"08154711"'],
    ['windows', windows(50)],
    ['windows', '[&daily { rrule: FREQ=DAILY, from: 09:00, to: 17:00 }, *daily]'],
    ['except', '{}'],
    ['except', `{ dates: ${dates(1000)} }`],
    ['blackouts', '[{ from: 2026-12-24T12:00, to: 2026-12-25T12:00, reason: null }]'],
    ['blackouts', `[{ from: 2026-12-24T12:00, to: 2026-12-25T12:00, reason: ${long(200)} }]`],
    ['grace', '{}'],
    ['allow_other_pin', 'true'],
    ['status', 'paused'],
  ])('%s: %s', (name, value) => {
    expect(problemsOf(withField(name, value))).toEqual([]);
  });

  it.each([
    ['key', 'a text too long', `a${long(100)}`],
    ['key', 'a text that begins with a dot', '.crew'],
    ['key', 'a text with an umlaut at its end', 'crüw'],
    ['key', 'a text with a space at its end', '"crew "'],
    ['key', 'nothing', ''],
    ['key', 'a number', '7'],
    ['name', 'a text too long', long(101)],
    ['name', 'an empty text', '""'],
    ['name', 'a text with a space before it', '" Crew"'],
    ['name', 'a text with a space after it', '"Crew "'],
    ['name', 'a text with a tab in it', '"Cr\\tew"'],
    ['name', 'nothing', ''],
    ['name', 'a list', '[Crew]'],
    ['name', 'a truth', 'true'],
    ['holder', 'a text too long', long(201)],
    ['devices', 'an id too long', `[${long(101)}]`],
    ['devices', 'an empty id', '[""]'],
    ['devices', 'several ids in one text', '["door, gate"]'],
    ['devices', 'a text with a line break', '["door\\ngate"]'],
    ['devices', 'a number', '[door, 7]'],
    ['devices', 'a single id', 'door'],
    ['devices', 'too many', list(1001, (index) => `d${index}`)],
    ['timezone', 'nothing like a zone', 'qwertzuiop'],
    ['timezone', 'a number', '7'],
    ['starts_on', 'a day before the first year', '1969-12-31'],
    ['starts_on', 'a day after the last year', '2201-01-01'],
    ['starts_on', 'a number', '20261224'],
    ['ends_on', 'a list', '[2026-12-24]'],
    ['pin', 'a text that ends in digits', '"a0815"'],
    ['pin', 'a text that begins with digits', '"0815a"'],
    ['pin', 'a single digit', '"0"'],
    ['pin', 'nothing', ''],
    ['allow_other_pin', 'a number', '1'],
    ['windows', 'too many', windows(51)],
    ['windows', 'a text', '[FREQ=DAILY]'],
    ['windows', 'a mapping', '{ rrule: FREQ=DAILY }'],
    ['windows', 'a rule that is none', '[{ rrule: 7, from: 09:00, to: 17:00 }]'],
    ['except', 'a list', '[2026-12-24]'],
    ['except', 'a holiday list named twice', '{ holidays: [us, us] }'],
    ['except', 'a holiday list without a name', '{ holidays: [""] }'],
    ['except', 'too many dates', `{ dates: ${dates(1001)} }`],
    ['extra', 'a text', '[2026-12-24]'],
    ['extra', 'an unknown field', '[{ day: 2026-12-24, date: 2026-12-24, from: 09:00, to: 10:00 }]'],
    ['extra', 'a mapping', '{ date: 2026-12-24 }'],
    ['blackouts', 'a text', '[2026-12-24]'],
    ['blackouts', 'a reason too long', `[{ from: 2026-12-24T12:00, to: 2026-12-25T12:00, reason: ${long(201)} }]`],
    ['blackouts', 'a time that is a number', '[{ from: 1, to: 2026-12-25T12:00 }]'],
    ['grace', 'a number', '10'],
    ['grace', 'a text', '{ late_minutes: "10" }'],
    ['merge_gaps_up_to_minutes', 'a text', '"10"'],
    ['status', 'a number', '1'],
  ])('not %s: %s', (name, _, value) => {
    expect(problemsOf(withField(name, value))).toHaveLength(1);
  });

  it.each([
    ['a time zone that is a list', 'timezone: []'],
    ['holidays in a list', 'holidays: [us]'],
    ['a holiday list that is one date', 'holidays: { us: 2026-12-25 }'],
    ['a holiday twice in a list', 'holidays: { us: [2026-12-25, 2026-12-25] }'],
    ['a holiday list without a name', 'holidays: { "": [2026-12-25] }'],
    ['a blackout of doors that is a text', 'blackouts: [2026-12-25]'],
    ['a blackout of doors that is not in a list', 'blackouts: { devices: [door] }'],
    ['a blackout of no door in a list', 'blackouts: [{ devices: [], from: 2026-12-24T12:00, to: 2026-12-25T12:00 }]'],
    [
      'an unknown field in a blackout of doors',
      'blackouts: [{ device: [d], devices: [d], from: 2026-12-24T12:00, to: 2026-12-25T12:00 }]',
    ],
  ])('not at the top: %s', (_, line) => {
    expect(problemsOf(`${line}\nschedules: []\n`)).toHaveLength(1);
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
  'pin: >482133',
  'pin: !482133! x',
  'pin: "\\U00482133"',
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

describe('hours are checked', () => {
  /** Mostly of a file without a zone, which is none of its mistakes: what is stored may have one. */
  const schedule = (lines: string, top = '') => `${top}schedules:\n  - key: crew\n${lines}`;
  const rule = (text: string) => `{ rrule: ${text}, from: 09:00, to: 17:00 }`;

  it('in the zone of the schedule, else in that of the file', () => {
    const lines = `    starts_on: 2026-12-01\n    windows: [${rule('FREQ=DAILY;UNTIL=20261201T080000Z')}]\n`;
    const inNewYork = 'timezone: America/New_York\n';
    const inTokyo = '    timezone: Asia/Tokyo\n';
    expect(problemsOf(schedule(lines, inNewYork))).toEqual([
      expect.stringContaining('f.yaml:5  schedules[0].windows[0].rrule: UNTIL is before the first window'),
    ]);
    expect(problemsOf(schedule(lines + inTokyo, inNewYork))).toEqual([]);
  });

  it('by a start long ago where the file leaves it to what is stored, as it may leave all but the key', () => {
    expect(problemsOf(schedule(''))).toEqual([]);
    expect(problemsOf(schedule(`    ends_on: 1970-01-01\n    windows: [${rule('FREQ=DAILY')}]\n`))).toEqual([]);
    expect(problemsOf(schedule(`    windows: [${rule('FREQ=DAILY;UNTIL=19700101')}]\n`))).toEqual([]);
    expect(
      problemsOf(schedule(`    starts_on: 2026-12-01\n    windows: [${rule('FREQ=DAILY;UNTIL=20261130')}]\n`)),
    ).toEqual([expect.stringContaining('f.yaml:4  schedules[0].windows[0].rrule: ')]);
  });

  it('where windows can be read, and told in their place among those that cannot', () => {
    const windows = ['7', rule('FREQ=HOURLY'), `{ rrule: FREQ=DAILY, from: 09:00 }`, rule('FREQ=SECONDLY')];
    const lines = problemsOf(schedule(`    windows:\n${windows.map((window) => `      - ${window}\n`).join('')}`));
    expect(lines.map((line) => line.split(': ')[0])).toEqual([
      'f.yaml:4  schedules[0].windows[0]',
      'f.yaml:5  schedules[0].windows[1].rrule',
      'f.yaml:6  schedules[0].windows[2].to',
      'f.yaml:7  schedules[0].windows[3].rrule',
    ]);
    const twelve = ['7', ...Array.from({ length: 10 }, () => rule('FREQ=DAILY')), rule('FREQ=HOURLY')];
    expect(problemsOf(schedule(`    windows: [${twelve}]\n`))).toEqual([
      expect.stringContaining('schedules[0].windows[0]: '),
      expect.stringContaining('schedules[0].windows[11].rrule: '),
    ]);
  });

  it('for their bounds even where no window can be read', () => {
    const bounds = '    starts_on: 2026-12-02\n    ends_on: 2026-12-01\n';
    for (const windows of ['', '    windows: FREQ=DAILY\n', '    windows: [FREQ=DAILY]\n']) {
      const parsed = parseSchedulesFile(schedule(`${bounds}${windows}`));
      const fields = parsed.ok ? [] : parsed.problems.map(({ field }) => field);
      expect(fields).toContain('schedules[0].ends_on');
      expect(fields.filter((field) => field.startsWith('schedules[0].windows'))).toHaveLength(windows === '' ? 0 : 1);
    }
  });

  it('with extras and grace of their own', () => {
    const extra = '    extra:\n      - { date: 2026-12-26, from: 10:00, to: 11:00 }\n';
    expect(problemsOf(schedule(extra))).toEqual([]);
    const wrong = `${extra}      - { date: 2026-12-26, from: 11:00, to: 11:60 }\n    grace: { early_minutes: -1, late_minutes: 0.5 }\n`;
    expect(problemsOf(schedule(wrong)).map((line) => line.split(': ')[0])).toEqual([
      'f.yaml:5  schedules[0].extra[1].to',
      'f.yaml:6  schedules[0].grace.early_minutes',
      'f.yaml:6  schedules[0].grace.late_minutes',
    ]);
  });
});

describe('one PIN for several schedules', () => {
  const schedule = (key: string, devices: string, pin: string) =>
    `${whole.replace('crew', key).replace('[door]', devices)}    pin: ${pin}\n`;

  it('is none where they share no door, or are left to choose', () => {
    const file = [
      schedule('a', '[x, y]', '"4821"'),
      schedule('b', '[z]', '"4821"'),
      schedule('c', '[x]', '"4822"'),
      schedule('d', '[x]', 'keep'),
      schedule('e', '[x]', 'keep'),
      schedule('f', '[x]', 'rotate'),
      schedule('g', '[x]', 'rotate'),
    ];
    expect(problemsOf(head + file.join(''))).toEqual([]);
  });

  it('is told of each that comes after the first, with a door that they share', () => {
    const file = [schedule('a', '[x, y]', '"4821"'), schedule('b', '[y]', '"4821"'), schedule('c', '[z, y]', '"4821"')];
    expect(problemsOf(head + file.join(''))).toHaveLength(2);
  });

  it('cannot be told where the doors are wrong, which is told', () => {
    const file = [schedule('a', '[]', '"4821"'), schedule('b', '[]', '"4821"')];
    expect(problemsOf(head + file.join('')).map((line) => line.split(': ')[0])).toEqual([
      'f.yaml:6  schedules[0].devices',
      'f.yaml:12  schedules[1].devices',
    ]);
  });
});

describe('of a file with mistakes is still known', () => {
  const read = (text: string) => parseSchedulesFile(text).file;

  it('which holiday lists it has, though one of them be wrong', () => {
    const file = read('holidays: { us: [2026-12-32], de: [2026-12-25] }\nschedules: []\n');
    expect([...(file?.holidays.keys() ?? [])]).toEqual(['us', 'de']);
    expect(read('holidays: { de: [2026-12-25] }\nschedules: 7\n')?.holidays).toEqual(new Map([['de', ['2026-12-25']]]));
    expect(read('holidays: [us]\nschedules: []\n')?.holidays).toEqual(new Map());
    expect(read('holidays: us\nschedules: []\n')?.holidays).toEqual(new Map());
  });

  it('which fields of a schedule are right, and which wrong', () => {
    const file = read(`schedules:\n  - key: a\n    name: A\n    holder:\n    pin: 4821\n    timezone: Mars\n`);
    expect(file?.schedules).toEqual([
      { index: 0, key: 'a', given: { name: 'A', holder: null }, wrong: new Set(['pin', 'timezone']) },
    ]);
  });

  it('whether it has a zone for all, and whether that is wrong', () => {
    expect(read('schedules: 7')).toMatchObject({ timezone: null, isTimezoneWrong: false, schedules: [] });
    expect(read('timezone: Mars\nschedules: []')).toMatchObject({ timezone: null, isTimezoneWrong: true });
    expect(read('timezone: Asia/Tokyo\nschedules: 7')).toMatchObject({
      timezone: 'Asia/Tokyo',
      isTimezoneWrong: false,
    });
  });

  it('which schedules have a key of their own, in their places', () => {
    const file = read('schedules:\n  - 7\n  - key: a\n  - key: [b]\n  - key: a\n  - key: c\n');
    expect(file?.schedules.map(({ index, key }) => [index, key])).toEqual([
      [1, 'a'],
      [4, 'c'],
    ]);
  });
});

it('blackouts of doors are sorted by device, each with its own in order', () => {
  const file = fileOf(`blackouts:
  - { devices: [x, y], from: 2026-12-24T12:00, to: 2026-12-25T12:00, reason: guest }
  - { devices: [x], from: 2026-11-24T12:00, to: 2026-11-25T12:00 }
schedules: []
`);
  const guest = { from: '2026-12-24T12:00', to: '2026-12-25T12:00', reason: 'guest' };
  const earlier = { from: '2026-11-24T12:00', to: '2026-11-25T12:00', reason: null };
  expect(file.doorBlackouts).toEqual(
    new Map([
      ['x', [earlier, guest]],
      ['y', [guest]],
    ]),
  );
  expect(fileOf('blackouts: []\nschedules: []').doorBlackouts).toEqual(new Map());
  expect(fileOf('schedules: []').doorBlackouts).toBeNull();
});

describe('the place of a mistake', () => {
  it.each([
    ['several in one line', 'timezone: 7\nschedules: [{ name: 7, key: 8, colour: 9 }]'],
    ['a field that is missing, at what lacks it', 'schedules:\n  - name: a\n  -\n    name: b\n'],
    ['a name that is a number', 'schedules: []\n1: a\n'],
    ['a field given twice at the top', 'timezone: UTC\nschedules: []\ntimezone: UTC\n'],
    [
      'a field given twice in a list',
      'schedules:\n  - key: a\n  - key: b\n    grace:\n      late_minutes: 1\n      late_minutes: 2\n',
    ],
    ['fields given twice in a text that holds no schedules', '- a: 1\n  a: 2\n- b: 1\n  b: 1\n'],
    ['a field given twice and wrong, at the last of them', 'schedules:\n  - key: a\n    name: A\n    name: 7\n'],
    ['what an alias repeats, where it is written out', 'schedules:\n  - &a\n    key: a\n  - *a\n'],
    ['a value in an alias', 'schedules:\n  - key: a\n    devices: &d [x, 7]\n  - key: b\n    devices: *d\n'],
    ['a single text', 'schedules'],
    ['a list below a comment', '# ours\n\n- a\n'],
    ['a field given twice, with a tag and an anchor', 'schedules: []\n!!map &a schedules: []\n'],
    ['an alias to nowhere in a text that is broken', 'timezone: *none\nschedules: [\n'],
    ['a bracket that was not opened', 'schedules: }a\n'],
    ['a tag that is none', 'schedules: !<!> []\n'],
    ['a comment and nothing else', '# nothing yet\n'],
    [
      'too many aliases',
      `schedules:\n  - &a [x, x]\n${'bcdefghijk'.replaceAll(/./g, (name) => `  - &${name} [*${String.fromCharCode(name.charCodeAt(0) - 1)}, *${String.fromCharCode(name.charCodeAt(0) - 1)}]\n`)}`,
    ],
    ['a bracket that is not closed', 'schedules: [\ntimezone: UTC\n'],
  ])('%s', (_, text) => {
    expect(problemsOf(text).length).toBeGreaterThan(0);
  });

  it('is told in the order of the file, also where it is no YAML or holds no schedules', () => {
    for (const text of ['a: 1\nb: { c: 1, c: 2 }\na: 2\n"x: 1\n', '- { a: 1, a: 2 }\n- { b: 1, b: 2 }\n']) {
      const lines = problemsOf(text).map((line) => Number.parseInt(line.replace('f.yaml:', ''), 10));
      expect(lines.length).toBeGreaterThan(2);
      expect(lines).toEqual(lines.toSorted((a, b) => a - b));
    }
  });

  it('of several problems of one field only the first is told', () => {
    const at = (line: number, column: number, field: string, message: string) => ({ line, column, field, message });
    const problems = [at(2, 5, 'b', 'first'), at(2, 3, 'a', 'x'), at(1, 9, 'b', 'y'), at(2, 5, 'b', 'second')];
    expect(sortProblems(problems).map(({ message }) => message)).toEqual(['y', 'x', 'first']);
  });
});

it('has nothing printed of a key that is a list, which might show its PIN', () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  const written = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  parseSchedulesFile('schedules:\n  - ? [482165]\n    : 1\n');
  expect([warned.mock.calls, written.mock.calls]).toEqual([[], []]);
  vi.restoreAllMocks();
});
