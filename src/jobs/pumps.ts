import { dueDoors } from '../db/access-codes.ts';
import { queueDueEvents } from '../db/inbox-jobs.ts';
import type { FlowDeps } from '../flows/flow-deps.ts';
import { reconcile } from '../flows/reconcile.ts';
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

/** Reconciles at start and every `everyMs`. */
export function reconciler(deps: FlowDeps, everyMs: number): Pump {
  return createPump({
    name: 'reconciler',
    everyMs,
    log: deps.log,
    pass: async () => {
      await reconcile(deps);
      return false;
    },
  });
}
