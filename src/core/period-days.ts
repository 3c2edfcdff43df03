// Which days of one week, month or year a compiled rule selects, as masks. The parts that RFC 5545 calls "expand" and
// "limit" come to the same here: each is a mask, and the days are what all of them have in common; BYSETPOS picks last.

import { dateOfDay, dayOf, daysInMonth, firstDayOfMonth, isLeapYear, weekdayOf } from './local-date.ts';
import type { Frequency } from './rule.ts';

/** The weekdays (bit 0 is Monday) that have this ordinal in the month or year. */
export interface WeekdayOrdinal {
  readonly ordinal: number;
  readonly weekdays: number;
}

/** A rule bound to its first day, as integers. In a mask of a month, bit 0 is the 1st. */
export interface CompiledRule {
  readonly freq: Frequency;
  readonly interval: number;
  readonly firstDay: number;
  /** Inclusive: LAST_DAY, or earlier by UNTIL or COUNT. */
  readonly lastDay: number;
  /**
   * The period that holds `firstDay`, from which INTERVAL counts: a day, a week's first day, a month index or a year.
   */
  readonly anchor: number;
  /** Bit 0 is January. */
  readonly months: number;
  readonly monthDays: number;
  /** Bit 30 is the last day of the month, bit 29 the one before it. */
  readonly monthDaysFromEnd: number;
  readonly weekdays: number;
  readonly ordinals: readonly WeekdayOrdinal[];
  /** RFC 5545 §3.3.10, note 2: in a yearly rule, a numbered BYDAY counts in the month only beside BYMONTH. */
  readonly hasMonthlyOrdinals: boolean;
  readonly yearDays: readonly number[];
  readonly weekNumbers: readonly number[];
  readonly positions: ReadonlySet<number> | undefined;
  /** A period with fewer days than this has none that BYSETPOS could pick. */
  readonly leastPosition: number;
  readonly wkst: number;
  /** The month or year worked out last: queries come close together, and COUNT is resolved in one pass. */
  readonly memo: { period: number; monthMask: number; yearMasks: readonly number[] };
}

export const ALL_MONTHS = 0xfff;
/** Of the days before the 1st of each month, in a common year; the last entry closes December. */
const DAYS_BEFORE_MONTH = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];

/** True if a part other than INTERVAL decides on which days a FREQ=DAILY rule falls. */
export function hasDayFilter(rule: CompiledRule): boolean {
  return rule.months !== ALL_MONTHS || rule.weekdays !== 0 || (rule.monthDays | rule.monthDaysFromEnd) !== 0;
}

/** The days of the week that begins on `weekStart`, which is bit 0. */
export function weekDaysOf(rule: CompiledRule, weekStart: number): number {
  let days = rotateWeek(rule.weekdays, rule.wkst);
  if (rule.months !== ALL_MONTHS) {
    const { year, month, dayOfMonth } = dateOfDay(weekStart);
    const left = Math.min(daysInMonth(year, month) - dayOfMonth + 1, 7);
    const inThisMonth = (1 << left) - 1;
    if (!hasMonth(rule, month)) days &= ~inThisMonth;
    if (!hasMonth(rule, (month % 12) + 1)) days &= inThisMonth;
  }
  return rule.positions === undefined ? days : pickPositions(rule, rule.positions, days, 0, countBits(days));
}

/** The days of a month, with BYSETPOS by the month, and with the INTERVAL of FREQ=DAILY. */
export function monthDaysOf(rule: CompiledRule, index: number, firstDay: number): number {
  if (rule.memo.period === index) return rule.memo.monthMask;
  let days = filterMonth(rule, index, firstDay, 0);
  if (rule.freq === 'DAILY' && rule.interval > 1 && days !== 0) days &= stepsInMonth(rule, firstDay);
  if (rule.positions !== undefined) days = pickPositions(rule, rule.positions, days, 0, countBits(days));
  rule.memo.period = index;
  rule.memo.monthMask = days;
  return days;
}

