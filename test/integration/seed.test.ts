import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseSchedulesFile } from '../../src/core/schedules-file.ts';
import { createDb, type Db } from '../../src/db/client.ts';
import { PinVault } from '../../src/db/pin-vault.ts';
import { createQueue, ensureQueues, type Queue } from '../../src/db/queue.ts';
import { loadSchedulesByKeys } from '../../src/db/schedules.ts';
import { type ApplyOptions, ApplyProblems, applySchedules } from '../../src/flows/apply-schedules.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { build } from '../support/processes.ts';

const key = Buffer.alloc(32, 7);
const vault = new PinVault([key]);
const head = 'timezone: America/New_York\nholidays: { us: [2026-12-25] }\nschedules:\n';
const crew = `  - key: crew
    name: Cleaning crew
    holder: Ana Silva
    devices: [front, back]
    starts_on: 2026-12-01
    windows:
      - { rrule: "FREQ=DAILY", from: "09:00", to: "17:00" }
    except: { holidays: [us] }
`;
const gym = crew.replace('key: crew', 'key: gym').replace('[front, back]', '[back]');

let database: TestDatabase;
let db: Db;
let queue: Queue;
let now: Date;

beforeEach(async () => {
  database = await createTestDatabase();
  db = createDb({ url: database.url });
  queue = createQueue({
    databaseUrl: database.url,
    supervises: false,
    onError: console.error,
    onWarning: console.warn,
  });
  await queue.boss.start();
  await ensureQueues(queue.boss);
  now = new Date('2026-11-23T12:00:00Z');
});

afterEach(async () => {
  await queue.boss.stop({ graceful: false });
  await db.close();
  await database.drop();
});

async function apply(text: string, options: ApplyOptions = {}) {
  const parsed = parseSchedulesFile(text);
  if (parsed.file === null) throw new Error('not readable');
  const problems = parsed.ok ? [] : parsed.problems;
  const log = createLog({ level: 'silent' });
  const deps = { db, queue, vault, log, now: () => now, random: (below: number) => randomInt(below) };
  return applySchedules(deps, parsed.file, { ...options, problems });
}

async function problemsOf(text: string): Promise<string[]> {
  const error = await apply(text).catch((reason: unknown) => reason);
  if (!(error instanceof ApplyProblems)) throw error;
  return error.problems.map(({ line, field, message }) => `${line} ${field}: ${message}`);
}

/** All rows of all tables that a seed may touch, and the jobs. */
async function dump(): Promise<string> {
  const tables = [
    'schedules',
    'schedule_rules',
    'schedule_devices',
    'holiday_lists',
    'schedule_holiday_lists',
    'door_blackouts',
    'history',
  ];
  const rows = [];
  for (const table of [...tables, 'pgboss.job']) {
    const result = await db.pool.query(`SELECT row_to_json(t)::text AS row FROM ${table} t ORDER BY 1`);
    rows.push([table, result.rows]);
  }
  return JSON.stringify(rows, null, 1);
}

async function planJobs(): Promise<string[]> {
  const { rows } = await db.pool.query<{ door: string }>(
    `SELECT s.key || ' ' || (j.data->>'deviceId') AS door FROM pgboss.job j
       JOIN schedules s ON s.id::text = j.data->>'scheduleId' WHERE j.name = 'plan' ORDER BY 1`,
  );
  return rows.map(({ door }) => door);
}

async function clearJobs(): Promise<void> {
  await db.pool.query('DELETE FROM pgboss.job');
}

