import type { Coverage } from './audit.ts';
import type { Simulated } from './simulate.ts';
import type { StrikesByPoint } from './strikes.ts';
import { type Counts, neverHappened } from './tally.ts';

/** One line for a history without fault; the trace of the first violation otherwise. */
export function tell(result: Simulated): string {
  const { options, violation, steps, creates, faults, coverage, elapsedMs } = result;
  const { seed, days, schedules } = options;
  const struck = [...faults.values()].reduce((sum, count) => sum + count, 0);
  const what = `seed ${seed}: ${schedules} schedules, ${days} days, ${struck} faults, ${creates} codes, ${steps} steps, ${(elapsedMs / 1_000).toFixed(1)} s`;
  if (violation === null) return `${what}: as promised${coverage === null ? '' : `; ${tellCoverage(coverage)}`}`;
  return [
    `${what}: VIOLATED`,
    ...result.lines,
    `seed ${seed} at ${violation.at.toISOString()}: ${violation.invariant}`,
    violation.message,
    `Again: npm run simulate -- --seed ${seed} --days ${days} --schedules ${schedules}`,
  ].join('\n');
}

/** What became of the minutes in which doors were to be open. */
export function tellCoverage({ due, covered, lostToFaults, lostToPeople, lostOtherwise }: Coverage): string {
  const share = (minutes: number): string => `${((100 * minutes) / Math.max(1, due)).toFixed(2)} %`;
  return (
    `${Math.round(due)} window-minutes, ${share(covered)} covered, lost to faults ${share(lostToFaults)}, ` +
    `to people ${share(lostToPeople)}, otherwise ${share(lostOtherwise)}`
  );
}

/** How often what happened; what never did comes first. */
export function tellCounts(what: string, counts: Counts, kinds: readonly string[]): string {
  const never = neverHappened(counts, kinds);
  const told = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([kind, count]) => `${kind} ${count}`);
  return `${what}: ${never.length === 0 ? '' : `never ${never.join(', ')}; `}${told.join(', ')}`;
}

/** At which points processes died, and those that were passed and never struck. */
export function tellStrikes(points: StrikesByPoint): string {
  const known = [...points].sort(([a], [b]) => (a < b ? -1 : 1));
  const spared = known.filter(([, { struck }]) => struck === 0);
  const crashes = known.reduce((sum, [, { struck }]) => sum + struck, 0);
  const names = spared.map(([point, { passed }]) => `${point} (${passed} times passed)`);
  return [
    `${crashes} crashes at ${known.length - spared.length} of ${known.length} points; never struck:`,
    ...(names.length === 0 ? ['none'] : names),
  ].join('\n  ');
}
