// What Seam takes from one device in a minute, kept by all replicas together.
import { expect, it } from 'vitest';
import { startRelatch } from '../../src/relatch.ts';
import type { ApiRequest } from '../../src/simulator/server.ts';
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

const create = '/access_codes/create';
const minuteMs = 60_000;

/** Schedules of one door whose windows begin a minute apart, in an order that is not theirs. */
function crowd(count: number, fields: Record<string, unknown> = {}): string {
  const numbers = Array.from({ length: count }, (_, at) => (at * 7) % count);
  const time = (hour: number, minute: number): string => `${hour}:${String(minute).padStart(2, '0')}`;
  return schedulesFile(
    numbers.map((number) =>
      aSchedule({
        key: `crew-${number}`,
        windows: daily(time(10, number), time(17, number)),
        pin: 'rotate',
        ...fields,
      }),
    ),
  );
}

function requestsOf(world: World, path: string, deviceId = frontDoor): readonly ApiRequest[] {
  return world.simulator.requests.filter(
    (request) => request.path === path && (path !== create || request.params['device_id'] === deviceId),
  );
}

/** The most calls that fell into any 60 s. */
function mostInAMinute(requests: readonly ApiRequest[]): number {
  const atMs = requests.map(({ at }) => at.getTime());
  return Math.max(...atMs.map((from) => atMs.filter((at) => at >= from && at < from + minuteMs).length));
}

it('makes the codes of a crowded door in the order of their windows, and never meets Seam’s limit', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  await world.apply(crowd(30));
  await world.until('2027-03-08T12:05:00Z');
  const requests = requestsOf(world, create);
  expect(requests.map(({ status }) => status)).toEqual(Array(30).fill(200));
  expect(mostInAMinute(requests)).toBe(10);
  const starts = requests.map(({ params }) => String(params['starts_at']));
  const batches = [0, 10, 20].map((from) => starts.slice(from, from + 10).toSorted());
  expect(batches.flat()).toEqual(starts.toSorted());
  expect(await world.alerts()).toEqual([]);
  expect((await world.history()).filter(({ kind }) => kind === 'code.postponed')).toEqual([]);
});

it('shares what a door has left between two replicas', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  const { log, now } = world.relatch.deps;
  const port = { ...world.config.http, port: 0 };
  const other = await startRelatch({ ...world.config, http: port }, { now, log: log as never });
  try {
    await world.apply(crowd(25));
    await world.until('2027-03-08T12:04:00Z');
  } finally {
    await other.close();
  }
  const requests = requestsOf(world, create);
  expect(requests.map(({ status }) => status)).toEqual(Array(25).fill(200));
  expect(mostInAMinute(requests)).toBe(10);
});

it('takes away and moves no more than Seam takes either', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  await world.apply(crowd(25));
  await world.until('2027-03-08T12:05:00Z');
  await world.apply(crowd(25, { windows: daily('11:00', '17:00') }));
  await world.until('2027-03-08T12:10:00Z');
  const updates = requestsOf(world, '/access_codes/update');
  expect(updates.map(({ status }) => status)).toEqual(Array(25).fill(200));
  expect(mostInAMinute(updates)).toBe(10);
  await world.apply(crowd(25, { status: 'paused' }));
  await world.until('2027-03-08T12:15:00Z');
  const deletes = requestsOf(world, '/access_codes/delete');
  expect(deletes.every(({ status }) => status === 200 || status === 404)).toBe(true);
  expect(mostInAMinute(deletes)).toBeLessThanOrEqual(20);
  expect(world.simulator.codes()).toEqual([]);
  expect((await world.codes()).every(({ state }) => state === 'removed')).toBe(true);
  expect(await world.alerts()).toEqual([]);
});

it('keeps the other codes of a door from calling while a 429 says to wait, and those of no other door', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  const refusal = { kind: 'status', status: 429, retryAfterSeconds: 150 } as const;
  world.simulator.faults.next(`POST ${create}`, refusal, { device_id: frontDoor });
  await world.apply(weekdays());
  expect(requestsOf(world, create)).toHaveLength(1);
  const others = ['one', 'two'].map((key) => aSchedule({ key }));
  await world.apply(schedulesFile([...others, aSchedule({ key: 'three', devices: [backDoor] })]));
  expect(requestsOf(world, create)).toHaveLength(1);
  expect(requestsOf(world, create, backDoor)).toHaveLength(1);
  await world.until('2027-03-08T12:02:29Z');
  expect(requestsOf(world, create)).toHaveLength(1);
  await world.until('2027-03-08T12:02:32Z');
  expect(
    requestsOf(world, create)
      .slice(1)
      .map(({ status }) => status),
  ).toEqual([200, 200, 200]);
});

it.each([
  ['moved', 'PATCH /access_codes/update', { windows: daily('11:00', '17:00') }],
  ['taken away', 'DELETE /access_codes/delete', { status: 'paused' }],
])('waits as long as a 429 says before a code is %s, and keeps no other door waiting', async (_what, route, change) => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  const both = (fields: Record<string, unknown>): string =>
    schedulesFile([
      aSchedule({ key: 'front', pin: 'rotate', ...fields }),
      aSchedule({ key: 'front-too', pin: 'rotate', ...fields }),
      aSchedule({ key: 'back', devices: [backDoor], ...fields }),
    ]);
  await world.apply(both({}));
  await world.until('2027-03-08T12:05:00Z');
  const refusal = { kind: 'status', status: 429, retryAfterSeconds: 150 } as const;
  world.simulator.faults.next(route, refusal, { device_id: frontDoor });
  await world.apply(both(change));
  await world.until('2027-03-08T12:05:20Z');
  const statuses = (): number[] =>
    requestsOf(world, route.split(' ')[1] ?? '').flatMap(({ status }) =>
      status === 429 || status === 200 ? [status] : [],
    );
  const codesAt = (door: string) => world.simulator.codes({ device_id: door });
  expect(statuses().filter((status) => status === 429)).toHaveLength(1);
  // Moved, or gone.
  const isDone = (door: string): boolean =>
    codesAt(door).every(({ starts_at }) => starts_at === '2027-03-08T16:00:00.000Z');
  expect(isDone(backDoor)).toBe(true);
  expect(isDone(frontDoor)).toBe(false);
  const atOnce = statuses();
  await world.until('2027-03-08T12:07:29Z');
  expect(statuses()).toEqual(atOnce);
  expect(isDone(frontDoor)).toBe(false);
  await world.until('2027-03-08T12:08:00Z');
  expect(isDone(frontDoor)).toBe(true);
});

it('leaves a row that has to wait for a slot as it was, and tells why if its window passes so', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  const refusal = { kind: 'status', status: 429, retryAfterSeconds: 86_400 } as const;
  world.simulator.faults.next(`POST ${create}`, refusal);
  await world.apply(weekdays());
  await world.apply(weekdays({ key: 'late' }));
  const [late] = await world.relatch.deps.db.prisma.accessCode.findMany({ where: { schedule: { key: 'late' } } });
  expect(late).toMatchObject({ state: 'planned', fence: 0, attempts: 0, calledAt: null, pinCiphertext: null });
  await world.until('2027-03-09T00:00:00Z');
  expect((await world.alerts()).join()).toContain('had as many calls in a minute as Seam takes');
});
