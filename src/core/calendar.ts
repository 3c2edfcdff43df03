// Checks what people write about when a schedule is open, reports every problem at once, and compiles the rest into the
// integers that windows.ts works with. A calendar is immutable, and holds no instant that is not fixed by its input.

import {
  type Blackout,
  type Closing,
  type Closure,
  type CompiledBlackout,
  compileBlackout,
  unionOf,
} from './blackouts.ts';
import {
  type CalendarProblem,
  type DaySpan,
  EXCEPT_DATES_MAX,
  type Report,
  readDate,
  readDates,
  readMinutes,
  readSpan,
  reportLimit,
} from './calendar-fields.ts';
import { DAY_MS, formatLocalDate } from './local-date.ts';
import { occurrenceOn } from './occurrences.ts';
import type { CompiledRule } from './period-days.ts';
import { compileRule, LAST_DAY, nextDay } from './recurrence.ts';
import { parseRule } from './rrule.ts';
import { isTimeZone, localToInstant, type Zone, zoneNamed } from './zone.ts';

export type { CalendarProblem, DaySpan } from './calendar-fields.ts';

/** `from` is "HH:MM"; so is `to`, which may be "24:00". `to` at or before `from` is on the next day. */
export interface WindowRule {
  readonly rrule: string;
  readonly from: string;
  readonly to: string;
}

export interface ExtraWindow {
  readonly date: string;
  readonly from: string;
  readonly to: string;
}

/** How much earlier and later than its rules and extras say a window is open; whole minutes, by the stopwatch. */
export interface Grace {
  readonly earlyMinutes: number;
  readonly lateMinutes: number;
}

export interface CalendarInput {
  readonly windows: readonly WindowRule[];
  readonly timezone: string;
  readonly startsOn: string;
  /** Inclusive, held against the local start date: a night that starts on it runs to its end. */
  readonly endsOn?: string | undefined;
  /** Holidays included. They close rules, not extras. */
  readonly exceptDates?: readonly string[] | undefined;
  readonly extra?: readonly ExtraWindow[] | undefined;
  readonly grace?: Grace | undefined;
  /** Windows with at most so much between them are one; 0 joins only what overlaps or touches. */
  readonly mergeGapsUpToMinutes?: number | undefined;
  /** They act last: nothing reopens them. */
  readonly blackouts?: readonly Blackout[] | undefined;
  /** They act as blackouts do, on the very windows that somebody closed. */
  readonly closings?: readonly Closing[] | undefined;
}

export interface CalendarRule extends DaySpan {
  readonly days: CompiledRule;
  /** Inclusive, for an UNTIL in UTC; Infinity otherwise. */
  readonly untilAt: number;
}

export interface Occurrence {
  readonly startAt: number;
  readonly endAt: number;
}

/** An extra window, and the local day and span that it was made of. */
export interface ExtraOccurrence extends Occurrence, DaySpan {
  readonly day: number;
}

export interface Calendar {
  readonly zone: Zone;
  readonly startsOnDay: number;
  readonly endsOnDay: number;
  readonly rules: readonly CalendarRule[];
  readonly exceptDays: ReadonlySet<number>;
  /** In order of their start, and within `startsOnDay` and `endsOnDay`. */
  readonly extras: readonly ExtraOccurrence[];
  readonly earlyMs: number;
  readonly lateMs: number;
  readonly mergeMs: number;
  /** What is closed by all blackouts together, in order, without overlap. */
  readonly closed: readonly Closure[];
  /** The blackouts one by one, for explanations. */
  readonly blackouts: readonly CompiledBlackout[];
  /** The latest local time at which a rule's window ends, in ms from midnight of the day on which it starts. */
  readonly latestEndMs: number;
  /** Local time that lies at least between one occurrence and the next, in ms; 0 where they may meet. */
  readonly pauseMs: number;
}

export type CalendarCompilation =
  | { readonly ok: true; readonly calendar: Calendar }
  | { readonly ok: false; readonly problems: CalendarProblem[] };

const RULES_MAX = 50;
export const EXTRAS_MAX = 1_000;
const BLACKOUTS_MAX = 1_000;

