import type { Tx } from './client.ts';
import type { Prisma } from './generated/client.ts';

/** One thing that was done or seen, and why. The message is for people and never holds a PIN. */
export interface HistoryEntry {
  readonly at: Date;
  readonly kind: HistoryKind;
  readonly message: string;
  /** A person should look: logged at error. */
  readonly alert?: boolean;
  readonly scheduleId?: string | undefined;
  readonly deviceId?: string | undefined;
  readonly codeId?: string | undefined;
  readonly eventKey?: string | undefined;
  readonly detail?: Prisma.InputJsonObject;
  /** Who carries the PIN: named in the log line of an alert, and not kept. */
  readonly holder?: string | null;
}

export type HistoryKind =
  | 'schedule.created'
  | 'schedule.changed'
  | 'schedule.ended'
  | 'window.planned'
  | 'window.moved'
  | 'window.missed'
  | 'window.closed'
  | 'window.reopened'
  | 'code.created'
  | 'code.adopted'
  | 'code.unsettled'
  | 'code.postponed'
  | 'code.refused'
  | 'code.updated'
  | 'code.deleting'
  | 'code.removed'
  | 'code.watched'
  | 'code.reported';

/** Appends one entry. */
export async function insertHistory(tx: Tx, entry: HistoryEntry): Promise<void> {
  await tx.historyEntry.create({
    data: {
      at: entry.at,
      kind: entry.kind,
      alert: entry.alert ?? false,
      message: entry.message,
      scheduleId: entry.scheduleId ?? null,
      deviceId: entry.deviceId ?? null,
      codeId: entry.codeId ?? null,
      eventKey: entry.eventKey ?? null,
      ...(entry.detail === undefined ? {} : { detail: entry.detail }),
    },
    select: { id: true },
  });
}
