import { expect, it, vi } from 'vitest';
import { assertSettled } from './settled.ts';
import { aDoor, deliver, slowMs, startStage } from './stage.ts';

it('makes one job and one code of 200 identical deliveries that reach two instances at once', async () => {
  await using stage = await startStage();
  const { db, simulator } = stage;
  const services = await Promise.all([stage.start(), stage.start()]);
  await stage.apply(aDoor());
  await vi.waitFor(async () => expect(await stage.codes()).toMatchObject([{ state: 'created' }]), slowMs);
  await stage.rest();
  const removed = await stage.outlive();
  const struckAtMs = performance.now();
  const createsBefore = createCalls(simulator);

  const answers = await Promise.all(Array.from({ length: 200 }, (_, at) => deliver(services[at % 2]!, removed)));
  expect(answers).toEqual(answers.map(() => 202));
  await vi.waitFor(async () => {
    expect((await stage.codes()).map(({ state }) => state)).toEqual(['removed', 'created']);
  }, slowMs);
  await stage.rest();

  expect((await db.query('select state, run from inbox')).rows).toEqual([{ state: 'handled', run: 1 }]);
  expect((await db.query(`select state from pgboss.job where name = 'event'`)).rows).toEqual([{ state: 'completed' }]);
  expect(simulator.codes()).toHaveLength(1);
  expect(createCalls(simulator)).toBe(createsBefore + 1);
  expect(await stage.codes()).toHaveLength(2);
  await assertSettled(stage, { scenario: '200 copies at once', faults: 199, struckAtMs });
});

function createCalls({ requests }: { requests: readonly { path: string }[] }): number {
  return requests.filter(({ path }) => path === '/access_codes/create').length;
}
