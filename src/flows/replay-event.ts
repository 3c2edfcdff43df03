// Has an event handled again, as if it had just come in. What it says is judged against what is known now.
import type { Tx } from '../db/client.ts';
import { openLetterOf } from '../db/dead-letters.ts';
import { type HistoryEntry, insertHistory } from '../db/history.ts';
import { type EventRow, reopenEvent } from '../db/inbox-jobs.ts';
import type { FlowDeps } from './flow-deps.ts';
import { logEntry } from './record.ts';
import { retryDeadLetter } from './settle-dead-letter.ts';

/** waiting: it has not been handled yet, and will be. */
export type Replayed = 'reopened' | 'retried' | 'waiting' | 'unknown';

/** The running service handles it within a second or two. One that is a dead letter is retried as that. */
export async function replayEvent(
  deps: Pick<FlowDeps, 'db' | 'queue' | 'now' | 'log'>,
  key: string,
): Promise<Replayed> {
  const letterId = await openLetterOf(deps.db.prisma, key);
  if (letterId !== null && (await retryDeadLetter(deps, letterId))) return 'retried';
  const { outcome, entry } = await deps.db.prisma.$transaction((tx) => reopen(tx, key, deps.now()));
  if (entry !== null) logEntry(deps.log, entry);
  return outcome;
}

async function reopen(
  tx: Tx,
  key: string,
  at: Date,
): Promise<{ readonly outcome: Replayed; readonly entry: HistoryEntry | null }> {
  const before = await reopenEvent(tx, key);
  if (before === null) return { outcome: 'unknown', entry: null };
  if (before.state === 'received') return { outcome: 'waiting', entry: null };
  const entry = entryOf(key, before, at);
  await insertHistory(tx, entry);
  return { outcome: 'reopened', entry };
}

function entryOf(key: string, { eventType, deviceId, state, reason }: EventRow, at: Date): HistoryEntry {
  const was = reason === null ? state : `${state} (${reason})`;
  return {
    at,
    kind: 'event.replayed',
    message: `Handled again: the event ${key} (${eventType ?? 'of unknown type'}), which was ${was}.`,
    eventKey: key,
    ...(deviceId !== null && { deviceId }),
  };
}
