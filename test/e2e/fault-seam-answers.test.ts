// Whatever Seam answers, or does not, to the call that must not happen twice.
import { expect, it, vi } from 'vitest';
import type { RequestFault } from '../../src/simulator/faults.ts';
import { anAccessCodeEvent, aRemovedEvent, sign } from '../support/sign.ts';
import { assertSettled } from './settled.ts';
import { aDoor, deliver, type Stage, slowMs, startStage } from './stage.ts';

const createRoute = '/access_codes/create';
// Less than the 8 s after which a call that hangs is given up.
const promptMs = 4_000;

// Three doors each: more that are silent at once would be taken for an outage, whose calls wait for one another.
it.concurrent.each<[string, RequestFault[]]>([
  [
    'fails',
    [
      { kind: 'status', status: 500 },
      { kind: 'status', status: 500, afterCommit: true },
      { kind: 'status', status: 502, body: '<html>Bad Gateway</html>' },
    ],
  ],
  [
    'answers 200 with what is no answer',
    ['<html>It works</html>', '', '{"access_code":{},"ok":true}'].map((body) => {
      return { kind: 'status', status: 200, body, afterCommit: true };
    }),
  ],
  ['is cut off', [{ kind: 'answer_lost_after_commit' }, { kind: 'reset_before_commit' }, { kind: 'stall_body' }]],
])('makes one code for each door when Seam %s', async (what, failures) => {
  await using stage = await startStage();
  const { simulator } = stage;
  await stage.start();
  const doors = failures.map(aDoor);
  for (const [at, failure] of failures.entries())
    simulator.faults.next(createRoute, failure, { device_id: doors[at]! });
  const struckAtMs = performance.now();
  await stage.apply(...doors);
  await expectOneCodeEach(stage, doors);
  expect(simulator.faults.pending).toBe(0);
  await assertSettled(stage, { scenario: `Seam ${what}`, faults: failures.length, struckAtMs });
});

it.concurrent('waits as long as a 429 says, and makes the codes of other doors meanwhile', async () => {
  await using stage = await startStage();
  const { simulator } = stage;
  await stage.start();
  const [limited, free] = [aDoor(), aDoor()];
  // Longer than a busy machine takes to apply a schedule.
  const waitSeconds = 10;
  simulator.faults.next(
    createRoute,
    { kind: 'status', status: 429, retryAfterSeconds: waitSeconds },
    { device_id: limited },
  );
  const struckAtMs = performance.now();
  await stage.apply(limited);
  await vi.waitFor(() => expect(callsFor(stage, limited)).toHaveLength(1), slowMs);
  await stage.apply(free);
  await expectOneCodeEach(stage, [limited, free]);
  const [first, second, ...more] = callsFor(stage, limited);
  expect(more).toEqual([]);
  expect(second!.at.getTime() - first!.at.getTime()).toBeGreaterThanOrEqual(waitSeconds * 1_000);
  expect(callsFor(stage, free)[0]!.at.getTime()).toBeLessThan(second!.at.getTime());
  await assertSettled(stage, { scenario: 'Seam answers 429 for a door', faults: 1, struckAtMs });
});

it.concurrent('keeps no delivery and no other door waiting while Seam does not answer for some', async () => {
  await using stage = await startStage();
  const { simulator } = stage;
  const service = await stage.start();
  const [silent, slow, free] = [aDoor(), aDoor(), aDoor()];
  simulator.faults.next(createRoute, { kind: 'hang' }, { device_id: silent });
  // Longer than the call is waited for: it lands after it was given up.
  simulator.faults.next(createRoute, { kind: 'slow', delayMs: 10_000 }, { device_id: slow });
  await stage.apply(silent, slow);
  const calls = (): number => callsFor(stage, silent).length + callsFor(stage, slow).length;
  await vi.waitFor(() => expect(calls()).toBe(2), slowMs);
  await stage.apply(free);
  await vi.waitFor(() => expect(simulator.codes({ device_id: free })).toHaveLength(1), promptMs);
  const struckAtMs = performance.now();
  const nobodys = Array.from({ length: 50 }, () => sign(JSON.stringify(aRemovedEvent())));
  expect(new Set(await Promise.all(nobodys.map((one) => deliver(service, one))))).toEqual(new Set([202]));
  expect(performance.now() - struckAtMs).toBeLessThan(promptMs);
  expect(calls()).toBe(2);
  await expectOneCodeEach(stage, [silent, slow, free]);
  await assertSettled(stage, { scenario: 'Seam is silent for two doors', faults: 2, struckAtMs });
});

it.concurrent('makes no second code when the first lands six seconds after its call was cut off', async () => {
  await using stage = await startStage();
  const { simulator } = stage;
  await stage.start({ SEAM_SETTLE_SECONDS: '8' });
  const door = aDoor();
  simulator.faults.next(createRoute, { kind: 'commit_late', delayMs: 6_000 });
  const struckAtMs = performance.now();
  await stage.apply(door);
  await expectOneCodeEach(stage, [door]);
  expect(callsFor(stage, door)).toHaveLength(1);
  expect(await stage.codes()).toMatchObject([{ adopted: true }]);
  await assertSettled(stage, { scenario: 'a create lands six seconds after it was cut off', faults: 1, struckAtMs });
});

it.concurrent('keeps the event of a code that it does not know yet until it does', async () => {
  await using stage = await startStage();
  const { simulator, db } = stage;
  const service = await stage.start();
  const door = aDoor();
  simulator.faults.next(createRoute, { kind: 'hang', afterCommit: true });
  const struckAtMs = performance.now();
  await stage.apply(door);
  await vi.waitFor(() => expect(simulator.codes()).toHaveLength(1), slowMs);
  const { access_code_id, device_id } = simulator.codes()[0]!;
  const event = anAccessCodeEvent('access_code.set_on_device', { access_code_id, device_id, code: '12345678' });
  expect(await deliver(service, sign(JSON.stringify(event)))).toBe(202);
  await expectOneCodeEach(stage, [door]);
  await vi.waitFor(async () => {
    const { rows } = await db.query('select state from inbox where key = $1', [event.event_id]);
    expect(rows).toEqual([{ state: 'handled' }]);
  }, slowMs);
  await assertSettled(stage, { scenario: 'an event before the answer to its create', faults: 1, struckAtMs });
});

function callsFor({ simulator }: Stage, door: string): Stage['simulator']['requests'] {
  return simulator.requests.filter(({ path, params }) => path === createRoute && params.device_id === door);
}

/** Every door gets its code, its row is Seam's code, and Seam never made another one. */
async function expectOneCodeEach(stage: Stage, doors: readonly string[]): Promise<void> {
  const { simulator } = stage;
  await vi.waitFor(async () => {
    expect((await stage.codes()).map(({ state }) => state)).toEqual(doors.map(() => 'created'));
  }, slowMs);
  await stage.rest();
  const codes = simulator.codes();
  expect(codes.map(({ device_id }) => device_id).sort()).toEqual(doors.toSorted());
  const known = (await stage.codes()).map(({ access_code_id }) => access_code_id);
  expect(known.sort()).toEqual(codes.map(({ access_code_id }) => access_code_id).sort());
  const made = simulator.events.filter(({ event_type }) => event_type === 'access_code.created');
  expect(made).toHaveLength(doors.length);
}
