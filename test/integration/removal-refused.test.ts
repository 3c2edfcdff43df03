import { describe, expect, it } from 'vitest';
import { promptTries } from '../../src/core/backoff.ts';
import { daily, frontDoor, startWorld, type World, weekdays } from '../support/relatch.ts';

const remove = 'DELETE /access_codes/delete';

describe.concurrent('a removal that Seam does not do', () => {
  it.each([
    [400, 'invalid_input', 2],
    [401, 'unauthorized', 2],
    [500, 'internal_error', 1],
  ])('is told to people and not again and again (%i)', async (status, type, alerts) => {
    await using world = await startWorld({ now: '2027-03-08T14:30:00Z' });
    await world.apply(weekdays());
    await world.until('2027-03-08T15:00:00Z');
    world.simulator.faults.next(remove, { kind: 'status', status, type }, { times: 10_000 });
    await world.apply(weekdays({ status: 'paused' }));
    await world.until('2027-03-08T17:00:00Z');
    expect(world.calls(remove)).toBeGreaterThan(10);
    expect(await world.alerts()).toHaveLength(alerts);
    world.simulator.faults.clear();
    await world.until('2027-03-08T17:10:00Z');
    expect(world.opened()).toEqual([expect.stringMatching(/\/2027-03-08T17:0/)]);
  });
});

describe.concurrent('a removal that never comes to pass', () => {
  const refusal = { kind: 'status', status: 400, type: 'invalid_input' } as const;
  const always = { times: 1_000_000 };
  const alertsOf = (world: World) =>
    world.relatch.deps.db.prisma.alert.findMany({
      where: { state: 'open', codeId: { not: null } },
      orderBy: { raisedAt: 'asc' },
    });
  const callsIn = (world: World, from: string, to: string): number =>
    world.simulator.requests.filter(
      ({ path, at }) => path === '/access_codes/delete' && at >= new Date(from) && at < new Date(to),
    ).length;

  async function refused(): Promise<World> {
    const world = await startWorld({ now: '2027-03-08T14:30:00Z', delivers: false });
    await world.apply(weekdays({ ends_on: '2027-03-08' }));
    await world.until('2027-03-08T15:00:00Z');
    world.simulator.device(frontDoor).goOffline();
    world.simulator.faults.next(remove, refusal, always);
    await world.apply(weekdays({ ends_on: '2027-03-08', status: 'paused' }));
    return world;
  }

  it('is tried hourly while the code is valid, then daily, and given up after 30 days', async () => {
    await using world = await refused();
    await world.until('2027-03-08T16:00:00Z');
    expect(callsIn(world, '2027-03-08T15:00:00Z', '2027-03-08T16:00:00Z')).toBeGreaterThan(12);
    // Two hours of the same, some 22 tries, are left out.
    await world.relatch.deps.db.prisma.accessCode.updateMany({ data: { attempts: promptTries - 2 } });
    await world.until('2027-03-08T20:30:00Z');
    expect(callsIn(world, '2027-03-08T18:30:00Z', '2027-03-08T20:30:00Z')).toBe(2);
    const [alert, ...others] = await alertsOf(world);
    expect(others).toEqual([]);
    expect(alert).toMatchObject({
      kind: 'code.removing_late',
      message: expect.stringContaining('Check that the lock'),
    });
    expect(alert?.message).toMatch(/Next try: Mon 8 Mar 1[56]:\d\d\./);
    await world.until('2027-03-09T00:30:00Z');
    expect(callsIn(world, '2027-03-08T22:30:00Z', '2027-03-09T00:30:00Z')).toBe(2);
    // 20 hourly tries are left out.
    await world.simulator.advanceTo(new Date('2027-03-09T20:30:00Z'));
    await world.until('2027-04-07T21:00:00Z');
    expect(callsIn(world, '2027-03-12T00:00:00Z', '2027-04-07T00:00:00Z')).toBe(26);
    expect(callsIn(world, '2027-03-08T15:00:00Z', '2027-04-07T21:00:00Z')).toBeLessThan(110 - 22 - 20);
    expect(await world.codes()).toMatchObject([{ state: 'removing' }]);
    await world.until('2027-04-09T00:00:00Z');
    expect(await world.codes()).toMatchObject([{ state: 'closed', reason: 'given_up' }]);
    expect(await alertsOf(world)).toMatchObject([{ kind: 'code.given_up' }]);
    const before = world.simulator.requests.length;
    await world.until('2027-04-20T00:00:00Z');
    expect(world.simulator.requests).toHaveLength(before);
  });

  const triedForHours = (world: World) =>
    world.relatch.deps.db.prisma.accessCode.updateMany({ data: { attempts: 50 } });

  it('ends when Seam has taken the code off by itself, whatever it answers to the removal', async () => {
    await using world = await refused();
    await triedForHours(world);
    await world.until('2027-03-08T16:30:00Z');
    expect(await alertsOf(world)).toMatchObject([{ kind: 'code.removing_late' }]);
    world.simulator.device(frontDoor).goOnline();
    await world.until('2027-03-08T23:30:00Z');
    expect(await world.codes()).toMatchObject([{ state: 'removed' }]);
    expect(await alertsOf(world)).toEqual([]);
  });

  it.each([
    ['whether an ended code is gone', 'GET /access_codes/get', 'created'],
    ['whether a lost create was done', 'GET /access_codes/list', 'unknown'],
  ])('asks ever more rarely, and not for ever, %s', async (_what, route, state) => {
    await using world = await startWorld({ now: '2027-03-08T12:00:00Z', delivers: false });
    if (state === 'unknown')
      world.simulator.faults.next('POST /access_codes/create', { kind: 'answer_lost_after_commit' });
    await world.apply(weekdays({ ends_on: '2027-03-08' }));
    await world.simulator.advanceTo(new Date('2027-03-08T21:59:00Z'));
    world.simulator.faults.next(route, refusal, always);
    await world.until('2027-03-08T22:05:00Z');
    await triedForHours(world);
    await world.until('2027-03-08T22:30:00Z');
    const before = world.calls(route);
    await world.until('2027-03-09T02:30:00Z');
    expect(world.calls(route) - before).toBe(4);
    expect(await world.codes()).toMatchObject([{ state }]);
    await world.simulator.advanceTo(new Date('2027-04-08T00:00:00Z'));
    await world.rest();
    expect(await world.codes()).toMatchObject([{ state: 'closed', reason: 'given_up' }]);
    expect(await alertsOf(world)).toMatchObject([{ kind: 'code.given_up' }]);
  });
});

