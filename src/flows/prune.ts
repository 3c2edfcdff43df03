// Every night old rows are cleared away by one replica, in pages. What was deleted stays deleted: a pass that is cut short is gone
// on with by the next one. An event whose row is gone does no harm if it comes again: what is done about it is judged by the state
// of its code, and its code's row is final or gone by then.
import type { Tx } from '../db/client.ts';
import {
  type Page,
  type Pruned,
  pruneAlerts,
  pruneAnswers,
  pruneCodes,
  pruneDeadLetters,
  pruneHistory,
  pruneInbox,
  pruneMessages,
  returnPruning,
  takePruning,
} from '../db/prune.ts';
import type { FlowDeps } from './flow-deps.ts';

type PruneDeps = Pick<FlowDeps, 'db' | 'now' | 'log'>;

/** How many rows went. */
export type PruneReport = Readonly<
  Record<'history' | 'codes' | 'inbox' | 'alerts' | 'deadLetters' | 'messages' | 'answers', number>
>;

const dayMs = 24 * 3_600_000;
const nightHourUtc = 3;
const pageSize = 1_000;
/** Seam repeats deliveries for a day, people replay them for weeks, and the reconciler reads events again: their keys stay so long. */
const inboxDaysMin = 30;

/** Prunes once a night, after 03:00 UTC; null when that was done. @param signal between two pages, whether to stop */
export async function pruneNightly(
  deps: PruneDeps,
  retentionDays: number,
  signal?: AbortSignal,
): Promise<PruneReport | null> {
  const now = deps.now();
  const since = new Date(
    Math.floor((now.getTime() - nightHourUtc * 3_600_000) / dayMs) * dayMs + nightHourUtc * 3_600_000,
  );
  if (!(await takePruning(deps.db.prisma, since, now))) return null;
  try {
    const report = await prune(deps, retentionDays, signal);
    if (signal?.aborted === true) await returnPruning(deps.db.prisma);
    return report;
  } catch (error) {
    // Where even this fails, the next night goes on.
    await returnPruning(deps.db.prisma).catch(() => undefined);
    throw error;
  }
}

async function prune(deps: PruneDeps, retentionDays: number, signal?: AbortSignal): Promise<PruneReport> {
  const { prisma } = deps.db;
  const before = new Date(deps.now().getTime() - retentionDays * dayMs);
  const all = async (onePage: (tx: Tx, page: Page) => Promise<Pruned>): Promise<number> => {
    let deleted = 0;
    let after: string | null = null;
    do {
      const page: Pruned = await onePage(prisma, { after, pageSize });
      deleted += page.deleted;
      after = page.last;
    } while (after !== null && signal?.aborted !== true);
    return deleted;
  };
  const report: PruneReport = {
    // Before the codes, whose state decides what of it stays.
    history: await all((tx, page) => pruneHistory(tx, before, page)),
    codes: await all((tx, page) => pruneCodes(tx, before, page)),
    inbox: await all((tx, page) => pruneInbox(tx, Math.max(inboxDaysMin, retentionDays), page)),
    alerts: await all((tx, page) => pruneAlerts(tx, before, page)),
    deadLetters: await all((tx, page) => pruneDeadLetters(tx, retentionDays, page)),
    messages: await all((tx, page) => pruneMessages(tx, before, page)),
    // Whatever the setting: nobody repeats a request for longer.
    answers: await all(pruneAnswers),
  };
  if (Object.values(report).some((count) => count > 0)) {
    const { deadLetters, ...others } = report;
    deps.log.info({ event: 'retention.pruned', ...others, dead_letters: deadLetters }, 'old rows were cleared away');
  }
  return report;
}
