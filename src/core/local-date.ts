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

/**
 * The day number of a date that exists. Years are counted from March, so that a leap day is the last day of its year, and the
 * last of its century where that has one.
 */
export function dayOf(year: number, month: number, dayOfMonth: number): number {
  const marchYear = month > 2 ? year : year - 1;
  const monthFromMarch = month > 2 ? month - 3 : month + 9;
  const century = (marchYear / 100) | 0;
  const centuryStart = (century * DAYS_IN_CENTURIES) >> 2;
  const yearStart = ((marchYear - century * 100) * DAYS_IN_YEARS) >> 2;
  return centuryStart + yearStart + (((153 * monthFromMarch + 2) / 5) | 0) + dayOfMonth - 1 - DAYS_BEFORE_1970;
}

/** The inverse of `dayOf`. */
export function dateOfDay(day: number): DateParts {
  // Quarters of days, of which each year has as many as the other, and each century too (Neri and Schneider 2022, §5).
  const quarters = (day + DAYS_BEFORE_1970) * 4 + 3;
  const century = Math.floor(quarters / DAYS_IN_CENTURIES);
  const quartersOfCentury = (quarters - century * DAYS_IN_CENTURIES) | 3;
  const yearOfCentury = Math.floor(quartersOfCentury / DAYS_IN_YEARS);
  const dayOfYear = (quartersOfCentury - yearOfCentury * DAYS_IN_YEARS) >> 2;
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const isNextYear = monthFromMarch >= 10;
  return {
    year: century * 100 + yearOfCentury + (isNextYear ? 1 : 0),
    month: isNextYear ? monthFromMarch - 9 : monthFromMarch + 3,
    dayOfMonth: dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1,
  };
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
