// Each thing that can go wrong unseen, and that one pass puts it right. Where an event would tell, no delivery arrives.
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { codeName, newMarker } from '../../src/core/access-code.ts';
import { parseSchedulesFile } from '../../src/core/schedules-file.ts';
import { insertFound, outOfPlan } from '../../src/db/reconcile.ts';
import { flowDeps, openTool } from '../../src/deps.ts';
import { applySchedules } from '../../src/flows/apply-schedules.ts';
import { planDoor } from '../../src/flows/plan-door.ts';
import { reconcile } from '../../src/flows/reconcile.ts';
import { recordReach } from '../../src/flows/record-reach.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { backDoor, daily, frontDoor, startWorld, type World, weekdays } from '../support/relatch.ts';

const now = '2027-03-08T12:00:00Z';
const remove = 'DELETE /access_codes/delete';
const monday = '2027-03-08T14:00Z/2027-03-08T22:00Z';
const tuesday = '2027-03-09T14:00Z/2027-03-09T22:00Z';

async function silentWorld(fields: Record<string, unknown> = {}): Promise<World> {
  const world = await startWorld({ now, delivers: false });
  await world.apply(weekdays(fields));
  return world;
}

/** Forgets events that Seam has by now: what the comparison finds, it finds by itself. */
async function forgetEvents(world: World): Promise<void> {
  const { prisma } = world.relatch.deps.db;
  await prisma.installation.update({ where: { id: 1 }, data: { createdAt: world.simulator.now() } });
}

function rowOf(world: World, accessCodeId: string) {
  return world.relatch.deps.db.prisma.accessCode.findUniqueOrThrow({ where: { accessCodeId } });
}

/** As after a restore from a backup: the schedule is there, what came later is not. */
async function forgetCodes(world: World): Promise<void> {
  await world.relatch.deps.db.pool.query('delete from access_codes');
}

