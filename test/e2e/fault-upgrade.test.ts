// What happens to a database beside us: a newer release at work in it, a disk without space, a night that nobody was up for.
import { randomUUID } from 'node:crypto';
import { expect, it, vi } from 'vitest';
import { assertSettled } from './settled.ts';
import { deliver, slowMs, startStage } from './stage.ts';

it.concurrent('works beside a newer release that has brought the database further', async () => {
  await using stage = await startStage();
  const { db, simulator } = stage;
  const older = await stage.startServing();
  const struckAtMs = performance.now();
  // As a release does that is compatible with the one before: it only adds.
  for (const table of ['inbox', 'access_codes', 'schedules', 'history', 'alerts']) {
    await db.query(
      `alter table ${table} add column of_tomorrow text, add column also_of_tomorrow int not null default 0`,
    );
  }
  await db.query(
    `insert into _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
     values ($1, repeat('0', 64), '99991231000000_of_tomorrow', now(), now(), 1)`,
    [randomUUID()],
  );
  const restarted = await stage.start();
  expect(restarted.logs()).toContain('99991231000000_of_tomorrow');
  const removed = await stage.outlive();
  expect(await Promise.all([deliver(older, removed), deliver(restarted, removed)])).toEqual([202, 202]);
  await vi.waitFor(async () => {
    expect((await stage.codes()).map(({ state }) => state)).toEqual(['removed', 'created']);
  }, slowMs);
  await stage.rest();
  expect(simulator.codes()).toHaveLength(1);
  await assertSettled(stage, { scenario: 'a newer release beside an older one', faults: 1, struckAtMs });
});

it.concurrent('acknowledges nothing while the database’s disk is full, and loses nothing by it', async () => {
  await using stage = await startStage();
  const { db, simulator } = stage;
  const service = await stage.startServing();
  const removed = await stage.outlive();
  await db.query(`create function no_space() returns trigger language plpgsql as $$
    begin raise exception using errcode = 'disk_full', message = 'could not extend file: No space left on device'; end $$`);
  const tables = ['inbox', 'access_codes', 'history', 'pgboss.job'];
  for (const table of tables)
    await db.query(`create trigger no_space before insert or update on ${table} execute function no_space()`);
  expect(await deliver(service, removed)).toBe(503);
  for (const table of tables) await db.query(`drop trigger no_space on ${table}`);
  const struckAtMs = performance.now();
  expect(await deliver(service, removed)).toBe(202);
  await vi.waitFor(async () => {
    expect((await stage.codes()).map(({ state }) => state)).toEqual(['removed', 'created']);
  }, slowMs);
  await stage.rest();
  expect(simulator.codes()).toHaveLength(1);
  await assertSettled(stage, { scenario: 'a full disk', faults: 1, struckAtMs });
});

it.concurrent('makes up at its start for the nights and passes that it was down for', async () => {
  await using stage = await startStage();
  const { db, simulator } = stage;
  const stopped = await stage.startServing();
  stopped.kill('SIGTERM');
  await stopped.exited;
  await db.query(`update installation set pruned_at = now() - interval '3 days'`);
  await db.query(`insert into inbox (key, state, reason, received_at, done_at)
    values ('of two years ago', 'ignored', 'no_schedule_owns_code', now() - interval '2 years', now() - interval '2 years')`);
  // Its end is told to nobody, and told again by nobody.
  await stage.outlive();

  const struckAtMs = performance.now();
  await stage.start();
  await vi.waitFor(async () => {
    expect((await stage.codes()).map(({ state }) => state)).toEqual(['removed', 'created']);
    expect((await db.query(`select 1 from inbox where key = 'of two years ago'`)).rows).toEqual([]);
  }, slowMs);
  await stage.rest();
  expect(simulator.codes()).toHaveLength(1);
  await assertSettled(stage, { scenario: 'down for three days', faults: 1, struckAtMs });
});
