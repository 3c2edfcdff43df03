// Lays what the file says over what is stored: absent fields keep their stored value, nobody is revived unasked, and a new
// schedule must be complete. Pure; PINs are compared where they can be decrypted.
import { sortBlackouts } from './blackouts.ts';
import { carrySkips } from './carried-skips.ts';
import { parseRule } from './rrule.ts';
import { dependsOnStart, type Rule } from './rule.ts';
import {
  compileScheduleCalendar,
  type HolidayDates,
  nothingByHand,
  type Schedule,
  type ScheduleStatus,
} from './schedule.ts';
import {
  type FileSchedule,
  type Path,
  type Problem,
  pathOfCalendarField,
  type SchedulesFile,
} from './schedules-file.ts';
import { type ExtraWindow, localDateOf } from './windows.ts';

/** What a schedule is to become. */
export type ScheduleDraft = Omit<Schedule, 'id' | 'version' | 'devices'> & { readonly deviceIds: readonly string[] };

/** A field, as the file names it, that is to have another value. Values are told only where they are nobody's secret. */
export interface Change {
  readonly field: string;
  readonly from?: FieldValue;
  readonly to?: FieldValue;
}

type FieldValue =
  | string
  | number
  | boolean
  | null
  | readonly string[]
  | readonly Record<string, string | null | readonly string[]>[];

/** Holiday lists by name, as they will be stored. */
export type HolidayLists = ReadonlyMap<string, readonly string[]>;