/** The days of a year for FREQ=YEARLY, one mask for each month. */
export function yearDaysOf(rule: CompiledRule, year: number): readonly number[] {
  if (rule.memo.period === year) return rule.memo.yearMasks;
  const hasYearlyOrdinals = rule.ordinals.length > 0 && !rule.hasMonthlyOrdinals;
  const ordinalMasks = hasYearlyOrdinals ? ordinalsOfYear(rule, year) : undefined;
  const yearDayMasks = rule.yearDays.length > 0 ? yearDaysByNumber(rule, year) : undefined;
  const weekMasks = rule.weekNumbers.length > 0 ? weeksByNumber(rule, year) : undefined;
  let masks: number[] = [];
  for (let month = 0; month < 12; month++) {
    let days = filterMonth(rule, year * 12 + month, firstDayOfMonth(year * 12 + month), ordinalMasks?.[month] ?? 0);
    if (yearDayMasks !== undefined) days &= yearDayMasks[month] ?? 0;
    if (weekMasks !== undefined) days &= weekMasks[month] ?? 0;
    masks.push(days);
  }
  if (rule.positions !== undefined) masks = pickPositionsOfYear(rule, rule.positions, masks);
  rule.memo.period = year;
  rule.memo.yearMasks = masks;
  return masks;
}

/** The number of the lowest bit that is set, in a mask that has one. */
export function lowestBit(mask: number): number {
  return 31 - Math.clz32(mask & -mask);
}

/**
 * The days of a month that BYMONTH, BYMONTHDAY and BYDAY leave; `yearOrdinals` are days that BYDAY gives by the year.
 */
function filterMonth(rule: CompiledRule, index: number, firstDay: number, yearOrdinals: number): number {
  const year = (index / 12) | 0;
  const month = index - year * 12 + 1;
  if (!hasMonth(rule, month)) return 0;
  const length = daysInMonth(year, month);
  let days = 0x7fffffff >>> (31 - length);
  if ((rule.monthDays | rule.monthDaysFromEnd) !== 0) {
    days &= rule.monthDays | (rule.monthDaysFromEnd >>> (31 - length));
  }
  if (days === 0 || (rule.weekdays === 0 && rule.ordinals.length === 0)) return days;
  const firstWeekday = weekdayOf(firstDay);
  const week = rotateWeek(rule.weekdays, firstWeekday);
  let selected = week | (week << 7) | (week << 14) | (week << 21) | (week << 28) | yearOrdinals;
  if (rule.hasMonthlyOrdinals) selected |= ordinalsOfMonth(rule, firstWeekday, length);
  return days & selected;
}

function ordinalsOfMonth(rule: CompiledRule, firstWeekday: number, length: number): number {
  // The nth of each weekday lies in the nth span of seven days, counted from the first day or back from the last.
  return rule.ordinals.reduce((days, { ordinal, weekdays }) => {
    const spanStart = ordinal > 0 ? (ordinal - 1) * 7 : length + ordinal * 7;
    const span = rotateWeek(weekdays, (firstWeekday + spanStart + 35) % 7);
    return days | (spanStart >= 0 ? span << spanStart : span >>> -spanStart);
  }, 0);
}

function ordinalsOfYear(rule: CompiledRule, year: number): number[] {
  const masks = new Array<number>(12).fill(0);
  const firstWeekday = weekdayOf(dayOf(year, 1, 1));
  const length = isLeapYear(year) ? 366 : 365;
  for (const { ordinal, weekdays } of rule.ordinals) {
    const spanStart = ordinal > 0 ? (ordinal - 1) * 7 : length + ordinal * 7;
    const span = rotateWeek(weekdays, (firstWeekday + spanStart + 371) % 7);
    for (let bit = 0; bit < 7; bit++) if ((span >>> bit) & 1) markYearDay(masks, year, spanStart + bit);
  }
  return masks;
}

function yearDaysByNumber(rule: CompiledRule, year: number): number[] {
  const masks = new Array<number>(12).fill(0);
  const length = isLeapYear(year) ? 366 : 365;
  for (const number of rule.yearDays) markYearDay(masks, year, number > 0 ? number - 1 : length + number);
  return masks;
}

