import { expect, it } from 'vitest';
import type { RequestFault } from '../../src/simulator/faults.ts';
import { frontDoor, startWorld, type World, weekdays } from '../support/relatch.ts';

const create = 'POST /access_codes/create';
const monday = '2027-03-08T14:00Z/2027-03-08T22:00Z';
const tuesday = '2027-03-09T14:00Z/2027-03-09T22:00Z';

function world12(options: Partial<Parameters<typeof startWorld>[0]> = {}): Promise<World> {
  return startWorld({ now: '2027-03-08T12:00:00Z', ...options });
}

const lost: readonly [string, RequestFault, { creates: number; adopted: boolean }][] = [
  ['a 500 before anything happened', { kind: 'status', status: 500 }, { creates: 2, adopted: false }],
  ['a 502 that is no JSON', { kind: 'status', status: 502, body: '<html>' }, { creates: 2, adopted: false }],
  ['a 500 after it was made', { kind: 'status', status: 500, afterCommit: true }, { creates: 1, adopted: true }],
  ['a cut connection', { kind: 'reset_before_commit' }, { creates: 2, adopted: false }],
  ['an answer lost after it was made', { kind: 'answer_lost_after_commit' }, { creates: 1, adopted: true }],
  ['a commit 40 s late', { kind: 'commit_late', delayMs: 40_000 }, { creates: 1, adopted: true }],
  [
    'a 200 that is no JSON',
    { kind: 'status', status: 200, body: 'ok', afterCommit: true },
    { creates: 1, adopted: true },
  ],
  ['a 200 without a code', { kind: 'status', status: 200, body: {} }, { creates: 2, adopted: false }],
  ['a 408', { kind: 'status', status: 408, type: 'timeout' }, { creates: 2, adopted: false }],
];

it.each(
  lost,
)('makes exactly one code after %s, and looks for it no sooner than it has settled', async (_, fault, then) => {
  await using world = await world12();
  world.simulator.faults.next(create, fault);
  await world.apply(weekdays());
  expect(await world.codes()).toMatchObject([{ state: 'unknown' }]);
  await world.until('2027-03-08T12:00:59Z');
  expect(world.calls('GET /access_codes/list')).toBe(0);
  expect(world.calls(create)).toBe(1);
  await world.until('2027-03-08T12:05:00Z');
  expect(world.calls(create)).toBe(then.creates);
  expect(world.onlyCode()).toMatchObject({ starts_at: '2027-03-08T14:00:00.000Z' });
  expect(await world.codes()).toMatchObject([{ state: 'created', adopted: then.adopted }]);
  await world.until('2027-03-10T00:00:00Z');
  expect(world.opened()).toEqual([monday, tuesday]);
  expect(await world.alerts()).toEqual([]);
});

// At once: each waits for the real timeout of a call.
it.concurrent.each([
  ['that was done', true],
  ['that was not', false],
])('makes exactly one code after a create without an answer %s', async (_, afterCommit) => {
  await using world = await world12();
  world.simulator.faults.next(create, { kind: 'hang', afterCommit });
  await world.apply(weekdays());
  await world.until('2027-03-08T12:05:00Z');
  expect(await world.codes()).toMatchObject([{ state: 'created', adopted: afterCommit }]);
  expect(world.calls(create)).toBe(afterCommit ? 1 : 2);
  world.onlyCode();
});

it('settles sooner when the window is near', async () => {
  await using world = await startWorld({ now: '2027-03-08T13:58:00Z' });
  world.simulator.faults.next(create, { kind: 'answer_lost_after_commit' });
  await world.apply(weekdays());
  await world.until('2027-03-08T13:58:06Z');
  expect(await world.codes()).toMatchObject([{ state: 'created', adopted: true }]);
});

it('sends the same PIN when it repeats, so that Seam’s own rule guards against a second code', async () => {
  await using world = await world12();
  world.simulator.faults.next(create, { kind: 'commit_late', delayMs: 90_000 });
  await world.apply(weekdays());
  await world.until('2027-03-08T12:10:00Z');
  const pins = world.simulator.requests
    .filter(({ path }) => path === '/access_codes/create')
    .map(({ params }) => params['code']);
  expect(new Set(pins).size).toBe(1);
  world.onlyCode();
});

it.each([
  ['', 0],
  [', however often Seam fails to delete it', 3],
])('deletes the younger of two codes when a create lands later than anybody could expect%s', async (_, failures) => {
  await using world = await world12({ switches: { samePinInDisjointWindows: 'allowed' } });
  world.simulator.faults.next(create, { kind: 'answer_lost_after_commit' });
  await world.apply(weekdays({ pin: 'rotate' }));
  const { name, starts_at, ends_at } = world.onlyCode();
  world.simulator.addForeignCode({
    device_id: frontDoor,
    name,
    code: '717171',
    managed: true,
    starts_at: new Date(starts_at ?? 0),
    ends_at: new Date(ends_at ?? 0),
  });
  const failure = { kind: 'status', status: 503 } as const;
  if (failures > 0) world.simulator.faults.next('DELETE /access_codes/delete', failure, { times: failures });
  await world.until('2027-03-08T13:00:00Z');
  world.onlyCode();
  expect(await world.codes()).toMatchObject([{ state: 'created', adopted: true }]);
  expect(await world.alerts()).toEqual([expect.stringContaining('A second code was made')]);
});