// Shared, because most of the many calendars in memory have none.
const NONE: readonly never[] = [];

/**
 * Validates and compiles. The order in which the parts act is that of `windowsFrom`. A rule that falls on no day
 * before 2300 is refused; a calendar that merely has no windows left (its `endsOn` is past) is not.
 */
export function compileCalendar(input: CalendarInput): CalendarCompilation {
  const problems: CalendarProblem[] = [];
  const report: Report = (field, code, message) => {
    problems.push({ field, code, message });
    return undefined;
  };
  reportLimits(input, report);
  const zone = readZone(input.timezone, report);
  const startsOnDay = readDate(input.startsOn, 'starts_on', report);
  const endsOnDay = input.endsOn === undefined ? LAST_DAY : readDate(input.endsOn, 'ends_on', report);
  if (startsOnDay !== undefined && endsOnDay !== undefined && endsOnDay < startsOnDay) {
    report(
      'ends_on',
      'ends_before_start',
      `The last day, ${input.endsOn}, must not be before the first, ${input.startsOn}.`,
    );
  }
  // Without them the rules are still read, so that all problems come out at once, but not compiled.
  const areBoundsKnown = zone !== undefined && startsOnDay !== undefined && endsOnDay !== undefined;
  const bounds = areBoundsKnown ? { zone, startsOnDay, endsOnDay } : undefined;
  const rules = compileWindows(input.windows, bounds, report);
  const exceptDays = readDates(input.exceptDates ?? [], report);
  const extras = compileExtras(input.extra ?? [], bounds, report);
  const earlyMs = readMinutes(input.grace?.earlyMinutes, 'grace.early_minutes', report);
  const lateMs = readMinutes(input.grace?.lateMinutes, 'grace.late_minutes', report);
  const mergeMs = readMinutes(input.mergeGapsUpToMinutes, 'merge_gaps_up_to_minutes', report);
  const blackouts = [...compileBlackouts(input.blackouts ?? [], zone, report), ...compileClosings(input.closings)];
  if (problems.length > 0 || bounds === undefined) return { ok: false, problems };
  const { latestEndMs, pauseMs } = reachOf(rules, extras);
  return {
    ok: true,
    calendar: {
      zone: bounds.zone,
      startsOnDay: bounds.startsOnDay,
      endsOnDay: bounds.endsOnDay,
      rules,
      exceptDays,
      extras,
      earlyMs,
      lateMs,
      mergeMs,
      closed: closedBy(blackouts),
      blackouts,
      latestEndMs,
      pauseMs,
    },
  };
}

/**
 * The calendar with further blackouts: those of a door, for the schedule's code there. Ones that could not be compiled are a
 * bug of whoever stored them: throws.
 */
export function withBlackouts(calendar: Calendar, blackouts: readonly Blackout[]): Calendar {
  if (blackouts.length === 0) return calendar;
  const report: Report = (field, _, message) => {
    throw new Error(`${field}: ${message}`);
  };
  const compiled = compileBlackouts(blackouts, calendar.zone, report);
  const all = [...calendar.blackouts, ...compiled];
  return { ...calendar, closed: closedBy(all), blackouts: all };
}

function reachOf(
  rules: readonly CalendarRule[],
  extras: readonly ExtraOccurrence[],
): Pick<Calendar, 'latestEndMs' | 'pauseMs'> {
  let latestEndMs = 0;
  for (const { toMs } of rules) latestEndMs = Math.max(latestEndMs, toMs);
  const only = rules.length === 1 && extras.length === 0 ? rules[0] : undefined;
  return { latestEndMs, pauseMs: only === undefined ? 0 : DAY_MS - (only.toMs - only.fromMs) };
}

function closedBy(blackouts: readonly CompiledBlackout[]): readonly Closure[] {
  return blackouts.length === 0 ? NONE : unionOf(blackouts);
}

type Bounds = Pick<Calendar, 'zone' | 'startsOnDay' | 'endsOnDay'>;

