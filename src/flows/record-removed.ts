import { changeCode, raiseGeneration, type StoredCode } from '../db/access-codes.ts';
import { type Door, describeWindow, ending, entryFor, goesOn, unsettledUntil, windowOf } from './door.ts';
import type { FlowDeps } from './flow-deps.ts';
import { outliveBackup } from './outlive-backup.ts';
import { commit } from './record.ts';

/** Ends a code that is gone, once no other can land in its place. Where its window goes on all the same, that is a reopening: the rest of it gets another code. */
export async function recordRemoved(deps: FlowDeps, door: Door, code: StoredCode, reason: string): Promise<void> {
  const quietUntil = unsettledUntil(deps.settleMs, door, code);
  const reopens = goesOn(door, code) && code.generation >= door.input.generation;
  const rest = reopens ? ' Its window goes on and gets another one.' : '';
  const more =
    quietUntil === null ? rest : ' It was asked for more than once: another one may come, and is looked for.';
  const message = `Removed: the code of ${describeWindow(door, windowOf(code))}.${more}`;
  const entry = entryFor(door, 'code.removed', message, {
    codeId: code.id,
    detail: { access_code_id: code.accessCodeId },
  });
  if (quietUntil !== null) {
    await commit(deps, entry, (tx) => changeCode(tx, code, { state: 'unknown', quietUntil }));
    return;
  }
  await commit(deps, entry, async (tx) => {
    const isOurs = await changeCode(tx, code, ending(door, code, 'removed', reason));
    if (isOurs) await outliveBackup(deps, tx, door, code);
    if (isOurs && reopens) await raiseGeneration(tx, door.key, door.input.now);
    return isOurs;
  });
}
