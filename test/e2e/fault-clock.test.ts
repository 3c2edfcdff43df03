// An instance on a machine whose clock is wrong by ten minutes, beside one that is right.
import { expect, it, vi } from 'vitest';
import { assertSettled } from './settled.ts';
import { aDoor, deliver, slowMs, startStage } from './stage.ts';

it.concurrent.each([
  ['ahead', 600],
  ['behind', -600],
])('makes one code for each window when the clock of an instance is ten minutes %s', async (where, seconds) => {
  await using stage = await startStage();
  const { simulator } = stage;
  const right = await stage.start();
  const wrong = await stage.start({ NODE_OPTIONS: clockOff(seconds), RECONCILE_INTERVAL_SECONDS: '5' });
  await stage.apply(aDoor());
  await vi.waitFor(async () => expect(await stage.codes()).toMatchObject([{ state: 'created' }]), slowMs);
  await stage.rest();
  await vi.waitFor(async () => {
    const { rows } = await stage.db.query(
      `select kind, (detail->>'ahead_seconds')::int as ahead from history where kind like 'clock.%'`,
    );
    // A second more or less is the round trip to the database.
    expect(rows.map(({ kind, ahead }) => [kind, Math.round(ahead / 10) * 10])).toEqual([['clock.skewed', seconds]]);
  }, slowMs);

  const removed = await stage.outlive();
  // It takes nothing that it cannot know to be new, and says why; Seam sends it again, and the other one takes it.
  expect(await deliver(wrong, removed)).toBe(401);
  expect(wrong.logs()).toContain('timestamp_out_of_tolerance');
  expect(await deliver(right, removed)).toBe(202);
  await vi.waitFor(async () => {
    expect((await stage.codes()).map(({ state }) => state).sort()).toEqual(['created', 'removed']);
  }, slowMs);
  await stage.rest();
  expect(simulator.codes()).toHaveLength(1);

  // Alone, it hears nothing any more and finds out by itself.
  right.kill('SIGKILL');
  const struckAtMs = performance.now();
  await right.exited;
  // Its day is needed again.
  await stage.db.query(
    `update access_codes set window_starts_at = window_starts_at - interval '1 day', window_ends_at = window_ends_at - interval '1 day'
      where state = 'removed'`,
  );
  await stage.outlive();
  await vi.waitFor(async () => {
    const states = (await stage.codes()).map(({ state }) => state);
    expect(states.filter((state) => state === 'created')).toHaveLength(1);
    expect(simulator.codes()).toHaveLength(1);
  }, slowMs);
  const made = simulator.events.filter(({ event_type }) => event_type === 'access_code.created');
  expect(made).toHaveLength(3);
  await assertSettled(stage, { scenario: `a clock ten minutes ${where}, alone`, faults: 2, struckAtMs });
});

/** Has Node start with a clock that is wrong by so much. */
function clockOff(seconds: number): string {
  const script = `const Real = Date; const off = ${seconds * 1_000};
    globalThis.Date = class extends Real {
      constructor(...parts) { if (parts.length === 0) super(Real.now() + off); else super(...parts); }
      static now() { return Real.now() + off; }
    };`;
  return `--import data:text/javascript,${encodeURIComponent(script)}`;
}
