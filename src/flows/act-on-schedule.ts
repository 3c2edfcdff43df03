// What people do to a schedule in the middle of things, in one transaction with the plan jobs that bring it to the doors.
import { UserError } from '../core/errors.ts';
import { actOnSchedule, type ScheduleAction } from '../core/schedule-actions.ts';
import { changesOf, draftFromStored } from '../core/schedules-file-merge.ts';
import { noSchedule, opensNoDoor, rotateGivenCommand } from '../core/ways-out.ts';
import type { Window } from '../core/windows.ts';
import { closedDoors } from '../db/access-codes.ts';
import type { Tx } from '../db/client.ts';
import { loadSchedulesToChange, type StoredSchedule } from '../db/schedules.ts';
import { lockSchedules } from '../db/schedules-lock.ts';
import {
  type DoorPreview,
  type Outcome,
  previewTargets,
  ScheduleConflict,
  type Target,
  writeTargets,
} from './change-schedules.ts';
import { checkDoors } from './check-doors.ts';
import type { FlowDeps } from './flow-deps.ts';
import { logMissed, settlePast } from './missed-windows.ts';
import { type PinCase, settlePins } from './settle-pins.ts';

/** What can be done to a schedule. */
export type Act =
  | ScheduleAction
  /** Takes the PIN back: codes that have it go, and their windows get another. Null: one is drawn. */
  | { readonly kind: 'rotate_pin'; readonly pin: string | null }
  /** Opens windows again that were served or closed, at these doors; null: at all that have one. */
  | { readonly kind: 'reopen'; readonly deviceIds: readonly string[] | null };

export interface ActOptions {
  /** Tells what would be done, and writes nothing. */
  readonly dryRun?: boolean;
  /** The version that the schedule must still have. @throws ScheduleConflict */
  readonly version?: number;
  /** Who does it, for the history. */
  readonly by?: string;
  /** Writes along, in the same transaction. */
  readonly along?: (tx: Tx, acted: Acted) => Promise<void>;
}

export interface Acted {
  readonly key: string;
  /** After the action. */
  readonly version: number;
  readonly outcome: Outcome;
  /** What was done: "skipped 2027-03-08 09:00–17:00 (America/New_York)". */
  readonly message: string;
  /** What its doors cannot do of what it opens. */
  readonly notes: readonly string[];
  /** What a dry run tells, by door; empty when it was done. */
  readonly preview: readonly DoorPreview[];
}

/** The action cannot be done; nothing was written. */
export class ActionRefused extends UserError {}

// What a door cannot do matters where it is to open.
const opening: ReadonlySet<Act['kind']> = new Set(['resume', 'extend', 'extra']);

type ActDeps = Pick<FlowDeps, 'db' | 'queue' | 'vault' | 'now' | 'random' | 'log'>;

/**
 * Does something to the schedule of this key. What it is already is done once more without a change.
 * @throws ScheduleConflict where there is no such schedule, or not in that version; ActionRefused where it cannot be done
 */
export async function actOn(deps: ActDeps, key: string, act: Act, options: ActOptions = {}): Promise<Acted> {
  const { acted, missed } = await deps.db.prisma.$transaction(
    async (tx) => {
      await lockSchedules(tx);
      return actIn(tx, deps, key, act, options);
    },
    { timeout: 30_000, maxWait: 10_000 },
  );
  logMissed(deps.log, missed);
  return acted;
}

async function actIn(tx: Tx, deps: ActDeps, key: string, act: Act, options: ActOptions) {
  const now = deps.now();
  const [stored] = await loadSchedulesToChange(tx, [key]);
  if (stored === undefined) throw new ScheduleConflict('schedule_unknown', noSchedule(key), null);
  const { schedule } = stored;
  if (options.version !== undefined && options.version !== schedule.version)
    throw ScheduleConflict.ofVersions(schedule, options.version);
  const problems: string[] = [];
  const decided = targetOf(stored, act, now, problems);
  if (!decided.ok) throw new ActionRefused(decided.code, decided.message);
  const target = {
    ...decided.target,
    ...(await reopening(tx, decided, act, now)),
    ...(options.by !== undefined && { by: options.by }),
  };
  const pins = await settlePins(deps, tx, [target.pinCase]);
  if (problems.length > 0) throw new ActionRefused('pin_refused', problems.join(' '));
  const changedDoors = new Map();
  const notes = opening.has(act.kind) ? await checkDoors(tx, [target], { unknown: new Set(), changedDoors, now }) : [];
  const settlement = { targets: [target], pins, changedDoors };
  if (options.dryRun === true) {
    const { changed, doors } = await previewTargets(tx, settlement, now);
    const acted = actedOf(schedule.version, changed[0]?.outcome, target, notes, doors);
    return { acted, missed: [] };
  }
  const missed = await settlePast(tx, deps, [schedule], now);
  const [changed] = await writeTargets(tx, deps, settlement, now);
  const version = schedule.version + Number(changed?.outcome === 'changed');
  const acted = actedOf(version, changed?.outcome, target, notes, []);
  await options.along?.(tx, acted);
  return { acted, missed };
}

