// How a pass reads events, what it may spend, and that it leaves alone what is well.
import { expect, it } from 'vitest';
import { describeReport } from '../../src/commands/reconcile.ts';
import { reconcile } from '../../src/flows/reconcile.ts';
import {
  aSchedule,
  backDoor,
  daily,
  frontDoor,
  schedulesFile,
  startWorld,
  type World,
  weekdays,
} from '../support/relatch.ts';
import { versions } from '../support/versions.ts';

const now = '2027-03-08T12:00:00Z';
const listEvents = 'GET /events/list';

function position(world: World) {
  return world.relatch.deps.db.prisma.installation.findUniqueOrThrow({ where: { id: 1 } });
}

it('puts events that no delivery brought into the inbox, once, without their PINs', async () => {
  await using world = await startWorld({ now, delivers: false });
  await world.apply(weekdays());
  await world.until('2027-03-08T14:00:30Z');
  const { deps } = world.relatch;
  await world.sweep();
  const inbox = await deps.db.prisma.inboxEvent.findMany();
  const told = world.simulator.events.filter(({ event_type }) => event_type.startsWith('access_code.'));
  expect(new Set(inbox.map(({ key }) => key))).toEqual(new Set(told.map(({ event_id }) => event_id)));
  expect(inbox.map(({ svixId, state }) => ({ svixId, state }))).toEqual(
    inbox.map(() => ({ svixId: null, state: 'handled' })),
  );
  const pin = world.onlyCode().code;
  expect(pin).toMatch(/^\d+$/);
  expect(JSON.stringify(inbox)).not.toContain(`"${pin}"`);
  expect((await world.history()).map(({ message }) => message).join()).toContain('Set on the lock: the code of Crew');
  expect(await world.pass()).toMatchObject({ events: { missing: 0 } });
});

it('knows an event that a delivery brought as the same one', async () => {
  await using world = await startWorld({ now });
  await world.apply(weekdays());
  await world.until('2027-03-08T14:00:30Z');
  expect(await world.pass()).toMatchObject({ events: { missing: 0, stoppedBecause: null } });
});

it('begins with its own creation, and later an hour before the last event', async () => {
  await using world = await startWorld({ now, delivers: false });
  await world.apply(weekdays());
  await world.sweep();
  await world.until('2027-03-08T18:00:00Z');
  await world.sweep();
  await world.until('2027-03-08T18:10:00Z');
  await world.sweep();
  const froms = world.simulator.requests
    .filter(({ method, path }) => `${method} ${path}` === listEvents)
    .map(({ params }) => (params as { between: string[] }).between[0]);
  expect(froms[0]).toBe('2027-03-08T12:00:00.000Z');
  expect(froms.at(-1)).toBe('2027-03-08T13:00:00.000Z');
});

