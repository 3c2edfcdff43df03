import { Seam } from 'seam';
import { expect, it } from 'vitest';
import { listAlerts } from '../../src/db/alerts.ts';
import { daily, frontDoor, startWorld, type World, weekdays } from '../support/relatch.ts';

const create = 'POST /access_codes/create';
const jitLock = { device_id: frontDoor, name: 'Front door', native_scheduling: false };
const friday = '2027-03-05T23:00:00Z';
const monday = '2027-03-08T14:00Z/2027-03-08T22:00Z';
const tuesday = '2027-03-09T14:00Z/2027-03-09T22:00Z';

async function open(world: World) {
  const alerts = await listAlerts(world.relatch.deps.db.prisma, { withAcknowledged: true, limit: 100 });
  return alerts
    .filter(({ kind }) => kind !== 'device.away')
    .map(({ kind, message, times }) => ({ kind, message, times }));
}

function rows(world: World) {
  return world.relatch.deps.db.prisma.accessCode.findMany({ orderBy: { windowStartsAt: 'asc' } });
}

/** As somebody else changes a code's times at Seam. */
async function update(world: World, access_code_id: string, starts_at: string, ends_at: string): Promise<void> {
  const { apiKey, endpoint } = world.simulator;
  await new Seam({ apiKey, endpoint }).accessCodes.update({ access_code_id, starts_at, ends_at });
}

it('says nothing in a week in which all is well, and asks once a rung at most', async () => {
  await using world = await startWorld({ now: friday, devices: [jitLock] });
  await world.apply(weekdays());
  await world.until('2027-03-13T12:00:00Z');
  expect(world.opened()).toHaveLength(5);
  expect(await open(world)).toEqual([]);
  expect(await world.alerts()).toEqual([]);
  expect(new Set((await world.history()).map(({ kind }) => kind))).toEqual(
    new Set(['schedule.created', 'window.planned', 'code.created', 'code.reported', 'code.ready', 'code.removed']),
  );
  // Monday's at 24 h, 2 h and 15 min; of the others only the last two: at 24 h the one before is not gone.
  expect(world.calls('GET /access_codes/get')).toBe(3 + 4 * 2);
  expect(world.calls(create)).toBe(6);
});

it('alerts of a code that never gets onto an offline lock at each rung, as one alert, and resolves it once it is set', async () => {
  await using world = await startWorld({ now: friday, devices: [jitLock] });
  await world.apply(weekdays({ holder: 'Anna' }));
  world.simulator.device(frontDoor).goOffline();
  await world.until('2027-03-07T13:59:00Z');
  expect(await open(world)).toEqual([]);
  for (const [at, minutes, times] of [
    ['2027-03-07T14:00:00Z', 1440, 1],
    ['2027-03-08T12:00:00Z', 120, 2],
    ['2027-03-08T13:45:00Z', 15, 3],
  ] as const) {
    await world.until(at);
    await world.rest();
    expect(await open(world)).toEqual([
      {
        kind: 'code.not_ready',
        message: expect.stringMatching(
          new RegExp(
            `^Not ready ${minutes} minutes before.* Crew at Front door, Mon 8 Mar 09:00–17:00; Seam reports .*device_offline.*online`,
          ),
        ),
        times,
      },
    ]);
  }
  expect((await world.alerts()).filter((message) => message.startsWith('Not ready'))).toHaveLength(3);
  const line = world.logLines.find((text) => text.includes('Not ready'));
  expect(line).toContain('Anna');
  world.simulator.device(frontDoor).goOnline();
  await world.until('2027-03-08T13:50:00Z');
  expect(await open(world)).toEqual([]);
  await world.until('2027-03-08T23:00:00Z');
  expect(world.opened()).toEqual([monday.replace('22:00Z', '22:00:05Z')]);
});

it('keeps to the rungs that are configured after a restart in between: none is asked twice', async () => {
  await using world = await startWorld({ now: friday, devices: [jitLock] });
  await world.apply(weekdays());
  await world.until('2027-03-07T15:00:00Z');
  const before = world.calls('GET /access_codes/get');
  await world.stop();
  await world.start();
  await world.until('2027-03-08T11:59:00Z');
  expect(world.calls('GET /access_codes/get')).toBe(before);
});

