// Does what the plan says, one action at a time. Each act is safe to repeat and leaves the row in a state from which the
// next plan goes on, whatever happened in between.
import { newMarker } from '../core/access-code.ts';
import { unreachable } from '../core/errors.ts';
import { type Action, blockerOf, type CloseReason, isUnsettled } from '../core/plan.ts';
import { type CodeChange, changeCode, insertIntent, type StoredCode } from '../db/access-codes.ts';
import { resolveClosed } from '../db/alerts.ts';
import type { HistoryEntry } from '../db/history.ts';
import { compareCode } from './compare-code.ts';
import { confirmGone } from './confirm-gone.ts';
import { createCode } from './create-code.ts';
import { deleteCode } from './delete-code.ts';
import { type Door, describeWindow, ending, entryFor, unsettledUntil, windowDetail, windowOf } from './door.ts';
import { findCode } from './find-code.ts';
import type { FlowDeps } from './flow-deps.ts';
import { isObserved } from './observe.ts';
import { commit } from './record.ts';
import { recordRemoved } from './record-removed.ts';
import { updateCode } from './update-code.ts';

export async function applyAction(deps: FlowDeps, door: Door, action: Action<StoredCode>): Promise<void> {
  switch (action.kind) {
    case 'intend': {
      const marker = newMarker(deps.markerPrefix, deps.random);
      const { generation, now } = door.input;
      const { window } = action;
      const entry = entryFor(door, 'window.planned', `Planned: ${describeWindow(door, window)}.`, {
        detail: windowDetail(window),
      });
      await commit(deps, entry, async (tx) => {
        await resolveClosed(tx, door.key, window, now);
        return insertIntent(tx, { ...door.key, window, generation, marker, now });
      });
      return;
    }
    case 'create':
      return createCode(deps, door, action.code);
    case 'find':
      return findCode(deps, door, action.code);
    case 'confirm_gone':
      return confirmGone(deps, door, action.code, action.isEarly);
    case 'compare':
      return compareCode(deps, door, action.code);
    case 'update':
      return updateCode(deps, door, action.code, action);
    case 'delete':
      return deleteCode(deps, door, action.code, action.reason);
    case 'move': {
      const { code } = action;
      const message = `Moved: ${describeWindow(door, windowOf(code))} is now ${describeWindow(door, action.window)}.`;
      const { startsAt, endsAt } = action.window;
      const { generation, now } = door.input;
      const entry = entryFor(door, 'window.moved', message, { codeId: code.id, detail: windowDetail(action.window) });
      const window = { windowStartsAt: startsAt, windowEndsAt: endsAt, generation };
      // What it waits for was for the old times, unless a call that asked for those may still land.
      const change = code.state === 'created' && !isUnsettled(code) ? { ...window, quietUntil: null } : window;
      await commit(deps, entry, async (tx) => {
        if (!(await changeCode(tx, code, change))) return false;
        await resolveClosed(tx, door.key, action.window, now);
        return true;
      });
      return;
    }
    case 'removed':
      return recordRemoved(deps, door, action.code, action.code.reason ?? 'expired');
    case 'close': {
      const { code, reason } = action;
      const quietUntil = unsettledUntil(deps.settleMs, door, code);
      if (quietUntil !== null) {
        await changeCode(deps.db.prisma, code, { state: 'unknown', quietUntil });
        return;
      }
      return change(deps, code, ending(door, code, 'closed', reason), closedEntry(door, code, reason));
    }
    case 'keep_closed': {
      const { code, window } = action;
      const message = `Stays without a code, though it goes on for longer: ${describeWindow(door, window)}.`;
      const entry = entryFor(door, 'window.moved', message, { codeId: code.id, detail: windowDetail(window) });
      return change(deps, code, { windowEndsAt: window.endsAt }, entry);
    }
    case 'reopen': {
      const { code } = action;
      const message = `Asking again: ${describeWindow(door, windowOf(code))}, because the schedule was changed.`;
      const { generation } = door.input;
      // The PIN may be what was refused, and what was changed.
      const pin = { pinCiphertext: null, pinKeyId: null };
      const reopened = { state: 'planned', attempts: 0, quietUntil: null, generation, ...pin } as const;
      return change(deps, code, reopened, entryFor(door, 'window.reopened', message, { codeId: code.id }));
    }
    default:
      return unreachable(action);
  }
}

function closedEntry(door: Door, code: StoredCode, reason: CloseReason): HistoryEntry {
  const what = describeWindow(door, windowOf(code));
  if (reason === 'not_planned') {
    return entryFor(door, 'window.closed', `No longer planned: ${what}.`, { codeId: code.id });
  }
  if (reason === 'pin_revoked') {
    return entryFor(door, 'window.closed', `Asked for anew with another PIN: ${what}.`, { codeId: code.id });
  }
  if (reason === 'replaced') {
    const text = `Served by the code that was there for a later window: ${what}.`;
    return entryFor(door, 'window.closed', text, { codeId: code.id });
  }
  if (isObserved(code)) {
    const text = `Not served, because Relatch only observes: ${what}.`;
    return entryFor(door, 'window.closed', text, { codeId: code.id });
  }
  const isBlocked = blockerOf(code, door.input) !== undefined;
  const ownCause = isBlocked ? 'the code before it, which has the same PIN, was not gone in time' : code.reason;
  const cause = ownCause ?? (reason === 'too_late' ? 'it began less than five minutes before its end' : 'unknown');
  const text = `No code for ${what}: ${cause.replace(/\.$/, '')}.`;
  return entryFor(door, 'window.missed', text, { alert: true, codeId: code.id });
}

async function change(deps: FlowDeps, code: StoredCode, to: CodeChange, entry: HistoryEntry): Promise<void> {
  await commit(deps, entry, (tx) => changeCode(tx, code, to));
}
