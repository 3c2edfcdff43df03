import { type ReconcilePosition, savePosition } from '../db/installation.ts';
import { devicesToCompare, orphanAlertsAt } from '../db/reconcile.ts';
import { compareDevice } from './compare-device.ts';
import type { FlowDeps } from './flow-deps.ts';
import type { Budget } from './reconcile-budget.ts';
import { makeRepairs, type Repair } from './repair.ts';

const devicesPerPage = 50;
// Codes that ended so long ago are nobody's concern but retention's.
const lateMs = 7 * 24 * 3_600_000;
// One device may be in trouble at Seam; several in a row are Seam.
const failuresMax = 3;

export interface DevicesCompared {
  readonly compared: number;
  readonly failed: number;
  readonly repairs: readonly Repair[];
  /** Why it was cut short, in a sentence; the next pass goes on from there. Null when the last device was reached. */
  readonly stoppedBecause: string | null;
}

/** Compares devices by id, from where the last pass was cut short; a dry run begins with the first and only tells. */
export async function compareDevices(
  deps: FlowDeps,
  { devicesComparedTo }: ReconcilePosition,
  budget: Budget,
  isDry: boolean,
  { pageSize = devicesPerPage, removesOrphans = false }: { pageSize?: number; removesOrphans?: boolean } = {},
): Promise<DevicesCompared> {
  const { prisma } = deps.db;
  const since = new Date(deps.now().getTime() - lateMs);
  const repairs: Repair[] = [];
  let after = isDry ? '' : (devicesComparedTo ?? '');
  let [compared, failed, failedInARow] = [0, 0, 0];
  let stoppedBecause: string | null = null;
  for (let isLast = false; !isLast && stoppedBecause === null; ) {
    const page = await devicesToCompare(prisma, after, since, pageSize);
    isLast = page.length < pageSize;
    const alerts = await orphanAlertsAt(prisma, page);
    for (const deviceId of page) {
      const comparison = await compareDevice(deps, deviceId, budget, {
        removesOrphans,
        orphanAlerts: alerts.get(deviceId) ?? [],
      });
      if (comparison.kind === 'spent') {
        stoppedBecause = comparison.why;
        break;
      }
      after = deviceId;
      if (comparison.kind === 'failed') {
        failed += 1;
        failedInARow += 1;
        const { kind, message } = comparison.failure;
        if (kind === 'unknown' && failedInARow < failuresMax) continue;
        stoppedBecause = message;
        break;
      }
      failedInARow = 0;
      compared += 1;
      repairs.push(...comparison.repairs);
      if (!isDry) await makeRepairs(deps, comparison.repairs);
    }
  }
  const stands = stoppedBecause === null || after === '' ? null : after;
  if (!isDry && stands !== devicesComparedTo) await savePosition(prisma, { devicesComparedTo: stands });
  return { compared, failed, repairs, stoppedBecause };
}
