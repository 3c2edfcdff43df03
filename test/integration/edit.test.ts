import { expect, it } from 'vitest';
import { backDoor, daily, frontDoor, startWorld, type World, weekdays } from '../support/relatch.ts';

/** A crew with a window each day, New York still on winter time: 09:00 is 14:00 UTC. */
async function crewAt(now: string, fields: Record<string, unknown> = {}): Promise<World> {
  const world = await startWorld({ now });
  await world.apply(weekdays(fields));
  return world;
}
const hours = (from: string, to: string): Record<string, unknown> => ({ windows: daily(from, to) });
const kinds = async (world: World): Promise<string[]> => (await world.history()).map(({ kind }) => kind);

it('moves an upcoming code in place, keeping its id and PIN', async () => {
  await using world = await crewAt('2027-03-08T12:00:00Z');
  const before = world.onlyCode();
  await world.apply(weekdays(hours('10:00', '18:30')));
  expect(world.onlyCode()).toMatchObject({
    access_code_id: before.access_code_id,
    code: before.code,
    starts_at: '2027-03-08T15:00:00.000Z',
    ends_at: '2027-03-08T23:30:00.000Z',
  });
  await world.until('2027-03-09T12:00:00Z');
  expect(world.opened()).toEqual(['2027-03-08T15:00Z/2027-03-08T23:30Z']);
  expect(world.calls('POST /access_codes/create')).toBe(2);
});

it.each([
  ['later', '19:00', '2027-03-09T00:00Z'],
  ['earlier', '11:00', '2027-03-08T16:00Z'],
])('moves the end of a live code %s in place', async (_, to, ends) => {
  await using world = await crewAt('2027-03-08T12:00:00Z', hours('09:00', '17:00'));
  await world.until('2027-03-08T15:00:00Z');
  const { access_code_id } = world.onlyCode();
  await world.apply(weekdays(hours('09:00', to)));
  await world.until('2027-03-08T15:30:00Z');
  expect(world.onlyCode()).toMatchObject({ access_code_id });
  await world.until('2027-03-09T12:00:00Z');
  expect(world.opened()).toEqual([`2027-03-08T14:00Z/${ends}`]);
});

it('takes a live code away at once when its window starts later now, and makes one for that start', async () => {
  await using world = await crewAt('2027-03-08T12:00:00Z', hours('09:00', '17:00'));
  await world.until('2027-03-08T15:00:00Z');
  await world.apply(weekdays(hours('12:00', '17:00')));
  await world.until('2027-03-09T12:00:00Z');
  expect(world.opened()).toEqual(['2027-03-08T14:00Z/2027-03-08T15:00:05Z', '2027-03-08T17:00Z/2027-03-08T22:00Z']);
  expect(await world.alerts()).toEqual([]);
});

it('opens at once a window that an edit adds in the middle of now, though the next one’s code holds the PIN', async () => {
  await using world = await crewAt('2027-03-08T12:00:00Z', hours('15:00', '17:00'));
  await world.apply(weekdays({ windows: [...daily('06:00', '08:00'), ...daily('15:00', '17:00')] }));
  await world.until('2027-03-09T00:00:00Z');
  expect(world.opened()).toEqual([
    expect.stringMatching(/^2027-03-08T12:0[01].*\/2027-03-08T13:00Z$/),
    '2027-03-08T20:00Z/2027-03-08T22:00Z',
  ]);
  expect(await world.alerts()).toEqual([]);
});

it('opens at once when an upcoming window is made to begin earlier than now', async () => {
  await using world = await crewAt('2027-03-08T15:00:00Z', hours('12:00', '17:00'));
  const { access_code_id } = world.onlyCode();
  await world.apply(weekdays(hours('09:00', '17:00')));
  await world.until('2027-03-09T00:00:00Z');
  expect(world.opened()).toEqual([expect.stringMatching(/^2027-03-08T15:00.*\/2027-03-08T22:00Z$/)]);
  expect(world.simulator.intervals(frontDoor)).toMatchObject([{ access_code_id }]);
});

it('deletes a code for which nothing fits any more', async () => {
  await using world = await crewAt('2027-03-08T12:00:00Z');
  await world.apply(weekdays({ except: { dates: ['2027-03-08'] } }));
  await world.until('2027-03-10T00:00:00Z');
  expect(world.opened()).toEqual(['2027-03-09T14:00Z/2027-03-09T22:00Z']);
});

it('takes its code off a door that leaves the schedule, proves it gone, and serves a door that joins', async () => {
  await using world = await crewAt('2027-03-08T12:00:00Z');
  await world.until('2027-03-08T15:00:00Z');
  world.simulator.device(frontDoor).goOffline();
  await world.apply(weekdays({ devices: [backDoor] }));
  await world.until('2027-03-08T15:20:00Z');
  const codes = (await world.codes()).filter(({ state }) => state !== 'closed');
  expect(codes.map(({ deviceId, state }) => [deviceId, state])).toEqual([
    [backDoor, 'created'],
    [frontDoor, 'removing'],
    [backDoor, 'planned'],
  ]);
  expect((await world.alerts()).join()).toContain('Still on the lock');
  world.simulator.device(frontDoor).goOnline();
  await world.until('2027-03-09T12:00:00Z');
  expect(
    (await world.codes()).filter(({ deviceId, state }) => deviceId === frontDoor && state !== 'closed'),
  ).toMatchObject([{ state: 'removed' }]);
  expect(world.simulator.codes({ device_id: frontDoor })).toEqual([]);
  expect(world.opened(backDoor)).toEqual(['2027-03-08T15:00:02Z/2027-03-08T22:00Z']);
});

