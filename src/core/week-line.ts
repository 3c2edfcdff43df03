// What there is to be seen of a week of a schedule on one door: windows by plan, how long a code truly was on the lock, where it
// was missing and why, and what closed what would have been open. Pure; the drawing and the list of a page only show it.
// What is over is told by its rows, which stay as they were when a schedule is edited; what comes, by the calendar of now.
import type { ClosedBecause } from './closed-because.ts';
import { calendarOfDraft, type Schedule } from './schedule.ts';
import { common, type DateSpan, overlap, union, without } from './spans.ts';
import { closedSpans, unclosedCalendar } from './week-closed.ts';
import { gapBecause, type WeekCode } from './week-gap.ts';
import { causesOf, describeCauses } from './window-causes.ts';
import { type Blackout, type Calendar, type Window, windowsFrom } from './windows.ts';

export type { WeekCode } from './week-gap.ts';

/** When a schedule got a status, and by whom. */
export interface StatusSet {
  readonly at: Date;
  readonly status: Schedule['status'];
  readonly by: string | null;
}

export interface WeekInput {
  readonly schedule: Schedule;
  readonly deviceId: string;
  readonly doorBlackouts: readonly Blackout[];
  /** Rows of the door whose window or whose time on the lock reaches into the week, in any order. */
  readonly codes: readonly WeekCode[];
  /** Of the week and the last before it, oldest first; empty where the history no longer says. */
  readonly statuses: readonly StatusSet[];
  /** When the schedule was made: before then it opened nothing. */
  readonly createdAt: Date;
  readonly week: DateSpan;
  /** In which moments are told; absent: the schedule's. A door shows schedules of several zones in one. */
  readonly timezone?: string | undefined;
  readonly now: Date;
}

/**
 * over: a code was on the lock for all or part of it. missed: none was. unrecorded: it would have been open by the plan of now, and
 * nothing is known of it. open: in progress, with its code. without: in progress, and no code is on the lock. ready: to come, and
 * its code is on the lock. made: Seam has the code, the lock not yet. to_make: its code is still to be made. refused: Seam or the
 * lock refuses its code. given_up: to come, and it gets no code.
 */
export type WindowState =
  | 'over'
  | 'missed'
  | 'unrecorded'
  | 'open'
  | 'without'
  | 'ready'
  | 'made'
  | 'to_make'
  | 'refused'
  | 'given_up';

/** Why nothing is open that would be. */
export type WeekClosedBecause =
  | ClosedBecause
  | { readonly kind: 'paused' | 'ended'; readonly by: string | null }
  | { readonly kind: 'not_a_door' };

export type WeekFact = DateSpan &
  (
    | { readonly kind: 'window'; readonly state: WindowState; readonly why: string }
    | { readonly kind: 'closed'; readonly because: readonly WeekClosedBecause[] }
    /** early: stored ahead of its time. valid: it opens the door. late: its time is over, and it is still there. */
    | { readonly kind: 'on_lock'; readonly role: 'early' | 'valid' | 'late'; readonly isStill: boolean }
    | { readonly kind: 'gap'; readonly why: string; readonly isStill: boolean }
  );

export interface WeekLine {
  /** In order of their start; what is planned or closed comes before what was on the lock. */
  readonly facts: readonly WeekFact[];
  /** There were more windows than `windowsMax`, which are left out. */
  readonly isCut: boolean;
}

type FactOf<Kind extends WeekFact['kind']> = Extract<WeekFact, { kind: Kind }>;

/** Far more than anybody reads; a week of the densest schedule that may be stored has as many. */
const windowsMax = 500;
/** Reports of Seam come so late: what is shorter is no gap that anybody met, and no code that stayed. */
const shortestMs = 60_000;
const plannedThen = 'as it was planned then';