async function stored(scheduleKey: string) {
  const [schedule] = await loadSchedulesByKeys(db.prisma, [scheduleKey]);
  if (schedule === undefined) throw new Error(`no schedule ${scheduleKey}`);
  const row = await db.prisma.schedule.findUniqueOrThrow({ where: { key: scheduleKey }, include: { devices: true } });
  const pin =
    row.pinCiphertext === null
      ? null
      : vault.decrypt({ pinCiphertext: row.pinCiphertext, pinKeyId: row.pinKeyId! }, row.id);
  const doorPins = row.devices.flatMap(({ deviceId, pinCiphertext, pinKeyId }) =>
    pinCiphertext === null ? [] : [[deviceId, vault.decrypt({ pinCiphertext, pinKeyId: pinKeyId! }, row.id)] as const],
  );
  const generations = Object.fromEntries(schedule.devices.map(({ deviceId, generation }) => [deviceId, generation]));
  return { ...schedule, pin, doorPins, generations, updatedAt: row.updatedAt };
}

describe('applying a file', () => {
  it('creates its schedules with a plan job for each door', async () => {
    expect(await apply(head + crew + gym)).toMatchObject({
      created: ['crew', 'gym'],
      changed: [],
      unchanged: [],
      notes: [],
    });
    expect(await stored('crew')).toMatchObject({
      name: 'Cleaning crew',
      holder: 'Ana Silva',
      timezone: 'America/New_York',
      startsOn: '2026-12-01',
      endsOn: null,
      rules: [{ rrule: 'FREQ=DAILY', from: '09:00', to: '17:00' }],
      holidays: [{ name: 'us', dates: ['2026-12-25'] }],
      generations: { front: 0, back: 0 },
      status: 'active',
      version: 1,
    });
    expect(await planJobs()).toEqual(['crew back', 'crew front', 'gym back']);
    expect(await db.prisma.historyEntry.count({ where: { kind: 'schedule.created' } })).toBe(2);
  });

  it('twice changes nothing, down to the last column', async () => {
    const text = head + crew + gym.replace('devices', 'pin: "482133"\n    devices');
    await apply(text);
    const before = await dump();
    now = new Date('2026-12-24T12:00:00Z');
    expect(await apply(text)).toMatchObject({ created: [], changed: [], unchanged: ['crew', 'gym'] });
    expect(await dump()).toBe(before);
  });

  it('keeps the stored value of what the file leaves out, and the first day of a schedule that named none', async () => {
    await apply(head + crew.replace('    starts_on: 2026-12-01\n', ''));
    const before = await dump();
    now = new Date('2026-12-24T12:00:00Z');
    expect(await apply('schedules: [{ key: crew }]')).toMatchObject({ changed: [], unchanged: ['crew'] });
    expect(await dump()).toBe(before);
    expect((await stored('crew')).startsOn).toBe('2026-11-23');
  });

  it('of 500 schedules takes one transaction', async () => {
    const many = Array.from({ length: 500 }, (_, index) =>
      crew.replace('key: crew', `key: crew-${index}`).replaceAll('front', `door-${index}`),
    );
    expect((await apply(head + many.join(''))).created).toHaveLength(500);
    expect(await planJobs()).toHaveLength(1_000);
  });
});

