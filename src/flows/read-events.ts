// What Seam tells by webhook it also keeps in a list. Each pass reads that list from where the last one stopped and puts what no
// delivery brought into the same inbox, so that a lost delivery is made good within one interval.
import { z } from 'zod';
import { readEvent } from '../core/seam-event.ts';
import { usedEventTypes } from '../core/seam-event-types.ts';
import { insertInboxEvent, knownKeys } from '../db/inbox.ts';
import { type ReconcilePosition, savePosition } from '../db/installation.ts';
import type { FlowDeps } from './flow-deps.ts';
import { eventRow } from './receive-webhook.ts';
import type { Budget } from './reconcile-budget.ts';

// An event may show in the list later than it is dated.
const overlapMs = 3_600_000;
// Seam's clock may be ahead of ours.
const skewMs = 60_000;
// Seam's own default.
const pageSize = 500;

const Dated = z.object({ created_at: z.coerce.date() });

export interface EventsRead {
  readonly seen: number;
  /** Those that no delivery had brought; in a dry run, that would be stored. */
  readonly missing: number;
  /** Why the reading was cut short, in a sentence; null when it came to its end. */
  readonly stoppedBecause: string | null;
}

/**
 * Reads on to now. Types that lead to nothing are not asked for: they would fill the inbox and change nothing. The span is kept
 * until it is read to its end, whatever order Seam lists it in; only then, and only if it held later events, the cursor moves on.
 */
export async function readEvents(
  deps: FlowDeps,
  position: ReconcilePosition,
  budget: Budget,
  isDry: boolean,
): Promise<EventsRead> {
  const { prisma } = deps.db;
  const { createdAt, eventsReadTo } = position;
  const from = new Date(Math.max(createdAt.getTime(), (eventsReadTo ?? createdAt).getTime() - overlapMs));
  const to = position.eventsReadingTo ?? new Date(deps.now().getTime() + skewMs);
  const resumedAt = position.eventsReadingTo === null ? 0 : position.eventsOffset;
  let [offset, missing, latestMs] = [resumedAt, 0, 0];
  let stoppedBecause: string | null = null;
  for (let isLast = false; !isLast; ) {
    stoppedBecause = budget.take(1);
    if (stoppedBecause !== null) break;
    const page = await deps.seam.listEvents({ from, to, types: usedEventTypes, offset, limit: pageSize });
    if (!page.ok) {
      budget.noteFailure(page.failure);
      stoppedBecause = page.failure.message;
      break;
    }
    missing += await storeMissing(deps, page.value, isDry);
    latestMs = Math.max(latestMs, ...page.value.map(datedMs));
    offset += page.value.length;
    isLast = page.value.length < pageSize;
  }
  if (!isDry) await remember();
  return { seen: offset - resumedAt, missing, stoppedBecause };

  async function remember(): Promise<void> {
    if (stoppedBecause !== null) {
      if (offset > resumedAt) await savePosition(prisma, { eventsReadingTo: to, eventsOffset: offset });
      return;
    }
    // What was read in an earlier pass was not later than the span.
    const isResumed = position.eventsReadingTo !== null;
    const readToMs = isResumed ? to.getTime() - skewMs : Math.min(latestMs, deps.now().getTime());
    if (!isResumed && readToMs <= (eventsReadTo?.getTime() ?? 0)) return;
    await savePosition(prisma, { eventsReadTo: new Date(readToMs), eventsReadingTo: null, eventsOffset: 0 });
  }
}

async function storeMissing(deps: FlowDeps, events: readonly unknown[], isDry: boolean): Promise<number> {
  // Without an id an event cannot be told from the one that a delivery brought.
  const named = events.filter((event) => readEvent(event).eventId !== undefined);
  const rows = named.map((event) => eventRow(event));
  const known = await knownKeys(
    deps.db.prisma,
    rows.map(({ key }) => key),
  );
  let missing = 0;
  for (const row of rows.filter(({ key }) => !known.has(key))) {
    if (isDry || (await insertInboxEvent(deps.db, row))) missing += 1;
  }
  return missing;
}

function datedMs(event: unknown): number {
  const dated = Dated.safeParse(event);
  return dated.success ? dated.data.created_at.getTime() : 0;
}
