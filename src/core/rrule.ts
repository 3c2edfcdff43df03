// Reads a recurrence rule (RFC 5545 §3.3.10) and refuses, with the remedy, what a schedule of access must not hang on:
// what is finer than a day, what engines read differently, and what could cost without bound. Nothing is repaired
// silently.

import { DAY_MS, dayOf, daysInMonth, FIRST_YEAR, LAST_YEAR } from './local-date.ts';
import { INTERVAL_MAX, problemOfParts, type Rule, type RuleProblem, type RuleWeekday, refuse } from './rule.ts';

export type ParsedRule =
  | { readonly ok: true; readonly rule: Rule }
  | { readonly ok: false; readonly problem: RuleProblem };

type Draft = { -readonly [Key in keyof Rule]: Rule[Key] };
type Reader = (value: string, draft: Draft) => RuleProblem | undefined;

/** Shared by the parts that rules leave out, since there is a rule in memory for each window of each schedule. */
const NONE: readonly never[] = [];
const LENGTH_MAX = 512;
const LIST_MAX = 64;
const COUNT_MAX = 10_000;
const WEEKDAYS = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'];
const TIME_REMEDY = 'Give the time of day as "from" and "to" of the window.';

const UNSUPPORTED = new Map([
  ['BYHOUR', TIME_REMEDY],
  ['BYMINUTE', TIME_REMEDY],
  ['BYSECOND', TIME_REMEDY],
  ['BYEASTER', 'List the dates as exceptions or as a holiday list, or give them rules of their own.'],
  ['RSCALE', 'Rules follow the Gregorian calendar: leave it out.'],
  ['SKIP', 'Days that a month does not have are left out: use BYMONTHDAY=-1 for the last day.'],
  ['DTSTART', 'Give the first day as the start date of the schedule.'],
]);

const READERS = new Map<string, Reader>([
  ['FREQ', readFrequency],
  ['INTERVAL', (value, draft) => readWhole('INTERVAL', value, INTERVAL_MAX.DAILY, (whole) => (draft.interval = whole))],
  ['COUNT', (value, draft) => readWhole('COUNT', value, COUNT_MAX, (whole) => (draft.count = whole))],
  ['UNTIL', readUntil],
  ['WKST', readWeekStart],
  ['BYMONTH', (value, draft) => readList('BYMONTH', value, 1, 12, (list) => (draft.byMonth = list))],
  ['BYMONTHDAY', (value, draft) => readList('BYMONTHDAY', value, -31, 31, (list) => (draft.byMonthDay = list))],
  ['BYYEARDAY', (value, draft) => readList('BYYEARDAY', value, -366, 366, (list) => (draft.byYearDay = list))],
  ['BYWEEKNO', (value, draft) => readList('BYWEEKNO', value, -53, 53, (list) => (draft.byWeekNo = list))],
  ['BYSETPOS', (value, draft) => readList('BYSETPOS', value, -366, 366, (list) => (draft.bySetPos = list))],
  ['BYDAY', readWeekdays],
]);

/**
 * Parses and validates the value of an RRULE property. A rule that is accepted here has a meaning on which RFC 5545
 * leaves no doubt; whether it ever matches depends on its first day, and `compileRule` tells.
 */
export function parseRule(text: string): ParsedRule {
  const draft: Draft = {
    freq: 'DAILY',
    interval: 1,
    count: undefined,
    until: undefined,
    byMonth: NONE,
    byMonthDay: NONE,
    byYearDay: NONE,
    byWeekNo: NONE,
    byDay: NONE,
    bySetPos: NONE,
    wkst: 0,
  };
  const problem = readParts(text, draft) ?? problemOfParts(draft);
  return problem === undefined ? { ok: true, rule: draft } : { ok: false, problem };
}

function readParts(text: string, draft: Draft): RuleProblem | undefined {
  if (text.length > LENGTH_MAX) {
    return refuse(
      'rule_malformed',
      'RRULE',
      `The rule has more than ${LENGTH_MAX} characters: split it over several windows.`,
    );
  }
  // Also keeps out line breaks, through which other properties could be smuggled into a calendar feed.
  if (!/^[A-Z0-9=;,+-]+$/.test(text)) {
    return refuse(
      'rule_malformed',
      'RRULE',
      'The rule must be capitals like "FREQ=WEEKLY;BYDAY=MO", without "RRULE:" or spaces.',
    );
  }
  const seen = new Set<string>();
  for (const part of text.split(';')) {
    const [name = '', value = '', ...more] = part.split('=');
    if (name === '' || value === '' || more.length > 0) {
      return refuse('rule_malformed', name || 'RRULE', `Each part of a rule is NAME=VALUE, but one reads "${part}".`);
    }
    if (seen.has(name)) return refuse('part_repeated', name, `${name} is given twice: keep one of them.`);
    seen.add(name);
    const reader = READERS.get(name);
    if (reader === undefined) {
      return refuse('part_unsupported', name, `${name} is not supported. ${UNSUPPORTED.get(name) ?? 'Leave it out.'}`);
    }
    const problem = reader(value, draft);
    if (problem !== undefined) return problem;
  }
  if (!seen.has('FREQ')) {
    return refuse('part_missing', 'FREQ', 'The rule needs FREQ: add FREQ=DAILY, WEEKLY, MONTHLY or YEARLY.');
  }
  return undefined;
}

