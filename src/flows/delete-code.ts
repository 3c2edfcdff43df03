import { removalDelayMs } from '../core/backoff.ts';
import type { DeleteReason } from '../core/plan.ts';
import { changeCode, type StoredCode } from '../db/access-codes.ts';
import type { CodeRef } from '../seam/api.ts';
import type { SeamFailure, SeamResult } from '../seam/errors.ts';
import { type Door, describeWindow, entryFor, seamIdOf, seamRefOf, windowOf } from './door.ts';
import type { FlowDeps } from './flow-deps.ts';
import { observe } from './observe.ts';
import { needsPerson, postpone } from './postpone.ts';
import { commit, record } from './record.ts';
import { recordRemoved } from './record-removed.ts';
import { isTriedOut, lastKnownEnd, tryRarely } from './try-rarely.ts';

const because: Record<DeleteReason, string> = {
  not_planned: 'it is no longer planned',
  moved_later: 'its window now starts later',
  overdue: 'it should be gone and is not',
  pin_revoked: 'its PIN was taken back; the window gets another',
};

/**
 * Asks Seam to remove a code and keeps asking until it is gone: deleting is safe to repeat, and "not found" is the proof.
 * That it is on its way is written first, so that its removal is never taken for somebody else's.
 */
export async function deleteCode(deps: FlowDeps, door: Door, code: StoredCode, reason: DeleteReason): Promise<void> {
  const accessCodeId = seamIdOf(code);
  if (deps.mode === 'observe') return observeRemoval(deps, door, code, reason);
  const attempts = code.state === 'removing' ? code.attempts + 1 : 1;
  const quietUntil = new Date(door.input.now.getTime() + removalDelayMs(attempts));
  const removing = {
    state: 'removing',
    attempts,
    quietUntil,
    goneSignalAt: null,
    reason: code.reason ?? reason,
  } as const;
  const message = `Removing: the code of ${describeWindow(door, windowOf(code))}, because ${because[reason]}.`;
  const entry = entryFor(door, 'code.deleting', message, { codeId: code.id, detail: { access_code_id: accessCodeId } });
  // A repetition is no news.
  const isMarked =
    code.state === 'removing'
      ? await changeCode(deps.db.prisma, code, removing)
      : await commit(deps, entry, (tx) => changeCode(tx, code, removing));
  if (!isMarked) return;
  const marked = { ...code, ...removing };
  const { deviceId } = door.key;
  // Its backup ends with it by itself; sooner than at its end, only if asked.
  const { backupAccessCodeId } = code;
  const backupFailure =
    backupAccessCodeId === null ? null : await deleteBackup(deps, { deviceId, accessCodeId: backupAccessCodeId });
  const own = await deps.seam.deleteCode({ deviceId, accessCodeId });
  const result: SeamResult<null> = backupFailure === null ? own : { ok: false, failure: backupFailure };
  const isStubborn = attempts === stubbornAttempts;
  const failure = result.ok ? null : result.failure;
  if (failure?.kind === 'code_not_found') return recordRemoved(deps, door, marked, removing.reason);
  if (isTriedOut(attempts, failure)) return askForEnd(deps, door, marked, failure);
  if (result.ok) {
    if (isStubborn) await recordStubborn(deps, door, code);
    return;
  }
  if (result.failure.kind === 'held_back') {
    return postpone(deps, door, marked, result.failure, { attempts: attempts - 1 });
  }
  const isFirstForPerson = attempts === 1 && (needsPerson(result.failure) || result.failure.kind === 'rejected');
  const news = { isAlert: isFirstForPerson || isStubborn, isRepetition: attempts > 1 && !isStubborn };
  await postpone(deps, door, marked, result.failure, { reason: removing.reason, attempts }, news);
}

/** What Seam shows decides how rarely it is asked from now on: a code that it has ended opens no door any more. */
async function askForEnd(deps: FlowDeps, door: Door, code: StoredCode, failure: SeamFailure | null): Promise<void> {
  const seen = await deps.seam.getCode(seamRefOf(code));
  if (!seen.ok && seen.failure.kind === 'code_not_found') {
    return recordRemoved(deps, door, code, code.reason ?? 'overdue');
  }
  const endsAt = seen.ok ? seen.value.endsAt : lastKnownEnd(code);
  await tryRarely(deps, door, code, { failure, endsAt, change: {} });
}

/** Has a backup code removed; the failure where that is to be tried again. */
export async function deleteBackup(deps: FlowDeps, backup: CodeRef): Promise<SeamFailure | null> {
  const deleted = await deps.seam.deleteCode(backup);
  return deleted.ok || deleted.failure.kind === 'code_not_found' ? null : deleted.failure;
}

/** Somebody else may have it removed meanwhile: Seam is asked, and told nothing. */
async function observeRemoval(deps: FlowDeps, door: Door, code: StoredCode, reason: DeleteReason): Promise<void> {
  const asked = await deps.seam.getCode({ deviceId: door.key.deviceId, accessCodeId: seamIdOf(code) });
  if (asked.ok || asked.failure.kind !== 'code_not_found') return observe(deps, door, code, 'delete');
  await recordRemoved(deps, door, code, reason);
}

// Some six minutes of asking.
const stubbornAttempts = 5;

/** Seam takes the removal each time, and the code is still there: a lock that cannot be reached keeps its door open. */
async function recordStubborn(deps: FlowDeps, door: Door, code: StoredCode): Promise<void> {
  const message =
    `Still on the lock: the code of ${describeWindow(door, windowOf(code))}, although Seam was asked ${stubbornAttempts} times ` +
    'to remove it. Check that the lock is online; until then its PIN opens the door.';
  await record(deps, entryFor(door, 'code.removing_late', message, { alert: true, codeId: code.id }));
}
