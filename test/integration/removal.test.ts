import { expect, it } from 'vitest';
import { backDoor, daily, frontDoor, startWorld, type World, weekdays } from '../support/relatch.ts';
import { aRemovedEvent } from '../support/sign.ts';

const monday = '2027-03-08T14:00Z/2027-03-08T22:00Z';
const tuesday = '2027-03-09T14:00Z/2027-03-09T22:00Z';
const wednesday = '2027-03-10T14:00Z/2027-03-10T22:00Z';

async function crewAtWork(options: Partial<Parameters<typeof startWorld>[0]> = {}): Promise<World> {
  const world = await startWorld({ now: '2027-03-08T12:00:00Z', ...options });
  await world.apply(weekdays());
  await world.until('2027-03-08T15:00:00Z');
  return world;
}

it('makes the code of a window that has begun for the time left, when the last removal is late', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z', devices: [jitLock] });
  await world.apply(weekdays({ windows: [...daily('09:00', '17:00'), ...daily('18:00', '20:00')] }));
  await world.until('2027-03-08T21:00:00Z');
  world.simulator.device(frontDoor).goOffline();
  await world.until('2027-03-08T23:30:00Z');
  world.simulator.device(frontDoor).goOnline();
  await world.until('2027-03-09T12:00:00Z');
  const [late, next] = world.simulator.intervals(frontDoor);
  expect(late?.off_device_at).toEqual(new Date('2027-03-08T23:30:05Z'));
  expect(next?.on_device_from.getTime()).toBeLessThan(Date.parse('2027-03-08T23:30:30Z'));
  expect(next?.off_device_at).toEqual(new Date('2027-03-09T01:00:05Z'));
  expect(world.opened()).toHaveLength(2);
});

it('watches a code that somebody took off the lock: Seam sets it again, and no second one is made', async () => {
  await using world = await crewAtWork({ switches: { removedEventOnExternalRemoval: true } });
  const { access_code_id } = world.onlyCode();
  world.simulator.removeAtLock(access_code_id);
  await world.until('2027-03-08T16:00:00Z');
  expect(world.onlyCode()).toMatchObject({ access_code_id });
  expect(world.calls('POST /access_codes/create')).toBe(1);
  expect(world.opened()).toEqual(['2027-03-08T14:00Z/2027-03-08T15:00Z', '2027-03-08T15:01Z/…']);
  expect((await world.history()).map(({ kind }) => kind)).toContain('code.watched');
  await world.until('2027-03-10T00:00:00Z');
  expect(world.opened()).toContain(tuesday);
});

it('keeps a window closed whose code somebody deleted in Seam while it was live, says so, and opens the next', async () => {
  await using world = await crewAtWork();
  world.simulator.deleteByHand(world.onlyCode().access_code_id);
  await world.until('2027-03-10T12:00:00Z');
  expect(world.opened()).toEqual(['2027-03-08T14:00Z/2027-03-08T15:00:05Z', tuesday]);
  expect(await world.alerts()).toEqual([expect.stringContaining('Taken away by somebody in Seam')]);
});

it('keeps a window closed whose code somebody deleted in Seam before it began, and opens the next', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  await world.apply(weekdays({ devices: [frontDoor, backDoor] }));
  await world.until('2027-03-08T13:00:00Z');
  world.simulator.deleteByHand(world.onlyCode(frontDoor).access_code_id);
  await world.until('2027-03-10T12:00:00Z');
  expect(world.opened(frontDoor)).toEqual([tuesday]);
  expect(world.opened(backDoor)).toEqual([monday, tuesday]);
  expect(await world.alerts()).toEqual([expect.stringContaining('Taken away by somebody in Seam')]);
});

