// Reads the single values of a calendar's input: dates, times of day, minutes. What is wrong is reported with its field, and the
// value left out.
import { DAY_MS, dateOfDay, FIRST_YEAR, LAST_YEAR, MINUTE_MS, parseLocalDate } from './local-date.ts';

export interface CalendarProblem {
  readonly code: string;
  readonly message: string;
  /** Path in the schedules file's terms, such as "windows[0].rrule" or "except.dates[1]". */
  readonly field: string;
}

/** Takes a problem; answers undefined, for the value that could not be read. */
export type Report = (field: string, code: string, message: string) => undefined;

/** A local span of the day, in ms from midnight; `toMs` is past 24 h when the window ends on the next day. */
export interface DaySpan {
  readonly fromMs: number;
  readonly toMs: number;
}

export const EXCEPT_DATES_MAX = 5_000;
/** Longer than a day it would be another schedule; windows.ts looks back so far. */
const MINUTES_MAX = 1_440;
// Shared, because most of the many calendars in memory have none.
const NO_DAYS: ReadonlySet<number> = new Set();

export function reportLimit(field: string, length: number, max: number, report: Report): void {
  if (length > max) report(field, 'too_many', `There may be at most ${max} entries here, but there are ${length}.`);
}

export function readMinutes(minutes: number | undefined, field: string, report: Report): number {
  if (minutes === undefined) return 0;
  if (Number.isInteger(minutes) && minutes >= 0 && minutes <= MINUTES_MAX) return minutes * MINUTE_MS;
  report(field, 'minutes_invalid', `It must be whole minutes from 0 to ${MINUTES_MAX}, but is ${minutes}.`);
  return 0;
}

export function readDates(texts: readonly string[], report: Report): ReadonlySet<number> {
  if (texts.length === 0) return NO_DAYS;
  const days = new Set<number>();
  for (const [index, text] of texts.slice(0, EXCEPT_DATES_MAX).entries()) {
    const day = readDate(text, `except.dates[${index}]`, report);
    if (day !== undefined) days.add(day);
  }
  return days;
}

export function readDate(text: string, field: string, report: Report): number | undefined {
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

export function readSpan(span: { from: string; to: string }, field: string, report: Report): DaySpan | undefined {
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
  if (!/^(?:[01]\d|2[0-3]):[0-5]\d$/.test(text)) return undefined;
  return (Number(text.slice(0, 2)) * 60 + Number(text.slice(3))) * MINUTE_MS;
}
