import type { Tx } from '../db/client.ts';
import { type HistoryEntry, insertHistory } from '../db/history.ts';
import type { PlanKey } from '../db/queue.ts';
import type { FlowDeps } from './flow-deps.ts';
import { logEntry } from './record.ts';
import { requestPlans } from './request-plans.ts';

export type RepairKind = 'gone' | 'times' | 'found' | 'listed_again' | 'orphan' | 'overdue';

/** Something that is not as it should be, and what is done about it. */
export interface Repair {
  /** `overdue`: work that no job was under way to do. */
  readonly kind: RepairKind;
  /** Whose door it is about, for people. */
  readonly door: string;
  /** What it does, in words that complete "would …". */
  readonly would: string;
  /** The door that is planned with it: only plan jobs write to Seam. */
  readonly plan: PlanKey | null;
  /** Marks the row; answers what there is to tell, or null when the row was not as it was any more. */
  readonly mark?: (tx: Tx) => Promise<HistoryEntry | null>;
}

/** Makes the repairs of one device in one transaction. */
export async function makeRepairs(deps: FlowDeps, repairs: readonly Repair[]): Promise<void> {
  if (repairs.length === 0) return;
  const plans = new Map(repairs.flatMap(({ plan }) => (plan === null ? [] : [[plan.scheduleId, plan] as const])));
  const entries = await deps.db.prisma.$transaction(async (tx) => {
    // First, because it locks the doors' rows in their order.
    await requestPlans(deps, tx, [...plans.values()]);
    const told: HistoryEntry[] = [];
    for (const { mark } of repairs) {
      const entry = (await mark?.(tx)) ?? null;
      if (entry === null) continue;
      await insertHistory(tx, entry);
      told.push(entry);
    }
    return told;
  });
  for (const entry of entries) logEntry(deps.log, entry);
}
