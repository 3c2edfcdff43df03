import type { Coverage } from './audit.ts';
import { type HistoryOptions, openHistory } from './history.ts';
import type { Store } from './store.ts';
import type { StrikesByPoint } from './strikes.ts';
import type { Counts } from './tally.ts';
import { Violation } from './trace.ts';

/** What became of one history. */
export interface Simulated {
  readonly options: HistoryOptions;
  readonly violation: { readonly invariant: string; readonly message: string; readonly at: Date } | null;
  /** The last lines about the door of the violation. */
  readonly lines: readonly string[];
  readonly trace: string;
  readonly steps: number;
  readonly creates: number;
  readonly faults: Counts;
  /** What people did that took effect. */
  readonly acts: Counts;
  readonly strikes: StrikesByPoint;
  readonly coverage: Coverage | null;
  readonly elapsedMs: number;
}

/** Runs the history of a seed. */
export async function simulate(options: HistoryOptions, store: Store): Promise<Simulated> {
  const startedMs = performance.now();
  const history = await openHistory(options, store);
  let violation: Violation | null = null;
  try {
    await history.run();
  } catch (error) {
    violation = error instanceof Violation ? error : new Violation('nothing throws', stackOf(error));
  } finally {
    await history.close();
  }
  const at = history.simulator.now();
  return {
    options,
    violation: violation && { invariant: violation.invariant, message: violation.message, at },
    lines: violation === null ? [] : history.trace.about(violation.door),
    trace: history.trace.text,
    steps: history.steps,
    creates: history.watch.creates,
    faults: history.faults.counts,
    acts: history.tally.counts,
    strikes: history.strikes.points,
    coverage: history.coverage,
    elapsedMs: performance.now() - startedMs,
  };
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
