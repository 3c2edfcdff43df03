import { randomUUID } from 'node:crypto';
import { Seam, type SeamEvent } from 'seam';
import { expect, it } from 'vitest';
import { listAlerts } from '../../src/db/alerts.ts';
import { handleEvent } from '../../src/flows/handle-event.ts';
import {
  aSchedule,
  backDoor,
  daily,
  frontDoor,
  schedulesFile,
  startWorld,
  type World,
  weekdays,
} from '../support/relatch.ts';
import { anAccessCodeEvent } from '../support/sign.ts';

const now = '2027-03-08T12:00:00Z';
const monday = '2027-03-08T14:00Z/2027-03-08T22:00Z';
const tuesday = '2027-03-09T14:00Z/2027-03-09T22:00Z';
const jitLock = { device_id: frontDoor, name: 'Front door', native_scheduling: false };

/** Kind and message of what needs somebody now. */
async function open(world: World): Promise<string[]> {
  const alerts = await listAlerts(world.relatch.deps.db.prisma, { withAcknowledged: true, limit: 100 });
  return alerts.map(({ kind, message }) => `${kind} ${message}`).sort();
}

function rows(world: World) {
  return world.relatch.deps.db.prisma.accessCode.findMany({ orderBy: { windowStartsAt: 'asc' } });
}

/** What became of the only event of a type. */
async function told(world: World, eventType: string): Promise<string | undefined> {
  const [event] = await world.relatch.deps.db.prisma.inboxEvent.findMany({ where: { eventType } });
  return event?.state;
}

/** Has Seam tell something of the only code. */
function emit(world: World, event_type: string, occurred_at: string): void {
  const { access_code_id } = world.onlyCode();
  const base = anAccessCodeEvent('access_code.created', { access_code_id });
  world.simulator.emit({ ...base, event_type, occurred_at } as SeamEvent);
}

async function tellOf(world: World, eventType: string, occurredAt: string): Promise<void> {
  emit(world, eventType, occurredAt);
  await world.rest();
}

