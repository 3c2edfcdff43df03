import { expect, it } from 'vitest';
import { frontDoor, startWorld, weekdays } from '../support/relatch.ts';

it.each([
  ['warns once when Seam places the lock in a zone with other hours than the schedule’s', 'Europe/London', 1],
  ['is content with a zone of another name and the same hours', 'America/Toronto', 0],
  ['is content with a lock that tells no zone', null, 0],
])('%s', async (_, time_zone, warnings) => {
  await using world = await startWorld({
    now: '2027-03-08T12:00:00Z',
    devices: [{ device_id: frontDoor, name: 'Front door', time_zone }],
  });
  await world.apply(weekdays());
  const lines = world.logLines.filter((line) => line.includes('"device.zone_differs"'));
  expect(lines).toHaveLength(warnings);
  expect(world.simulator.codes()).toHaveLength(1);
});
