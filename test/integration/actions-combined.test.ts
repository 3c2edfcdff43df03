// Actions one on top of the other, and in the middle of what the last one set off.
import { expect, it } from 'vitest';
import { type Act, actOn } from '../../src/flows/act-on-schedule.ts';
import { adoptCode } from '../../src/flows/adopt-code.ts';
import { act, crewAtWork, opened } from '../support/crew-at-work.ts';
import {
  aSchedule,
  backDoor,
  daily,
  frontDoor,
  schedulesFile,
  startWorld,
  type World,
  weekdays,
} from '../support/relatch.ts';

it('leaves a window closed that somebody closed, when skips of other days are taken back', async () => {
  await using world = await crewAtWork({ devices: [frontDoor, backDoor] });
  world.simulator.deleteByHand(world.onlyCode(frontDoor).access_code_id);
  await world.until('2027-03-08T16:00:00Z');
  await act(world, { kind: 'skip', date: '2027-03-09', reason: null });
  await world.until('2027-03-08T17:00:00Z');
  await act(world, { kind: 'unskip', date: '2027-03-09' });
  await world.until('2027-03-10T00:00:00Z');
  expect(opened(world, frontDoor)).toEqual(['2027-03-08T14:00/2027-03-08T15:00', '2027-03-09T14:00/2027-03-09T22:00']);
  expect(opened(world, backDoor)).toEqual(['2027-03-08T14:00/2027-03-08T22:00', '2027-03-09T14:00/2027-03-09T22:00']);
});

it('leaves a window closed that somebody closed, when another is opened again before that is confirmed', async () => {
  await using world = await crewAtWork();
  await act(world, { kind: 'skip', date: '2027-03-10', reason: null });
  const asked = world.calls('GET /devices/get');
  world.simulator.faults.next('GET /devices/get', { kind: 'slow', delayMs: 1_000 });
  world.simulator.deleteByHand(world.onlyCode().access_code_id);
  const later = world.until('2027-03-08T15:30:00Z');
  await expect.poll(() => world.calls('GET /devices/get')).toBe(asked + 1);
  await actOn(world.relatch.deps, 'crew', { kind: 'unskip', date: null });
  await later;
  await world.until('2027-03-09T12:00:00Z');
  expect(opened(world)).toEqual(['2027-03-08T14:00/2027-03-08T15:00']);
});

it('leaves a window closed that somebody closed when it is extended, for as long as it then is', async () => {
  await using world = await crewAtWork({ devices: [frontDoor, backDoor] });
  world.simulator.deleteByHand(world.onlyCode(frontDoor).access_code_id);
  await world.until('2027-03-08T16:00:00Z');
  const told = await act(world, { kind: 'extend', until: '20:00' }, { dryRun: true });
  expect(told.preview.map(({ would }) => would)).toEqual([
    [expect.stringContaining('move the plan of Crew at Back door, Mon 8 Mar 09:00–17:00'), expect.anything()],
    [
      'keep closed, though it gets longer, Crew at Front door, Mon 8 Mar 09:00–17:00 to Crew at Front door, Mon 8 Mar 09:00–20:00',
    ],
  ]);
  await act(world, { kind: 'extend', until: '20:00' });
  await world.until('2027-03-08T23:00:00Z');
  await act(world, { kind: 'reopen', deviceIds: [frontDoor] });
  await world.until('2027-03-10T00:00:00Z');
  const tuesday = '2027-03-09T14:00/2027-03-09T22:00';
  expect(opened(world, frontDoor)).toEqual([
    '2027-03-08T14:00/2027-03-08T15:00',
    '2027-03-08T23:00/2027-03-09T01:00',
    tuesday,
  ]);
  expect(opened(world, backDoor)).toEqual(['2027-03-08T14:00/2027-03-09T01:00', tuesday]);
});

it('opens a window that is extended after it was too late for a code', async () => {
  await using world = await crewAtWork();
  await act(world, { kind: 'pause' });
  await world.until('2027-03-08T21:57:00Z');
  await act(world, { kind: 'resume', revive: false });
  await act(world, { kind: 'extend', until: '19:00' });
  await world.until('2027-03-10T00:00:00Z');
  expect(opened(world)).toEqual([
    '2027-03-08T14:00/2027-03-08T15:00',
    '2027-03-08T21:57/2027-03-09T00:00',
    '2027-03-09T14:00/2027-03-09T22:00',
  ]);
});

