// Lays a schedules file over the stored schedules, in one transaction: all of it is applied, or nothing. The plan jobs of what
// changed commit with it, so that a running service acts on it without a restart. What left the file is left alone.
import { randomUUID } from 'node:crypto';
import { UserError } from '../core/errors.ts';
import { calendarOfDraft, type Schedule } from '../core/schedule.ts';
import { type Problem, type SchedulesFile, sortProblems } from '../core/schedules-file.ts';
import { type Change, type HolidayLists, mergeSchedule, mergeShared } from '../core/schedules-file-merge.ts';
import { noSchedule } from '../core/ways-out.ts';
import { windowsFrom } from '../core/windows.ts';
import type { Tx } from '../db/client.ts';
import { keysOnDevices, saveDoorBlackouts } from '../db/door-blackouts.ts';
import type { HistoryEntry } from '../db/history.ts';
import { keysUsingHolidayLists, loadHolidayLists, saveHolidayList } from '../db/holiday-lists.ts';
import { activeKeysBut, loadOtherKeys, loadSchedulesToChange, type StoredSchedule } from '../db/schedules.ts';
import { lockSchedules } from '../db/schedules-lock.ts';
import { actionTarget } from './act-on-schedule.ts';
import { type AskedDoors, askDoors, type DoorReader } from './ask-doors.ts';
import {
  type Changed,
  type DoorPreview,
  type Outcome,
  previewTargets,
  ScheduleConflict,
  scheduleOf,
  type Target,
  writeTargets,
} from './change-schedules.ts';
import { checkDoors } from './check-doors.ts';
import { changedBlackouts, notesOnDoors } from './door-blackouts.ts';
import type { FlowDeps } from './flow-deps.ts';
import { logMissed, settlePast } from './missed-windows.ts';
import { settlePins } from './settle-pins.ts';

type ApplyDeps = Pick<FlowDeps, 'db' | 'queue' | 'vault' | 'now' | 'random' | 'log'> & {
  /** By which doors are asked what they take. Null: there is no key of Seam, which is said; absent: what is stored has to do. */
  readonly seam?: DoorReader | null | undefined;
};

export interface ApplyOptions {
  /** Lets `status: active` lead back from paused and ended. */
  readonly revive?: boolean;
  /** Mistakes found while reading the file: nothing is written, and further ones are told along with them. */
  readonly problems?: readonly Problem[];
  /** Tells what would be done, and writes nothing. */
  readonly dryRun?: boolean;
  /** Pauses active schedules that the file does not name. */
  readonly prune?: boolean;
  /** What the one schedule of the file must be: not there yet, or stored in this version. @throws ScheduleConflict */
  readonly expect?: { readonly version: number | 'none' };
  /** Looks, before anything is decided, whether all is as it should be; throws if not. In the same transaction, under its lock. */
  readonly check?: (tx: Tx) => Promise<void>;
  /** Who does it, for the history. */
  readonly by?: string;
  /** Writes along, in the same transaction. */
  readonly along?: (tx: Tx, applied: Applied) => Promise<void>;
}

/** Keys of schedules, in the order of the file; notes are sentences for people. */
export interface Applied {
  readonly created: readonly string[];
  readonly changed: readonly string[];
  readonly unchanged: readonly string[];
  readonly notes: readonly string[];
  /** What is another of those that changed, by key. */
  readonly changes: ReadonlyMap<string, readonly Change[]>;
  /** What a dry run tells, by door; empty when it was done. */
  readonly preview: readonly DoorPreview[];
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
const othersNamed = 5;

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
  // Before the transaction: none stays open across a call to Seam.
  const asked = await askDoors(deps, file);
  const all = { ...options, missed, asked };
  const applied = await deps.db.prisma.$transaction(async (tx) => applyIn(tx, deps, file, all), {
    timeout: transactionTimeoutMs,
    maxWait: 10_000,
  });
  logMissed(deps.log, missed);
  return applied;
}

