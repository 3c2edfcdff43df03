// Whether Seam may be asked, shared by all replicas. Instants are by the service's clock, which also sets quiet times: what is
// held back is due when it may pass.
import { type SeamLine, spreadMs, wakeApartMs } from '../core/seam-line.ts';
import type { Tx } from './client.ts';

// Longer than any call is held back.
const heldBackMaxMs = 11 * 60_000;

interface LineRow {
  readonly state: SeamLine['state'];
  readonly failures: number;
  readonly probe_at: Date | null;
}

/** Just what a call must know of the line before it is made. */
export type LineView = Pick<SeamLine, 'state' | 'failures' | 'probeAt'>;

export async function readLine(tx: Tx): Promise<LineView> {
  const [row] = await tx.$queryRaw<LineRow[]>`select state::text, failures, probe_at from seam_line`;
  if (row === undefined) throw new Error('the row of seam_line is gone');
  return viewOf(row);
}

export function viewOf({ state, failures, probe_at }: LineRow): LineView {
  return { state, failures, probeAt: probe_at };
}

/** The whole of it, for a change: nobody else changes it until the transaction ends. */
export async function lockLine(tx: Tx): Promise<SeamLine> {
  await tx.$queryRaw`select 1 from seam_line for update`;
  return tx.seamLine.findUniqueOrThrow({ where: { id: 1 } });
}

/** How it stands, without a change of it until the transaction ends. */
export async function lineState(tx: Tx): Promise<SeamLine['state']> {
  const [row] = await tx.$queryRaw<Pick<LineRow, 'state'>[]>`select state::text from seam_line for share`;
  if (row === undefined) throw new Error('the row of seam_line is gone');
  return row.state;
}

export async function saveLine(tx: Tx, line: SeamLine): Promise<void> {
  await tx.seamLine.update({ where: { id: 1 }, data: { ...line, failingDevices: [...line.failingDevices] } });
}

/** Lets the caller try a line that is not clear, if a try is due and nobody else has taken it. */
export async function claimProbe(tx: Tx, now: Date, leaseMs: number): Promise<boolean> {
  const { count } = await tx.seamLine.updateMany({
    where: { state: { not: 'clear' }, probeAt: { lte: now } },
    data: { isProbing: true, probeAt: new Date(now.getTime() + leaseMs) },
  });
  return count === 1;
}

/** Has a line that is not clear tried by the next call; false when it is clear. */
export async function probeAtOnce(tx: Tx, now: Date): Promise<boolean> {
  const where = { state: { not: 'clear' as const } };
  return (await tx.seamLine.updateMany({ where, data: { isProbing: false, probeAt: now } })).count === 1;
}

/** How many codes wait before they are asked for (again). */
export async function countWaiting(tx: Tx, now: Date, limit: number): Promise<number> {
  const where = { state: { in: ['planned' as const, 'unknown' as const] }, quietUntil: { gt: now } };
  return tx.accessCode.count({ where, take: limit });
}

/**
 * Brings codes due that wait because Seam could not be asked or did not answer: some time apart, the earliest window first,
 * and none later than it was; removals and changes, too, whatever they wait for: they are safe to repeat. A create whose outcome is not known still has its time to land.
 */
export async function wakeHeldBack(tx: Tx, now: Date, settleMs: number): Promise<void> {
  const until = new Date(now.getTime() + heldBackMaxMs);
  await tx.$executeRaw`
    with held as (
      select id, (row_number() over (order by window_starts_at, id) - 1)
                 * least(${wakeApartMs}::float8, ${spreadMs}::float8 / count(*) over ()) / 1000 as wait_seconds
        from access_codes
       where next_try_at > ${now} and next_try_at <= ${until} and quiet_until > ${now}
         and ((state in ('planned', 'unknown') and reason is not null) or state in ('created', 'removing'))),
    woken as (
      select c.id, greatest(${now}::timestamptz + make_interval(secs => held.wait_seconds),
                            case c.state when 'unknown' then c.called_at + make_interval(secs => ${settleMs}::float8 / 1000) end) as at
        from held join access_codes c using (id))
    update access_codes c set quiet_until = woken.at, next_try_at = woken.at
      from woken where c.id = woken.id and woken.at < c.next_try_at`;
}

/** How many devices schedules have or open codes are on, counted no further than `max`. */
export async function countDevices(tx: Tx, max: number): Promise<number> {
  const [row] = await tx.$queryRaw<{ count: number }[]>`
    select count(*)::int as count from (
      (select distinct device_id from schedule_devices order by device_id limit ${max})
      union
      (select distinct device_id from access_codes where next_try_at is not null order by device_id limit ${max})) d`;
  return Math.min(max, row?.count ?? 0);
}

/** Whether a code that is to be asked for again soon is wanted by then. */
export async function isWindowNear(tx: Tx, now: Date, until: Date): Promise<boolean> {
  const [row] = await tx.$queryRaw<{ is_near: boolean }[]>`
    select exists (select 1 from access_codes
                    where next_try_at <= ${until} and state in ('planned', 'calling', 'unknown')
                      and window_starts_at <= ${until} and window_ends_at > ${now}) as is_near`;
  return row?.is_near === true;
}
