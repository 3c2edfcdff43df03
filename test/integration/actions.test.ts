// What people do in the middle of things, as it comes to the doors.
import type { AccessCode } from 'seam';
import { expect, it } from 'vitest';
import { actOn } from '../../src/flows/act-on-schedule.ts';
import { act, crewAtWork, opened } from '../support/crew-at-work.ts';
import { backDoor, frontDoor, type World, weekdays } from '../support/relatch.ts';

/** The code that is valid now. */
function live(world: World): AccessCode {
  const now = world.simulator.now().toISOString();
  const codes = world.simulator.codes({ device_id: frontDoor });
  const found = codes.filter(({ starts_at, ends_at }) => (starts_at ?? '') <= now && (ends_at ?? '') > now);
  expect(found).toHaveLength(1);
  return found[0]!;
}

it('takes a live code off at a pause, and gives it back at a resume', async () => {
  await using world = await crewAtWork();
  const pin = live(world).code;
  expect(await act(world, { kind: 'pause' })).toMatchObject({ outcome: 'changed', version: 2 });
  await world.until('2027-03-08T16:00:00Z');
  expect(world.simulator.codes()).toEqual([]);
  expect(await act(world, { kind: 'pause' })).toMatchObject({ outcome: 'unchanged', version: 2 });
  await act(world, { kind: 'resume', revive: false });
  await world.until('2027-03-10T00:00:00Z');
  expect(opened(world)).toEqual([
    '2027-03-08T14:00/2027-03-08T15:00',
    '2027-03-08T16:00/2027-03-08T22:00',
    '2027-03-09T14:00/2027-03-09T22:00',
  ]);
  expect(new Set(world.simulator.intervals(frontDoor).map(({ code }) => code))).toEqual(new Set([pin]));
});

it('revokes at once on all doors, and opens none again', async () => {
  await using world = await crewAtWork({ devices: [frontDoor, backDoor] });
  await act(world, { kind: 'revoke' });
  await world.apply(weekdays({ devices: [frontDoor, backDoor], status: 'active' }));
  await world.until('2027-03-11T00:00:00Z');
  for (const door of [frontDoor, backDoor]) expect(opened(world, door)).toEqual(['2027-03-08T14:00/2027-03-08T15:00']);
  expect((await world.codes()).map(({ state }) => state)).toEqual(['removed', 'removed']);
});

it('skips a coming window and opens it once more when that is taken back, and keeps both from the schedules file', async () => {
  await using world = await crewAtWork({ pin: 'rotate' });
  await act(world, { kind: 'skip', date: '2027-03-09', reason: 'ill' });
  await world.apply(weekdays({ pin: 'rotate', name: 'Crew of old' }));
  await world.until('2027-03-08T20:00:00Z');
  expect(world.simulator.codes().map(({ starts_at }) => starts_at)).toEqual([
    '2027-03-08T14:00:00.000Z',
    '2027-03-10T14:00:00.000Z',
  ]);
  await act(world, { kind: 'unskip', date: null });
  await act(world, { kind: 'skip', date: '2027-03-10', reason: null });
  await world.until('2027-03-12T00:00:00Z');
  expect(opened(world)).toEqual([
    '2027-03-08T14:00/2027-03-08T22:00',
    '2027-03-09T14:00/2027-03-09T22:00',
    '2027-03-11T14:00/2027-03-11T22:00',
  ]);
});

it('extends today by moving the code in place', async () => {
  await using world = await crewAtWork();
  const { access_code_id, code } = world.onlyCode();
  await act(world, { kind: 'extend', until: '19:00' });
  expect(world.onlyCode()).toMatchObject({ access_code_id, code, ends_at: '2027-03-09T00:00:00.000Z' });
  await world.until('2027-03-10T00:00:00Z');
  expect(opened(world)).toEqual(['2027-03-08T14:00/2027-03-09T00:00', '2027-03-09T14:00/2027-03-09T22:00']);
});

