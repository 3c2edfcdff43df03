// Calls whose answer is lost, and calls that land when nobody waits for them any more.
import { Seam } from 'seam';
import { expect, it } from 'vitest';
import { recordCreated } from '../../src/flows/code-outcome.ts';
import { readDoor } from '../../src/flows/door.ts';
import { planDoor } from '../../src/flows/plan-door.ts';
import { daily, frontDoor, startWorld, type World, weekdays } from '../support/relatch.ts';
import { aRemovedEvent } from '../support/sign.ts';

const create = 'POST /access_codes/create';
const update = 'PATCH /access_codes/update';
const remove = 'DELETE /access_codes/delete';
const monday = '2027-03-08T14:00Z/2027-03-08T22:00Z';

const hours = (from: string, to: string): string => weekdays({ windows: daily(from, to) });
const paused = weekdays({ status: 'paused' });

const drawsItsOwn = {
  device_id: frontDoor,
  name: 'Front door',
  code_constraints: [{ constraint_type: 'cannot_specify_pin_code' as const }],
};

/** Every time span that was asked of Seam in a change. */
function asked(world: World): string[] {
  return world.simulator.requests
    .filter(({ path }) => path === '/access_codes/update')
    .map(({ params }) => `${String(params['starts_at'])}/${String(params['ends_at'])}`);
}

it('sends the old times again when an edit that landed unheard is taken back before it was repeated', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  await world.apply(hours('09:00', '17:00'));
  await world.until('2027-03-08T15:00:00Z');
  world.simulator.faults.next(update, { kind: 'answer_lost_after_commit' });
  await world.apply(hours('09:00', '18:00'));
  expect(world.onlyCode()).toMatchObject({ ends_at: '2027-03-08T23:00:00.000Z' });
  await world.apply(hours('09:00', '17:00'));
  await world.until('2027-03-08T15:00:30Z');
  expect(world.onlyCode()).toMatchObject({ ends_at: '2027-03-08T22:00:00.000Z' });
  expect(asked(world)).toEqual([
    '2027-03-08T14:00:00.000Z/2027-03-08T23:00:00.000Z',
    '2027-03-08T14:00:00.000Z/2027-03-08T22:00:00.000Z',
  ]);
  await world.until('2027-03-09T12:00:00Z');
  expect(world.opened()).toEqual([monday]);
});

it('trusts no old times when taking back an edit that landed unheard is refused', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  await world.apply(hours('09:00', '17:00'));
  await world.until('2027-03-08T15:00:00Z');
  world.simulator.faults.next(update, { kind: 'answer_lost_after_commit' });
  world.simulator.faults.next(update, { kind: 'status', status: 400, type: 'invalid_input' });
  await world.apply(hours('09:00', '18:00'));
  await world.apply(hours('09:00', '17:00'));
  await world.until('2027-03-09T12:00:00Z');
  expect(world.opened()).toEqual([
    expect.stringMatching(/^2027-03-08T14:00Z\/2027-03-08T15:00:[01]/),
    expect.stringMatching(/^2027-03-08T15:00:[01].*\/2027-03-08T22:00Z$/),
  ]);
});

it('removes a code near its window that lands half a minute after a pause', async () => {
  await using world = await startWorld({ now: '2027-03-08T13:58:00Z' });
  world.simulator.faults.next(create, { kind: 'commit_late', delayMs: 30_000 });
  await world.apply(weekdays());
  await world.apply(paused);
  await world.until('2027-03-08T13:58:50Z');
  world.onlyCode();
  await world.until('2027-03-08T15:00:00Z');
  expect(world.simulator.codes()).toEqual([]);
  expect(world.opened()).toEqual([]);
  expect(world.calls(create)).toBe(1);
  expect(await world.codes()).toMatchObject([{ state: 'removed', adopted: true }]);
});

it.each([
  ['made', undefined],
  ['refused for now', { kind: 'status', status: 429, type: 'rate_limit_exceeded' }],
] as const)('removes a code that lands after a pause when a repeat had been %s meanwhile', async (_, repeat) => {
  await using world = await startWorld({ now: '2027-03-08T13:58:00Z' });
  world.simulator.faults.next(create, { kind: 'commit_late', delayMs: 30_000 });
  if (repeat !== undefined) world.simulator.faults.next(create, repeat);
  await world.apply(weekdays());
  await world.until('2027-03-08T13:58:10Z');
  expect(world.calls(create)).toBe(2);
  await world.apply(paused);
  await world.until('2027-03-08T13:58:50Z');
  world.onlyCode();
  await world.until('2027-03-08T15:00:00Z');
  expect(world.simulator.codes()).toEqual([]);
  expect(world.opened()).toEqual([]);
  expect(await world.codes()).toMatchObject([{ state: 'removed' }]);
  const deleted = world.simulator.requests.filter(({ path }) => path === '/access_codes/delete');
  const told = await world.relatch.deps.db.prisma.historyEntry.findMany({ where: { kind: 'code.removed' } });
  expect(told.map(({ detail }) => detail)).toEqual(
    [...new Set(deleted.map(({ params }) => params['access_code_id']))].map((access_code_id) =>
      expect.objectContaining({ access_code_id }),
    ),
  );
});

