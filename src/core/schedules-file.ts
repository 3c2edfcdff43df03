// Reads a schedules file: YAML in, what it says and everything that is wrong with it out. What depends on stored schedules
// (a new one must be complete, lists and PINs that the database holds) is told apart, by schedules-file-merge.ts.
import type { z } from 'zod';
import { type Blackout, sortBlackouts } from './blackouts.ts';
import { fieldWords, unknownName } from './field-words.ts';
import { compileScheduleCalendar, nothingByHand } from './schedule.ts';
import { fileFields, knownNames, type ScheduleFields, scheduleFields } from './schedules-file-fields.ts';
import { nearest } from './schedules-file-nearest.ts';
import { type Path, type Problem, readSource, type Source } from './schedules-file-source.ts';
import type { WindowRule } from './windows.ts';

export type { PinChoice } from './schedules-file-fields.ts';
export type { Path, Problem } from './schedules-file-source.ts';

/** One schedule as the file has it. */
export interface FileSchedule {
  /** Its place in the list, for problems. */
  readonly index: number;
  readonly key: string;
  readonly given: ScheduleFields;
  /** Fields that are there but wrong: they are not missing, and nothing is concluded from them. */
  readonly wrong: ReadonlySet<string>;
}

/** What a schedules file says. */
export interface SchedulesFile {
  readonly timezone: string | null;
  readonly holidays: ReadonlyMap<string, readonly string[]>;
  /** By device, for every schedule there; null: the file does not speak of them. */
  readonly doorBlackouts: ReadonlyMap<string, readonly Blackout[]> | null;
  readonly schedules: readonly FileSchedule[];
  /** Whether a default zone is there but wrong: then nothing is said of schedules that lack one. */
  readonly isTimezoneWrong: boolean;
  /** Tells a problem of this file with its line. */
  problemAt(path: Path, message: string): Problem;
}

/** With problems, `file` holds what could be read all the same, so that further checks can add theirs. */
export type ParsedSchedulesFile =
  | { readonly ok: true; readonly file: SchedulesFile }
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly file: SchedulesFile | null };

/** Reads the text of a schedules file and reports all its mistakes at once. */
export function parseSchedulesFile(text: string): ParsedSchedulesFile {
  const source = readSource(text);
  if (source.problems.some(({ field }) => field === 'file'))
    return { ok: false, problems: byLine(source.problems), file: null };
  const problems = [...source.problems];
  const { content } = source;
  if (!isMapping(content)) {
    const message = 'The file must hold timezone, holidays and schedules: begin with "schedules:".';
    return { ok: false, problems: byLine([...problems, source.problemAt([], message)]), file: null };
  }
  const reader = new Reader(source, problems);
  reader.reportUnknown([], content, knownNames.file);
  const timezone = reader.read(fileFields.timezone, content.timezone, ['timezone']) ?? null;
  // A list that is wrong still exists: schedules that name it are not reproached for that.
  const named = isMapping(content.holidays) ? Object.keys(content.holidays).map((name) => [name, []] as const) : [];
  const lists = reader.read(fileFields.holidays, content.holidays, ['holidays']);
  const holidays = new Map<string, readonly string[]>(lists === undefined ? named : Object.entries(lists));
  const doorBlackouts = readDoorBlackouts(reader, content.blackouts);
  const schedules = readSchedules(reader, content.schedules, timezone);
  const isTimezoneWrong = timezone === null && content.timezone !== undefined;
  const file = { timezone, holidays, doorBlackouts, schedules, isTimezoneWrong, problemAt: source.problemAt };
  return problems.length === 0 ? { ok: true, file } : { ok: false, problems: sortProblems(problems), file };
}

/** In the order of the file; of several problems of one field only the first. */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  const first = new Map<string, Problem>();
  for (const problem of problems) {
    const place = `${problem.line}:${problem.field}`;
    if (!first.has(place)) first.set(place, problem);
  }
  return [...first.values()].sort((a, b) => a.line - b.line || a.column - b.column);
}

