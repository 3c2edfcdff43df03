// Where a device's codes at Seam differ from our rows. Pure; what follows from each is decided where it is known.
import { type AccessCode, bearsMarker, bearsPrefix, isOpen, markerLength } from './access-code.ts';
import { isUnsettled, isWaiting } from './plan.ts';

/** A code as Seam lists it. */
export interface ListedCode {
  readonly accessCodeId: string;
  readonly name: string | null;
  readonly startsAt: Date | null;
  readonly endsAt: Date | null;
  readonly createdAt: Date;
  readonly isLeaving: boolean;
}

/** A difference found. */
export type Drift<Code extends AccessCode, Listed extends ListedCode> =
  /** Created, and not listed any more. */
  | { readonly kind: 'gone'; readonly code: Code }
  /** Listed with other times than Seam has confirmed. */
  | { readonly kind: 'times'; readonly code: Code; readonly listed: Listed }
  /** Bears the marker of a row that has no code, and asks for none right now: it was made before. */
  | { readonly kind: 'found'; readonly code: Code }
  /** Its row is final, and it is listed all the same. */
  | { readonly kind: 'listed_again'; readonly code: Code; readonly listed: Listed }
  /** Bears a marker of this installation that no row has. */
  | { readonly kind: 'orphan'; readonly listed: Listed; readonly marker: string };

export interface DriftInput<Code extends AccessCode, Listed extends ListedCode> {
  /** The device's open rows as they were before the list was asked for: what came since is not missed in it. */
  readonly open: readonly Code[];
  /** Those, and rows that have the id or the marker of a listed code that none of them explains, as they are after it. */
  readonly known: readonly Code[];
  readonly listed: readonly Listed[];
  readonly markerPrefix: string;
  readonly settleMs: number;
  readonly now: Date;
}

// Locks round times, and Seam cuts fractions: less than this is no difference.
const roundingMs = 60_000;

/** What is not as it should be. Codes that are on their way off the lock, or over, and those of others are left alone. */
export function findDrift<Code extends AccessCode, Listed extends ListedCode>(
  input: DriftInput<Code, Listed>,
): Drift<Code, Listed>[] {
  const { open, known, listed, markerPrefix, settleMs, now } = input;
  const listedById = new Map(listed.map((code) => [code.accessCodeId, code]));
  const drifts: Drift<Code, Listed>[] = [];
  for (const code of open) {
    if (code.state !== 'created' || code.accessCodeId === null || code.goneSignalAt !== null) continue;
    const there = listedById.get(code.accessCodeId);
    if (there === undefined) drifts.push({ kind: 'gone', code });
    else if (!there.isLeaving && hasOtherTimes(code, there, now)) drifts.push({ kind: 'times', code, listed: there });
  }
  for (const there of listed) {
    if (there.isLeaving || (there.endsAt !== null && there.endsAt <= now)) continue;
    const code =
      known.find(({ accessCodeId }) => accessCodeId === there.accessCodeId) ??
      known.find(({ marker }) => bearsMarker(there.name, marker));
    if (code !== undefined) {
      if (!isOpen(code)) drifts.push({ kind: 'listed_again', code, listed: there });
      else if (isWaiting(code)) drifts.push({ kind: 'found', code });
    } else if (bearsPrefix(there.name, markerPrefix) && now.getTime() - there.createdAt.getTime() > settleMs) {
      drifts.push({ kind: 'orphan', listed: there, marker: markerIn(there.name) });
    }
  }
  return drifts;
}

/** The marker that a name ends in, if it ends in one. */
export function markerIn(name: string | null): string {
  return (name ?? '').slice(-markerLength).toUpperCase();
}

function hasOtherTimes(code: AccessCode, there: ListedCode, now: Date): boolean {
  const { confirmedStartsAt, confirmedEndsAt } = code;
  if (isUnsettled(code) || confirmedStartsAt === null || confirmedEndsAt === null) return false;
  if (isOther(confirmedEndsAt, there.endsAt)) return true;
  // When a code that is live began is history.
  const isLive = confirmedStartsAt <= now && there.startsAt !== null && there.startsAt <= now;
  return !isLive && isOther(confirmedStartsAt, there.startsAt);
}

function isOther(confirmed: Date, listed: Date | null): boolean {
  return listed === null || Math.abs(confirmed.getTime() - listed.getTime()) >= roundingMs;
}