describe('a change', () => {
  it('of windows raises version and generation and sends a plan job for each door', async () => {
    await apply(head + crew + gym);
    await clearJobs();
    now = new Date('2026-11-24T12:00:00Z');
    expect(await apply(head + crew.replace('17:00', '18:00') + gym)).toMatchObject({
      changed: ['crew'],
      unchanged: ['gym'],
    });
    expect(await stored('crew')).toMatchObject({ version: 2, generations: { front: 1, back: 1 }, updatedAt: now });
    expect(await planJobs()).toEqual(['crew back', 'crew front']);
    const entry = await db.prisma.historyEntry.findFirstOrThrow({ where: { kind: 'schedule.changed' } });
    expect(entry.message).toBe('Schedule crew was changed: windows.');
    expect(entry.detail).toMatchObject({ changes: [{ field: 'windows' }] });
  });

  it('of the name raises the version and opens nothing again', async () => {
    await apply(head + crew);
    await clearJobs();
    await apply(head + crew.replace('Cleaning crew', 'Cleaners'));
    expect(await stored('crew')).toMatchObject({ name: 'Cleaners', version: 2, generations: { front: 0, back: 0 } });
    expect(await planJobs()).toEqual(['crew back', 'crew front']);
  });

  it('of doors plans the new and the old one, and a door that returns never repeats a generation', async () => {
    await apply(head + crew);
    const { id } = await stored('crew');
    await db.prisma.accessCode.create({
      data: {
        scheduleId: id,
        deviceId: 'front',
        windowStartsAt: new Date('2026-12-01T14:00:00Z'),
        windowEndsAt: new Date('2026-12-01T22:00:00Z'),
        generation: 4,
        marker: 'MARKER01',
        nextTryAt: now,
      },
    });
    await clearJobs();
    const without = crew.replace('[front, back]', '[back, side]');
    await apply(head + without);
    expect((await stored('crew')).generations).toEqual({ back: 0, side: 0 });
    expect(await planJobs()).toEqual(['crew back', 'crew front', 'crew side']);
    await apply(head + crew);
    expect((await stored('crew')).generations).toEqual({ back: 0, front: 5 });
  });

  it('of a holiday list changes every schedule that keeps it, also one that is not in the file', async () => {
    await apply(head + crew + gym);
    await clearJobs();
    const lists = head.replace('[2026-12-25]', '[2026-12-25, 2027-01-01]');
    const { changed, notes } = await apply(`${lists}${crew}`);
    expect(changed).toEqual(['crew', 'gym']);
    expect(notes).toEqual(['gym is not in the file and stays as it is.']);
    for (const one of ['crew', 'gym']) {
      expect(await stored(one)).toMatchObject({ version: 2, holidays: [{ dates: ['2026-12-25', '2027-01-01'] }] });
    }
    expect(await planJobs()).toEqual(['crew back', 'crew front', 'gym back']);
    const more = (count: number): string =>
      Array.from({ length: count }, (_, index) => gym.replace('key: gym', `key: gym-${index}`)).join('');
    expect((await apply(head + crew + more(4))).notes).toEqual(['gym is not in the file and stays as it is.']);
    expect((await apply(head + crew)).notes).toEqual([
      '5 schedules are not in the file and stay as they are: gym, gym-0, gym-1, gym-2, gym-3.',
    ]);
    await apply(head + more(6));
    expect((await apply(head + crew)).notes).toEqual([
      '7 schedules are not in the file and stay as they are: gym, gym-0, gym-1, gym-2, gym-3 and 2 more.',
    ]);
  });

  const parts = `    extra: [{ date: 2026-12-26, from: "10:00", to: "14:00" }]
    blackouts: [{ from: 2026-12-24T12:00, to: 2027-01-02T00:00, reason: guest in house }]
    grace: { early_minutes: 10, late_minutes: 15 }
    merge_gaps_up_to_minutes: 30
`;

  it('of extras, blackouts, grace and merging is stored, kept when left out, and taken back when emptied', async () => {
    await apply(head + crew);
    expect((await apply(head + crew + parts)).changed).toEqual(['crew']);
    const given = {
      extra: [{ date: '2026-12-26', from: '10:00', to: '14:00' }],
      blackouts: [{ from: '2026-12-24T12:00', to: '2027-01-02T00:00', reason: 'guest in house' }],
      grace: { earlyMinutes: 10, lateMinutes: 15 },
      mergeGapsUpToMinutes: 30,
    };
    expect(await stored('crew')).toMatchObject({ ...given, version: 2, generations: { front: 1, back: 1 } });
    expect((await apply(head + crew + parts)).unchanged).toEqual(['crew']);
    expect((await apply(head + crew)).unchanged).toEqual(['crew']);
    expect(await stored('crew')).toMatchObject({ ...given, version: 2 });
    const emptied =
      '    extra: []\n    blackouts: []\n    grace: { late_minutes: 0 }\n    merge_gaps_up_to_minutes: 0\n';
    await apply(head + crew + emptied);
    expect(await stored('crew')).toMatchObject({
      extra: [],
      blackouts: [],
      grace: { earlyMinutes: 10, lateMinutes: 0 },
      mergeGapsUpToMinutes: 0,
      version: 3,
    });
  });

  it('of a door\u2019s blackouts is one of every schedule there, and reopens that door only', async () => {
    await apply(head + crew + gym);
    await clearJobs();
    const closed = (lines: string) => head.replace('schedules:', `blackouts:${lines}\nschedules:`);
    const guest = '\n  - { devices: [front], from: 2026-12-24T12:00, to: 2027-01-02T00:00, reason: guest in house }';
    expect(await apply(closed(guest) + crew)).toMatchObject({ changed: ['crew'] });
    expect((await stored('crew')).generations).toEqual({ front: 1, back: 0 });
    expect(await stored('gym')).toMatchObject({ version: 1 });
    const both = guest.replace('[front]', '[front, back]');
    expect(await apply(closed(both) + crew)).toMatchObject({ changed: ['crew', 'gym'] });
    expect((await stored('gym')).generations).toEqual({ back: 1 });
    expect(await apply(closed(both) + crew)).toMatchObject({ changed: [], unchanged: ['crew'] });
    // A file that does not speak of them leaves them; one that does speaks for the doors of its schedules.
    expect(await apply(head + crew)).toMatchObject({ unchanged: ['crew'] });
    const typo = await apply(closed(guest.replace('[front]', '[frond, front, back]')) + crew);
    expect(typo.notes).toContain(
      'No schedule is on device frond, so its blackouts close nothing. Did you mean "front"?',
    );
    expect(await apply(closed(' []') + gym)).toMatchObject({ changed: ['gym', 'crew'] });
    const rows = await db.prisma.doorBlackouts.findMany({ orderBy: { deviceId: 'asc' } });
    expect(rows.map(({ deviceId, blackouts }) => [deviceId, (blackouts as unknown[]).length])).toEqual([
      ['back', 0],
      ['frond', 1],
      ['front', 1],
    ]);
  });

  it('with a mistake anywhere writes nothing, and tells all mistakes', async () => {
    await apply(head + crew);
    const before = await dump();
    const text = `${head.replace('2026-12-25', '2026-12-26')}${crew.replace('17:00', '18:00')}${gym.replace('[us]', '[de]')}  - key: new\n    pin: 1\n`;
    expect(await problemsOf(text)).toEqual([
      expect.stringContaining('19 schedules[1].except.holidays[0]: There is no holiday list "de"'),
      expect.stringContaining('20 schedules[2].name: It is missing'),
      expect.stringContaining('20 schedules[2].devices: It is missing'),
      expect.stringContaining('20 schedules[2].windows: It is missing'),
      expect.stringContaining('21 schedules[2].pin: A PIN without quotes'),
    ]);
    expect(await dump()).toBe(before);
  });
});