it('leaves a window closed that somebody closed between two days whose skips are taken back', async () => {
  await using world = await crewAtWork();
  await act(world, { kind: 'skip', date: '2027-03-08', reason: null });
  await act(world, { kind: 'skip', date: '2027-03-10', reason: null });
  await world.until('2027-03-08T15:30:00Z');
  world.simulator.deleteByHand(world.onlyCode(frontDoor).access_code_id);
  await world.until('2027-03-08T16:00:00Z');
  await act(world, { kind: 'unskip', date: null });
  await world.until('2027-03-11T00:00:00Z');
  expect(opened(world)).toEqual([
    '2027-03-08T14:00/2027-03-08T15:00',
    '2027-03-08T16:00/2027-03-08T22:00',
    '2027-03-10T14:00/2027-03-10T22:00',
  ]);
});

it.each<{ name: string; away: Act; back: Act }>([
  { name: 'resume', away: { kind: 'pause' }, back: { kind: 'resume', revive: false } },
  { name: 'revive', away: { kind: 'revoke' }, back: { kind: 'resume', revive: true } },
  {
    name: 'unskip',
    away: { kind: 'skip', date: '2027-03-08', reason: null },
    back: { kind: 'unskip', date: null },
  },
])('opens the window again at a $name while its code is still being removed', async ({ away, back }) => {
  await using world = await crewAtWork();
  world.simulator.device(frontDoor).goOffline();
  await act(world, away);
  await act(world, back);
  await world.until('2027-03-08T15:10:00Z');
  world.simulator.device(frontDoor).goOnline();
  await world.until('2027-03-08T20:00:00Z');
  expect(world.simulator.codes({ device_id: frontDoor })).toMatchObject([{ ends_at: '2027-03-08T22:00:00.000Z' }]);
});

it.each<{ pin: string; at: string; extras: [string, string][]; between: string[] }>([
  {
    pin: 'rotate',
    at: '2027-03-08T15:00:00Z',
    extras: [['19:00', '20:00']],
    between: ['2027-03-09T00:00/2027-03-09T01:00'],
  },
  {
    pin: 'keep',
    at: '2027-03-08T12:10:00Z',
    extras: [
      ['08:00', '08:20'],
      ['07:30', '07:50'],
    ],
    between: ['2027-03-08T12:30/2027-03-08T12:50', '2027-03-08T13:00/2027-03-08T13:20'],
  },
])('serves the windows behind an extra one that comes before them (PIN: $pin)', async ({
  pin,
  at,
  extras,
  between,
}) => {
  await using world = await crewAtWork({ pin }, at);
  for (const [from, to] of extras) await act(world, { kind: 'extra', date: '2027-03-08', from, to });
  await world.until('2027-03-10T00:00:00Z');
  const days = ['2027-03-08T14:00/2027-03-08T22:00', '2027-03-09T14:00/2027-03-09T22:00'];
  expect(opened(world)).toEqual([...days, ...between].sort());
});

it('opens the days again that a later end gives back', async () => {
  await using world = await crewAtWork({ pin: 'rotate' }, '2027-03-08T20:00:00Z');
  expect(world.simulator.codes()).toHaveLength(2);
  await act(world, { kind: 'end', on: '2027-03-08' });
  await world.until('2027-03-08T20:30:00Z');
  expect(world.simulator.codes()).toHaveLength(1);
  await act(world, { kind: 'end', on: '2027-03-09' });
  await world.until('2027-03-12T00:00:00Z');
  expect(opened(world)).toEqual(['2027-03-08T14:00/2027-03-08T22:00', '2027-03-09T14:00/2027-03-09T22:00']);
});

it('opens the last window again after a skip, and ends a schedule whose last window stays skipped', async () => {
  await using world = await crewAtWork();
  const skip: Act = { kind: 'skip', date: '2027-03-08', reason: null };
  await act(world, { kind: 'end', on: null });
  await act(world, skip);
  await world.until('2027-03-08T16:00:00Z');
  await act(world, { kind: 'unskip', date: null });
  await world.until('2027-03-08T17:00:00Z');
  await act(world, skip);
  await act(world, { kind: 'revoke' });
  await act(world, { kind: 'resume', revive: true });
  await world.until('2027-03-08T23:00:00Z');
  await world.sweep();
  expect(opened(world)).toEqual(['2027-03-08T14:00/2027-03-08T15:00', '2027-03-08T16:00/2027-03-08T17:00']);
  await expect(act(world, { kind: 'pause' })).rejects.toMatchObject({ code: 'schedule_ended' });
});

it('refuses to revive a schedule whose last day is over', async () => {
  await using world = await crewAtWork();
  await act(world, { kind: 'end', on: null });
  await world.until('2027-03-10T00:00:00Z');
  await expect(act(world, { kind: 'resume', revive: true })).rejects.toMatchObject({ code: 'no_window' });
});