/**
 * A day belongs to the week that holds it, also when that week is numbered in the year before or after (week 1 may
 * begin on 29 December). Negative numbers count back from the last week of the year that numbers the week.
 */
function weeksByNumber(rule: CompiledRule, year: number): number[] {
  const masks = new Array<number>(12).fill(0);
  const newYear = dayOf(year, 1, 1);
  for (const weekYear of [year - 1, year, year + 1]) {
    const firstWeek = firstWeekStart(weekYear, rule.wkst);
    const weeks = (firstWeekStart(weekYear + 1, rule.wkst) - firstWeek) / 7;
    for (const number of rule.weekNumbers) {
      const week = number > 0 ? number : weeks + 1 + number;
      if (week < 1 || week > weeks) continue;
      const dayOfYear = firstWeek + (week - 1) * 7 - newYear;
      if (dayOfYear < -6 || dayOfYear > 365) continue;
      for (let bit = 0; bit < 7; bit++) markYearDay(masks, year, dayOfYear + bit);
    }
  }
  return masks;
}

/** Week 1 is the first with at least four days in the year, so the one that holds 4 January. */
function firstWeekStart(year: number, wkst: number): number {
  const fourth = dayOf(year, 1, 4);
  return fourth - ((weekdayOf(fourth) - wkst + 7) % 7);
}

/** Sets a day of the year (from 0) in the masks of its months; a day outside the year is left out. */
function markYearDay(masks: number[], year: number, dayOfYear: number): void {
  const leap = isLeapYear(year) ? 1 : 0;
  if (dayOfYear < 0 || dayOfYear >= 365 + leap) return;
  const startOf = (month: number) => (DAYS_BEFORE_MONTH[month] ?? 0) + (month > 1 ? leap : 0);
  let month = Math.floor(dayOfYear / 32); // never too high, and too low by one at most
  if (dayOfYear >= startOf(month + 1)) month++;
  masks[month] = (masks[month] ?? 0) | (1 << (dayOfYear - startOf(month)));
}

/** The days of a month on which a FREQ=DAILY rule falls by its INTERVAL alone. */
function stepsInMonth(rule: CompiledRule, firstDay: number): number {
  const past = (firstDay - rule.anchor) % rule.interval;
  let days = 0;
  for (let bit = past <= 0 ? -past : rule.interval - past; bit < 31; bit += rule.interval) days |= 1 << bit;
  return days;
}

function pickPositionsOfYear(rule: CompiledRule, positions: ReadonlySet<number>, masks: readonly number[]): number[] {
  const total = masks.reduce((sum, mask) => sum + countBits(mask), 0);
  let before = 0;
  return masks.map((mask) => {
    const picked = pickPositions(rule, positions, mask, before, total);
    before += countBits(mask);
    return picked;
  });
}

/** BYSETPOS: of days that are part of a period's `total`, with `before` of them earlier, those at a wanted position. */
function pickPositions(
  rule: CompiledRule,
  positions: ReadonlySet<number>,
  days: number,
  before: number,
  total: number,
): number {
  if (total < rule.leastPosition) return 0;
  let picked = 0;
  let rank = before;
  for (let left = days; left !== 0; left &= left - 1) {
    rank++;
    if (positions.has(rank) || positions.has(rank - total - 1)) picked |= left & -left;
  }
  return picked;
}

/** A mask of weekdays (bit 0 is Monday) turned into one of seven days of which the first is `firstWeekday`. */
function rotateWeek(weekdays: number, firstWeekday: number): number {
  return ((weekdays >>> firstWeekday) | (weekdays << (7 - firstWeekday))) & 0x7f;
}

function hasMonth(rule: CompiledRule, month: number): boolean {
  return ((rule.months >>> (month - 1)) & 1) === 1;
}

function countBits(mask: number): number {
  let count = 0;
  for (let left = mask; left !== 0; left &= left - 1) count++;
  return count;
}
