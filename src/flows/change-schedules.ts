// The one way in which schedules change: by a schedules file, an action or the API. Everything is written in one transaction with
// the plan jobs of what changed, so that a running service acts on it without a restart; or, as a dry run, told and not written.
import type { Blackout } from '../core/blackouts.ts';
import { UserError } from '../core/errors.ts';
import { type Action, planSchedule } from '../core/plan.ts';
import { calendarOfDraft, type Schedule } from '../core/schedule.ts';
import { type Change, isReopening, type ScheduleDraft } from '../core/schedules-file-merge.ts';
import { type Window, windowsFrom } from '../core/windows.ts';
import { keepTakenAway, revokePins, type StoredCode } from '../db/access-codes.ts';
import { type Tx, takenBack } from '../db/client.ts';
import { loadDevice } from '../db/devices.ts';
import { loadDoorBlackouts } from '../db/door-blackouts.ts';
import type { PlanKey } from '../db/queue.ts';
import {
  doorKey,
  insertScheduleHistory,
  loadNextGenerations,
  type ScheduleEntry,
  type ScheduleWrite,
  type StoredSchedule,
  writeSchedules,
} from '../db/schedules.ts';
import { describeAction } from './describe-action.ts';
import { withCodes } from './door.ts';
import type { FlowDeps } from './flow-deps.ts';
import { requestPlans } from './request-plans.ts';
import type { PinCase, SettledPins } from './settle-pins.ts';

/** A schedule on its way into the database. */
export interface Target {
  readonly id: string;
  readonly stored: StoredSchedule | null;
  readonly draft: ScheduleDraft;
  readonly changes: readonly Change[];
  readonly pinCase: PinCase;
  /** Doors whose windows may open once more; by default it follows from the changes. */
  readonly reopened?: readonly string[];
  /** Which windows of these doors; by default all of them. */
  readonly reopens?: readonly Window[];
  /** What the history says of it, in the place of the list of fields. */
  readonly message?: string;
  /** Codes with the PIN of before are taken back. */
  readonly revokesPin?: boolean;
  /** Who did it, for the history. */
  readonly by?: string;
  /** Tells that a door cannot serve it, so that nothing is written; absent: what a door cannot do is only noted. */
  readonly refuseDoor?: (message: string) => void;
}

/** All that is to be written, once nothing is wrong with it. */
export interface Settlement {
  readonly targets: readonly Target[];
  readonly pins: ReadonlyMap<string, SettledPins>;
  readonly changedDoors: ReadonlyMap<string, readonly Blackout[]>;
}

export type Outcome = 'created' | 'changed' | 'unchanged';

/** What a change does, or would do, to one schedule. */
export interface Changed {
  readonly id: string;
  readonly key: string;
  readonly outcome: Outcome;
  readonly changes: readonly Change[];
}

/** What a change would do at one door. */
export interface DoorPreview {
  readonly scheduleKey: string;
  readonly deviceId: string;
  readonly deviceName: string | null;
  /** Windows of the next two weeks that come in, and that go. */
  readonly appearing: readonly Window[];
  readonly vanishing: readonly Window[];
  /** What is done at once, in words that complete "would …". */
  readonly would: readonly string[];
  /** The kinds of these actions, one for one. */
  readonly actions: readonly Action<StoredCode>['kind'][];
  /** The zone of the schedule. */
  readonly timezone: string;
}

/** The schedule is there already, is not, or was changed by somebody else meanwhile; nothing was written. */
export class ScheduleConflict extends UserError {
  /** The stored version; null where there is no such schedule. */
  readonly version: number | null;

  constructor(code: string, message: string, version: number | null) {
    super(code, message);
    this.version = version;
  }

  static ofVersions({ key, version }: { key: string; version: number }, expected: number): ScheduleConflict {
    const text = `Schedule ${key} was changed meanwhile: it is at version ${version}, not ${expected}. Read it again.`;
    return new ScheduleConflict('version_differs', text, version);
  }
}

type WriteDeps = Pick<FlowDeps, 'queue' | 'now'>;

const plansAtOnce = 1_000;
const previewedMs = 14 * 24 * 3_600_000;
const previewedWindows = 100;

/** What is decided about a target before anything is written. */
interface Decided extends Changed {
  readonly target: Target;
  readonly settled: SettledPins;
  readonly generations: ReadonlyMap<string, number>;
}