describe.concurrent('one pass of the reconciler', () => {
  it('keeps a window closed whose live code somebody deleted, says how to reopen it, and serves the next', async () => {
    await using world = await silentWorld();
    await world.until('2027-03-08T15:00:00Z');
    const { access_code_id } = world.onlyCode();
    world.simulator.deleteByHand(access_code_id);
    await world.until('2027-03-08T15:05:00Z');
    await forgetEvents(world);
    await world.sweep();
    expect(await rowOf(world, access_code_id)).toMatchObject({ state: 'closed', reason: 'taken_away' });
    expect(await world.alerts()).toEqual([
      expect.stringContaining(`relatch schedules reopen crew --device ${frontDoor}`),
    ]);
    await world.until('2027-03-10T12:00:00Z');
    expect(world.opened()).toEqual(['2027-03-08T14:00Z/2027-03-08T15:00:05Z', tuesday]);
  });

  it('does so for an upcoming code, too, and by the event alone', async () => {
    await using world = await silentWorld();
    const { access_code_id } = world.onlyCode();
    world.simulator.deleteByHand(access_code_id);
    await world.until('2027-03-08T12:01:00Z');
    await world.pass({ limits: { seamCalls: 1, durationMs: 60_000 } });
    await world.rest();
    expect(await rowOf(world, access_code_id)).toMatchObject({ state: 'closed', reason: 'taken_away' });
    await world.until('2027-03-10T12:00:00Z');
    expect(world.opened()).toEqual([tuesday]);
  });

  it('records a removal that was not reported, and has the next code made', async () => {
    await using world = await silentWorld();
    await world.until('2027-03-08T15:00:00Z');
    await world.stop();
    await world.simulator.advanceTo(new Date('2027-03-08T22:01:00Z'));
    await world.start();
    await world.sweep();
    expect((await world.codes()).map(({ state }) => state)).toEqual(['removed', 'created']);
  });

  it('has a code made whose window passed without its ever reaching the lock, and no removal is reported', async () => {
    await using world = await startWorld({
      now,
      delivers: false,
      devices: [{ device_id: frontDoor, name: 'Front door', native_scheduling: false }],
    });
    world.simulator.device(frontDoor).goOffline();
    await world.apply(weekdays());
    await world.stop();
    await world.simulator.advanceTo(new Date('2027-03-09T00:00:00Z'));
    world.simulator.device(frontDoor).goOnline();
    await world.start();
    await world.sweep();
    await world.until('2027-03-10T00:00:00Z');
    expect(world.opened()).toEqual([tuesday.replace(/Z$/, ':05Z')]);
  });

  it('leaves a code that was taken off in the lock’s app to Seam, which sets it again', async () => {
    await using world = await silentWorld();
    await world.until('2027-03-08T15:00:00Z');
    world.simulator.removeAtLock(world.onlyCode().access_code_id);
    await world.sweep();
    await world.until('2027-03-08T16:00:00Z');
    await world.sweep();
    expect(world.opened()).toEqual(['2027-03-08T14:00Z/2027-03-08T15:00Z', '2027-03-08T15:01Z/…']);
    expect(world.calls('POST /access_codes/create')).toBe(1);
  });

  it('gives a code back the times that somebody changed at Seam, in place', async () => {
    await using world = await silentWorld();
    const { access_code_id, code } = world.onlyCode();
    await patch(world, access_code_id, '2027-03-08T09:00:00Z', '2027-03-09T22:00:00Z');
    await world.sweep();
    expect(world.onlyCode()).toMatchObject({
      access_code_id,
      code,
      starts_at: '2027-03-08T14:00:00.000Z',
      ends_at: '2027-03-08T22:00:00.000Z',
    });
    expect((await world.history()).map(({ kind }) => kind)).toContain('code.drifted');
    expect(await world.pass()).toMatchObject({ repairs: [] });
  });

  it('asks once, and then tells a person, when a lock keeps other times', async () => {
    await using world = await silentWorld();
    const { access_code_id } = world.onlyCode();
    for (let pass = 0; pass < 3; pass += 1) {
      await patch(world, access_code_id, '2027-03-08T14:00:00Z', '2027-03-08T22:30:00Z');
      await world.sweep();
    }
    expect(await world.alerts()).toEqual([
      expect.stringContaining('Changed by somebody in Seam (times)'),
      expect.stringContaining('Changed again (times)'),
    ]);
    // Ours, beside the three by hand.
    expect(world.calls('PATCH /access_codes/update')).toBe(1 + 3);
  });

  it('has a code removed again that is at Seam although its row is final', async () => {
    await using world = await silentWorld();
    const { access_code_id } = world.onlyCode();
    const { pool } = world.relatch.deps.db;
    await pool.query("update access_codes set state = 'closed', next_try_at = null, reason = 'taken_away'");
    await world.sweep();
    await world.until('2027-03-08T12:01:00Z');
    // Another one of the schedule's may be there: the next window's.
    expect(world.simulator.codes().map((code) => code.access_code_id)).not.toContain(access_code_id);
    expect(await rowOf(world, access_code_id)).toMatchObject({ state: 'removed' });
    await world.until('2027-03-10T12:00:00Z');
    expect(world.opened()).toEqual([tuesday]);
  });

  it('does so without touching the code that its window has by now', async () => {
    await using world = await silentWorld({ pin: 'rotate' });
    const { access_code_id } = world.onlyCode();
    const { pool } = world.relatch.deps.db;
    await pool.query("update access_codes set state = 'closed', next_try_at = null, reason = 'device_back'");
    await pool.query('update schedule_devices set generation = generation + 1');
    // The plan comes first, so that both codes are there.
    await world.apply(weekdays({ pin: 'rotate', name: 'Cleaners' }));
    expect(world.simulator.codes()).toHaveLength(2);
    await world.sweep();
    await world.until('2027-03-08T12:01:00Z');
    expect(world.onlyCode().access_code_id).not.toBe(access_code_id);
    await world.until('2027-03-09T12:00:00Z');
    expect(world.opened()).toEqual([monday]);
  });

  it('has a created row planned that is stuck with times that were never asked, in place', async () => {
    await using world = await silentWorld();
    const { access_code_id } = world.onlyCode();
    await world.relatch.deps.db.pool.query(
      "update access_codes set asked_starts_at = null, asked_ends_at = null, called_at = null, next_try_at = '2100-01-01'",
    );
    await world.sweep();
    const asked = { askedStartsAt: new Date('2027-03-08T14:00:00Z'), askedEndsAt: new Date('2027-03-08T22:00:00Z') };
    expect(await rowOf(world, access_code_id)).toMatchObject({ state: 'created', ...asked });
    expect(world.calls('PATCH /access_codes/update')).toBe(1);
  });

  it('has a rejected row asked for again that was not woken at its rung, and closed after its window', async () => {
    await using world = await startWorld({ now, delivers: false });
    const refuse = { kind: 'status', status: 400, type: 'invalid_input' } as const;
    world.simulator.faults.next('POST /access_codes/create', refuse, { times: 3 });
    await world.apply(weekdays());
    const { pool } = world.relatch.deps.db;
    const oversleep = () => pool.query("update access_codes set next_try_at = '2100-01-01' where state = 'rejected'");
    await oversleep();
    await world.until('2027-03-08T13:50:00Z');
    expect(world.calls('POST /access_codes/create')).toBe(1);
    await world.sweep();
    expect(world.calls('POST /access_codes/create')).toBe(2);
    await oversleep();
    await world.until('2027-03-08T22:10:00Z');
    await world.sweep();
    expect(await world.codes()).toMatchObject([{ state: 'closed', reason: 'missed' }, { state: 'rejected' }]);
    expect((await world.history()).filter(({ alert, kind }) => alert && kind === 'window.missed')).toHaveLength(1);
  });

  it.each([
    'planned',
    'calling',
    'unknown',
    'removing',
  ] as const)('has a row planned that is stuck as %s', async (state) => {
    await using world = await silentWorld();
    const { pool } = world.relatch.deps.db;
    const { access_code_id } = world.onlyCode();
    if (state === 'planned') {
      world.simulator.deleteByHand(access_code_id);
      await world.until('2027-03-08T12:01:00Z');
      await forgetEvents(world);
    }
    await pool.query(
      `update access_codes set state = $1::code_state, quiet_until = null, next_try_at = '2100-01-01',
              access_code_id = case when $1 = 'removing' then access_code_id end`,
      [state],
    );
    await world.sweep();
    await world.until('2027-03-08T12:05:00Z');
    if (state !== 'removing') expect(await world.codes()).toMatchObject([{ state: 'created' }]);
    else expect(await rowOf(world, access_code_id)).toMatchObject({ state: 'removed' });
  });

  it.each([
    ['edited', { windows: daily('10:00', '16:00') }, ['2027-03-08T15:00Z/2027-03-08T21:00Z']],
    ['paused', { status: 'paused' }, []],
    ['ended', { ends_on: '2027-03-07' }, []],
  ] as const)('acts on a schedule that was %s while nobody ran', async (_, fields, opened) => {
    await using world = await silentWorld();
    await world.stop();
    await applyWhileDown(world, fields);
    await loseJobs(world);
    await world.start();
    await world.sweep();
    await world.until('2027-03-09T00:00:00Z');
    expect(world.opened()).toEqual(opened);
  });

  it('moves an upcoming code whose window was changed while nobody ran, in place and with its PIN', async () => {
    await using world = await silentWorld();
    const { access_code_id, code } = world.onlyCode();
    await world.stop();
    await applyWhileDown(world, { windows: daily('10:00', '16:00') });
    await loseJobs(world);
    await world.start();
    await world.sweep();
    expect(world.onlyCode()).toMatchObject({
      access_code_id,
      code,
      starts_at: '2027-03-08T15:00:00.000Z',
      ends_at: '2027-03-08T21:00:00.000Z',
    });
    await world.until('2027-03-08T20:00:00Z');
    expect(world.onlyCode()).toMatchObject({ access_code_id, code });
    expect(world.calls('PATCH /access_codes/update')).toBe(1);
    expect(world.calls('POST /access_codes/create')).toBe(1);
  });

  it('acts on a schedule that was moved to another door while nobody ran, and leaves no code behind', async () => {
    await using world = await silentWorld();
    await world.stop();
    await applyWhileDown(world, { devices: [backDoor] });
    await loseJobs(world);
    await world.start();
    await world.sweep();
    await world.until('2027-03-08T12:05:00Z');
    expect(world.simulator.codes({ device_id: frontDoor })).toEqual([]);
    expect(world.simulator.codes({ device_id: backDoor })).toHaveLength(1);
    await world.until('2027-03-09T00:00:00Z');
    expect([world.opened(frontDoor), world.opened(backDoor)]).toEqual([[], [monday]]);
  });

  it('lets a device that is gone take no code for deleted, and opens the window again when it is back', async () => {
    await using world = await silentWorld();
    await world.until('2027-03-08T15:00:00Z');
    world.simulator.device(frontDoor).remove();
    await world.sweep();
    expect(await world.alerts()).toEqual([expect.stringContaining('Front door is gone from Seam')]);
    expect((await world.codes())[0]).toMatchObject({ state: 'created' });
    await world.until('2027-03-08T16:00:00Z');
    world.simulator.device(frontDoor).comeBack();
    await world.until('2027-03-08T16:10:00Z');
    await world.sweep();
    await world.until('2027-03-09T00:00:00Z');
    expect(world.opened()).toEqual([
      '2027-03-08T14:00Z/2027-03-08T15:00Z',
      expect.stringMatching(/^2027-03-08T16:0.*\/2027-03-08T22:00Z$/),
    ]);
  });

  it('opens the window of a device again that was away and back before the pass', async () => {
    await using world = await silentWorld();
    await world.until('2027-03-08T15:00:00Z');
    world.simulator.device(frontDoor).remove();
    await world.until('2027-03-08T15:20:00Z');
    world.simulator.device(frontDoor).comeBack();
    await world.sweep();
    await world.until('2027-03-08T15:40:00Z');
    expect(world.opened()).toEqual([
      '2027-03-08T14:00Z/2027-03-08T15:00Z',
      expect.stringMatching(/^2027-03-08T15:[23]/),
    ]);
  });

  it('takes a code for no deletion if it is told that the device was away while that is being judged', async () => {
    await using world = await silentWorld();
    await world.until('2027-03-08T15:00:00Z');
    const goneAt = world.simulator.now();
    world.simulator.device(frontDoor).remove();
    await world.until('2027-03-08T15:01:00Z');
    world.simulator.device(frontDoor).comeBack();
    const { deps } = world.relatch;
    const { prisma } = deps.db;
    await prisma.accessCode.updateMany({ data: { goneSignalAt: world.simulator.now() } });
    const [row] = await prisma.accessCode.findMany();
    if (row === undefined) throw new Error('there is no row');
    const removed = { kind: 'reach', awayBecause: 'removed', lostCodes: true, occurredAt: goneAt } as const;
    const report = { eventKey: undefined, eventType: 'device.removed', at: world.simulator.now() };
    const getDevice = async (deviceId: string) => {
      await prisma.$transaction((tx) => recordReach(deps, tx, { ...removed, about: { deviceId } }, report));
      return deps.seam.getDevice(deviceId);
    };
    await planDoor({ ...deps, seam: { ...deps.seam, getDevice } }, row);
    expect(await rowOf(world, row.accessCodeId ?? '')).toMatchObject({ state: 'closed', reason: 'device_back' });
    await world.until('2027-03-08T15:10:00Z');
    expect(world.opened()).toEqual(['2027-03-08T14:00Z/2027-03-08T15:00Z', expect.stringMatching(/^2027-03-08T15:0/)]);
  });

  it('keeps a window closed whose code somebody had deleted before its device went and came back', async () => {
    await using world = await silentWorld();
    await world.until('2027-03-08T15:00:00Z');
    const { access_code_id: accessCodeId } = world.onlyCode();
    const deleted = { key: 'deleted', eventType: 'access_code.deleted', accessCodeId } as const;
    world.simulator.deleteByHand(accessCodeId);
    const deletedAt = world.simulator.now();
    await world.until('2027-03-08T15:01:00Z');
    world.simulator.device(frontDoor).remove();
    world.simulator.device(frontDoor).comeBack();
    const { deps } = world.relatch;
    const { prisma } = deps.db;
    await prisma.inboxEvent.create({ data: { ...deleted, occurredAt: deletedAt, state: 'handled' } });
    await prisma.accessCode.updateMany({ data: { goneSignalAt: deletedAt } });
    const added = { kind: 'reach', awayBecause: null, lostCodes: true, occurredAt: world.simulator.now() } as const;
    const report = { eventKey: undefined, eventType: 'device.added', at: world.simulator.now() };
    await prisma.$transaction((tx) => recordReach(deps, tx, { ...added, about: { deviceId: frontDoor } }, report));
    await world.until('2027-03-09T12:00:00Z');
    expect(await rowOf(world, accessCodeId)).toMatchObject({ state: 'closed', reason: 'taken_away' });
    expect(world.opened()).toEqual(['2027-03-08T14:00Z/2027-03-08T15:00:05Z']);
  });

  it('takes a disconnected account for no deletion', async () => {
    await using world = await silentWorld();
    await world.until('2027-03-08T15:00:00Z');
    world.simulator.setAccountConnected(false);
    await world.sweep();
    await world.until('2027-03-08T16:00:00Z');
    world.simulator.setAccountConnected(true);
    await world.sweep();
    await world.until('2027-03-09T12:00:00Z');
    expect(world.opened()).toEqual([monday]);
    expect(await world.alerts()).toEqual([expect.stringContaining('its account is disconnected')]);
  });

  it.each([
    'keep',
    'rotate',
  ])('adopts a code of ours without a row that fits a window without a code, with pin: %s', async (pin) => {
    await using world = await silentWorld({ pin });
    const { access_code_id } = world.onlyCode();
    await world.until('2027-03-08T12:10:00Z');
    await forgetCodes(world);
    await world.pass();
    await world.rest();
    await world.sweep();
    await world.until('2027-03-08T13:00:00Z');
    await world.sweep();
    expect(world.onlyCode()).toMatchObject({ access_code_id });
    expect(await world.codes()).toMatchObject([{ state: 'created', adopted: true, accessCodeId: access_code_id }]);
    await world.until('2027-03-09T12:00:00Z');
    expect(world.opened()).toEqual([monday]);
  });

  it('adopts one into the row of a window whose create could not be made yet', async () => {
    await using world = await silentWorld();
    const { access_code_id } = world.onlyCode();
    await world.until('2027-03-08T12:10:00Z');
    await forgetCodes(world);
    const wait = { kind: 'status', status: 429, headers: { 'retry-after': '900' } } as const;
    world.simulator.faults.next('POST /access_codes/create', wait);
    await world.apply(weekdays({ name: 'Cleaners' }));
    expect(await world.codes()).toMatchObject([{ state: 'planned' }]);
    await world.sweep();
    await world.until('2027-03-08T12:15:00Z');
    expect(await world.codes()).toMatchObject([{ state: 'created', adopted: true, accessCodeId: access_code_id }]);
    expect(world.calls('POST /access_codes/create')).toBe(2);
    await world.until('2027-03-09T12:00:00Z');
    expect(world.opened()).toEqual([monday]);
  });

  it('reports a code of ours without a row that fits nothing, and removes it a day later', async () => {
    await using world = await silentWorld();
    await orphan(world, '900001', '2027-03-20T14:00:00Z', '2027-03-20T22:00:00Z');
    await world.until('2027-03-08T12:00:30Z');
    await world.sweep();
    expect(await world.alerts()).toEqual([]);
    await world.until('2027-03-08T12:10:00Z');
    for (let pass = 0; pass < 2; pass += 1) {
      await world.sweep();
      expect(await world.alerts()).toEqual([expect.stringContaining('no row explains')]);
    }
    await world.until('2027-03-09T12:09:00Z');
    await world.sweep();
    expect(world.simulator.codes()).toHaveLength(2);
    await world.until('2027-03-09T12:11:00Z');
    await world.sweep();
    await world.until('2027-03-09T12:13:00Z');
    expect(world.simulator.codes().map(({ code }) => code)).not.toContain('900001');
    await world.sweep();
    expect(await unresolved(world)).toEqual([]);
    await world.until('2027-03-10T00:00:00Z');
    expect(world.opened()).toEqual([monday, tuesday]);
  });

  it('removes what it reported before on command, without waiting a day, and what it sees first only after that', async () => {
    await using world = await silentWorld();
    await orphan(world, '900001', '2027-03-20T14:00:00Z', '2027-03-20T22:00:00Z');
    await world.until('2027-03-08T12:10:00Z');
    expect(await world.pass({ removesOrphans: true })).toMatchObject({
      repairs: [
        { would: expect.stringMatching(/^report a code of ours .*; reconcile --remove-orphans has it removed/) },
      ],
    });
    expect(await world.alerts()).toEqual([expect.stringContaining('or sooner by reconcile --remove-orphans')]);
    await world.until('2027-03-08T12:11:00Z');
    expect(await world.pass()).toMatchObject({ repairs: [] });
    const would = expect.stringMatching(/^have Seam remove a code of ours on Front door/);
    expect(await world.pass({ removesOrphans: true, dryRun: true })).toMatchObject({ repairs: [{ would }] });
    expect(world.calls(remove)).toBe(0);
    await orphan(world, '900002', '2027-03-21T14:00:00Z', '2027-03-21T22:00:00Z', 4);
    await world.until('2027-03-08T12:20:00Z');
    await world.pass({ removesOrphans: true });
    await world.until('2027-03-08T12:25:00Z');
    const pins = world.simulator.codes().map(({ code }) => code);
    expect([pins.includes('900001'), pins.includes('900002')]).toEqual([false, true]);
    expect((await world.history()).filter(({ kind }) => kind === 'code.deleting')).toMatchObject([
      { message: expect.stringMatching(/^Removing a code of ours .*, because it was asked for\.$/) },
    ]);
    expect(await world.alerts()).toHaveLength(2);
  });

  it('takes its report back when the code goes by itself', async () => {
    await using world = await silentWorld();
    const id = await orphan(world, '900001', '2027-03-20T14:00:00Z', '2027-03-20T22:00:00Z');
    await world.until('2027-03-08T12:10:00Z');
    await world.sweep();
    expect(await unresolved(world)).toMatchObject([{ kind: 'code.orphaned' }]);
    world.simulator.deleteByHand(id);
    await world.until('2027-03-08T12:20:00Z');
    await world.sweep();
    expect(await unresolved(world)).toEqual([]);
  });

  it.each([
    ['is gone', (world: World, id: string) => world.simulator.deleteByHand(id)],
    ['has a row', giveRow],
  ] as const)('leaves a code of ours alone that %s when Seam is read again', async (_, change) => {
    await using world = await silentWorld();
    const id = await orphan(world, '900001', '2027-03-20T14:00:00Z', '2027-03-20T22:00:00Z');
    await world.until('2027-03-08T12:10:00Z');
    await forgetEvents(world);
    const { deps } = world.relatch;
    const lists: boolean[] = [];
    const listManagedCodes = async (deviceId: string) => {
      if (lists.length === 1) await change(world, id);
      const list = await deps.seam.listManagedCodes(deviceId);
      lists.push(list.ok && list.value.some(({ accessCodeId, isLeaving }) => accessCodeId === id && !isLeaving));
      return list;
    };
    expect(await reconcile({ ...deps, seam: { ...deps.seam, listManagedCodes } })).toMatchObject({ repairs: [] });
    expect(lists).toEqual([true, change === giveRow]);
    expect(await world.alerts()).toEqual([]);
    expect(world.calls(remove)).toBe(0);
  });

  it('touches no code of anybody else, and none of another installation', async () => {
    await using world = await silentWorld();
    const span = { starts_at: new Date('2027-03-08T14:00:00Z'), ends_at: new Date('2027-03-30T22:00:00Z') };
    const foreign = [
      { name: 'Guest', managed: true },
      { name: `Crew ${world.relatch.deps.markerPrefix === 'ZZZ' ? 'XXX' : 'ZZZ'}23456`, managed: true },
      { name: 'Owner', managed: false },
    ].map((code, index) =>
      world.simulator.addForeignCode({ device_id: frontDoor, code: `90000${index}`, ...code, ...span }),
    );
    for (const at of ['2027-03-08T13:00:00Z', '2027-03-09T13:00:00Z', '2027-03-10T13:00:00Z']) {
      await world.until(at);
      await world.sweep();
    }
    const there = [...world.simulator.codes(), ...world.simulator.unmanagedCodes()].map((code) => code.access_code_id);
    expect(there).toEqual(expect.arrayContaining(foreign));
    expect(await world.alerts()).toEqual([]);
  });

  it('records windows that passed in an outage under the rules of then, when an edit comes first', async () => {
    await using world = await silentWorld();
    await world.until('2027-03-08T21:00:00Z');
    await world.stop();
    await world.simulator.advanceTo(new Date('2027-03-11T12:00:00Z'));
    await applyWhileDown(world, { windows: daily('10:00', '12:00') });
    await world.simulator.advanceTo(new Date('2027-03-13T12:00:00Z'));
    await world.start();
    await world.sweep();
    expect(await world.alerts()).toEqual(
      ['Tue 9 Mar 09:00–17:00', 'Wed 10 Mar 09:00–17:00', 'Thu 11 Mar 10:00–12:00', 'Fri 12 Mar 10:00–12:00'].map(
        (window) => expect.stringContaining(window),
      ),
    );
  });

  it('tells of the missed windows of a door in one sentence, however many they are', async () => {
    await using world = await silentWorld({ windows: daily('09:00', '10:00') });
    await world.until('2027-03-08T12:10:00Z');
    await world.stop();
    await world.simulator.advanceTo(new Date('2027-04-20T12:00:00Z'));
    const overrides = { now: () => world.simulator.now(), log: createLog({ level: 'silent' }) };
    await using tool = await openTool(world.config, overrides, 'tool');
    const report = await reconcile(await flowDeps(tool, world.config), { dryRun: true });
    expect(report?.repairs.filter(({ would }) => would.includes('missed'))).toEqual([
      {
        door: 'Crew at Front door',
        would:
          'record as missed 42 windows of Crew at Front door, the first Tue 9 Mar 09:00–10:00, the last Mon 19 Apr 09:00–10:00',
      },
    ]);
  });

  it.each([
    ['an edit', true],
    ['the service', false],
  ])('records every window of a long outage, which is one alert, when %s comes first', async (_, isEdited) => {
    await using world = await silentWorld({ windows: daily('09:00', '10:00') });
    await world.until('2027-03-08T12:10:00Z');
    await world.stop();
    await world.simulator.advanceTo(new Date('2027-04-20T12:00:00Z'));
    const edited = isEdited ? await applyWhileDown(world, { windows: daily('10:00', '12:00') }) : [];
    await world.start();
    await world.sweep();
    const lines = [...edited, ...world.logLines].filter((line) => line.includes('"event":"window.missed"'));
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ windows: 42 }]);
    const missed = (await world.history()).filter(({ kind }) => kind === 'window.missed');
    expect(missed).toHaveLength(42);
    const { prisma } = world.relatch.deps.db;
    expect(await prisma.alert.findMany({ where: { kind: 'window.missed' } })).toMatchObject([{ times: 42 }]);
  });
});