describe.concurrent('answers whose types Seam does not document', () => {
  it('take "not found" about a device for its absence, whatever its type', async () => {
    await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
    world.simulator.faults.next('POST /access_codes/create', { kind: 'status', status: 404, type: 'not_found' });
    await world.apply(weekdays());
    expect(await world.alerts()).toEqual([expect.stringContaining('Front door is gone from Seam')]);
  });

  it('take "not found" about a code for its absence, also when it names the device', async () => {
    await using world = await startWorld({ now: '2027-03-08T12:00:00Z', delivers: false });
    await world.apply(weekdays({ windows: daily('09:00', '17:00') }));
    world.simulator.faults.next('GET /access_codes/get', { kind: 'status', status: 404, type: 'device_not_found' });
    await world.until('2027-03-09T15:00:00Z');
    expect(world.opened()).toHaveLength(2);
  });
});

describe('a code that Seam keeps after it was shortened by hand, of which no event told', () => {
  it.each(['gone', 'retained'] as const)('closes the window with an alert (%s)', async (afterExpiry) => {
    await using world = await startWorld({ now: '2027-03-08T12:00:00Z', switches: { afterExpiry } });
    await world.apply(weekdays());
    await world.until('2027-03-08T15:00:00Z');
    for (const event_type of ['access_code.changed', 'access_code.time_frame_changed'])
      world.simulator.faults.nextDelivery({ kind: 'lose' }, { event_type, times: 10 });
    const { access_code_id } = world.onlyCode();
    await fetch(`${world.simulator.endpoint}/access_codes/update`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${world.simulator.apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ access_code_id, starts_at: '2027-03-08T14:00:00Z', ends_at: '2027-03-08T16:00:00Z' }),
    });
    await world.until('2027-03-08T21:00:00Z');
    expect(await world.alerts()).toEqual([expect.stringContaining('Taken away by somebody')]);
  });
});

describe('two codes of one door that go at once', () => {
  it('are handled without waiting for each other', async () => {
    await using world = await startWorld({ now: '2027-03-08T14:30:00Z' });
    for (let round = 0; round < 5; round += 1) {
      const windows = daily('09:00', `17:0${round}`);
      await world.apply(weekdays({ pin: 'rotate', windows }));
      for (const { access_code_id } of world.simulator.codes()) world.simulator.deleteByHand(access_code_id);
      await world.rest();
    }
    expect(world.logLines.filter((line) => line.includes('40P01'))).toEqual([]);
  });
});
