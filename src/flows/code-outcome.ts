import { isOpen } from '../core/access-code.ts';
import { type CodeChange, changeCode, findCodeById, hasOpenCodeFor, type StoredCode } from '../db/access-codes.ts';
import { reopenIgnored } from '../db/inbox-jobs.ts';
import { encryptedPin } from '../db/pins.ts';
import type { SeamCode } from '../seam/api.ts';
import { type Door, describeWindow, entryFor, windowOf } from './door.ts';
import type { FlowDeps } from './flow-deps.ts';
import { commit, record } from './record.ts';

/**
 * Records a code that Seam has: answered, or adopted by its marker. Events that came before its id was known are looked
 * at again. Times wider than asked mean that a door may open outside its window: an alert. Those of an adopted code may have
 * been asked for before an edit: the next plan moves it.
 */
export async function recordCreated(
  deps: FlowDeps,
  door: Door,
  code: StoredCode,
  seamCode: SeamCode,
  isAdopted: boolean,
): Promise<void> {
  const confirmedStartsAt = seamCode.startsAt ?? code.askedStartsAt ?? code.windowStartsAt;
  const confirmedEndsAt = seamCode.endsAt ?? code.askedEndsAt ?? code.windowEndsAt;
  const isWider =
    !isAdopted &&
    (confirmedStartsAt < (code.askedStartsAt ?? code.windowStartsAt) ||
      confirmedEndsAt > (code.askedEndsAt ?? code.windowEndsAt));
  const what = describeWindow(door, windowOf(code));
  const message = isWider
    ? `Seam made the code of ${what} valid for longer than asked. Check the time zone of the lock.`
    : `${isAdopted ? 'Found and adopted' : 'Created'}: the code of ${what}.`;
  const entry = entryFor(door, isAdopted ? 'code.adopted' : 'code.created', message, {
    alert: isWider,
    codeId: code.id,
    detail: {
      access_code_id: seamCode.accessCodeId,
      starts_at: confirmedStartsAt.toISOString(),
      ends_at: confirmedEndsAt.toISOString(),
    },
  });
  const isRecorded = await commit(deps, entry, async (tx) => {
    const isOurs = await changeCode(tx, code, {
      state: 'created',
      accessCodeId: seamCode.accessCodeId,
      madeAt: seamCode.createdAt,
      confirmedStartsAt,
      confirmedEndsAt,
      quietUntil: null,
      // What was reported gone before was another one.
      goneSignalAt: null,
      attempts: 0,
      adopted: isAdopted,
      ...(isAdopted && { askedStartsAt: confirmedStartsAt, askedEndsAt: confirmedEndsAt }),
      ...(isAdopted && pinToKeep(deps, door, code, seamCode)),
      reason: null,
    });
    if (isOurs) await reopenIgnored(tx, seamCode.accessCodeId);
    return isOurs;
  });
  if (!isRecorded && !isAdopted) await giveOver(deps, door, code, seamCode);
}

/** The PIN of a call of which the row does not know, or knows another, because it was restored since: people ask for what opens. */
function pinToKeep(deps: FlowDeps, door: Door, code: StoredCode, { pin }: SeamCode): CodeChange {
  const isDrawnByLock = door.device?.constraints.includes('cannot_specify_pin_code') === true;
  if (pin === null || isDrawnByLock) return {};
  const stored = encryptedPin(code);
  if (stored !== null && deps.vault.decrypt(stored, door.schedule.id) === pin) return {};
  return deps.vault.encrypt(pin, door.schedule.id);
}

/**
 * The row was taken over while the call was under way. A row that waits without a code adopts this one; one that asks for
 * another meanwhile is refused its PIN and finds it. Where it has ended, has another, or no PIN guards it, this one is removed.
 */
async function giveOver(deps: FlowDeps, door: Door, code: StoredCode, seamCode: SeamCode): Promise<void> {
  const { accessCodeId } = seamCode;
  const row = await findCodeById(deps.db.prisma, code.id);
  if (row?.accessCodeId === accessCodeId) return;
  if (row?.accessCodeId === null && isOpen(row)) {
    if (row.state !== 'calling') return recordCreated(deps, door, row, seamCode, true);
    if (row.pinCiphertext !== null) return;
  }
  const deleted = await deps.seam.deleteCode({ deviceId: door.key.deviceId, accessCodeId });
  // A row that ended without a code has this one from now on, and asks for its removal until it is gone.
  if (!deleted.ok && row?.accessCodeId === null && (await takeBack(deps, door, row, accessCodeId))) return;
  const outcome = deleted.ok ? 'it is being removed' : `removing it failed: ${deleted.failure.message}`;
  const message = `A code that came too late was made for ${describeWindow(door, windowOf(code))}; ${outcome}.`;
  const detail = { access_code_id: accessCodeId };
  await record(deps, entryFor(door, 'code.deleting', message, { alert: !deleted.ok, codeId: code.id, detail }));
}

async function takeBack(deps: FlowDeps, door: Door, row: StoredCode, accessCodeId: string): Promise<boolean> {
  if (isOpen(row) || (await hasOpenCodeFor(deps.db.prisma, row))) return false;
  const message = `A code that came too late was made for ${describeWindow(door, windowOf(row))}; it is being removed.`;
  const entry = entryFor(door, 'code.deleting', message, { codeId: row.id, detail: { access_code_id: accessCodeId } });
  const { now } = door.input;
  return commit(deps, entry, (tx) =>
    changeCode(tx, row, { state: 'removing', accessCodeId, attempts: 0, quietUntil: null, nextTryAt: now }),
  );
}

/** Sets a window aside that Seam or the lock will never take as it is: shown, alerted, asked again only after a change. */
export async function refuse(deps: FlowDeps, door: Door, code: StoredCode, reason: string): Promise<void> {
  const message = `Refused: the code of ${describeWindow(door, windowOf(code))}; ${reason.replace(/\.$/, '')}. Change the schedule to try again.`;
  const entry = entryFor(door, 'code.refused', message, { alert: true, codeId: code.id, detail: { reason } });
  const { generation } = door.input;
  const rejected = { state: 'rejected', generation, reason, quietUntil: null } as const;
  await commit(deps, entry, (tx) => changeCode(tx, code, rejected));
}
