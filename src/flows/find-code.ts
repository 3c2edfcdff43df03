// A create whose outcome is not known is looked for by its marker, never sooner than it could still land.
import { bearsMarker } from '../core/access-code.ts';
import { laterMs } from '../core/backoff.ts';
import { changeCode, claimFound, type StoredCode } from '../db/access-codes.ts';
import type { SeamCode } from '../seam/api.ts';
import type { SeamFailure } from '../seam/errors.ts';
import { recordCreated } from './code-outcome.ts';
import { type Door, describeWindow, entryFor, windowOf } from './door.ts';
import type { FlowDeps } from './flow-deps.ts';
import { postpone } from './postpone.ts';
import { record } from './record.ts';
import { isTriedOut, lastKnownEnd, tryRarely } from './try-rarely.ts';

// Tried each time that it is settled then.
const nearMs = 30 * 60_000;

/** Adopts the code if the device has it; otherwise it may be asked for again. */
export async function findCode(deps: FlowDeps, door: Door, code: StoredCode): Promise<void> {
  const listed = await deps.seam.listCodes(door.key.deviceId);
  if (!listed.ok) {
    // Without its device there is no code to find, and none to fear twice.
    const isGone = listed.failure.kind === 'device_not_found';
    return isGone
      ? postpone(deps, door, code, listed.failure, { state: 'planned' })
      : lookLater(deps, door, code, listed.failure);
  }
  const found = listed.value
    .filter(({ name, isManaged, isLeaving }) => isManaged && !isLeaving && bearsMarker(name, code.marker))
    .sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
  const [oldest, ...surplus] = found;
  if (oldest === undefined) {
    // Where it waits it stays unknown, and is looked for once more right before it is asked for again.
    const quietUntil = quietAfter(deps, door, code);
    await changeCode(deps.db.prisma, code, quietUntil === null ? { state: 'planned', quietUntil } : { quietUntil });
    return;
  }
  // A worker whose create lands late may record just what is surplus here: deleted then, it would be the row's own code.
  const quietUntil = new Date(deps.now().getTime() + deps.settleMs);
  const held = surplus.length === 0 ? code : await claimFound(deps.db.prisma, code, quietUntil);
  if (held === null) return;
  const failure = await deleteSurplus(deps, door, held, surplus);
  // Found again with the others, once Seam can be asked: until it is gone, its PIN opens the door beside the other.
  if (failure !== null) return lookLater(deps, door, held, failure);
  await recordCreated(deps, door, held, oldest, true);
}

/** While its window lasts nothing is given up; once that is over, what may be on the lock is looked for ever more rarely. */
async function lookLater(deps: FlowDeps, door: Door, code: StoredCode, failure: SeamFailure): Promise<void> {
  const attempts = code.attempts + 1;
  const endsAt = lastKnownEnd(code);
  if (endsAt > door.input.now || !isTriedOut(attempts, failure)) return postpone(deps, door, code, failure);
  await tryRarely(deps, door, code, { failure, endsAt, change: { attempts } });
}

/** Until when a create that failed is not repeated: ever later, but often enough while its window is near or has begun. */
function quietAfter({ random }: FlowDeps, { input: { now } }: Door, code: StoredCode): Date | null {
  const isFirst = code.attempts <= 1;
  if (isFirst || code.calledAt === null || code.windowStartsAt.getTime() - now.getTime() < nearMs) return null;
  const until = new Date(code.calledAt.getTime() + laterMs(code.attempts, random));
  return until > now ? until : null;
}

/** The failure for which a later try may remove what is left; null when all are being removed, or never will be. */
async function deleteSurplus(
  deps: FlowDeps,
  door: Door,
  code: StoredCode,
  surplus: readonly SeamCode[],
): Promise<SeamFailure | null> {
  for (const { accessCodeId } of surplus) {
    const deleted = await deps.seam.deleteCode({ deviceId: door.key.deviceId, accessCodeId });
    if (!deleted.ok && isPassing(deleted.failure)) return deleted.failure;
    const outcome = deleted.ok ? 'it is being removed' : `removing it failed: ${deleted.failure.message}`;
    const message = `A second code was made for ${describeWindow(door, windowOf(code))}; ${outcome}. Raise SEAM_SETTLE_SECONDS.`;
    const detail = { access_code_id: accessCodeId };
    await record(deps, entryFor(door, 'code.deleting', message, { alert: true, codeId: code.id, detail }));
  }
  return null;
}

function isPassing({ kind }: SeamFailure): boolean {
  return kind !== 'rejected' && kind !== 'code_not_found' && kind !== 'device_not_found' && kind !== 'duplicate';
}