it.each(['oldest_first', 'newest_first'] as const)('reads more events than a pass may, %s', async (eventsListOrder) => {
  await using world = await startWorld({ now, delivers: false, switches: { eventsListOrder } });
  await world.apply(weekdays());
  await world.sweep();
  const { access_code_id } = world.onlyCode();
  const [event] = world.simulator.events;
  if (event === undefined) throw new Error('there is no event');
  for (let index = 0; index < 1_200; index += 1) {
    const at = new Date(Date.parse(now) + index * 1_000).toISOString();
    const event_id = `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
    world.simulator.emit({ ...event, event_id, access_code_id, created_at: at, occurred_at: at } as typeof event);
  }
  await world.until('2027-03-08T12:30:00Z');
  const limits = { seamCalls: 2, durationMs: 60_000 };
  const first = await world.pass({ limits });
  expect(first?.events.stoppedBecause).toBe('a pass makes at most 2 calls to Seam');
  expect((await position(world)).eventsOffset).toBe(1_000);
  const second = await world.pass({ limits });
  expect(second?.events.stoppedBecause).toBeNull();
  expect((first?.events.missing ?? 0) + (second?.events.missing ?? 0)).toBeGreaterThanOrEqual(1_200);
  expect(await position(world)).toMatchObject({ eventsReadingTo: null, eventsOffset: 0 });
});

it('writes nothing over a healthy fleet, once its events are read', async () => {
  await using world = await startWorld({ now });
  const night = aSchedule({ key: 'night', name: 'Night', pin: 'rotate', devices: [frontDoor, backDoor] });
  await world.apply(schedulesFile([aSchedule({ devices: [frontDoor, backDoor] }), night]));
  await world.until('2027-03-08T18:00:00Z');
  await world.sweep();
  const before = await versions(world.relatch.deps.db);
  const report = await world.pass();
  expect(report).toMatchObject({ woken: 0, replanned: 0, repairs: [], devices: { compared: 2, stoppedBecause: null } });
  expect(await versions(world.relatch.deps.db)).toEqual(before);
});

it('writes how far events were read, and nothing else, when deliveries have brought all of them', async () => {
  await using world = await startWorld({ now });
  await world.apply(weekdays());
  await world.sweep();
  await world.until('2027-03-08T18:00:00Z');
  const before = await versions(world.relatch.deps.db);
  await world.pass();
  const after = await versions(world.relatch.deps.db);
  expect(Object.keys(after).filter((name) => after[name] !== before[name])).toEqual(['public.installation']);
});

it('compares the devices that a bound left out in the passes that follow', async () => {
  await using world = await startWorld({ now, delivers: false });
  await world.apply(weekdays({ devices: [frontDoor, backDoor] }));
  await world.sweep();
  // One call reads the events, one is for a device.
  const limits = { seamCalls: 2, durationMs: 60_000 };
  expect(await world.pass({ limits })).toMatchObject({ devices: { compared: 1 } });
  expect((await position(world)).devicesComparedTo).toBe(backDoor);
  world.simulator.deleteByHand(world.onlyCode(frontDoor).access_code_id);
  await world.until('2027-03-08T12:05:00Z');
  expect(await world.pass({ limits })).toMatchObject({ devices: { compared: 1 }, repairs: [{}] });
  expect((await position(world)).devicesComparedTo).toBeNull();
  expect(await world.pass({ limits: { seamCalls: 10, durationMs: 0 } })).toMatchObject({
    events: { stoppedBecause: 'a pass lasts at most 0 s' },
  });
});

it('comes to what lies beyond the first page, of devices and of doors', async () => {
  await using world = await startWorld({ now, delivers: false });
  const devices = [frontDoor, backDoor];
  const night = aSchedule({ key: 'night', name: 'Night', windows: daily('20:00', '23:00'), devices });
  await world.apply(schedulesFile([aSchedule({ devices }), night]));
  await world.sweep();
  expect(world.simulator.codes()).toHaveLength(4);
  const { db } = world.relatch.deps;
  await db.pool.query('delete from access_codes');
  for (const { access_code_id } of world.simulator.codes()) world.simulator.deleteByHand(access_code_id);
  await world.until('2027-03-08T12:10:00Z');
  // A dry run plans nothing, so that the pass after it finds the same.
  const compared = await world.pass({ dryRun: true, pageSize: 1 });
  expect(compared.devices).toMatchObject({ compared: 2, stoppedBecause: null });
  expect(compared.repairs.map(({ door }) => door).toSorted()).toEqual([
    ...['Crew at Back door', 'Crew at Front door', 'Night at Back door', 'Night at Front door'],
  ]);
  // Without a call to Seam only the doors that sleep are found.
  const limits = { seamCalls: 0, durationMs: 60_000 };
  expect(await world.pass({ limits, pageSize: 1 })).toMatchObject({ woken: 4 });
  await world.rest();
  expect((await world.codes()).map(({ state }) => state)).toEqual(Array(4).fill('created'));
  const tzdataVersion = 'another release';
  expect(await world.pass({ pageSize: 1, tzdataVersion })).toMatchObject({ woken: 0, repairs: [], replanned: 4 });
});

it('stops when Seam cannot be reached, and loses nothing by it', async () => {
  await using world = await startWorld({ now, delivers: false });
  await world.apply(weekdays());
  await world.sweep();
  const tooMany = { kind: 'status', status: 429, type: 'rate_limit_exceeded' } as const;
  world.simulator.faults.next(listEvents, tooMany);
  const before = world.simulator.requests.length;
  // Whoever is told to wait asks nothing else.
  expect(await world.pass()).toMatchObject({
    events: { stoppedBecause: expect.stringContaining('429') },
    devices: { compared: 0, stoppedBecause: expect.stringContaining('429') },
  });
  expect(world.simulator.requests.slice(before).map(({ path }) => path)).toEqual(['/events/list']);
  world.simulator.faults.next('GET /access_codes/list', { kind: 'status', status: 401, type: 'unauthorized' });
  const report = await world.pass();
  expect(report?.devices).toMatchObject({ compared: 0, failed: 1, stoppedBecause: expect.stringContaining('401') });
  // A refused key is tried again once a minute.
  await world.until('2027-03-08T12:05:00Z');
  expect(await world.pass()).toMatchObject({ events: { stoppedBecause: null } });
  expect((await world.codes()).map(({ state }) => state)).toEqual(['created']);
});

it.each([
  ['the list of one', 0],
  ['the second look at its orphans', 1],
])('ends at a door where Seam asks to wait, and goes on there: %s', async (_which, orphans) => {
  await using world = await startWorld({ now, delivers: false });
  const list = 'GET /access_codes/list';
  const devices = [frontDoor, backDoor];
  await world.apply(schedulesFile([aSchedule({ devices }), aSchedule({ key: 'old', devices, pin: 'rotate' })]));
  await world.sweep();
  if (orphans > 0) {
    const { db } = world.relatch.deps;
    await db.pool.query("delete from access_codes c using schedules s where s.id = c.schedule_id and s.key = 'old'");
    await db.prisma.schedule.update({ where: { key: 'old' }, data: { status: 'paused' } });
    await world.simulator.advanceTo(new Date('2027-03-08T12:10:00Z'));
    // The first look at each door has its answer.
    world.simulator.faults.next(list, { kind: 'slow', delayMs: 1 });
  }
  world.simulator.faults.next(list, { kind: 'status', status: 429, type: 'rate_limit_exceeded' });
  const [before, lists] = [world.simulator.requests.length, world.calls(list)];
  const first = await world.pass();
  expect(first.devices.stoppedBecause).toContain('429');
  expect(world.calls(list) - lists).toBe(1 + orphans);
  expect(world.simulator.requests.slice(before)).toHaveLength(2 + orphans);
  expect((await position(world)).devicesComparedTo).toBe([...devices].sort()[0]);
  const second = await world.pass();
  expect(second.devices).toMatchObject({ compared: 1, stoppedBecause: null });
});

it('leaves doors to the next pass when its time is over or the service stops', async () => {
  await using world = await startWorld({ now, delivers: false });
  const devices = [frontDoor, backDoor];
  await world.apply(weekdays({ devices }));
  await world.sweep();
  await world.relatch.deps.db.pool.query('delete from access_codes');
  const stopped = new AbortController();
  stopped.abort();
  const tzdataVersion = 'another release';
  for (const cut of [{ signal: stopped.signal }, { limits: { seamCalls: 0, durationMs: 0 } }]) {
    expect(await world.pass({ ...cut, tzdataVersion })).toMatchObject({ woken: 0, replanned: 0 });
  }
  const limits = { seamCalls: 0, durationMs: 60_000 };
  expect(await world.pass({ limits, tzdataVersion })).toMatchObject({ woken: 2, replanned: 2 });
});

it('says in a dry run what it would do at which door, and writes nothing', async () => {
  await using world = await startWorld({ now, delivers: false });
  await world.apply(weekdays({ devices: [frontDoor, backDoor] }));
  await world.sweep();
  const { deps } = world.relatch;
  await deps.db.pool.query('delete from access_codes where device_id = $1', [backDoor]);
  for (const door of [frontDoor, backDoor]) world.simulator.deleteByHand(world.onlyCode(door).access_code_id);
  await world.until('2027-03-08T12:10:00Z');
  const before = await versions(world.relatch.deps.db);
  const report = await world.pass({ dryRun: true });
  expect(await versions(world.relatch.deps.db)).toEqual(before);
  if (report === null) throw new Error('a dry run waits for nobody');
  expect(describeReport(report, true).split('\n')).toEqual([
    'Crew at Back door: would plan a code for Crew at Back door, Mon 8 Mar 09:00–17:00',
    'Crew at Front door: would ask Seam where the code of Crew at Front door, Mon 8 Mar 09:00–17:00 is, which it does not list any more',
    expect.stringMatching(
      /^\d+ of \d+ events would be stored .*; 2 devices compared, 0 could not be; 2 differences\.$/,
    ),
  ]);
});

it('is made by one replica at a time', async () => {
  await using world = await startWorld({ now, delivers: false });
  await world.apply(weekdays());
  await world.sweep();
  world.simulator.deleteByHand(world.onlyCode().access_code_id);
  await world.until('2027-03-08T12:05:00Z');
  world.simulator.faults.next(listEvents, { kind: 'slow', delayMs: 300 });
  const { deps } = world.relatch;
  const first = reconcile(deps);
  await expect.poll(() => world.simulator.requests.at(-1)?.path).toBe('/events/list');
  expect(await reconcile(deps)).toBeNull();
  expect(await first).toMatchObject({ repairs: [{}] });
  expect(await reconcile(deps)).not.toBeNull();
});

it('does not keep the service from being ready while Seam hangs', async () => {
  await using world = await startWorld({ now });
  await world.stop();
  world.simulator.faults.next('*', { kind: 'hang' }, { times: 1_000 });
  await world.start();
  // Shorter than a call to Seam may last.
  await expect.poll(async () => (await fetch(`${world.relatch.url}/readyz`)).status, { timeout: 6_000 }).toBe(200);
  world.simulator.faults.clear();
});
