import { expect, it } from 'vitest';
import { acknowledgeAlert, listAlerts } from '../../src/db/alerts.ts';
import { relatchHere } from '../support/cli.ts';
import { frontDoor, startWorld, type World, weekdays } from '../support/relatch.ts';

const create = 'POST /access_codes/create';
const now = '2027-03-08T12:00:00Z';

function unresolved(world: World) {
  return listAlerts(world.relatch.deps.db.prisma, { withAcknowledged: true, limit: 100 });
}

it('keeps one alert for one cause, with whose window it is about, and resolves it when the code is there', async () => {
  await using world = await startWorld({ now, devices: [{ device_id: frontDoor, name: 'Front\ndoor\u0007' }] });
  world.simulator.faults.next(create, { kind: 'status', status: 500 }, { times: 1_000 });
  await world.apply(weekdays({ holder: 'Anna' }));
  await world.until('2027-03-08T13:52:00Z');
  expect(await unresolved(world)).toMatchObject([
    { kind: 'code.not_ready', state: 'open', scheduleKey: 'crew', holder: 'Anna', times: 1 },
  ]);
  expect((await unresolved(world))[0]?.windowStartsAt?.toISOString()).toBe('2027-03-08T14:00:00.000Z');
  // What Seam calls a door moves no cursor: an alert has three lines.
  const { output } = await relatchHere(world, ['alerts', 'list']);
  expect(output.split('\n')).toMatchObject(
    [/code.not_ready/, /Front door /, /^ {2}door Front door ; held by Anna;/].map((text) =>
      expect.stringMatching(text),
    ),
  );
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

it('raises a new alert for the windows of another outage after that of the last one was acknowledged', async () => {
  await using world = await startWorld({ now });
  await world.apply(weekdays());
  const outage = async (from: string, until: string): Promise<void> => {
    await world.until(from);
    await world.stop();
    await world.simulator.advanceTo(new Date(until));
    await world.start();
    await world.sweep();
  };
  await outage('2027-03-08T21:00:00Z', '2027-03-11T12:00:00Z');
  const [first, ...others] = await unresolved(world);
  expect(first).toMatchObject({ kind: 'window.missed', times: 2, state: 'open' });
  expect(others).toEqual([]);
  await acknowledgeAlert(world.relatch.deps.db.prisma, first?.id ?? '', world.simulator.now());
  await outage('2027-03-11T21:00:00Z', '2027-03-17T12:00:00Z');
  const open = await listAlerts(world.relatch.deps.db.prisma, { withAcknowledged: false, limit: 100 });
  expect(open).toMatchObject([{ kind: 'window.missed', state: 'open' }]);
});

it.each([
  ['its schedule is paused and resumed', 'resume'],
  ['it is reopened and gets the code of the next window', 'reopen'],
  ['it has passed', 'wait'],
] as const)('resolves the alert of a window that somebody closed when %s', async (_, act) => {
  await using world = await startWorld({ now });
  await world.apply(weekdays());
  await world.until('2027-03-08T15:00:00Z');
  world.simulator.deleteByHand(world.onlyCode().access_code_id);
  await world.until('2027-03-08T16:00:00Z');
  expect(await unresolved(world)).toMatchObject([{ kind: 'window.closed', state: 'open' }]);
  if (act === 'resume') {
    await world.apply(weekdays({ status: 'paused' }));
    await world.apply(weekdays({ status: 'active' }), { revive: true });
  } else if (act === 'reopen') {
    const [next] = world.simulator.codes();
    await relatchHere(world, ['schedules', 'reopen', 'crew']);
    await world.until('2027-03-08T16:05:00Z');
    expect(world.onlyCode()).toMatchObject({
      access_code_id: next?.access_code_id,
      ends_at: '2027-03-08T22:00:00.000Z',
    });
  } else {
    await world.until('2027-03-08T21:59:00Z');
    expect(await unresolved(world)).toHaveLength(1);
    await world.until('2027-03-09T22:01:00Z');
  }
  expect(await unresolved(world)).toEqual([]);
});
