import { expect, it } from 'vitest';
import { codeName, newMarker } from '../../src/core/access-code.ts';
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

const now = '2027-03-08T12:00:00Z';

/** Requests that Seam got and that would change something. */
function writes({ simulator }: World): string[] {
  return simulator.requests.flatMap(({ method, path }) => (method === 'GET' ? [] : [`${method} ${path}`]));
}

async function observed(world: World): Promise<string[]> {
  return (await world.history()).flatMap(({ kind, message }) => (kind === 'code.observed' ? [message] : []));
}

it('says what it would do, once a window, and writes nothing to Seam', async () => {
  await using world = await startWorld({ now, mode: 'observe' });
  await world.apply(weekdays());
  await world.until('2027-03-10T12:00:00Z');
  expect(writes(world)).toEqual([]);
  const told = (window: string) =>
    `Would create: the code of Crew at Front door, ${window}. Nothing was asked of Seam.`;
  expect(await observed(world)).toEqual([
    told('Mon 8 Mar 09:00–17:00'),
    told('Tue 9 Mar 09:00–17:00'),
    told('Wed 10 Mar 09:00–17:00'),
  ]);
  expect((await world.codes()).at(-1)).toMatchObject({ state: 'planned', reason: 'observing: would create' });
  expect(await world.alerts()).toEqual([]);
});

it('still tells of what could not be done: a PIN that the lock will not take', async () => {
  const short = [{ device_id: frontDoor, name: 'Front door', supported_code_lengths: [4] }];
  await using world = await startWorld({ now, mode: 'observe', devices: short });
  await world.apply(weekdays({ pin: '48217' }));
  expect(writes(world)).toEqual([]);
  expect(await world.alerts()).toEqual([expect.stringContaining('Refused')]);
});

it('takes everything up when it becomes active: what is open, what is next, one code each', async () => {
  await using world = await startWorld({ now: '2027-03-08T15:00:00Z', mode: 'observe' });
  const guard = aSchedule({ key: 'guard', name: 'Guard', pin: 'rotate', windows: daily('08:00', '20:00') });
  await world.apply(schedulesFile([aSchedule({ devices: [frontDoor, backDoor] }), guard]));
  expect(writes(world)).toEqual([]);
  await world.stop();
  await world.start({ mode: 'active' });
  await world.rest();
  expect(world.simulator.codes({ device_id: backDoor })).toHaveLength(1);
  expect(world.simulator.codes({ device_id: frontDoor })).toHaveLength(3);
  await world.until('2027-03-10T12:00:00Z');
  expect(world.opened(backDoor)).toEqual([
    '2027-03-08T15:00:02Z/2027-03-08T22:00Z',
    '2027-03-09T14:00Z/2027-03-09T22:00Z',
  ]);
  expect(await world.alerts()).toEqual([]);
});

it('leaves codes of before alone, whatever is changed, until it is active again', async () => {
  await using world = await startWorld({ now });
  await world.apply(schedulesFile([aSchedule(), aSchedule({ key: 'back', name: 'Back', devices: [backDoor] })]));
  const times = () =>
    world.simulator.codes().map(({ access_code_id, starts_at, ends_at }) => [access_code_id, starts_at, ends_at]);
  const before = times();
  await world.stop();
  await world.start({ mode: 'observe' });
  const sent = writes(world);
  const later = aSchedule({ windows: daily('10:00', '17:00') });
  const paused = aSchedule({ key: 'back', name: 'Back', devices: [backDoor], status: 'paused' });
  await world.apply(schedulesFile([later, paused]));
  await world.until('2027-03-08T13:00:00Z');
  expect(writes(world)).toEqual(sent);
  expect(times()).toEqual(before);
  expect(await observed(world)).toEqual([
    expect.stringMatching(/^Would (update|delete)/),
    expect.stringMatching(/^Would (update|delete)/),
  ]);
  await world.stop();
  await world.start({ mode: 'active' });
  await world.rest();
  await world.until('2027-03-08T13:05:00Z');
  expect(world.onlyCode()).toMatchObject({ starts_at: '2027-03-08T15:00:00.000Z' });
  expect(world.simulator.codes({ device_id: backDoor })).toEqual([]);
});

it('writes nothing to Seam for what the reconciler finds, and says of nothing that it is done', async () => {
  await using world = await startWorld({ now, delivers: false });
  const keys = ['due', 'stale', 'vanished', 'ended'];
  const file = (...paused: string[]) =>
    schedulesFile(
      keys.map((key) =>
        aSchedule({ key, name: key, pin: 'rotate', ...(paused.includes(key) ? { status: 'paused' } : {}) }),
      ),
    );
  await world.apply(file());
  await world.until('2027-03-08T15:00:00Z');
  world.simulator.faults.next('DELETE /access_codes/delete', { kind: 'status', status: 500 });
  await world.apply(file('due'));
  await world.stop();
  await world.start({ mode: 'observe' });
  const { pool } = world.relatch.deps.db;
  const idOf = async (key: string) => (await world.codes()).find((code) => code.key === key)?.accessCodeId ?? '';
  world.simulator.deleteByHand(await idOf('vanished'));
  await pool.query("update access_codes set state = 'closed', next_try_at = null where access_code_id = $1", [
    await idOf('ended'),
  ]);
  const marker = newMarker(world.relatch.deps.markerPrefix, () => 3);
  world.simulator.addForeignCode({
    device_id: frontDoor,
    name: codeName('Crew', marker, null),
    code: '900001',
    managed: true,
    starts_at: new Date('2027-03-20T14:00:00Z'),
    ends_at: new Date('2027-03-20T22:00:00Z'),
  });
  const [sent, told] = [writes(world), (await world.history()).length];
  await world.apply(file('due', 'stale'));
  for (const at of ['2027-03-08T15:10:00Z', '2027-03-09T15:11:00Z']) {
    await world.simulator.advanceTo(new Date(at));
    await world.rest();
    await world.pass({ removesOrphans: true });
    await world.rest();
  }
  expect(writes(world)).toEqual(sent);
  const since = (await world.history()).slice(told).map(({ message }) => message);
  expect(since.filter((message) => /^Removing|removed again|is deleted/.test(message))).toEqual([]);
  expect(since.filter((message) => message.startsWith('Would delete'))).toHaveLength(2);
  expect(await world.alerts()).toEqual(
    expect.arrayContaining([
      expect.stringContaining('is left there while Relatch only observes'),
      expect.stringMatching(/^Taken away by somebody in Seam: the code of vanished/),
    ]),
  );
  expect(since).toContainEqual(
    expect.stringMatching(/^Still at Seam although it had ended: the code of ended .* It would be removed\.$/),
  );
});