it('asks for no code with a PIN that was taken back, though its create was not answered', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  world.simulator.faults.next('POST /access_codes/create', { kind: 'reset_before_commit' });
  await world.apply(weekdays({ pin: '13579024' }));
  expect((await world.codes()).map(({ state }) => state)).toEqual(['unknown']);
  await act(world, { kind: 'rotate_pin', pin: '24680913' });
  await world.until('2027-03-09T00:00:00Z');
  const pins = world.simulator.requests
    .filter(({ path }) => path === '/access_codes/create')
    .map(({ params }) => (params as Record<string, unknown>)['code']);
  expect(pins[0]).toBe('13579024');
  expect(new Set(pins.slice(1))).toEqual(new Set(['24680913']));
  expect(opened(world)).toEqual(['2027-03-08T14:00/2027-03-08T22:00']);
});

it('asks again with the new PIN where the lock did not take the old one', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  world.simulator.addForeignCode({ device_id: frontDoor, code: '13579024', managed: true });
  await world.apply(weekdays({ pin: '13579024' }));
  expect((await world.codes()).map(({ state }) => state)).toEqual(['rejected']);
  await act(world, { kind: 'rotate_pin', pin: '24680913' });
  await world.until('2027-03-08T15:00:00Z');
  expect(world.simulator.codes({ device_id: frontDoor }).map(({ code }) => code)).toContain('24680913');
});

it('serves a door that comes back after the only code it had lost its PIN', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  const twice = [{ rrule: 'FREQ=WEEKLY;BYDAY=MO', from: '09:00', to: '17:00' }];
  await world.apply(weekdays({ windows: twice }));
  world.simulator.device(frontDoor).goOffline();
  await world.until('2027-03-08T13:30:00Z');
  const [before] = await world.codes();
  expect(before).toMatchObject({ state: 'created', generation: 0 });
  world.simulator.faults.next('*', { kind: 'status', status: 503 }, { times: 20 });
  await act(world, { kind: 'rotate_pin', pin: null });
  await world.apply(weekdays({ windows: twice, devices: [backDoor] }));
  world.simulator.faults.clear();
  await world.until('2027-03-08T13:40:00Z');
  world.simulator.device(frontDoor).goOnline();
  await world.until('2027-03-08T14:10:00Z');
  expect((await world.codes()).filter(({ deviceId }) => deviceId === frontDoor)).toMatchObject([{ state: 'removed' }]);
  await world.apply(weekdays({ windows: twice }));
  await world.until('2027-03-08T15:00:00Z');
  expect(world.simulator.codes({ device_id: frontDoor })).toMatchObject([{ ends_at: '2027-03-08T22:00:00.000Z' }]);
});

it('adopts no code into another schedule that it has just asked for and not heard of', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  world.simulator.faults.next('POST /access_codes/create', { kind: 'answer_lost_after_commit' });
  await world.apply(weekdays());
  const { access_code_id } = world.onlyCode();
  const night = aSchedule({ key: 'night', name: 'Night', pin: '24680913' });
  await world.apply(schedulesFile([night]));
  const window = world.simulator.codes({ device_id: frontDoor }).length;
  expect(window).toBeGreaterThan(0);
  await world.relatch.deps.db.prisma.accessCode.deleteMany({ where: { schedule: { key: 'night' } } });
  const adopting = adoptCode(world.relatch.deps, 'night', frontDoor, access_code_id, 'alice');
  await expect(adopting).rejects.toMatchObject({ code: 'code_known' });
});

it('leaves a window closed that somebody closed, when a holiday list gets a day of another month', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  const crew = aSchedule({ except: { holidays: ['us'] } });
  await world.apply(schedulesFile([crew], { holidays: { us: ['2027-12-25'] } }));
  await world.until('2027-03-08T15:00:00Z');
  world.simulator.deleteByHand(world.onlyCode().access_code_id);
  await world.until('2027-03-08T16:00:00Z');
  await world.apply(schedulesFile([], { holidays: { us: ['2027-12-25', '2027-12-26'] } }));
  await world.until('2027-03-10T00:00:00Z');
  expect(opened(world)).toEqual(['2027-03-08T14:00/2027-03-08T15:00', '2027-03-09T14:00/2027-03-09T22:00']);
});

const plumbersHours = { starts_at: new Date('2027-03-08T16:00:00Z'), ends_at: new Date('2027-03-08T17:00:00Z') };

