// The days on which a recurrence rule falls (RFC 5545 §3.3.10), by arithmetic: the period that holds the wanted day is
// computed as a set of bits (period-days.ts), and nothing is counted up from the first occurrence: age costs nothing.
// Every search ends at LAST_DAY. Times of day and zones are no concern of this file.

import { DAY_MS, dateOfDay, dayOf, firstDayOfMonth, monthOfDay, weekdayOf } from './local-date.ts';
import {
  ALL_MONTHS,
  type CompiledRule,
  hasDayFilter,
  lowestBit,
  monthDaysOf,
  type WeekdayOrdinal,
  weekDaysOf,
  yearDaysOf,
} from './period-days.ts';
import { type Rule, type RuleProblem, refuse } from './rule.ts';

/** 2299-12-31: no rule is followed beyond it, a century after the last date that a schedule can name. */
export const LAST_DAY = dayOf(2299, 12, 31);

const NONE: readonly never[] = [];

export type RuleCompilation =
  | { readonly ok: true; readonly compiled: CompiledRule }
  | { readonly ok: false; readonly problem: RuleProblem };

/**
 * Binds a rule to the day on which its schedule starts. That day is a lower bound, not an occurrence by itself; parts
 * that the rule leaves out are taken from it. Refused when no day ever matches.
 */
export function compileRule(rule: Rule, startsOnDay: number): RuleCompilation {
  const unbounded = bindRule(rule, startsOnDay, lastDayOf(rule));
  if (nextDay(unbounded, startsOnDay) === undefined) {
    const message =
      'The rule never matches a day on or after the start date: check its parts, and UNTIL if it has one.';
    return { ok: false, problem: refuse('never_matches', 'RRULE', message) };
  }
  if (rule.count === undefined) return { ok: true, compiled: unbounded };
  return { ok: true, compiled: bindRule(rule, startsOnDay, dayOfCount(unbounded, rule.count)) };
}

/** The first day on or after `fromDay` on which the rule falls; undefined when there is none. */
export function nextDay(rule: CompiledRule, fromDay: number): number | undefined {
  const from = Math.max(fromDay, rule.firstDay);
  if (from > rule.lastDay) return undefined;
  const day = findDay(rule, from);
  return day !== undefined && day <= rule.lastDay ? day : undefined;
}

function findDay(rule: CompiledRule, from: number): number | undefined {
  switch (rule.freq) {
    case 'DAILY':
      return hasDayFilter(rule) ? nextInMonths(rule, from) : alignUp(from, rule.anchor, rule.interval);
    case 'WEEKLY':
      return nextInWeeks(rule, from);
    case 'MONTHLY':
      return nextInMonths(rule, from);
    case 'YEARLY':
      return isDecidedByMonth(rule) ? nextInMonths(rule, from) : nextInYears(rule, from);
  }
}

function bindRule(rule: Rule, startsOnDay: number, lastDay: number): CompiledRule {
  const start = dateOfDay(startsOnDay);
  const hasDays = rule.byDay.length + rule.byMonthDay.length + rule.byYearDay.length > 0;
  const takesWeekday = !hasDays && (rule.freq === 'WEEKLY' || (rule.freq === 'YEARLY' && rule.byWeekNo.length > 0));
  const takesMonthDay = !hasDays && !takesWeekday && rule.freq !== 'DAILY';
  const takesMonth = takesMonthDay && rule.freq === 'YEARLY' && rule.byMonth.length === 0;
  const monthDays = takesMonthDay ? [start.dayOfMonth] : rule.byMonthDay;
  const plainDays = rule.byDay.filter((day) => day.ordinal === 0).map((day) => day.weekday);
  return {
    freq: rule.freq,
    interval: rule.interval,
    firstDay: startsOnDay,
    lastDay,
    anchor: anchorOf(rule, startsOnDay),
    months: bitsFor(takesMonth ? [start.month] : rule.byMonth, 1) || ALL_MONTHS,
    monthDays: bitsFor(
      monthDays.filter((day) => day > 0),
      1,
    ),
    monthDaysFromEnd: bitsFor(
      monthDays.filter((day) => day < 0),
      -31,
    ),
    weekdays: bitsFor(takesWeekday ? [weekdayOf(startsOnDay)] : plainDays, 0),
    ordinals: groupOrdinals(rule),
    hasMonthlyOrdinals: rule.freq === 'MONTHLY' || rule.byMonth.length > 0,
    yearDays: rule.byYearDay,
    weekNumbers: rule.byWeekNo,
    positions: rule.bySetPos.length > 0 ? new Set(rule.bySetPos) : undefined,
    leastPosition: rule.bySetPos.reduce(
      (least, position) => Math.min(least, Math.abs(position)),
      Number.POSITIVE_INFINITY,
    ),
    wkst: rule.wkst,
    memo: { period: -1, monthMask: 0, yearMasks: NONE },
  };
}

function lastDayOf(rule: Rule): number {
  if (rule.until === undefined) return LAST_DAY;
  // An instant is compared as such where the zone is known (CalendarRule.untilAt). Here it only ends the search: local
  // dates run ahead of UTC by one day at most.
  return rule.until.kind === 'day' ? rule.until.day : Math.floor(rule.until.at / DAY_MS) + 1;
}

