// A database that was restored from a backup knows nothing of what came after that. Seam and the locks do.
import { expect, it } from 'vitest';
import { compareFirst } from '../../src/flows/compare-first.ts';
import type { FlowDeps } from '../../src/flows/flow-deps.ts';
import { planDoor } from '../../src/flows/plan-door.ts';
import { revealPin } from '../../src/flows/reveal-pin.ts';
import { aSchedule, backDoor, daily, frontDoor, schedulesFile, startWorld, type World } from '../support/relatch.ts';

const storeRoom = 'b81e5b3a-0d43-4d5e-8a7b-6c0f2e9d1a34';
const onDay = (day: number): object[] => [{ rrule: `FREQ=MONTHLY;BYMONTHDAY=${day}`, from: '09:00', to: '17:00' }];
const guests = { key: 'guests', name: 'Guests', devices: [backDoor], pin: 'rotate', windows: daily('09:00', '17:00') };
// When the backup is made, its window is too far away for a code: there is a row only.
const audit = { key: 'audit', name: 'Audit', devices: [storeRoom], pin: 'rotate', windows: onDay(23) };
const late = { key: 'late', name: 'Late', devices: [storeRoom], windows: onDay(20) };

it('goes on from a backup without a second code for any window, and removes what no window needs', async () => {
  await using world = await startWorld({
    now: '2027-03-08T23:00:00Z',
    devices: [frontDoor, backDoor, storeRoom].map((device_id) => ({ device_id })),
  });
  await world.apply(schedulesFile([aSchedule(), aSchedule(guests), aSchedule(audit)]));
  await world.stop();
  const restore = await world.backUp();
  await world.start();
  await world.apply(schedulesFile([aSchedule(late)]));
  world.simulator.addForeignCode({ device_id: backDoor, name: 'Owner', code: '7351', managed: true });
  // So near to the end of a window no code would be made for it any more.
  await world.until('2027-03-10T21:57:00Z');
  const before = codesAt(world);
  expect(before.map((code) => code.replace(/ \w{8}$/, ''))).toEqual([
    'Audit 2027-03-23T13:00Z',
    'Crew 2027-03-10T14:00Z',
    'Guests 2027-03-10T14:00Z',
    'Guests 2027-03-11T14:00Z',
    'Late 2027-03-20T13:00Z',
    'Owner',
  ]);

  await world.stop();
  await restore();
  await world.start();
  await world.rest();
  await world.sweep();
  expect(codesAt(world)).toEqual(before);
  const { prisma } = world.relatch.deps.db;
  const created = await prisma.accessCode.findMany({ where: { state: 'created' } });
  expect(created).toMatchObject(Array(4).fill({ adopted: true }));
  const pins = created.map(({ id }) => revealPin(world.relatch.deps, id, 'alice'));
  const pinsAtSeam = created.map(({ accessCodeId }) => pinAtSeam(world, accessCodeId));
  expect(await Promise.all(pins)).toEqual(pinsAtSeam);
  expect(await world.alerts()).toEqual([expect.stringContaining('that no row explains and no window needs')]);
  await world.pass({ removesOrphans: true });
  await world.until('2027-03-10T21:58:00Z');
  expect(codesAt(world)).toEqual(before.filter((code) => !code.startsWith('Late')));
});

it('adopts the code that was made after a refusal, with the PIN that it has', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  world.simulator.faults.next('/access_codes/create', { kind: 'status', status: 400, type: 'invalid_input' });
  await world.apply(schedulesFile([aSchedule({ ...guests, windows: daily('09:00', '16:00') })]));
  expect(await world.codes()).toMatchObject([{ state: 'rejected' }]);
  await world.stop();
  const restore = await world.backUp();
  await world.start();
  await world.apply(schedulesFile([aSchedule(guests)]));
  const { access_code_id, code: pin } = world.onlyCode(backDoor);

  await world.stop();
  await restore();
  await world.start();
  await world.sweep();
  expect(await world.codes()).toMatchObject([{ state: 'created', accessCodeId: access_code_id }]);
  const { id } = await world.relatch.deps.db.prisma.accessCode.findFirstOrThrow();
  expect(await revealPin(world.relatch.deps, id, 'alice')).toBe(pin);
});

it('adopts a code however young it is, and compares its door again until all there have their rows', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  await world.apply(schedulesFile([aSchedule(guests)]));
  const { prisma } = world.relatch.deps.db;
  const { scheduleId, deviceId } = await prisma.accessCode.findFirstOrThrow();
  await prisma.accessCode.deleteMany();
  const restarted = { ...world.relatch.deps, comparedDevices: new Set<string>() };

  expect(await compareFirst(lookingOnce(restarted), deviceId)).toBe(false);
  expect(restarted.comparedDevices).toEqual(new Set());
  await planDoor(restarted, { scheduleId, deviceId });
  expect(await world.codes()).toMatchObject([{ accessCodeId: world.onlyCode(deviceId).access_code_id }]);
  expect(await compareFirst(restarted, deviceId)).toBe(false);
  expect(restarted.comparedDevices).toEqual(new Set([deviceId]));
});

it('adopts a code that it has reported once its schedule, which was paused at the backup, goes on', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  const goOn = () => world.apply(schedulesFile([aSchedule({ ...guests, status: 'active' })]), { revive: true });
  await world.apply(schedulesFile([aSchedule({ ...guests, status: 'paused' })]));
  await world.stop();
  const restore = await world.backUp();
  await world.start();
  await goOn();
  const { access_code_id } = world.onlyCode(backDoor);
  await world.until('2027-03-08T12:02:00Z');

  await world.stop();
  await restore();
  await world.start();
  await world.sweep();
  expect(await world.alerts()).toEqual([expect.stringContaining('that no row explains and no window needs')]);
  await goOn();
  expect(await world.codes()).toMatchObject([{ accessCodeId: access_code_id }]);
  expect(world.onlyCode(backDoor).access_code_id).toBe(access_code_id);
});

/** Seam answers none of the second looks at a device. */
function lookingOnce(deps: FlowDeps): FlowDeps {
  const failure = { kind: 'unknown', message: 'no answer' } as const;
  let looks = 0;
  const listManagedCodes: FlowDeps['seam']['listManagedCodes'] = async (deviceId) => {
    looks += 1;
    return looks === 1 ? deps.seam.listManagedCodes(deviceId) : { ok: false, failure };
  };
  return { ...deps, seam: { ...deps.seam, listManagedCodes } };
}

function pinAtSeam({ simulator }: World, accessCodeId: string | null): string | null | undefined {
  return simulator.codes().find(({ access_code_id }) => access_code_id === accessCodeId)?.code;
}

/** Label, start and marker of every code at Seam. */
function codesAt({ simulator }: World): string[] {
  return simulator
    .codes()
    .map(({ name, starts_at }) => `${name}`.replace(' ', ` ${starts_at?.replace(':00.000', '')} `))
    .sort();
}
