// Finds doors that should be planned and that nothing would wake, and sends plan jobs for them. One replica at a time, in
// pages, each with a transaction of its own. Due rows and open outcomes are the due-row pump's.
import { type DoorPage, doorsOfActiveSchedules, sleepingDoors } from '../db/access-codes.ts';
import type { Tx } from '../db/client.ts';
import { saveTzdataVersion, tzdataVersionOf } from '../db/installation.ts';
import type { PlanKey } from '../db/queue.ts';
import type { FlowDeps } from './flow-deps.ts';

const pageSize = 2_000;
// Any constant will do: it names the lock among the advisory locks of this database.
const lockKey = 7_215_003;

/** How many doors a pass sent plan jobs for. */
export interface ReconcileReport {
  /** A first code, or a chain that stopped. */
  readonly woken: number;
  /** Every door, because the time-zone data of this process is not what the plans were made with. */
  readonly replanned: number;
}

type LoadPage = (tx: Tx, after: PlanKey | null, pageSize: number) => Promise<DoorPage>;

/** One pass. Writes nothing when all is well; does nothing where another replica is at it. */
export async function reconcile(deps: FlowDeps, tzdataVersion = process.versions.tz ?? ''): Promise<ReconcileReport> {
  const woken = (await sendPages(deps, sleepingDoors)) ?? 0;
  const replanned = await replanAfterTzdata(deps, tzdataVersion);
  if (woken > 0 || replanned > 0) deps.log.info({ event: 'reconcile.completed', woken, replanned }, 'reconciled');
  return { woken, replanned };
}

async function replanAfterTzdata(deps: FlowDeps, tzdataVersion: string): Promise<number> {
  const known = await tzdataVersionOf(deps.db.prisma);
  if (known === tzdataVersion) return 0;
  // Plans of an installation that has not noted a version are younger than this process.
  const sent = known === null ? 0 : await sendPages(deps, doorsOfActiveSchedules);
  // Noted last: a pass that is cut short is made again.
  if (sent !== null) await saveTzdataVersion(deps.db.prisma, tzdataVersion);
  return sent ?? 0;
}

/** Sends plan jobs for all doors that are found, page by page; null when another replica is reconciling. */
async function sendPages(deps: FlowDeps, loadPage: LoadPage): Promise<number | null> {
  let sent = 0;
  let after: PlanKey | null = null;
  do {
    const page: DoorPage | null = await deps.db.prisma.$transaction(async (tx) => {
      const [lock] = await tx.$queryRaw<{ held: boolean }[]>`select pg_try_advisory_xact_lock(${lockKey}) as held`;
      if (lock?.held !== true) return null;
      const { found, last } = await loadPage(tx, after, pageSize);
      await deps.queue.sendPlans(tx, found);
      return { found, last };
    });
    if (page === null) return null;
    sent += page.found.length;
    after = page.last;
  } while (after !== null);
  return sent;
}