function reportLimits(input: CalendarInput, report: Report): void {
  if (input.windows.length === 0) report('windows', 'windows_missing', 'A schedule needs at least one window.');
  reportLimit('windows', input.windows.length, RULES_MAX, report);
  reportLimit('except.dates', input.exceptDates?.length ?? 0, EXCEPT_DATES_MAX, report);
  reportLimit('extra', input.extra?.length ?? 0, EXTRAS_MAX, report);
  reportLimit('blackouts', input.blackouts?.length ?? 0, BLACKOUTS_MAX, report);
}

function readZone(name: string, report: Report): Zone | undefined {
  if (isTimeZone(name)) return zoneNamed(name);
  const message = `The time zone must be an IANA name like Europe/Berlin, but is "${name}".`;
  return report('timezone', 'timezone_unknown', message);
}

function compileWindows(windows: readonly WindowRule[], bounds: Bounds | undefined, report: Report): CalendarRule[] {
  const rules: CalendarRule[] = [];
  for (const [index, window] of windows.slice(0, RULES_MAX).entries()) {
    const rule = compileWindow(window, `windows[${index}]`, bounds, report);
    if (rule !== undefined) rules.push(rule);
  }
  return rules;
}

function compileWindow(
  window: WindowRule,
  field: string,
  bounds: Bounds | undefined,
  report: Report,
): CalendarRule | undefined {
  const span = readSpan(window, field, report);
  const parsed = parseRule(window.rrule);
  if (!parsed.ok) return report(`${field}.rrule`, parsed.problem.code, parsed.problem.message);
  if (bounds === undefined) return undefined;
  const compilation = compileRule(parsed.rule, bounds.startsOnDay);
  if (!compilation.ok) return report(`${field}.rrule`, compilation.problem.code, compilation.problem.message);
  if (span === undefined) return undefined;
  const days = compilation.compiled;
  const { until } = parsed.rule;
  const untilAt = until?.kind === 'instant' ? until.at : Number.POSITIVE_INFINITY;
  const firstDay = nextDay(days, bounds.startsOnDay) ?? LAST_DAY;
  if (localToInstant(bounds.zone, firstDay * DAY_MS + span.fromMs) > untilAt) {
    const message = `UNTIL is before the first window, which starts on ${formatLocalDate(firstDay)}: use a later UNTIL.`;
    return report(`${field}.rrule`, 'never_matches', message);
  }
  return { days, untilAt, fromMs: span.fromMs, toMs: span.toMs };
}

function compileExtras(
  extras: readonly ExtraWindow[],
  bounds: Bounds | undefined,
  report: Report,
): readonly ExtraOccurrence[] {
  if (extras.length === 0) return NONE;
  const occurrences: ExtraOccurrence[] = [];
  for (const [index, extra] of extras.slice(0, EXTRAS_MAX).entries()) {
    const field = `extra[${index}]`;
    const day = readDate(extra.date, `${field}.date`, report);
    const span = readSpan(extra, field, report);
    if (bounds === undefined || day === undefined || span === undefined) continue;
    if (day < bounds.startsOnDay || day > bounds.endsOnDay) continue;
    occurrences.push({ ...occurrenceOn(bounds.zone, day, span), ...span, day });
  }
  return occurrences.sort((a, b) => a.startAt - b.startAt);
}

function compileClosings(closings: readonly Closing[] = NONE): readonly CompiledBlackout[] {
  return closings.map(({ startsAt, endsAt, reason }) => {
    return { startAt: Date.parse(startsAt), endAt: Date.parse(endsAt), reason: reason ?? 'skipped' };
  });
}

function compileBlackouts(
  blackouts: readonly Blackout[],
  zone: Zone | undefined,
  report: Report,
): readonly CompiledBlackout[] {
  if (blackouts.length === 0) return NONE;
  return blackouts.slice(0, BLACKOUTS_MAX).flatMap((blackout, index) => {
    const compilation = compileBlackout(blackout, zone);
    if ('problem' in compilation) {
      const { field, code, message } = compilation.problem;
      report(`blackouts[${index}].${field}`, code, message);
      return [];
    }
    return compilation.blackout === undefined ? [] : [compilation.blackout];
  });
}