function actedOf(
  version: number,
  outcome: Outcome = 'unchanged',
  target: Target,
  notes: readonly string[],
  preview: readonly DoorPreview[],
): Acted {
  return { key: target.draft.key, version, outcome, message: target.message ?? '', notes, preview };
}

type Decided =
  | { readonly ok: true; readonly target: Target; readonly reopens: readonly Window[] }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** The schedule under an action, before its PINs are settled. */
export function actionTarget(stored: StoredSchedule, action: ScheduleAction, now: Date): Decided {
  const decision = actOnSchedule(stored.schedule, action, now);
  if (!decision.ok) return decision;
  const { draft, message, reopens } = decision;
  return { ok: true, reopens, target: { ...baseTarget(stored, draft), message } };
}

function targetOf(stored: StoredSchedule, act: Act, now: Date, problems: string[]): Decided {
  if (act.kind !== 'rotate_pin' && act.kind !== 'reopen') return actionTarget(stored, act, now);
  const { schedule } = stored;
  if (schedule.status !== 'active') {
    const message = opensNoDoor(schedule.key, schedule.status);
    return { ok: false, code: `schedule_${schedule.status}`, message };
  }
  const draft = draftFromStored(schedule);
  const base = baseTarget(stored, draft);
  if (act.kind === 'reopen') {
    const reopens = [{ startsAt: now, endsAt: new Date(8.64e15) }];
    return { ok: true, reopens, target: { ...base, changes: [{ field: 'reopened' }], message: 'reopened' } };
  }
  const choice = pinChoice(schedule, act.pin);
  if (typeof choice === 'string') return { ok: false, code: 'pin_missing', message: choice };
  const pinCase = {
    ...base.pinCase,
    ...(choice !== null && { choice }),
    report: (text: string) => void problems.push(text),
  };
  const message = 'given a new PIN; codes with the old one are taken away';
  const target = { ...base, pinCase, changes: [{ field: 'pin' }], revokesPin: true, reopened: [], message };
  return { ok: true, reopens: [], target };
}

/** How the new PIN comes about; null: each window draws its own. A sentence where it cannot. */
function pinChoice(
  { key, pinPolicy: policy }: StoredSchedule['schedule'],
  pin: string | null,
): PinCase['choice'] | null | string {
  if (policy === 'rotate') return pin === null ? null : 'Each window of this schedule has a PIN of its own: give none.';
  if (policy === 'given')
    return pin === null
      ? `The PIN of this schedule is chosen by people, so the new one is too: ${rotateGivenCommand(key)}`
      : { policy: 'given', pin };
  return pin === null
    ? { policy: 'redrawn' }
    : 'The PIN of this schedule is drawn: give none, or have pin: in its schedules file say so.';
}

function baseTarget(stored: StoredSchedule, draft: Target['draft']): Target {
  const { id } = stored.schedule;
  const report = (message: string): never => {
    throw new Error(`the PIN of schedule ${draft.key} is not to be touched: ${message}`);
  };
  const changes = changesOf(stored.schedule, draft);
  return { id, stored, draft, changes, pinCase: { id, draft, stored, choice: undefined, report } };
}

/**
 * The doors whose windows may open once more. For a reopening those where one was served or closed. For what came in again all of
 * them: it may have a code on its way out, and those that wait behind it give way to it and must come back.
 */
async function reopening(
  tx: Tx,
  { target, reopens }: Extract<Decided, { ok: true }>,
  act: Act,
  now: Date,
): Promise<Pick<Target, 'reopened' | 'reopens' | 'message'>> {
  const message = target.message ?? '';
  if (reopens.length === 0) return { reopened: [], message };
  if (act.kind !== 'reopen') return { reopened: target.draft.deviceIds, reopens, message };
  const closed = await closedDoors(tx, target.id, reopens, now);
  const { deviceIds } = act;
  const strangers = deviceIds?.filter((one) => !target.draft.deviceIds.includes(one)) ?? [];
  if (strangers.length > 0)
    throw new ActionRefused('device_not_of_schedule', `The schedule is not on device ${strangers.join(', ')}.`);
  const reopened = closed.filter((one) => deviceIds?.includes(one) ?? true);
  if (reopened.length === 0)
    throw new ActionRefused(
      'nothing_closed',
      'No window was closed there that is not over: there is nothing to reopen.',
    );
  return { reopened, reopens, message: `reopened at device ${reopened.join(', ')}` };
}