function readFrequency(value: string, draft: Draft): RuleProblem | undefined {
  if (value === 'DAILY' || value === 'WEEKLY' || value === 'MONTHLY' || value === 'YEARLY') {
    draft.freq = value;
    return undefined;
  }
  if (value === 'HOURLY' || value === 'MINUTELY' || value === 'SECONDLY') {
    const message = `FREQ=${value} is finer than a day. Use FREQ=DAILY with one window for each time of day.`;
    return refuse('part_unsupported', 'FREQ', message);
  }
  return refuse('value_invalid', 'FREQ', `FREQ must be DAILY, WEEKLY, MONTHLY or YEARLY, but is ${value}.`);
}

function readWhole(part: string, value: string, max: number, keep: (whole: number) => void): RuleProblem | undefined {
  const whole = Number(value);
  if (!/^\d{1,6}$/.test(value) || whole < 1 || whole > max) {
    return refuse('value_invalid', part, `${part} must be a whole number from 1 to ${max}, but is ${value}.`);
  }
  keep(whole);
  return undefined;
}

function readList(
  part: string,
  value: string,
  min: number,
  max: number,
  keep: (list: number[]) => void,
): RuleProblem | undefined {
  const list: number[] = [];
  for (const text of value.split(',')) {
    const entry = Number(text);
    if (!/^[+-]?\d{1,3}$/.test(text) || entry === 0 || entry < min || entry > max) {
      const range = min < 0 ? `1 to ${max} or -1 to ${min}` : `${min} to ${max}`;
      return refuse('value_invalid', part, `${part} must hold numbers from ${range}, but holds "${text}".`);
    }
    list.push(entry);
  }
  if (list.length > LIST_MAX)
    return refuse('value_invalid', part, `${part} may hold ${LIST_MAX} values: leave some out.`);
  if (new Set(list).size < list.length)
    return refuse('value_invalid', part, `${part} holds a value twice: leave one out.`);
  keep(list);
  return undefined;
}

function readWeekdays(value: string, draft: Draft): RuleProblem | undefined {
  const list: RuleWeekday[] = [];
  let isRepeated = false;
  for (const text of value.split(',')) {
    const weekday = WEEKDAYS.indexOf(text.slice(-2));
    const number = text.slice(0, -2);
    const ordinal = Number(number);
    if (weekday < 0 || (number !== '' && (ordinal === 0 || !/^[+-]?\d{1,2}$/.test(number)))) {
      return refuse('value_invalid', 'BYDAY', `BYDAY must hold days such as MO, 2TU or -1FR, but holds "${text}".`);
    }
    isRepeated ||= list.some((other) => other.weekday === weekday && other.ordinal === ordinal);
    list.push({ weekday, ordinal });
  }
  if (list.length > LIST_MAX)
    return refuse('value_invalid', 'BYDAY', `BYDAY may hold ${LIST_MAX} values: leave some out.`);
  if (isRepeated) return refuse('value_invalid', 'BYDAY', 'BYDAY holds a value twice: leave one out.');
  draft.byDay = list;
  return undefined;
}

function readWeekStart(value: string, draft: Draft): RuleProblem | undefined {
  const weekday = WEEKDAYS.indexOf(value);
  if (weekday < 0)
    return refuse('value_invalid', 'WKST', `WKST must be one of ${WEEKDAYS.join(', ')}, but is ${value}.`);
  draft.wkst = weekday;
  return undefined;
}

function readUntil(value: string, draft: Draft): RuleProblem | undefined {
  const match = /^(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2})(Z?))?$/.exec(value);
  const [year, month, dayOfMonth, hour, minute, second] = (match ?? []).slice(1, 7).map((text) => Number(text ?? 0));
  const day = realDay(year, month, dayOfMonth);
  if (match === null || day === undefined || hour === undefined || minute === undefined || second === undefined) {
    const form = `a date like 20301231 or a UTC time like 20301231T220000Z, in ${FIRST_YEAR} to ${LAST_YEAR}`;
    return refuse('value_invalid', 'UNTIL', `UNTIL must be ${form}, but is ${value}.`);
  }
  if (hour > 23 || minute > 59 || second > 59) {
    return refuse('value_invalid', 'UNTIL', `UNTIL must have a real time of day, but is ${value}.`);
  }
  if (match[4] !== undefined && match[7] !== 'Z') {
    const remedy = 'Add Z for UTC, or give only the date, which is inclusive and local';
    return refuse('value_invalid', 'UNTIL', `UNTIL=${value} is a time without a zone. ${remedy}.`);
  }
  const at = day * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000;
  draft.until = match[4] === undefined ? { kind: 'day', day } : { kind: 'instant', at };
  return undefined;
}

function realDay(year = 0, month = 0, dayOfMonth = 0): number | undefined {
  if (year < FIRST_YEAR || year > LAST_YEAR || dayOfMonth < 1 || dayOfMonth > daysInMonth(year, month))
    return undefined;
  return dayOf(year, month, dayOfMonth);
}
