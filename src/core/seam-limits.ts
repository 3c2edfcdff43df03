// What Seam takes from one device in a minute, and when the next call of a kind may be made. Pure.

/** Calls that Seam limits for each device. */
export type LimitedCall = 'create' | 'update' | 'delete';

/** Calls a minute and device. https://docs.seam.co: api/rate-limits-and-guardrails. */
export const callsAMinute: Readonly<Record<LimitedCall, number>> = { create: 10, update: 10, delete: 20 };

/** A minute, and as much more as one call may be slower on its way to Seam than the one a minute after it. */
export const limitWindowMs = 62_000;
/** Where others come first that have not called yet: they will have soon. */
export const turnMs = 1_000;

/**
 * How long a call that got no slot waits until it may get one.
 * @param callsAt of the last `limitWindowMs`, oldest first
 * @param ahead how many others wait for a slot and come first
 */
export function slotWaitMs(limit: number, callsAt: readonly Date[], ahead: number, now: Date): number {
  const next = callsAt[ahead % limit];
  if (callsAt.length < limit || next === undefined) return turnMs;
  const freeAtMs = next.getTime() + limitWindowMs * (1 + Math.floor(ahead / limit));
  return Math.max(turnMs, freeAtMs - now.getTime());
}
