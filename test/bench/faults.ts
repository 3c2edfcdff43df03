// What Relatch and the naive recipe lose under the same faults: the built service and the recipe as real processes, each with
// a Seam and a PostgreSQL of its own. npm run bench -- faults [EVENTS] [SEED]

import { cpus, loadavg } from 'node:os';
import { faults } from './faults-list.ts';
import { type FaultOutcome, runFaults } from './faults-run.ts';
import { ourSettings } from './faults-side.ts';

const defaultEvents = 100;

/** Runs it and prints what became of every window; the exit code is 1 if Relatch lost or doubled one. */
export async function run(): Promise<void> {
  const events = Number(process.argv[3] ?? defaultEvents);
  const seed = Number(process.argv[4] ?? 1);
  const settings = Object.entries(ourSettings).map(([name, value]) => `${name}=${value}`);
  console.log(
    `faults, ${events} events, seed ${seed}, ${settings.join(' ')}, ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}, Node ${process.version}`,
  );
  const { recipe, relatch } = await runFaults({ faults, events, seed });
  const total = (outcomes: readonly FaultOutcome[]): FaultOutcome => sum(outcomes);
  const rows = [...recipe, total(recipe)].map((its, at) => ({ its, ours: [...relatch, total(relatch)][at]! }));
  const table = [
    [
      'fault',
      'events',
      'recipe: lost',
      'doubled',
      'unknown',
      'recovery s p50 / max',
      'Relatch: lost',
      'doubled',
      'unknown',
      'recovery s p50 / max',
    ],
    ['---', '---:', '---:', '---:', '---:', '---:', '---:', '---:', '---:', '---:'],
    ...rows.map(({ its, ours }) => [its.fault, its.events, ...figures(its), ...figures(ours)]),
  ];
  console.log(table.map((cells) => `| ${cells.join(' | ')} |`).join('\n'));
  const { lost, doubled, unknown } = total(relatch);
  const isMet = lost + doubled + unknown === 0;
  console.log(
    `${isMet ? 'met   ' : 'MISSED'} windows that Relatch lost, doubled or lost track of: ${lost}, ${doubled}, ${unknown} (goal 0)`,
  );
  if (!isMet) process.exitCode = 1;
}

function sum(outcomes: readonly FaultOutcome[]): FaultOutcome {
  const add = (count: (outcome: FaultOutcome) => number): number => outcomes.reduce((all, one) => all + count(one), 0);
  return {
    fault: '**all**',
    events: add(({ events }) => events),
    lost: add(({ lost }) => lost),
    doubled: add(({ doubled }) => doubled),
    unknown: add(({ unknown }) => unknown),
    recoveriesMs: outcomes.flatMap(({ recoveriesMs }) => recoveriesMs),
  };
}

function figures({ lost, doubled, unknown, recoveriesMs }: FaultOutcome): (string | number)[] {
  const sorted = recoveriesMs.toSorted((a, b) => a - b);
  const seconds = (ms: number | undefined): string => (ms === undefined ? '–' : (ms / 1_000).toFixed(1));
  return [lost, doubled, unknown, `${seconds(sorted[Math.floor(sorted.length / 2)])} / ${seconds(sorted.at(-1))}`];
}
