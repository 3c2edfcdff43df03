// What becomes of today and of the days after it when a schedule changes while a window is in progress.
import { describe, expect, it } from 'vitest';
import { daily, startWorld, weekdays } from '../support/relatch.ts';

const create = 'POST /access_codes/create';
const update = 'PATCH /access_codes/update';

describe.concurrent('an edit while a window is in progress', () => {
  // Monday, 10:00 in New York; the clocks are on standard time.
  const now = '2027-03-08T15:00:00Z';

  it.each([
    ['its window begins later', daily('12:00', '17:00'), ['09T17:00Z/2027-03-09T22:00', '10T17:00Z/2027-03-10T22:00']],
    [
      'it becomes two windows',
      [...daily('09:00', '11:00'), ...daily('12:00', '16:00')],
      ['09T14:00Z/2027-03-09T16:00', '09T17:00', '10T14:00', '10T17:00'],
    ],
  ])('keeps the codes of the following days when %s', async (_, windows, expected) => {
    await using world = await startWorld({ now });
    await world.apply(weekdays({ windows: daily('09:00', '17:00') }));
    await world.until('2027-03-08T15:05:00Z');
    await world.apply(weekdays({ windows }));
    await world.until('2027-03-11T12:00:00Z');
    const opened = world.opened().join(' ');
    for (const span of expected) expect(opened).toContain(`2027-03-${span}`);
    expect(await world.alerts()).toEqual([]);
  });

  it('keeps the door open when it is to be open day and night from now on', async () => {
    await using world = await startWorld({ now });
    await world.apply(weekdays({ windows: daily('09:00', '17:00') }));
    await world.until('2027-03-08T15:05:00Z');
    await world.apply(weekdays({ windows: daily('00:00', '24:00') }));
    await world.until('2027-03-11T12:00:00Z');
    expect(world.opened().at(-1)).toMatch(/\/…$/);
    expect(await world.alerts()).toEqual([]);
  });

  it('closes only the rest of the day when a code is taken away before the edit has reached it', async () => {
    await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
    await world.apply(weekdays({ windows: daily('00:00', '24:00') }));
    await world.until(now);
    world.simulator.faults.next('GET /access_codes/get', { kind: 'status', status: 500 });
    world.simulator.deleteByHand(world.onlyCode().access_code_id);
    await world.rest();
    await world.apply(weekdays({ windows: daily('09:00', '17:00') }));
    await world.until('2027-03-10T12:00:00Z');
    expect(world.opened().join(' ')).toContain('2027-03-09T14:00');
  });

  it('closes only the rest of the day when a create was still waiting as it came', async () => {
    await using world = await startWorld({ now: '2027-03-08T21:50:00Z' });
    const limited = { kind: 'status', status: 429, type: 'rate_limit_exceeded', retryAfterSeconds: 900 } as const;
    world.simulator.faults.next(create, limited);
    await world.apply(weekdays({ windows: daily('00:00', '24:00') }));
    await world.until('2027-03-08T21:56:00Z');
    await world.apply(weekdays({ windows: daily('09:00', '17:00') }));
    await world.until('2027-03-10T12:00:00Z');
    expect(world.opened().join(' ')).toContain('2027-03-09T14:00');
  });

  it.each(['keep', 'rotate'])('joins a refused window with the one after it (%s)', async (pin) => {
    await using world = await startWorld({ now });
    world.simulator.faults.next(create, { kind: 'status', status: 400, type: 'invalid_input' });
    await world.apply(weekdays({ windows: [...daily('09:00', '13:00'), ...daily('14:00', '18:00')], pin }));
    await world.apply(weekdays({ windows: daily('09:00', '18:00'), pin }));
    await world.until('2027-03-08T15:10:00Z');
    expect(world.opened()).toEqual([expect.stringMatching(/^2027-03-08T15:0.*\/…$/)]);
    expect(world.logLines.filter((line) => line.includes('job failed'))).toEqual([]);
  });

  it('asks again for a refused window, although another one follows that needs the same PIN', async () => {
    await using world = await startWorld({ now });
    world.simulator.faults.next(create, { kind: 'status', status: 400, type: 'invalid_input' });
    await world.apply(weekdays({ windows: [...daily('09:00', '13:00'), ...daily('14:00', '18:00')] }));
    await world.apply(weekdays({ windows: [...daily('09:00', '13:30'), ...daily('14:00', '18:00')] }));
    await world.until('2027-03-08T23:30:00Z');
    expect(world.opened()).toEqual([
      expect.stringMatching(/^2027-03-08T15:0.*\/2027-03-08T18:30/),
      expect.stringMatching(/^2027-03-08T19:00.*\/2027-03-08T23:00/),
    ]);
  });
});

describe.concurrent('an update that lands late, after the edit was taken back', () => {
  it('opens no door once it has been found', async () => {
    await using world = await startWorld({ now: '2027-03-08T09:00:00Z' });
    await world.apply(weekdays({ windows: daily('09:00', '17:00') }));
    world.simulator.faults.next(update, { kind: 'commit_late', delayMs: 20_000 });
    await world.apply(weekdays({ windows: daily('06:00', '17:00') }));
    await world.apply(weekdays({ windows: daily('09:00', '17:00') }));
    await world.until('2027-03-08T23:00:00Z');
    expect(world.opened()).toEqual([expect.stringMatching(/^2027-03-08T14:00.*\/2027-03-08T22:00/)]);
  });

  it('closes no door before its time', async () => {
    await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
    await world.apply(weekdays({ windows: daily('09:00', '17:00') }));
    await world.until('2027-03-08T15:00:00Z');
    world.simulator.faults.next(update, { kind: 'commit_late', delayMs: 20_000 });
    await world.apply(weekdays({ windows: daily('09:00', '12:00') }));
    await world.apply(weekdays({ windows: daily('09:00', '17:00') }));
    await world.until('2027-03-08T23:00:00Z');
    expect(world.opened()).toEqual([expect.stringMatching(/^2027-03-08T14:00.*\/2027-03-08T22:00/)]);
    expect(await world.alerts()).toEqual([]);
  });
});