function patch(world: World, body: object): Promise<Response> {
  return fetch(`${world.simulator.endpoint}/access_codes/update`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${world.simulator.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

it('knows since when the lock holds a code', async () => {
  await using world = await startWorld({ now, devices: [jitLock] });
  await world.apply(weekdays());
  expect(await rows(world)).toMatchObject([{ readyAt: null }]);
  await world.until('2027-03-08T13:30:00Z');
  expect(await rows(world)).toMatchObject([{ readyAt: new Date('2027-03-08T13:00:02Z') }]);
});

it('alerts once that a code is not set, and resolves that when it is', async () => {
  await using world = await startWorld({ now, devices: [jitLock] });
  await world.apply(weekdays({ holder: 'Anna' }));
  world.simulator.faults.nextDelivery({ kind: 'lose' }, { event_type: 'device.disconnected' });
  world.simulator.device(frontDoor).goOffline();
  await world.until('2027-03-08T13:30:00Z');
  expect(await open(world)).toEqual([
    expect.stringMatching(
      /^code\.not_ready Not set on the lock yet.*Crew at Front door, Mon 8 Mar 09:00–17:00.*online/,
    ),
  ]);
  world.simulator.device(frontDoor).goOnline();
  await world.until('2027-03-08T13:31:00Z');
  expect(await open(world)).toEqual([]);
  expect(await rows(world)).toMatchObject([{ readyAt: new Date('2027-03-08T13:30:02Z') }]);
});

it('takes an old report of trouble for nothing once the lock holds the code', async () => {
  await using world = await startWorld({ now });
  await world.apply(weekdays());
  await world.until('2027-03-08T13:00:00Z');
  const { access_code_id } = world.onlyCode();
  const trouble = { access_code_errors: [], access_code_warnings: [], device_errors: [], device_warnings: [] };
  const account = { connected_account_errors: [], connected_account_warnings: [] };
  world.simulator.emit(
    anAccessCodeEvent('access_code.delay_in_setting_on_device', { access_code_id, ...trouble, ...account }),
  );
  await world.rest();
  expect(await open(world)).toEqual([]);
});

it('takes an old report that a code is set for nothing once the lock has lost it', async () => {
  await using world = await startWorld({ now, devices: [jitLock] });
  await world.apply(weekdays());
  world.simulator.faults.nextDelivery(
    { kind: 'delay', delayMs: 1_500_000 },
    { event_type: 'access_code.set_on_device' },
  );
  world.simulator.faults.nextDelivery({ kind: 'lose' }, { event_type: 'device.disconnected' });
  await world.until('2027-03-08T13:05:00Z');
  world.simulator.device(frontDoor).goOffline();
  world.simulator.removeAtLock(world.onlyCode().access_code_id);
  // Set at 13:00:02, told at 13:25:02; since 13:15 it is said not to be set.
  await world.until('2027-03-08T13:20:00Z');
  expect(await open(world)).toEqual([expect.stringContaining('code.not_ready Not set on the lock yet')]);
  await world.until('2027-03-08T13:28:00Z');
  expect((await world.history()).at(-1)).toMatchObject({ kind: 'code.reported' });
  expect(await rows(world)).toMatchObject([{ readyAt: null }]);
  expect(await open(world)).toEqual([expect.stringContaining('code.not_ready Not set on the lock yet')]);
  world.simulator.device(frontDoor).goOnline();
  await world.until('2027-03-08T13:29:00Z');
  expect(await rows(world)).toMatchObject([{ readyAt: expect.any(Date) }]);
  expect(await open(world)).toEqual([]);
});

it.each([
  'access_code.delay_in_setting_on_device',
  'access_code.failed_to_set_on_device',
  'access_code.deleted_external_to_seam',
])('believes a report that a code is set after %s only if it is the newer one', async (trouble) => {
  await using world = await startWorld({ now, devices: [jitLock] });
  await world.apply(weekdays());
  const tell = (type: string, at: string): Promise<void> => tellOf(world, type, at);
  await tell(trouble, '2027-03-08T12:00:00.000Z');
  const alerts = await open(world);
  await tell('access_code.set_on_device', '2027-03-08T11:59:59.999Z');
  await tell('access_code.scheduled_on_device', '2027-03-08T11:59:59.999Z');
  expect(await rows(world)).toMatchObject([{ readyAt: null }]);
  expect(await open(world)).toEqual(alerts);
  await tell('access_code.set_on_device', '2027-03-08T12:00:00.001Z');
  expect(await rows(world)).toMatchObject([{ readyAt: new Date('2027-03-08T12:00:00.001Z') }]);
  expect(await open(world)).toEqual([]);
});

it.each([
  'access_code.delay_in_setting_on_device',
  'access_code.failed_to_set_on_device',
  'access_code.deleted_external_to_seam',
])('takes %s for overtaken, and alerts nobody, where the lock has been set since', async (trouble) => {
  await using world = await startWorld({ now, devices: [jitLock] });
  await world.apply(weekdays());
  await tellOf(world, 'access_code.set_on_device', '2027-03-08T11:59:50.000Z');
  await tellOf(world, 'access_code.set_on_device', '2027-03-08T11:59:59.000Z');
  await tellOf(world, trouble, '2027-03-08T11:59:55.000Z');
  expect(await rows(world)).toMatchObject([{ readyAt: new Date('2027-03-08T11:59:50.000Z') }]);
  expect(await open(world)).toEqual([]);
  expect((await world.history()).at(-1)).toMatchObject({
    kind: 'code.reported',
    alert: false,
    message: expect.stringContaining('Overtaken by a later report: '),
  });
});

it('believes the later of two reports of a code, even where both are being noted at once', async () => {
  await using world = await startWorld({ now, devices: [jitLock] });
  await world.apply(weekdays());
  await tellOf(world, 'access_code.set_on_device', '2027-03-08T11:59:50.000Z');
  const { deps } = world.relatch;
  const { prisma } = deps.db;
  const accessCodeId = world.onlyCode().access_code_id;
  // As two replicas do it; their own jobs come by no pump here.
  const note = async (eventType: string, occurredAt: string): Promise<void> => {
    const times = { occurredAt: new Date(occurredAt), dueAt: new Date('2100-01-01T00:00:00Z') };
    const { key } = await prisma.inboxEvent.create({ data: { key: randomUUID(), eventType, accessCodeId, ...times } });
    await handleEvent(deps, key);
  };
  const waiting = async (): Promise<number> => {
    const [row] = await prisma.$queryRaw<{ count: number }[]>`
      select count(*)::int as count from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    return row?.count ?? 0;
  };
  let isReadyNoted = false;
  const noting: Promise<void>[] = [];
  await prisma.$transaction(async (tx) => {
    await tx.$queryRaw`select 1 from access_codes for update`;
    noting.push(note('access_code.failed_to_set_on_device', '2027-03-08T11:59:55.000Z'));
    await expect.poll(waiting, { interval: 10 }).toBe(1);
    const ready = note('access_code.set_on_device', '2027-03-08T11:59:59.000Z');
    noting.push(ready);
    void ready.then(() => {
      isReadyNoted = true;
    });
    await expect.poll(async () => isReadyNoted || (await waiting()) === 2, { interval: 10 }).toBe(true);
  });
  await Promise.all(noting);
  expect(await rows(world)).toMatchObject([{ readyAt: expect.any(Date) }]);
  expect(await open(world)).toEqual([]);
});

it('alerts once that a code is not removed, and resolves that when it is', async () => {
  await using world = await startWorld({ now, devices: [jitLock] });
  await world.apply(weekdays());
  await world.until('2027-03-08T21:00:00Z');
  world.simulator.device(frontDoor).goOffline();
  await world.until('2027-03-08T22:45:00Z');
  expect((await open(world)).filter((alert) => alert.startsWith('code.'))).toEqual([
    expect.stringContaining('code.removing_late Still on the lock'),
  ]);
  world.simulator.device(frontDoor).goOnline();
  await world.until('2027-03-08T23:00:00Z');
  expect(await open(world)).toEqual([]);
});

it('alerts of a code that is not removed by either of Seam’s reports alone, as one alert for each', async () => {
  await using world = await startWorld({ now });
  await world.apply(weekdays());
  const { access_code_id } = world.onlyCode();
  const base = anAccessCodeEvent('access_code.created', { access_code_id, occurred_at: now });
  const told = [
    ['access_code.delay_in_removing_from_device', 'Removing it from the lock is late'],
    ['access_code.failed_to_remove_from_device', 'Still on the lock, Seam keeps trying to remove it'],
  ] as const;
  for (const [event_type, sentence] of told) {
    const { prisma } = world.relatch.deps.db;
    await prisma.alert.deleteMany();
    for (const event_id of [randomUUID(), randomUUID()]) {
      world.simulator.emit({ ...base, event_id, event_type } as SeamEvent);
      await world.rest();
    }
    expect(await open(world)).toEqual([
      expect.stringMatching(`^code.removing_late ${sentence}: the code of Crew at Front door.* check that the lock is`),
    ]);
  }
});

it('learns by its report alone of a backup code, which goes with the window of the code that it stands in for', async () => {
  const lock = { ...jitLock, backup_access_code_pool: true };
  await using world = await startWorld({ now, devices: [lock] });
  await world.apply(weekdays());
  const { access_code_id } = world.onlyCode();
  const { apiKey, endpoint } = world.simulator;
  // As somebody does in Seam's console.
  const backup = await new Seam({ apiKey, endpoint }).accessCodes.pullBackupAccessCode({ access_code_id });
  await world.rest();
  expect(await rows(world)).toMatchObject([{ state: 'created', backupAccessCodeId: backup.access_code_id }]);
  expect((await world.history()).at(-1)).toMatchObject({
    kind: 'code.reported',
    message: expect.stringContaining('backup_access_code_pulled'),
  });
  await patch(world, { access_code_id: backup.access_code_id, starts_at: now, ends_at: '2027-03-09T20:00:00Z' });
  await world.until('2027-03-08T22:01:00Z');
  expect(world.onlyCode()).toMatchObject({ is_backup: false, starts_at: '2027-03-09T14:00:00.000Z' });
});

it('asks back the times that somebody changed in Seam, and says so', async () => {
  await using world = await startWorld({ now });
  await world.apply(weekdays());
  await world.until('2027-03-08T13:00:00Z');
  const { access_code_id } = world.onlyCode();
  await patch(world, { access_code_id, starts_at: '2027-03-08T13:30:00Z', ends_at: '2027-03-08T23:30:00Z' });
  await world.until('2027-03-08T13:10:00Z');
  expect(world.onlyCode()).toMatchObject({
    access_code_id,
    starts_at: '2027-03-08T14:00:00.000Z',
    ends_at: '2027-03-08T22:00:00.000Z',
  });
  expect(await open(world)).toEqual([expect.stringContaining('Changed by somebody in Seam (times)')]);
  await world.until('2027-03-10T00:00:00Z');
  expect(world.opened()).toEqual([monday, tuesday]);
  expect(await world.alerts()).toHaveLength(1);
  expect(await open(world)).toEqual([]);
});

it('asks back the PIN that somebody changed in Seam, without telling either', async () => {
  await using world = await startWorld({ now });
  await world.apply(weekdays());
  await world.until('2027-03-08T13:00:00Z');
  const { access_code_id, code } = world.onlyCode();
  await patch(world, { access_code_id, code: '835271' });
  await world.until('2027-03-08T13:10:00Z');
  expect(world.onlyCode()).toMatchObject({ access_code_id, code });
  expect(await open(world)).toEqual([expect.stringContaining('Changed by somebody in Seam (PIN)')]);
  expect(world.logLines.join()).not.toMatch(new RegExp(`835271|"${code}"`));
});

it('takes the reports of its own changes for what they are', async () => {
  await using world = await startWorld({ now });
  await world.apply(weekdays());
  await world.until('2027-03-08T13:00:00Z');
  await world.apply(weekdays({ windows: [{ rrule: 'FREQ=DAILY', from: '09:00', to: '18:00' }] }));
  await world.until('2027-03-08T13:10:00Z');
  expect(world.onlyCode()).toMatchObject({ ends_at: '2027-03-08T23:00:00.000Z' });
  expect(world.calls('PATCH /access_codes/update')).toBe(1);
  expect(await rows(world)).toMatchObject([{ changedSignalAt: null }]);
  expect(await world.alerts()).toEqual([]);
});

it('tells of a code that was changed at the lock, until Seam has put it right', async () => {
  await using world = await startWorld({ now });
  await world.apply(weekdays());
  await world.until('2027-03-08T15:00:00Z');
  world.simulator.modifyAtLock(world.onlyCode().access_code_id, '835271');
  await world.rest();
  expect(await open(world)).toEqual([expect.stringContaining('in the lock’s own app')]);
  await world.until('2027-03-08T15:10:00Z');
  expect(await open(world)).toEqual([]);
  expect((await world.history()).at(-1)?.message).toContain('Put right by Seam');
});

it('shortens a code at once that Seam is still putting right', async () => {
  await using world = await startWorld({ now });
  await world.apply(weekdays());
  await world.until('2027-03-08T15:00:00Z');
  world.simulator.modifyAtLock(world.onlyCode().access_code_id, '835271');
  await world.rest();
  await world.apply(weekdays({ windows: daily('09:00', '12:00') }));
  expect(world.onlyCode()).toMatchObject({ ends_at: '2027-03-08T17:00:00.000Z' });
});

it('watches a code that was deleted at the lock: it is not ready until Seam has set it again', async () => {
  await using world = await startWorld({ now });
  await world.apply(weekdays());
  await world.until('2027-03-08T13:00:00Z');
  const { access_code_id } = world.onlyCode();
  world.simulator.removeAtLock(access_code_id);
  await world.rest();
  expect(await rows(world)).toMatchObject([{ readyAt: null }]);
  await world.until('2027-03-08T13:05:00Z');
  expect(await rows(world)).toMatchObject([{ readyAt: new Date('2027-03-08T13:01:00Z') }]);
  expect(world.calls('POST /access_codes/create')).toBe(1);
});

it('alerts once for a device however many codes it has, and resolves that when it is back', async () => {
  await using world = await startWorld({ now });
  const guard = aSchedule({ key: 'guard', name: 'Guard' });
  await world.apply(schedulesFile([aSchedule({ devices: [frontDoor, backDoor] }), guard]));
  world.simulator.device(frontDoor).goOffline();
  await world.until('2027-03-08T12:30:00Z');
  expect(await open(world)).toEqual([expect.stringMatching(/^device\.away Front door cannot be reached.*2 schedules/)]);
  const { prisma } = world.relatch.deps.db;
  const device = () => prisma.device.findUniqueOrThrow({ where: { id: frontDoor } });
  expect(await device()).toMatchObject({ awaySince: new Date(now), awayBecause: 'disconnected' });
  world.simulator.device(frontDoor).goOnline();
  await world.until('2027-03-08T12:31:00Z');
  expect(await open(world)).toEqual([]);
  expect(await device()).toMatchObject({ awaySince: null });
});

it('believes the later of two reports of a device, in whatever order they come', async () => {
  await using world = await startWorld({ now });
  await world.apply(weekdays());
  world.simulator.faults.nextDelivery({ kind: 'delay', delayMs: 600_000 }, { event_type: 'device.disconnected' });
  world.simulator.device(frontDoor).goOffline();
  await world.until('2027-03-08T12:01:00Z');
  world.simulator.device(frontDoor).goOnline();
  await world.until('2027-03-08T12:30:00Z');
  expect(await world.alerts()).toEqual([]);
});

it('serves the doors of a removed device as soon as it is back, with one alert meanwhile', async () => {
  await using world = await startWorld({ now });
  const guard = aSchedule({ key: 'guard', name: 'Guard' });
  await world.apply(schedulesFile([aSchedule(), guard]));
  await world.until('2027-03-08T15:00:00Z');
  world.simulator.device(frontDoor).remove();
  await world.until('2027-03-08T16:02:00Z');
  expect(await world.alerts()).toEqual([expect.stringContaining('Front door is gone from Seam')]);
  world.simulator.device(frontDoor).comeBack();
  await world.until('2027-03-08T16:03:00Z');
  expect(await open(world)).toEqual([]);
  expect(world.simulator.codes()).toHaveLength(2);
  expect(world.opened().filter((span) => span.startsWith('2027-03-08T16:02'))).toHaveLength(2);
});

it('opens the window again of a device whose removal nobody told, when it is told that the device was added', async () => {
  await using world = await startWorld({ now });
  await world.apply(weekdays());
  await world.until('2027-03-08T15:00:00Z');
  world.simulator.faults.nextDelivery({ kind: 'lose' }, { event_type: 'device.removed' });
  world.simulator.device(frontDoor).remove();
  await world.until('2027-03-08T15:05:00Z');
  world.simulator.device(frontDoor).comeBack();
  await world.until('2027-03-08T15:06:00Z');
  expect(world.opened()).toEqual(['2027-03-08T14:00Z/2027-03-08T15:00Z', expect.stringMatching(/^2027-03-08T15:05/)]);
  expect(await world.alerts()).toEqual([]);
});

it('leaves codes alone that were made after their device was added, however late that is told', async () => {
  await using world = await startWorld({ now });
  world.simulator.device(frontDoor).remove();
  world.simulator.faults.nextDelivery({ kind: 'delay', delayMs: 600_000 }, { event_type: 'device.added' });
  world.simulator.device(frontDoor).comeBack();
  await world.until('2027-03-08T12:01:00Z');
  await world.apply(weekdays());
  const asked = world.calls('GET /access_codes/get');
  await world.until('2027-03-08T13:00:00Z');
  expect(world.calls('GET /access_codes/get')).toBe(asked);
  expect(await world.codes()).toMatchObject([{ state: 'created' }]);
});

it('counts a code as made when Seam made it, not when its window was planned, in telling what went with a device', async () => {
  await using world = await startWorld({ now });
  world.simulator.device(frontDoor).remove();
  await world.apply(weekdays());
  await world.until('2027-03-08T12:01:00Z');
  world.simulator.faults.nextDelivery({ kind: 'delay', delayMs: 600_000 }, { event_type: 'device.added' });
  world.simulator.device(frontDoor).comeBack();
  await world.until('2027-03-08T12:10:00Z');
  expect(await world.codes()).toMatchObject([{ state: 'created' }]);
  const asked = world.calls('GET /access_codes/get');
  await world.until('2027-03-08T12:12:00Z');
  expect(await told(world, 'device.added')).toBe('handled');
  expect(world.calls('GET /access_codes/get')).toBe(asked);
  expect((await world.history()).map(({ kind }) => kind)).not.toContain('code.watched');
});

it('leaves a window closed whose code was made, and deleted by somebody, after its device was back', async () => {
  await using world = await startWorld({ now });
  world.simulator.device(frontDoor).remove();
  await world.apply(weekdays());
  await world.until('2027-03-08T12:01:00Z');
  world.simulator.faults.nextDelivery({ kind: 'delay', delayMs: 900_000 }, { event_type: 'device.added' });
  world.simulator.device(frontDoor).comeBack();
  await world.until('2027-03-08T12:10:00Z');
  world.simulator.faults.nextDelivery({ kind: 'lose' }, { event_type: 'access_code.deleted' });
  world.simulator.deleteByHand(world.onlyCode().access_code_id);
  await world.until('2027-03-08T12:11:00Z');
  await world.apply(weekdays({ windows: [{ rrule: 'FREQ=DAILY', from: '09:00', to: '17:30' }] }));
  const closed = expect.objectContaining({ state: 'closed', reason: 'taken_away' });
  expect(await world.codes()).toContainEqual(closed);
  await world.until('2027-03-08T12:20:00Z');
  expect(await told(world, 'device.added')).toBe('handled');
  expect(await world.codes()).toContainEqual(closed);
});

it('opens it, too, when the code of the next window is just being asked for, and gives it that code', async () => {
  await using world = await startWorld({ now });
  await world.apply(weekdays());
  await world.until('2027-03-08T15:00:00Z');
  world.simulator.faults.nextDelivery({ kind: 'delay', delayMs: 330_000 }, { event_type: 'device.removed' });
  world.simulator.faults.nextDelivery({ kind: 'lose' }, { event_type: 'device.added' });
  world.simulator.device(frontDoor).remove();
  await world.until('2027-03-08T15:02:00Z');
  world.simulator.device(frontDoor).comeBack();
  await world.until('2027-03-08T15:05:00Z');
  world.simulator.faults.next('/access_codes/create', { kind: 'answer_lost_after_commit' });
  await world.apply(weekdays({ windows: [{ rrule: 'FREQ=DAILY', from: '09:00', to: '17:30' }] }));
  await world.until('2027-03-08T15:05:31Z');
  expect((await world.codes()).map(({ state }) => state)).toEqual(['closed', 'planned', 'unknown']);
  await world.until('2027-03-08T15:10:00Z');
  expect(world.onlyCode()).toMatchObject({ ends_at: '2027-03-08T22:30:00.000Z' });
  expect(world.calls('POST /access_codes/create')).toBe(2);
  await world.until('2027-03-10T12:00:00Z');
  expect(world.opened().slice(1)).toEqual([
    expect.stringMatching(/^2027-03-08T15:0.*\/2027-03-08T22:30Z$/),
    '2027-03-09T14:00Z/2027-03-09T22:30Z',
  ]);
});

it('opens a window again that was taken for closed by somebody before it was heard that the device had been away', async () => {
  await using world = await startWorld({ now });
  await world.apply(weekdays());
  await world.until('2027-03-08T15:00:00Z');
  world.simulator.faults.nextDelivery({ kind: 'delay', delayMs: 600_000 }, { event_type: 'device.removed' });
  world.simulator.faults.nextDelivery({ kind: 'delay', delayMs: 560_000 }, { event_type: 'device.added' });
  world.simulator.device(frontDoor).remove();
  await world.until('2027-03-08T15:02:00Z');
  world.simulator.device(frontDoor).comeBack();
  await world.until('2027-03-08T15:05:00Z');
  await world.apply(weekdays({ windows: [{ rrule: 'FREQ=DAILY', from: '09:00', to: '17:30' }] }));
  expect(await world.codes()).toContainEqual(expect.objectContaining({ state: 'closed', reason: 'taken_away' }));
  await world.until('2027-03-08T15:12:00Z');
  expect(world.onlyCode()).toMatchObject({
    starts_at: '2027-03-08T15:10:00.000Z',
    ends_at: '2027-03-08T22:30:00.000Z',
  });
  expect(await open(world)).toEqual([]);
});

it('leaves a window closed whose code somebody had deleted before its device was away', async () => {
  await using world = await startWorld({ now });
  await world.apply(weekdays());
  await world.until('2027-03-08T15:00:00Z');
  world.simulator.deleteByHand(world.onlyCode().access_code_id);
  await world.until('2027-03-08T15:01:00Z');
  world.simulator.faults.nextDelivery({ kind: 'delay', delayMs: 600_000 }, { event_type: 'device.removed' });
  world.simulator.device(frontDoor).remove();
  await world.until('2027-03-08T15:02:00Z');
  world.simulator.device(frontDoor).comeBack();
  await world.until('2027-03-08T15:30:00Z');
  expect(world.onlyCode()).toMatchObject({ starts_at: '2027-03-09T14:00:00.000Z' });
});

it('finds the doors of an account, and leaves a device that is offline by itself away when the account is back', async () => {
  await using world = await startWorld({ now });
  await world.apply(weekdays({ devices: [frontDoor, backDoor] }));
  world.simulator.device(backDoor).goOffline();
  await world.rest();
  world.simulator.setAccountConnected(false);
  await world.until('2027-03-08T12:30:00Z');
  expect(await open(world)).toEqual([
    expect.stringContaining('Back door cannot be reached by Seam: it is offline'),
    expect.stringContaining('Front door cannot be reached by Seam: its account is disconnected'),
  ]);
  world.simulator.setAccountConnected(true);
  await world.rest();
  expect(await open(world)).toEqual([expect.stringContaining('Back door')]);
});

it.each([
  ['device.deleted', 'device.added', /^device\.away Front door is gone from Seam.*deleted/],
  [
    'device.converted_to_unmanaged',
    'device.unmanaged.converted_to_managed',
    /^device\.away Front door is gone from Seam.*given up/,
  ],
  [
    'connected_account.deleted',
    'connected_account.connected',
    /^device\.away Front door is gone from Seam.*its account was deleted/,
  ],
  [
    'connected_account.disconnected',
    'connected_account.completed_first_sync_after_reconnection',
    /^device\.away Front door cannot be reached.*its account is disconnected/,
  ],
] as const)('takes %s for the loss of its doors until %s', async (lost, found, alert) => {
  await using world = await startWorld({ now });
  await world.apply(weekdays());
  const device = await world.relatch.deps.db.prisma.device.findUniqueOrThrow({ where: { id: frontDoor } });
  const about = { device_id: frontDoor, connected_account_id: device.connectedAccountId };
  const base = { ...anAccessCodeEvent('access_code.removed_from_device', {}), ...about };
  world.simulator.emit({ ...base, event_type: lost } as SeamEvent);
  await world.rest();
  expect(await open(world)).toEqual([expect.stringMatching(alert)]);
  await world.until('2027-03-08T12:10:00Z');
  world.simulator.emit({
    ...base,
    event_type: found,
    event_id: randomUUID(),
    occurred_at: '2027-03-08T12:10:00.000Z',
  } as SeamEvent);
  await world.rest();
  expect(await open(world)).toEqual([]);
  // Seam had its codes all the time: they stayed.
  await world.until('2027-03-08T23:00:00Z');
  expect(world.opened()).toEqual([monday]);
});

it('keeps calm about devices and accounts without a schedule', async () => {
  await using world = await startWorld({ now });
  world.simulator.device(backDoor).goOffline();
  world.simulator.setAccountConnected(false);
  await world.rest();
  const events = await world.relatch.deps.db.prisma.inboxEvent.findMany();
  expect(events.map(({ reason }) => reason)).toEqual(['no_schedule_on_device', 'no_schedule_on_device']);
  expect(await world.history()).toEqual([]);
});