it('opens the window again when a device comes back that took its code along', async () => {
  await using world = await crewAtWork();
  const { access_code_id } = world.onlyCode();
  world.simulator.device(frontDoor).remove();
  world.simulator.emit(aRemovedEvent({ access_code_id, device_id: frontDoor }));
  await world.until('2027-03-08T17:00:00Z');
  expect(await world.alerts()).toEqual([expect.stringContaining('Front door is gone from Seam')]);
  world.simulator.device(frontDoor).comeBack();
  await world.until('2027-03-10T00:00:00Z');
  const [before, after, next] = world.opened();
  expect(before).toBe('2027-03-08T14:00Z/2027-03-08T15:00Z');
  expect(after).toMatch(/^2027-03-08T17:0.*\/2027-03-08T22:00Z$/);
  expect(next).toBe(tuesday);
  expect(await world.codes()).toMatchObject([{ generation: 0, reason: 'device_back' }, { generation: 1 }, {}, {}]);
});

it('serves the next window when a device vanished without a word and came back later', async () => {
  await using world = await crewAtWork();
  world.simulator.device(frontDoor).remove();
  await world.until('2027-03-09T08:00:00Z');
  expect(await world.alerts()).toEqual([expect.stringContaining('Front door is gone from Seam')]);
  world.simulator.device(frontDoor).comeBack();
  await world.until('2027-03-10T00:00:00Z');
  expect(world.opened()).toEqual(['2027-03-08T14:00Z/2027-03-08T15:00Z', tuesday]);
});

it('takes no disconnected account for a deletion, and opens on when it is back', async () => {
  await using world = await crewAtWork();
  world.simulator.setAccountConnected(false);
  await world.until('2027-03-08T18:00:00Z');
  world.simulator.setAccountConnected(true);
  await world.until('2027-03-10T12:00:00Z');
  expect(world.opened()).toEqual([monday, tuesday]);
});

it('keeps a window closed whose code somebody deleted, though its device had been away before', async () => {
  await using world = await crewAtWork();
  const { access_code_id } = world.onlyCode();
  world.simulator.setAccountConnected(false);
  world.simulator.faults.next('GET /access_codes/get', {
    kind: 'status',
    status: 404,
    type: 'access_code_not_found',
  });
  world.simulator.emit(aRemovedEvent({ access_code_id, device_id: frontDoor }));
  await world.rest();
  const row = () => world.relatch.deps.db.prisma.accessCode.findFirst({ where: { accessCodeId: access_code_id } });
  expect(await row()).toMatchObject({ deviceAwaySince: new Date('2027-03-08T15:00:00Z') });
  world.simulator.setAccountConnected(true);
  await world.until('2027-03-08T16:00:00Z');
  expect(await row()).toMatchObject({ state: 'created', deviceAwaySince: null });
  world.simulator.deleteByHand(access_code_id);
  await world.until('2027-03-10T12:00:00Z');
  expect(world.opened()).toEqual(['2027-03-08T14:00Z/2027-03-08T16:00:05Z', tuesday]);
  expect((await world.alerts()).at(-1)).toContain('Taken away by somebody in Seam');
});

it('ignores the removal of a code that no schedule owns, without a job of its own', async () => {
  await using world = await crewAtWork();
  const foreign = world.simulator.addForeignCode({ device_id: frontDoor, code: '900001', managed: true });
  await world.until('2027-03-08T15:10:00Z');
  world.simulator.deleteByHand(foreign);
  await world.until('2027-03-08T16:00:00Z');
  const rows = await world.relatch.deps.db.prisma.inboxEvent.findMany({ where: { accessCodeId: foreign } });
  expect(rows.length).toBeGreaterThan(1);
  expect(new Set(rows.map(({ state, reason }) => `${state} ${reason}`))).toEqual(
    new Set(['ignored no_schedule_owns_code']),
  );
  expect(new Set(rows.map(({ jobId }) => jobId))).toEqual(new Set([null]));
  expect(world.calls('POST /access_codes/create')).toBe(1);
});

