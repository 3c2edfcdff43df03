// Holds what Seam lists on one device against our rows, and those against the plan. Nothing is written here: each difference
// comes back as a repair.
import { isOpen } from '../core/access-code.ts';
import { type Drift, findDrift, markerIn } from '../core/drift.ts';
import { planSchedule } from '../core/plan.ts';
import type { Window } from '../core/windows.ts';
import type { StoredCode } from '../db/access-codes.ts';
import type { Tx } from '../db/client.ts';
import type { HistoryEntry } from '../db/history.ts';
import type { PlanKey } from '../db/queue.ts';
import {
  adoptInto,
  codesKnownAt,
  doorsAtDevice,
  markChanged,
  markGone,
  type OrphanAlert,
  outOfPlan,
  reopenForRemoval,
} from '../db/reconcile.ts';
import type { SeamCode } from '../seam/api.ts';
import type { SeamFailure, SeamResult } from '../seam/errors.ts';
import { readLadder, rungOf } from './climb-ladder.ts';
import { describeAction } from './describe-action.ts';
import { type Door, describeWindow, entryFor, hoursOf, readDoor, whose, windowOf } from './door.ts';
import type { FlowDeps } from './flow-deps.ts';
import { unservedWindows } from './missed-windows.ts';
import { judgeOrphans } from './orphans.ts';
import type { Budget } from './reconcile-budget.ts';
import type { Repair } from './repair.ts';

/** A list of Seam's once more within the pass. */
export type ListAgain = () => Promise<SeamResult<readonly SeamCode[]>>;

export type Comparison =
  | { readonly kind: 'compared'; readonly repairs: readonly Repair[] }
  | { readonly kind: 'failed'; readonly failure: SeamFailure }
  | { readonly kind: 'spent'; readonly why: string };

/** Compares one device. A device that Seam does not know has no codes: each is judged by the plan, which waits for the device. */
export async function compareDevice(
  deps: FlowDeps,
  deviceId: string,
  budget: Budget,
  { removesOrphans, orphanAlerts }: { removesOrphans: boolean; orphanAlerts: readonly OrphanAlert[] },
): Promise<Comparison> {
  const { prisma } = deps.db;
  const doors: Door[] = [];
  const repairs: Repair[] = [];
  for (const { hasJob, ...key } of await doorsAtDevice(prisma, deviceId)) {
    const door = await readDoor(deps, key);
    if (door === null) continue;
    doors.push(door);
    if (!hasJob) repairs.push(...(await overdueWork(deps, door)));
  }
  const open = doors.flatMap(({ input }) => input.codes.filter(isOpen));

  const why = budget.take(1);
  if (why !== null) return { kind: 'spent', why };
  const list = await deps.seam.listManagedCodes(deviceId);
  if (!list.ok && list.failure.kind !== 'device_not_found') return { kind: 'failed', failure: list.failure };
  const listed = list.ok ? list.value : [];
  // On a device where all is well there is none.
  const unexplained = listed.filter(({ accessCodeId }) => !open.some((code) => code.accessCodeId === accessCodeId));
  const others = await codesKnownAt(prisma, deviceId, {
    accessCodeIds: unexplained.map(({ accessCodeId }) => accessCodeId),
    markers: unexplained.map(({ name }) => markerIn(name)),
  });
  const known = [...open, ...others];
  const { markerPrefix, settleMs } = deps;
  const drifts = findDrift({ open, known, listed, markerPrefix, settleMs, now: deps.now() });
  for (const drift of drifts) if (drift.kind !== 'orphan') repairs.push(await repairOf(deps, drift));
  if (list.ok) {
    const orphans = drifts.filter((drift) => drift.kind === 'orphan');
    const listAgain: ListAgain = () => deps.seam.listManagedCodes(deviceId);
    const found = { deviceId, doors, orphans, alerts: orphanAlerts, removesOrphans, budget, listAgain };
    const judged = await judgeOrphans(deps, found);
    repairs.push(...judged);
  }
  return { kind: 'compared', repairs };
}

/**
 * What the plan would do now and no job is under way to do: a first code, a change whose job was lost, a row that is stuck. The
 * row of the window after the one that has a code is not missed: it is written when that code has gone.
 */
