// What each device has left of Seam's limits, shared by all replicas; by the service's clock, like quiet times.
import { callsAMinute, type LimitedCall, limitWindowMs, turnMs } from '../core/seam-limits.ts';
import type { Tx } from './client.ts';
import { Prisma } from './generated/client.ts';
import { type LineView, viewOf } from './seam-line.ts';

/** A code's row, or what Seam calls it; none of ours need have that id. */
export type CodeName = { readonly codeId: string } | { readonly accessCodeId: string };

export interface SlotAnswer {
  readonly line: LineView;
  readonly isTaken: boolean;
  /** Calls that still count, oldest first, without this one. */
  readonly callsAt: readonly Date[];
  readonly blockedUntil: Date | null;
  /** How many others wait for a slot whose windows begin earlier. */
  readonly ahead: number;
}

/** Why a planned row waits that got no slot; by it the rows are known that wait for one. */
export const waitsForSlot = 'this door has had as many calls in a minute as Seam takes';

// In this state rows wait for a call of this kind.
const waitingState: Readonly<Record<LimitedCall, string>> = {
  create: 'planned',
  update: 'created',
  delete: 'removing',
};
// A row that is due for longer has something else that keeps it; it must not keep the others.
const dueForMs = 120_000;

/**
 * Takes one of the calls that Seam takes from a device in a minute, unless the line is not clear and no try is due, or rows with
 * earlier windows that are due as well need what is left. One statement, whatever comes of it.
 */
export async function takeSlot(
  tx: Tx,
  { kind, deviceId, name, now }: { kind: LimitedCall; deviceId: string; name: CodeName; now: Date },
): Promise<SlotAnswer> {
  const limit = callsAMinute[kind];
  const since = new Date(now.getTime() - limitWindowMs);
  // Those that were told to let others go first come back in a moment.
  const turnEndsAt = new Date(now.getTime() + 2 * turnMs);
  const dueSince = new Date(now.getTime() - dueForMs);
  const isMine =
    'codeId' in name ? Prisma.sql`id = ${name.codeId}::uuid` : Prisma.sql`access_code_id = ${name.accessCodeId}`;
  const [row] = await tx.$queryRaw<SlotRow[]>`
    with mine as (select id, schedule_id, window_starts_at from access_codes where ${isMine}),
    ahead as (
      select (${kind === 'create' ? newcomers(deviceId, limit) : Prisma.sql`0`} + count(*) filter (where c.next_try_at <= ${turnEndsAt}))::int as due,
             count(*)::int as waiting
        from access_codes c, mine
       where c.device_id = ${deviceId} and c.state = ${waitingState[kind]}::code_state
         and (c.window_starts_at, c.id) < (mine.window_starts_at, mine.id)
         and c.next_try_at > ${dueSince} and (c.next_try_at <= ${now} or c.reason = ${waitsForSlot})),
    taken as (
      insert into seam_budgets as b (device_id, kind, calls_at)
      select ${deviceId}, ${kind}, array[${now}::timestamptz]
        from seam_line l, ahead
       where (l.state = 'clear' or l.probe_at <= ${now}) and ahead.due < ${limit}
          on conflict (device_id, kind) do update
         set calls_at = array(select at from unnest(b.calls_at) at where at > ${since}) || excluded.calls_at
       where coalesce(b.blocked_until <= ${now}, true)
         and (select count(*) from unnest(b.calls_at) at where at > ${since}) + (select due from ahead) < ${limit}
      returning true)
    select l.state::text, l.failures, l.probe_at, exists (select 1 from taken) as is_taken, ahead.waiting, b.blocked_until,
           array(select at from unnest(b.calls_at) at where at > ${since} order by at) as calls_at
      from seam_line l cross join ahead
      left join seam_budgets b on b.device_id = ${deviceId} and b.kind = ${kind}`;
  if (row === undefined) throw new Error('the row of seam_line is gone');
  return {
    line: viewOf(row),
    isTaken: row.is_taken,
    callsAt: row.calls_at,
    blockedUntil: row.blocked_until,
    ahead: row.waiting,
  };
}

/**
 * Schedules of a device whose plan job has not told yet which window they want: it may be an earlier one. Only where the device
 * has more schedules than slots it is worth a look.
 */
function newcomers(deviceId: string, limit: number): Prisma.Sql {
  return Prisma.sql`
    case when (select count(*) from schedule_devices where device_id = ${deviceId}) <= ${limit} then 0 else
      (select count(*) from schedule_devices d cross join lateral (select d.schedule_id::text || ':' || d.device_id as key) job
        where d.device_id = ${deviceId} and d.schedule_id not in (select schedule_id from mine)
          and not exists (select 1 from access_codes c
                           where c.schedule_id = d.schedule_id and c.device_id = d.device_id and c.next_try_at is not null)
          and (exists (select 1 from pgboss.job j
                        where j.name = 'plan' and j.state = 'created' and j.singleton_key = job.key)
            or exists (select 1 from pgboss.job j
                        where j.name = 'plan' and j.policy = 'singleton' and j.state = 'active'
                          and coalesce(j.singleton_key, '') = job.key))) end`;
}

/** Keeps a device's calls of a kind back for as long as Seam's 429 says. */
export async function blockCalls(tx: Tx, deviceId: string, kind: LimitedCall, until: Date): Promise<void> {
  await tx.$executeRaw`
    insert into seam_budgets as b (device_id, kind, calls_at, blocked_until) values (${deviceId}, ${kind}, '{}', ${until})
    on conflict (device_id, kind) do update set blocked_until = greatest(b.blocked_until, excluded.blocked_until)`;
}

interface SlotRow {
  readonly state: LineView['state'];
  readonly failures: number;
  readonly probe_at: Date | null;
  readonly is_taken: boolean;
  readonly waiting: number;
  readonly blocked_until: Date | null;
  readonly calls_at: Date[];
}
