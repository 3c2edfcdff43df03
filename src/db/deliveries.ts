// Messages on their way to endpoints. They are written by triggers (migration outgoing_webhooks); here they are sent, replayed, shown.
import type { Tx } from './client.ts';
import { Prisma } from './generated/client.ts';

/** Endpoints that something is due for and no job is alive for. */
export async function dueEndpoints(tx: Tx, now: Date, limit: number): Promise<string[]> {
  const rows = await tx.$queryRaw<{ id: string }[]>`
    select e.id
      from webhook_endpoints e
     where e.disabled_at is null and (e.quiet_until is null or e.quiet_until <= ${now})
       and exists (select 1 from webhook_deliveries d where d.endpoint_id = e.id and d.due_at <= ${now})
       and not exists (select 1 from pgboss.job j
                        where j.name = 'notify' and j.state in ('created', 'retry', 'active') and j.singleton_key = e.id::text)
     limit ${limit}`;
  return rows.map(({ id }) => id);
}

/** A message that is to be sent to an endpoint. */
export interface DueMessage {
  readonly id: string;
  readonly type: string;
  readonly payload: unknown;
  /** Failed attempts so far. */
  readonly attempts: number;
}

/** What is due longest. */
export async function dueMessages(tx: Tx, endpointId: string, now: Date, limit: number): Promise<DueMessage[]> {
  return tx.$queryRaw<DueMessage[]>`
    select m.id, m.type, m.payload, d.attempts
      from (select message_id, due_at, attempts from webhook_deliveries
             where endpoint_id = ${endpointId}::uuid and due_at <= ${now}
             order by due_at limit ${limit}) d
      join webhook_messages m on m.id = d.message_id
     order by d.due_at`;
}

/** What became of an attempt. */
export interface AttemptNote {
  readonly messageId: string;
  readonly status: number | null;
  readonly error: string | null;
  readonly isDelivered: boolean;
  /** Null: it is not sent again. */
  readonly dueAt: Date | null;
}

export async function noteAttempts(tx: Tx, endpointId: string, at: Date, notes: readonly AttemptNote[]): Promise<void> {
  await tx.$executeRaw`
    update webhook_deliveries d
       set attempts = d.attempts + 1, attempted_at = ${at}::timestamptz, status = n.status, error = n.error, due_at = n."dueAt",
           delivered_at = case when n."isDelivered" then ${at}::timestamptz end
      from jsonb_to_recordset(${JSON.stringify(notes)}::jsonb)
        as n("messageId" uuid, status int, error text, "isDelivered" boolean, "dueAt" timestamptz)
     where d.endpoint_id = ${endpointId}::uuid and d.message_id = n."messageId"`;
}

/**
 * Has what waits for an endpoint that is back after an outage sent now, or alerts of that time would come hours late. What it refused by
 * itself keeps its time.
 */
export async function hastenMessages(tx: Tx, endpointId: string, now: Date): Promise<void> {
  await tx.$executeRaw`
    update webhook_deliveries set due_at = ${now}
     where endpoint_id = ${endpointId}::uuid and due_at > ${now} and (status is null or status in (429, 502, 503, 504))`;
}

/** Which messages are to be sent again: one by its id, or those since an instant. */
export type Replayed = { readonly messageId: string } | { readonly since: Date };

const pageSize = 1_000;

/** Has messages sent to an endpoint (again) that it wants to be told of, under their ids; answers how many. */
export async function replayMessages(tx: Tx, endpointId: string, which: Replayed, now: Date): Promise<number> {
  const id = 'messageId' in which ? which.messageId : null;
  let after = { at: 'since' in which ? which.since : new Date(0), id: '00000000-0000-0000-0000-000000000000' };
  let replayed = 0;
  for (;;) {
    // The endpoint before its deliveries, as who notes attempts does: the other way round each would wait for the other.
    const [page] = await tx.$queryRaw<{ rows: number; replayed: number; at: Date | null; id: string | null }[]>`
      with held as (select id, event_types from webhook_endpoints where id = ${endpointId}::uuid for no key update),
           page as (select id, at, type from webhook_messages
                     where (at, id) > (${after.at}::timestamptz, ${after.id}::uuid) and (${id}::uuid is null or id = ${id}::uuid)
                     order by at, id limit ${pageSize}),
           sent as (insert into webhook_deliveries as d (endpoint_id, message_id, due_at)
                    select e.id, p.id, ${now}::timestamptz
                      from held e join page p on (${id}::uuid is not null or e.event_types = '{}' or p.type = any(e.event_types))
                    on conflict (endpoint_id, message_id)
                    do update set due_at = excluded.due_at, attempts = 0, delivered_at = null
                    returning 1)
      select (select count(*)::int from page) as rows, (select count(*)::int from sent) as replayed,
             (select at from page order by at desc, id desc limit 1) as at,
             (select id from page order by at desc, id desc limit 1) as id`;
    replayed += page?.replayed ?? 0;
    if (page === undefined || page.at === null || page.id === null || page.rows < pageSize) return replayed;
    after = { at: page.at, id: page.id };
  }
}

/** How a message stands with an endpoint. */
export interface DeliveryView {
  readonly messageId: string;
  readonly type: string;
  readonly at: Date;
  readonly state: 'waiting' | 'delivered' | 'given_up';
  readonly attempts: number;
  readonly attemptedAt: Date | null;
  readonly dueAt: Date | null;
  readonly status: number | null;
  readonly error: string | null;
}

const states = {
  waiting: Prisma.sql`d.due_at is not null`,
  delivered: Prisma.sql`d.due_at is null and d.delivered_at is not null`,
  given_up: Prisma.sql`d.due_at is null and d.delivered_at is null`,
} as const;

/** An endpoint's messages, the latest first. @param before the last one of the page before */
export async function listDeliveries(
  tx: Tx,
  endpointId: string,
  {
    before,
    state,
    limit,
  }: { before?: { at: Date; id: string } | undefined; state?: DeliveryView['state'] | undefined; limit: number },
): Promise<DeliveryView[]> {
  return tx.$queryRaw<DeliveryView[]>`
    select m.id as "messageId", m.type, m.at, d.attempts, d.attempted_at as "attemptedAt", d.due_at as "dueAt", d.status, d.error,
           case when d.due_at is not null then 'waiting' when d.delivered_at is not null then 'delivered' else 'given_up' end as state
      from webhook_deliveries d join webhook_messages m on m.id = d.message_id
     where d.endpoint_id = ${endpointId}::uuid
       and ${state === undefined ? Prisma.sql`true` : states[state]}
       and (${before?.at ?? null}::timestamptz is null
            or (m.at, m.id) < (${before?.at ?? null}::timestamptz, ${before?.id ?? null}::uuid))
     order by m.at desc, m.id desc
     limit ${limit}`;
}

/** How many messages wait for each endpoint. */
export async function countWaiting(tx: Tx): Promise<ReadonlyMap<string, number>> {
  const rows = await tx.webhookDelivery.groupBy({
    by: ['endpointId'],
    where: { dueAt: { not: null } },
    _count: { messageId: true },
  });
  return new Map(rows.map(({ endpointId, _count }) => [endpointId, _count.messageId]));
}
