import { describe, expect, it } from 'vitest';
import type { Schedule } from '../../src/core/schedule.ts';
import { formatProblems, parseSchedulesFile } from '../../src/core/schedules-file.ts';
import { isReopening, mergeSchedule, mergeShared } from '../../src/core/schedules-file-merge.ts';

const stored: Schedule = {
  id: 'e5b1c1de-0000-4000-8000-000000000000',
  key: 'crew',
  name: 'Crew',
  holder: 'Ana Silva',
  timezone: 'Europe/Berlin',
  startsOn: '2026-01-05',
  endsOn: '2027-12-31',
  rules: [{ rrule: 'FREQ=DAILY', from: '09:00', to: '17:00' }],
  exceptDates: ['2026-12-24'],
  holidays: [{ name: 'us', dates: ['2026-12-25'] }],
  extra: [{ date: '2026-12-26', from: '10:00', to: '14:00' }],
  blackouts: [{ from: '2026-12-27T12:00', to: '2026-12-28T00:00', reason: 'guest in house' }],
  byHand: { closed: [], opened: [] },
  grace: { earlyMinutes: 10, lateMinutes: 15 },
  mergeGapsUpToMinutes: 30,
  devices: [{ deviceId: 'door', generation: 3 }],
  pinPolicy: 'given',
  allowOtherPin: true,
  status: 'paused',
  version: 7,
};

const head = 'timezone: America/New_York\nholidays: { us: [2026-12-25] }\n';
const now = new Date('2026-11-23T03:00:00Z');
const complete = `    name: Crew
    devices: [door]
    windows: [{ rrule: FREQ=DAILY, from: 09:00, to: 17:00 }]
`;

/** The lines are those of the one schedule of the file; null over: it is not stored yet. */
function merge(lines: string, over: Partial<Schedule> | null = {}, revive = false, top = head) {
  const { file } = parseSchedulesFile(`${top}schedules:\n  - key: crew\n${lines}`);
  const entry = file?.schedules[0];
  if (!file || !entry) throw new Error('no schedule');
  const lists = file.holidays;
  return mergeSchedule({ file, entry, stored: over === null ? null : { ...stored, ...over }, lists, now, revive });
}

function merged(...args: Parameters<typeof merge>) {
  const result = merge(...args);
  if (!result.ok) throw new Error(formatProblems('f.yaml', result.problems).join('\n'));
  return result;
}

function problems(...args: Parameters<typeof merge>): string[] {
  const result = merge(...args);
  return result.ok ? [] : formatProblems('f.yaml', result.problems);
}

