// The claim of the README's table, on a small scale: the recipe of Seam's own article under the same faults, beside the service.
import { expect, it } from 'vitest';
import { faults } from '../bench/faults-list.ts';
import { type FaultOutcome, runFaults } from '../bench/faults-run.ts';

const struck = [
  'delivery lost',
  'delivery doubled',
  'deliveries reordered',
  'SIGKILL between create and write',
  'create refused with 429',
  'create done, answer lost',
];

it('loses, doubles and forgets nothing where the recipe loses and doubles', async () => {
  const chosen = faults.filter(({ name }) => struck.includes(name));
  const { recipe, relatch } = await runFaults({ faults: chosen, events: 2 * chosen.length, seed: 1 });
  const counts = (outcomes: readonly FaultOutcome[]): object[] =>
    outcomes.map(({ fault, lost, doubled, unknown }) => ({ fault, lost, doubled, unknown }));
  expect(counts(recipe)).toEqual([
    { fault: 'delivery lost', lost: 2, doubled: 0, unknown: 0 },
    { fault: 'delivery doubled', lost: 0, doubled: 2, unknown: 0 },
    { fault: 'deliveries reordered', lost: 0, doubled: 0, unknown: 0 },
    { fault: 'SIGKILL between create and write', lost: 0, doubled: 2, unknown: 2 },
    { fault: 'create refused with 429', lost: 0, doubled: 0, unknown: 0 },
    { fault: 'create done, answer lost', lost: 0, doubled: 2, unknown: 2 },
  ]);
  expect(counts(relatch)).toEqual(struck.map((fault) => ({ fault, lost: 0, doubled: 0, unknown: 0 })));
});
