import { expect, it } from 'vitest';
import { findSchedules } from '../../src/flows/door-overview.ts';
import { aSchedule, backDoor, daily, frontDoor, schedulesFile, startWorld, weekdays } from '../support/relatch.ts';

const guest = { from: '2027-03-08T12:00', to: '2027-03-09T12:00', reason: 'guest in house' };
const noon = /^2027-03-08T14:00.*\/2027-03-08T17:00/;
const afternoon = /^2027-03-09T17:00.*\/2027-03-09T22:00/;

it('shortens the live code and lets the next one begin when it is over', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  await world.apply(weekdays());
  await world.until('2027-03-08T15:00:00Z');
  await world.apply(weekdays({ blackouts: [guest] }));
  await world.until('2027-03-10T12:00:00Z');
  expect(world.opened()).toEqual([expect.stringMatching(noon), expect.stringMatching(afternoon)]);
  expect(await world.alerts()).toEqual([]);
});

it('of a door closes it to every schedule there, and no other door', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  const schedules = [
    aSchedule({ devices: [frontDoor, backDoor], pin: '4821' }),
    aSchedule({ key: 'gym', name: 'Gym', pin: '7395', windows: daily('10:00', '17:00') }),
  ];
  await world.apply(schedulesFile(schedules));
  await world.until('2027-03-08T15:30:00Z');
  await world.apply(schedulesFile(schedules, { blackouts: [{ ...guest, devices: [frontDoor] }] }));
  await world.until('2027-03-08T18:00:00Z');
  // The gym has no other door; the crew's other one is open.
  const found = await findSchedules(world.relatch.deps, '', 10);
  expect(found.map(({ schedule, window }) => [schedule.key, window?.startsAt.toISOString()])).toEqual([
    ['crew', '2027-03-08T14:00:00.000Z'],
    ['gym', '2027-03-09T17:00:00.000Z'],
  ]);
  await world.until('2027-03-10T12:00:00Z');
  const atFront = world.opened(frontDoor).join(' ');
  expect(world.opened(frontDoor)).toHaveLength(4);
  expect(atFront.match(/\/2027-03-08T17:00/g)).toHaveLength(2);
  expect(atFront.match(/2027-03-09T17:00[^/]*\//g)).toHaveLength(2);
  expect(world.opened(backDoor)).toEqual([
    expect.stringMatching(/^2027-03-08T14:00.*\/2027-03-08T22:00/),
    expect.stringMatching(/^2027-03-09T14:00.*\/2027-03-09T22:00/),
  ]);
});

it('that is taken back opens the rest of the window again', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  await world.apply(weekdays({ blackouts: [guest] }));
  await world.until('2027-03-08T18:00:00Z');
  await world.apply(weekdays({ blackouts: [] }));
  await world.until('2027-03-09T12:00:00Z');
  expect(world.opened()).toEqual([
    expect.stringMatching(noon),
    expect.stringMatching(/^2027-03-08T18:0.*\/2027-03-08T22:00/),
  ]);
});

it('does not keep grace and extras from being served around it', async () => {
  await using world = await startWorld({ now: '2027-03-06T12:00:00Z' });
  const extra = [{ date: '2027-03-06', from: '10:00', to: '12:00' }];
  await world.apply(weekdays({ extra, grace: { early_minutes: 10, late_minutes: 15 }, blackouts: [guest] }));
  await world.until('2027-03-10T02:00:00Z');
  expect(world.opened()).toEqual([
    expect.stringMatching(/^2027-03-06T14:50.*\/2027-03-06T17:15/),
    expect.stringMatching(/^2027-03-08T13:50.*\/2027-03-08T17:00/),
    expect.stringMatching(/^2027-03-09T17:00.*\/2027-03-09T22:15/),
  ]);
});