it('keeps the event of a code waiting while it is not known whether that code is ours', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  world.simulator.faults.next('POST /access_codes/create', { kind: 'answer_lost_after_commit' });
  await world.apply(weekdays());
  const { access_code_id } = world.onlyCode();
  world.simulator.emit(aRemovedEvent({ access_code_id, device_id: frontDoor }));
  await world.rest();
  const state = async () => {
    const rows = await world.relatch.deps.db.prisma.inboxEvent.findMany({ where: { accessCodeId: access_code_id } });
    return new Set(rows.map((row) => row.state));
  };
  expect(await world.codes()).toMatchObject([{ state: 'unknown' }]);
  expect(await state()).toEqual(new Set(['received']));
  await world.until('2027-03-08T12:03:00Z');
  expect(await world.codes()).toMatchObject([{ state: 'created', adopted: true }]);
  expect(await state()).toEqual(new Set(['handled']));
});

it('makes nothing for a paused schedule or an ended one when its old events come again', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  await world.apply(weekdays({ ends_on: '2027-03-08' }));
  await world.until('2027-03-09T12:00:00Z');
  const removed = world.simulator.events.find(({ event_type }) => event_type === 'access_code.removed_from_device');
  world.simulator.resend(removed?.event_id ?? '');
  await world.until('2027-03-09T15:00:00Z');
  await world.apply(weekdays({ ends_on: '2027-03-12', status: 'active' }), { revive: true });
  await world.until('2027-03-09T16:00:00Z');
  await world.apply(weekdays({ status: 'paused' }));
  world.simulator.resend(removed?.event_id ?? '');
  await world.until('2027-03-13T12:00:00Z');
  expect(world.opened()).toEqual([monday, '2027-03-09T15:00:02Z/2027-03-09T16:00:05Z']);
  expect(world.simulator.codes()).toEqual([]);
});

it('goes on by due rows alone when no event is ever delivered', async () => {
  await using world = await crewAtWork({ delivers: false });
  await world.until('2027-03-11T12:00:00Z');
  expect(world.opened()).toEqual([monday, tuesday, wednesday]);
  expect(await world.alerts()).toEqual([]);
});

it.each([
  ['twice', { kind: 'duplicate' }],
  ['in another order', { kind: 'reorder' }],
  ['three hours late', { kind: 'delay', delayMs: 3 * 3_600_000 }],
] as const)('makes each window’s code once when events come %s', async (_, fault) => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  world.simulator.faults.nextDelivery(fault, { times: fault.kind === 'reorder' ? 4 : 1_000 });
  if (fault.kind === 'reorder') world.simulator.faults.nextDelivery(fault, { times: 5 });
  await world.apply(weekdays());
  await world.until('2027-03-11T12:00:00Z');
  expect(world.opened()).toEqual([monday, tuesday, wednesday]);
  expect(world.calls('POST /access_codes/create')).toBe(4);
  expect(await world.alerts()).toEqual([]);
});

it('serves the next window after one whose code never reached the lock, for which no removal is reported', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z', devices: [jitLock] });
  world.simulator.device(frontDoor).goOffline();
  await world.apply(weekdays());
  await world.until('2027-03-08T23:00:00Z');
  expect(world.opened()).toEqual([]);
  expect((await world.alerts()).join()).toContain('Not set on the lock yet');
  world.simulator.device(frontDoor).goOnline();
  await world.until('2027-03-10T00:00:00Z');
  expect(world.opened()).toEqual([tuesday.replace(/22:00Z$/, '22:00:05Z')]);
});

it('serves a door of nothing but short windows, one right after the other', async () => {
  await using world = await startWorld({ now: '2027-03-08T13:00:00Z' });
  const hours = ['09:00', '09:30', '10:00', '10:30'];
  const windows = hours.flatMap((from, index) => daily(from, `${from.slice(0, 3)}${index % 2 === 0 ? '25' : '55'}`));
  await world.apply(weekdays({ windows }));
  await world.until('2027-03-08T16:00:00Z');
  expect(world.opened()).toEqual([
    '2027-03-08T14:00Z/2027-03-08T14:25Z',
    '2027-03-08T14:30Z/2027-03-08T14:55Z',
    '2027-03-08T15:00Z/2027-03-08T15:25Z',
    '2027-03-08T15:30Z/2027-03-08T15:55Z',
  ]);
});

/** A lock that knows no times: Seam sets a code an hour ahead and takes it off at its end. */
const jitLock = { device_id: frontDoor, name: 'Front door', native_scheduling: false };
