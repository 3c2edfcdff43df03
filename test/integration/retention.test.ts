import { expect, it } from 'vitest';
import { pruneNightly } from '../../src/flows/prune.ts';
import { deliverEvent } from '../support/poison.ts';
import { startWorld, type World, weekdays } from '../support/relatch.ts';
import { aRemovedEvent } from '../support/sign.ts';

const now = '2027-03-08T12:00:00Z';

async function counts(world: World): Promise<Record<string, number>> {
  const tables = ['history', 'access_codes', 'inbox', 'alerts', 'dead_letters'];
  const { rows } = await world.relatch.deps.db.pool.query<Record<string, number>>(
    `select ${tables.map((table) => `(select count(*)::int from ${table}) as ${table}`).join(', ')}`,
  );
  return rows[0] ?? {};
}

/** As if everything had come so many days ago; the service's own clock is moved by its tests. */
async function ageInbox(world: World, days: number): Promise<void> {
  await world.relatch.deps.db.pool.query(
    `update inbox set received_at = received_at - interval '${days} days', done_at = done_at - interval '${days} days'`,
  );
}

it('clears away what is old, once a night, and keeps what tells that a window was served', async () => {
  await using world = await startWorld({ now });
  const { deps } = world.relatch;
  await world.apply(weekdays());
  await world.until('2027-03-20T12:00:00Z');
  await ageInbox(world, 31);
  const before = await counts(world);
  expect(before['access_codes']).toBe(11);
  const report = await pruneNightly(deps, 4);
  expect(report).toMatchObject({ codes: 6, inbox: before['inbox'] });
  expect(report?.history).toBeGreaterThan(20);
  // Of the windows that ended in the last 4 days four are left, beside the one that is next.
  expect((await world.codes()).map(({ state, startsAt }) => `${state} ${startsAt.slice(0, 10)}`)).toEqual([
    'removed 2027-03-16',
    'removed 2027-03-17',
    'removed 2027-03-18',
    'removed 2027-03-19',
    'created 2027-03-22',
  ]);
  expect(await pruneNightly(deps, 4)).toBeNull();
  // The open code is still explained from its plan on.
  const [entry] = await deps.db.prisma.historyEntry.findMany({
    where: { kind: 'window.planned' },
    orderBy: { id: 'desc' },
  });
  expect(entry?.message).toContain('Mon 22 Mar');

  await world.until('2027-03-27T12:00:00Z');
  expect(world.opened()).toHaveLength(15);
  expect(await world.alerts()).toEqual([]);
});

it('keeps the last code of each door however old it is, so that windows since then are told as missed and none is made again', async () => {
  await using world = await startWorld({ now });
  await world.apply(weekdays({ ends_on: '2027-03-09' }));
  await world.until('2027-03-20T12:00:00Z');
  const report = await pruneNightly(world.relatch.deps, 1);
  expect(report).toMatchObject({ codes: 1 });
  expect(await world.codes()).toMatchObject([{ startsAt: '2027-03-09T14:00:00.000Z', state: 'removed' }]);
  await world.sweep();
  expect(world.opened()).toHaveLength(2);
});

it('keeps events for thirty days, and one that comes again after that opens nothing', async () => {
  await using world = await startWorld({ now });
  await world.apply(weekdays());
  await world.until('2027-03-08T12:10:00Z');
  const code = world.onlyCode();
  const early = aRemovedEvent({ access_code_id: code.access_code_id, device_id: code.device_id });
  await deliverEvent(world, early);
  await world.rest();
  await ageInbox(world, 29);
  // The service has pruned at its start, before there was anything.
  await world.relatch.deps.db.pool.query('update installation set pruned_at = null');
  const held = await counts(world);
  expect((await pruneNightly(world.relatch.deps, 1))?.inbox).toBe(0);
  await world.until('2027-03-11T03:00:00Z');
  await ageInbox(world, 2);
  expect((await pruneNightly(world.relatch.deps, 1))?.inbox).toBeGreaterThanOrEqual(held['inbox'] ?? 0);

  // The queue forgets its jobs after a day.
  await world.relatch.deps.db.pool.query("delete from pgboss.job where name = 'event'");
  const codes = await world.codes();
  await deliverEvent(world, early);
  await world.rest();
  expect(await world.codes()).toEqual(codes);
  expect(world.simulator.codes()).toHaveLength(1);
  expect(await world.relatch.deps.db.prisma.inboxEvent.findUnique({ where: { key: early.event_id } })).toMatchObject({
    state: expect.stringMatching(/handled|ignored/),
  });
});

it('goes on where it was cut short, and leaves alerts and letters that wait for somebody', async () => {
  await using world = await startWorld({ now });
  const { deps, url } = world.relatch;
  const { pool } = deps.db;
  // The service's own pass at its start is over then.
  await expect.poll(async () => (await fetch(`${url}/readyz`)).status, { timeout: 30_000 }).toBe(200);
  await pool.query(
    `insert into history (at, kind, message) select '2026-01-01', 'code.reported', 'old ' || n from generate_series(1, 2500) n`,
  );
  await pool.query(`insert into alerts (cause, kind, message, state, raised_at, last_seen_at, settled_at)
    select n::text, 'code.refused', 'x', (array['resolved', 'open', 'acknowledged', 'open'])[1 + n % 4]::alert_state, '2026-01-01', '2026-01-01', '2026-01-01'
      from generate_series(1, 10) n`);
  await pool.query(`insert into dead_letters (event_key, error_name, error_message, attempts, died_at, state, settled_at)
    select n::text, 'x', 'x', 9, now() - interval '90 days', case when n % 2 = 0 then 'dropped' else 'open' end::dead_letter_state,
           now() - interval '80 days' from generate_series(1, 10) n`);
  await pool.query('update installation set pruned_at = null');
  const cut = new AbortController();
  cut.abort();
  expect(await pruneNightly(deps, 30, cut.signal)).toMatchObject({ history: 1000 });
  expect(await pruneNightly(deps, 30)).toMatchObject({ history: 1500 });
  expect(await counts(world)).toMatchObject({ alerts: 5, dead_letters: 5 });
  expect(await pruneNightly(deps, 30)).toBeNull();
});
