import pg from 'pg';
import type { Json } from '../core/redact.ts';
import type { Db, Tx } from './client.ts';

/** A verified message on its way into the inbox; see the model InboxEvent. */
export interface NewInboxRow {
  readonly key: string;
  readonly svixId: string | undefined;
  readonly eventType: string | undefined;
  readonly accessCodeId: string | undefined;
  readonly deviceId: string | undefined;
  readonly occurredAt: Date | undefined;
  /** Without PINs; undefined where the body is no JSON. */
  readonly payload: Json | undefined;
  /** Why it is done with on arrival; undefined: it is to be handled. */
  readonly ignoredReason: string | undefined;
}

/** The row could not be stored, or we cannot know whether it was: the sender must send again. */
export class InboxUnavailable extends Error {
  override readonly name = 'InboxUnavailable';
}

// Prepared, because this statement is the cost of an acknowledgement.
const insertEvent = {
  name: 'inbox_insert',
  text: `insert into inbox (key, svix_id, event_type, access_code_id, device_id, occurred_at, payload, state, reason, done_at)
    values ($1, $2, $3, $4, $5, $6, $7, case when $8::text is null then 'received' else 'ignored' end::inbox_state, $8,
      case when $8 is null then null else now() end)
    on conflict (key) do nothing`,
};
// One wait for a connection and one for the statement may add up to more than the sender is promised.
const deadlineMs = 2_500;

/**
 * Stores a message, durably once it returns: true if it is new, false if it was there already (a duplicate waits for the
 * commit of the first, so false is as good a promise as true). Throws InboxUnavailable within 3 s if the database
 * does not take it; the row may then exist all the same.
 */
export async function insertInboxEvent(db: Db, row: NewInboxRow): Promise<boolean> {
  const values = [
    row.key,
    row.svixId,
    row.eventType,
    row.accessCodeId,
    row.deviceId,
    row.occurredAt?.toISOString(),
    row.payload === undefined ? undefined : JSON.stringify(row.payload),
    row.ignoredReason,
  ];
  const { rowCount } = await withDeadline(db.pool.query({ ...insertEvent, values }));
  return rowCount === 1;
}

/** Those of the keys that have a row. */
export async function knownKeys(tx: Tx, keys: readonly string[]): Promise<ReadonlySet<string>> {
  if (keys.length === 0) return new Set();
  const rows = await tx.inboxEvent.findMany({ where: { key: { in: [...keys] } }, select: { key: true } });
  return new Set(rows.map(({ key }) => key));
}

async function withDeadline<T>(statement: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${deadlineMs} ms`)), deadlineMs);
  });
  try {
    return await Promise.race([statement, expired]);
  } catch (error) {
    throw isOurFault(error) ? error : new InboxUnavailable('the inbox cannot be written', { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

// Data that PostgreSQL cannot hold (classes 22 and 54) is a bug of ours; all else is the database's condition.
function isOurFault(error: unknown): boolean {
  return error instanceof pg.DatabaseError && /^(22|54)/.test(error.code ?? '');
}