describe('nobody is revived unasked', () => {
  it.each(['paused', 'ended'] as const)('%s stays so until --revive', async (status) => {
    await apply(head + crew);
    await db.prisma.schedule.update({ where: { key: 'crew' }, data: { status } });
    await clearJobs();
    const before = await dump();
    const text = `${head}${crew}    status: active\n`;
    const { unchanged, notes } = await apply(text);
    expect(unchanged).toEqual(['crew']);
    expect(notes).toEqual([expect.stringContaining('relatch schedules resume')]);
    expect(await apply(head + crew)).toMatchObject({ unchanged: ['crew'], notes: [] });
    expect(await dump()).toBe(before);

    expect(await apply(text, { revive: true })).toMatchObject({ changed: ['crew'], notes: [] });
    expect(await stored('crew')).toMatchObject({ status: 'active', version: 2, generations: { front: 1, back: 1 } });
    expect(await planJobs()).toEqual(['crew back', 'crew front']);
  });

  it('status: paused pauses', async () => {
    await apply(head + crew);
    await apply(`${head}${crew}    status: paused\n`);
    expect(await stored('crew')).toMatchObject({ status: 'paused', generations: { front: 0, back: 0 } });
  });
});

describe('the PIN', () => {
  const withPin = (schedule: string, pin: string) => `${schedule}    pin: ${pin}\n`;

  it('is drawn once for all doors, differs from others on its doors, and is nowhere to be read', async () => {
    const keys = Array.from({ length: 20 }, (_, index) => `crew-${index}`);
    const all = keys.map((one) => crew.replace('key: crew', `key: ${one}`)).join('');
    await apply(head + all + withPin(gym, '"482133"'));
    const pins = await Promise.all(keys.map(async (one) => (await stored(one)).pin ?? ''));
    expect(new Set(pins).size).toBe(20);
    const text = await dump();
    for (const pin of [...pins, '482133']) {
      expect(pin).toMatch(/^\d{6}$/);
      expect(text).not.toContain(`"${pin}"`);
      expect(text).not.toContain(Buffer.from(pin).toString('hex'));
    }
  });

  it('stays under keep, goes with rotate, and is drawn anew after that', async () => {
    await apply(head + withPin(crew, 'keep'));
    const { pin } = await stored('crew');
    await apply(head + crew.replace('17:00', '18:00'));
    expect((await stored('crew')).pin).toBe(pin);
    await apply(head + withPin(crew, 'rotate'));
    expect(await stored('crew')).toMatchObject({ pin: null, pinPolicy: 'rotate' });
    await apply(head + withPin(crew, 'keep'));
    const again = await stored('crew');
    expect(again.pin).toMatch(/^\d{6}$/);
    // Once each: for the other hours, for rotate, and for the new PIN.
    expect(again.generations).toEqual({ front: 3, back: 3 });
  });

  it('given by the user replaces another, without a word of it in history', async () => {
    await apply(head + withPin(crew, '"482133"'));
    expect(await apply(head + withPin(crew, '"482134"'))).toMatchObject({ changed: ['crew'] });
    expect(await stored('crew')).toMatchObject({
      pin: '482134',
      pinPolicy: 'given',
      version: 2,
      generations: { front: 1, back: 1 },
    });
    const history = JSON.stringify(await db.prisma.historyEntry.findMany(), (_, value) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    expect(history).toContain('was changed: pin');
    expect(history).not.toContain('48213');
    const { notes } = await apply(head + withPin(crew, '"1234"'));
    expect(notes).toEqual(['The PIN given to crew is easy to guess.']);
  });

  it('that another schedule has on the same door is refused; two may swap theirs', async () => {
    await apply(head + withPin(crew, '"482133"'));
    const before = await dump();
    const [problem, ...more] = await problemsOf(head + withPin(gym, '"482133"'));
    expect(more).toEqual([]);
    expect(problem).toContain('12 schedules[0].pin: The schedule "crew" has the same PIN on device back');
    expect(problem).not.toContain('482133');
    await expect(apply(head + withPin(gym, '"482133"'))).rejects.toThrow('has 1 mistake; nothing was written.');
    expect(await dump()).toBe(before);

    await apply(head + withPin(gym, '"571622"'));
    await apply(head + withPin(crew, '"571622"') + withPin(gym, '"482133"'));
    expect([(await stored('crew')).pin, (await stored('gym')).pin]).toEqual(['571622', '482133']);
  });

  it('of a schedule that joins a door where somebody else has it becomes another on that door only', async () => {
    await apply(head + crew.replace('[front, back]', '[front]'));
    const { pin } = await stored('crew');
    await apply(head + withPin(gym, `"${pin}"`));
    await apply(head + crew);
    const joined = await stored('crew');
    expect(joined).toMatchObject({ pin, generations: { front: 0, back: 0 } });
    expect(joined.doorPins).toEqual([['back', expect.stringMatching(/^\d{6}$/)]]);
    expect(joined.doorPins[0]?.[1]).not.toBe(pin);
    expect(await apply(head + crew)).toMatchObject({ unchanged: ['crew'] });

    await apply(head + crew.replace('[front, back]', '[front]'));
    expect(await stored('crew')).toMatchObject({ pin, doorPins: [], generations: { front: 0 } });
  });

  it('is drawn as the known doors take it, and a given one that a door does not take is refused', async () => {
    const constraints = { pinLengths: [4], constraints: ['no_zeros', 'cannot_contain_0789'], nameLengthMax: null };
    await db.prisma.device.create({ data: { id: 'back', name: 'Back door', constraints, refreshedAt: now } });
    await apply(head + crew);
    expect((await stored('crew')).pin).toMatch(/^[1-6]{4}$/);
    expect(await problemsOf(head + withPin(gym, '"4821"'))).toEqual([
      expect.stringContaining('schedules[0].pin: Device back does not take this PIN: it may not contain 0, 7, 8 or 9.'),
    ]);
  });
});

it('two seeds at once come out as one after the other', async () => {
  const texts = Array.from({ length: 4 }, (_, index) => head + crew.replace('17:00', `1${index + 4}:00`) + gym);
  const results = await Promise.all(texts.map((text) => apply(text)));
  expect(results.filter(({ created }) => created.length > 0)).toHaveLength(1);
  expect(await db.prisma.schedule.count()).toBe(2);
  expect(await stored('crew')).toMatchObject({ version: 4, generations: { front: 3, back: 3 } });
  expect(await stored('gym')).toMatchObject({ version: 1 });
});

describe('npm run seed', () => {
  const run = promisify(execFile);
  async function start(program: string, args: readonly string[], over: Record<string, string> = {}) {
    const PIN_ENCRYPTION_KEYS = key.toString('base64');
    const env = { ...process.env, DATABASE_URL: database.url, PIN_ENCRYPTION_KEYS, SEAM_API_KEY: '', ...over };
    try {
      const { stdout, stderr } = await run(process.execPath, [program, ...args], { env });
      return { code: 0, stdout, stderr };
    } catch (error) {
      return error as { code: number; stdout: string; stderr: string };
    }
  }
  const seed = (...args: string[]) => start('prisma/seed.ts', args);

  it('applies the example, says what it did and what comes next, and is content the second time', async () => {
    const first = await seed();
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toMatch(/^created {4}cleaning-crew: next window .* 09:00–17:00 \(America\/New_York\)$/m);
    expect(first.stdout).toContain('5 schedules, 5 created, 0 changed, 0 unchanged.');
    const second = await seed();
    expect(second.stdout).toContain('0 created, 0 changed, 5 unchanged.');
  });

  it('tells mistakes with file and line on stderr and exits with 2', async () => {
    const file = join(tmpdir(), `relatch-seed-${process.pid}.yaml`);
    await writeFile(file, `${head}${crew}    pin: 482133\n    colour: blue\n`);
    const { code, stdout, stderr } = await seed(file);
    await rm(file);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(`${file}:12  schedules[0].pin: `);
    expect(stderr).toContain(`${file}:13  schedules[0].colour: `);
    expect(stderr).toContain('2 mistakes; nothing was written.');
    expect(stderr).not.toContain('482133');
    expect(await db.prisma.schedule.count()).toBe(0);
  });

  it('bundled does the same, and finds the example', async () => {
    await build();
    const { code, stdout } = await start('dist/seed.js', []);
    expect(code).toBe(0);
    expect(stdout).toContain('schedules.example.yaml: 5 schedules, 5 created, 0 changed, 0 unchanged.');
  });

  it('exits with 2 and a sentence when the folder of the embedded database cannot be made', async () => {
    const { code, stderr } = await start('prisma/seed.ts', [], { DATABASE_URL: '', DATA_DIR: 'package.json' });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^the embedded PostgreSQL needs DATA_DIR, and .*package\.json cannot be written: .*\n$/);
  });

  it('exits with 2 for a wrong option and for a file that is not there', async () => {
    expect(await seed('--wrong')).toMatchObject({ code: 2, stderr: expect.stringContaining('Usage: npm run seed') });
    expect(await seed('nowhere.yaml')).toMatchObject({ code: 2, stderr: 'nowhere.yaml: there is no such file.\n' });
  });
});
