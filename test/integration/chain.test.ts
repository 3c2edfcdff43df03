import { expect, it } from 'vitest';
import { aSchedule, backDoor, daily, frontDoor, schedulesFile, startWorld, weekdays } from '../support/relatch.ts';

it('creates the first code of a new schedule, and replaces each removed one with the next window’s', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  await world.apply(weekdays());
  expect(world.simulator.codes().map(({ starts_at, ends_at }) => [starts_at, ends_at])).toEqual([
    ['2027-03-08T14:00:00.000Z', '2027-03-08T22:00:00.000Z'],
  ]);
  await world.until('2027-03-16T12:00:00Z');
  // New York moves its clocks on Sunday, 14 March.
  expect(world.opened()).toEqual([
    '2027-03-08T14:00Z/2027-03-08T22:00Z',
    '2027-03-09T14:00Z/2027-03-09T22:00Z',
    '2027-03-10T14:00Z/2027-03-10T22:00Z',
    '2027-03-11T14:00Z/2027-03-11T22:00Z',
    '2027-03-12T14:00Z/2027-03-12T22:00Z',
    '2027-03-15T13:00Z/2027-03-15T21:00Z',
  ]);
  expect(new Set(world.simulator.intervals(frontDoor).map(({ code }) => code)).size).toBe(1);
  expect(await world.alerts()).toEqual([]);
});

it('follows London through its change of the clock, and stays shut on holidays and exception dates', async () => {
  await using world = await startWorld({ now: '2027-03-25T12:00:00Z' });
  const office = aSchedule({
    timezone: 'Europe/London',
    windows: daily('18:00', '20:00'),
    except: { holidays: ['uk'], dates: ['2027-03-31'] },
  });
  await world.apply(schedulesFile([office], { holidays: { uk: ['2027-03-26', '2027-03-29'] } }));
  await world.until('2027-04-01T12:00:00Z');
  expect(world.opened()).toEqual([
    '2027-03-25T18:00Z/2027-03-25T20:00Z',
    '2027-03-27T18:00Z/2027-03-27T20:00Z',
    '2027-03-28T17:00Z/2027-03-28T19:00Z',
    '2027-03-30T17:00Z/2027-03-30T19:00Z',
  ]);
});

it('opens overnight until the next morning, an hour less in the night that loses one', async () => {
  await using world = await startWorld({ now: '2027-03-12T12:00:00Z' });
  await world.apply(weekdays({ windows: daily('22:00', '06:00') }));
  await world.until('2027-03-15T12:00:00Z');
  expect(world.opened()).toEqual([
    '2027-03-13T03:00Z/2027-03-13T11:00Z',
    '2027-03-14T03:00Z/2027-03-14T10:00Z',
    '2027-03-15T02:00Z/2027-03-15T10:00Z',
  ]);
});

it('serves every door of a schedule with the same PIN, and two schedules on one door with different ones', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  const guard = aSchedule({ key: 'guard', name: 'Guard', windows: daily('20:00', '23:00') });
  await world.apply(schedulesFile([aSchedule({ devices: [frontDoor, backDoor] }), guard]));
  await world.until('2027-03-11T12:00:00Z');
  const crewDays = ['2027-03-08', '2027-03-09', '2027-03-10'].map((day) => `${day}T14:00Z/${day}T22:00Z`);
  const guardNights = ['2027-03-09', '2027-03-10', '2027-03-11'].map((day) => `${day}T01:00Z/${day}T04:00Z`);
  expect(world.opened(backDoor)).toEqual(crewDays);
  expect(world.opened(frontDoor).sort()).toEqual([...crewDays, ...guardNights].sort());
  const pins = (name: string) =>
    new Set(
      world.simulator.intervals().flatMap((interval) => (interval.name?.startsWith(name) ? [interval.code] : [])),
    );
  expect([pins('Crew').size, pins('Guard').size, new Set([...pins('Crew'), ...pins('Guard')]).size]).toEqual([1, 1, 2]);
});

it('rotates: a new PIN each window, the next code made while the current one lives', async () => {
  await using world = await startWorld({ now: '2027-03-08T15:00:00Z' });
  await world.apply(weekdays({ pin: 'rotate' }));
  const starts = () => world.simulator.codes().map(({ starts_at }) => starts_at);
  expect(starts()).toEqual(['2027-03-08T15:00:00.000Z', '2027-03-09T14:00:00.000Z']);
  await world.until('2027-03-09T15:00:00Z');
  expect(starts()).toEqual(['2027-03-09T14:00:00.000Z', '2027-03-10T14:00:00.000Z']);
  await world.until('2027-03-13T12:00:00Z');
  const intervals = world.simulator.intervals(frontDoor);
  expect(world.opened()).toHaveLength(5);
  expect(new Set(intervals.map(({ code }) => code)).size).toBe(5);
  expect(await world.alerts()).toEqual([]);
});

it('makes a far window a due row, and its code fourteen days ahead', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  await world.apply(weekdays({ starts_on: '2027-04-05' }));
  expect(world.simulator.codes()).toEqual([]);
  expect(await world.codes()).toMatchObject([{ startsAt: '2027-04-05T13:00:00.000Z', state: 'planned' }]);
  await world.until('2027-03-22T12:59:00Z');
  expect(world.simulator.codes()).toEqual([]);
  await world.until('2027-03-22T13:00:00Z');
  expect(world.onlyCode()).toMatchObject({ starts_at: '2027-04-05T13:00:00.000Z' });
  await world.until('2027-04-07T00:00:00Z');
  expect(world.opened()).toEqual(['2027-04-05T13:00Z/2027-04-05T21:00Z', '2027-04-06T13:00Z/2027-04-06T21:00Z']);
});

it.each([
  ['its last day', { ends_on: '2027-03-10' }],
  ['its last occurrence', { windows: [{ rrule: 'FREQ=DAILY;COUNT=10', from: '09:00', to: '17:00' }] }],
])('ends a schedule after %s', async (_, fields) => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  await world.apply(weekdays(fields));
  await world.until('2027-03-13T12:00:00Z');
  expect(world.opened()).toEqual(
    ['2027-03-08', '2027-03-09', '2027-03-10'].map((day) => `${day}T14:00Z/${day}T22:00Z`),
  );
  const schedule = await world.relatch.deps.db.prisma.schedule.findUniqueOrThrow({ where: { key: 'crew' } });
  // Another version, so that who read it as active does not write over that.
  expect(schedule).toMatchObject({ status: 'ended', version: 2 });
  expect((await world.history()).filter(({ kind }) => kind === 'schedule.ended')).toHaveLength(1);
});

it('carries the code of a door that is open around the clock over each month’s cut, without a gap', async () => {
  await using world = await startWorld({ now: '2027-03-25T12:00:00Z' });
  await world.apply(weekdays({ starts_on: '2027-03-25', windows: daily('00:00', '24:00') }));
  const { access_code_id } = world.onlyCode();
  expect(world.onlyCode().ends_at).toBe('2027-04-01T04:00:00.000Z');
  await world.until('2027-03-31T03:59:00Z');
  expect(world.onlyCode().ends_at).toBe('2027-04-01T04:00:00.000Z');
  await world.until('2027-03-31T04:00:00Z');
  expect(world.onlyCode().ends_at).toBe('2027-05-01T04:00:00.000Z');
  await world.until('2027-06-02T12:00:00Z');
  expect(world.onlyCode()).toMatchObject({ access_code_id, ends_at: '2027-07-01T04:00:00.000Z' });
  expect(world.opened()).toEqual(['2027-03-25T12:00:02Z/…']);
  expect(await world.alerts()).toEqual([]);
});
