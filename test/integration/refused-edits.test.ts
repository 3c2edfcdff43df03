// What Seam does not do as it was asked: edits that it refuses, and times that it makes its own.
import { expect, it } from 'vitest';
import { daily, frontDoor, startWorld, type World, weekdays } from '../support/relatch.ts';

const create = 'POST /access_codes/create';
const update = 'PATCH /access_codes/update';
const refusal = { kind: 'status', status: 400, type: 'invalid_input' } as const;
const minuteMs = 60_000;

const hours = (from: string, to: string): string => weekdays({ windows: daily(from, to) });
const paused = weekdays({ status: 'paused' });

/** A crew at work from 9 to `to` on Monday, 8 March 2027, at `now`. */
async function crewAtWork(
  now: string,
  { to = '17:00', ...options }: { to?: string } & Partial<Parameters<typeof startWorld>[0]> = {},
): Promise<World> {
  const world = await startWorld({ now: '2027-03-08T12:00:00Z', ...options });
  await world.apply(hours('09:00', to));
  await world.until(now);
  return world;
}

/** When the front door was shut again, each time. */
const shutAt = (world: World): (Date | null)[] =>
  world.simulator.intervals(frontDoor).map(({ off_device_at }) => off_device_at);

function planJobs(world: World): number {
  return world.logLines.filter((line) => line.includes('"job.attempted"') && line.includes('"job_kind":"plan"')).length;
}

it('shuts the door at once when a schedule is paused whose live code Seam refused to move', async () => {
  await using world = await crewAtWork('2027-03-08T15:00:00Z');
  world.simulator.faults.next(update, refusal);
  await world.apply(hours('09:00', '18:00'));
  expect(world.onlyCode()).toMatchObject({ ends_at: '2027-03-08T22:00:00.000Z' });
  expect(await world.alerts()).toEqual([expect.stringContaining('Seam refuses the new times')]);
  await world.until('2027-03-08T15:30:00Z');
  await world.apply(paused);
  await world.until('2027-03-08T16:00:00Z');
  expect(world.opened()).toEqual(['2027-03-08T14:00Z/2027-03-08T15:30:05Z']);
  expect((await world.codes())[0]).toMatchObject({ state: 'removed' });
  expect(world.calls(update)).toBe(1);
});

it('makes another code for the rest of a window whose longer end Seam refused', async () => {
  await using world = await crewAtWork('2027-03-08T15:00:00Z');
  world.simulator.faults.next(update, refusal);
  await world.apply(hours('09:00', '18:00'));
  await world.until('2027-03-09T12:00:00Z');
  expect(world.opened()).toEqual([
    '2027-03-08T14:00Z/2027-03-08T22:00Z',
    expect.stringMatching(/^2027-03-08T22:00:0\dZ\/2027-03-08T23:00Z$/),
  ]);
});

it('replaces a live code that Seam refuses to end earlier by one that does', async () => {
  await using world = await crewAtWork('2027-03-08T14:20:00Z');
  world.simulator.faults.next(update, refusal);
  await world.apply(hours('09:00', '10:00'));
  await world.until('2027-03-09T12:00:00Z');
  expect(world.opened()).toEqual([
    '2027-03-08T14:00Z/2027-03-08T14:20:05Z',
    expect.stringMatching(/^2027-03-08T14:20:\d\dZ\/2027-03-08T15:00Z$/),
  ]);
});

it('obeys a pause at once though Seam has answered nothing but 503 to an edit for hours', async () => {
  await using world = await crewAtWork('2027-03-08T15:00:00Z');
  world.simulator.faults.next(update, { kind: 'status', status: 503 }, { times: 10_000 });
  await world.apply(hours('09:00', '18:00'));
  await world.until('2027-03-08T18:01:00Z');
  expect(world.calls(update)).toBeGreaterThan(20);
  await world.apply(paused);
  await world.until('2027-03-08T18:30:00Z');
  expect(world.opened()).toEqual(['2027-03-08T14:00Z/2027-03-08T18:01:05Z']);
});

