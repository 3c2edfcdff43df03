// Checks what people write about when a schedule is open, reports every problem at once, and compiles the rest into the
// integers that windows.ts works with. A calendar is immutable, and holds no instant that is not fixed by its input.

import { DAY_MS, dateOfDay, FIRST_YEAR, formatLocalDate, LAST_YEAR, MINUTE_MS, parseLocalDate } from './local-date.ts';
import { occurrenceOn } from './occurrences.ts';
import type { CompiledRule } from './period-days.ts';
import { compileRule, LAST_DAY, nextDay } from './recurrence.ts';
import { parseRule } from './rrule.ts';
import { isTimeZone, localToInstant, type Zone, zoneNamed } from './zone.ts';

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

export interface CalendarInput {
  readonly windows: readonly WindowRule[];
  readonly timezone: string;
  readonly startsOn: string;
  /** Inclusive, held against the local start date: a night that starts on it runs to its end. */
  readonly endsOn?: string | undefined;
  /** Holidays included. They close rules, not extras. */
  readonly exceptDates?: readonly string[] | undefined;
  readonly extra?: readonly ExtraWindow[] | undefined;
}

export interface CalendarProblem {
  readonly code: string;
  readonly message: string;
  /** Path in the input, such as "windows[0].rrule". */
  readonly field: string;
}

/** A local span of the day, in ms from midnight; `toMs` is past 24 h when the window ends on the next day. */
export interface DaySpan {
  readonly fromMs: number;
  readonly toMs: number;
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

export interface Calendar {
  readonly zone: Zone;
  readonly startsOnDay: number;
  readonly endsOnDay: number;
  readonly rules: readonly CalendarRule[];
  readonly exceptDays: ReadonlySet<number>;
  /** In order of their start, and within `startsOnDay` and `endsOnDay`. */
  readonly extras: readonly Occurrence[];
  /** The latest local time at which a rule's window ends, in ms from midnight of the day on which it starts. */
  readonly latestEndMs: number;
  /** Local time that lies at least between one occurrence and the next, in ms; 0 where they may meet. */
  readonly pauseMs: number;
}

export type CalendarCompilation =
  | { readonly ok: true; readonly calendar: Calendar }
  | { readonly ok: false; readonly problems: CalendarProblem[] };

const RULES_MAX = 50;
const EXCEPT_DATES_MAX = 5_000;
const EXTRAS_MAX = 1_000;

// Shared, because most of the many calendars in memory have neither.
const NO_DAYS: ReadonlySet<number> = new Set();
const NO_EXTRAS: readonly never[] = [];

type Report = (field: string, code: string, message: string) => undefined;

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
  const zone = isTimeZone(input.timezone)
    ? zoneNamed(input.timezone)
    : report(
        'timezone',
        'timezone_unknown',
        `The time zone must be an IANA name like Europe/Berlin, but is "${input.timezone}".`,
      );
  const startsOnDay = readDate(input.startsOn, 'startsOn', report);
  const endsOnDay = input.endsOn === undefined ? LAST_DAY : readDate(input.endsOn, 'endsOn', report);
  if (startsOnDay !== undefined && endsOnDay !== undefined && endsOnDay < startsOnDay) {
    report(
      'endsOn',
      'ends_before_start',
      `The last day, ${input.endsOn}, must not be before the first, ${input.startsOn}.`,
    );
  }
  // Without them the rules are still read, so that all problems come out at once, but not compiled.
  const areBoundsKnown = zone !== undefined && startsOnDay !== undefined && endsOnDay !== undefined;
  const bounds = areBoundsKnown ? { zone, startsOnDay, endsOnDay } : undefined;
  const rules = input.windows
    .slice(0, RULES_MAX)
    .map((window, index) => compileWindow(window, `windows[${index}]`, bounds, report));
  const exceptDays = readDates(input.exceptDates ?? [], report);
  const extras = compileExtras(input.extra ?? [], bounds, report);
  if (problems.length > 0 || bounds === undefined) return { ok: false, problems };
  return {
    ok: true,
    calendar: assemble(
      bounds,
      rules.filter((rule) => rule !== undefined),
      exceptDays,
      extras,
    ),
  };
}

