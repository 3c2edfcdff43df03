// Seam does not answer, or does not take our key: calls stop, one at a time finds out when that has passed.
import { expect, it } from 'vitest';
import { listAlerts } from '../../src/db/alerts.ts';
import { compareFirst } from '../../src/flows/compare-first.ts';
import { aSchedule, daily, frontDoor, schedulesFile, startWorld, type World } from '../support/relatch.ts';

const doors = Array.from({ length: 8 }, (_, at) => `00000000-0000-4000-8000-00000000000${at}`);
const down = { kind: 'status', status: 503, body: '' } as const;
const keyRefused = { kind: 'status', status: 401, type: 'unauthorized' } as const;
const always = { times: 1_000_000 };

function house(now: string): Promise<World> {
  const devices = [frontDoor, ...doors].map((device_id, at) => ({ device_id, name: `Door ${at}` }));
  return startWorld({ now, devices });
}

/** One schedule for each door, 9 to 17 in New York (14:00 to 22:00 in UTC). */
const everyDoor = schedulesFile(doors.map((door, at) => aSchedule({ key: `crew-${at}`, devices: [door] })));

function callsBetween(world: World, from: string, to: string): number {
  const [fromAt, toAt] = [new Date(from), new Date(to)];
  return world.simulator.requests.filter(({ at }) => at >= fromAt && at < toAt).length;
}

async function kinds(world: World): Promise<string[]> {
  return (await world.history()).map(({ kind }) => kind).filter((kind) => kind.startsWith('seam.'));
}

function openAlerts(world: World) {
  return listAlerts(world.relatch.deps.db.prisma, { withAcknowledged: true, limit: 100 });
}

it('asks a Seam that does not answer ever more rarely, one call at a time, and loses nothing', async () => {
  await using world = await house('2027-03-08T11:00:00Z');
  world.simulator.faults.next('*', down, always);
  await world.apply(everyDoor);
  await world.until('2027-03-08T13:00:00Z');
  // Two hours before eight windows, people are told once.
  expect(await kinds(world)).toEqual(['seam.paused', 'seam.awaited']);
  expect(await world.alerts()).toEqual([expect.stringContaining('Seam cannot be asked')]);
  expect(await openAlerts(world)).toMatchObject([{ kind: 'seam.awaited', state: 'open' }]);
  // Each of eight doors by itself would make as many.
  expect(callsBetween(world, '2027-03-08T12:00:00Z', '2027-03-08T13:00:00Z')).toBeLessThanOrEqual(13);
  expect(callsBetween(world, '2027-03-08T12:00:00Z', '2027-03-08T13:00:00Z')).toBeGreaterThan(6);
  world.simulator.faults.clear();
  await world.until('2027-03-08T13:06:30Z');
  expect(await kinds(world)).toEqual(['seam.paused', 'seam.awaited', 'seam.resumed']);
  expect(await openAlerts(world)).toEqual([]);
  await world.until('2027-03-08T13:15:00Z');
  expect((await world.codes()).map(({ state }) => state)).toEqual(doors.map(() => 'created'));
  const creates = world.simulator.requests.filter(({ status, path }) => status === 200 && path.endsWith('/create'));
  expect(new Set(creates.map(({ at }) => at.getTime())).size).toBeGreaterThan(4);
  await world.until('2027-03-08T23:00:00Z');
  for (const door of doors) expect(world.opened(door)).toEqual(['2027-03-08T14:00Z/2027-03-08T22:00Z']);
});

it('stops calling a Seam that is out in a house of one door too', async () => {
  await using world = await house('2027-03-08T10:00:00Z');
  world.simulator.faults.next('*', down, always);
  await world.apply(schedulesFile([aSchedule()]));
  await world.until('2027-03-08T10:30:00Z');
  expect(await kinds(world)).toEqual(['seam.paused']);
  world.simulator.faults.clear();
  await world.until('2027-03-08T10:37:00Z');
  expect(await kinds(world)).toEqual(['seam.paused', 'seam.resumed']);
  expect(world.simulator.codes({ device_id: frontDoor })).toHaveLength(1);
});

