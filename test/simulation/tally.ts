// What happened, by kind. What a history may do and never does proves nothing, and neither does an action that is always refused:
// only what took effect is counted.
import { editKinds } from './edits.ts';
import { strokeNames } from './faulty-seam.ts';
import { personActs } from './people.ts';
import { mishapNames } from './postman.ts';
import { stormFaults } from './weather.ts';

/** How often which kind of thing happened. */
export type Counts = ReadonlyMap<string, number>;

export class Tally {
  readonly counts = new Map<string, number>();

  add(kind: string): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }
}

/** Every change of a schedule that people can make, and whatever else they do. */
export const actKinds: readonly string[] = [
  ...editKinds,
  'goes_on',
  'resume',
  'adopt',
  ...personActs,
  'retry_dead_letter',
  'drop_dead_letter',
];

export const faultKinds: readonly string[] = [
  ...strokeNames.map((name) => `seam.${name}`),
  ...mishapNames.map((name) => `delivery.${name}`),
  ...stormFaults,
  'job.poisoned',
  'process.crash',
  'process.dead',
  'database.lost',
  'database.down',
  'person.remove_at_lock',
];

/** Those of several histories. */
export function sumOfCounts(a: Counts, b: Counts): Counts {
  const sum = new Map(a);
  for (const [kind, count] of b) sum.set(kind, (sum.get(kind) ?? 0) + count);
  return sum;
}

/** Kinds that never happened. */
export function neverHappened(counts: Counts, kinds: readonly string[]): string[] {
  return kinds.filter((kind) => (counts.get(kind) ?? 0) === 0);
}
