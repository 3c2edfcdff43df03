import type { HistoryKind } from '../core/alert.ts';
import { raiseAlert, raiseAlerts, resolveAlerts, resolveAlertsOfDoors } from './alerts.ts';
import type { Tx } from './client.ts';
import type { Prisma } from './generated/client.ts';
import { inBatches } from './in-batches.ts';

export type { HistoryKind } from '../core/alert.ts';

/** One thing that was done or seen, and why. The message is for people and never holds a PIN. */
export interface HistoryEntry {
  readonly at: Date;
  readonly kind: HistoryKind;
  readonly message: string;
  /** A person should look: logged at error, and an alert until a later entry of the code settles it. */
  readonly alert?: boolean;
  /** Tells causes of one kind about one code from each other. */
  readonly aspect?: string | undefined;
  readonly scheduleId?: string | undefined;
  readonly deviceId?: string | undefined;
  readonly codeId?: string | undefined;
  readonly eventKey?: string | undefined;
  readonly detail?: Prisma.InputJsonObject;
  /** Who carries the PIN: named in the log line of an alert, and not kept. */
  readonly holder?: string | null;
}

/** Appends one entry; raises its alert, and resolves those that it settles. */
export async function insertHistory(tx: Tx, entry: HistoryEntry): Promise<void> {
  await tx.historyEntry.create({ data: rowOf(entry), select: { id: true } });
  await resolveAlerts(tx, entry);
  if (entry.alert === true) await raiseAlert(tx, entry);
}

/** Appends, in a few statements, many entries of one kind about doors and none of their codes; alerts as each by itself. */
export async function insertDoorHistory(tx: Tx, kind: HistoryKind, entries: readonly HistoryEntry[]): Promise<void> {
  await inBatches(entries, (batch) => tx.historyEntry.createMany({ data: batch.map(rowOf) }));
  await resolveAlertsOfDoors(tx, kind, entries);
  await raiseAlerts(
    tx,
    entries.filter(({ alert }) => alert === true),
  );
}

function rowOf(entry: HistoryEntry) {
  return {
    at: entry.at,
    kind: entry.kind,
    alert: entry.alert ?? false,
    message: entry.message,
    scheduleId: entry.scheduleId ?? null,
    deviceId: entry.deviceId ?? null,
    codeId: entry.codeId ?? null,
    eventKey: entry.eventKey ?? null,
    ...(entry.detail === undefined ? {} : { detail: entry.detail }),
  };
}