it('closes at once when paused, stays closed, and opens again within the window when resumed', async () => {
  await using world = await crewAt('2027-03-08T12:00:00Z');
  await world.until('2027-03-08T15:00:00Z');
  await world.apply(weekdays({ status: 'paused' }));
  await world.until('2027-03-08T19:00:00Z');
  expect(world.simulator.codes()).toEqual([]);
  await world.apply(weekdays({ status: 'active' }), { revive: true });
  await world.until('2027-03-08T23:00:00Z');
  expect(world.opened()).toEqual(['2027-03-08T14:00Z/2027-03-08T15:00:05Z', '2027-03-08T19:00:02Z/2027-03-08T22:00Z']);
  expect(await world.codes()).toMatchObject([{ generation: 0 }, { generation: 1 }, { generation: 1 }]);
});

it('says that it is too late when less than five minutes are left, and opens the next window', async () => {
  await using world = await crewAt('2027-03-08T12:00:00Z');
  await world.until('2027-03-08T15:00:00Z');
  await world.apply(weekdays({ status: 'paused' }));
  await world.until('2027-03-08T21:56:00Z');
  await world.apply(weekdays({ status: 'active' }), { revive: true });
  await world.until('2027-03-10T00:00:00Z');
  expect(world.opened().slice(1)).toEqual(['2027-03-09T14:00Z/2027-03-09T22:00Z']);
  expect(await world.alerts()).toEqual([expect.stringContaining('it began less than five minutes before its end')]);
});

it.each([
  ['was not done', { kind: 'reset_before_commit' }],
  ['was done', { kind: 'answer_lost_after_commit' }],
] as const)('repeats a change whose outcome is unknown, whether it %s', async (_, fault) => {
  await using world = await crewAt('2027-03-08T12:00:00Z');
  const { access_code_id } = world.onlyCode();
  world.simulator.faults.next('PATCH /access_codes/update', fault);
  await world.apply(weekdays(hours('10:00', '18:00')));
  await world.until('2027-03-08T13:00:00Z');
  // Once more when the first can no longer land: it might have undone the second.
  expect(world.calls('PATCH /access_codes/update')).toBe(3);
  expect(world.onlyCode()).toMatchObject({ access_code_id, starts_at: '2027-03-08T15:00:00.000Z' });
});

it('repeats a removal whose outcome is unknown', async () => {
  await using world = await crewAt('2027-03-08T12:00:00Z');
  await world.until('2027-03-08T15:00:00Z');
  world.simulator.faults.next('DELETE /access_codes/delete', { kind: 'status', status: 500 }, { times: 2 });
  await world.apply(weekdays({ status: 'paused' }));
  await world.until('2027-03-08T15:05:00Z');
  expect(world.simulator.codes()).toEqual([]);
  expect(await world.codes()).toMatchObject([{ state: 'removed' }]);
});

it('touches no code when only words change', async () => {
  await using world = await crewAt('2027-03-08T12:00:00Z');
  const { length } = world.simulator.requests;
  await world.apply(weekdays({ holder: 'Ana Silva', name: 'Crew of Ana' }));
  await world.until('2027-03-08T13:00:00Z');
  expect(world.simulator.requests).toHaveLength(length);
  expect(await kinds(world)).toContain('schedule.changed');
});

it('names the holder in the log lines of alerts, and nowhere in the history', async () => {
  await using world = await crewAt('2027-03-08T12:00:00Z', { holder: 'Ana Silva' });
  world.simulator.deleteByHand(world.onlyCode().access_code_id);
  await world.until('2027-03-08T13:00:00Z');
  expect(await world.alerts()).toHaveLength(1);
  expect(JSON.stringify(await world.relatch.deps.db.pool.query('select * from history'))).not.toContain('Ana Silva');
  const named = world.logLines.filter((line) => line.includes('Ana Silva'));
  expect(named.map((line) => JSON.parse(line))).toEqual([expect.objectContaining({ holder: 'Ana Silva' })]);
  expect(named[0]).toContain('Taken away by somebody');
});

it('opens again a window that somebody closed in Seam, when the schedule is paused and resumed', async () => {
  await using world = await crewAt('2027-03-08T12:00:00Z');
  await world.until('2027-03-08T15:00:00Z');
  world.simulator.deleteByHand(world.onlyCode().access_code_id);
  await world.until('2027-03-08T16:00:00Z');
  await world.apply(weekdays({ status: 'paused' }));
  await world.apply(weekdays({ status: 'active' }), { revive: true });
  await world.until('2027-03-10T00:00:00Z');
  expect(world.opened()).toEqual([
    '2027-03-08T14:00Z/2027-03-08T15:00:05Z',
    expect.stringMatching(/^2027-03-08T16:0.*\/2027-03-08T22:00Z$/),
    '2027-03-09T14:00Z/2027-03-09T22:00Z',
  ]);
});
