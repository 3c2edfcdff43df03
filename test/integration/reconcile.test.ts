import { Seam } from 'seam';
import { expect, it } from 'vitest';
import { frontDoor, startWorld, weekdays } from '../support/relatch.ts';

const now = '2027-03-08T12:00:00Z';

it('plans a door that nothing would wake, and is content with it afterwards', async () => {
  await using world = await startWorld({ now });
  await world.apply(weekdays());
  const { deps } = world.relatch;
  expect(await world.pass()).toMatchObject({ woken: 0 });
  // As after a restore from a backup that is older than the rows: the schedule is there, its codes are not.
  await deps.db.pool.query('delete from access_codes');
  for (const { access_code_id } of world.simulator.codes()) world.simulator.deleteByHand(access_code_id);
  await world.until('2027-03-08T12:10:00Z');
  // What Seam lists is compared in the passes that have calls left.
  expect(await world.pass({ limits: { seamCalls: 0, durationMs: 60_000 } })).toMatchObject({ woken: 1 });
  await world.rest();
  expect(world.simulator.codes({ device_id: frontDoor })).toHaveLength(1);
  expect(await world.pass()).toMatchObject({ woken: 0 });
});

it('plans every door once when the time-zone data of the process has changed', async () => {
  await using world = await startWorld({ now });
  await world.apply(weekdays());
  await world.pass();
  expect(await world.pass({ tzdataVersion: 'another release' })).toMatchObject({ woken: 0, replanned: 1 });
  await world.rest();
  expect(await world.pass({ tzdataVersion: 'another release' })).toMatchObject({ woken: 0, replanned: 0 });
  expect(world.simulator.codes()).toHaveLength(1);
});

it('keeps nothing but ids, and when a removal was received, in the data of jobs', async () => {
  await using world = await startWorld({ now });
  await world.apply(weekdays());
  await world.until('2027-03-09T12:00:00Z');
  const { rows } = await world.relatch.deps.db.pool.query<{ name: string; key: string }>(
    "select distinct name, jsonb_object_keys(data::jsonb) as key from pgboss.job where name in ('event', 'plan') order by 1, 2",
  );
  expect(rows.map(({ name, key }) => `${name} ${key}`)).toEqual([
    'event key',
    'event removalReceivedAt',
    'plan deviceId',
    'plan removalReceivedAt',
    'plan scheduleId',
    'plan seamEventId',
  ]);
});

it('moves an upcoming code in place whose window newer time-zone data have moved', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z', delivers: false });
  await world.apply(weekdays());
  await world.pass({ tzdataVersion: 'old' });
  await world.rest();
  const { access_code_id, code } = world.onlyCode();
  // As older data had it: New York an hour further west.
  const { prisma, pool } = world.relatch.deps.db;
  const { apiKey, endpoint } = world.simulator;
  const times = { starts_at: '2027-03-08T15:00:00Z', ends_at: '2027-03-08T23:00:00Z' };
  await new Seam({ apiKey, endpoint }).accessCodes.update({ access_code_id, ...times });
  await world.until('2027-03-08T12:05:00Z');
  // Of that change no event is to tell.
  await prisma.installation.update({ where: { id: 1 }, data: { createdAt: world.simulator.now() } });
  const columns = ['window', 'asked', 'confirmed'].flatMap((kind) => [`${kind}_starts_at`, `${kind}_ends_at`]);
  await pool.query(`update access_codes set ${columns.map((column) => `${column} = ${column} + interval '1 hour'`)}`);
  // With one call the pass reads events and compares no device: what differs there it would mend anyway.
  const pass = (tzdataVersion: string) => world.pass({ tzdataVersion, limits: { seamCalls: 1, durationMs: 60_000 } });
  await pass('old');
  await world.rest();
  expect(world.onlyCode().starts_at).toBe('2027-03-08T15:00:00.000Z');
  expect(await pass('new')).toMatchObject({ replanned: 1, repairs: [] });
  await world.rest();
  const moved = { starts_at: '2027-03-08T14:00:00.000Z', ends_at: '2027-03-08T22:00:00.000Z' };
  expect(world.onlyCode()).toMatchObject({ access_code_id, code, ...moved });
  expect(await prisma.accessCode.findMany()).toMatchObject([
    { accessCodeId: access_code_id, state: 'created', windowStartsAt: new Date(moved.starts_at) },
  ]);
  expect(world.calls('POST /access_codes/create')).toBe(1);
});
