import { describe, expect, it, vi } from 'vitest';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { assertSettled } from './settled.ts';
import { aDoor, deliver, type Instance, type Stage, slowMs, startStage, statusOf } from './stage.ts';

const answersWithinMs = 3_000;

describe.concurrent('a delivery', () => {
  it.each([
    ['hangs', async (way: TcpProxy) => way.hang()],
    ['is down', (way: TcpProxy) => way.refuse()],
  ])('while the database %s is answered 503 within 3 s, and handled when it is sent again later', async (how, strike) => {
    await using stage = await startStage();
    const direct = new URL(stage.env.DATABASE_URL!);
    await using way = await startTcpProxy({ host: direct.hostname, port: Number(direct.port) });
    const service = await stage.start({ DATABASE_URL: throughProxy(direct, way) });
    await stage.apply(aDoor());
    await vi.waitFor(async () => expect(await stage.codes()).toMatchObject([{ state: 'created' }]), slowMs);
    await stage.rest();
    const removed = await stage.outlive();

    await strike(way);
    expect(await timed(() => deliver(service, removed))).toEqual({ status: 503, isInTime: true });
    expect(await timed(() => statusOf(service, '/readyz'))).toEqual({ status: 503, isInTime: true });
    expect(await statusOf(service, '/healthz')).toBe(200);
    // More than the pool has connections: none of them waits behind the others.
    const crowd = await Promise.all(Array.from({ length: 30 }, () => timed(() => deliver(service, removed))));
    expect(crowd).toEqual(crowd.map(() => ({ status: 503, isInTime: true })));

    await way.recover();
    const struckAtMs = performance.now();
    await vi.waitFor(async () => expect(await statusOf(service, '/readyz')).toBe(200), slowMs);
    await expectHandled(stage, service, await sentAgain(service, removed));
    await assertSettled(stage, { scenario: `the database ${how} while deliveries come`, faults: 1, struckAtMs });
  });
});

it.concurrent('goes on when connections to the database go silent for ever without being closed', async () => {
  await using stage = await startStage();
  const direct = new URL(stage.env.DATABASE_URL!);
  await using way = await startTcpProxy({ host: direct.hostname, port: Number(direct.port) });
  const service = await stage.start({ DATABASE_URL: throughProxy(direct, way) });
  await stage.apply(aDoor());
  await vi.waitFor(async () => expect(await stage.codes()).toMatchObject([{ state: 'created' }]), slowMs);
  await stage.rest();
  const removed = await stage.outlive();
  way.hang();
  expect(await deliver(service, removed)).toBe(503);
  way.recoverForNew();
  await expectHandled(stage, service, await sentAgain(service, removed));
});

it.concurrent('adopts the code that Seam made while the database was away', async () => {
  await using stage = await startStage();
  const { simulator, db } = stage;
  const direct = new URL(stage.env.DATABASE_URL!);
  await using way = await startTcpProxy({ host: direct.hostname, port: Number(direct.port) });
  const service = await stage.start({ DATABASE_URL: throughProxy(direct, way) });
  simulator.faults.next('/access_codes/create', { kind: 'slow', delayMs: 1_000 });
  await stage.apply(aDoor());
  await vi.waitFor(() => expect(simulator.requests.map(({ path }) => path)).toContain('/access_codes/create'), slowMs);
  await way.refuse();
  await vi.waitFor(() => expect(simulator.codes()).toHaveLength(1), slowMs);
  await vi.waitFor(() => expect(service.logs()).toContain('job failed'), slowMs);
  await noteFailures(db);
  await way.recover();
  const struckAtMs = performance.now();
  await vi.waitFor(
    async () => expect(await stage.codes()).toMatchObject([{ state: 'created', adopted: true }]),
    slowMs,
  );
  // By the worker, once it could: until it is told, no other job of the door runs.
  const { rows } = await db.query<{ why: string }>('select why from failures');
  expect(rows).not.toEqual([]);
  expect(rows).not.toContainEqual({ why: 'job heartbeat timeout' });
  expect(simulator.codes()).toHaveLength(1);
  expect(process.kill(service.pid, 0)).toBe(true);
  await assertSettled(stage, { scenario: 'the database is away while Seam makes a code', faults: 1, struckAtMs });
});

/** Keeps what the queue is told of jobs that failed. */
async function noteFailures(db: Stage['db']): Promise<void> {
  await db.query('create table failures (why text)');
  await db.query(`create function note_failure() returns trigger language plpgsql as $$
    begin
      insert into failures values (coalesce(new.output->'value'->>'message', new.output->>'message'));
      return new;
    end $$`);
  await db.query(`create trigger note_failure after insert or update on pgboss.job
    for each row when (new.state = 'retry') execute function note_failure()`);
}

type Delivery = Parameters<typeof deliver>[1];

/** As its sender does: until it is acknowledged. */
async function sentAgain(service: Instance, delivery: Delivery): Promise<number> {
  return vi.waitFor(async () => {
    const status = await deliver(service, delivery);
    expect(status).toBe(202);
    return status;
  }, slowMs);
}

async function expectHandled(stage: Stage, service: Instance, status: number): Promise<void> {
  expect(status).toBe(202);
  await vi.waitFor(async () => {
    expect((await stage.codes()).map(({ state }) => state)).toEqual(['removed', 'created']);
  }, slowMs);
  expect(stage.simulator.codes()).toHaveLength(1);
  expect((await stage.db.query('select state from inbox')).rows).toEqual([{ state: 'handled' }]);
  expect(process.kill(service.pid, 0)).toBe(true);
  expect(await statusOf(service, '/readyz')).toBe(200);
}

function throughProxy(url: URL, { port }: TcpProxy): string {
  const proxied = new URL(url);
  proxied.hostname = '127.0.0.1';
  proxied.port = String(port);
  return proxied.href;
}

async function timed(ask: () => Promise<number>): Promise<{ status: number; isInTime: boolean }> {
  const startedMs = performance.now();
  const status = await ask();
  return { status, isInTime: performance.now() - startedMs < answersWithinMs };
}
