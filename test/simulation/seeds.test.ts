// Fifty seeds with each test run, or, where CI says when it must have come to its end, as many as are begun by then; `npm run simulate -- --seeds N` runs more. A seed that is violated prints its trace, and how to replay it.
import { expect, it } from 'vitest';
import { createTestDatabase } from '../support/database.ts';
import { runs } from '../support/runs.ts';
import { type Coverage, noCoverage } from './audit.ts';
import { simulateSeeds } from './lanes.ts';
import { tell, tellCounts, tellCoverage } from './report.ts';
import { neverStruck, type StrikesByPoint, sumOfStrikes } from './strikes.ts';
import { actKinds, type Counts, faultKinds, neverHappened, sumOfCounts } from './tally.ts';

const count = runs(50);
const enoughForEveryPoint = 12;
const options = { days: 7, schedules: 10 };
const endsAtMs = 1_000 * Number(process.env['CI_ENDS_AT'] ?? Number.POSITIVE_INFINITY);
const isTimeLeft = (): boolean => Date.now() < endsAtMs;

it(`keeps its promises in ${count} histories of ${options.schedules} schedules and ${options.days} days`, {
  timeout: 900_000,
}, async () => {
  await using one = await createTestDatabase();
  await using other = await createTestDatabase();
  const violated: string[] = [];
  let ended = 0;
  let total: Coverage = noCoverage;
  let strikes: StrikesByPoint = new Map();
  let acts: Counts = new Map();
  let faults: Counts = new Map();
  const startedMs = performance.now();
  await simulateSeeds({ first: 1, count, isTimeLeft }, options, [one.socketUrl, other.socketUrl], (result) => {
    ended += 1;
    strikes = sumOfStrikes(strikes, result.strikes);
    acts = sumOfCounts(acts, result.acts);
    faults = sumOfCounts(faults, result.faults);
    if (result.violation !== null) violated.push(tell(result));
    if (result.coverage !== null) total = sumOf(total, result.coverage);
  });
  const seconds = Math.round((performance.now() - startedMs) / 1_000);
  console.log(
    [
      `simulation: ${ended} of ${count} seeds in ${seconds} s, ${violated.length} violated; ${tellCoverage(total)}`,
      tellCounts('acts', acts, actKinds),
      tellCounts('faults', faults, faultKinds),
    ].join('\n'),
  );
  expect(violated.join('\n\n')).toBe('');
  // What nobody has an excuse for is what a lock and Seam take after a change.
  expect(total.lostOtherwise / total.due).toBeLessThan(0.002);
  if (isTimeLeft()) expect(ended).toBe(count);
  // In fewer histories some write to Seam may not come in bad times.
  if (ended >= enoughForEveryPoint) expect(neverStruck(strikes)).toEqual([]);
  // The rarest take effect in one history of seven only: CI may have had time for too few.
  if (ended >= 50) expect(neverHappened(acts, actKinds)).toEqual([]);
  if (ended >= 50) expect(neverHappened(faults, faultKinds)).toEqual([]);
});

function sumOf(a: Coverage, b: Coverage): Coverage {
  return {
    due: a.due + b.due,
    covered: a.covered + b.covered,
    lostToFaults: a.lostToFaults + b.lostToFaults,
    lostToPeople: a.lostToPeople + b.lostToPeople,
    lostOtherwise: a.lostOtherwise + b.lostOtherwise,
  };
}
