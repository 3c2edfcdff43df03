import { describe, expect, it } from 'vitest';
import { daily, startWorld, weekdays } from '../support/relatch.ts';

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