function anchorOf(rule: Rule, startsOnDay: number): number {
  if (rule.freq === 'DAILY') return startsOnDay;
  if (rule.freq === 'WEEKLY') return weekStartOf(startsOnDay, rule.wkst);
  const { year, month } = dateOfDay(startsOnDay);
  return rule.freq === 'MONTHLY' ? year * 12 + month - 1 : year;
}

function dayOfCount(rule: CompiledRule, count: number): number {
  let last = rule.firstDay;
  let from = rule.firstDay;
  for (let seen = 0; seen < count; seen++) {
    const day = nextDay(rule, from);
    if (day === undefined) return rule.lastDay;
    last = day;
    from = day + 1;
  }
  return last;
}

function groupOrdinals(rule: Rule): readonly WeekdayOrdinal[] {
  if (rule.byDay.every((day) => day.ordinal === 0)) return NONE;
  const weekdaysByOrdinal = new Map<number, number>();
  for (const { weekday, ordinal } of rule.byDay) {
    if (ordinal !== 0) weekdaysByOrdinal.set(ordinal, (weekdaysByOrdinal.get(ordinal) ?? 0) | (1 << weekday));
  }
  return [...weekdaysByOrdinal].map(([ordinal, weekdays]) => ({ ordinal, weekdays }));
}

/** One bit for each value; bit 0 is for `least`. */
function bitsFor(values: readonly number[], least: number): number {
  return values.reduce((mask, value) => mask | (1 << (value - least)), 0);
}

function nextInWeeks(rule: CompiledRule, from: number): number | undefined {
  const step = rule.interval * 7;
  let weekStart = alignUp(weekStartOf(from, rule.wkst), rule.anchor, step);
  let days = weekDaysOf(rule, weekStart) & bitsFrom(from - weekStart);
  while (days === 0) {
    weekStart += step;
    if (weekStart > rule.lastDay) return undefined;
    days = weekDaysOf(rule, weekStart);
  }
  return weekStart + lowestBit(days);
}

/** FREQ=MONTHLY, and the other rules that a look at one month at a time can decide. */
function nextInMonths(rule: CompiledRule, from: number): number | undefined {
  let index = nextMonthIndex(rule, monthOfDay(from));
  let firstDay = firstDayOfMonth(index);
  let days = monthDaysOf(rule, index, firstDay) & bitsFrom(from - firstDay);
  while (days === 0) {
    index = nextMonthIndex(rule, index + 1);
    firstDay = firstDayOfMonth(index);
    if (firstDay > rule.lastDay) return undefined;
    days = monthDaysOf(rule, index, firstDay);
  }
  return firstDay + lowestBit(days);
}

/**
 * The first month from this one on that INTERVAL and BYMONTH allow (INTERVAL of a daily rule apart, which is about
 * days).
 */
function nextMonthIndex(rule: CompiledRule, index: number): number {
  if (rule.freq === 'MONTHLY') return alignUp(index, rule.anchor, rule.interval);
  const step = rule.freq === 'YEARLY' ? rule.interval : 1;
  const fromYear = Math.floor(index / 12);
  const year = rule.freq === 'YEARLY' ? alignUp(fromYear, rule.anchor, step) : fromYear;
  const months = year === fromYear ? rule.months & bitsFrom(index % 12) : rule.months;
  return months !== 0 ? year * 12 + lowestBit(months) : (year + step) * 12 + lowestBit(rule.months);
}

/** True for a yearly rule without a part that counts through the whole year. */
function isDecidedByMonth(rule: CompiledRule): boolean {
  const hasYearlyOrdinals = rule.ordinals.length > 0 && !rule.hasMonthlyOrdinals;
  return !hasYearlyOrdinals && rule.yearDays.length + rule.weekNumbers.length === 0 && rule.positions === undefined;
}

function nextInYears(rule: CompiledRule, from: number): number | undefined {
  let year = alignUp(dateOfDay(from).year, rule.anchor, rule.interval);
  while (dayOf(year, 1, 1) <= rule.lastDay) {
    const masks = yearDaysOf(rule, year);
    for (let month = 0; month < 12; month++) {
      const mask = masks[month] ?? 0;
      if (mask === 0) continue;
      const firstDay = firstDayOfMonth(year * 12 + month);
      const days = mask & bitsFrom(from - firstDay);
      if (days !== 0) return firstDay + lowestBit(days);
    }
    year += rule.interval;
  }
  return undefined;
}

function weekStartOf(day: number, wkst: number): number {
  return day - ((weekdayOf(day) - wkst + 7) % 7);
}

/** The first of anchor, anchor + step, anchor + 2 × step … that is not below `value`; `anchor` is never above it. */
function alignUp(value: number, anchor: number, step: number): number {
  const past = (value - anchor) % step;
  return past === 0 ? value : value + step - past;
}

/** All bits from this one on; a shift alone would count it modulo 32. */
function bitsFrom(position: number): number {
  if (position <= 0) return -1;
  return position > 31 ? 0 : -1 << position;
}
