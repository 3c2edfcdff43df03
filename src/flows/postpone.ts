import { laterMs } from '../core/backoff.ts';
import { refusedProbeMs } from '../core/seam-line.ts';
import { type CodeChange, changeCode, type StoredCode } from '../db/access-codes.ts';
import { lineState } from '../db/seam-line.ts';
import type { SeamFailure } from '../seam/errors.ts';
import { type Door, describeWindow, entryFor, windowOf } from './door.ts';
import type { FlowDeps } from './flow-deps.ts';
import { commit } from './record.ts';
import { recordFound } from './record-reach.ts';

/**
 * Leaves a code for later because Seam could not be asked, or did nothing: sets its quiet time and says so once. `change`
 * goes along, for instance back to `planned` after a claim. What a person must mend is an alert at its first time.
 * @param news whether it is worth an alert, and whether it was said before; by default that is judged by the row's reason
 */
export async function postpone(
  deps: FlowDeps,
  door: Door,
  code: StoredCode,
  failure: SeamFailure,
  change: CodeChange = {},
  news: { readonly isAlert: boolean; readonly isRepetition: boolean } = {
    isAlert: needsPerson(failure) && !isToldOfDevice(door, failure),
    isRepetition: code.reason === failure.message,
  },
): Promise<void> {
  if (failure.kind === 'held_back') return holdBack(deps, code, failure, change);
  const attempts = Math.max(1, code.attempts + (change.state === undefined ? 1 : 0));
  const waitMs = waitMsAfter(failure, attempts, deps.random);
  const quietUntil = new Date(door.input.now.getTime() + Math.max(1_000, waitMs));
  const message = `Later: ${describeWindow(door, windowOf(code))}; ${explain(failure)}`;
  const entry = entryFor(door, 'code.postponed', message, {
    alert: news.isAlert && !news.isRepetition,
    codeId: code.id,
    detail: { outcome: failure.kind, reason: failure.message, next_try_at: quietUntil.toISOString() },
  });
  const to = { attempts, quietUntil, reason: failure.message, ...change };
  if (news.isRepetition) await changeCode(deps.db.prisma, code, to);
  else await commit(deps, entry, (tx) => changeCode(tx, code, to));
  if (failure.kind === 'device_not_found') await recordFound(deps, door, false);
}

function waitMsAfter(failure: SeamFailure, attempts: number, random: FlowDeps['random']): number {
  if (failure.kind === 'rate_limited') return failure.retryAfterMs ?? 60_000;
  // That is no trouble of this code, and grows with none of its attempts.
  return failure.kind === 'unauthorized' ? refusedProbeMs : laterMs(attempts, random);
}

/** Seam was not asked: that is no attempt and no news. Why a row without a code waits is kept: it is told if its window passes so. */
async function holdBack(
  deps: FlowDeps,
  code: StoredCode,
  failure: Extract<SeamFailure, { kind: 'held_back' }>,
  change: CodeChange,
): Promise<void> {
  const waits = code.state === 'planned' || code.state === 'unknown';
  const reason = waits ? { reason: code.reason ?? failure.message } : {};
  await deps.db.prisma.$transaction(async (tx) => {
    // Calls may go on since this one was held back: those that waited then have been woken without this row.
    const isOver = failure.by === 'line' && (await lineState(tx)) === 'clear';
    const waitMs = isOver ? 0 : failure.retryAfterMs;
    const quietUntil = new Date(deps.now().getTime() + Math.max(1_000, waitMs));
    await changeCode(tx, code, { quietUntil, ...reason, ...change });
  });
}

/** Whether time alone will not mend it. */
export function needsPerson({ kind }: SeamFailure): boolean {
  return kind === 'device_not_found';
}

/** What is said of a device that we know is the one alert, however many codes it has. */
export function isToldOfDevice({ device }: Door, { kind }: SeamFailure): boolean {
  return kind === 'device_not_found' && device !== null;
}

function explain(failure: SeamFailure): string {
  switch (failure.kind) {
    case 'unauthorized':
      return 'Seam refuses our API key.';
    case 'device_not_found':
      return 'Seam does not know the device. Reconnect it, or take it out of the schedule.';
    case 'rate_limited':
      return 'Seam asks to wait.';
    default:
      return `${failure.message}.`;
  }
}