// Noon in New York is 17:00 UTC: its code has ended and is on its way off the lock.
it.each([
  ['at the instant of its end', '2027-03-08T17:00:00Z'],
  ['just before it is off the lock', '2027-03-08T17:00:04Z'],
])('opens on at once when a window is made longer %s', async (_, at) => {
  await using world = await crewAtWork(at, { to: '12:00' });
  await world.apply(hours('09:00', '17:00'));
  await world.until('2027-03-09T12:00:00Z');
  expect(world.opened()).toEqual([
    '2027-03-08T14:00Z/2027-03-08T17:00Z',
    expect.stringMatching(/^2027-03-08T17:00:\d\dZ\/2027-03-08T22:00Z$/),
  ]);
  expect(world.calls(update)).toBeLessThanOrEqual(2);
});

it('opens on soon when a window is made longer whose code has ended and no event tells that it is gone', async () => {
  await using world = await crewAtWork('2027-03-08T17:00:02Z', {
    to: '12:00',
    delivers: false,
    switches: { afterExpiry: 'retained' },
  });
  await world.apply(hours('09:00', '17:00'));
  await world.until('2027-03-09T12:00:00Z');
  expect(world.opened()).toEqual([
    '2027-03-08T14:00Z/2027-03-08T17:00Z',
    expect.stringMatching(/^2027-03-08T17:02.*\/2027-03-08T22:00Z$/),
  ]);
  expect(world.calls(update)).toBeLessThanOrEqual(2);
});

it.each([
  ['landed, though its answer was lost', 'answer_lost_after_commit', 1, 3],
  ['did not happen', 'reset_before_commit', 2, 2],
] as const)('opens on when a window is made longer in its last seconds and the change %s', async (_, kind, codes, updates) => {
  await using world = await crewAtWork('2027-03-08T16:59:58Z', { to: '12:00' });
  world.simulator.faults.next(update, { kind });
  await world.apply(hours('09:00', '17:00'));
  await world.until('2027-03-09T12:00:00Z');
  const intervals = world.simulator.intervals(frontDoor);
  expect(new Set(intervals.map(({ access_code_id }) => access_code_id)).size).toBe(codes);
  expect(intervals.at(-1)?.on_device_from.getTime()).toBeLessThan(Date.parse('2027-03-08T17:00:30Z'));
  expect(intervals.at(-1)?.off_device_at).toEqual(new Date('2027-03-08T22:00:00Z'));
  expect(world.calls(update)).toBe(updates);
});

it('serves the rest of a window whose code Seam made shorter than asked, without being busy about it', async () => {
  const lock = { device_id: frontDoor, name: 'Front door', widens_ends_at_by_ms: -60 * minuteMs };
  await using world = await crewAtWork('2027-03-08T15:00:00Z', { devices: [lock] });
  expect(world.onlyCode()).toMatchObject({ ends_at: '2027-03-08T21:00:00.000Z' });
  lock.widens_ends_at_by_ms = 0;
  await world.until('2027-03-08T20:00:00Z');
  const before = planJobs(world);
  await world.until('2027-03-09T12:00:00Z');
  expect(world.opened()).toEqual([
    '2027-03-08T14:00Z/2027-03-08T21:00Z',
    expect.stringMatching(/^2027-03-08T21:00:\d\dZ\/2027-03-08T22:00Z$/),
  ]);
  expect(planJobs(world) - before).toBeLessThan(20);
  expect(world.calls(update)).toBe(0);
});

it('takes a code away at its window’s end that Seam made valid for longer, and says so', async () => {
  const lock = { device_id: frontDoor, name: 'Front door', widens_ends_at_by_ms: 60 * minuteMs };
  await using world = await crewAtWork('2027-03-09T12:00:00Z', { devices: [lock] });
  expect(shutAt(world)).toEqual([new Date('2027-03-08T22:00:05Z')]);
  const alerts = await world.alerts();
  expect(alerts).toHaveLength(2);
  expect(alerts[0]).toContain('valid for longer than asked');
  expect(world.calls(create)).toBe(2);
  await world.until('2027-03-10T12:00:00Z');
  expect(shutAt(world).at(-1)).toEqual(new Date('2027-03-09T22:00:05Z'));
});
