// Clears old rows away, page by page. Each function looks at up to `pageSize` rows after `after` and answers with the last of them,
// null at the end. Nothing goes that says what is still to be done, or that something is not to be done again.
import type { Tx } from './client.ts';

export interface Page {
  readonly after: string | null;
  readonly pageSize: number;
}

export interface Pruned {
  readonly deleted: number;
  readonly last: string | null;
}

interface Counted {
  readonly looked: number;
  readonly last: string | null;
  readonly deleted: number;
}

function pruned([row]: Counted[], { pageSize }: Page): Pruned {
  if (row === undefined) throw new Error('a query without from answers one row');
  return { deleted: row.deleted, last: row.looked < pageSize ? null : row.last };
}

const firstId = '00000000-0000-0000-0000-000000000000';

/** History of before, except of codes that are still open: each code is explained from its plan on. */
export async function pruneHistory(tx: Tx, before: Date, page: Page): Promise<Pruned> {
  const rows = await tx.$queryRaw<(Counted & { isYoung: boolean })[]>`
    with page as (select id, at, code_id from history where id > ${page.after ?? '0'}::bigint order by id limit ${page.pageSize}),
         gone as (delete from history h using page p
                   where h.id = p.id and p.at < ${before}
                     and not exists (select 1 from access_codes c where c.id = p.code_id and c.next_try_at is not null)
                  returning 1)
    select count(*)::int as looked, max(id)::text as last, (select count(*)::int from gone) as deleted,
           coalesce(min(at) >= ${before}, true) as "isYoung" from page`;
  // In the order of writing: what follows a page without anything old is not old either.
  const result = pruned(rows, page);
  return rows[0]?.isYoung === true ? { ...result, last: null } : result;
}

/**
 * Final codes whose window ended before. Of each door the one with the last window and the one with the highest generation stay:
 * by them it is known which windows were planned, so that none is told as missed or given out again.
 */
export async function pruneCodes(tx: Tx, before: Date, page: Page): Promise<Pruned> {
  const rows = await tx.$queryRaw<Counted[]>`
    with page as (select id from access_codes where id > ${page.after ?? firstId}::uuid order by id limit ${page.pageSize}),
         gone as (delete from access_codes c using page p
                   where c.id = p.id and c.next_try_at is null and c.window_ends_at < ${before}
                     and exists (select 1 from access_codes n
                                  where n.schedule_id = c.schedule_id and n.device_id = c.device_id
                                    and (n.window_ends_at, n.id) > (c.window_ends_at, c.id))
                     and exists (select 1 from access_codes n
                                  where n.schedule_id = c.schedule_id and n.device_id = c.device_id
                                    and (n.generation, n.window_ends_at, n.id) > (c.generation, c.window_ends_at, c.id))
                     and not exists (select 1 from alerts a where a.code_id = c.id and a.state <> 'resolved')
                  returning 1)
    select count(*)::int as looked, (select id::text from page order by id desc limit 1) as last,
           (select count(*)::int from gone) as deleted from page`;
  return pruned(rows, page);
}

/** Events that were handled or ignored, and came, so many days ago by the database's time. */
export async function pruneInbox(tx: Tx, days: number, page: Page): Promise<Pruned> {
  const rows = await tx.$queryRaw<Counted[]>`
    with page as (select key from inbox where key > ${page.after ?? ''} order by key limit ${page.pageSize}),
         gone as (delete from inbox i using page p
                   where i.key = p.key and i.state in ('handled', 'ignored')
                     and greatest(i.received_at, i.done_at) < now() - make_interval(days => ${days}::int)
                  returning 1)
    select count(*)::int as looked, (select key from page order by key desc limit 1) as last,
           (select count(*)::int from gone) as deleted from page`;
  return pruned(rows, page);
}

/** Alerts that were resolved before, or seen by a person and no more since. */
export async function pruneAlerts(tx: Tx, before: Date, page: Page): Promise<Pruned> {
  const rows = await tx.$queryRaw<Counted[]>`
    with page as (select id from alerts where id > ${page.after ?? firstId}::uuid order by id limit ${page.pageSize}),
         gone as (delete from alerts a using page p
                   where a.id = p.id and a.state <> 'open' and greatest(a.settled_at, a.last_seen_at) < ${before} returning 1)
    select count(*)::int as looked, (select id::text from page order by id desc limit 1) as last,
           (select count(*)::int from gone) as deleted from page`;
  return pruned(rows, page);
}

/** Dead letters that recovered or were dropped so many days ago by the database's time. */
export async function pruneDeadLetters(tx: Tx, days: number, page: Page): Promise<Pruned> {
  const rows = await tx.$queryRaw<Counted[]>`
    with page as (select id from dead_letters where id > ${page.after ?? firstId}::uuid order by id limit ${page.pageSize}),
         gone as (delete from dead_letters l using page p
                   where l.id = p.id and l.state in ('recovered', 'dropped')
                     and l.settled_at < now() - make_interval(days => ${days}::int) returning 1)
    select count(*)::int as looked, (select id::text from page order by id desc limit 1) as last,
           (select count(*)::int from gone) as deleted from page`;
  return pruned(rows, page);
}

/** What endpoints were told of before, and nobody waits for any more who is still told. */
export async function pruneMessages(tx: Tx, before: Date, page: Page): Promise<Pruned> {
  const rows = await tx.$queryRaw<Counted[]>`
    with page as (select id from webhook_messages where id > ${page.after ?? firstId}::uuid order by id limit ${page.pageSize}),
         gone as (delete from webhook_messages m using page p
                   where m.id = p.id and m.at < ${before}
                     and not exists (select 1 from webhook_deliveries d join webhook_endpoints e on e.id = d.endpoint_id
                                      where d.message_id = m.id and d.due_at is not null and e.disabled_at is null)
                  returning 1)
    select count(*)::int as looked, (select id::text from page order by id desc limit 1) as last,
           (select count(*)::int from gone) as deleted from page`;
  return pruned(rows, page);
}

/** Answers kept for a day, by the database's time, for whoever repeats a request. */
export async function pruneAnswers(tx: Tx, page: Page): Promise<Pruned> {
  const rows = await tx.$queryRaw<Counted[]>`
    with page as (select key from answered_requests where key > ${page.after ?? ''} order by key limit ${page.pageSize}),
         gone as (delete from answered_requests r using page p
                   where r.key = p.key and r.created_at < now() - interval '1 day' returning 1)
    select count(*)::int as looked, (select key from page order by key desc limit 1) as last,
           (select count(*)::int from gone) as deleted from page`;
  return pruned(rows, page);
}

/** Takes this night's pruning; false when it was taken since `since`, by whichever replica. */
export async function takePruning(tx: Tx, since: Date, now: Date): Promise<boolean> {
  const { count } = await tx.installation.updateMany({
    where: { OR: [{ prunedAt: null }, { prunedAt: { lt: since } }] },
    data: { prunedAt: now },
  });
  return count === 1;
}

/** Gives it back, so that it is taken again tonight. */
export async function returnPruning(tx: Tx): Promise<void> {
  await tx.installation.updateMany({ data: { prunedAt: null } });
}