it('extends a window that is over from now on', async () => {
  await using world = await crewAtWork({}, '2027-03-08T23:00:00Z');
  await act(world, { kind: 'extend', until: '20:00' });
  await world.until('2027-03-10T00:00:00Z');
  expect(opened(world)).toEqual([
    '2027-03-08T14:00/2027-03-08T22:00',
    '2027-03-08T23:00/2027-03-09T01:00',
    '2027-03-09T14:00/2027-03-09T22:00',
  ]);
});

it.each(['keep', 'rotate', '13579024'])('replaces a leaked PIN within its window, with pin: %s', async (pin) => {
  await using world = await crewAtWork({ pin });
  const leaked = live(world).code;
  const chosen = pin === '13579024' ? '24680913' : null;
  await act(world, { kind: 'rotate_pin', pin: chosen });
  await world.until('2027-03-08T16:00:00Z');
  const second = live(world).code;
  expect(second).not.toBe(leaked);
  if (chosen !== null) expect(second).toBe(chosen);
  await act(world, { kind: 'rotate_pin', pin: chosen === null ? null : '86420917' });
  await world.until('2027-03-10T00:00:00Z');
  const pins = world.simulator.intervals(frontDoor).map(({ code }) => code);
  expect(pins[0]).toBe(leaked);
  expect(pins.slice(1)).not.toContain(leaked);
  expect(new Set(pins).size).toBeGreaterThanOrEqual(3);
  const [, , monday] = opened(world);
  expect(monday).toMatch(/\/2027-03-08T22:00$/);
  expect(opened(world).at(-1)).toBe('2027-03-09T14:00/2027-03-09T22:00');
});

it('reopens a window that somebody closed, at that door', async () => {
  await using world = await crewAtWork({ devices: [frontDoor, backDoor] });
  await expect(act(world, { kind: 'reopen', deviceIds: null })).rejects.toMatchObject({ code: 'nothing_closed' });
  world.simulator.deleteByHand(world.onlyCode(frontDoor).access_code_id);
  await world.until('2027-03-08T17:00:00Z');
  // A skip of another day is no reopening.
  await act(world, { kind: 'skip', date: '2027-03-10', reason: null });
  await world.until('2027-03-08T18:00:00Z');
  expect(opened(world, frontDoor)).toEqual(['2027-03-08T14:00/2027-03-08T15:00']);
  await act(world, { kind: 'reopen', deviceIds: [frontDoor] });
  await world.until('2027-03-09T00:00:00Z');
  expect(opened(world, frontDoor)).toEqual(['2027-03-08T14:00/2027-03-08T15:00', '2027-03-08T18:00/2027-03-08T22:00']);
  expect(opened(world, backDoor)).toEqual(['2027-03-08T14:00/2027-03-08T22:00']);
});

it('tells in a dry run what an action would do, and does nothing', async () => {
  await using world = await crewAtWork();
  const before = JSON.stringify([await world.codes(), await world.history()]);
  const told = await act(world, { kind: 'skip', date: '2027-03-08', reason: null }, { dryRun: true });
  expect(told).toMatchObject({ outcome: 'changed', version: 1 });
  expect(told.preview).toMatchObject([
    {
      deviceId: frontDoor,
      deviceName: 'Front door',
      appearing: [],
      vanishing: [{ startsAt: new Date('2027-03-08T14:00:00Z') }],
      would: [expect.stringContaining('remove'), expect.stringContaining('Tue 9 Mar 09:00–17:00')],
    },
  ]);
  expect(JSON.stringify([await world.codes(), await world.history()])).toBe(before);
});

it('refuses an action on a schedule that was changed meanwhile', async () => {
  await using world = await crewAtWork();
  await act(world, { kind: 'pause' }, { version: 1, by: 'alice' });
  await expect(act(world, { kind: 'revoke' }, { version: 1 })).rejects.toMatchObject({
    code: 'version_differs',
    version: 2,
  });
  await expect(actOn(world.relatch.deps, 'nobody', { kind: 'pause' })).rejects.toMatchObject({
    code: 'schedule_unknown',
  });
});
