// The one job that writes to Seam: derive the state of a schedule's door, decide, do, record, until nothing is left to do.
// Order and repetition of jobs do not matter; two for one door never run in parallel.
import { isOpen } from '../core/access-code.ts';
import type { Ladder, Trouble } from '../core/ladder.ts';
import { type Action, isRowAction, planSchedule } from '../core/plan.ts';
import { hasSkipAhead } from '../core/schedule.ts';
import { wakeAt } from '../core/wake.ts';
import { changeCode, hasOpenCodes, type StoredCode } from '../db/access-codes.ts';
import type { PlanKey } from '../db/queue.ts';
import { markEnded } from '../db/schedules.ts';
import { applyAction } from './apply-plan.ts';
import { climbLadder, readLadder, rungOf } from './climb-ladder.ts';
import { compareFirst } from './compare-first.ts';
import { type Door, entryFor, goesOn, readDoor, whose } from './door.ts';
import type { FlowDeps } from './flow-deps.ts';
import { knowDevice } from './know-device.ts';
import { recordUnserved } from './missed-windows.ts';
import { onceObserved } from './observe.ts';
import { commit } from './record.ts';

// Each round brings a code one state further; no code has so many states.
const roundsMax = 12;

/**
 * Brings one door of a schedule to where its plan says it should be, as far as Seam allows right now. What has to wait is
 * left with the time at which it is due; nothing sleeps here. Ends well when Seam was unavailable.
 */
export async function planDoor(deps: FlowDeps, key: PlanKey): Promise<void> {
  const isToDo = onceObserved(deps);
  let known: Door | null = null;
  const tried = new Map<string, Trouble>();
  let isCompared = false;
  for (let round = 0; round < roundsMax; round += 1) {
    let door = await readDoor(deps, key, known);
    if (door === null) return;
    if (door.device === null && door.isServed) door = await withDevice(deps, door);
    if (round === 0) await recordUnserved(deps, door);
    const actions = planSchedule(door.input).filter(isToDo);
    if (!isCompared && actions.some(({ kind }) => kind === 'intend' || kind === 'create')) {
      isCompared = true;
      if (await compareFirst(deps, key.deviceId)) continue;
    }
    for (const action of actions) await applyAction(deps, door, action);
    if (actions.length === 0) {
      const ladder = await readLadder(deps, door);
      if (await climbLadder(deps, door, ladder, tried)) {
        known = door;
        continue;
      }
      await setWakes(deps, door, ladder);
      if (door.isServed && door.input.windows.length === 0) await endSchedule(deps, door);
      return;
    }
    // What others change meanwhile has a plan job of its own, and a claim compares the schedule's version.
    known = actions.every((action) => changesCodesOnly(door, action)) ? door : null;
  }
  throw new Error(`the plan of schedule ${key.scheduleId} for device ${key.deviceId} did not settle`);
}

/** Whether the schedule is as it was after an action: Seam was not asked, and no window reopened. */
function changesCodesOnly(door: Door, action: Action<StoredCode>): boolean {
  return isRowAction(action) && !(action.kind === 'removed' && goesOn(door, action.code));
}

/** The first plan for a device asks Seam for its name, so that people are told of doors and not of ids; it can do without. */
async function withDevice(deps: FlowDeps, door: Door): Promise<Door> {
  const device = await knowDevice(deps, door.key.deviceId, null);
  return device.ok ? { ...door, device: device.value } : door;
}

async function setWakes(deps: FlowDeps, door: Door, ladder: Ladder): Promise<void> {
  for (const code of door.input.codes.filter(isOpen)) {
    const nextTryAt = wakeAt(code, door.input, rungOf(door, code, ladder)?.dueAt);
    if (code.nextTryAt?.getTime() !== nextTryAt.getTime()) await changeCode(deps.db.prisma, code, { nextTryAt });
  }
}

/** A schedule whose last window has passed and whose last code is gone has come to its end. */
async function endSchedule(deps: FlowDeps, door: Door): Promise<void> {
  const { schedule } = door;
  if (hasSkipAhead(schedule, door.input.now)) return;
  if (await hasOpenCodes(deps.db.prisma, schedule.id)) return;
  const message = `${whose(door)}: no window is left, the schedule has ended.`;
  await commit(deps, entryFor(door, 'schedule.ended', message), (tx) => markEnded(tx, schedule));
}
