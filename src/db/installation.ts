import type { Tx } from './client.ts';

/** The marker prefix of this installation: the given one at first use, the stored one ever after. */
export async function loadOrSaveMarkerPrefix(tx: Tx, markerPrefix: string, now: Date): Promise<string> {
  await tx.installation.createMany({ data: [{ id: 1, markerPrefix, createdAt: now }], skipDuplicates: true });
  const row = await tx.installation.findUniqueOrThrow({ where: { id: 1 } });
  return row.markerPrefix;
}

export async function saveTzdataVersion(tx: Tx, tzdataVersion: string): Promise<void> {
  await tx.installation.updateMany({ where: { id: 1 }, data: { tzdataVersion } });
}

/** The marker prefix, where a service has run on this database. */
export async function markerPrefixOf(tx: Tx): Promise<string | null> {
  const row = await tx.installation.findUnique({ where: { id: 1 }, select: { markerPrefix: true } });
  return row?.markerPrefix ?? null;
}

/** Where the reconciler stands; see the model Installation. */
export interface ReconcilePosition {
  readonly createdAt: Date;
  readonly eventsReadTo: Date | null;
  readonly eventsReadingTo: Date | null;
  readonly eventsOffset: number;
  readonly devicesComparedTo: string | null;
  /** Version of the time-zone data that the plans were last made with; null when none was noted. */
  readonly tzdataVersion: string | null;
}

export async function loadPosition(tx: Tx): Promise<ReconcilePosition> {
  return tx.installation.findUniqueOrThrow({ where: { id: 1 }, omit: { markerPrefix: true } });
}

export async function savePosition(
  tx: Tx,
  position: Partial<Omit<ReconcilePosition, 'createdAt' | 'tzdataVersion'>>,
): Promise<void> {
  await tx.installation.updateMany({ where: { id: 1 }, data: position });
}
