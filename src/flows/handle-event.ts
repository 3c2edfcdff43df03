// An inbox row becomes knowledge about a code, and a plan job for its door. What to do is decided there, from the state of
// then; so order and repetition of events do not matter.
import { isOpen } from '../core/access-code.ts';
import { type AboutCode, classifyFields } from '../core/seam-event.ts';
import { findByAccessCodeId, isCreationUnsettled, noteGoneSignal, type StoredCode } from '../db/access-codes.ts';
import type { Tx } from '../db/client.ts';
import { insertHistory } from '../db/history.ts';
import { deferEvent, lockReceived, settleEvent } from '../db/inbox-jobs.ts';
import type { FlowDeps } from './flow-deps.ts';
import { logEntry } from './record.ts';
import { reportEntry } from './report.ts';
import { requestPlans } from './request-plans.ts';

// The event of a code that is just being created is ours or not only once that creation is settled.
const waitSeconds = 30;

export type EventOutcome = 'handled' | 'ignored' | 'waiting' | 'done_before';

/** Handles one inbox row, once: a row that is not `received` any more was handled by another run. */
export async function handleEvent(deps: FlowDeps, key: string): Promise<EventOutcome> {
  const result = await deps.db.prisma.$transaction(async (tx) => {
    // The lock makes "nobody's code" and the recording of that code's id take turns: neither can overlook the other.
    const row = await lockReceived(tx, key);
    if (row === null) return { outcome: 'done_before' as const };
    const meaning = classifyFields(row);
    if (meaning.kind === 'ignored') return ignore(tx, key, meaning.reason);
    const code = await findByAccessCodeId(tx, meaning.accessCodeId);
    if (code === null) {
      const deviceId = meaning.deviceId ?? null;
      if (deviceId === null || !(await isCreationUnsettled(tx, deviceId)))
        return ignore(tx, key, 'no_schedule_owns_code');
      await deferEvent(tx, key, waitSeconds);
      return { outcome: 'waiting' as const };
    }
    const alert = meaning.kind === 'note' && meaning.alert;
    const entry = await reportEntry(tx, code, { eventKey: key, eventType: row.eventType ?? '', alert, at: deps.now() });
    await insertHistory(tx, entry);
    if (meaning.kind === 'gone') await recordGone(deps, tx, code, meaning);
    await settleEvent(tx, key, { state: 'handled', reason: meaning.kind });
    return { outcome: 'handled' as const, entry };
  });
  if ('entry' in result) logEntry(deps.log, result.entry);
  return result.outcome;
}

async function ignore(tx: Tx, key: string, reason: string): Promise<{ outcome: 'ignored' }> {
  await settleEvent(tx, key, { state: 'ignored', reason });
  return { outcome: 'ignored' };
}

/** Notes the first report that the code is gone, and has its door planned; a later one says nothing new. */
async function recordGone(deps: FlowDeps, tx: Tx, code: StoredCode, { occurredAt }: AboutCode): Promise<void> {
  if (!isOpen(code)) return;
  // First, because it locks the door's rows in their order.
  await requestPlans(deps, tx, [code]);
  await noteGoneSignal(tx, code, occurredAt ?? deps.now());
}
