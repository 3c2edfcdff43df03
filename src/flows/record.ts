// What happens is told twice, in one place: to the history in the caller's transaction, to the log once that is committed.
import type { Logger } from 'pino';
import type { Db, Tx } from '../db/client.ts';
import { type HistoryEntry, insertHistory } from '../db/history.ts';

/**
 * Runs a change and records it in one transaction; logs it after the commit. A change that answers false was overtaken by
 * somebody else: nothing is written and nothing is said.
 */
export async function commit(
  deps: { db: Db; log: Logger },
  entry: HistoryEntry,
  change: (tx: Tx) => Promise<boolean>,
): Promise<boolean> {
  const isDone = await deps.db.prisma.$transaction(async (tx) => {
    if (!(await change(tx))) return false;
    await insertHistory(tx, entry);
    return true;
  });
  if (isDone) logEntry(deps.log, entry);
  return isDone;
}

/** Records what changes no row. */
export async function record(deps: { db: Db; log: Logger }, entry: HistoryEntry): Promise<void> {
  await deps.db.prisma.$transaction((tx) => insertHistory(tx, entry));
  logEntry(deps.log, entry);
}

/** The log line of a history entry; an alert is an error, because a person should look. */
export function logEntry(log: Logger, entry: HistoryEntry): void {
  const fields = {
    event: entry.kind,
    schedule_id: entry.scheduleId,
    device_id: entry.deviceId,
    code_id: entry.codeId,
    seam_event_id: entry.eventKey,
    at: entry.at,
    ...entry.detail,
  };
  if (entry.alert === true) log.error({ ...fields, holder: entry.holder ?? undefined }, entry.message);
  else log.info(fields, entry.message);
}
