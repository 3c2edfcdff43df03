// What /metrics reads from the database at a scrape: two statements, each on indexes, whose cost grows with doors and not with history.
import { callsAMinute, type LimitedCall, limitWindowMs } from '../core/seam-limits.ts';
import type { Db } from './client.ts';

/** How things stand; ages in seconds, null where there is nothing to be old. */
export interface Standing {
  readonly queues: readonly {
    readonly queue: string;
    readonly waiting: number;
    readonly active: number;
    readonly oldestSeconds: number | null;
  }[];
  readonly inbox: { readonly waiting: number; readonly oldestSeconds: number | null };
  readonly deadLetters: number;
  readonly alerts: readonly { readonly kind: string; readonly state: string; readonly count: number }[];
  readonly schedules: readonly { readonly status: string; readonly count: number }[];
  readonly seamLine: string;
  /** Calls that the device with the fewest has left in this minute. */
  readonly budgets: readonly { readonly call: string; readonly left: number }[];
}

/** Windows and their codes. Of those that begin, only the next one of each door is planned. */
export interface WindowReadings {
  /** In progress, without a code on the lock. */
  readonly openUnready: number;
  /** That begin so soon and whose code is not on the lock. */
  readonly unready15m: number;
  readonly unready2h: number;
  readonly unready24h: number;
  /** Until the first of those begins; null when there is none. */
  readonly nextUnreadySeconds: number | null;
  /** That began in the last hour, and day: each counts once, whichever process was alive then. */
  readonly begun: readonly { readonly span: '1h' | '24h'; readonly ready: number; readonly unready: number }[];
}

const standing = {
  name: 'metrics_standing',
  // Completed jobs are most of the table: each state is asked for by an index that has only its jobs.
  text: `
    select
      (select json_agg(q) from (
         select n.queue,
                (select count(*) from pgboss.job j where j.name = n.queue and j.state in ('created', 'retry') and j.start_after <= now()) as waiting,
                (select count(*) from pgboss.job j where j.name = n.queue and j.state = 'active') as active,
                (select extract(epoch from now() - min(greatest(j.created_on, j.start_after))) from pgboss.job j
                  where j.name = n.queue and j.state in ('created', 'retry') and j.start_after <= now()) as "oldestSeconds"
           from unnest(array['event', 'plan']) as n(queue)) q) as queues,
      (select json_build_object('waiting', count(*),
                'oldestSeconds', extract(epoch from now() - min(received_at) filter (where due_at <= now())))
         from inbox where state = 'received') as inbox,
      (select count(*)::int from dead_letters where state = 'open') as "deadLetters",
      (select coalesce(json_agg(a), '[]') from (
         select kind, state, count(*) as count from alerts where state in ('open', 'acknowledged') group by kind, state) a) as alerts,
      (select json_agg(s) from (
         select status, (select count(*) from schedules s where s.status = e.status) as count
           from unnest(enum_range(null::schedule_status)) as e(status)) s) as schedules,
      (select state from seam_line) as "seamLine",
      (select coalesce(json_agg(b), '[]') from (
         select kind as call, max(case when blocked_until > $1 then 1000
                                       when calls_at[1] > $2 then cardinality(calls_at)
                                       else (select count(*) from unnest(calls_at) at where at > $2) end) as used
           from seam_budgets
          where calls_at[array_upper(calls_at, 1)] > $2 or blocked_until > $1
          group by kind) b) as used`,
};

const windows = {
  name: 'metrics_windows',
  text: `
    select
      next.*,
      begun.*
      from (
        select count(*) filter (where window_starts_at <= $1)::int as "openUnready",
               count(*) filter (where window_starts_at > $1 and window_starts_at <= $1 + interval '15 minutes')::int as "unready15m",
               count(*) filter (where window_starts_at > $1 and window_starts_at <= $1 + interval '2 hours')::int as "unready2h",
               count(*) filter (where window_starts_at > $1 and window_starts_at <= $1 + interval '24 hours')::int as "unready24h",
               extract(epoch from min(window_starts_at) filter (where window_starts_at > $1) - $1)::float8 as "nextUnreadySeconds"
          from access_codes
         where next_try_at is not null and ready_at is null and state <> 'removing' and generation >= 0 and window_ends_at > $1) next,
      (
        select count(*) filter (where is_recent and is_ready)::int as "ready1h",
               count(*) filter (where is_recent and not is_ready)::int as "unready1h",
               count(*) filter (where is_ready)::int as "ready24h",
               count(*) filter (where not is_ready)::int as "unready24hBegun"
          from schedule_devices d
          join schedules s on s.id = d.schedule_id
         cross join lateral (
               select bool_or(r.is_ready) as is_ready, c.window_starts_at > $1 - interval '1 hour' as is_recent
                 from access_codes c
                cross join lateral (
                      select coalesce(c.ready_at <= c.window_starts_at + interval '1 minute'
                                  and (c.removed_at is null or c.removed_at > c.window_starts_at), false) as is_ready) r
                where c.schedule_id = d.schedule_id and c.device_id = d.device_id and c.generation >= 0
                  and c.window_ends_at > $1 - interval '24 hours' -- by the index: what began since then ended since then
                  and c.window_starts_at > $1 - interval '24 hours' and c.window_starts_at <= $1 - interval '1 minute'
                  and (r.is_ready or (c.reason is null or c.reason <> all($2::text[]))
                                     and not (c.created_at > c.window_starts_at and s.updated_at > c.window_starts_at))
                group by c.window_starts_at) w) begun`,
};

// Windows that people, or a later plan, took back: that no code was ready for them is as it should be.
const takenBack = ['not_planned', 'replaced', 'pin_revoked', 'taken_away', 'device_back'];

/** Queue, inbox, alerts and the like. @param now by the service's clock */
export async function readStanding({ pool }: Db, now: Date): Promise<Standing> {
  const since = new Date(now.getTime() - limitWindowMs);
  const { rows } = await pool.query<Omit<Standing, 'budgets'> & { used: { call: LimitedCall; used: number }[] }>({
    ...standing,
    values: [now, since],
  });
  const [row] = rows;
  if (row === undefined) throw new Error('a query without from answers one row');
  const { used, ...rest } = row;
  const budgets = Object.entries(callsAMinute).map(([call, limit]) => {
    return { call, left: Math.max(0, limit - (used.find((one) => one.call === call)?.used ?? 0)) };
  });
  return { ...rest, budgets };
}

interface WindowRow extends Omit<WindowReadings, 'begun'> {
  readonly ready1h: number;
  readonly unready1h: number;
  readonly ready24h: number;
  readonly unready24hBegun: number;
}

/** Which codes are, and were, ready for their windows. @param now by the service's clock */
export async function readWindows({ pool }: Db, now: Date): Promise<WindowReadings> {
  const { rows } = await pool.query<WindowRow>({ ...windows, values: [now, takenBack] });
  const [row] = rows;
  if (row === undefined) throw new Error('two aggregates answer one row');
  const { ready1h, unready1h, ready24h, unready24hBegun, ...next } = row;
  return {
    ...next,
    begun: [
      { span: '1h', ready: ready1h, unready: unready1h },
      { span: '24h', ready: ready24h, unready: unready24hBegun },
    ],
  };
}