/** Of a text that holds nothing to check further, what speaks of one place in several ways is all told. */
function byLine(problems: readonly Problem[]): Problem[] {
  return problems.toSorted((a, b) => a.line - b.line);
}

/** Lines for people: `FILE:LINE  schedules[2].windows[0].rrule: message`. */
export function formatProblems(fileName: string, problems: readonly Problem[]): string[] {
  return problems.map(({ line, field, message }) => `${fileName}:${line}  ${field}: ${message}`);
}

/** The path in the file of a field that the calculator names. */
export function pathOfCalendarField(field: string): Path {
  // Holiday lists and dates come to it as one.
  if (field.startsWith('except')) return ['except'];
  return [...field.matchAll(/\w+/g)].map(([part]) => (/\d/.test(part) ? Number(part) : part));
}

type Mapping = Record<string, unknown>;

/** The names that may stand in the mapping at a path. */
function namesAt(path: Path): readonly string[] {
  const place = path.findLast((part) => typeof part === 'string');
  if (place === 'except' || place === 'extra' || place === 'grace') return knownNames[place];
  if (place === 'blackouts') return path[0] === 'blackouts' ? knownNames.doorBlackouts : knownNames.blackouts;
  return knownNames.window;
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Collects problems while it reads. */
class Reader {
  readonly #source: Source;
  readonly #problems: Problem[];

  constructor(source: Source, problems: Problem[]) {
    this.#source = source;
    this.#problems = problems;
  }

  report(path: Path, message: string): void {
    this.#problems.push(this.#source.problemAt(path, message));
  }

  lineOf(path: Path): number {
    return this.#source.problemAt(path, '').line;
  }

  /** The field's value; undefined when it is absent or wrong. */
  read<Schema extends z.ZodType>(schema: Schema, value: unknown, path: Path): z.output<Schema> | undefined {
    if (value === undefined) return undefined;
    const result = schema.safeParse(value, { error: fieldWords });
    if (result.success) return result.data;
    for (const issue of result.error.issues) {
      const at = [...path, ...issue.path.map((part) => (typeof part === 'number' ? part : String(part)))];
      if (issue.code === 'unrecognized_keys') {
        const names = namesAt(at);
        for (const key of issue.keys) this.#reportName([...at, key], key, names);
      } else {
        this.report(at, issue.message);
      }
    }
    return undefined;
  }

  reportUnknown(path: Path, mapping: Mapping, known: readonly string[]): void {
    for (const name of Object.keys(mapping)) {
      if (!known.includes(name)) this.#reportName([...path, name], name, known);
    }
  }

  #reportName(path: Path, name: string, known: readonly string[]): void {
    const near = nearest(name, known);
    this.report(path, near === null ? unknownName(known) : `This field is not known. Did you mean "${near}"?`);
  }
}

/** Blackouts that hold for every schedule on their doors, by device. */
function readDoorBlackouts(reader: Reader, content: unknown): ReadonlyMap<string, readonly Blackout[]> | null {
  const entries = reader.read(fileFields.blackouts, content, ['blackouts']);
  if (entries === undefined) return null;
  const byDevice = new Map<string, Blackout[]>();
  for (const { devices, ...blackout } of entries) {
    for (const device of devices) byDevice.set(device, [...(byDevice.get(device) ?? []), blackout]);
  }
  return new Map([...byDevice].map(([device, blackouts]) => [device, sortBlackouts(blackouts)]));
}

function readSchedules(reader: Reader, content: unknown, timezone: string | null): FileSchedule[] {
  if (!Array.isArray(content)) {
    reader.report(['schedules'], 'It must be a list of schedules: one "- key: …" for each.');
    return [];
  }
  const schedules: FileSchedule[] = [];
  for (const [index, entry] of content.entries()) {
    const path: Path = ['schedules', index];
    if (!isMapping(entry)) {
      reader.report(path, 'A schedule must hold fields, beginning with "key: …".');
      continue;
    }
    const schedule = readSchedule(reader, path, index, entry, timezone);
    if (schedule === null) continue;
    const twin = schedules.find(({ key }) => key === schedule.key);
    if (twin === undefined) schedules.push(schedule);
    else {
      const first = `schedules[${twin.index}] in line ${reader.lineOf(['schedules', twin.index])}`;
      reader.report([...path, 'key'], `"${schedule.key}" is already the key of ${first}: give each schedule its own.`);
    }
  }
  reportSharedPins(reader, schedules);
  return schedules;
}

