// Calendar dates as whole days since 1970-01-01 (proleptic Gregorian). A day here belongs to no zone:
// it is a square on the wall calendar, and only zone.ts turns it into an instant.

export const MINUTE_MS = 60_000;
export const DAY_MS = 86_400_000;

/** The first and the last year in which a schedule may place a date. */
export const FIRST_YEAR = 1970;
export const LAST_YEAR = 2200;

export interface DateParts {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  /** 1 to 31. */
  readonly dayOfMonth: number;
}

const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const DAYS_IN_CENTURIES = 146_097; // in four of them, after which the Gregorian calendar repeats
const DAYS_IN_YEARS = 1461; // in four of them, one of which is a leap year
const DAYS_BEFORE_1970 = 719_468; // from 0000-03-01

export function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

export function daysInMonth(year: number, month: number): number {
  return month === 2 && isLeapYear(year) ? 29 : (DAYS_IN_MONTH[month - 1] ?? 0);
}

/** The day number of a date that exists. */
export function dayOf(year: number, month: number, dayOfMonth: number): number {
  return firstDayOfMonth(year * 12 + month - 1) + dayOfMonth - 1;
}

/** The inverse of `dayOf`. */
export function dateOfDay(day: number): DateParts {
  const index = monthOfDay(day);
  const year = (index / 12) | 0;
  return { year, month: index - year * 12 + 1, dayOfMonth: day - firstDayOfMonth(index) + 1 };
}

/**
 * The month that holds a day from 0000-03-01 on, as year × 12 + month from 0. Years are counted from March, so that a leap day
 * is the last day of its year, and of its century where that has one; in quarters of days all of them are equally long (Neri and
 * Schneider 2022, §5). `| 0` instead of Math.floor: no number here is negative, and this is what each search for a day begins with.
 */
export function monthOfDay(day: number): number {
  const quarters = ((day + DAYS_BEFORE_1970) << 2) | 3;
  const century = (quarters / DAYS_IN_CENTURIES) | 0;
  const quartersOfCentury = (quarters - century * DAYS_IN_CENTURIES) | 3;
  const yearOfCentury = (quartersOfCentury / DAYS_IN_YEARS) | 0;
  const dayOfYear = (quartersOfCentury - yearOfCentury * DAYS_IN_YEARS) >> 2;
  return (century * 100 + yearOfCentury) * 12 + (((5 * dayOfYear + 2) / 153) | 0) + 2;
}

/** The first day of a month, given as by `monthOfDay`. */
export function firstDayOfMonth(index: number): number {
  const fromMarch = index - 2;
  const year = (fromMarch / 12) | 0;
  const century = (year / 100) | 0;
  const daysBefore = ((153 * (fromMarch - year * 12) + 2) / 5) | 0;
  return year * 365 + (year >> 2) - century + (century >> 2) + daysBefore - DAYS_BEFORE_1970;
}

/** Monday is 0, Sunday is 6. */
export function weekdayOf(day: number): number {
  const weekday = (day + 3) % 7; // 1970-01-01 was a Thursday
  return weekday < 0 ? weekday + 7 : weekday;
}

/** The day number of a "YYYY-MM-DD" that exists in the calendar, otherwise undefined ("2026-02-30" does not exist). */
export function parseLocalDate(text: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return undefined;
  const year = Number(text.slice(0, 4));
  const month = Number(text.slice(5, 7));
  const dayOfMonth = Number(text.slice(8, 10));
  if (dayOfMonth < 1 || dayOfMonth > daysInMonth(year, month)) return undefined;
  return dayOf(year, month, dayOfMonth);
}

/** True for a "YYYY-MM-DD" that exists in the calendar. */
export function isLocalDate(text: string): boolean {
  return parseLocalDate(text) !== undefined;
}

/** "HH:MM" of a local date-time in ms; midnight is 00:00. */
export function formatLocalTime(localMs: number): string {
  const minutes = Math.floor((localMs - Math.floor(localMs / DAY_MS) * DAY_MS) / MINUTE_MS);
  return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
}

/** "YYYY-MM-DD" of a day number. */
export function formatLocalDate(day: number): string {
  const { year, month, dayOfMonth } = dateOfDay(day);
  return `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(dayOfMonth).padStart(2, '0')}`;
}