/** Writes what changed, with its history and its plan jobs. For within a transaction that holds the lock of all schedules. */
export async function writeTargets(tx: Tx, deps: WriteDeps, settlement: Settlement, now: Date): Promise<Changed[]> {
  const decided = await decide(tx, settlement);
  const written = decided.filter(({ outcome }) => outcome !== 'unchanged');
  const writes = written.map(({ target: { id, draft }, outcome, settled, generations }): ScheduleWrite => {
    return { id, draft, pins: settled.pins, generations, isNew: outcome === 'created' };
  });
  const entries = written.map((one): ScheduleEntry => ({ at: now, scheduleId: one.id, ...historyOf(one) }));
  const plans = written.flatMap(({ target }) => doorsTouched(target));
  await writeSchedules(tx, writes, now);
  await changeCodes(tx, written, now);
  await insertScheduleHistory(tx, entries);
  for (let from = 0; from < plans.length; from += plansAtOnce) {
    await requestPlans(deps, tx, plans.slice(from, from + plansAtOnce));
  }
  return decided.map(changedOf);
}

/** What `writeTargets` would do, door by door; leaves nothing written. */
export async function previewTargets(
  tx: Tx,
  settlement: Settlement,
  now: Date,
): Promise<{ changed: Changed[]; doors: DoorPreview[] }> {
  const decided = await decide(tx, settlement);
  const written = decided.filter(({ outcome }) => outcome !== 'unchanged');
  const doors = await takenBack(tx, async () => {
    await changeCodes(tx, written, now);
    const previews: DoorPreview[] = [];
    for (const one of written) {
      for (const key of doorsTouched(one.target)) previews.push(await previewDoor(tx, settlement, one, key, now));
    }
    return previews;
  });
  return { changed: decided.map(changedOf), doors };
}

/** What the change of a schedule means for its codes of before: some keep their window closed, others are to go. */
async function changeCodes(tx: Tx, written: readonly Decided[], now: Date): Promise<void> {
  for (const { target, generations } of written) {
    const { id: scheduleId, stored, reopens } = target;
    const doors = (stored?.schedule.devices ?? []).flatMap(({ deviceId, generation }) => {
      return generations.get(deviceId) === generation + 1 ? [{ deviceId, generation: generation + 1 }] : [];
    });
    if (reopens !== undefined) await keepTakenAway(tx, { scheduleId, doors, reopens }, now);
    if (target.revokesPin === true) await revokePins(tx, scheduleId, now);
  }
}

function changedOf({ id, key, outcome, changes }: Decided): Changed {
  return { id, key, outcome, changes };
}

async function decide(tx: Tx, { targets, pins, changedDoors }: Settlement): Promise<Decided[]> {
  const nextGenerations = await loadNextGenerations(tx, targets.flatMap(joinedDoors));
  return targets.map((target) => {
    const { id, draft, stored } = target;
    const settled = pins.get(id);
    if (settled === undefined) throw new Error(`the PINs of schedule ${draft.key} were not settled`);
    const changes = withDoors(withPin(target.changes, settled), target, changedDoors);
    const outcome = stored === null ? 'created' : changes.length > 0 ? 'changed' : 'unchanged';
    // A door that comes or goes with a PIN of its own opens nothing at the doors that stay.
    const isReopened = settled.isChanged || isReopening(target.changes);
    const reopened = target.reopened ?? draft.deviceIds.filter((deviceId) => isReopened || changedDoors.has(deviceId));
    const generations = generationsOf(target, new Set(reopened), nextGenerations);
    return { id, key: draft.key, outcome, changes, target, settled, generations };
  });
}

async function previewDoor(
  tx: Tx,
  { changedDoors }: Settlement,
  { target, generations }: Decided,
  key: PlanKey,
  now: Date,
): Promise<DoorPreview> {
  const { deviceId } = key;
  const storedBlackouts = (await loadDoorBlackouts(tx, [deviceId])).get(deviceId) ?? [];
  const blackouts = changedDoors.get(deviceId) ?? storedBlackouts;
  const schedule = scheduleOf(target, generations);
  const device = await loadDevice(tx, deviceId);
  const before = target.stored?.schedule;
  const windowsBefore = before === undefined ? [] : windowsAhead(before, deviceId, storedBlackouts, now);
  const windowsAfter = windowsAhead(schedule, deviceId, blackouts, now);
  const door = await withCodes(tx, { key, schedule, device, blackouts }, calendarOfDraft, now);
  const actions = planSchedule(door.input);
  return {
    scheduleKey: schedule.key,
    deviceId,
    deviceName: device?.name ?? null,
    appearing: without(windowsAfter, windowsBefore),
    vanishing: without(windowsBefore, windowsAfter),
    would: actions.map((action) => describeAction(door, action)),
    actions: actions.map(({ kind }) => kind),
    timezone: schedule.timezone,
  };
}

