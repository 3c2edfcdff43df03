import { expect, it } from 'vitest';
import type { Switches } from '../../src/simulator/switches.ts';
import { aSchedule, daily, frontDoor, schedulesFile, startWorld, type World, weekdays } from '../support/relatch.ts';

const create = 'POST /access_codes/create';
const pin = '482165';
const given = (fields: Record<string, unknown> = {}): string => weekdays({ pin, ...fields });

function startConflict(switches: Partial<Switches> = {}): Promise<World> {
  return startWorld({ now: '2027-03-08T12:00:00Z', switches });
}
const createdAt = (world: World): string[] =>
  world.simulator.requests
    .filter(({ path }) => path === '/access_codes/create')
    .map(({ at }) => at.toISOString().slice(11, 19));

it('adopts its own code when a repeat is refused because the first create had happened after all', async () => {
  await using world = await startConflict();
  const overlooks = {
    access_codes: [],
    pagination: { has_next_page: false, next_page_cursor: null, next_page_url: null },
  };
  world.simulator.faults.next(create, { kind: 'answer_lost_after_commit' });
  world.simulator.faults.next('GET /access_codes/list', { kind: 'status', status: 200, body: overlooks });
  await world.apply(given());
  await world.until('2027-03-08T12:01:00Z');
  expect(
    world.simulator.requests.filter(({ path }) => path === '/access_codes/create').map(({ status }) => status),
  ).toEqual([null, 409]);
  expect(world.onlyCode()).toMatchObject({ code: pin });
  expect(await world.codes()).toMatchObject([{ state: 'created', adopted: true }]);
});

it('deletes an old code of its own that still holds the PIN, and comes back after 5, 15 and 60 s, then every 5 min', async () => {
  await using world = await startConflict({ afterExpiry: 'retained', expiredCodeBlocksPin: true });
  await world.apply(given());
  world.simulator.faults.next('DELETE /access_codes/delete', { kind: 'status', status: 500 }, { times: 5 });
  await world.until('2027-03-08T22:30:00Z');
  expect(createdAt(world)).toEqual([
    '12:00:00',
    '22:00:05',
    '22:00:10',
    '22:00:25',
    '22:01:25',
    '22:06:25',
    '22:11:25',
    '22:16:25',
  ]);
  expect(world.onlyCode()).toMatchObject({ starts_at: '2027-03-09T14:00:00.000Z', code: pin });
});

it('waits while another code of its own holds the PIN inside its window', async () => {
  await using world = await startConflict();
  await world.apply(schedulesFile([aSchedule({ pin })]));
  const held = world.onlyCode();
  const { prisma } = world.relatch.deps.db;
  // Two schedules cannot be given one PIN; a restored database may hold it all the same.
  await world.apply(
    schedulesFile([
      aSchedule({ key: 'twin', name: 'Twin', windows: daily('20:00', '22:00'), starts_on: '2027-04-20' }),
    ]),
  );
  const twin = await prisma.schedule.findUniqueOrThrow({ where: { key: 'twin' } });
  const encrypted = world.relatch.deps.vault.encrypt(pin, twin.id);
  await prisma.schedule.update({ where: { id: twin.id }, data: encrypted });
  await world.apply(schedulesFile([aSchedule({ key: 'twin', starts_on: '2027-03-08' })]));
  await world.until('2027-03-08T12:03:30Z');
  expect(createdAt(world)).toEqual(['12:00:00', '12:00:00', '12:01:00', '12:02:00', '12:03:00']);
  expect(world.onlyCode()).toMatchObject({ access_code_id: held.access_code_id, ends_at: held.ends_at });
  expect(await world.alerts()).toEqual([]);
});

it('asks again at once when a schedule whose PIN a foreign code has is given another one', async () => {
  await using world = await startConflict();
  world.simulator.addForeignCode({ device_id: frontDoor, name: 'Owner', code: pin, managed: false });
  await world.apply(given());
  expect(await world.codes()).toMatchObject([{ state: 'rejected' }]);
  await world.until('2027-03-08T12:30:00Z');
  await world.apply(weekdays({ pin: '739164' }));
  expect(createdAt(world)).toEqual(['12:00:00', '12:30:00']);
  expect(world.onlyCode()).toMatchObject({ code: '739164', starts_at: '2027-03-08T14:00:00.000Z' });
  await world.until('2027-03-09T00:00:00Z');
  expect(world.opened().slice(1)).toEqual(['2027-03-08T14:00Z/2027-03-08T22:00Z']);
});

it('draws another PIN when a foreign code has the one that was drawn for this window only', async () => {
  await using world = await startConflict();
  const limited = { kind: 'status', status: 429, type: 'rate_limit_exceeded', retryAfterSeconds: 60 } as const;
  world.simulator.faults.next(create, limited);
  await world.apply(weekdays({ pin: 'rotate' }));
  const [drawn] = world.simulator.requests.flatMap(({ params }) => (params.code === undefined ? [] : [params.code]));
  world.simulator.addForeignCode({ device_id: frontDoor, name: 'Owner', code: String(drawn), managed: false });
  await world.until('2027-03-08T12:02:00Z');
  expect(world.onlyCode().code).not.toBe(drawn);
  expect(createdAt(world)).toHaveLength(3);
  expect(await world.alerts()).toEqual([]);
});

it.each([
  ['managed', true],
  ['unmanaged', false],
])('sets a window aside whose PIN a foreign %s code has, and touches nothing foreign', async (_, managed) => {
  await using world = await startConflict();
  const foreignIds = [
    world.simulator.addForeignCode({ device_id: frontDoor, name: 'Owner', code: pin, managed }),
    world.simulator.addForeignCode({ device_id: frontDoor, name: 'Crew XYZ23456', code: '990011', managed }),
  ];
  const foreign = () => JSON.stringify([world.simulator.unmanagedCodes(), world.simulator.codes()]);
  const before = foreign();
  await world.apply(given());
  await world.until('2027-03-08T20:00:00Z');
  // Once more at the last rung of the ladder: whoever has the PIN may have given it up.
  expect(createdAt(world)).toEqual(['12:00:00', '13:45:00']);
  const conflict = expect.stringContaining('not ours: choose another PIN');
  expect(await world.alerts()).toEqual([conflict, conflict, conflict]);
  await world.apply(weekdays({ pin: 'rotate', except: { dates: ['2027-03-08'] } }));
  await world.until('2027-03-09T12:00:00Z');
  await world.apply(weekdays({ status: 'paused' }));
  await world.until('2027-03-09T13:00:00Z');
  // The managed ones come to be on the lock; nothing else of them has changed.
  if (!managed) expect(foreign()).toBe(before);
  const touched = world.simulator.requests.flatMap(({ method, params }) =>
    method === 'DELETE' || method === 'PATCH' ? [params['access_code_id']] : [],
  );
  expect(touched).not.toHaveLength(0);
  expect(touched.filter((id) => foreignIds.includes(String(id)))).toEqual([]);
  expect(world.opened().filter((span) => span.endsWith('…'))).toHaveLength(2);
});
