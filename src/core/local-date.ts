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
const DAYS_IN_ERA = 146_097; // 400 years, after which the Gregorian calendar repeats
const DAYS_BEFORE_1970 = 719_468; // from 0000-03-01

export function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

export function daysInMonth(year: number, month: number): number {
  return month === 2 && isLeapYear(year) ? 29 : (DAYS_IN_MONTH[month - 1] ?? 0);
}

/**
 * The day number of a date that exists. Years are counted from March, so that a leap day is the last day of its year.
 */
export function dayOf(year: number, month: number, dayOfMonth: number): number {
  const marchYear = month > 2 ? year : year - 1;
  const era = Math.floor(marchYear / 400);
  const yearOfEra = marchYear - era * 400;
  const monthFromMarch = month > 2 ? month - 3 : month + 9;
  const dayOfYear = Math.floor((153 * monthFromMarch + 2) / 5) + dayOfMonth - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * DAYS_IN_ERA + dayOfEra - DAYS_BEFORE_1970;
}

/** The inverse of `dayOf`. */
export function dateOfDay(day: number): DateParts {
  const shifted = day + DAYS_BEFORE_1970;
  const era = Math.floor(shifted / DAYS_IN_ERA);
  const dayOfEra = shifted - era * DAYS_IN_ERA;
  const leapDays = Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  return {
    year: era * 400 + yearOfEra + (month <= 2 ? 1 : 0),
    month,
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