/** Windows that have not ended, of the next two weeks. */
function windowsAhead(schedule: Schedule, deviceId: string, blackouts: readonly Blackout[], now: Date): Window[] {
  const isServed = schedule.status === 'active' && schedule.devices.some((one) => one.deviceId === deviceId);
  if (!isServed) return [];
  const until = now.getTime() + previewedMs;
  const windows = windowsFrom(calendarOfDraft(schedule, blackouts), now, previewedWindows);
  return windows.filter(({ startsAt }) => startsAt.getTime() < until);
}

/** The schedule as it would be stored. */
export function scheduleOf(
  { id, stored, draft: { deviceIds, ...draft } }: Target,
  generations: ReadonlyMap<string, number>,
): Schedule {
  const devices = deviceIds.map((deviceId) => ({ deviceId, generation: generations.get(deviceId) ?? 0 }));
  return { ...draft, id, devices, version: (stored?.schedule.version ?? 0) + 1 };
}

/** Those that the other list lacks. */
function without(windows: readonly Window[], others: readonly Window[]): Window[] {
  const keyOf = ({ startsAt, endsAt }: Window): string => `${startsAt.getTime()} ${endsAt.getTime()}`;
  const known = new Set(others.map(keyOf));
  return windows.filter((window) => !known.has(keyOf(window)));
}

function withPin(changes: readonly Change[], settled: SettledPins): readonly Change[] {
  const isChanged = settled.isChanged || settled.isDoorChanged;
  if (!isChanged || changes.some(({ field }) => field === 'pin')) return changes;
  return [...changes, { field: 'pin' }];
}

/** A schedule's windows are others on a door whose blackouts change; its codes of before are moved or taken away. */
function withDoors(
  changes: readonly Change[],
  { draft }: Target,
  changedDoors: ReadonlyMap<string, readonly Blackout[]>,
): readonly Change[] {
  const devices = draft.deviceIds.filter((deviceId) => changedDoors.has(deviceId));
  return devices.length === 0 ? changes : [...changes, { field: 'blackouts of doors', to: devices }];
}

/** Doors that may have had codes of this schedule before. */
function joinedDoors({ id, stored, draft }: Target): PlanKey[] {
  if (stored === null) return [];
  const before = new Set(stored.schedule.devices.map(({ deviceId }) => deviceId));
  return draft.deviceIds.filter((deviceId) => !before.has(deviceId)).map((deviceId) => ({ scheduleId: id, deviceId }));
}

function generationsOf(
  { id, stored, draft }: Target,
  reopened: ReadonlySet<string>,
  nextGenerations: ReadonlyMap<string, number>,
): Map<string, number> {
  const before = new Map(stored?.schedule.devices.map(({ deviceId, generation }) => [deviceId, generation]));
  return new Map(
    draft.deviceIds.map((deviceId) => {
      const generation = before.get(deviceId);
      const joining = nextGenerations.get(doorKey({ scheduleId: id, deviceId })) ?? 0;
      return [deviceId, generation === undefined ? joining : generation + Number(reopened.has(deviceId))];
    }),
  );
}

/** All doors of before and after: those that left have a code to be taken away. */
function doorsTouched({ id, stored, draft }: Target): PlanKey[] {
  const left = stored?.schedule.devices.map(({ deviceId }) => deviceId) ?? [];
  return [...new Set([...draft.deviceIds, ...left])].map((deviceId) => ({ scheduleId: id, deviceId }));
}

function historyOf({ target: { draft, message, by }, outcome, changes }: Decided) {
  const who = by === undefined ? {} : { by };
  if (outcome === 'created') {
    const detail = { schedule_key: draft.key, devices: [...draft.deviceIds], ...who };
    return { kind: 'schedule.created', message: `Schedule ${draft.key} was created.`, detail } as const;
  }
  const what = message ?? `changed: ${changes.map(({ field }) => field).join(', ')}`;
  const detail = { schedule_key: draft.key, changes: changes.map((change) => ({ ...change })), ...who };
  return { kind: 'schedule.changed', message: `Schedule ${draft.key} was ${what}.`, detail } as const;
}
