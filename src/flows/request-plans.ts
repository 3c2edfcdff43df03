import { wakeCodes } from '../db/access-codes.ts';
import type { Tx } from '../db/client.ts';
import type { PlanKey } from '../db/queue.ts';
import type { FlowDeps } from './flow-deps.ts';

/**
 * Has doors planned, by a job that commits with the caller's change. Their rows come due with it: should that job die for good,
 * the due-row pump sends another.
 */
export async function requestPlans(
  deps: Pick<FlowDeps, 'queue' | 'now'>,
  tx: Tx,
  doors: readonly PlanKey[],
): Promise<void> {
  await wakeCodes(tx, doors, deps.now());
  await deps.queue.sendPlans(tx, doors);
}
