// Seam said that a code is gone before its time, or did not say that it is gone after it: ask, and judge.
import { removalDelayMs } from '../core/backoff.ts';
import { reopenCommand } from '../core/ways-out.ts';
import { changeCode, holdSchedule, raiseGeneration, type StoredCode } from '../db/access-codes.ts';
import type { SeamCode } from '../seam/api.ts';
import { deleteCode } from './delete-code.ts';
import { type Door, describeWindow, ending, entryFor, seamRefOf, whose, windowOf } from './door.ts';
import type { FlowDeps } from './flow-deps.ts';
import { outliveBackup } from './outlive-backup.ts';
import { postpone } from './postpone.ts';
import { commit } from './record.ts';
import { recordFound } from './record-reach.ts';
import { recordRemoved } from './record-removed.ts';
import { isTriedOut, lastKnownEnd, tryRarely } from './try-rarely.ts';

const awayDelayMs = 300_000;

export async function confirmGone(deps: FlowDeps, door: Door, code: StoredCode, isEarly: boolean): Promise<void> {
  const asked = await deps.seam.getCode(seamRefOf(code));
  if (!asked.ok && asked.failure.kind !== 'code_not_found') {
    const { failure } = asked;
    const attempts = code.attempts + 1;
    if (isEarly || !isTriedOut(attempts, failure)) return postpone(deps, door, code, failure);
    return tryRarely(deps, door, code, { failure, endsAt: lastKnownEnd(code), change: { attempts } });
  }
  const seamCode = asked.ok ? asked.value : null;
  const isOver = seamCode === null || isExpired(seamCode, door.input.now);
  if (isEarly) return judgeEarly(deps, door, code, isOver ? null : seamCode);
  if (isOver) return recordRemoved(deps, door, code, 'expired');
  await deleteCode(deps, door, code, 'overdue');
}

/** Seam may keep the object of a code that is off the lock; it is no sign of life. */
function isExpired(code: SeamCode, now: Date): boolean {
  return !code.isLeaving && code.endsAt !== null && code.endsAt <= now;
}

async function judgeEarly(deps: FlowDeps, door: Door, code: StoredCode, seamCode: SeamCode | null): Promise<void> {
  const { now } = door.input;
  const what = describeWindow(door, windowOf(code));
  if (seamCode?.isLeaving === true) {
    // Being deleted by somebody: not gone yet, and not coming back.
    const attempts = code.attempts + 1;
    const quietUntil = new Date(now.getTime() + removalDelayMs(attempts));
    await changeCode(deps.db.prisma, code, { attempts, quietUntil });
    return;
  }
  if (seamCode !== null) {
    const message = `Taken off the lock, Seam will set it again: the code of ${what}.`;
    const entry = entryFor(door, 'code.watched', message, { codeId: code.id });
    // What is told meanwhile is judged again.
    const asJudged = { goneSignalAt: code.goneSignalAt, deviceAwaySince: code.deviceAwaySince };
    await commit(deps, entry, (tx) =>
      changeCode(tx, code, { goneSignalAt: null, deviceAwaySince: null, quietUntil: null, attempts: 0 }, asJudged),
    );
    return;
  }
  const device = await deps.seam.getDevice(door.key.deviceId);
  if (!device.ok && device.failure.kind !== 'device_not_found') return postpone(deps, door, code, device.failure);
  if (!device.ok || device.value.isAway) return waitForDevice(deps, door, code, !device.ok);
  await recordFound(deps, door, true);
  if (code.deviceAwaySince !== null) return reopenWindow(deps, door, code);
  const message =
    `Taken away by somebody in Seam: the code of ${what}. The window stays closed on this door, the next one is not affected. ` +
    `Reopen it with ${reopenCommand(door.schedule.key, door.key.deviceId)}, if that was a mistake.`;
  const entry = entryFor(door, 'window.closed', message, { alert: true, codeId: code.id });
  // It may be told meanwhile that the device was away: then this was no deletion, and is judged again.
  const still = { deviceAwaySince: null };
  await commit(deps, entry, async (tx) => {
    // A reopening that came since the door was read was of another window: it is judged again, to stay closed under that.
    if ((await holdSchedule(tx, door.key.scheduleId)) !== door.schedule.version) return false;
    const isOurs = await changeCode(tx, code, ending(door, code, 'closed', 'taken_away'), still);
    if (isOurs) await outliveBackup(deps, tx, door, code);
    return isOurs;
  });
}

/** A code that went with its device was not deleted by anybody. */
async function waitForDevice(deps: FlowDeps, door: Door, code: StoredCode, isGone: boolean): Promise<void> {
  const { now } = door.input;
  const quietUntil = new Date(now.getTime() + awayDelayMs);
  const away = { deviceAwaySince: code.deviceAwaySince ?? now, quietUntil };
  if (code.deviceAwaySince !== null) {
    await changeCode(deps.db.prisma, code, away);
    return;
  }
  const message = `The device is gone from Seam, or its account is disconnected: ${whose(door)} has no code until it is back.`;
  // What is said of the device is the one alert.
  const alert = door.device === null || (!isGone && door.device.awaySince === null);
  const entry = entryFor(door, 'code.postponed', message, { alert, codeId: code.id });
  await commit(deps, entry, (tx) => changeCode(tx, code, away));
  if (isGone) await recordFound(deps, door, false);
}

async function reopenWindow(deps: FlowDeps, door: Door, code: StoredCode): Promise<void> {
  const message = `The device is back: ${describeWindow(door, windowOf(code))} opens again.`;
  const entry = entryFor(door, 'window.reopened', message, { codeId: code.id });
  await commit(deps, entry, async (tx) => {
    const isOurs = await changeCode(tx, code, ending(door, code, 'closed', 'device_back'));
    if (isOurs) await outliveBackup(deps, tx, door, code);
    if (isOurs) await raiseGeneration(tx, door.key, door.input.now);
    return isOurs;
  });
}
