// Nothing is tried for ever. What ends each thing that is repeated:
// - a create, its look-up and whatever waits for a device: the end of the window, which closes the row;
// - a change, a comparison and a rung of the ladder: the end of the window likewise, after which only removal is left;
// - a removal, the question whether a code is gone, and the look-up of one whose window is over: this file;
// - calls while Seam is silent or refuses the key: only its next answer, one call at a time and at least 5 s to 5 min apart;
// - MODE=observe asks once an hour whether somebody else removed a code, until the mode is left.
import { causeOf } from '../core/alert.ts';
import { promptTries, rareDelayMs } from '../core/backoff.ts';
import { type CodeChange, changeCode, type StoredCode } from '../db/access-codes.ts';
import { raiseAlert, resolveCause } from '../db/alerts.ts';
import type { SeamFailure } from '../seam/errors.ts';
import { type Door, describeWindow, ending, entryFor, momentOf, windowOf } from './door.ts';
import type { FlowDeps } from './flow-deps.ts';
import { isToldOfDevice } from './postpone.ts';
import { commit } from './record.ts';

/** Whether it has been tried for hours, and nothing says that it was another hindrance, which has an end of its own. */
export function isTriedOut(attempts: number, failure: SeamFailure | null): boolean {
  return attempts > promptTries && (failure === null || !passing.has(failure.kind));
}

const passing: ReadonlySet<SeamFailure['kind']> = new Set(['held_back', 'rate_limited', 'unauthorized']);

/** When Seam ends a code by itself, as far as its row knows. */
export function lastKnownEnd({ confirmedEndsAt, windowEndsAt }: StoredCode): Date {
  return confirmedEndsAt !== null && confirmedEndsAt > windowEndsAt ? confirmedEndsAt : windowEndsAt;
}

/**
 * Leaves a code that may be on the lock for a later try, or gives it up; its one alert says which, and what a person can do.
 * @param failure why it is not settled; null where Seam takes each removal, and the code stays
 * @param endsAt when it ends by itself; null: never
 */
export async function tryRarely(
  deps: FlowDeps,
  door: Door,
  code: StoredCode,
  { failure, endsAt, change }: { failure: SeamFailure | null; endsAt: Date | null; change: CodeChange },
): Promise<void> {
  const { now } = door.input;
  const delayMs = rareDelayMs(endsAt === null ? -1 : now.getTime() - endsAt.getTime());
  const what = `the code of ${describeWindow(door, windowOf(code))}`;
  const cause = failure?.message.replace(/\.$/, '') ?? 'Seam takes each removal, and still has it';
  if (delayMs === null) {
    const message =
      `Given up, 30 days after its end: ${what}; ${cause}. See at the lock whether its PIN still opens the door, ` +
      'remove it in Seam or in the lock’s own app, and acknowledge this.';
    const entry = entryFor(door, 'code.given_up', message, { alert: true, codeId: code.id });
    await commit(deps, entry, (tx) => changeCode(tx, code, ending(door, code, 'closed', 'given_up')));
    return;
  }
  const quietUntil = new Date(now.getTime() + delayMs);
  const message =
    `May still be on the lock after hours of tries: ${what}; ${cause}. Next try: ${momentOf(door, quietUntil)}. ` +
    'Check that the lock is online, or remove the code in Seam; until it is gone its PIN may open the door.';
  const { scheduleId, deviceId } = door.key;
  const alert = { kind: 'code.removing_late', at: now, message, scheduleId, deviceId, codeId: code.id } as const;
  await deps.db.prisma.$transaction(async (tx) => {
    if (!(await changeCode(tx, code, { ...change, quietUntil }))) return;
    if (failure !== null && isToldOfDevice(door, failure)) return;
    // A repetition is no news and no history: the one alert that is there tells of it.
    await resolveCause(tx, causeOf('code.postponed', { codeId: code.id }), alert.kind, now);
    await raiseAlert(tx, alert);
  });
}