export function weekLine(input: WeekInput): WeekLine {
  const { schedule, doorBlackouts, week, now } = input;
  const calendar = calendarOfDraft(schedule, doorBlackouts);
  const open = windowsIn(calendar, week);
  const would = windowsIn(unclosedCalendar(schedule), week);
  const idle = idleSpans(input);
  const unmade = { startsAt: new Date(0), endsAt: input.createdAt };
  const recorded = recordedSpans(input.codes, [...idle, unmade], week, now);
  const known = open.windows.map((window) => ({ ...window, why: describeCauses(causesOf(calendar, window)) }));
  const planned = known.flatMap(({ why, ...window }) =>
    without(window, [...idle, unmade]).flatMap((part) => plannedFact(input, part, recorded, why)),
  );
  const told = recorded
    .filter((span) => !planned.some((window) => overlap(window, span)))
    .map((span): FactOf<'window'> => {
      const why = known.find((window) => isSameSpan(window, span))?.why ?? plannedThen;
      return { kind: 'window', ...span, state: pastState(input.codes, span), why };
    });
  const windows = [...planned, ...told].filter((window) => overlap(window, week));
  const closed = closedSpans(schedule, doorBlackouts, would.windows, open.windows);
  const paused = idle.flatMap(({ because, ...span }) =>
    open.windows.flatMap((window) => {
      const shared = common(window, span);
      return shared === null ? [] : [{ ...shared, because: [because] as readonly WeekClosedBecause[] }];
    }),
  );
  const onLock = input.codes.flatMap((code) => onLockSpans(code, now));
  const gaps = windows.flatMap((window) => gapsIn(input, window, onLock));
  const facts: WeekFact[] = [
    ...windows,
    ...[...closed, ...paused].flatMap((span) => closedFacts(span, [...recorded, unmade])),
    ...gaps,
    ...onLock,
  ];
  return {
    facts: facts.filter((fact) => overlap(fact, week)).sort(byStart),
    isCut: open.isCut || would.isCut,
  };
}

function byStart(a: WeekFact, b: WeekFact): number {
  return a.startsAt.getTime() - b.startsAt.getTime();
}

function windowsIn(calendar: Calendar, week: DateSpan): { windows: readonly Window[]; isCut: boolean } {
  const found = windowsFrom(calendar, week.startsAt, windowsMax + 1).filter(({ startsAt }) => startsAt < week.endsAt);
  return { windows: found.slice(0, windowsMax), isCut: found.length > windowsMax };
}

/** When the schedule opened no door, whatever its calendar says. */
function idleSpans(input: WeekInput): (DateSpan & { readonly because: WeekClosedBecause })[] {
  const { schedule, deviceId, week, now } = input;
  const known = knownStatuses(input);
  const idle = known.flatMap(({ at, status, by }, index) => {
    if (status === 'active') return [];
    const endsAt = known[index + 1]?.at ?? week.endsAt;
    return endsAt > at ? [{ startsAt: at, endsAt, because: { kind: status, by } as const }] : [];
  });
  const isDoor = schedule.devices.some((door) => door.deviceId === deviceId);
  if (isDoor || schedule.status !== 'active' || week.endsAt <= now) return idle;
  return [...idle, { startsAt: now, endsAt: week.endsAt, because: { kind: 'not_a_door' } }];
}

/** With the status of now, where the history does not tell of it: made so, ended by itself, or too long ago. */
function knownStatuses({ schedule: { status }, statuses, createdAt, now }: WeekInput): readonly StatusSet[] {
  if (status === (statuses.at(-1)?.status ?? 'active')) return statuses;
  const at = status === 'paused' && statuses.length === 0 ? createdAt : now;
  return [...statuses, { at, status, by: null }];
}

/** The times for which rows stood that have begun: what was planned then. */
function recordedSpans(codes: readonly WeekCode[], idle: readonly DateSpan[], week: DateSpan, now: Date): DateSpan[] {
  const spans = codes
    .filter(({ generation, windowStartsAt }) => generation >= 0 && windowStartsAt < now)
    .map((code) => ({ startsAt: code.windowStartsAt, endsAt: earlier(plannedUntil(code), now) }))
    .filter((span) => span.startsAt < span.endsAt && overlap(span, week));
  return union(spans).flatMap((span) => without(span, idle));
}

/** The end of the window that a row stood for; or when it was no longer planned, where that came first. */
function plannedUntil({ windowStartsAt, windowEndsAt, reason, removedAt }: WeekCode): Date {
  if (reason !== 'not_planned' && reason !== 'moved_later') return windowEndsAt;
  return earlier(removedAt ?? windowStartsAt, windowEndsAt);
}

function earlier(a: Date, b: Date): Date {
  return a < b ? a : b;
}

/** A window of the calendar, unless it is over and its rows tell of it. */
function plannedFact(
  input: WeekInput,
  window: DateSpan,
  recorded: readonly DateSpan[],
  why: string,
): FactOf<'window'>[] {
  if (window.endsAt > input.now) return [{ kind: 'window', ...window, state: stateOf(input, window), why }];
  if (recorded.some((span) => overlap(span, window))) return [];
  return [{ kind: 'window', ...window, state: 'unrecorded', why }];
}

function isSameSpan(a: DateSpan, b: DateSpan): boolean {
  return a.startsAt.getTime() === b.startsAt.getTime() && a.endsAt.getTime() === b.endsAt.getTime();
}