/** The row of a found code, as somebody else may write it meanwhile. */
async function giveRow(world: World, accessCodeId: string): Promise<void> {
  const { scheduleId, deviceId } = await rowOf(world, (await world.codes())[0]?.accessCodeId ?? '');
  const at = new Date('2027-03-20T14:00:00Z');
  const row = { scheduleId, deviceId, ...outOfPlan(at), marker: 'another', accessCodeId, nextTryAt: at };
  const id = await insertFound(world.relatch.deps.db.prisma, { ...row, state: 'removing', reason: 'found' });
  expect(id).not.toBeNull();
}

/** As `world.apply`, while the service is stopped; answers with the lines that it logs. */
async function applyWhileDown(world: World, fields: Record<string, unknown>): Promise<string[]> {
  const parsed = parseSchedulesFile(weekdays(fields));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const lines: string[] = [];
  const log = createLog({ level: 'info', destination: { write: (line: string) => void lines.push(line) } });
  await using tool = await openTool(world.config, { now: () => world.simulator.now(), log }, 'tool');
  await applySchedules(tool, parsed.file);
  return lines;
}

/** The jobs of a change are lost, and no row is due: nothing but a comparison finds out. */
async function loseJobs(world: World): Promise<void> {
  const client = new pg.Client({ connectionString: world.config.database.url });
  await client.connect();
  await client.query("delete from pgboss.job where name = 'plan'");
  await client.query("update access_codes set next_try_at = '2100-01-01' where next_try_at is not null");
  await client.end();
}

async function unresolved(world: World) {
  return world.relatch.deps.db.prisma.alert.findMany({ where: { state: { not: 'resolved' } } });
}

/** Another client moves a code of ours. */
async function patch(world: World, access_code_id: string, starts_at: string, ends_at: string): Promise<void> {
  const response = await fetch(`${world.simulator.endpoint}/access_codes/update`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${world.simulator.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ access_code_id, starts_at, ends_at }),
  });
  expect(response.status).toBe(200);
}

/** A code that bears our marker and has no row. */
async function orphan(world: World, code: string, startsAt: string, endsAt: string, chance = 3): Promise<string> {
  const marker = newMarker(world.relatch.deps.markerPrefix, () => chance);
  return world.simulator.addForeignCode({
    device_id: frontDoor,
    name: codeName('Crew', marker, null),
    code,
    managed: true,
    starts_at: new Date(startsAt),
    ends_at: new Date(endsAt),
  });
}
