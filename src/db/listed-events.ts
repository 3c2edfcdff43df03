// The inbox as people are shown it, without what the events say. Times here are the database's.
import type { Tx } from './client.ts';

export type EventState = 'received' | 'handled' | 'ignored' | 'dead';

export interface ListedEvent {
  readonly key: string;
  readonly state: EventState;
  readonly reason: string | null;
  readonly eventType: string | null;
  readonly deviceId: string | null;
  readonly accessCodeId: string | null;
  readonly occurredAt: Date | null;
  readonly receivedAt: Date;
  readonly doneAt: Date | null;
}

/** The last events that came in, newest first. */
export async function listEvents(
  tx: Tx,
  { state, eventType }: { state?: EventState; eventType?: string },
  limit: number,
): Promise<ListedEvent[]> {
  return tx.inboxEvent.findMany({
    where: { ...(state !== undefined && { state }), ...(eventType !== undefined && { eventType }) },
    omit: { payload: true, svixId: true, run: true, jobId: true, dueAt: true },
    orderBy: [{ receivedAt: 'desc' }, { key: 'asc' }],
    take: limit,
  });
}