async function applyIn(
  tx: Tx,
  deps: ApplyDeps,
  file: SchedulesFile,
  options: ApplyOptions & { missed: HistoryEntry[]; asked: AskedDoors },
): Promise<Applied> {
  await lockSchedules(tx);
  await options.check?.(tx);
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
  assertExpected(options.expect, file, storedByKey);
  const left = options.prune === true ? await loadSchedulesToChange(tx, await activeKeysBut(tx, [...fileKeys])) : [];
  const by = options.by === undefined ? {} : { by: options.by };
  const targets = [
    ...mergeAll({ file, lists, now, revive: options.revive ?? false }, storedByKey, problems, notes),
    ...users.flatMap((key) => sharedTarget(storedByKey.get(key), lists, now)),
    // Where one uses a list or a door of the file as well, it is paused under what that says now.
    ...left.filter(({ schedule }) => !users.includes(schedule.key)).flatMap((one) => prunedTarget(one, now)),
  ].map((target) => ({ ...target, ...by }));
  const pins = await settlePins(
    deps,
    tx,
    targets.map(({ pinCase }) => pinCase),
  );
  const noted = await checkDoors(tx, targets, { unknown: options.asked.unknown, changedDoors, now });
  if (problems.length > 0) throw new ApplyProblems(sortProblems(problems));

  notes.push(...options.asked.notes, ...noted);
  for (const { draft, id } of targets) {
    if (pins.get(id)?.isGuessable === true) notes.push(`The PIN given to ${draft.key} is easy to guess.`);
  }
  notes.push(...(await notesOnDoors(tx, file, changedDoors)));
  if (options.prune !== true && options.expect === undefined && fileKeys.size > 0)
    notes.push(...(await notesOnOthers(tx, [...fileKeys])));
  const settlement = { targets, pins, changedDoors };
  if (options.dryRun === true) {
    const { changed, doors } = await previewTargets(tx, settlement, now);
    return appliedOf(changed, notes, doors);
  }
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
  const applied = appliedOf(await writeTargets(tx, deps, settlement, now), notes, []);
  await options.along?.(tx, applied);
  return applied;
}

function appliedOf(changed: readonly Changed[], notes: readonly string[], preview: readonly DoorPreview[]): Applied {
  const keysOf = (outcome: Outcome) => changed.filter((one) => one.outcome === outcome).map(({ key }) => key);
  const changes = new Map(changed.filter(({ outcome }) => outcome === 'changed').map((one) => [one.key, one.changes]));
  const [created, rewritten, unchanged] = [keysOf('created'), keysOf('changed'), keysOf('unchanged')];
  return { created, changed: rewritten, unchanged, notes, changes, preview };
}

function assertExpected(
  expect: ApplyOptions['expect'],
  { schedules }: SchedulesFile,
  storedByKey: ReadonlyMap<string, StoredSchedule>,
): void {
  const [entry] = schedules;
  if (expect === undefined || entry === undefined) return;
  const { key } = entry;
  const version = storedByKey.get(key)?.schedule.version ?? null;
  if (expect.version === 'none') {
    if (version === null) return;
    throw new ScheduleConflict(
      'schedule_exists',
      `There is a schedule ${key} already: change that, or give another key.`,
      version,
    );
  }
  if (version === null) throw new ScheduleConflict('schedule_unknown', noSchedule(key), null);
  if (version !== expect.version) throw ScheduleConflict.ofVersions({ key, version }, expect.version);
}

function prunedTarget(stored: StoredSchedule, now: Date): Target[] {
  const target = actionTarget(stored, { kind: 'pause' }, now);
  return target.ok ? [target.target] : [];
}

async function notesOnOthers(tx: Tx, fileKeys: readonly string[]): Promise<string[]> {
  const { total, keys } = await loadOtherKeys(tx, fileKeys, othersNamed);
  if (total < 2) return keys.map((key) => `${key} is not in the file and stays as it is.`);
  const more = total > keys.length ? ` and ${total - keys.length} more` : '';
  return [`${total} schedules are not in the file and stay as they are: ${keys.join(', ')}${more}.`];
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
    const refuseDoor = (message: string) => {
      problems.push(input.file.problemAt(['schedules', entry.index, 'devices'], message));
    };
    return [{ id, stored, draft, changes, refuseDoor, pinCase: { id, draft, stored, choice, report } }];
  });
}

const windowsCompared = 10;

function sharedTarget(stored: StoredSchedule | undefined, lists: HolidayLists, now: Date): Target[] {
  if (stored === undefined) return [];
  const { draft, changes } = mergeShared(stored.schedule, lists);
  const { id } = stored.schedule;
  // Its doors and its PIN stay, so there is nothing to be reported.
  const pinCase = { id, draft, stored, choice: undefined, report: () => {} };
  const target = { id, stored, draft, changes, pinCase };
  const coming = (one: Schedule) => windowsFrom(calendarOfDraft(one, []), now, windowsCompared);
  const before = new Set(coming(stored.schedule).map(({ startsAt }) => startsAt.getTime()));
  // Nobody thought of this schedule: what somebody closed there stays closed, but for windows that the list had taken.
  const reopens = coming(scheduleOf(target, new Map())).filter(({ startsAt }) => !before.has(startsAt.getTime()));
  return [{ ...target, reopens }];
}
