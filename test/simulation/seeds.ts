// Some seeds for each test run, in two halves: test files run side by side; `npm run simulate -- --seeds N` runs more. A seed that is violated prints its trace, and how to replay it.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { runs } from '../support/runs.ts';
import type { Coverage } from './audit.ts';
import { tell, tellCoverage } from './report.ts';
import { simulate } from './simulate.ts';
import { openStore, type Store } from './store.ts';

const seeds = runs(6);
const [days, schedules] = [7, 10];
// Histories wait for the database most of the time: several of them at once make use of that.
const lanes = 3;

export function keepsItsPromises(name: 'odd' | 'even'): void {
  const databases: TestDatabase[] = [];
  const stores: Store[] = [];

  beforeAll(async () => {
    for (let lane = 0; lane < lanes; lane += 1) {
      const database = await createTestDatabase();
      databases.push(database);
      stores.push(await openStore(database.url));
    }
  });

  afterAll(async () => {
    for (const store of stores) await store[Symbol.asyncDispose]();
    for (const database of databases) await database.drop();
  });

  it(`keeps its promises in the ${name} half of ${seeds} histories of ${schedules} schedules and ${days} days`, {
    timeout: 900_000,
  }, async () => {
    const waiting = Array.from({ length: seeds }, (_, index) => index + 1).filter(
      (seed) => (seed % 2 === 0) === (name === 'even'),
    );
    const count = waiting.length;
    const violated: string[] = [];
    const total: Coverage = { due: 0, covered: 0, lostToFaults: 0, lostToPeople: 0, lostOtherwise: 0 };
    const work = async (store: Store): Promise<void> => {
      for (let seed = waiting.shift(); seed !== undefined; seed = waiting.shift()) {
        const result = await simulate({ seed, days, schedules }, store);
        if (result.violation !== null) violated.push(tell(result));
        for (const [name, minutes] of Object.entries(result.coverage ?? {}) as [keyof Coverage, number][]) {
          total[name] += minutes;
        }
      }
    };
    const startedMs = performance.now();
    await Promise.all(stores.map(work));
    const seconds = Math.round((performance.now() - startedMs) / 1_000);
    console.log(`simulation: ${count} seeds in ${seconds} s, ${violated.length} violated; ${tellCoverage(total)}`);
    expect(violated.join('\n\n')).toBe('');
  });
}
