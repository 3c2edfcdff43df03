import { expect, it } from 'vitest';
import { planDoor } from '../../src/flows/plan-door.ts';
import { frontDoor, startWorld, weekdays } from '../support/relatch.ts';

// Found by the simulation, seed 18 (3 days, 5 schedules): for the replica ahead the window has begun and the next one's turn has
// come; the other one then took that away as "not planned", and a window that has ended gets no second code.
it.each(['keep', 'rotate'])('serves the window that a replica began whose clock is ahead, pin: %s', async (pin) => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  await world.apply(weekdays({ pin }));
  await world.until('2027-03-08T13:59:30Z');
  const { deps } = world.relatch;
  const { id: scheduleId } = await deps.db.prisma.schedule.findFirstOrThrow();
  const key = { scheduleId, deviceId: frontDoor };
  await planDoor({ ...deps, now: () => new Date(world.simulator.now().getTime() + 60_000) }, key);
  await planDoor(deps, key);
  await world.until('2027-03-10T12:00:00Z');
  const days = ['08', '09'].map((day) => `2027-03-${day}T14:00Z/2027-03-${day}T22:00Z`);
  expect(world.opened()).toEqual(days);
  expect(await world.alerts()).toEqual([]);
});