it('does not take a late report of an earlier removal for the end of one that never happened', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  await world.apply(weekdays());
  await world.until('2027-03-08T15:00:00Z');
  const { access_code_id } = world.onlyCode();
  world.simulator.faults.next(remove, { kind: 'status', status: 500 });
  await world.apply(paused);
  world.simulator.emit(aRemovedEvent({ access_code_id, device_id: frontDoor }));
  await world.rest();
  expect(await world.codes()).toMatchObject([{ state: 'removing' }]);
  await world.until('2027-03-08T15:01:00Z');
  expect(world.simulator.codes()).toEqual([]);
  expect(world.opened()).toEqual(['2027-03-08T14:00Z/2027-03-08T15:00:05Z']);
  expect(await world.codes()).toMatchObject([{ state: 'removed' }]);
});

/** A create is held at Seam for two seconds, virtual time passes its settle time, and another worker plans the door. */
async function overtaken(world: World, meanwhile: () => Promise<void>): Promise<void> {
  world.simulator.faults.next(create, { kind: 'slow', delayMs: 2_000 });
  const applied = world.apply(weekdays());
  await expect.poll(() => world.calls(create), { timeout: 20_000 }).toBe(1);
  const [row] = await world.relatch.deps.db.prisma.accessCode.findMany();
  if (row === undefined) throw new Error('there is no row');
  await meanwhile();
  await world.simulator.advanceBy(1_500);
  await planDoor(world.relatch.deps, row);
  await applied;
  await world.rest();
}

it.each([
  ['', 0],
  [', however often Seam fails to delete it', 3],
])('removes a code again that a slow create makes after its row was taken over and closed%s', async (_, failures) => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z', settleSeconds: 1 });
  const { prisma } = world.relatch.deps.db;
  const failure = { kind: 'status', status: 503 } as const;
  if (failures > 0) world.simulator.faults.next(remove, failure, { times: failures });
  await overtaken(world, async () => {
    await prisma.schedule.updateMany({ data: { status: 'paused', version: { increment: 1 } } });
  });
  if (failures === 0) expect(await world.codes()).toMatchObject([{ state: 'closed', accessCodeId: null }]);
  await world.until('2027-03-08T15:00:00Z');
  expect(world.simulator.codes()).toEqual([]);
  expect(world.opened()).toEqual([]);
  expect((await world.history()).map(({ message }) => message).join()).toContain('A code that came too late was made');
});

it.each([
  'listCodes',
  'deleteCode',
] as const)('keeps the code that its row names when, by %s, another worker’s create lands beside a code that was found', async (call) => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z', settleSeconds: 1, devices: [drawsItsOwn] });
  const { deps } = world.relatch;
  world.simulator.faults.next(create, { kind: 'answer_lost_after_commit' });
  await world.apply(weekdays());
  const { name } = world.onlyCode();
  const row = await deps.db.prisma.accessCode.findFirstOrThrow();
  expect(row).toMatchObject({ state: 'unknown', accessCodeId: null });
  const { windowStartsAt: startsAt, windowEndsAt: endsAt } = row;
  // Younger than the other; the door's own jobs leave it alone.
  await deps.db.prisma.accessCode.update({ where: { id: row.id }, data: { quietUntil: endsAt, nextTryAt: endsAt } });
  await world.simulator.advanceBy(2_000);
  const late = await deps.seam.createCode({ deviceId: frontDoor, name: name ?? '', pin: null, startsAt, endsAt });
  if (!late.ok) throw new Error(late.failure.message);
  const seam = {
    ...deps.seam,
    [call]: async (of: never) => {
      const listed = call === 'listCodes' ? await deps.seam.listCodes(of) : null;
      const door = await readDoor(deps, row);
      await recordCreated(deps, door!, { ...row, fence: row.fence - 1 }, late.value, false);
      return listed ?? deps.seam.deleteCode(of);
    },
  };
  const quietUntil = world.simulator.now();
  await deps.db.prisma.accessCode.update({ where: { id: row.id }, data: { quietUntil } });
  await planDoor({ ...deps, seam }, row);
  const deleted = world.simulator.requests.filter(({ path }) => path === '/access_codes/delete');
  const [kept] = await world.codes();
  expect(kept?.state).toBe('created');
  expect(deleted.map(({ params }) => params['access_code_id'])).not.toContain(kept?.accessCodeId);
});

it('keeps one code of two creates on a lock that draws its own PIN', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z', settleSeconds: 1, devices: [drawsItsOwn] });
  await overtaken(world, () => Promise.resolve());
  await world.until('2027-03-08T13:00:00Z');
  const { access_code_id } = world.onlyCode();
  expect(world.calls(create)).toBe(2);
  expect(await world.codes()).toMatchObject([{ state: 'created', accessCodeId: access_code_id }]);
  await world.until('2027-03-09T00:00:00Z');
  expect(world.opened()).toEqual([monday]);
});

