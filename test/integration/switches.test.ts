import { expect, it } from 'vitest';
import type { Interval } from '../../src/simulator/lock.ts';
import { type SwitchSetting, switchSettings } from '../../src/simulator/switches.ts';
import { aSchedule, backDoor, daily, frontDoor, schedulesFile, startWorld, type World } from '../support/relatch.ts';

// Up to the first day after New York's change of the clock; the 12th is a day off.
const days = ['08', '09', '10', '11', '15'];
const crew = days.map((day) => windowOn(`2027-03-${day}`, day < '14' ? 14 : 13, 8));
const nights = ['08', '09', '10'].map((day) => windowOn(`2027-03-${day}`, 23, 4));

interface Span {
  readonly from: number;
  readonly until: number;
}
function windowOn(date: string, hour: number, hours: number): Span {
  const from = Date.parse(`${date}T00:00:00Z`) + hour * 3_600_000;
  return { from, until: from + hours * 3_600_000 };
}

const minute = 60_000;
/** A lock without a sense of time opens from its programming and is cleared a moment late: Seam's doing, not ours. */
interface Slack {
  readonly early: number;
  readonly late: number;
}

function spansOf(intervals: readonly Interval[], now: number): Span[] {
  return intervals.map(({ on_device_from, off_device_at }) => ({
    from: on_device_from.getTime(),
    until: off_device_at?.getTime() ?? now,
  }));
}

function isCovered(window: Span, opened: readonly Span[]): boolean {
  return opened.some(({ from, until }) => from <= window.from && until >= window.until);
}

function outsideOf(windows: readonly Span[], opened: readonly Span[], { early, late }: Slack): Span[] {
  return opened.filter(
    (span) => !windows.some(({ from, until }) => from - early <= span.from && span.until <= until + late),
  );
}

function overlapping(spans: readonly Span[]): number {
  const sorted = [...spans].sort((a, b) => a.from - b.from);
  return sorted.filter((span, index) => span.from < (sorted[index - 1]?.until ?? 0)).length;
}

async function aWeek(world: World): Promise<void> {
  await world.apply(
    schedulesFile([
      aSchedule({ devices: [frontDoor, backDoor], except: { dates: ['2027-03-12'] }, ends_on: '2027-03-15' }),
      aSchedule({
        key: 'night',
        name: 'Night',
        pin: 'rotate',
        windows: daily('18:00', '22:00'),
        ends_on: '2027-03-10',
      }),
    ]),
  );
  // The create of Tuesday's code is lost on the way back, on one door.
  await world.until('2027-03-08T16:00:00Z');
  world.simulator.faults.next(
    'POST /access_codes/create',
    { kind: 'answer_lost_after_commit' },
    { device_id: backDoor },
  );
  // On Tuesday the crew's code is taken off at the front door's lock: Seam sets it again.
  await world.until('2027-03-09T16:00:00Z');
  world.simulator.removeAtLock(liveCode(world, frontDoor));
  // On Wednesday it is deleted in Seam at the front door: closed on purpose until Thursday.
  await world.until('2027-03-10T16:00:00Z');
  world.simulator.deleteByHand(liveCode(world, frontDoor));
  await world.until('2027-03-16T12:00:00Z');
}

function liveCode(world: World, deviceId: string): string {
  const now = world.simulator.now();
  const live = world.simulator
    .codes({ device_id: deviceId })
    .find(
      ({ name, starts_at, ends_at }) =>
        name?.startsWith('Crew') === true && new Date(starts_at ?? 0) <= now && new Date(ends_at ?? 0) > now,
    );
  if (live === undefined) throw new Error('the crew has no live code');
  return live.access_code_id;
}

interface Setting extends SwitchSetting {
  readonly native: string;
}

const settings: readonly Setting[] = [
  ...switchSettings.map((setting) => ({ ...setting, native: frontDoor })),
  { name: 'default, with the locks swapped', switches: {}, native: backDoor },
];

// One lock knows times, the other does not: Seam sets its codes an hour ahead and takes them off at their end.
it.each(settings)('serves each window once and no other time, under $name', async ({ switches, native }: Setting) => {
  await using world = await startWorld({
    now: '2027-03-08T12:00:00Z',
    switches,
    devices: [frontDoor, backDoor].map((device_id) => ({
      device_id,
      native_scheduling: device_id === native,
      max_active_codes: 6,
    })),
  });
  const foreignIds = [
    world.simulator.addForeignCode({ device_id: frontDoor, name: 'Owner', code: '1357', managed: false }),
    world.simulator.addForeignCode({ device_id: backDoor, name: 'Owner', code: '1357', managed: true }),
  ];
  await aWeek(world);

  const now = world.simulator.now().getTime();
  const of = (deviceId: string, name: string): Span[] =>
    spansOf(
      world.simulator.intervals(deviceId).filter((interval) => interval.name?.startsWith(name) === true),
      now,
    );
  const early = switches.justInTimeOpensFrom === 'programming' ? 60 * minute : 0;
  const slackOf = (deviceId: string): Slack => (deviceId === native ? { early: 0, late: 0 } : { early, late: 10_000 });
  const back = of(backDoor, 'Crew');
  const front = of(frontDoor, 'Crew');
  const night = of(frontDoor, 'Night');

  expect(crew.filter((window) => !isCovered(window, back))).toEqual([]);
  const [, takenOff, closed] = crew;
  expect(crew.filter((window) => !isCovered(window, front))).toEqual([takenOff, closed]);
  expect(nights.filter((window) => !isCovered(window, night))).toEqual([]);
  expect(outsideOf(crew, back, slackOf(backDoor))).toEqual([]);
  expect(outsideOf(crew, front, slackOf(frontDoor))).toEqual([]);
  expect(outsideOf(nights, night, slackOf(frontDoor))).toEqual([]);
  for (const opened of [front, back, night]) expect(overlapping(opened)).toBe(0);

  const touched = world.simulator.requests.flatMap(({ method, params }) =>
    method === 'GET' ? [] : [params['access_code_id']],
  );
  expect(touched.filter((id) => foreignIds.includes(String(id)))).toEqual([]);
  expect(world.simulator.codes().map(({ access_code_id }) => access_code_id)).toEqual(
    foreignIds.slice(1).concat(expiredOf(world)),
  );
  expect(world.simulator.unmanagedCodes()).toHaveLength(1);
  const schedules = await world.relatch.deps.db.prisma.schedule.findMany();
  expect(schedules.map(({ status }) => status)).toEqual(['ended', 'ended']);
  expect(await world.alerts()).toEqual([expect.stringContaining('Taken away by somebody in Seam')]);
});

/** Objects that Seam keeps of codes that are off the lock. */
function expiredOf(world: World): string[] {
  return world.simulator.codes().flatMap((code) => (code.display_status === 'Expired' ? [code.access_code_id] : []));
}