it('asks again for a rejected window when a rung comes, and opens it if that helps', async () => {
  await using world = await startWorld({ now: friday });
  world.simulator.faults.next(create, { kind: 'status', status: 400, type: 'invalid_input' }, { times: 2 });
  await world.apply(weekdays());
  await world.until('2027-03-07T15:00:00Z');
  expect(await open(world)).toMatchObject([{ kind: 'code.not_ready' }]);
  await world.until('2027-03-08T23:00:00Z');
  expect(world.opened()).toEqual([monday]);
  expect(await open(world)).toEqual([]);
});

it.each([
  false,
  true,
])('acts when the last code hangs on the lock until the next window nears (allow_other_pin: %s)', async (allow_other_pin) => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z', devices: [jitLock] });
  await world.apply(weekdays({ allow_other_pin }));
  await world.until('2027-03-08T21:00:00Z');
  world.simulator.device(frontDoor).goOffline();
  await world.until('2027-03-08T22:15:00Z');
  await world.rest();
  expect(await open(world)).toMatchObject([{ kind: 'code.removing_late' }]);
  await world.until('2027-03-09T12:00:00Z');
  await world.rest();
  const kinds = (await open(world)).map(({ kind }) => kind);
  expect(kinds).toEqual(['code.removing_late', allow_other_pin ? 'code.other_pin' : 'code.not_ready']);
  expect((await open(world)).at(-1)?.message).toContain(
    'the code before it, which has the same PIN, is still on the lock',
  );
  expect(world.calls(create)).toBe(allow_other_pin ? 2 : 1);
  world.simulator.device(frontDoor).goOnline();
  await world.until('2027-03-10T15:00:00Z');
  const intervals = world.simulator.intervals(frontDoor);
  expect(intervals).toHaveLength(3);
  const [first, second, third] = intervals.map(({ code }) => code);
  expect(first === second).toBe(!allow_other_pin);
  expect(third).toBe(first);
  for (const { code } of intervals)
    expect(JSON.stringify([await world.history(), world.logLines])).not.toContain(`"${code}"`);
  expect(await open(world)).toEqual([]);
});

it('gives another PIN to a window whose PIN somebody else has on the lock, where that is allowed', async () => {
  await using world = await startWorld({ now: friday });
  world.simulator.addForeignCode({ device_id: frontDoor, code: '482913', managed: false });
  await world.apply(weekdays({ pin: '482913', allow_other_pin: true }));
  expect(await world.codes()).toMatchObject([{ state: 'rejected' }]);
  await world.until('2027-03-07T15:00:00Z');
  expect(await open(world)).toMatchObject([
    { kind: 'code.other_pin', message: expect.stringContaining('Tell the holder') },
  ]);
  expect(world.onlyCode().code).not.toBe('482913');
  await world.until('2027-03-08T23:00:00Z');
  expect(world.opened()).toContain(monday);
});

it('pulls Seam’s backup code where the device has a pool, once, and takes it away with the window', async () => {
  await using world = await startWorld({ now: friday, devices: [{ ...jitLock, backup_access_code_pool: true }] });
  await world.apply(weekdays());
  world.simulator.device(frontDoor).goOffline();
  await world.until('2027-03-08T12:01:00Z');
  expect(await open(world)).toMatchObject([
    { kind: 'code.backup_pulled', message: expect.stringContaining('Tell the holder') },
  ]);
  const [row] = await rows(world);
  const backup = world.simulator.codes().find(({ is_backup }) => is_backup);
  expect(row?.backupAccessCodeId).toBe(backup?.access_code_id);
  await world.until('2027-03-08T13:50:00Z');
  expect(world.calls('POST /access_codes/pull_backup_access_code')).toBe(1);
  await world.apply(weekdays({ status: 'paused' }));
  world.simulator.device(frontDoor).goOnline();
  await world.until('2027-03-08T14:30:00Z');
  expect(world.simulator.codes()).toEqual([]);
});

