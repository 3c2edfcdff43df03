import type { Action } from '../core/plan.ts';
import type { StoredCode } from '../db/access-codes.ts';
import { type Door, describeWindow, windowOf } from './door.ts';

const words: Readonly<Record<Action['kind'], string>> = {
  intend: 'plan a code for',
  create: 'ask Seam for the code of',
  find: 'look on the device for the code of',
  confirm_gone: 'ask Seam whether it still has the code of',
  move: 'move the plan of',
  compare: 'ask Seam whether it changed the code of',
  update: 'give new times to the code of',
  delete: 'have Seam remove the code of',
  removed: 'record the removal of the code of',
  close: 'close, without a code,',
  keep_closed: 'keep closed, though it gets longer,',
  reopen: 'ask again for the code of',
};

/** What an action would do, in words: "ask Seam for the code of Crew at Front door, Mon 8 Mar 09:00–17:00". */
export function describeAction(door: Door, action: Action<StoredCode>): string {
  const window = 'code' in action ? windowOf(action.code) : action.window;
  const moved =
    action.kind === 'move' || action.kind === 'keep_closed' ? ` to ${describeWindow(door, action.window)}` : '';
  return `${words[action.kind]} ${describeWindow(door, window)}${moved}`;
}