function readSchedule(
  reader: Reader,
  path: Path,
  index: number,
  entry: Mapping,
  timezone: string | null,
): FileSchedule | null {
  reader.reportUnknown(path, entry, knownNames.schedule);
  const { key: keyField, ...fields } = scheduleFields;
  const wrong = new Set<string>();
  const given: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(fields)) {
    const value = reader.read(schema, entry[name], [...path, name]);
    if (value !== undefined) given[name] = value;
    else if (entry[name] !== undefined) wrong.add(name);
  }
  if (entry.key === undefined) reader.report([...path, 'key'], 'It is missing: give the schedule a key that stays.');
  const key = reader.read(keyField, entry.key, [...path, 'key']);
  reportCalendar(reader, path, entry, given as ScheduleFields, timezone);
  return key === undefined ? null : { index, key, given: given as ScheduleFields, wrong };
}

/** Checks rules, times and bounds; where the file leaves something to the stored schedule, with a stand-in. */
function reportCalendar(
  reader: Reader,
  path: Path,
  entry: Mapping,
  given: ScheduleFields,
  timezone: string | null,
): void {
  const entries: readonly unknown[] = Array.isArray(entry.windows) ? entry.windows : [];
  const windows = entries.filter(isWindowRule);
  const positions = entries.flatMap((window, index) => (isWindowRule(window) ? [index] : []));
  const result = compileScheduleCalendar({
    // Without a window that can be checked, the bounds still can.
    rules: windows.length > 0 ? windows : [{ rrule: 'FREQ=DAILY', from: '00:00', to: '24:00' }],
    timezone: given.timezone ?? timezone ?? 'UTC',
    startsOn: given.starts_on ?? standInStart,
    endsOn: given.ends_on ?? null,
    extra: given.extra ?? [],
    grace: { earlyMinutes: given.grace?.early_minutes ?? 0, lateMinutes: given.grace?.late_minutes ?? 0 },
    mergeGapsUpToMinutes: given.merge_gaps_up_to_minutes ?? 0,
    // Where these are given, each is right in itself, and nothing else depends on them.
    exceptDates: [],
    holidays: [],
    blackouts: [],
    byHand: nothingByHand,
  });
  for (const { field, message } of result.ok ? [] : result.problems) {
    // Windows that could not be read were left out, so they are counted anew.
    const place = field.replace(/(?<=windows\[)\d+/, (position) => `${positions[Number(position)]}`);
    reader.report([...path, ...pathOfCalendarField(place)], message);
  }
}

// Early enough that no UNTIL and no last day lies before it.
const standInStart = '1970-01-01';

function isWindowRule(value: unknown): value is WindowRule {
  return isMapping(value) && [value.rrule, value.from, value.to].every((text) => typeof text === 'string');
}

/** A lock holds one PIN once, and shared PINs would make two people one. */
function reportSharedPins(reader: Reader, schedules: readonly FileSchedule[]): void {
  const holders = new Map<string, FileSchedule>();
  for (const schedule of schedules) {
    const { pin, devices = [] } = schedule.given;
    if (pin?.policy !== 'given') continue;
    for (const device of devices) {
      const door = `${device} ${pin.pin}`;
      const holder = holders.get(door);
      if (holder === undefined) holders.set(door, schedule);
      else reader.report(['schedules', schedule.index, 'pin'], sharedPinMessage(holder.key, device));
    }
  }
}

/** For a PIN that another schedule has on the same door; does not tell the PIN. */
export function sharedPinMessage(otherKey: string, deviceId: string): string {
  return `The schedule "${otherKey}" has the same PIN on device ${deviceId}: choose another, or leave it at keep.`;
}
