// Before a window begins its code is looked after at each rung of the ladder: what can be tried is tried, and people are told
// in time. A rung is done once, and a code that is well costs one question.
import { causeOf } from '../core/alert.ts';
import { unreachable } from '../core/errors.ts';
import {
  explainTrouble,
  type Ladder,
  nextRung,
  type Remedy,
  type Rung,
  remedyFor,
  type Seen,
  type Trouble,
  troubleOf,
} from '../core/ladder.ts';
import { changeCode, type StoredCode } from '../db/access-codes.ts';
import { isRaised } from '../db/alerts.ts';
import { lastEndedAt } from '../db/code-reports.ts';
import { lockLine, readLine } from '../db/seam-line.ts';
import { drawOtherPin } from './choose-pin.ts';
import { type Door, describeWindow, entryFor, seamRefOf, windowOf } from './door.ts';
import type { FlowDeps } from './flow-deps.ts';
import { gapDetail } from './note-news.ts';
import { isObserved } from './observe.ts';
import { commit } from './record.ts';

export async function readLadder(deps: FlowDeps, door: Door): Promise<Ladder> {
  const { codes, rotates, now } = door.input;
  // With a PIN of its own no code waits for the one before it.
  const mayWait = !rotates && codes.some((code) => code.windowStartsAt > now && !code.hasOtherPin);
  const lastEndsAt = mayWait ? await lastEndedAt(deps.db.prisma, door.key, now) : null;
  return { rungsMs: deps.ladderMs, lastEndsAt };
}

/**
 * Looks after the codes whose rung is due, once nothing else is to be done about the door.
 * @param tried codes for which something was tried in this job; if they are still in trouble, that is told now
 * @returns whether a row was changed so that the door is to be planned again
 */
export async function climbLadder(
  deps: FlowDeps,
  door: Door,
  ladder: Ladder,
  tried: Map<string, Trouble>,
): Promise<boolean> {
  let hasChanged = false;
  for (const code of door.input.codes) {
    const before = tried.get(code.id);
    if (before !== undefined) {
      tried.delete(code.id);
      if (code.state !== 'created') {
        const trouble = troubleOf(code, null, door.input) ?? before;
        await tell(deps, door, code, trouble);
        hasChanged = true;
      }
      continue;
    }
    const rung = rungOf(door, code, ladder);
    if (rung === null || rung.dueAt > door.input.now) continue;
    if (rung.kind === 'after_end') {
      await tellLateRemoval(deps, door, code);
      hasChanged = true;
    } else if (await climb(deps, door, code, rung, tried)) hasChanged = true;
  }
  return hasChanged;
}

/** The rung of a code that is next; none where nothing was asked of Seam: that it is not ready is no news. */
export function rungOf(door: Door, code: StoredCode, ladder: Ladder): Rung | null {
  return isObserved(code) ? null : nextRung(code, ladder, door.input);
}

/** One rung of one code. */
async function climb(
  deps: FlowDeps,
  door: Door,
  code: StoredCode,
  rung: Rung,
  tried: Map<string, Trouble>,
): Promise<boolean> {
  const { now } = door.input;
  let seen: Seen | null = null;
  if (code.state === 'created') {
    const asked = await deps.seam.getCode(seamRefOf(code));
    const isGone = !asked.ok && asked.failure.kind === 'code_not_found';
    // Judged like any other report that it is gone.
    if (isGone && code.goneSignalAt === null) return changeCode(deps.db.prisma, code, { goneSignalAt: now });
    // The rung stays due, and is tried again.
    if (!asked.ok && !isGone) return false;
    seen = asked.ok ? asked.value : null;
  }
  const trouble = troubleOf(code, seen, door.input);
  if (trouble === null) return recordWell(deps, door, code, seen);
  const means = {
    allowsOtherPin:
      door.schedule.allowOtherPin && door.device?.constraints.includes('cannot_specify_pin_code') !== true,
    hasBackupPool: door.device?.hasBackupPool === true,
  };
  const found = deps.mode === 'observe' ? 'tell' : remedyFor(code, trouble, rung, means);
  return remedy(deps, door, code, { trouble, remedy: found }, tried);
}

async function remedy(
  deps: FlowDeps,
  door: Door,
  code: StoredCode,
  found: { trouble: Trouble; remedy: Remedy },
  tried: Map<string, Trouble>,
): Promise<boolean> {
  const { trouble } = found;
  switch (found.remedy) {
    case 'other_pin': {
      const isDone = await giveOtherPin(deps, door, code, trouble);
      if (isDone) tried.set(code.id, trouble);
      else await tell(deps, door, code, trouble);
      return true;
    }
    case 'ask_again': {
      const again = { state: 'planned', quietUntil: null, checkedAt: door.input.now } as const;
      // A PIN that was drawn for it may be what was refused.
      const pin = code.hasOtherPin ? {} : { pinCiphertext: null, pinKeyId: null };
      if (await changeCode(deps.db.prisma, code, { ...again, ...pin })) tried.set(code.id, trouble);
      return true;
    }
    case 'backup':
      if (!(await pullBackup(deps, door, code, trouble))) await tell(deps, door, code, trouble);
      return true;
    case 'tell':
      await tell(deps, door, code, trouble);
      return true;
    default:
      return unreachable(found.remedy);
  }
}

