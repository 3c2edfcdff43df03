// Windows and quiet times go by this machine's clock, leases by the database's. Each replica brings a clock of its own, so a wrong
// one is told to a person, with its name, before deliveries are refused for it.
import { causeOf } from '../core/alert.ts';
import { isRaised, raiseAlert } from '../db/alerts.ts';
import type { HistoryEntry } from '../db/history.ts';
import { databaseNow } from '../db/reconcile.ts';
import type { FlowDeps } from './flow-deps.ts';
import { record } from './record.ts';

const toleratedMs = 30_000;

/** Raises the alert about clocks that differ, and resolves it once they agree. @param machine whose clock `deps.now` tells */
export async function compareClocks(deps: Pick<FlowDeps, 'db' | 'log' | 'now'>, machine: string): Promise<void> {
  const { db } = deps;
  const theirs = await databaseNow(db);
  const at = deps.now();
  const aheadMs = at.getTime() - theirs.getTime();
  const isKnown = await isRaised(db.prisma, causeOf('clock.skewed', {}));
  if (Math.abs(aheadMs) > toleratedMs) {
    const entry = skewed(at, aheadMs, machine);
    // Seen again it is counted, and not told to the history with every pass.
    if (isKnown) await raiseAlert(db.prisma, entry);
    else await record(deps, entry);
  } else if (isKnown) {
    await record(deps, {
      at,
      kind: 'clock.agrees',
      message: `The clock of ${machine} and the database's agree again.`,
      detail: { machine },
    });
  }
}

function skewed(at: Date, aheadMs: number, machine: string): HistoryEntry {
  const seconds = Math.round(Math.abs(aheadMs) / 1_000);
  const [where, when] = aheadMs > 0 ? ['ahead of', 'early'] : ['behind', 'late'];
  return {
    at,
    kind: 'clock.skewed',
    alert: true,
    message:
      `The clock of ${machine} is ${seconds} s ${where} the database's. If it is the wrong one, windows begin and end ${when} for Relatch, ` +
      "and Seam's deliveries are refused from 5 minutes on. Synchronise both machines by NTP.",
    detail: { machine, ahead_seconds: Math.sign(aheadMs) * seconds },
  };
}
