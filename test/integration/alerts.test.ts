import { expect, it } from 'vitest';
import { acknowledgeAlert, listAlerts } from '../../src/db/alerts.ts';
import { startWorld, type World, weekdays } from '../support/relatch.ts';

const create = 'POST /access_codes/create';
const now = '2027-03-08T12:00:00Z';

function unresolved(world: World) {
  return listAlerts(world.relatch.deps.db.prisma, { withAcknowledged: true, limit: 100 });
}

it('keeps one alert for one cause, with whose window it is about, and resolves it when the code is there', async () => {
  await using world = await startWorld({ now });
  world.simulator.faults.next(create, { kind: 'status', status: 500 }, { times: 1_000 });
  await world.apply(weekdays({ holder: 'Anna' }));
  await world.until('2027-03-08T13:52:00Z');
  expect(await unresolved(world)).toMatchObject([
    { kind: 'code.not_ready', state: 'open', scheduleKey: 'crew', holder: 'Anna', times: 1 },
  ]);
  expect((await unresolved(world))[0]?.windowStartsAt?.toISOString()).toBe('2027-03-08T14:00:00.000Z');
  world.simulator.faults.clear();
  await world.until('2027-03-08T13:59:00Z');
  expect(world.simulator.codes()).toHaveLength(1);
  expect(await unresolved(world)).toEqual([]);
});

it('leaves an alert that a person has acknowledged alone until its cause is gone', async () => {
  await using world = await startWorld({ now });
  world.simulator.faults.next(create, { kind: 'status', status: 400 });
  await world.apply(weekdays());
  const { prisma } = world.relatch.deps.db;
  const [alert] = await unresolved(world);
  expect(alert).toMatchObject({ kind: 'code.refused', state: 'open' });
  expect(await acknowledgeAlert(prisma, alert?.id ?? '', new Date(now))).toBe(true);
  expect(await acknowledgeAlert(prisma, alert?.id ?? '', new Date(now))).toBe(false);
  expect(await listAlerts(prisma, { withAcknowledged: false, limit: 100 })).toEqual([]);
  await world.apply(weekdays({ windows: [{ rrule: 'FREQ=DAILY', from: '10:00', to: '17:00' }] }));
  expect(world.simulator.codes()).toHaveLength(1);
  expect(await unresolved(world)).toEqual([]);
});
