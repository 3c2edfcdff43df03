// MODE=observe: everything but writes to Seam, to try Relatch beside what runs today. Rows stay as they are, with the reason; nothing
// is claimed, so that MODE=active goes on from there as if Seam had never been thought of.
import type { Action } from '../core/plan.ts';
import { changeCode, releaseObserved, type StoredCode } from '../db/access-codes.ts';
import { type Door, describeWindow, entryFor, windowOf } from './door.ts';
import type { FlowDeps } from './flow-deps.ts';
import { commit } from './record.ts';

type Write = 'create' | 'update' | 'delete';

const reasonOf: Readonly<Record<Write, string>> = {
  create: 'observing: would create',
  update: 'observing: would update',
  delete: 'observing: would delete',
};
const reasons: ReadonlySet<string | null> = new Set(Object.values(reasonOf));
const lookAgainMs = 3_600_000;

/** Records once what would be asked of Seam, and leaves the row for later. */
export async function observe(deps: FlowDeps, door: Door, code: StoredCode, write: Write): Promise<void> {
  const quietUntil = new Date(door.input.now.getTime() + lookAgainMs);
  // That it is being removed was recorded when it was asked for, and why is its reason.
  if (code.state === 'removing') return void (await changeCode(deps.db.prisma, code, { quietUntil }));
  const reason = reasonOf[write];
  if (code.reason === reason) return void (await changeCode(deps.db.prisma, code, { quietUntil }));
  const message = `Would ${write}: the code of ${describeWindow(door, windowOf(code))}. Nothing was asked of Seam.`;
  const entry = entryFor(door, 'code.observed', message, { codeId: code.id, detail: { would: write } });
  await commit(deps, entry, (tx) => changeCode(tx, code, { quietUntil, reason }));
}

/** Whether nothing was asked for this code because of MODE=observe. */
export function isObserved({ reason }: StoredCode): boolean {
  return reasons.has(reason);
}

/**
 * Lets each write be looked at once a job: observing it changes nothing that the plan goes by, which would ask for it again
 * and again.
 */
export function onceObserved({ mode }: FlowDeps): (action: Action<StoredCode>) => boolean {
  const seen = new Set<string>();
  return (action) => {
    if (mode === 'active' || (action.kind !== 'create' && action.kind !== 'update' && action.kind !== 'delete'))
      return true;
    const key = `${action.kind} ${action.code.id}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  };
}

/** At a start in MODE=active: what was only observed before is due now. */
export async function leaveObserving(deps: FlowDeps): Promise<void> {
  const released = await releaseObserved(deps.db.prisma, Object.values(reasonOf), deps.now());
  if (released > 0) deps.log.info({ event: 'observe.left', codes: released }, 'what was only observed is done now');
}