it('makes every code of a small house within seconds once Seam answers again', async () => {
  await using world = await house('2027-03-08T12:00:00Z');
  world.simulator.faults.next('*', down, always);
  await world.apply(everyDoor);
  await world.until('2027-03-08T12:20:00Z');
  world.simulator.faults.clear();
  await world.until('2027-03-08T12:30:00Z');
  const entries = await world.relatch.deps.db.prisma.historyEntry.findMany({ orderBy: { at: 'asc' } });
  const resumedAt = entries.find(({ kind }) => kind === 'seam.resumed')!.at;
  const lastAt = entries.findLast(({ kind }) => kind === 'code.created')!.at;
  expect(lastAt.getTime() - resumedAt.getTime()).toBeLessThanOrEqual(5_000);
});

it('tries at least every minute or so while a window is near', async () => {
  await using world = await house('2027-03-08T13:00:00Z');
  world.simulator.faults.next('*', down, always);
  await world.apply(everyDoor);
  await world.until('2027-03-08T13:57:00Z');
  expect(callsBetween(world, '2027-03-08T13:52:00Z', '2027-03-08T13:57:00Z')).toBeGreaterThanOrEqual(3);
});

it('does not take one door that fails for an outage', async () => {
  await using world = await house('2027-03-08T12:00:00Z');
  const [broken = '', ...others] = doors;
  world.simulator.faults.next('*', down, { ...always, device_id: broken });
  await world.apply(everyDoor);
  await world.until('2027-03-08T13:30:00Z');
  expect(await kinds(world)).toEqual([]);
  for (const door of others) expect(world.simulator.codes({ device_id: door })).toHaveLength(1);
});

it('holds up no code because lists alone are not answered, and asks for none before a code while Seam is out', async () => {
  await using world = await house('2027-03-08T11:00:00Z');
  await world.apply(everyDoor);
  const restarted = { ...world.relatch.deps, comparedDevices: new Set<string>() };
  const compareAll = async () => {
    for (const door of doors) expect(await compareFirst(restarted, door)).toBe(false);
  };
  world.simulator.faults.next('/access_codes/list', down, always);
  await compareAll();
  expect(await kinds(world)).toEqual([]);
  expect(world.calls('GET /access_codes/list')).toBe(doors.length);

  for (const door of doors) await restarted.seam.listManagedCodes(door);
  expect(await kinds(world)).toEqual(['seam.paused']);
  await world.simulator.advanceTo(new Date('2027-03-08T11:10:00Z'));
  const before = world.calls('GET /access_codes/list');
  await compareAll();
  expect(world.calls('GET /access_codes/list')).toBe(before);
});

it('stops calling when the key is refused, with one alert for all doors, and goes on by itself when it is taken', async () => {
  await using world = await house('2027-03-08T10:00:00Z');
  world.simulator.faults.next('*', keyRefused, always);
  await world.apply(everyDoor);
  await world.until('2027-03-08T10:30:00Z');
  expect(await world.alerts()).toEqual([expect.stringContaining('Check SEAM_API_KEY')]);
  expect(await openAlerts(world)).toMatchObject([{ kind: 'seam.paused', state: 'open', deviceId: null, times: 1 }]);
  // What was under way at once when it was first refused, and then no more than one a minute.
  expect(callsBetween(world, '2027-03-08T10:00:00Z', '2027-03-08T10:01:00Z')).toBeLessThanOrEqual(16);
  expect(callsBetween(world, '2027-03-08T10:01:00Z', '2027-03-08T10:30:00Z')).toBeLessThanOrEqual(29);
  expect((await world.codes()).map(({ state }) => state)).toEqual(doors.map(() => 'planned'));
  world.simulator.faults.clear();
  await world.until('2027-03-08T10:36:00Z');
  expect(await openAlerts(world)).toEqual([]);
  expect(await kinds(world)).toEqual(['seam.paused', 'seam.resumed']);
  expect((await world.codes()).map(({ state }) => state)).toEqual(doors.map(() => 'created'));
});

it('asks about a refused key each minute, also where one code waits for it, and makes it then', async () => {
  await using world = await house('2027-03-08T10:00:00Z');
  world.simulator.faults.next('*', keyRefused, always);
  await world.apply(schedulesFile([aSchedule()]));
  for (const [from, to] of [
    ['2027-03-08T10:10:00Z', '2027-03-08T10:20:00Z'],
    ['2027-03-08T10:20:00Z', '2027-03-08T10:30:00Z'],
  ] as const) {
    await world.until(to);
    expect(callsBetween(world, from, to)).toBeGreaterThanOrEqual(8);
    expect(callsBetween(world, from, to)).toBeLessThanOrEqual(10);
  }
  world.simulator.faults.clear();
  await world.until('2027-03-08T10:31:15Z');
  expect((await world.codes()).map(({ state }) => state)).toEqual(['created']);
});

