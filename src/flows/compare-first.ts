// A database that was restored to an older state does not know the codes that were made since. They are at Seam, and bear our marker.
import { findDrift, markerIn } from '../core/drift.ts';
import { codesKnownAt, orphanAlertsAt } from '../db/reconcile.ts';
import type { SeamCode } from '../seam/api.ts';
import { compareDevice } from './compare-device.ts';
import type { FlowDeps } from './flow-deps.ts';
import { startBudget } from './reconcile-budget.ts';
import { makeRepairs } from './repair.ts';

// The list, and once more where there are codes that no row explains.
const limits = { seamCalls: 2, durationMs: 30_000 };

/**
 * Has what Seam lists at a device compared with our rows before the first code is meant for it, unless this process has seen since it
 * began that each code of ours has its row: what fits is adopted, and no second code is made. Where Seam does not tell, the plan goes
 * on all the same: that a window has a code comes first.
 * @returns whether something was found, so that the plan is to be made anew
 */
export async function compareFirst(deps: FlowDeps, deviceId: string): Promise<boolean> {
  const { comparedDevices, db, mode } = deps;
  if (mode === 'observe' || comparedDevices === null || comparedDevices.has(deviceId)) return false;
  // Before any door is read: there may be hundreds, and Seam may be away.
  const list = await deps.seam.glanceAtManagedCodes(deviceId);
  if (!list.ok) return false;
  // A row is written before its code is asked for: what has none is not just being made, however young it is by whichever clock.
  const atOnce = { ...deps, settleMs: Number.NEGATIVE_INFINITY };
  if (!(await isAnyUnknown(atOnce, deviceId, list.value))) {
    comparedDevices.add(deviceId);
    return false;
  }
  const orphanAlerts = (await orphanAlertsAt(db.prisma, [deviceId])).get(deviceId) ?? [];
  const comparison = await compareDevice(atOnce, deviceId, startBudget(limits), {
    removesOrphans: false,
    orphanAlerts,
  });
  if (comparison.kind !== 'compared') return false;
  // What is only to be told is left to the reconciler, so that it is told once.
  const repairs = comparison.repairs.filter(
    ({ kind, plan }) => (kind === 'found' || kind === 'orphan') && plan !== null,
  );
  await makeRepairs(deps, repairs);
  return repairs.length > 0;
}

/** Whether a code of ours is listed that its row does not know, or that has none. */
async function isAnyUnknown(
  { db, markerPrefix, settleMs, now }: FlowDeps,
  deviceId: string,
  listed: readonly SeamCode[],
): Promise<boolean> {
  const known = await codesKnownAt(db.prisma, deviceId, {
    accessCodeIds: listed.map(({ accessCodeId }) => accessCodeId),
    markers: listed.map(({ name }) => markerIn(name)),
  });
  const drifts = findDrift({ open: [], known, listed, markerPrefix, settleMs, now: now() });
  return drifts.some(({ kind }) => kind === 'found' || kind === 'orphan');
}