describe('laid over what is stored', () => {
  it('an absent field keeps its stored value', () => {
    expect(merged('').changes).toEqual([]);
    expect(merged('    except: { dates: [2026-12-24] }\n').changes).toEqual([]);
  });

  it('null clears the holder and the last day, and an empty list the exceptions', () => {
    const { draft, changes } = merged('    holder:\n    ends_on: null\n    except: { holidays: [], dates: [] }\n');
    expect(draft).toMatchObject({ holder: null, endsOn: null, holidays: [], exceptDates: [] });
    expect(changes.map(({ field }) => field)).toEqual(['holder', 'ends_on', 'except.dates', 'except.holidays']);
    expect(JSON.stringify(changes)).not.toContain('Ana Silva');
  });

  it.each([
    ['name: Other', false],
    ['holder: Bo', false],
    ['devices: [a, door]', false],
    ['allow_other_pin: false', false],
    ['timezone: America/New_York', true],
    ['starts_on: 2026-01-06', true],
    ['ends_on: 2028-01-01', true],
    ['windows: [{ rrule: FREQ=DAILY, from: 09:00, to: 18:00 }]', true],
    ['except: { dates: [] }', true],
    ['except: { holidays: [] }', true],
    ['extra: []', true],
    ['blackouts: []', true],
    ['grace: { early_minutes: 11 }', true],
    ['grace: { late_minutes: 14 }', true],
    ['merge_gaps_up_to_minutes: 0', true],
    ['pin: rotate', true],
    ['pin: keep', true],
  ])('%s is a reopening, as it moves windows or gives another PIN: %s', (line, reopens) => {
    const { changes } = merged(`    ${line}\n`);
    expect(changes).toHaveLength(1);
    expect(isReopening(changes)).toBe(reopens);
  });

  it('to become active is a reopening, to be paused is none', () => {
    expect(isReopening(merged('    status: active\n', {}, true).changes)).toBe(true);
    expect(isReopening(merged('    status: paused\n', { status: 'active' }).changes)).toBe(false);
    expect(isReopening([])).toBe(false);
  });

  it.each([
    ['paused', 'active', false, 'paused'],
    ['ended', 'active', false, 'ended'],
    ['paused', 'active', true, 'active'],
    ['ended', 'active', true, 'active'],
    ['ended', 'paused', true, 'ended'],
    ['active', 'paused', false, 'paused'],
    ['active', 'active', false, 'active'],
  ] as const)('a schedule that is %s, under status: %s and revive %s, is %s', (before, status, revive, after) => {
    const { draft, notes } = merged(
      `    status: ${status}\n`,
      { status: before, timezone: 'America/New_York' },
      revive,
    );
    expect(draft.status).toBe(after);
    expect(notes.length).toBe(status === 'active' && after !== 'active' ? 1 : 0);
  });

  it.each([
    'active',
    'paused',
    'ended',
  ] as const)('a schedule that is %s stays so under a file without status', (status) => {
    expect(merged('    name: Other\n', { status }).draft.status).toBe(status);
    expect(merged('    name: Other\n', { status }, true).draft.status).toBe(status);
  });

  it.each([
    'paused',
    'ended',
  ] as const)('says of a schedule that is %s and given no status why revive leaves it so', (status) => {
    const told = expect.stringContaining(
      'stays so: give it status: active in the file to revive it, or resume it with',
    );
    expect(merged('', { status }, true).notes).toContainEqual(told);
    expect(merged('', { status }).notes).not.toContainEqual(told);
    expect(merged('', { status: 'active' }, true).notes).not.toContainEqual(told);
  });

  it('a new schedule needs name, devices and windows, told at its own line', () => {
    expect(problems('    holder: Bo\n', null)).toEqual(
      ['name', 'devices', 'windows'].map(
        (field) =>
          `f.yaml:4  schedules[0].${field}: It is missing: "crew" is not stored yet, and a new schedule needs ${field}.`,
      ),
    );
  });

  it.each([
    ['FREQ=WEEKLY;INTERVAL=2;BYDAY=MO', 'INTERVAL=2'],
    ['FREQ=DAILY;COUNT=5', 'COUNT=5'],
    ['FREQ=WEEKLY', 'FREQ=WEEKLY without a day'],
    ['FREQ=MONTHLY', 'FREQ=MONTHLY without a day'],
    ['FREQ=YEARLY', 'FREQ=YEARLY without a day'],
  ])('a new schedule with %s needs starts_on, a stored one has it', (rrule, reason) => {
    const windows = `    windows: [{ rrule: "${rrule}", from: "09:00", to: "17:00" }]\n`;
    const [problem, ...more] = problems(`    name: Crew\n    devices: [door]\n${windows}`, null);
    expect(more).toEqual([]);
    expect(problem).toContain(`schedules[0].starts_on: It is required because ${reason}`);
    expect(problem).toContain('starts_on: 2026-11-22');
    expect(problems(windows)).toEqual([]);
  });

  it('a new schedule starts today in its own zone', () => {
    const lines =
      '    name: Crew\n    devices: [door]\n    windows: [{ rrule: "FREQ=DAILY", from: "09:00", to: "17:00" }]\n';
    expect(merged(lines, null).draft.startsOn).toBe('2026-11-22');
    expect(merged(`${lines}    timezone: Asia/Tokyo\n`, null).draft.startsOn).toBe('2026-11-23');
  });

  it('a holiday list that is nowhere, and an end before the stored start, are mistakes', () => {
    expect(problems('    except: { holidays: [us, de] }\n')).toEqual([
      expect.stringContaining('f.yaml:5  schedules[0].except.holidays[1]: There is no holiday list "de"'),
    ]);
    expect(problems('    ends_on: 2025-12-31\n')).toEqual([
      expect.stringContaining('f.yaml:5  schedules[0].ends_on: '),
    ]);
  });
});