export type Merge =
  | {
      readonly ok: true;
      readonly draft: ScheduleDraft;
      readonly changes: readonly Change[];
      readonly notes: readonly string[];
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export interface MergeInput {
  readonly file: SchedulesFile;
  readonly entry: FileSchedule;
  readonly stored: Schedule | null;
  readonly lists: HolidayLists;
  readonly now: Date;
  /** Whether `status: active` may lead back from paused and ended. */
  readonly revive: boolean;
}

// Windows that were served or closed under the old wording may open again under the new one, and what was refused for its
// PIN may be asked for again; a new name opens nothing.
const reopeningFields: ReadonlySet<string> = new Set([
  'timezone',
  'starts_on',
  'ends_on',
  'windows',
  'except.dates',
  'except.holidays',
  'extra',
  'blackouts',
  'grace.early_minutes',
  'grace.late_minutes',
  'merge_gaps_up_to_minutes',
  'pin',
]);

/**
 * Whether the changes are a recorded reopening, which raises the generation of each door that stays. So is another given PIN,
 * which shows only where PINs are decrypted.
 */
export function isReopening(changes: readonly Change[]): boolean {
  return changes.some(({ field, to }) => reopeningFields.has(field) || (field === 'status' && to === 'active'));
}

/** What the schedule becomes, or all that keeps it from being applied. */
export function mergeSchedule(input: MergeInput): Merge {
  const { file, entry, stored } = input;
  const problems: Problem[] = [];
  const report = (path: Path, message: string) => {
    problems.push(file.problemAt(['schedules', entry.index, ...path], message));
  };
  if (stored === null) reportMissing(input, report);
  const holidays = holidaysOf(input, report);
  const { draft, notes } = draftOf(input, holidays);
  // Fields that are wrong or missing are told already; what was concluded from their stand-ins would be noise.
  if (problems.length === 0 && entry.wrong.size === 0 && !file.isTimezoneWrong) {
    const result = compileScheduleCalendar(draft);
    for (const { field, message } of result.ok ? [] : result.problems) report(pathOfCalendarField(field), message);
  }
  if (problems.length > 0) return { ok: false, problems };
  const changes = stored === null ? [] : changesOf(stored, draft);
  return { ok: true, draft, changes, notes: [...notes, ...statusNotes(input, draft, changes)] };
}

/** A stored schedule that the file does not name, under holiday lists and door blackouts that the file changes. */
export function mergeShared(
  stored: Schedule,
  lists: HolidayLists,
): { draft: ScheduleDraft; changes: readonly Change[] } {
  const holidays = stored.holidays.map(({ name, dates }) => ({ name, dates: lists.get(name) ?? dates }));
  const draft = { ...draftFromStored(stored), holidays };
  return { draft, changes: changesOf(stored, draft) };
}

type Report = (path: Path, message: string) => void;

function reportMissing({ file, entry, now }: MergeInput, report: Report): void {
  const { given, wrong } = entry;
  for (const name of ['name', 'devices', 'windows'] as const) {
    if (given[name] !== undefined || wrong.has(name)) continue;
    report([name], `It is missing: "${entry.key}" is not stored yet, and a new schedule needs ${name}.`);
  }
  const hasZone =
    given.timezone !== undefined || wrong.has('timezone') || file.timezone !== null || file.isTimezoneWrong;
  if (!hasZone) report(['timezone'], 'It is missing: give the schedule, or the file at its top, a time zone.');
  if (given.starts_on !== undefined || wrong.has('starts_on')) return;
  for (const [index, { rrule }] of (given.windows ?? []).entries()) {
    const parsed = parseRule(rrule);
    if (!parsed.ok || !dependsOnStart(parsed.rule)) continue;
    const today = localDateOf(given.timezone ?? file.timezone ?? 'UTC', now);
    const reason = `It is required because ${whyStart(parsed.rule)} (windows[${index}])`;
    report(['starts_on'], `${reason}: add, for example, starts_on: ${today}.`);
    return;
  }
}

function whyStart(rule: Rule): string {
  if (rule.interval > 1) return `INTERVAL=${rule.interval} counts from it`;
  if (rule.count !== undefined) return `COUNT=${rule.count} counts from it`;
  return `FREQ=${rule.freq} without a day takes its day from it`;
}

function holidaysOf({ entry, stored, lists }: MergeInput, report: Report): HolidayDates[] {
  const names = entry.given.except?.holidays ?? stored?.holidays.map(({ name }) => name) ?? [];
  return [...names].sort().flatMap((name) => {
    const dates = lists.get(name);
    if (dates !== undefined) return [{ name, dates }];
    const path = ['except', 'holidays', names.indexOf(name)];
    report(path, `There is no holiday list "${name}", here or stored: define it under holidays, or correct the name.`);
    return [];
  });
}

function draftOf(input: MergeInput, holidays: readonly HolidayDates[]): { draft: ScheduleDraft; notes: string[] } {
  const { file, entry, stored, now } = input;
  const { given, key } = entry;
  const timezone = given.timezone ?? stored?.timezone ?? file.timezone ?? 'UTC';
  const notes: string[] = [];
  if (given.timezone === undefined && file.timezone !== null && file.timezone !== timezone) {
    notes.push(`${key} keeps its time zone ${timezone}; to move it, give it timezone: ${file.timezone} of its own.`);
  }
  const draft: ScheduleDraft = {
    key,
    name: given.name ?? stored?.name ?? key,
    holder: given.holder === undefined ? (stored?.holder ?? null) : given.holder,
    timezone,
    startsOn: given.starts_on ?? stored?.startsOn ?? localDateOf(timezone, now),
    endsOn: given.ends_on === undefined ? (stored?.endsOn ?? null) : given.ends_on,
    rules: (given.windows ?? stored?.rules ?? []).map(({ rrule, from, to }) => ({ rrule, from, to })),
    exceptDates: [...(given.except?.dates ?? stored?.exceptDates ?? [])].sort(),
    holidays,
    extra: sortExtra(given.extra ?? stored?.extra ?? []),
    blackouts: sortBlackouts(given.blackouts ?? stored?.blackouts ?? []),
    byHand: stored?.byHand ?? nothingByHand,
    grace: {
      earlyMinutes: given.grace?.early_minutes ?? stored?.grace.earlyMinutes ?? 0,
      lateMinutes: given.grace?.late_minutes ?? stored?.grace.lateMinutes ?? 0,
    },
    mergeGapsUpToMinutes: given.merge_gaps_up_to_minutes ?? stored?.mergeGapsUpToMinutes ?? 0,
    deviceIds: [...(given.devices ?? stored?.devices.map(({ deviceId }) => deviceId) ?? [])].sort(),
    pinPolicy: given.pin?.policy ?? stored?.pinPolicy ?? 'keep',
    allowOtherPin: given.allow_other_pin ?? stored?.allowOtherPin ?? false,
    status: statusOf(input),
  };
  return { draft: stored === null ? draft : { ...draft, byHand: carrySkips(stored, draft, now) }, notes };
}

function statusOf({ entry, stored, revive }: MergeInput): ScheduleStatus {
  const { status } = entry.given;
  if (stored === null) return status ?? 'active';
  if (status === 'active') return revive ? 'active' : stored.status;
  return status === 'paused' && stored.status === 'active' ? 'paused' : stored.status;
}

function statusNotes(
  { entry, stored, revive }: MergeInput,
  draft: ScheduleDraft,
  changes: readonly Change[],
): string[] {
  if (stored === null || draft.status === 'active') return [];
  const state = stored.status === 'paused' ? 'is paused' : 'has ended';
  const { status } = entry.given;
  const flag = stored.status === 'ended' ? ' --revive' : '';
  const command = `relatch schedules resume ${entry.key}${flag}`;
  const wayOut = `Resume it with ${command}, if its doors are to open again.`;
  if (status === 'active') return [`${entry.key} ${state} and stays so, though it is given status: active. ${wayOut}`];
  if (status === undefined && revive)
    return [
      `${entry.key} ${state} and stays so: give it status: active in the file to revive it, or resume it with ${command}.`,
    ];
  if (status === undefined && changes.length > 0) {
    return [`${entry.key} ${state}, so the change opens no door yet. ${wayOut}`];
  }
  return [];
}

function sortExtra(extra: readonly ExtraWindow[]): ExtraWindow[] {
  const keyOf = ({ date, from, to }: ExtraWindow) => `${date} ${from} ${to}`;
  return [...extra].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

export function draftFromStored({ id: _id, version: _version, devices, ...rest }: Schedule): ScheduleDraft {
  return { ...rest, deviceIds: devices.map(({ deviceId }) => deviceId) };
}

/** All differences but the PIN's own. */
export function changesOf(stored: Schedule, draft: ScheduleDraft): Change[] {
  const before = comparable(draftFromStored(stored));
  const after = comparable(draft);
  return Object.entries(after).flatMap(([field, to]): Change[] => {
    const from = before[field] ?? null;
    if (JSON.stringify(from) === JSON.stringify(to)) return [];
    // History outlives the erasure of a holder, so it does not tell who that was.
    return field === 'holder' || field === 'name' ? [{ field }] : [{ field, from, to }];
  });
}

function comparable(draft: ScheduleDraft): Record<string, FieldValue> {
  return {
    name: draft.name,
    holder: draft.holder,
    timezone: draft.timezone,
    starts_on: draft.startsOn,
    ends_on: draft.endsOn,
    windows: draft.rules.map(({ rrule, from, to }) => ({ rrule, from, to })),
    'except.dates': draft.exceptDates,
    'except.holidays': draft.holidays.map(({ name, dates }) => ({ name, dates })),
    extra: draft.extra.map(({ date, from, to }) => ({ date, from, to })),
    blackouts: draft.blackouts.map(({ from, to, reason }) => ({ from, to, reason })),
    'by_hand.closed': draft.byHand.closed.map(({ startsAt, endsAt, reason }) => ({
      starts_at: startsAt,
      ends_at: endsAt,
      reason,
    })),
    'by_hand.opened': draft.byHand.opened.map(({ date, from, to }) => ({ date, from, to })),
    'grace.early_minutes': draft.grace.earlyMinutes,
    'grace.late_minutes': draft.grace.lateMinutes,
    merge_gaps_up_to_minutes: draft.mergeGapsUpToMinutes,
    devices: draft.deviceIds,
    pin: draft.pinPolicy,
    allow_other_pin: draft.allowOtherPin,
    status: draft.status,
  };
}
