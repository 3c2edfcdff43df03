// The claim of the README's table, on a small scale: the recipe of Seam's own article under the same faults, beside the service.
import { expect, it } from 'vitest';
import { faults } from '../bench/faults-list.ts';
import { type FaultOutcome, runFaults } from '../bench/faults-run.ts';

type Counts = Pick<FaultOutcome, 'lost' | 'doubled' | 'unknown'>;

const none: Counts = { lost: 0, doubled: 0, unknown: 0 };
const events = 2;
const doubled: Counts = { ...none, doubled: events };
const forgotten: Counts = { ...doubled, unknown: events };

// At once, because they mostly wait, and about as long as each other. Beside each fault: what the recipe makes of it.
it.concurrent.each<[string, Record<string, Counts>]>([
  [
    'a delivery goes astray, or the process that has it',
    {
      'delivery lost': { ...none, lost: events },
      'delivery doubled': doubled,
      'deliveries reordered': none,
      'SIGKILL between create and write': forgotten,
      'create refused with 429': none,
    },
  ],
  [
    'Seam, its answer, Postgres or a lock is away for a while',
    {
      'delivery sent again later': doubled,
      'Postgres down during the delivery': none,
      'Seam is out for six seconds': none,
      'create done, answer lost': forgotten,
      'create cut off, done later': forgotten,
      'removed late, the next window begun': none,
    },
  ],
])('loses, doubles and forgets nothing, whatever the recipe does, when %s', async (_, ofRecipe) => {
  const chosen = faults.filter(({ name }) => Object.hasOwn(ofRecipe, name));
  const { recipe, relatch } = await runFaults({ faults: chosen, events: events * chosen.length, seed: 1 });
  expect(countsByFault(recipe)).toEqual(ofRecipe);
  expect(countsByFault(relatch)).toEqual(Object.fromEntries(Object.keys(ofRecipe).map((name) => [name, none])));
});

function countsByFault(outcomes: readonly FaultOutcome[]): Record<string, Counts> {
  return Object.fromEntries(
    outcomes.map(({ fault, lost, doubled: twice, unknown }) => [fault, { lost, doubled: twice, unknown }]),
  );
}