describe('what is to change', () => {
  const everything = `    name: Gym
    holder: Bo
    timezone: America/New_York
    starts_on: 2026-02-01
    ends_on: 2028-01-31
    windows:
      - { rrule: FREQ=DAILY, from: 10:00, to: 18:00 }
      - { rrule: FREQ=WEEKLY;BYDAY=SA, from: 18:00, to: 19:00 }
    except: { dates: [2026-12-31, 2026-12-23], holidays: [] }
    extra: [{ date: 2027-01-02, from: 09:00, to: 10:00 }]
    blackouts: [{ from: 2026-12-29T12:00, to: 2026-12-30T00:00 }]
    grace: { early_minutes: 0, late_minutes: 1 }
    merge_gaps_up_to_minutes: 5
    devices: [yard, gate]
    pin: rotate
    allow_other_pin: false
    status: active
`;

  it('is told field by field, in the order of the file, and of name and holder only that it does', () => {
    expect(merged(everything, {}, true).changes).toMatchSnapshot();
  });

  it('is nothing when the same file is laid over what it made', () => {
    const { draft } = merged(everything, {}, true);
    const { deviceIds, ...rest } = draft;
    const devices = deviceIds.map((deviceId) => ({ deviceId, generation: 4 }));
    expect(merged(everything, { ...rest, devices }).changes).toEqual([]);
  });

  it('is nothing where lists only stand in another order', () => {
    const extra = [
      { date: '2026-12-26', from: '10:00', to: '14:00' },
      { date: '2026-12-26', from: '16:00', to: '17:00' },
      { date: '2026-12-26', from: '16:00', to: '18:00' },
      { date: '2026-12-27', from: '09:00', to: '10:00' },
    ];
    const devices = ['back', 'door', 'yard'].map((deviceId) => ({ deviceId, generation: 0 }));
    const blackouts = ['2026-12-27', '2026-12-28'].map((day) => ({
      from: `${day}T12:00`,
      to: `${day}T13:00`,
      reason: null,
    }));
    const holidays = ['de', 'fr', 'us'].map((name) => ({ name, dates: ['2026-12-25'] }));
    const lines = `    devices: [yard, back, door]
    except: { dates: [2026-12-31, 2026-12-24], holidays: [us, fr, de] }
    extra:
      - { date: 2026-12-27, from: 09:00, to: 10:00 }
      - { date: 2026-12-26, from: 16:00, to: 18:00 }
      - { date: 2026-12-26, from: 10:00, to: 14:00 }
      - { date: 2026-12-26, from: 16:00, to: 17:00 }
    blackouts:
      - { from: 2026-12-28T12:00, to: 2026-12-28T13:00 }
      - { from: 2026-12-27T12:00, to: 2026-12-27T13:00 }
`;
    const over = { extra, devices, blackouts, holidays, exceptDates: ['2026-12-24', '2026-12-31'] };
    const top = 'holidays: { us: [2026-12-25], de: [2026-12-25], fr: [2026-12-25] }\n';
    expect(merged(lines, over, false, top).changes).toEqual([]);
  });

  it('is, of a schedule that the file leaves out, its holidays where their list is another', () => {
    const { draft, changes } = mergeShared(stored, new Map([['us', ['2026-07-04']]]));
    expect(changes).toEqual([
      {
        field: 'except.holidays',
        from: [{ name: 'us', dates: ['2026-12-25'] }],
        to: [{ name: 'us', dates: ['2026-07-04'] }],
      },
    ]);
    const { id: _id, version: _version, devices: _devices, ...same } = stored;
    expect(draft).toEqual({ ...same, holidays: [{ name: 'us', dates: ['2026-07-04'] }], deviceIds: ['door'] });
    expect(mergeShared(stored, new Map([['de', []]])).changes).toEqual([]);
  });
});

