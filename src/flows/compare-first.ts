// A database that was restored to an older state does not know the codes that were made since. They are at Seam, and bear our marker.
import { orphanAlertsAt } from '../db/reconcile.ts';
import { compareDevice } from './compare-device.ts';
import type { FlowDeps } from './flow-deps.ts';
import { startBudget } from './reconcile-budget.ts';
import { makeRepairs } from './repair.ts';

// The list, and once more where there are codes that no row explains.
const limits = { seamCalls: 2, durationMs: 30_000 };

/**
 * Has what Seam lists at a device compared with our rows before the first code is meant for it, unless a pass of the reconciler has done
 * so since this process began: what fits is adopted, and no second code is made. Where Seam does not tell, the plan goes on all the
 * same: that a window has a code comes first.
 * @returns whether something was found, so that the plan is to be made anew
 */
export async function compareFirst(deps: FlowDeps, deviceId: string): Promise<boolean> {
  const { comparedDevices, db } = deps;
  if (comparedDevices === null || comparedDevices.has(deviceId)) return false;
  const orphanAlerts = (await orphanAlertsAt(db.prisma, [deviceId])).get(deviceId) ?? [];
  const comparison = await compareDevice(deps, deviceId, startBudget(limits), { removesOrphans: false, orphanAlerts });
  if (comparison.kind !== 'compared') return false;
  // What is only to be told is left to the reconciler, so that it is told once.
  const repairs = comparison.repairs.filter(
    ({ kind, plan }) => (kind === 'found' || kind === 'orphan') && plan !== null,
  );
  await makeRepairs(deps, repairs);
  comparedDevices.add(deviceId);
  return repairs.length > 0;
}
