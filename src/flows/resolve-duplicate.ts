// Seam refuses a PIN twice on one device. Whose code holds it decides what follows.
import { bearsMarker, bearsPrefix, isOpen } from '../core/access-code.ts';
import { removalDelayMs } from '../core/backoff.ts';
import { type CodeChange, changeCode, findByAccessCodeId, type StoredCode } from '../db/access-codes.ts';
import type { SeamCode } from '../seam/api.ts';
import type { SeamFailure } from '../seam/errors.ts';
import { recordCreated, refuse } from './code-outcome.ts';
import { type Door, describeWindow, entryFor, windowOf } from './door.ts';
import type { FlowDeps } from './flow-deps.ts';
import { commit } from './record.ts';

const holderLiveDelayMs = 60_000;
// A drawn PIN that somebody has by chance is drawn anew; so often by chance is none.
const drawsMax = 5;

/**
 * (a) this row's own marker: the create had happened, adopt it; (b) an old code of ours past its end: delete it and come
 * back; (c) a code of ours inside its window: wait; (d) anyone else's: another PIN where each window has a new one anyway,
 * otherwise a conflict that a person must resolve.
 */
export async function resolveDuplicate(
  deps: FlowDeps,
  door: Door,
  claimed: StoredCode,
  pin: string | null,
  failure: SeamFailure,
): Promise<void> {
  const listed = await deps.seam.listCodes(door.key.deviceId);
  // The refusal itself says that nothing was made now; only an earlier call may have made it, and its marker will show.
  if (!listed.ok) return comeBack(deps, door, claimed, failure.message, removalDelayMs(claimed.attempts));
  const mine = listed.value.find(
    ({ name, isManaged, isLeaving }) => isManaged && !isLeaving && bearsMarker(name, claimed.marker),
  );
  if (mine !== undefined) return recordCreated(deps, door, claimed, mine, true);

  const holder = listed.value.find((code) => code.pin !== null && code.pin === pin);
  if (holder === undefined) {
    return comeBack(deps, door, claimed, 'the PIN is still held on the lock', removalDelayMs(claimed.attempts));
  }
  const owned = await ownerOf(deps, holder);
  if (!owned.isOurs) {
    if (door.schedule.pinPolicy === 'rotate' && claimed.attempts < drawsMax) {
      const reason = 'the PIN that was drawn for it is used by a code that is not ours: another one is drawn';
      return comeBack(deps, door, claimed, reason, 1_000, { pinCiphertext: null, pinKeyId: null });
    }
    return refuse(
      deps,
      door,
      claimed,
      'the PIN is used by a code on this lock that is not ours: choose another PIN, or remove that code',
    );
  }
  if (owned.isOver(door.input.now)) {
    const deleted = await deps.seam.deleteCode({ deviceId: door.key.deviceId, accessCodeId: holder.accessCodeId });
    const reason = deleted.ok
      ? 'the last code with this PIN is being removed'
      : `the last code with this PIN cannot be removed yet: ${deleted.failure.message}`;
    return comeBack(deps, door, claimed, reason, removalDelayMs(claimed.attempts));
  }
  return comeBack(deps, door, claimed, 'another code of ours holds the PIN inside its window', holderLiveDelayMs);
}

async function ownerOf(deps: FlowDeps, holder: SeamCode): Promise<{ isOurs: boolean; isOver: (now: Date) => boolean }> {
  const row = await findByAccessCodeId(deps.db.prisma, holder.accessCodeId);
  const isOurs = row !== null || (holder.isManaged && bearsPrefix(holder.name, deps.markerPrefix));
  const isOver = (now: Date): boolean =>
    (row !== null && !isOpen(row)) || (holder.endsAt !== null && holder.endsAt <= now);
  return { isOurs, isOver };
}

async function comeBack(
  deps: FlowDeps,
  door: Door,
  claimed: StoredCode,
  reason: string,
  waitMs: number,
  change: CodeChange = {},
): Promise<void> {
  const quietUntil = new Date(door.input.now.getTime() + waitMs);
  const message = `Later: ${describeWindow(door, windowOf(claimed))}; ${reason}.`;
  const entry = entryFor(door, 'code.postponed', message, {
    codeId: claimed.id,
    detail: { outcome: 'duplicate', reason, next_try_at: quietUntil.toISOString() },
  });
  await commit(deps, entry, (tx) => changeCode(tx, claimed, { state: 'planned', quietUntil, reason, ...change }));
}
