// Windows and quiet times go by this machine's clock, leases by the database's. Each replica brings a clock of its own, so a wrong
// one is told to a person, with its name, before deliveries are refused for it.
import { causeOf } from '../core/alert.ts';
import { isRaised, raiseAlert, resolveCause, resolveUnseen } from '../db/alerts.ts';
import type { HistoryEntry } from '../db/history.ts';
import { databaseNow } from '../db/reconcile.ts';
import type { FlowDeps } from './flow-deps.ts';
import { commit, record } from './record.ts';

const toleratedMs = 30_000;
// More than RECONCILE_INTERVAL_SECONDS may be, which is a day.
const goneAfterMs = 2 * 24 * 3_600_000;

/**
 * Raises an alert about this machine's clock if it is wrong, and resolves it once it is right; another machine's only when that one
 * has made no pass for two days. @param machine whose clock `deps.now` tells
 */
export async function compareClocks(deps: Pick<FlowDeps, 'db' | 'log' | 'now'>, machine: string): Promise<void> {
  const { db } = deps;
  // What is told of wrong clocks is told by the one that they are held against.
  const at = await databaseNow(db);
  const aheadMs = deps.now().getTime() - at.getTime();
  const cause = causeOf('clock.skewed', {}, machine);
  const isKnown = await isRaised(db.prisma, cause);
  if (Math.abs(aheadMs) > toleratedMs) {
    const entry = skewed(at, aheadMs, machine);
    // Seen again it is counted, and not told to the history with every pass.
    if (isKnown) await raiseAlert(db.prisma, entry);
    else await record(deps, entry);
  } else if (isKnown) {
    const message = `The clock of ${machine} and the database's agree again.`;
    await commit(deps, { at, kind: 'clock.agrees', message, detail: { machine } }, async (tx) => {
      await resolveCause(tx, cause, 'clock.agrees', at);
      return true;
    });
  }
  await forgetMachines(deps, at);
}

/** A machine that is no more never makes the pass that would resolve its alert. */
async function forgetMachines(deps: Pick<FlowDeps, 'db' | 'log'>, at: Date): Promise<void> {
  const before = new Date(at.getTime() - goneAfterMs);
  const message = 'A machine whose clock was wrong has made no pass for two days: it is taken for gone.';
  await commit(deps, { at, kind: 'clock.forgotten', message }, async (tx) => {
    return (await resolveUnseen(tx, 'clock.skewed', { before, because: 'clock.forgotten', at })) > 0;
  });
}

function skewed(at: Date, aheadMs: number, machine: string): HistoryEntry {
  const seconds = Math.round(Math.abs(aheadMs) / 1_000);
  const [where, when] = aheadMs > 0 ? ['ahead of', 'early'] : ['behind', 'late'];
  return {
    at,
    kind: 'clock.skewed',
    alert: true,
    aspect: machine,
    message:
      `The clock of ${machine} is ${seconds} s ${where} the database's. If it is the wrong one, windows begin and end ${when} for Relatch, ` +
      "and Seam's deliveries are refused from 5 minutes on. Synchronise both machines by NTP.",
    detail: { machine, ahead_seconds: Math.sign(aheadMs) * seconds },
  };
}
