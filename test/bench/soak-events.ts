// What became of each event that Seam had to tell during `soak`, and how long its deliveries took to be acknowledged.

import diagnostics from 'node:diagnostics_channel';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type pg from 'pg';
import type { Simulator } from '../../src/simulator/simulator.ts';
import type { SoakPlan } from './soak-plan.ts';

export interface EventsJudged {
  /** Events that happened at Seam before the service came to rest, and their rows by what became of them; state null: there is none. */
  readonly told: number;
  readonly fates: readonly { readonly state: string | null; readonly reason: string | null; readonly events: number }[];
  readonly acknowledged: number;
  readonly acknowledgedWithoutRow: number;
  /** From the commit of a row to the end of its job, for what came in the run. */
  readonly seconds: { readonly p50: number; readonly p99: number; readonly max: number };
}

/** Ids of the events that were answered with 2xx, kept beyond the simulator's own log, and how many deliveries that took. */
export class Acknowledged {
  readonly eventIds = new Set<string>();
  deliveries = 0;
  failed = 0;
  #last: Simulator['deliveries'][number] | undefined;

  /** Notes what came since the last time. */
  take({ deliveries }: Simulator): void {
    const next = this.#last === undefined ? 0 : deliveries.lastIndexOf(this.#last) + 1;
    for (const { outcome, event_id } of deliveries.slice(next)) {
      if (outcome === 'delivered') {
        this.eventIds.add(event_id);
        this.deliveries += 1;
      } else this.failed += 1;
    }
    this.#last = deliveries.at(-1);
  }
}

export async function judgeEvents(
  { db, simulator, plan }: { db: pg.Pool; simulator: Simulator; plan: SoakPlan },
  acknowledged: Acknowledged,
  before: Date,
): Promise<EventsJudged> {
  const told = simulator.events.flatMap(({ event_id, created_at }) =>
    new Date(created_at) < before ? [event_id] : [],
  );
  const { rows: waited } = await db.query<{ seconds: number[] }>(
    `select percentile_cont(array[0.5, 0.99, 1]) within group
              (order by extract(epoch from done_at - received_at))::float[] as seconds
       from inbox where done_at is not null and received_at >= $1`,
    [plan.run.startsAt],
  );
  const [p50 = Number.NaN, p99 = Number.NaN, max = Number.NaN] = waited[0]?.seconds ?? [];
  const gone = (await fatesOf(db, [...acknowledged.eventIds])).find(({ state }) => state === null);
  return {
    told: told.length,
    fates: await fatesOf(db, told),
    acknowledged: acknowledged.eventIds.size,
    acknowledgedWithoutRow: gone?.events ?? 0,
    seconds: { p50, p99, max },
  };
}

async function fatesOf(db: pg.Pool, eventIds: readonly string[]): Promise<EventsJudged['fates']> {
  const { rows } = await db.query<EventsJudged['fates'][number]>(
    `select state::text, reason, count(*)::int as events
       from unnest($1::text[]) as id left join inbox on key = id group by 1, 2 order by 3 desc`,
    [eventIds],
  );
  return rows;
}

/** How long this process's deliveries take from here to the head of an answer of 2xx, in milliseconds, until it is disposed of. */
export function timeDeliveries(): Disposable & { readonly tookMs: readonly number[] } {
  const tookMs: number[] = [];
  const startedMs = new WeakMap<ClientRequest, number>();
  const onStart = (message: unknown): void => {
    const { request } = message as { request: ClientRequest };
    if (request.path === '/webhooks/seam') startedMs.set(request, performance.now());
  };
  const onFinish = (message: unknown): void => {
    const { request, response } = message as { request: ClientRequest; response: IncomingMessage };
    const at = startedMs.get(request);
    if (at !== undefined && response.statusCode === 202) tookMs.push(performance.now() - at);
  };
  diagnostics.subscribe('http.client.request.start', onStart);
  diagnostics.subscribe('http.client.response.finish', onFinish);
  return {
    tookMs,
    [Symbol.dispose]() {
      diagnostics.unsubscribe('http.client.request.start', onStart);
      diagnostics.unsubscribe('http.client.response.finish', onFinish);
    },
  };
}
