// Lays a schedules file over the stored schedules, in one transaction: all of it is applied, or nothing. The plan jobs of what
// changed commit with it, so that a running service acts on it without a restart. What left the file is left alone.
import { randomUUID } from 'node:crypto';
import type { Blackout } from '../core/blackouts.ts';
import { UserError } from '../core/errors.ts';
import { type Problem, type SchedulesFile, sortProblems } from '../core/schedules-file.ts';
import {
  type Change,
  type HolidayLists,
  isReopening,
  mergeSchedule,
  mergeShared,
  type ScheduleDraft,
} from '../core/schedules-file-merge.ts';
import type { Tx } from '../db/client.ts';
import { keysOnDevices, saveDoorBlackouts } from '../db/door-blackouts.ts';
import type { HistoryEntry } from '../db/history.ts';
import { keysUsingHolidayLists, loadHolidayLists, saveHolidayList } from '../db/holiday-lists.ts';
import type { PlanKey } from '../db/queue.ts';
import {
  doorKey,
  insertScheduleHistory,
  loadNextGenerations,
  loadOtherKeys,
  loadSchedulesToChange,
  type ScheduleEntry,
  type ScheduleWrite,
  type StoredSchedule,
  writeSchedules,
} from '../db/schedules.ts';
import { lockSchedules } from '../db/schedules-lock.ts';
import { changedBlackouts, notesOnDoors } from './door-blackouts.ts';
import type { FlowDeps } from './flow-deps.ts';
import { settlePast } from './missed-windows.ts';
import { logEntry } from './record.ts';
import { requestPlans } from './request-plans.ts';
import { type PinCase, type SettledPins, settlePins } from './settle-pins.ts';

type ApplyDeps = Pick<FlowDeps, 'db' | 'queue' | 'vault' | 'now' | 'random' | 'log'>;

export interface ApplyOptions {
  /** Lets `status: active` lead back from paused and ended. */
  readonly revive?: boolean;
  /** Mistakes found while reading the file: nothing is written, and further ones are told along with them. */
  readonly problems?: readonly Problem[];
}

/** Keys of schedules, in the order of the file; notes are sentences for people. */
export interface Applied {
  readonly created: readonly string[];
  readonly changed: readonly string[];
  readonly unchanged: readonly string[];
  readonly notes: readonly string[];
}

/** The file cannot be applied; nothing was written. */
export class ApplyProblems extends UserError {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[], options?: ErrorOptions) {
    const count = problems.length === 1 ? '1 mistake' : `${problems.length} mistakes`;
    super('schedules_file_invalid', `The schedules file has ${count}; nothing was written.`, options);
    this.problems = problems;
  }
}

// Enough for some thousands of schedules; each single statement has the pool's own limit.
const transactionTimeoutMs = 120_000;
const plansAtOnce = 1_000;
const othersNamed = 10;

/**
 * Applies a schedules file. Applying it again changes nothing.
 * @throws ApplyProblems with every mistake; UserError when another process does not stop changing schedules.
 */
export async function applySchedules(
  deps: ApplyDeps,
  file: SchedulesFile,
  options: ApplyOptions = {},
): Promise<Applied> {
  const missed: HistoryEntry[] = [];
  const applied = await deps.db.prisma.$transaction(async (tx) => applyIn(tx, deps, file, { ...options, missed }), {
    timeout: transactionTimeoutMs,
    maxWait: 10_000,
  });
  for (const entry of missed) logEntry(deps.log, entry);
  return applied;
}

/** A schedule on its way into the database. */
interface Target {
  readonly id: string;
  readonly stored: StoredSchedule | null;
  readonly draft: ScheduleDraft;
  readonly changes: readonly Change[];
  readonly pinCase: PinCase;
}

async function applyIn(
  tx: Tx,
  deps: ApplyDeps,
  file: SchedulesFile,
  options: ApplyOptions & { missed: HistoryEntry[] },
): Promise<Applied> {
  await lockSchedules(tx);
  const now = deps.now();
  const problems = [...(options.problems ?? [])];
  const notes: string[] = [];
  const storedLists = await loadHolidayLists(tx);
  const lists = new Map([...storedLists, ...sortedLists(file)]);
  const changedLists = [...sortedLists(file)].filter(([name, dates]) => storedLists.get(name)?.join() !== dates.join());
  const fileKeys = new Set(file.schedules.map(({ key }) => key));
  const changedNames = changedLists.map(([name]) => name);
  const changedDoors = await changedBlackouts(tx, file);
  const touched = [
    ...(await keysUsingHolidayLists(tx, changedNames)),
    ...(await keysOnDevices(tx, [...changedDoors.keys()])),
  ];
  const users = [...new Set(touched)].filter((key) => !fileKeys.has(key));
  const stored = await loadSchedulesToChange(tx, [...fileKeys, ...users]);
  const storedByKey = new Map(stored.map((one) => [one.schedule.key, one]));
  const targets = [
    ...mergeAll({ file, lists, now, revive: options.revive ?? false }, storedByKey, problems, notes),
    ...users.flatMap((key) => sharedTarget(storedByKey.get(key), lists)),
  ];
  const pins = await settlePins(
    deps,
    tx,
    targets.map(({ pinCase }) => pinCase),
  );
  if (problems.length > 0) throw new ApplyProblems(sortProblems(problems));

  options.missed.push(
    ...(await settlePast(
      tx,
      deps,
      stored.map(({ schedule }) => schedule),
      now,
    )),
  );
  for (const [name, dates] of changedLists) await saveHolidayList(tx, name, dates, now);
  for (const [deviceId, blackouts] of changedDoors) await saveDoorBlackouts(tx, deviceId, blackouts, now);
  const outcomes = await writeTargets(tx, deps, { targets, pins, changedDoors }, now);
  for (const { draft, id } of targets) {
    if (pins.get(id)?.isGuessable === true) notes.push(`The PIN given to ${draft.key} is easy to guess.`);
  }
  notes.push(...(await notesOnDoors(tx, file, changedDoors)), ...(await notesOnOthers(tx, [...fileKeys])));
  const keysOf = (outcome: Outcome) =>
    targets.filter(({ id }) => outcomes.get(id) === outcome).map(({ draft }) => draft.key);
  return { created: keysOf('created'), changed: keysOf('changed'), unchanged: keysOf('unchanged'), notes };
}

