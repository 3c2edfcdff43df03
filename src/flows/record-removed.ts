import { changeCode, raiseGeneration, type StoredCode } from '../db/access-codes.ts';
import { type Door, describeWindow, ending, entryFor, goesOn, unsettledUntil, windowOf } from './door.ts';
import type { FlowDeps } from './flow-deps.ts';
import { outliveBackup } from './outlive-backup.ts';
import { commit } from './record.ts';

/** Ends a code that is gone, once no other can land in its place. Where its window goes on all the same, that is a reopening: the rest of it gets another code. */
export async function recordRemoved(deps: FlowDeps, door: Door, code: StoredCode, reason: string): Promise<void> {
  const quietUntil = unsettledUntil(deps.settleMs, door, code);
  if (quietUntil !== null) {
    await changeCode(deps.db.prisma, code, { state: 'unknown', quietUntil });
    return;
  }
  const reopens = goesOn(door, code) && code.generation >= door.input.generation;
  const rest = reopens ? ' Its window goes on and gets another one.' : '';
  const message = `Removed: the code of ${describeWindow(door, windowOf(code))}.${rest}`;
  const entry = entryFor(door, 'code.removed', message, {
    codeId: code.id,
    detail: { access_code_id: code.accessCodeId },
  });
  await commit(deps, entry, async (tx) => {
    const isOurs = await changeCode(tx, code, ending(door, code, 'removed', reason));
    if (isOurs) await outliveBackup(deps, tx, door, code);
    if (isOurs && reopens) await raiseGeneration(tx, door.key, door.input.now);
    return isOurs;
  });
}
