// Seam said that a code was changed: by us, or by somebody else. What is not as asked is asked back, once a report.
import { type CodeChange, changeCode, type StoredCode } from '../db/access-codes.ts';
import { wasAskedBack } from '../db/code-reports.ts';
import { encryptedPin } from '../db/pins.ts';
import type { SeamCode } from '../seam/api.ts';
import { type Door, describeWindow, entryFor, seamRefOf, windowOf } from './door.ts';
import type { FlowDeps } from './flow-deps.ts';
import { observe } from './observe.ts';
import { postpone } from './postpone.ts';
import { commit, record } from './record.ts';

const againAfterMs = 60_000;
// Who changes it again so soon would go on for ever, be it a program or the lock itself.
const stubbornMs = 3_600_000;
// https://docs.seam.co: resources/access-code, `errors[].error_code`: changed at the lock, Seam puts it right by itself.
const conflict = 'conflicting_external_modification';
const changedAtLock = 'changed at the lock';

export async function compareCode(deps: FlowDeps, door: Door, code: StoredCode): Promise<void> {
  const { now } = door.input;
  const seen = await deps.seam.getCode(seamRefOf(code));
  if (!seen.ok) {
    if (seen.failure.kind !== 'code_not_found') return postpone(deps, door, code, seen.failure);
    // Judged like any other report that it is gone.
    await changeCode(deps.db.prisma, code, { goneSignalAt: now, changedSignalAt: null });
    return;
  }
  const quietUntil = new Date(now.getTime() + againAfterMs);
  const isAtLock = seen.value.errors.some((error) => error.code === conflict);
  if (isAtLock && code.reason !== changedAtLock) {
    const message =
      `Changed or removed by somebody in the lock’s own app: the code of ${describeWindow(door, windowOf(code))}. ` +
      'Seam puts it right by itself; find out who has access to that app.';
    const entry = entryFor(door, 'code.changed_elsewhere', message, { alert: true, codeId: code.id });
    await commit(deps, entry, (tx) => changeCode(tx, code, { quietUntil, reason: changedAtLock }));
    return;
  }
  if (isAtLock || seen.value.pending.some((mutation) => mutation.startsWith('updating_'))) {
    await changeCode(deps.db.prisma, code, { quietUntil });
    return;
  }
  const wrong = differences(deps, door, code, seen.value);
  if (wrong.length > 0) {
    if (deps.mode === 'observe') return observe(deps, door, code, 'update');
    const since = new Date(now.getTime() - stubbornMs);
    const isAgain = await wasAskedBack(deps.db.prisma, code.id, since);
    return isAgain ? leaveAsIs(deps, door, code, seen.value, wrong) : askBack(deps, door, code, wrong);
  }
  await recordAsAsked(deps, door, code, seen.value);
}

/** What neither is as asked nor as Seam has confirmed: where it widened a window, that is told when it is made. */
function differences(deps: FlowDeps, door: Door, code: StoredCode, seen: SeamCode): string[] {
  const isKnown = (at: Date | null, ...known: (Date | null)[]): boolean =>
    at === null || known.some((one) => one?.getTime() === at.getTime());
  const hasTimes =
    isKnown(seen.startsAt, code.askedStartsAt, code.confirmedStartsAt) &&
    isKnown(seen.endsAt, code.askedEndsAt, code.confirmedEndsAt);
  const stored = encryptedPin(code);
  const hasPin = stored === null || seen.pin === null || deps.vault.decrypt(stored, door.schedule.id) === seen.pin;
  return [...(hasTimes ? [] : ['times']), ...(hasPin ? [] : ['PIN'])];
}

async function recordAsAsked(deps: FlowDeps, door: Door, code: StoredCode, seen: SeamCode): Promise<void> {
  const asAsked = { ...judged(code, seen), reason: null };
  if (code.reason !== changedAtLock) {
    await changeCode(deps.db.prisma, code, asAsked);
    return;
  }
  const message = `Put right by Seam: the code of ${describeWindow(door, windowOf(code))}.`;
  const entry = entryFor(door, 'code.watched', message, { codeId: code.id });
  await commit(deps, entry, (tx) => changeCode(tx, code, asAsked));
}

/** Changed once more: what Seam has now counts as known. At the end of its window it goes all the same. */
async function leaveAsIs(
  deps: FlowDeps,
  door: Door,
  code: StoredCode,
  seen: SeamCode,
  wrong: readonly string[],
): Promise<void> {
  const message =
    `Changed again (${wrong.join(' and ')}) after it was asked back: the code of ${describeWindow(door, windowOf(code))}. ` +
    'It is left so until its window ends: find out who, or what program, changes it in Seam, and check the lock.';
  const entry = entryFor(door, 'code.changed_elsewhere', message, { alert: true, codeId: code.id });
  await commit(deps, entry, (tx) => changeCode(tx, code, judged(code, seen)));
}

async function askBack(deps: FlowDeps, door: Door, code: StoredCode, wrong: readonly string[]): Promise<void> {
  const startsAt = code.askedStartsAt ?? code.windowStartsAt;
  const endsAt = code.askedEndsAt ?? code.windowEndsAt;
  const stored = encryptedPin(code);
  const pin = stored === null ? undefined : deps.vault.decrypt(stored, door.schedule.id);
  // As with any update: until Seam has answered, this one may land after a later edit.
  const unsettled = { askedStartsAt: null, askedEndsAt: null, calledAt: door.input.now };
  if (!(await changeCode(deps.db.prisma, code, unsettled))) return;
  const result = await deps.seam.updateCode({ ...seamRefOf(code), startsAt, endsAt, pin });
  const isUnheard = !result.ok && result.failure.kind === 'unknown';
  const settled = { askedStartsAt: startsAt, askedEndsAt: endsAt, calledAt: code.calledAt };
  if (!result.ok && result.failure.kind !== 'rejected' && !isUnheard)
    return postpone(deps, door, code, result.failure, settled);
  const outcome =
    result.ok || isUnheard ? 'They were asked back' : `Seam does not put them back: ${result.failure.message}`;
  const message =
    `Changed by somebody in Seam (${wrong.join(' and ')}): the code of ${describeWindow(door, windowOf(code))}. ` +
    `${outcome.replace(/\.$/, '')}. Who wants it otherwise changes the schedule.`;
  const entry = entryFor(door, 'code.changed_elsewhere', message, {
    alert: true,
    codeId: code.id,
    detail: { asked_back: wrong.join(' and ') },
  });
  if (isUnheard) {
    // The plan sends it again as an update, and the report is judged after that.
    await record(deps, entry);
    return postpone(deps, door, code, result.failure);
  }
  // What Seam makes of it is what later reports are held against.
  const seen = await deps.seam.getCode(seamRefOf(code));
  const confirmed = { confirmedStartsAt: startsAt, confirmedEndsAt: endsAt };
  const change = { ...judged(confirmed, seen.ok ? seen.value : null), ...settled };
  await commit(deps, entry, (tx) => changeCode(tx, code, change));
}

/** The report is judged, and Seam confirms what it shows; what it does not show is taken as given. */
function judged(given: Pick<StoredCode, 'confirmedStartsAt' | 'confirmedEndsAt'>, seen: SeamCode | null): CodeChange {
  return {
    changedSignalAt: null,
    quietUntil: null,
    confirmedStartsAt: seen?.startsAt ?? given.confirmedStartsAt,
    confirmedEndsAt: seen?.endsAt ?? given.confirmedEndsAt,
  };
}