it('tells of a backup code that stays on the lock after its window, until it is gone, and makes the next code meanwhile', async () => {
  await using world = await startWorld({ now: friday, devices: [{ ...jitLock, backup_access_code_pool: true }] });
  await world.apply(weekdays());
  world.simulator.device(frontDoor).goOffline();
  await world.until('2027-03-08T22:20:00Z');
  await world.rest();
  expect(
    world.simulator
      .codes()
      .map(({ is_backup }) => is_backup)
      .sort(),
  ).toEqual([false, true]);
  expect(await open(world)).toContainEqual({
    kind: 'code.removing_late',
    message: expect.stringMatching(/^Still on the lock.*: the code of Crew at Front door, Mon 8 Mar 09:00–17:00/),
    times: expect.any(Number),
  });
  world.simulator.device(frontDoor).goOnline();
  await world.until('2027-03-08T22:35:00Z');
  expect(await open(world)).toEqual([]);
  expect(world.onlyCode()).toMatchObject({ is_backup: false, starts_at: '2027-03-09T14:00:00.000Z' });
});

it('has a backup code removed that Seam would keep after its window', async () => {
  await using world = await startWorld({ now: friday, devices: [{ ...jitLock, backup_access_code_pool: true }] });
  await world.apply(weekdays());
  world.simulator.device(frontDoor).goOffline();
  await world.until('2027-03-08T12:01:00Z');
  const backup = world.simulator.codes().find(({ is_backup }) => is_backup);
  world.simulator.device(frontDoor).goOnline();
  await update(world, backup?.access_code_id ?? '', '2027-03-08T14:00:00Z', '2027-03-09T20:00:00Z');
  await world.until('2027-03-08T22:01:00Z');
  expect(world.simulator.codes().filter(({ is_backup }) => is_backup)).toEqual([]);
  expect(world.opened().map((interval) => interval.split('/')[1])).toEqual(
    Array.from({ length: 2 }, () => expect.stringMatching(/^2027-03-08T22:00/)),
  );
  expect(await open(world)).toEqual([]);
});

it('learns at a rung of a code whose set event was lost', async () => {
  await using world = await startWorld({ now: friday });
  world.simulator.faults.nextDelivery({ kind: 'lose' }, { event_type: 'access_code.scheduled_on_device', times: 9 });
  await world.apply(weekdays());
  await world.until('2027-03-07T15:00:00Z');
  expect(await rows(world)).toMatchObject([{ readyAt: new Date('2027-03-07T14:00:00Z') }]);
});

it('hears at the next rung that its code is gone, when no event told', async () => {
  await using world = await startWorld({ now: friday, delivers: false });
  await world.apply(weekdays());
  world.simulator.deleteByHand(world.onlyCode().access_code_id);
  await world.until('2027-03-07T15:00:00Z');
  expect(await world.alerts()).toEqual([expect.stringContaining('Taken away by somebody in Seam')]);
  await world.until('2027-03-10T00:00:00Z');
  expect(world.opened()).toEqual([tuesday]);
});

it('with one PIN, makes the next code when the old one is gone, and keeps how long the door was without', async () => {
  await using world = await startWorld({ now: '2027-03-08T15:00:00Z' });
  await world.apply(weekdays({ windows: daily('09:00', '17:00') }));
  await world.until('2027-03-08T22:30:00Z');
  const entries = await world.relatch.deps.db.prisma.historyEntry.findMany({
    where: { kind: 'code.ready' },
    orderBy: { id: 'asc' },
  });
  const gaps = entries.map(({ detail }) => (detail as { gap_ms?: number }).gap_ms);
  // Removed 5 s after its end; made at once and on the lock 2 s later.
  expect(gaps).toEqual([undefined, 2_000]);
});

it('with rotating PINs, has the next code on the lock while the current one lives: no gap', async () => {
  await using world = await startWorld({ now: '2027-03-08T15:00:00Z' });
  await world.apply(weekdays({ pin: 'rotate', windows: daily('09:00', '17:00') }));
  await world.until('2027-03-08T15:01:00Z');
  expect(await rows(world)).toMatchObject([{ state: 'created' }, { state: 'created' }]);
  expect((await rows(world)).every(({ readyAt }) => readyAt !== null)).toBe(true);
  expect(world.simulator.codes().map(({ starts_at }) => starts_at)).toHaveLength(2);
  const entries = await world.relatch.deps.db.prisma.historyEntry.findMany({ where: { kind: 'code.ready' } });
  const gaps = entries.map(({ detail }) => (detail as { gap_ms?: number }).gap_ms);
  expect(gaps.sort()).toEqual([0, undefined]);
});
