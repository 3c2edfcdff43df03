// An inbox row becomes knowledge about a code or a device, and a plan job for each door that it touches. What to do is decided
// there, from the state of then; so order and repetition of events do not matter.
import { isOpen } from '../core/access-code.ts';
import { type AboutCode, classifyFields, type EventMeaning } from '../core/seam-event.ts';
import { findByAccessCodeId, isCreationUnsettled, noteGoneSignal, type StoredCode } from '../db/access-codes.ts';
import type { Tx } from '../db/client.ts';
import { type HistoryEntry, insertHistory } from '../db/history.ts';
import { deferEvent, lockReceived, settleEvent } from '../db/inbox-jobs.ts';
import type { FlowDeps } from './flow-deps.ts';
import { noteNews } from './note-news.ts';
import { logEntry } from './record.ts';
import { recordReach } from './record-reach.ts';
import { requestPlans } from './request-plans.ts';

// The event of a code that is just being created is ours or not only once that creation is settled.
const waitSeconds = 30;

export type EventOutcome = 'handled' | 'ignored' | 'waiting' | 'done_before';

type CodeEvent = Extract<EventMeaning, { kind: 'code' }>;

interface Handled {
  readonly outcome: EventOutcome;
  readonly entries?: readonly HistoryEntry[];
}

/** Handles one inbox row, once: a row that is not `received` any more was handled by another run. */
export async function handleEvent(deps: FlowDeps, key: string): Promise<EventOutcome> {
  const { outcome, entries = [] } = await deps.db.prisma.$transaction(async (tx): Promise<Handled> => {
    // The lock makes "nobody's code" and the recording of that code's id take turns: neither can overlook the other.
    const row = await lockReceived(tx, key);
    if (row === null) return { outcome: 'done_before' };
    const meaning = classifyFields(row);
    if (meaning.kind === 'ignored') return ignore(tx, key, meaning.reason);
    const report = { eventKey: key, eventType: row.eventType ?? '', at: deps.now() };
    if (meaning.kind === 'code') return handleCode(deps, tx, meaning, report);
    const reached = await recordReach(deps, tx, meaning, report);
    if (reached === null) return ignore(tx, key, 'no_schedule_on_device');
    await settleEvent(tx, key, { state: 'handled', reason: meaning.awayBecause ?? 'back' });
    return { outcome: 'handled', entries: reached };
  });
  for (const entry of entries) logEntry(deps.log, entry);
  return outcome;
}

async function handleCode(
  deps: FlowDeps,
  tx: Tx,
  meaning: CodeEvent,
  report: { eventKey: string; eventType: string; at: Date },
): Promise<Handled> {
  const { eventKey } = report;
  const code = await findByAccessCodeId(tx, meaning.accessCodeId);
  if (code === null) {
    const deviceId = meaning.deviceId ?? null;
    if (deviceId === null || !(await isCreationUnsettled(tx, deviceId)))
      return ignore(tx, eventKey, 'no_schedule_owns_code');
    await deferEvent(tx, eventKey, waitSeconds);
    return { outcome: 'waiting' };
  }
  if (meaning.news === 'gone') await recordGone(deps, tx, code, meaning);
  const entry = await noteNews(deps, tx, code, meaning, report);
  await insertHistory(tx, entry);
  await settleEvent(tx, eventKey, { state: 'handled', reason: meaning.news });
  return { outcome: 'handled', entries: [entry] };
}

async function ignore(tx: Tx, key: string, reason: string): Promise<Handled> {
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
