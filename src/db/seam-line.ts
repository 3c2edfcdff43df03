// Whether Seam may be asked, shared by all replicas. Instants are by the service's clock, which also sets quiet times: what is
// held back is due when it may pass.
import type { SeamLine } from '../core/seam-line.ts';
import type { Tx } from './client.ts';

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

/** Has a line that is not clear tried by the next call: what was wrong may have been mended by a restart. */
export async function probeAtOnce(tx: Tx, now: Date): Promise<void> {
  await tx.seamLine.updateMany({ where: { state: { not: 'clear' } }, data: { isProbing: false, probeAt: now } });
}

/** Whether a code that is to be asked for again soon is wanted by then. */
export async function isWindowNear(tx: Tx, now: Date, until: Date): Promise<boolean> {
  const [row] = await tx.$queryRaw<{ is_near: boolean }[]>`
    select exists (select 1 from access_codes
                    where next_try_at <= ${until} and state in ('planned', 'calling', 'unknown')
                      and window_starts_at <= ${until} and window_ends_at > ${now}) as is_near`;
  return row?.is_near === true;
}