describe('a new schedule', () => {
  it('gets a value for each field that the file leaves out, and changes nothing', () => {
    const { draft, changes, notes } = merged(complete, null);
    expect(draft).toMatchSnapshot();
    expect(changes).toEqual([]);
    expect(notes).toEqual([]);
  });

  it('may begin paused', () => {
    expect(merged(`${complete}    status: paused\n`, null).draft.status).toBe('paused');
  });

  it('takes its time zone from the top of the file unless it has its own, and needs one of the two', () => {
    expect(merged(complete, null).draft.timezone).toBe('America/New_York');
    const own = `${complete}    timezone: Asia/Tokyo\n`;
    expect(merged(own, null).draft.timezone).toBe('Asia/Tokyo');
    expect(merged(own, null, false, '').draft.timezone).toBe('Asia/Tokyo');
    expect(problems(complete, null, false, '')).toEqual([
      'f.yaml:2  schedules[0].timezone: It is missing: give the schedule, or the file at its top, a time zone.',
    ]);
    expect(problems(complete.replace('DAILY', 'WEEKLY'), null, false, '')).toEqual([
      expect.stringContaining('schedules[0].timezone: It is missing'),
      expect.stringContaining('schedules[0].starts_on: It is required'),
    ]);
  });

  it.each([
    ['name', complete.replace('Crew', '""')],
    ['devices', complete.replace('[door]', 'door')],
    ['windows', complete.replace('09:00', '9')],
    ['starts_on', `${complete.replace('DAILY', 'WEEKLY')}    starts_on: tomorrow\n`],
  ])('is not told to be without %s when that is there but wrong, nor anything that follows from it', (_, lines) => {
    expect(problems(`${lines}    ends_on: 1999-12-31\n`, null)).toEqual([]);
  });

  it('is not told to be without a zone when its own or that of the file is wrong, nor anything that follows from it', () => {
    const lines = `${complete}    ends_on: 1999-12-31\n`;
    expect(problems(lines, null, false, 'timezone: Mars\n')).toEqual([]);
    expect(problems(`${lines}    timezone: Mars\n`, null, false, '')).toEqual([]);
  });

  it('needs starts_on for the first window that counts from it, and that is told once', () => {
    const windows = ['DAILY', 'DAILY;INTERVAL=2', 'DAILY;COUNT=3'].map(
      (rule) => `\n      - { rrule: FREQ=${rule}, from: 09:00, to: 17:00 }`,
    );
    const lines = complete.replace(/windows: .*/, `windows:${windows.join('')}`);
    expect(problems(lines, null)).toEqual([
      'f.yaml:4  schedules[0].starts_on: It is required because INTERVAL=2 counts from it (windows[1]): add, for example, starts_on: 2026-11-22.',
    ]);
    expect(problems(`${lines}    timezone: Asia/Tokyo\n`, null).join()).toContain('starts_on: 2026-11-23.');
    expect(problems(`${lines}    starts_on: 2026-12-01\n`, null)).toEqual([]);
  });
});

describe('notes tell', () => {
  it('that a stored schedule keeps its zone when only the file has another', () => {
    expect(merged('', { status: 'active' }).notes).toEqual([
      'crew keeps its time zone Europe/Berlin; to move it, give it timezone: America/New_York of its own.',
    ]);
    const silent = [
      merged('', { status: 'active', timezone: 'America/New_York' }),
      merged('    timezone: Asia/Tokyo\n', { status: 'active' }),
      merged('', { status: 'active' }, false, 'holidays: { us: [2026-12-25] }\n'),
      merged(`${complete}    timezone: Asia/Tokyo\n`, null),
    ];
    expect(silent.flatMap(({ notes }) => notes)).toEqual([]);
  });

  it.each([
    ['paused', 'status: active'],
    ['ended', 'status: active'],
    ['paused', 'name: Other'],
    ['ended', 'name: Other'],
  ] as const)('how a schedule that is %s opens again, under %s', (status, line) => {
    expect(merged(`    ${line}\n`, { status, timezone: 'America/New_York' }).notes).toMatchSnapshot();
  });

  it.each([
    ['it is active', 'name: Other', 'active', false],
    ['it becomes active', 'status: active', 'paused', true],
    ['it becomes paused', 'status: paused', 'active', false],
    ['it is to stay paused', 'status: paused\n    name: Other', 'paused', false],
    ['nothing changes', 'name: Crew', 'paused', false],
  ] as const)('nothing of that when %s', (_, lines, status, revive) => {
    expect(merged(`    ${lines}\n`, { status, timezone: 'America/New_York' }, revive).notes).toEqual([]);
  });
});

it('each holiday list that is nowhere is told, in its place where the file names it', () => {
  expect(problems('    except:\n      holidays:\n        - us\n        - fr\n        - de\n')).toEqual([
    expect.stringContaining('f.yaml:9  schedules[0].except.holidays[2]: There is no holiday list "de"'),
    expect.stringContaining('f.yaml:8  schedules[0].except.holidays[1]: There is no holiday list "fr"'),
  ]);
  expect(problems('', {}, false, '')).toEqual([
    'f.yaml:2  schedules[0].except.holidays[0]: There is no holiday list "us", here or stored: define it under holidays, or correct the name.',
  ]);
});

it('holidays and dates that are too many together are told under except', () => {
  const dates = (year: number) =>
    Array.from({ length: 1000 }, (_, day) => new Date(Date.UTC(year, 0, day)).toISOString());
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  const lists = names.map(
    (name, index) => `  ${name}: [${dates(2000 + 3 * index).map((date) => date.slice(0, 10))}]\n`,
  );
  expect(problems(`    except: { holidays: [${names}] }\n`, {}, false, `holidays:\n${lists.join('')}`)).toEqual([
    expect.stringMatching(/^f\.yaml:\d+ {2}schedules\[0\]\.except: /),
  ]);
});