async function notesOnOthers(tx: Tx, fileKeys: readonly string[]): Promise<string[]> {
  const { total, keys } = await loadOtherKeys(tx, fileKeys, othersNamed);
  if (total > othersNamed) return [`${total} schedules are not in the file and stay as they are.`];
  return keys.map((key) => `${key} is not in the file and stays as it is.`);
}

function sortedLists(file: SchedulesFile): HolidayLists {
  return new Map([...file.holidays].map(([name, dates]) => [name, [...dates].sort()]));
}

function mergeAll(
  input: { file: SchedulesFile; lists: HolidayLists; now: Date; revive: boolean },
  storedByKey: ReadonlyMap<string, StoredSchedule>,
  problems: Problem[],
  notes: string[],
): Target[] {
  return input.file.schedules.flatMap((entry): Target[] => {
    const stored = storedByKey.get(entry.key) ?? null;
    const merge = mergeSchedule({ ...input, entry, stored: stored?.schedule ?? null });
    if (!merge.ok) {
      problems.push(...merge.problems);
      return [];
    }
    notes.push(...merge.notes);
    const { draft, changes } = merge;
    const id = stored?.schedule.id ?? randomUUID();
    const { pin: choice } = entry.given;
    const place = choice === undefined ? 'devices' : 'pin';
    const report = (message: string) => {
      problems.push(input.file.problemAt(['schedules', entry.index, place], message));
    };
    return [{ id, stored, draft, changes, pinCase: { id, draft, stored, choice, report } }];
  });
}

function sharedTarget(stored: StoredSchedule | undefined, lists: HolidayLists): Target[] {
  if (stored === undefined) return [];
  const { draft, changes } = mergeShared(stored.schedule, lists);
  const { id } = stored.schedule;
  // Its doors and its PIN stay, so there is nothing to be reported.
  return [{ id, stored, draft, changes, pinCase: { id, draft, stored, choice: undefined, report: () => {} } }];
}

type Outcome = 'created' | 'changed' | 'unchanged';

/** All that is to be written, once nothing is wrong with it. */
interface Settlement {
  readonly targets: readonly Target[];
  readonly pins: ReadonlyMap<string, SettledPins>;
  readonly changedDoors: ReadonlyMap<string, readonly Blackout[]>;
}

async function writeTargets(
  tx: Tx,
  deps: ApplyDeps,
  { targets, pins, changedDoors }: Settlement,
  now: Date,
): Promise<Map<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  const writes: ScheduleWrite[] = [];
  const entries: ScheduleEntry[] = [];
  const plans: PlanKey[] = [];
  const nextGenerations = await loadNextGenerations(tx, targets.flatMap(joinedDoors));
  for (const target of targets) {
    const settled = pins.get(target.id);
    if (settled === undefined) throw new Error(`the PINs of schedule ${target.draft.key} were not settled`);
    const changes = withDoors(withPin(target.changes, settled), target, changedDoors);
    const outcome = target.stored === null ? 'created' : changes.length > 0 ? 'changed' : 'unchanged';
    outcomes.set(target.id, outcome);
    if (outcome === 'unchanged') continue;
    // A door that comes or goes with a PIN of its own opens nothing at the doors that stay.
    const isReopened = settled.isChanged || isReopening(target.changes);
    const reopened = target.draft.deviceIds.filter((deviceId) => isReopened || changedDoors.has(deviceId));
    const generations = generationsOf(target, new Set(reopened), nextGenerations);
    const { id, draft } = target;
    writes.push({ id, draft, pins: settled.pins, generations, isNew: outcome === 'created' });
    entries.push({ at: now, scheduleId: id, ...historyOf(target, outcome, changes) });
    plans.push(...doorsTouched(target));
  }
  await writeSchedules(tx, writes, now);
  await insertScheduleHistory(tx, entries);
  for (let from = 0; from < plans.length; from += plansAtOnce) {
    await requestPlans(deps, tx, plans.slice(from, from + plansAtOnce));
  }
  return outcomes;
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

function historyOf({ draft }: Target, outcome: 'created' | 'changed', changes: readonly Change[]) {
  if (outcome === 'created') {
    const detail = { schedule_key: draft.key, devices: [...draft.deviceIds] };
    return { kind: 'schedule.created', message: `Schedule ${draft.key} was created.`, detail } as const;
  }
  const fields = changes.map(({ field }) => field).join(', ');
  const detail = { schedule_key: draft.key, changes: changes.map((change) => ({ ...change })) };
  return { kind: 'schedule.changed', message: `Schedule ${draft.key} was changed: ${fields}.`, detail } as const;
}
