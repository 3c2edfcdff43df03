// Makes good what events and due rows have missed: reads the events that no delivery brought, finds doors that nothing would wake,
// and holds what Seam lists against rows and plan. One replica at a time, in pages, under a bound; it writes marks and plan jobs only.

import type { Tx } from '../db/client.ts';
import { type DoorPage, doorsOfActiveSchedules, sleepingDoors } from '../db/doors-to-plan.ts';
import { loadPosition, type ReconcilePosition, saveTzdataVersion } from '../db/installation.ts';
import type { PlanKey } from '../db/queue.ts';
import { onlyOneReplica } from '../db/reconcile.ts';
import { compareClocks } from './compare-clocks.ts';
import { compareDevices, type DevicesCompared } from './compare-devices.ts';
import type { FlowDeps } from './flow-deps.ts';
import { type EventsRead, readEvents } from './read-events.ts';
import { type Budget, type PassLimits, passLimits, startBudget } from './reconcile-budget.ts';
import type { RepairKind } from './repair.ts';

const doorsPerPage = 2_000;

export interface ReconcileOptions {
  /** Tells what would be done, and writes nothing. */
  readonly dryRun?: boolean;
  /** Has orphans removed that were reported before this pass, whenever that was. */
  readonly removesOrphans?: boolean;
  readonly limits?: PassLimits;
  /** Devices, and doors, that are read at a time. */
  readonly pageSize?: number;
  readonly tzdataVersion?: string;
  /** The name of the machine whose clock `now` is; without it time is virtual, and differs from the database's as it pleases. */
  readonly machine?: string | undefined;
  /** Aborted when the service stops: the pass ends with the call under way, and the next one goes on from there. */
  readonly signal?: AbortSignal;
}

export interface ReconcileReport {
  readonly events: EventsRead;
  /** Doors that nothing would have woken: a first code, or a chain that stopped. A dry run counts none of them apart. */
  readonly woken: number;
  readonly devices: Omit<DevicesCompared, 'repairs'>;
  /** What was, or in a dry run would be, done about which door. */
  readonly repairs: readonly { readonly door: string; readonly would: string }[];
  /** The kind of each. */
  readonly drifts: readonly RepairKind[];
  /** Every door, because the time-zone data of this process is not what the plans were made with. */
  readonly replanned: number;
}

type LoadPage = (tx: Tx, after: PlanKey | null, pageSize: number) => Promise<DoorPage>;

/** One pass; null where another replica is at it. When all is well it writes nothing but how far events were read, where there were any. */
export async function reconcile(deps: FlowDeps, options: ReconcileOptions = {}): Promise<ReconcileReport | null> {
  if (options.dryRun === true) return pass(deps, options, true);
  const report = await onlyOneReplica(deps.db, () => pass(deps, options, false));
  if (report !== null) logReport(deps, report);
  return report;
}

async function pass(deps: FlowDeps, options: ReconcileOptions, isDry: boolean): Promise<ReconcileReport> {
  const limits = options.limits ?? passLimits;
  const budget = startBudget(limits, options.signal);
  if (!isDry && options.machine !== undefined) await compareClocks(deps, options.machine);
  const position = await loadPosition(deps.db.prisma);
  const events = await readEvents(deps, position, budget, isDry);
  // Before doors are woken: after a restore their codes may be at Seam and want to be adopted, not made again.
  const { repairs, ...devices } = await compareDevices(deps, position, budget, isDry, options);
  // Where Seam is slow, the devices take all of the time: the doors that sleep have one of their own.
  const ownTime = startBudget(limits, options.signal);
  const { sent: woken } = isDry ? nothingSent : await sendPages(deps, sleepingDoors, ownTime, options.pageSize);
  const replanned = isDry ? 0 : await replanAfterTzdata(deps, position, ownTime, options);
  const drifts = repairs.map(({ kind }) => kind);
  return { events, woken, devices, repairs: repairs.map(({ door, would }) => ({ door, would })), drifts, replanned };
}

function logReport({ log }: FlowDeps, { events, woken, devices, repairs, replanned }: ReconcileReport): void {
  const stopped = events.stoppedBecause ?? devices.stoppedBecause;
  if (events.missing + woken + repairs.length + replanned === 0 && stopped === null) return;
  const fields = { events_missing: events.missing, woken, repairs: repairs.length, replanned, stopped };
  log.info({ event: 'reconcile.completed', ...fields, devices_compared: devices.compared }, 'reconciled');
}

async function replanAfterTzdata(
  deps: FlowDeps,
  { tzdataVersion: known }: ReconcilePosition,
  budget: Budget,
  { tzdataVersion = process.versions.tz ?? '', pageSize }: ReconcileOptions,
): Promise<number> {
  if (known === tzdataVersion) return 0;
  // Plans of an installation that has not noted a version are younger than this process.
  const { sent, isAll } =
    known === null ? nothingSent : await sendPages(deps, doorsOfActiveSchedules, budget, pageSize);
  // Noted last: a pass that is cut short is made again.
  if (isAll) await saveTzdataVersion(deps.db.prisma, tzdataVersion);
  return sent;
}

const nothingSent = { sent: 0, isAll: true } as const;

/**
 * Sends plan jobs for all doors that are found, page by page, each with a transaction of its own. What is cut short is found
 * again by the next pass: doors that have their job sleep no more.
 */
async function sendPages(
  deps: FlowDeps,
  loadPage: LoadPage,
  budget: Budget,
  pageSize = doorsPerPage,
): Promise<{ sent: number; isAll: boolean }> {
  let sent = 0;
  let after: PlanKey | null = null;
  do {
    if (budget.isOver() !== null) return { sent, isAll: false };
    const page: DoorPage = await deps.db.prisma.$transaction(async (tx) => {
      const { found, last } = await loadPage(tx, after, pageSize);
      await deps.queue.sendPlans(tx, found);
      return { found, last };
    });
    sent += page.found.length;
    after = page.last;
  } while (after !== null);
  return { sent, isAll: true };
}
