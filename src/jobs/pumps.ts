import { randomUUID } from 'node:crypto';
import { dueEndpoints } from '../db/deliveries.ts';
import { dueDoors } from '../db/doors-to-plan.ts';
import { queueDueEvents } from '../db/inbox-jobs.ts';
import type { Queue } from '../db/queue.ts';
import type { FlowDeps } from '../flows/flow-deps.ts';
import type { NotifyDeps } from '../flows/notify-endpoint.ts';
import { pruneNightly } from '../flows/prune.ts';
import { type ReconcileOptions, type ReconcileReport, reconcile } from '../flows/reconcile.ts';
import { type DeadLetterDeps, setDeadJobsAside } from '../flows/set-aside.ts';
import { type ReconcileOutcome, runUnit } from '../telemetry/telemetry.ts';
import { createPump, type Pump } from './pump.ts';

const inboxBatch = 200;
const dueBatch = 200;
// Wakes are hints: a row that was locked at that moment, or came due by itself, is found at the next tick.
const tickMs = 250;

/** Turns inbox rows into event jobs: woken by each delivery, and on a short timer for what was left. */
export function inboxPump(deps: FlowDeps, everyMs = tickMs): Pump {
  return createPump({
    name: 'inbox pump',
    everyMs,
    log: deps.log,
    pass: async () => (await queueDueEvents(deps.db, deps.queue, inboxBatch)) === inboxBatch,
  });
}

/** Sends a plan job for each door with a row whose time has come. */
export function dueRowPump(deps: FlowDeps, everyMs = tickMs): Pump {
  return createPump({
    name: 'due-row pump',
    everyMs,
    log: deps.log,
    pass: () =>
      deps.db.prisma.$transaction(async (tx) => {
        const doors = await dueDoors(tx, deps.now(), dueBatch);
        await deps.queue.sendPlans(tx, doors);
        return doors.length === dueBatch;
      }),
  });
}

/** Sends a job for each endpoint that something is due for. Where there is none, a pass is one statement on empty tables. */
export function notifyPump(deps: NotifyDeps & { readonly queue: Pick<Queue, 'sendNotices'> }, everyMs = 1_000): Pump {
  return createPump({
    name: 'notify pump',
    everyMs,
    log: deps.log,
    pass: async () => {
      const ids = await dueEndpoints(deps.db.prisma, deps.now(), dueBatch);
      if (ids.length > 0) await deps.queue.sendNotices(deps.db.prisma, ids);
      return false;
    },
  });
}

/** Sets dead jobs aside as letters for a person, and settles those that recovered. */
export function deadLetterPump(deps: DeadLetterDeps, everyMs = 1_000): Pump {
  return createPump({ name: 'dead letters', everyMs, log: deps.log, pass: () => setDeadJobsAside(deps) });
}

/** Looks every ten minutes whether tonight's pruning is to be done. @param stopping ends it between two pages */
export function retention(deps: FlowDeps, days: number, stopping: AbortSignal, everyMs = 600_000): Pump {
  return createPump({
    name: 'retention',
    everyMs,
    log: deps.log,
    pass: async () => {
      await pruneNightly(deps, days, stopping);
      return false;
    },
  });
}

/** One pass, as a unit of work of its own. */
function reconcileOnce(deps: FlowDeps, options: ReconcileOptions): Promise<void> {
  const { meter } = deps.telemetry;
  const about = { name: 'reconcile', kind: 'internal', attributes: { pass_id: randomUUID() } } as const;
  return runUnit(deps.telemetry, about, async () => {
    const startedMs = performance.now();
    const seconds = (): number => (performance.now() - startedMs) / 1_000;
    try {
      const pass = outcomeOf(await reconcile(deps, options));
      meter.reconciled(pass, seconds());
      return { result: undefined, end: { outcome: pass.kind, isFailed: false } };
    } catch (error) {
      meter.reconciled({ kind: 'failed' }, seconds());
      throw error;
    }
  });
}

function outcomeOf(report: ReconcileReport | null): ReconcileOutcome {
  if (report === null) return { kind: 'busy' };
  const { events, devices, woken } = report;
  const isWhole = events.stoppedBecause === null && devices.stoppedBecause === null;
  const drifts = { ...countOf(report.drifts), event_missed: events.missing, door_asleep: woken };
  return { kind: isWhole ? 'finished' : 'cut_short', drifts };
}

function countOf(kinds: readonly string[]): Record<string, number> {
  const groups = Object.groupBy(kinds, (kind) => kind);
  return Object.fromEntries(Object.entries(groups).map(([kind, all = []]) => [kind, all.length]));
}

/** Reconciles at start and every `everyMs`. */
export function reconciler(deps: FlowDeps, everyMs: number, options: ReconcileOptions): Pump {
  return createPump({
    name: 'reconciler',
    everyMs,
    log: deps.log,
    asksSeam: true,
    pass: async () => {
      await reconcileOnce(deps, options);
      return false;
    },
  });
}