it.each([
  ['as long as Retry-After says', 90, '2027-03-08T12:01:30Z'],
  ['a minute without Retry-After', undefined, '2027-03-08T12:01:00Z'],
])('waits %s after a 429', async (_, retryAfterSeconds, at) => {
  await using world = await world12();
  const status = { kind: 'status', status: 429, type: 'rate_limit_exceeded' } as const;
  world.simulator.faults.next(create, retryAfterSeconds === undefined ? status : { ...status, retryAfterSeconds });
  await world.apply(weekdays());
  expect(await world.codes()).toMatchObject([{ state: 'planned' }]);
  await world.until('2027-03-08T12:10:00Z');
  const creates = world.simulator.requests.filter(({ path }) => path === '/access_codes/create');
  expect(creates.map((request) => request.at)).toEqual([new Date('2027-03-08T12:00:00Z'), new Date(at)]);
  expect(await world.alerts()).toEqual([]);
});

it('alerts once when the API key is refused, gives nothing up, and goes on when it works again', async () => {
  await using world = await world12();
  world.simulator.faults.next('*', { kind: 'status', status: 401, type: 'unauthorized' }, { times: 8 });
  await world.apply(weekdays());
  await world.until('2027-03-09T00:00:00Z');
  expect(world.simulator.faults.pending).toBe(0);
  expect(await world.alerts()).toEqual([expect.stringContaining('Check SEAM_API_KEY')]);
  expect(world.opened()).toHaveLength(1);
  await world.until('2027-03-10T00:00:00Z');
  expect(world.opened().at(-1)).toBe(tuesday);
});

it('repeats what Seam rejects at the rungs of the ladder only, and tries the next window', async () => {
  await using world = await world12();
  world.simulator.faults.next(create, { kind: 'status', status: 400, type: 'invalid_input' }, { times: 2 });
  await world.apply(weekdays());
  expect(await world.codes()).toMatchObject([{ state: 'rejected' }]);
  await world.until('2027-03-10T12:00:00Z');
  expect(world.opened()).toEqual([tuesday]);
  expect(await world.alerts()).toEqual([
    expect.stringContaining('Refused: the code of Crew at Front door'),
    expect.stringContaining('Refused: the code of Crew at Front door'),
    expect.stringContaining('Not ready 15 minutes before it begins'),
    expect.stringContaining('No code for'),
  ]);
});

it('asks again for a rejected window once the schedule was changed', async () => {
  await using world = await world12();
  world.simulator.faults.next(create, { kind: 'status', status: 400, type: 'invalid_input' });
  await world.apply(weekdays());
  await world.apply(weekdays({ except: { dates: ['2027-03-12'] } }));
  await world.until('2027-03-08T23:00:00Z');
  expect(world.opened()).toEqual([monday]);
});

it('waits for a device that Seam does not know, with one alert', async () => {
  await using world = await world12();
  world.simulator.device(frontDoor).remove();
  // Its own event is of no schedule yet.
  await world.rest();
  await world.apply(weekdays());
  await world.until('2027-03-08T16:00:00Z');
  world.simulator.device(frontDoor).comeBack();
  await world.until('2027-03-08T23:00:00Z');
  expect(world.opened()).toEqual([expect.stringMatching(/^2027-03-08T1[67].*\/2027-03-08T22:00Z$/)]);
  expect(await world.alerts()).toEqual([
    expect.stringContaining('Seam does not know the device'),
    expect.stringContaining('Not ready 15 minutes before it begins'),
  ]);
});

it('asks for nothing when the schedule was paused between the plan and the claim', async () => {
  await using world = await world12();
  // The lock's facts are asked for between the two.
  world.simulator.faults.next('GET /devices/get', { kind: 'slow', delayMs: 1_500 });
  const applied = world.apply(weekdays());
  await expect.poll(() => world.calls('GET /devices/get')).toBe(1);
  await Promise.all([applied, world.apply(weekdays({ status: 'paused' }))]);
  expect(world.calls(create)).toBe(0);
  expect(await world.codes()).toMatchObject([{ state: 'closed' }]);
});

it('deletes a code that lands after its schedule was paused', async () => {
  await using world = await world12();
  world.simulator.faults.next(create, { kind: 'commit_late', delayMs: 50_000 });
  await world.apply(weekdays());
  await world.apply(weekdays({ status: 'paused' }));
  await world.until('2027-03-08T12:30:00Z');
  expect(world.simulator.codes()).toEqual([]);
  expect(await world.codes()).toMatchObject([{ state: 'removed' }]);
});

it('looks once more for a code of unknown outcome whose window is over, and closes it', async () => {
  await using world = await world12();
  world.simulator.faults.next(create, { kind: 'reset_before_commit' });
  await world.apply(weekdays());
  world.simulator.faults.next('GET /access_codes/list', { kind: 'status', status: 503 }, { times: 10_000 });
  await world.until('2027-03-08T22:30:00Z');
  world.simulator.faults.clear();
  await world.until('2027-03-10T00:00:00Z');
  expect(world.opened()).toEqual([tuesday]);
  expect(await world.codes()).toMatchObject([{ state: 'closed' }, { state: 'removed' }, {}]);
  expect((await world.alerts()).join()).toContain('No code for Crew at Front door, Mon 8 Mar 09:00–17:00');
});
