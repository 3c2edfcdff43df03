import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDb, type Db } from '../../src/db/client.ts';
import { readStanding, readWindows } from '../../src/db/readings.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const now = new Date('2027-03-08T12:00:00Z');
const at = (hours: number): Date => new Date(now.getTime() + hours * 3_600_000);

let database: TestDatabase;
let db: Db;

beforeAll(async () => {
  database = await createTestDatabase();
  db = createDb({ url: database.url });
});
afterAll(async () => {
  await db.close();
  await database.drop();
});
beforeEach(() => db.prisma.$executeRaw`truncate schedules, access_codes cascade`);

type Code = Parameters<Db['prisma']['accessCode']['create']>[0]['data'];

/** A window from half an hour ago, whose code was made a day before and was on the lock an hour before; changed as given. */
async function given(changes: Partial<Code> = {}, scheduleChangedAt = at(-100), scheduleId?: string): Promise<string> {
  const id = scheduleId ?? randomUUID();
  if (scheduleId === undefined) {
    const schedule = { id, key: id, name: 'Crew', timezone: 'UTC', startsOn: at(-1_000), updatedAt: scheduleChangedAt };
    await db.prisma.schedule.create({ data: { ...schedule, devices: { create: { deviceId: 'front' } } } });
  }
  const code = { windowStartsAt: at(-0.5), windowEndsAt: at(7), readyAt: at(-1.5), createdAt: at(-24) };
  const isFinal = changes.state === 'closed' || changes.state === 'removed';
  const made = { state: 'created' as const, marker: randomUUID().slice(0, 8), accessCodeId: randomUUID() };
  const row = { ...code, ...made, ...changes };
  await db.prisma.accessCode.create({
    data: { ...row, scheduleId: id, deviceId: 'front', nextTryAt: isFinal ? null : now } as Code,
  });
  return id;
}

describe('windows that began', () => {
  const begun = async () =>
    (await readWindows(db, now)).begun.map(({ ready, unready }) => `${ready} ready, ${unready} not`);

  it.each<[string, Partial<Code>, string]>([
    ['on the lock before', {}, '1 ready, 0 not'],
    ['set by a lock that keeps schedules, at the start itself', { readyAt: at(-0.49) }, '1 ready, 0 not'],
    ['set minutes late', { readyAt: at(-0.4) }, '0 ready, 1 not'],
    ['never on the lock', { readyAt: null }, '0 ready, 1 not'],
    [
      'gone from the lock before it began',
      { state: 'removed', removedAt: at(-1), reason: 'overdue' },
      '0 ready, 1 not',
    ],
    ['gone by now', { state: 'removed', removedAt: at(-0.1), reason: 'expired' }, '1 ready, 0 not'],
    ['missed', { state: 'closed', readyAt: null, reason: 'missed' }, '0 ready, 1 not'],
    ['slept through while nothing ran', { state: 'closed', readyAt: null, createdAt: now }, '0 ready, 1 not'],
    ['taken back', { state: 'closed', readyAt: null, reason: 'not_planned' }, '0 ready, 0 not'],
    ['so young that its report may be under way', { windowStartsAt: at(-0.01), readyAt: null }, '0 ready, 0 not'],
    ['of no generation that serves a window', { generation: -1, readyAt: null }, '0 ready, 0 not'],
    ['still to come', { windowStartsAt: at(1) }, '0 ready, 0 not'],
  ])('count one that was %s', async (_what, changes, counts) => {
    await given(changes);
    expect(await begun()).toEqual([counts, counts]);
  });

  it('count one from yesterday in the day only, and one from before that nowhere', async () => {
    await given({ windowStartsAt: at(-20), windowEndsAt: at(-12), readyAt: at(-21) });
    await given({ windowStartsAt: at(-25), windowEndsAt: at(-1), readyAt: at(-26) });
    expect(await begun()).toEqual(['0 ready, 0 not', '1 ready, 0 not']);
  });

  it('count none that had begun when the schedule was made or changed', async () => {
    await given({ createdAt: at(-0.2), readyAt: null }, at(-0.2));
    expect(await begun()).toEqual(['0 ready, 0 not', '0 ready, 0 not']);
  });

  it('count one once whose device went away and came back', async () => {
    const id = await given({ state: 'closed', reason: 'device_back' });
    await given({ generation: 1, createdAt: at(-0.1), readyAt: null }, undefined, id);
    expect(await begun()).toEqual(['1 ready, 0 not', '1 ready, 0 not']);
  });
});

describe('windows without their code', () => {
  it('are counted by how soon they begin, without those that are over, served or on their way out', async () => {
    const soon = (hours: number) => ({ windowStartsAt: at(hours), windowEndsAt: at(hours + 8), readyAt: null });
    for (const hours of [-1, 0.2, 1, 30]) await given({ ...soon(hours), state: 'planned' });
    await given(soon(0.1));
    await given({ ...soon(0.05), readyAt: at(-1) });
    await given({ ...soon(-1), state: 'removing' });
    await given({ ...soon(-9) });
    expect(await readWindows(db, now)).toMatchObject({
      openUnready: 1,
      unready15m: 2,
      unready2h: 3,
      unready24h: 3,
      nextUnreadySeconds: 360,
    });
  });

  it('are none where there is none', async () => {
    await given();
    expect(await readWindows(db, now)).toMatchObject({ openUnready: 0, unready24h: 0, nextUnreadySeconds: null });
  });
});

describe("a device's calls", () => {
  const left = async () => Object.fromEntries((await readStanding(db, now)).budgets.map((one) => [one.call, one.left]));

  it('are told of the device with the fewest left, of this minute only', async () => {
    const ago = (...seconds: number[]) => seconds.map((one) => new Date(now.getTime() - one * 1_000));
    const budget = { kind: 'create', blockedUntil: null };
    expect(await left()).toEqual({ create: 10, update: 10, delete: 20 });
    await db.prisma.seamBudget.createMany({
      data: [
        { ...budget, deviceId: 'busy', callsAt: ago(90, 70, 20, 10, 1) },
        { ...budget, deviceId: 'calm', callsAt: ago(5) },
        { ...budget, deviceId: 'done', callsAt: ago(...Array.from({ length: 10 }, (_, at) => 200 - at)) },
        { ...budget, deviceId: 'told', kind: 'delete', callsAt: [], blockedUntil: at(1) },
      ],
    });
    expect(await left()).toEqual({ create: 7, update: 10, delete: 0 });
  });
});