function plumbersCode(world: World): string {
  const code = { device_id: frontDoor, name: 'Plumber', code: '86420', managed: true };
  return world.simulator.addForeignCode({ ...code, ...plumbersHours });
}

it('adopts a code though a plan changes the row of its window meanwhile', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z', mode: 'observe' });
  await world.apply(weekdays());
  const access_code_id = plumbersCode(world);
  const { deps } = world.relatch;
  let looks = 0;
  const seam = {
    ...deps.seam,
    async listCodes(deviceId: string) {
      looks += 1;
      if (looks === 1) await deps.db.pool.query('update access_codes set fence = fence + 1');
      return deps.seam.listCodes(deviceId);
    },
  };
  await adoptCode({ ...deps, seam }, 'crew', frontDoor, access_code_id, 'alice');
  expect(looks).toBe(2);
  expect(await world.codes()).toMatchObject([{ state: 'created', adopted: true, accessCodeId: access_code_id }]);
});

it('keeps a code that was adopted into a window whose own PIN had just been revoked', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z', mode: 'observe' });
  await world.apply(weekdays());
  // As a rotation leaves a row that was asked for before, until its plan has run.
  await world.relatch.deps.db.pool.query('update access_codes set pin_revoked = true, fence = fence + 1');
  const access_code_id = plumbersCode(world);
  await adoptCode(world.relatch.deps, 'crew', frontDoor, access_code_id, 'alice');
  await world.stop();
  await world.start({ mode: 'active' });
  await world.sweep();
  await world.until('2027-03-08T16:30:00Z');
  expect(world.onlyCode()).toMatchObject({ access_code_id, ends_at: '2027-03-08T22:00:00.000Z' });
});

it('adopts no code into a window whose own is being asked for', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  world.simulator.faults.next('POST /access_codes/create', { kind: 'slow', delayMs: 2_000 });
  const applied = world.apply(weekdays({ ends_on: '2027-03-08' }));
  await expect.poll(() => world.calls('POST /access_codes/create')).toBe(1);
  const adopting = adoptCode(world.relatch.deps, 'crew', frontDoor, plumbersCode(world), 'alice');
  await expect(adopting).rejects.toMatchObject({ code: 'window_has_code' });
  await applied;
  expect(await world.codes()).toMatchObject([{ state: 'created', adopted: false }]);
});

it('adopts no code into a window while the one that Seam has for it is being moved to another', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  await world.apply(weekdays());
  world.simulator.faults.next('PATCH /access_codes/update', { kind: 'status', status: 429, retryAfterSeconds: 30 });
  await world.apply(weekdays({ extra: [{ date: '2027-03-08', from: '08:00', to: '08:30' }] }));
  expect(await world.codes()).toMatchObject([{ state: 'created' }, { state: 'planned' }]);
  const adopting = adoptCode(world.relatch.deps, 'crew', frontDoor, plumbersCode(world), 'alice');
  await expect(adopting).rejects.toMatchObject({ code: 'window_has_code' });
});

it('adopts a code for the plan that an edit has changed meanwhile', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z', mode: 'observe' });
  await world.apply(weekdays());
  const access_code_id = plumbersCode(world);
  const { deps } = world.relatch;
  const seam = {
    ...deps.seam,
    async listCodes(deviceId: string) {
      await world.apply(weekdays({ windows: daily('09:00', '11:00') }));
      return deps.seam.listCodes(deviceId);
    },
  };
  const adopting = adoptCode({ ...deps, seam }, 'crew', frontDoor, access_code_id, 'alice');
  await expect(adopting).rejects.toMatchObject({ code: 'outside_windows' });
});

it('foresees no code for a window that somebody closed, whether an action or a holiday list is tried', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  const crew = aSchedule({ except: { holidays: ['us'] } });
  await world.apply(schedulesFile([crew], { holidays: { us: ['2027-12-25'] } }));
  await world.until('2027-03-08T15:00:00Z');
  world.simulator.deleteByHand(world.onlyCode().access_code_id);
  await world.until('2027-03-08T16:00:00Z');
  await act(world, { kind: 'skip', date: '2027-03-10', reason: null });
  const before = JSON.stringify([await world.codes(), await world.history()]);
  const unskip = await act(world, { kind: 'unskip', date: null }, { dryRun: true });
  const lists = { us: ['2027-12-25', '2027-12-26'] };
  const list = await world.apply(schedulesFile([], { holidays: lists }), { dryRun: true });
  for (const { preview } of [unskip, list]) expect(preview.map(({ would }) => would)).toEqual([[]]);
  expect(JSON.stringify([await world.codes(), await world.history()])).toBe(before);
});
