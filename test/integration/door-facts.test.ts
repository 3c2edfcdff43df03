import { expect, it } from 'vitest';
import { parseSchedulesFile } from '../../src/core/schedules-file.ts';
import { actOn } from '../../src/flows/act-on-schedule.ts';
import { ApplyProblems, applySchedules } from '../../src/flows/apply-schedules.ts';
import type { DoorReader } from '../../src/flows/ask-doors.ts';
import { createSeamApi } from '../../src/seam/api.ts';
import { aSchedule, backDoor, frontDoor, schedulesFile, startWorld, type World, weekdays } from '../support/relatch.ts';

const hotel = '00000000-0000-4000-8000-0000000000a1';
const pool = '00000000-0000-4000-8000-0000000000a2';
const stranger = '00000000-0000-4000-8000-0000000000a3';

async function aWorld(): Promise<World> {
  return startWorld({
    now: '2027-03-08T12:00:00Z',
    devices: [
      {
        device_id: frontDoor,
        name: 'Front door',
        supported_code_lengths: [4],
        max_active_codes: 2,
        code_constraints: [{ constraint_type: 'name_length', min_length: 2, max_length: 14 }],
      },
      { device_id: backDoor, name: 'Back door', code_constraints: [{ constraint_type: 'cannot_specify_pin_code' }] },
      {
        device_id: hotel,
        name: 'Hotel',
        time_frame_options: [{ display_name: 'Days', min_duration: 'P1D', matching_start_end_time: true }],
      },
      { device_id: pool, name: 'Pool', can_program_online_access_codes: false },
    ],
  });
}

/** Applies as the seed with a key of Seam does; what is wrong instead of the notes. */
async function applied(world: World, schedules: object[], seam?: DoorReader | null): Promise<readonly string[]> {
  const parsed = parseSchedulesFile(schedulesFile(schedules));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const { deps } = world.relatch;
  const reader = seam === undefined ? createSeamApi(world.config.seam) : seam;
  try {
    return (await applySchedules({ ...deps, seam: reader }, parsed.file)).notes;
  } catch (error) {
    if (!(error instanceof ApplyProblems)) throw error;
    return error.problems.map(({ message }) => `refused: ${message}`);
  }
}

it('what a lock can never do is refused when the schedule is made, with the door and the reason', async () => {
  await using world = await aWorld();
  const on = (devices: string[], fields: object = {}) => [aSchedule({ devices, ...fields })];
  const cases: [object[], string][] = [
    [on([frontDoor], { pin: '739164' }), 'does not take this PIN: it has 6 digits, this lock takes 4.'],
    [on([backDoor], { pin: '739164' }), 'cannot be chosen: the lock draws its own'],
    [on([hotel]), 'Hotel takes windows of at least 24 h, this one has 8 h: it cannot serve Mon 8 Mar 09:00–17:00'],
    [on([pool]), 'Pool takes no codes over the internet'],
    [on([stranger]), `Seam does not know device ${stranger}`],
    [
      ['a', 'b', 'c'].map((key) => aSchedule({ key })),
      'Front door holds 2 codes, and 3 schedules would have one there',
    ],
  ];
  for (const [schedules, words] of cases) {
    const [first] = await applied(world, schedules);
    expect(first).toMatch(/^refused: /);
    expect(first).toContain(words);
  }
  expect(await world.relatch.deps.db.prisma.schedule.count()).toBe(0);
  expect(world.calls('POST /access_codes/create')).toBe(0);
});

it('what a lock does otherwise, or sometimes, is noted; and doors are asked once an hour', async () => {
  await using world = await aWorld();
  const extra = { extra: [{ date: '2027-03-12', from: '10:00', to: '12:00' }] };
  const days = [{ rrule: 'FREQ=DAILY;INTERVAL=3', from: '10:00', to: '10:00' }];
  const schedules = [
    aSchedule({ name: 'The cleaning crew', devices: [frontDoor, backDoor] }),
    aSchedule({ key: 'guest', name: 'Guest', devices: [hotel], windows: days, ...extra }),
  ];
  const notes = await applied(world, schedules);
  expect(notes).toEqual([
    'crew: Back door draws its PINs itself: there each window has another, whatever "pin" says.',
    'crew: Front door has no room for the whole name: codes are called "The c" and their mark there.',
    expect.stringMatching(/^guest: Hotel takes windows of at least 24 h, this one has 2 h: it cannot serve Fri 12 Mar/),
  ]);
  const asked = world.calls('GET /devices/get');
  expect(await applied(world, schedules)).toEqual([]);
  expect(world.calls('GET /devices/get')).toBe(asked);
});

it('without a key, and while Seam does not answer, a file is applied with what is known, and that is said', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  const later = aSchedule({ starts_on: '2027-06-01', devices: [frontDoor, backDoor] });
  expect(await applied(world, [later], null)).toEqual([
    expect.stringContaining('2 doors were not asked what codes they take (SEAM_API_KEY is not set'),
  ]);
  world.simulator.faults.next('GET /devices/get', { kind: 'status', status: 503 }, { times: 5 });
  const [note] = await applied(world, [aSchedule({ key: 'other', starts_on: '2027-06-01', devices: [stranger] })]);
  expect(note).toContain('1 door was not asked what codes it takes');
  expect(await world.relatch.deps.db.prisma.schedule.count()).toBe(2);
});

it('before each code the lock is asked again, and a window that it does not take is refused with a sentence', async () => {
  await using world = await aWorld();
  await world.apply(weekdays({ devices: [hotel] }));
  const [alert] = await world.alerts();
  expect(alert).toBe(
    'Refused: the code of Crew at Hotel, Mon 8 Mar 09:00–17:00; Hotel takes windows of at least 24 h, this one has 8 h. Change the schedule to try again.',
  );
  expect(world.calls('POST /access_codes/create')).toBe(0);
});

it('what a lock cannot do of an extra window is noted when it is added, and nothing is said of what it can', async () => {
  await using world = await aWorld();
  const windows = [{ rrule: 'FREQ=WEEKLY;BYDAY=TU', from: '10:00', to: '10:00' }];
  expect(await applied(world, [aSchedule({ devices: [hotel], windows })])).toEqual([]);
  const day = { kind: 'extra', date: '2027-03-19', from: '10:00', to: '10:00' } as const;
  const { deps } = world.relatch;
  expect((await actOn(deps, 'crew', day, { dryRun: true })).notes).toEqual([]);
  const hours = await actOn(deps, 'crew', { ...day, from: '08:00' });
  expect(hours.notes).toEqual([
    expect.stringMatching(
      /^crew: Hotel takes windows of at least 24 h, this one has 2 h: it cannot serve Fri 19 Mar 08:00–10:00/,
    ),
  ]);
});
