import { expect, it } from 'vitest';
import { listAlerts } from '../../src/db/alerts.ts';
import { reconcile } from '../../src/flows/reconcile.ts';
import { startWorld, type World } from '../support/relatch.ts';

/** A pass of a replica whose clock is wrong by so much, beside a service that lives in virtual time. */
async function passOf(world: World, aheadSeconds: number): Promise<void> {
  const now = () => new Date(Date.now() + aheadSeconds * 1_000);
  // The service's own first pass may still be at it.
  await expect.poll(() => reconcile({ ...world.relatch.deps, now }, { machine: 'web-1' })).not.toBeNull();
}

const unresolved = (world: World) => listAlerts(world.relatch.deps.db.prisma, { withAcknowledged: true, limit: 100 });

async function kinds(world: World): Promise<string[]> {
  return (await world.history()).map(({ kind }) => kind);
}

it.each([
  [40, /^The clock of web-1 is (39|40) s ahead of the database's\. .* begin and end early .* 5 minutes .* NTP\.$/],
  [-40, /^The clock of web-1 is 40 s behind the database's\. .* begin and end late .* 5 minutes .* NTP\.$/],
])('raises one alert while the clock is %i s ahead, and resolves it once the clocks agree', async (seconds, message) => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  await passOf(world, seconds);
  await passOf(world, seconds);
  expect(await unresolved(world)).toMatchObject([
    { kind: 'clock.skewed', state: 'open', times: 2, message: expect.stringMatching(message) },
  ]);
  expect(await kinds(world)).toEqual(['clock.skewed']);
  await passOf(world, 0);
  await passOf(world, 0);
  expect(await unresolved(world)).toEqual([]);
  expect(await kinds(world)).toEqual(['clock.skewed', 'clock.agrees']);
});

it.each([29, -29])('writes nothing when the clock is %i s ahead', async (seconds) => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  await passOf(world, seconds);
  expect(await unresolved(world)).toEqual([]);
  expect(await kinds(world)).toEqual([]);
});

it('lets a service in virtual time be as far from the database as it likes', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  await expect.poll(() => world.simulator.requests.map(({ path }) => path)).toContain('/events/list');
  await world.pass();
  expect(await kinds(world)).toEqual([]);
});
