import { expect, it } from 'vitest';
import { frontDoor, startWorld, weekdays } from '../support/relatch.ts';

// Found by the simulation, seeds 26 and 40 (3 days, 5 schedules): Seam refuses every change of a code whose PIN somebody has set on
// the lock as well. The change was asked again for ever, and meanwhile the door stayed open for longer than planned.
it('takes a code away that cannot be shortened because somebody has its PIN', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  await world.apply(weekdays());
  await world.until('2027-03-08T15:00:00Z');
  const { code } = world.onlyCode();
  world.simulator.addForeignCode({ device_id: frontDoor, name: 'Neighbour', code: code ?? '', managed: false });
  const windows = [{ rrule: 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR', from: '09:00', to: '12:00' }];
  await world.apply(weekdays({ windows }));
  await world.until('2027-03-08T18:00:00Z');
  const [ours] = world.opened();
  expect(ours).toBe('2027-03-08T14:00Z/2027-03-08T15:00:05Z');
  expect((await world.alerts()).join()).toContain('not ours');
});
