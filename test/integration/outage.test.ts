import { expect, it } from 'vitest';
import { openTool } from '../../src/deps.ts';
import { actOn } from '../../src/flows/act-on-schedule.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { opened } from '../support/crew-at-work.ts';
import { backDoor, frontDoor, startWorld, type World, weekdays } from '../support/relatch.ts';

const span = (day: string): string => `2027-03-${day}T14:00Z/2027-03-${day}T22:00Z`;

/** The service is down while Seam and its locks go on; then it starts again. */
async function downUntil(world: World, instant: string): Promise<void> {
  await world.stop();
  await world.simulator.advanceTo(new Date(instant));
  await world.start();
  await world.sweep();
}

async function crew(fields: Record<string, unknown> = {}): Promise<World> {
  const world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  await world.apply(weekdays(fields));
  return world;
}

it('goes on as if nothing had happened after an outage between two windows', async () => {
  await using world = await crew();
  await world.until('2027-03-08T21:00:00Z');
  await downUntil(world, '2027-03-09T06:00:00Z');
  await world.until('2027-03-10T12:00:00Z');
  expect(world.opened()).toEqual([span('08'), span('09')]);
  expect(await world.alerts()).toEqual([]);
});

it('opens a window again that was extended during the outage, but not where somebody had closed it', async () => {
  await using world = await crew({ devices: [frontDoor, backDoor] });
  await world.until('2027-03-08T15:00:00Z');
  world.simulator.deleteByHand(world.onlyCode(frontDoor).access_code_id);
  await world.until('2027-03-08T16:00:00Z');
  await world.stop();
  const deps = { now: () => world.simulator.now(), log: createLog({ level: 'silent' }) };
  await using tool = await openTool(world.config, deps, 'tool');
  await actOn(tool, 'crew', { kind: 'extend', until: '19:00' });
  await downUntil(world, '2027-03-08T22:30:00Z');
  await world.until('2027-03-10T00:00:00Z');
  const days = ['2027-03-08T14:00/2027-03-08T22:00', '2027-03-09T14:00/2027-03-09T22:00'] as const;
  expect(opened(world, frontDoor)).toEqual(['2027-03-08T14:00/2027-03-08T15:00', days[1]]);
  expect(opened(world, backDoor)).toEqual([days[0], '2027-03-08T22:30/2027-03-09T00:00', days[1]]);
});

it('joins the window that began during the outage, for the time that is left', async () => {
  await using world = await crew();
  await world.until('2027-03-08T21:00:00Z');
  await downUntil(world, '2027-03-09T18:00:00Z');
  await world.until('2027-03-10T12:00:00Z');
  expect(world.opened()).toEqual([span('08'), '2027-03-09T18:00:02Z/2027-03-09T22:00Z']);
  expect(world.calls('POST /access_codes/create')).toBe(3);
});

it.each([
  ['before its first removal', '2027-03-08T21:00:00Z'],
  ['right after it asked for the first code', '2027-03-08T12:00:00Z'],
])('records one missed window for each that passed in a long outage that began %s', async (_, from) => {
  await using world = await crew();
  await world.until(from);
  await downUntil(world, '2027-03-12T12:00:00Z');
  await world.until('2027-03-13T12:00:00Z');
  expect(world.opened()).toEqual([span('08'), span('12')]);
  const alerts = await world.alerts();
  expect(alerts).toEqual(
    ['Tue 9 Mar', 'Wed 10 Mar', 'Thu 11 Mar'].map((day) => expect.stringContaining(`${day} 09:00–17:00`)),
  );
  expect(alerts).toEqual(alerts.map(() => expect.stringContaining('Relatch was not running')));
});

it('records missed windows when PINs rotate, too, and serves what was ready ahead', async () => {
  await using world = await crew({ pin: 'rotate' });
  await world.until('2027-03-08T15:00:00Z');
  await downUntil(world, '2027-03-12T12:00:00Z');
  await world.until('2027-03-13T12:00:00Z');
  expect(world.opened()).toEqual([span('08'), span('09'), span('12')]);
  expect(await world.alerts()).toHaveLength(2);
});

it('finds out after an outage what became of a create that it never saw answered', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  world.simulator.faults.next('POST /access_codes/create', { kind: 'answer_lost_after_commit' });
  await world.apply(weekdays());
  await downUntil(world, '2027-03-08T13:00:00Z');
  await world.rest();
  expect(await world.codes()).toMatchObject([{ state: 'created', adopted: true }]);
  expect(world.calls('POST /access_codes/create')).toBe(1);
});

it('takes over a claim whose worker died, without a second code', async () => {
  await using world = await crew();
  const { prisma } = world.relatch.deps.db;
  // As after a kill between the commit of the claim and the record of the answer.
  await prisma.accessCode.updateMany({
    data: {
      state: 'calling',
      accessCodeId: null,
      confirmedStartsAt: null,
      confirmedEndsAt: null,
      quietUntil: new Date('2027-03-08T12:01:00Z'),
      nextTryAt: new Date('2027-03-08T12:01:00Z'),
    },
  });
  await world.until('2027-03-09T00:00:00Z');
  expect(world.opened()).toEqual([span('08')]);
  expect((await world.codes())[0]).toMatchObject({ adopted: true });
  // One for each window: it did not take a refusal to find out that it had happened.
  expect(world.calls('POST /access_codes/create')).toBe(2);
});

it('serves everything once Seam is back after hours without it', async () => {
  await using world = await crew();
  world.simulator.faults.next('*', { kind: 'status', status: 503, body: '' }, { times: 1_000_000 });
  await world.until('2027-03-09T17:00:00Z');
  world.simulator.faults.clear();
  await world.until('2027-03-11T12:00:00Z');
  const [monday, tuesday, wednesday] = world.opened();
  expect([monday, wednesday]).toEqual([span('08'), span('10')]);
  expect(tuesday).toMatch(/^2027-03-09T1[78].*\/2027-03-09T22:00Z$/);
  expect(new Set(world.simulator.intervals(frontDoor).map(({ access_code_id }) => access_code_id)).size).toBe(3);
});

it('opens a window on time when Seam is back ten minutes before it after hours without it', async () => {
  await using world = await startWorld({ now: '2027-03-08T09:00:00Z' });
  world.simulator.faults.next('*', { kind: 'status', status: 503 }, { times: 1_000_000 });
  await world.apply(weekdays());
  await world.until('2027-03-08T13:50:00Z');
  expect(world.simulator.codes()).toEqual([]);
  const asked = world.simulator.requests.map((request) => request.at.getTime());
  // Five minutes and a fifth of them.
  expect(Math.max(...asked.map((at, index) => at - (asked[index - 1] ?? at)))).toBeLessThanOrEqual(6 * 60_000);
  world.simulator.faults.clear();
  await world.until('2027-03-09T12:00:00Z');
  expect(world.opened()).toEqual([span('08')]);
});

it('handles the deliveries that Seam repeats after an outage without doing anything twice', async () => {
  await using world = await crew();
  await world.until('2027-03-08T21:00:00Z');
  await world.stop();
  await world.simulator.advanceTo(new Date('2027-03-08T22:02:00Z'));
  await world.start();
  await world.until('2027-03-09T08:00:00Z');
  expect(world.calls('POST /access_codes/create')).toBe(2);
  expect(world.simulator.pendingDeliveries).toBe(0);
  const [row] = (await world.codes()).slice(-1);
  expect(row).toMatchObject({ startsAt: '2027-03-09T14:00:00.000Z', state: 'created' });
});