function assemble(
  bounds: Bounds,
  rules: readonly CalendarRule[],
  exceptDays: ReadonlySet<number>,
  extras: readonly Occurrence[],
): Calendar {
  const latestEndMs = Math.max(...rules.map((rule) => rule.toMs));
  const [only] = rules;
  const isAlone = only !== undefined && rules.length === 1 && extras.length === 0;
  const pauseMs = isAlone ? DAY_MS - (only.toMs - only.fromMs) : 0;
  return { ...bounds, rules, exceptDays, extras, latestEndMs, pauseMs };
}

type Bounds = Pick<Calendar, 'zone' | 'startsOnDay' | 'endsOnDay'>;

function reportLimits(input: CalendarInput, report: Report): void {
  if (input.windows.length === 0) report('windows', 'windows_missing', 'A schedule needs at least one window.');
  reportLimit('windows', input.windows.length, RULES_MAX, report);
  reportLimit('exceptDates', input.exceptDates?.length ?? 0, EXCEPT_DATES_MAX, report);
  reportLimit('extra', input.extra?.length ?? 0, EXTRAS_MAX, report);
}

function reportLimit(field: string, length: number, max: number, report: Report): void {
  if (length > max) report(field, 'too_many', `There may be at most ${max} entries here, but there are ${length}.`);
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
): readonly Occurrence[] {
  if (extras.length === 0) return NO_EXTRAS;
  const occurrences: Occurrence[] = [];
  for (const [index, extra] of extras.slice(0, EXTRAS_MAX).entries()) {
    const field = `extra[${index}]`;
    const day = readDate(extra.date, `${field}.date`, report);
    const span = readSpan(extra, field, report);
    if (bounds === undefined || day === undefined || span === undefined) continue;
    if (day < bounds.startsOnDay || day > bounds.endsOnDay) continue;
    occurrences.push(occurrenceOn(bounds.zone, day, span));
  }
  return occurrences.sort((a, b) => a.startAt - b.startAt);
}

function readDates(texts: readonly string[], report: Report): ReadonlySet<number> {
  if (texts.length === 0) return NO_DAYS;
  const days = new Set<number>();
  for (const [index, text] of texts.slice(0, EXCEPT_DATES_MAX).entries()) {
    const day = readDate(text, `exceptDates[${index}]`, report);
    if (day !== undefined) days.add(day);
  }
  return days;
}

function readDate(text: string, field: string, report: Report): number | undefined {
  const day = parseLocalDate(text);
  if (day === undefined) {
    return report(field, 'date_invalid', `The date must be one that exists, written YYYY-MM-DD, but is "${text}".`);
  }
  const { year } = dateOfDay(day);
  if (year < FIRST_YEAR || year > LAST_YEAR) {
    return report(
      field,
      'date_out_of_range',
      `The date must be in the years ${FIRST_YEAR} to ${LAST_YEAR}, but is ${text}.`,
    );
  }
  return day;
}

function readSpan(span: { from: string; to: string }, field: string, report: Report): DaySpan | undefined {
  const fromMs = readTime(span.from);
  const toMs = span.to === '24:00' ? DAY_MS : readTime(span.to);
  if (fromMs === undefined) {
    report(`${field}.from`, 'time_invalid', `The time must be HH:MM from 00:00 to 23:59, but is "${span.from}".`);
  }
  if (toMs === undefined) {
    report(`${field}.to`, 'time_invalid', `The time must be HH:MM from 00:00 to 24:00, but is "${span.to}".`);
  }
  if (fromMs === undefined || toMs === undefined) return undefined;
  return { fromMs, toMs: toMs > fromMs ? toMs : toMs + DAY_MS };
}

function readTime(text: string): number | undefined {
  const match = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text);
  return match === null ? undefined : (Number(match[1]) * 60 + Number(match[2])) * MINUTE_MS;
}
