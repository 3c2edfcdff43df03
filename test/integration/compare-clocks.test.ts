import { expect, it } from 'vitest';
import { listAlerts } from '../../src/db/alerts.ts';
import { reconcile } from '../../src/flows/reconcile.ts';
import { startWorld, type World } from '../support/relatch.ts';

/** A pass of a replica whose clock is wrong by so much, beside a service that lives in virtual time. */
async function passOf(world: World, aheadSeconds: number, machine = 'web-1'): Promise<void> {
  const now = () => new Date(Date.now() + aheadSeconds * 1_000);
  // The service's own first pass may still be at it.
  await expect.poll(() => reconcile({ ...world.relatch.deps, now }, { machine })).not.toBeNull();
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

it('has an alert for each machine whose clock is wrong, which only that machine resolves', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  for (let pass = 0; pass < 2; pass += 1) {
    await passOf(world, 40, 'web-1');
    await passOf(world, 0, 'web-2');
    await passOf(world, 600, 'web-3');
  }
  const alertOf = (machine: string) => ({ times: 2, message: expect.stringContaining(`The clock of ${machine} is`) });
  expect(await unresolved(world)).toMatchObject([alertOf('web-1'), alertOf('web-3')]);
  expect(await kinds(world)).toEqual(['clock.skewed', 'clock.skewed']);
  await passOf(world, 0, 'web-1');
  expect(await unresolved(world)).toMatchObject([alertOf('web-3')]);
});

it("resolves a machine's alert at another's pass once the machine has not been heard of for two days", async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  const { prisma } = world.relatch.deps.db;
  await passOf(world, 172_800, 'web-1');
  await prisma.$executeRaw`update alerts set last_seen_at = last_seen_at - interval '2 days' + interval '1 minute'`;
  await passOf(world, 0, 'web-2');
  expect(await unresolved(world)).toHaveLength(1);
  await prisma.$executeRaw`update alerts set last_seen_at = last_seen_at - interval '2 minutes'`;
  await passOf(world, 0, 'web-2');
  await passOf(world, 0, 'web-2');
  expect(await unresolved(world)).toEqual([]);
  expect(await kinds(world)).toEqual(['clock.skewed', 'clock.forgotten']);
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