it('adopts a slow create’s code for a row that was taken over and may not be asked for again yet', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z', settleSeconds: 1, devices: [drawsItsOwn] });
  await overtaken(world, async () => {
    world.simulator.faults.next(create, { kind: 'status', status: 429, type: 'rate_limit_exceeded' });
  });
  await world.until('2027-03-08T13:00:00Z');
  const { access_code_id } = world.onlyCode();
  expect(await world.codes()).toMatchObject([{ state: 'created', accessCodeId: access_code_id }]);
});

it('moves a code that it adopts on a 409 to the times of the plan', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  const pagination = { has_next_page: false, next_page_cursor: null, next_page_url: null };
  const overlooks = { access_codes: [], pagination };
  world.simulator.faults.next(create, { kind: 'answer_lost_after_commit' });
  world.simulator.faults.next('GET /access_codes/list', { kind: 'status', status: 200, body: overlooks });
  await world.apply(hours('09:00', '17:00'));
  const { access_code_id } = world.onlyCode();
  await world.apply(hours('10:00', '16:00'));
  await world.until('2027-03-08T12:02:00Z');
  expect(world.calls(create)).toBe(2);
  expect(world.onlyCode()).toMatchObject({
    access_code_id,
    starts_at: '2027-03-08T15:00:00.000Z',
    ends_at: '2027-03-08T21:00:00.000Z',
  });
  await world.until('2027-03-09T12:00:00Z');
  expect(world.opened()).toEqual(['2027-03-08T15:00Z/2027-03-08T21:00Z']);
  expect(await world.alerts()).toEqual([]);
});

it('does not repeat a create of unknown outcome before it has settled where no PIN guards it, however near the window', async () => {
  await using world = await startWorld({ now: '2027-03-08T13:58:00Z', devices: [drawsItsOwn] });
  world.simulator.faults.next(create, { kind: 'commit_late', delayMs: 30_000 });
  await world.apply(weekdays());
  await world.until('2027-03-08T13:58:59Z');
  expect(world.calls('GET /access_codes/list')).toBe(0);
  await world.until('2027-03-08T23:00:00Z');
  expect(world.opened()).toEqual([monday]);
  expect(new Set(world.simulator.intervals(frontDoor).map(({ code }) => code)).size).toBe(1);
  expect(await world.codes()).toMatchObject([{ state: 'removed', adopted: true }, { state: 'created' }]);
});

/** Somebody changed a code in Seam, which only a pass of the reconciler finds. */
async function changedBySomebody(world: World, change: { ends_at?: string; code?: string }): Promise<void> {
  await world.apply(hours('09:00', '17:00'));
  await world.until('2027-03-08T12:59:00Z');
  const { apiKey, endpoint } = world.simulator;
  const { access_code_id } = world.onlyCode();
  const times = { starts_at: '2027-03-08T14:00:00Z', ends_at: '2027-03-08T22:00:00Z' };
  await new Seam({ apiKey, endpoint }).accessCodes.update({ access_code_id, ...times, ...change });
  await world.until('2027-03-08T13:00:00Z');
}

it('keeps an edit that shortens the window when times asked back before it land after it', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z', delivers: false, settleSeconds: 300 });
  await changedBySomebody(world, { ends_at: '2027-03-09T02:00:00Z' });
  world.simulator.faults.next(update, { kind: 'commit_late', delayMs: 200_000 });
  await world.sweep();
  await world.apply(hours('09:00', '16:00'));
  await world.until('2027-03-08T13:03:00Z');
  expect(world.onlyCode()).toMatchObject({ ends_at: '2027-03-08T21:00:00.000Z' });
  await world.until('2027-03-08T13:03:30Z');
  expect(world.onlyCode()).toMatchObject({ ends_at: '2027-03-08T22:00:00.000Z' });
  await world.until('2027-03-08T13:06:00Z');
  expect(world.onlyCode()).toMatchObject({ ends_at: '2027-03-08T21:00:00.000Z' });
  expect(await world.alerts()).toEqual([expect.stringContaining('Changed by somebody in Seam (times)')]);
});

it.each([
  ['PIN', { code: '835271' }],
  ['times', { ends_at: '2027-03-09T02:00:00Z' }],
])('repeats asking back the %s that did not reach Seam, and tells of it once', async (what, change) => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z', delivers: false });
  await world.apply(hours('09:00', '17:00'));
  const { code } = world.onlyCode();
  await changedBySomebody(world, change);
  world.simulator.faults.next(update, { kind: 'reset_before_commit' });
  await world.sweep();
  await world.until('2027-03-08T13:03:00Z');
  expect(world.onlyCode()).toMatchObject({ code, ends_at: '2027-03-08T22:00:00.000Z' });
  expect(await world.alerts()).toEqual([expect.stringContaining(`Changed by somebody in Seam (${what})`)]);
});
