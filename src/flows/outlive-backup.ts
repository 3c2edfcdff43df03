// A backup code ends with the code that it stands in for, says Seam; a lock that cannot be reached keeps it all the same.
import { newMarker } from '../core/access-code.ts';
import type { StoredCode } from '../db/access-codes.ts';
import type { Tx } from '../db/client.ts';
import { insertHistory } from '../db/history.ts';
import { insertFound } from '../db/reconcile.ts';
import { type Door, describeWindow, entryFor, windowOf } from './door.ts';
import type { FlowDeps } from './flow-deps.ts';

/**
 * Gives the backup of a code that has ended a row of its own, in the transaction that ends the code: its removal is asked for until
 * Seam does not know it any more, people are told if that lasts, and the door's next code does not wait for it.
 */
export async function outliveBackup(deps: FlowDeps, tx: Tx, door: Door, code: StoredCode): Promise<void> {
  const { backupAccessCodeId, windowStartsAt, windowEndsAt, generation } = code;
  if (backupAccessCodeId === null) return;
  const codeId = await insertFound(tx, {
    ...door.key,
    // For people the window of its code; for the plan none, and no other row begins at an odd second.
    windowStartsAt: new Date(windowStartsAt.getTime() + 1_000),
    windowEndsAt,
    generation: -2 - generation,
    marker: newMarker(deps.markerPrefix, deps.random),
    state: 'removing',
    accessCodeId: backupAccessCodeId,
    hasOtherPin: true,
    reason: 'the code that it stood in for has ended',
    nextTryAt: door.input.now,
  });
  if (codeId === null) return;
  const message = `Removing: the backup code of ${describeWindow(door, windowOf(code))}, which ends with the code that it stood in for.`;
  const detail = { access_code_id: backupAccessCodeId };
  await insertHistory(tx, entryFor(door, 'code.deleting', message, { codeId, detail }));
}