/** A code that is well: the rung is done. What no event told is noted, so that it settles what was told before. */
async function recordWell(deps: FlowDeps, door: Door, code: StoredCode, seen: Seen | null): Promise<boolean> {
  const { now } = door.input;
  if (code.readyAt !== null || seen === null || seen.pending.length > 0)
    return changeCode(deps.db.prisma, code, { checkedAt: now });
  const detail = await gapDetail(deps.db.prisma, code, now);
  const message = `Found on the lock: the code of ${describeWindow(door, windowOf(code))}.`;
  const entry = entryFor(door, 'code.ready', message, { codeId: code.id, detail });
  return commit(deps, entry, (tx) => changeCode(tx, code, { checkedAt: now, readyAt: now }));
}

/** Another PIN for this window only; what Seam has already is changed in place. */
async function giveOtherPin(deps: FlowDeps, door: Door, code: StoredCode, trouble: Trouble): Promise<boolean> {
  const { device } = door;
  const drawn = device === null ? null : await drawOtherPin(deps, { ...door, device });
  if (drawn === null) return false;
  const isAtSeam = code.state === 'created';
  const change = {
    ...drawn,
    hasOtherPin: true,
    checkedAt: door.input.now,
    quietUntil: null,
    // Not as asked: the next plan sends the update.
    ...(isAtSeam ? { askedStartsAt: null, askedEndsAt: null } : ({ state: 'planned', attempts: 0 } as const)),
  };
  const message =
    `Another PIN for ${describeWindow(door, windowOf(code))} only, because ${explainTrouble(trouble).cause}. ` +
    'Tell the holder: Seam shows the new PIN at this code.';
  const entry = entryFor(door, 'code.other_pin', message, { alert: true, codeId: code.id });
  return commit(deps, entry, (tx) => changeCode(tx, code, change));
}

/** Seam's backup code for the same window: on the lock already, and gone with the code that it stands in for. */
async function pullBackup(deps: FlowDeps, door: Door, code: StoredCode, trouble: Trouble): Promise<boolean> {
  const pulled = await deps.seam.pullBackupCode(seamRefOf(code));
  if (!pulled.ok) return false;
  const { accessCodeId } = pulled.value;
  const message =
    `A backup code stands in for ${describeWindow(door, windowOf(code))}, because ${explainTrouble(trouble).cause}. ` +
    'Tell the holder: Seam shows its PIN at this device.';
  const entry = entryFor(door, 'code.backup_pulled', message, {
    alert: true,
    codeId: code.id,
    detail: { access_code_id: code.accessCodeId, backup_access_code_id: accessCodeId },
  });
  const change = { backupAccessCodeId: accessCodeId, checkedAt: door.input.now };
  return commit(deps, entry, (tx) => changeCode(tx, code, change));
}

async function tell(deps: FlowDeps, door: Door, code: StoredCode, trouble: Trouble): Promise<void> {
  const { now } = door.input;
  const minutes = Math.round((code.windowStartsAt.getTime() - now.getTime()) / 60_000);
  if (trouble.kind === 'not_created' && (await readLine(deps.db.prisma)).state !== 'clear') {
    return tellOfLine(deps, door, code, minutes);
  }
  const { cause, remedy: whatToDo } = explainTrouble(trouble);
  const standIn = code.backupAccessCodeId === null ? '' : ' A backup code was handed out.';
  const message = `Not ready ${minutes} minutes before it begins: the code of ${describeWindow(door, windowOf(code))}; ${cause.replace(/\.$/, '')}.${standIn} ${whatToDo}`;
  await commitAlert(deps, door, code, { kind: 'code.not_ready', message, minutes });
}

/** Nothing can be asked of Seam now: one alert tells of all the codes that wait for it. */
async function tellOfLine(deps: FlowDeps, door: Door, code: StoredCode, minutes: number): Promise<void> {
  const { now } = door.input;
  const what = `the code of ${describeWindow(door, windowOf(code))}`;
  const detail = { minutes_left: minutes };
  const entry = entryFor(door, 'code.not_ready', `Waits for Seam ${minutes} minutes before it begins: ${what}.`, {
    codeId: code.id,
    detail,
  });
  await commit(deps, entry, (tx) => changeCode(tx, code, { checkedAt: now }));
  const message =
    `Seam cannot be asked, and a window begins in ${minutes} minutes without its code: ${what}. ` +
    'Others may follow. Codes are made as soon as Seam answers: see its status page and SEAM_API_KEY.';
  const awaited = { at: now, kind: 'seam.awaited', alert: true, message } as const;
  await commit(deps, awaited, async (tx) => {
    // The lock makes those of many doors take turns.
    const { state } = await lockLine(tx);
    return state !== 'clear' && !(await isRaised(tx, causeOf(awaited.kind, {})));
  });
}

async function tellLateRemoval(deps: FlowDeps, door: Door, code: StoredCode): Promise<void> {
  const { now } = door.input;
  const minutes = Math.round((now.getTime() - code.windowEndsAt.getTime()) / 60_000);
  const message =
    `Still on the lock ${minutes} minutes after its end, as far as Seam says: the code of ${describeWindow(door, windowOf(code))}. ` +
    'Until it is gone its PIN opens the door: check that the lock is online.';
  await commitAlert(deps, door, code, { kind: 'code.removing_late', message, minutes: -minutes });
}

async function commitAlert(
  deps: FlowDeps,
  door: Door,
  code: StoredCode,
  told: { kind: 'code.not_ready' | 'code.removing_late'; message: string; minutes: number },
): Promise<void> {
  const detail = { minutes_left: told.minutes };
  const entry = entryFor(door, told.kind, told.message, { alert: true, codeId: code.id, detail });
  await commit(deps, entry, (tx) => changeCode(tx, code, { checkedAt: door.input.now }));
}