function pastState(codes: readonly WeekCode[], span: DateSpan): WindowState {
  return codes.some((code) => onLockSpans(code, span.endsAt).some((one) => one.role === 'valid' && overlap(one, span)))
    ? 'over'
    : 'missed';
}

function stateOf({ schedule, deviceId, codes, now }: WeekInput, window: DateSpan): WindowState {
  const code = codeOf(codes, window);
  const hasBegun = window.startsAt <= now;
  const generation = schedule.devices.find((door) => door.deviceId === deviceId)?.generation ?? 0;
  if (hasBegun) return isOnLock(code, now) ? 'open' : 'without';
  switch (code?.state) {
    case 'created':
      return code.readyAt === null ? 'made' : 'ready';
    case 'rejected':
      return 'refused';
    case 'removed':
    case 'closed':
      return code.generation >= generation ? 'given_up' : 'to_make';
    default:
      return 'to_make';
  }
}

function isOnLock(code: WeekCode | null, now: Date): boolean {
  return code !== null && onLockSpans(code, now).some(({ role, isStill }) => role === 'valid' && isStill);
}

/** The row that stands for a window: one that is not final, or else the last that was made for it. */
function codeOf(codes: readonly WeekCode[], window: DateSpan): WeekCode | null {
  const own = codes.filter(
    (code) => code.generation >= 0 && code.windowStartsAt < window.endsAt && window.startsAt < code.windowEndsAt,
  );
  const isFinal = ({ state }: WeekCode): boolean => state === 'removed' || state === 'closed';
  const latest = own.toSorted((a, b) => b.createdAt.getTime() - a.createdAt.getTime());
  return latest.find((code) => !isFinal(code)) ?? latest[0] ?? null;
}

/** How long the lock held a code until now, as far as Seam has said, by whether it opened the door. */
function onLockSpans(code: WeekCode, now: Date): FactOf<'on_lock'>[] {
  const { readyAt, removedAt, heldBefore } = code;
  const isStill = removedAt === null || removedAt > now;
  const last = readyAt === null ? [] : [{ startsAt: readyAt, endsAt: isStill ? now : removedAt }];
  return [...heldBefore, ...last].flatMap((held) => rolesOf(code, held, now, isStill && held === last[0]));
}

function rolesOf(code: WeekCode, held: DateSpan, now: Date, isStill: boolean): FactOf<'on_lock'>[] {
  if (held.startsAt >= held.endsAt) return [];
  const startsAt = code.confirmedStartsAt ?? code.windowStartsAt;
  const endsAt = code.confirmedEndsAt ?? code.windowEndsAt;
  const roles = [
    ['early', { startsAt: new Date(0), endsAt: startsAt }],
    ['valid', { startsAt, endsAt }],
    ['late', { startsAt: endsAt, endsAt: now > endsAt ? now : endsAt }],
  ] as const;
  return roles.flatMap(([role, span]) => {
    const shared = common(held, span);
    if (shared === null || (role !== 'valid' && !isLong(shared))) return [];
    return [
      { kind: 'on_lock', ...shared, role, isStill: isStill && shared.endsAt.getTime() === held.endsAt.getTime() },
    ];
  });
}

function isLong({ startsAt, endsAt }: DateSpan): boolean {
  return endsAt.getTime() - startsAt.getTime() >= shortestMs;
}

function gapsIn(
  { codes, schedule, timezone = schedule.timezone, now }: WeekInput,
  window: FactOf<'window'>,
  onLock: readonly FactOf<'on_lock'>[],
): FactOf<'gap'>[] {
  if (window.state === 'unrecorded' || window.startsAt >= now) return [];
  const past = { startsAt: window.startsAt, endsAt: earlier(window.endsAt, now) };
  const valid = onLock.filter(({ role }) => role === 'valid');
  return without(past, valid)
    .filter(isLong)
    .map((gap) => ({
      kind: 'gap',
      ...gap,
      why: gapBecause(codeOf(codes, gap) ?? codeOf(codes, window), gap, timezone),
      isStill: window.endsAt > now && gap.endsAt.getTime() === now.getTime(),
    }));
}

/** What was open all the same, because it was closed only later, is not told as closed. */
function closedFacts(
  { because, ...span }: DateSpan & { readonly because: readonly WeekClosedBecause[] },
  recorded: readonly DateSpan[],
): FactOf<'closed'>[] {
  return without(span, recorded).map((part) => ({ kind: 'closed', ...part, because }));
}
