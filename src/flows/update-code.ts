import { isUnsettled, startAheadMs } from '../core/plan.ts';
import { changeCode, raiseGeneration, type StoredCode } from '../db/access-codes.ts';
import { encryptedPin } from '../db/pins.ts';
import type { SeamFailure } from '../seam/errors.ts';
import { deleteBackup, deleteCode } from './delete-code.ts';
import { type Door, describeWindow, entryFor, seamRefOf, windowOf } from './door.ts';
import type { FlowDeps } from './flow-deps.ts';
import { observe } from './observe.ts';
import { postpone } from './postpone.ts';
import { commit } from './record.ts';

const secondMs = 1_000;

/** Moves a code that Seam has to its row's times, keeping id and PIN. Safe to repeat, so an unknown outcome is repeated. */
export async function updateCode(
  deps: FlowDeps,
  door: Door,
  code: StoredCode,
  to: { startsAt: Date; endsAt: Date },
): Promise<void> {
  if (deps.mode === 'observe') return observe(deps, door, code, 'update');
  const { now } = door.input;
  const { endsAt } = to;
  const startsAt = to.startsAt.getTime() === now.getTime() ? soonestStart(door) : to.startsAt;
  const landsUntil = lateUpdateUntil(deps.settleMs, code, now);
  // What Seam holds is not known until it has answered: an edit that is taken back meanwhile must be sent as well.
  const unsettled = { askedStartsAt: null, askedEndsAt: null };
  if (!(await changeCode(deps.db.prisma, code, { ...unsettled, calledAt: now }))) return;
  const backupFailure = await moveBackup(deps, code, startsAt, endsAt);
  // Another PIN may be what is to be updated, or its own what was asked back unheard; sent again it changes nothing.
  const hasPin = code.hasOtherPin || (isUnsettled(code) && code.changedSignalAt !== null);
  const stored = hasPin ? encryptedPin(code) : null;
  const pin = stored === null ? undefined : deps.vault.decrypt(stored, door.schedule.id);
  const result = await deps.seam.updateCode({ ...seamRefOf(code), startsAt, endsAt, pin });
  const what = describeWindow(door, windowOf(code));
  const detail = {
    access_code_id: code.accessCodeId,
    starts_at: startsAt.toISOString(),
    ends_at: endsAt.toISOString(),
  };
  if (result.ok && backupFailure !== null) return postpone(deps, door, code, backupFailure);
  if (result.ok) {
    const entry = entryFor(door, 'code.updated', `Updated: the code of ${what}.`, { codeId: code.id, detail });
    const asked = { askedStartsAt: startsAt, askedEndsAt: endsAt, quietUntil: null };
    // An earlier update that was not answered may still land and undo this one: it is sent once more after that.
    const again = { ...unsettled, quietUntil: landsUntil, calledAt: code.calledAt };
    const updated = {
      ...(landsUntil === null ? asked : again),
      confirmedStartsAt: startsAt,
      confirmedEndsAt: endsAt,
      attempts: 0,
      reason: null,
    };
    await commit(deps, entry, (tx) => changeCode(tx, code, updated));
    return;
  }
  if (result.failure.kind === 'code_not_found') {
    // Judged like any other report that it is gone.
    await changeCode(deps.db.prisma, code, { goneSignalAt: door.input.now });
    return;
  }
  // Only somebody else's code can have its PIN: time alone does not mend that, and the old times may reach beyond the window.
  if (result.failure.kind === 'rejected' || result.failure.kind === 'duplicate')
    return keepOrReplace(deps, door, code, { startsAt, endsAt }, result.failure.message);
  // What was not sent has not unsettled it either.
  const asBefore = { askedStartsAt: code.askedStartsAt, askedEndsAt: code.askedEndsAt, calledAt: code.calledAt };
  await postpone(deps, door, code, result.failure, result.failure.kind === 'held_back' ? asBefore : {});
}

/** A backup keeps to the window that it stands in for, or goes; the failure where it does neither. */
async function moveBackup(
  deps: FlowDeps,
  { deviceId, backupAccessCodeId }: StoredCode,
  startsAt: Date,
  endsAt: Date,
): Promise<SeamFailure | null> {
  if (backupAccessCodeId === null) return null;
  const backup = { deviceId, accessCodeId: backupAccessCodeId };
  const moved = await deps.seam.updateCode({ ...backup, startsAt, endsAt });
  return moved.ok ? null : deleteBackup(deps, backup);
}

/** Until when an earlier update may still land whose outcome is unknown; null when none may. */
function lateUpdateUntil(settleMs: number, code: StoredCode, now: Date): Date | null {
  if (!isUnsettled(code) || code.calledAt === null) return null;
  const until = new Date(code.calledAt.getTime() + settleMs);
  return until > now ? until : null;
}

/** A window in progress is joined now, in whole seconds, or as soon as the lock allows. */
function soonestStart({ device, input: { now } }: Door): Date {
  const aheadMs = device?.constraints.includes('start_date_in_future') === true ? startAheadMs : 0;
  return new Date(Math.floor((now.getTime() + aheadMs) / secondMs) * secondMs);
}

/**
 * Seam will not move the code. Where its old times are known and lie within the new window they stay; otherwise the code goes,
 * and another one is asked for.
 */
async function keepOrReplace(
  deps: FlowDeps,
  door: Door,
  code: StoredCode,
  asked: { startsAt: Date; endsAt: Date },
  reason: string,
): Promise<void> {
  const { confirmedStartsAt, confirmedEndsAt, windowStartsAt, windowEndsAt } = code;
  const fits =
    !isUnsettled(code) &&
    confirmedStartsAt !== null &&
    confirmedEndsAt !== null &&
    confirmedStartsAt >= windowStartsAt &&
    confirmedEndsAt <= windowEndsAt;
  const message = `Seam refuses the new times of ${describeWindow(door, windowOf(code))}: ${reason.replace(/\.$/, '')}.`;
  const entry = entryFor(door, 'code.refused', message, { alert: true, codeId: code.id, detail: { reason } });
  const isOurs = await commit(deps, entry, async (tx) => {
    const times = { askedStartsAt: asked.startsAt, askedEndsAt: asked.endsAt };
    const isChanged = await changeCode(tx, code, { ...times, quietUntil: null, reason });
    if (isChanged && !fits) await raiseGeneration(tx, door.key, door.input.now);
    return isChanged;
  });
  if (isOurs && !fits) await deleteCode(deps, door, { ...code, reason }, 'not_planned');
}
