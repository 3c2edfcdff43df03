// What people and programs are shown, and a code of Seam's that becomes a window's.
import { expect, it } from 'vitest';
import { listCodes, listHistory } from '../../src/db/views.ts';
import { adoptCode } from '../../src/flows/adopt-code.ts';
import { findDevice, listDevices } from '../../src/flows/list-devices.ts';
import { revealPin, revealPinsOf } from '../../src/flows/reveal-pin.ts';
import { relatchHere } from '../support/cli.ts';
import { aSchedule, backDoor, frontDoor, schedulesFile, startWorld, weekdays } from '../support/relatch.ts';

it('lists codes and history in pages, and shows a PIN to nobody without saying so in the history', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  await world.apply(schedulesFile([aSchedule({ devices: [frontDoor, backDoor], pin: 'rotate' })]));
  await world.until('2027-03-08T12:05:00Z');
  const { deps } = world.relatch;
  const { prisma } = deps.db;
  const all = await listCodes(prisma, { scheduleKey: 'crew', limit: 10 });
  expect(all.map(({ deviceName, state }) => `${deviceName} ${state}`).sort()).toEqual([
    'Back door created',
    'Front door created',
  ]);
  const [first, second] = all;
  const page = await listCodes(prisma, { after: { at: first!.windowStartsAt, id: first!.id }, limit: 10 });
  expect(page).toEqual([second]);
  const ofDoor = await listCodes(prisma, { deviceId: frontDoor, limit: 10 });
  expect(ofDoor).toMatchObject([{ scheduleKey: 'crew', readyAt: expect.any(Date), reason: null }]);

  const { code: pin } = world.onlyCode(frontDoor);
  expect(JSON.stringify(all)).not.toContain(pin);
  expect(await revealPin(deps, ofDoor[0]!.id, 'alice')).toBe(pin);
  expect((await revealPinsOf(deps, 'crew', 'bob')).get(frontDoor)).toBe(pin);
  const [last, before] = await listHistory(prisma, { deviceId: frontDoor, limit: 2 });
  expect(last).toMatchObject({ kind: 'pin.revealed', by: 'bob', scheduleKey: 'crew' });
  expect(before?.message).toBe('The PIN was shown to alice: the code of Crew at Front door, Mon 8 Mar 09:00–17:00.');
  expect(world.logLines.join('\n')).not.toContain(pin);
  await expect(revealPin(deps, '00000000-0000-4000-8000-000000000000', 'alice')).rejects.toMatchObject({
    code: 'code_unknown',
  });

  const ids = (await listHistory(prisma, { scheduleKey: 'crew', limit: 100 })).map(({ id }) => id);
  expect(ids).toEqual(ids.toSorted((a, b) => Number(b - a)));
  const [next] = await listHistory(prisma, { scheduleKey: 'crew', before: ids[2]!, limit: 1 });
  expect(next?.id).toBe(ids[3]);
  expect(await listHistory(prisma, { scheduleKey: 'nobody', limit: 5 })).toEqual([]);

  const listed = await listDevices(deps);
  expect(listed).toMatchObject({ notAskedBecause: null });
  expect(
    listed.devices.map(({ name, isOnline, scheduleKeys, codes }) => [name, isOnline, scheduleKeys, codes]),
  ).toEqual([
    ['Back door', true, ['crew'], 1],
    ['Front door', true, ['crew'], 1],
  ]);
  world.simulator.faults.next('*', { kind: 'status', status: 503 }, { times: 2 });
  const remembered = await listDevices(deps);
  expect(remembered.notAskedBecause).not.toBeNull();
  expect(remembered.devices).toMatchObject([{ name: 'Back door', isOnline: null }, { name: 'Front door' }]);
  expect(await findDevice(deps, frontDoor)).toMatchObject({ device: { name: 'Front door', isOnline: null, codes: 1 } });
  expect(await findDevice(deps, '11111111-0000-4000-8000-000000000001')).toBeNull();
});

it('adopts a code that somebody made in Seam into its window, moves it there, and keeps its PIN for that window', async () => {
  await using world = await startWorld({ now: '2027-03-08T23:00:00Z', mode: 'observe' });
  const { simulator } = world;
  const add = (fields: { from: string; to: string; name?: string; managed?: boolean }): string =>
    simulator.addForeignCode({
      device_id: frontDoor,
      name: fields.name ?? 'Plumber',
      code: String(24_680 + 1_111 * simulator.codes().length),
      starts_at: new Date(fields.from),
      ends_at: new Date(fields.to),
      managed: fields.managed ?? true,
    });
  const within = { from: '2027-03-09T15:00:00Z', to: '2027-03-09T16:00:00Z' };
  const id = add(within);
  const outside = add({ ...within, to: '2027-03-09T23:00:00Z' });
  const others = add({ ...within, name: 'Crew BCDFGHJK' });
  const unmanaged = simulator.addForeignCode({ device_id: frontDoor, code: '97531', managed: false });
  // Nothing is made by itself, so that the window waits for a code.
  await world.apply(weekdays());
  const { deps } = world.relatch;
  const refusals: [string, string, string, string][] = [
    ['crew', frontDoor, outside, 'outside_windows'],
    ['crew', frontDoor, others, 'code_of_other_installation'],
    ['crew', frontDoor, unmanaged, 'code_unmanaged'],
    ['crew', frontDoor, 'nothing', 'code_unknown'],
    ['crew', backDoor, id, 'device_not_of_schedule'],
    ['nobody', frontDoor, id, 'schedule_unknown'],
  ];
  for (const [key, device, code, refused] of refusals)
    await expect(adoptCode(deps, key, device, code, 'alice')).rejects.toMatchObject({ code: refused });
  const pin = simulator.codes().find((code) => code.access_code_id === id)?.code;
  const { code, output } = await relatchHere(world, ['codes', 'adopt', id, 'crew', '--by', 'alice']);
  expect(code).toBe(0);
  expect(output.split('\n')[0]).toBe(
    'Adopted by alice, as it was at Seam: the code of Crew at Front door, Tue 9 Mar 09:00–17:00.',
  );
  await expect(adoptCode(deps, 'crew', frontDoor, id, 'alice')).rejects.toMatchObject({ code: 'code_known' });
  for (const other of [outside, others]) simulator.deleteByHand(other);
  await world.rest();
  await world.stop();
  await world.start({ mode: 'active' });
  await world.sweep();
  expect(simulator.codes().find((code) => code.access_code_id === id)).toMatchObject({
    access_code_id: id,
    code: pin,
    starts_at: '2027-03-09T14:00:00.000Z',
    ends_at: '2027-03-09T22:00:00.000Z',
  });
  await world.until('2027-03-09T22:30:00Z');
  expect(world.onlyCode()).toMatchObject({ starts_at: '2027-03-10T14:00:00.000Z' });
  expect(world.onlyCode().code).not.toBe(pin);
  expect((await world.codes())[0]).toMatchObject({ state: 'removed', adopted: true, accessCodeId: id });
});