async function overdueWork(deps: FlowDeps, door: Door): Promise<Repair[]> {
  const missed = await unservedWindows(deps.db.prisma, door);
  const { codes, rotates } = door.input;
  const actions = planSchedule(door.input).filter(
    (action) =>
      rotates ||
      action.kind !== 'intend' ||
      !codes.some((code) => isOpen(code) && code.windowEndsAt <= action.window.startsAt),
  );
  const words = [
    ...describeMissed(door, missed),
    ...actions.map((action) => describeAction(door, action)),
    ...(await overslept(deps, door)).map(
      (code) => `look after the code of ${describeWindow(door, windowOf(code))} in time`,
    ),
  ];
  return words.map((would) => ({ kind: 'overdue', door: whose(door), would, plan: door.key }));
}

/** Codes that would be woken for their window's end only, although the ladder is to look after them before its start. */
async function overslept(deps: FlowDeps, door: Door): Promise<StoredCode[]> {
  const { codes, now } = door.input;
  const late = codes.filter(
    (code) => code.windowStartsAt > now && code.nextTryAt !== null && code.nextTryAt > code.windowStartsAt,
  );
  if (late.length === 0) return [];
  const ladder = await readLadder(deps, door);
  return late.filter((code) => rungOf(door, code, ladder) !== null);
}

/** One sentence, though there are thousands after a long outage. */
function describeMissed(door: Door, windows: readonly Window[]): string[] {
  const [first, last] = [windows.at(0), windows.at(-1)];
  if (first === undefined || last === undefined) return [];
  if (first === last) return [`record as missed ${describeWindow(door, first)}`];
  const hours = (window: Window): string => hoursOf(door.schedule.timezone, window);
  return [
    `record as missed ${windows.length} windows of ${whose(door)}, the first ${hours(first)}, the last ${hours(last)}`,
  ];
}

async function repairOf(
  deps: FlowDeps,
  drift: Exclude<Drift<StoredCode, SeamCode>, { kind: 'orphan' }>,
): Promise<Repair> {
  const { code } = drift;
  const key: PlanKey = { scheduleId: code.scheduleId, deviceId: code.deviceId };
  const door = await readDoor(deps, key);
  if (door === null) throw new Error(`code ${code.id} belongs to no schedule`);
  const what = `the code of ${describeWindow(door, windowOf(code))}`;
  const { now } = door.input;
  const tell = (message: string): HistoryEntry =>
    entryFor(door, 'code.drifted', message, {
      codeId: code.id,
      detail: { drift: drift.kind, access_code_id: code.accessCodeId },
    });
  const repair = (would: string, mark: (tx: Tx) => Promise<HistoryEntry | null>): Repair => {
    return { kind: drift.kind, door: whose(door), would, plan: key, mark };
  };
  switch (drift.kind) {
    case 'gone':
      return repair(`ask Seam where ${what} is, which it does not list any more`, async (tx) =>
        (await markGone(tx, code, now)) ? tell(`Not listed by Seam any more: ${what}.`) : null,
      );
    case 'found':
      return repair(`adopt ${what}, which is at Seam and not in its row`, async (tx) =>
        (await adoptInto(tx, code, code.marker, now))
          ? tell(`At Seam, and not in its row: ${what}. It is adopted.`)
          : null,
      );
    case 'listed_again': {
      const { accessCodeId, createdAt } = drift.listed;
      const to = { accessCodeId, outOfPlan: outOfPlan(createdAt), now };
      return repair(`have Seam remove ${what}, which it still has`, async (tx) =>
        (await reopenForRemoval(tx, code, to))
          ? tell(
              `Still at Seam although it had ended: ${what}. It ${deps.mode === 'observe' ? 'would be' : 'is'} removed.`,
            )
          : null,
      );
    }
    default: {
      const { startsAt, endsAt } = drift.listed;
      const times = `from ${startsAt?.toISOString() ?? 'ever'} to ${endsAt?.toISOString() ?? 'ever'}`;
      const message = `Seam has other times than it confirmed for ${what}: ${times}.`;
      return repair(`compare ${what} with what was asked`, async (tx) =>
        (await markChanged(tx, code, now)) ? tell(message) : null,
      );
    }
  }
}