it('does what was held back, removals and changes too, within seconds once a key is taken again', async () => {
  await using world = await house('2027-03-08T10:00:00Z');
  await world.apply(everyDoor);
  world.simulator.faults.next('*', keyRefused, always);
  const changed = doors.map((door, at) => {
    const fields = at < 3 ? { status: 'paused' } : at < 6 ? { windows: daily('10:00', '17:00') } : {};
    return aSchedule({ key: `crew-${at}`, devices: [door], ...fields });
  });
  await world.apply(schedulesFile([...changed, aSchedule({ key: 'new' })]));
  await world.until('2027-03-08T10:20:00Z');
  world.simulator.faults.clear();
  await world.until('2027-03-08T10:25:30Z');
  const entries = await world.relatch.deps.db.prisma.historyEntry.findMany({ orderBy: { at: 'asc' } });
  const resumedAt = entries.find(({ kind }) => kind === 'seam.resumed')?.at.getTime() ?? 0;
  const later = entries.filter(
    ({ at, kind }) => at.getTime() >= resumedAt && /^code\.(updated|removed|created)$/.test(kind),
  );
  expect(later.map(({ kind }) => kind).sort()).toEqual([
    'code.created',
    ...Array.from({ length: 3 }, () => 'code.removed'),
    ...Array.from({ length: 3 }, () => 'code.updated'),
  ]);
  // Five seconds are what a removal takes until Seam no longer knows the code.
  for (const { at } of later) expect(at.getTime() - resumedAt).toBeLessThanOrEqual(8_000);
});

it('does not take a key that may read for one that may write', async () => {
  await using world = await house('2027-03-08T10:00:00Z');
  world.simulator.faults.next('POST /access_codes/create', { ...keyRefused, status: 403 }, always);
  await world.apply(everyDoor);
  await world.until('2027-03-08T10:20:00Z');
  expect(await kinds(world)).toEqual(['seam.paused']);
  world.simulator.faults.clear();
  await world.until('2027-03-08T10:30:00Z');
  expect(await kinds(world)).toEqual(['seam.paused', 'seam.resumed']);
  expect((await world.codes()).map(({ state }) => state)).toEqual(doors.map(() => 'created'));
});

it('tries a refused key at once after a restart', async () => {
  await using world = await house('2027-03-08T12:00:00Z');
  world.simulator.faults.next('*', keyRefused, always);
  await world.apply(everyDoor);
  await world.stop();
  world.simulator.faults.clear();
  await world.start();
  await world.apply(schedulesFile([aSchedule({ windows: daily('09:00', '17:00') })]));
  expect(world.simulator.codes({ device_id: frontDoor })).toHaveLength(1);
  expect(await openAlerts(world)).toEqual([]);
});

it('leaves a code that could not be moved, because Seam was not asked, as Seam confirmed it', async () => {
  await using world = await house('2027-03-08T12:00:00Z');
  await world.apply(everyDoor);
  const before = await world.relatch.deps.db.prisma.accessCode.findMany({ orderBy: { id: 'asc' } });
  world.simulator.faults.next('*', keyRefused, always);
  const moved = { windows: daily('10:00', '17:00') };
  await world.apply(schedulesFile([aSchedule({ key: 'crew-0', devices: doors.slice(0, 1), ...moved })]));
  await world.apply(schedulesFile([aSchedule({ key: 'crew-1', devices: doors.slice(1, 2), ...moved })]));
  const after = await world.relatch.deps.db.prisma.accessCode.findMany({ orderBy: { id: 'asc' } });
  const second = after.findIndex(({ deviceId }) => deviceId === doors[1]);
  const { calledAt, askedStartsAt } = before[second]!;
  expect(after[second]).toMatchObject({ state: 'created', calledAt, askedStartsAt });
  world.simulator.faults.clear();
  await world.until('2027-03-08T12:10:00Z');
  for (const door of doors.slice(0, 2)) {
    expect(world.onlyCode(door)).toMatchObject({ starts_at: '2027-03-08T15:00:00.000Z' });
  }
});
