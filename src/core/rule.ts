// The parts of a recurrence rule (RFC 5545 §3.3.10) once read, and which of them go together.

export type Frequency = 'DAILY' | 'WEEKLY' | 'MONTHLY' | 'YEARLY';

export interface RuleWeekday {
  /** Monday is 0, Sunday is 6. */
  readonly weekday: number;
  /** 2 for the second in the month or year, -1 for the last, 0 for every one. */
  readonly ordinal: number;
}

/** Both are inclusive: a day is held against the local start date, an instant against the start of the occurrence. */
export type RuleUntil =
  | { readonly kind: 'day'; readonly day: number }
  | { readonly kind: 'instant'; readonly at: number };

export interface Rule {
  readonly freq: Frequency;
  readonly interval: number;
  readonly count: number | undefined;
  readonly until: RuleUntil | undefined;
  readonly byMonth: readonly number[];
  readonly byMonthDay: readonly number[];
  readonly byYearDay: readonly number[];
  readonly byWeekNo: readonly number[];
  readonly byDay: readonly RuleWeekday[];
  readonly bySetPos: readonly number[];
  readonly wkst: number;
}

export interface RuleProblem {
  readonly code:
    | 'rule_malformed'
    | 'part_repeated'
    | 'part_unsupported'
    | 'part_missing'
    | 'value_invalid'
    | 'parts_conflict'
    | 'never_matches';
  /** A full sentence that names the part and the remedy. */
  readonly message: string;
  /** The RRULE part at fault, such as "BYDAY"; "RRULE" for the rule as a whole. */
  readonly part: string;
}

/** How far apart two periods may be; about ten years, and forty for FREQ=YEARLY. */
export const INTERVAL_MAX: Record<Frequency, number> = { DAILY: 3660, WEEKLY: 520, MONTHLY: 240, YEARLY: 40 };

/**
 * True if the rule means something else when the schedule starts on another day, so that the start must be written
 * down.
 */
export function dependsOnStart(rule: Rule): boolean {
  if (rule.interval > 1 || rule.count !== undefined) return true;
  const hasDays = rule.byDay.length > 0 || rule.byMonthDay.length > 0 || rule.byYearDay.length > 0;
  return rule.freq !== 'DAILY' && !hasDays;
}

/** The first reason why parts that are each well formed may not stand together, if there is one. */
export function problemOfParts(rule: Rule): RuleProblem | undefined {
  const { freq, interval } = rule;
  if (interval > INTERVAL_MAX[freq]) {
    return refuse(
      'value_invalid',
      'INTERVAL',
      `INTERVAL may be at most ${INTERVAL_MAX[freq]} with FREQ=${freq}, but is ${interval}.`,
    );
  }
  if (rule.count !== undefined && rule.until !== undefined) {
    return conflict('COUNT', 'COUNT and UNTIL both end the rule: keep one of them.');
  }
  if (rule.byWeekNo.length > 0 && freq !== 'YEARLY') {
    return conflict('BYWEEKNO', `BYWEEKNO goes only with FREQ=YEARLY: change FREQ=${freq} or leave it out.`);
  }
  if (rule.byYearDay.length > 0 && freq !== 'YEARLY') {
    return conflict('BYYEARDAY', `BYYEARDAY goes only with FREQ=YEARLY: change FREQ=${freq} or leave it out.`);
  }
  if (rule.byMonthDay.length > 0 && freq === 'WEEKLY') {
    return conflict(
      'BYMONTHDAY',
      'BYMONTHDAY does not go with FREQ=WEEKLY: use FREQ=MONTHLY, or FREQ=DAILY together with BYDAY.',
    );
  }
  if (rule.byMonthDay.length > 0 && freq === 'YEARLY' && rule.byMonth.length === 0) {
    // Implementations disagree whether the month is every one or that of the start (libical, python-dateutil).
    return conflict(
      'BYMONTHDAY',
      'BYMONTHDAY with FREQ=YEARLY needs BYMONTH: add BYMONTH, or use FREQ=MONTHLY for every month.',
    );
  }
  return problemOfOrdinals(rule) ?? problemOfPositions(rule);
}

/** A refusal; the message must be a full sentence that names the part and the remedy. */
export function refuse(code: RuleProblem['code'], part: string, message: string): RuleProblem {
  return { code, part, message };
}

function problemOfOrdinals(rule: Rule): RuleProblem | undefined {
  const highest = rule.byDay.reduce((max, { ordinal }) => Math.max(max, Math.abs(ordinal)), 0);
  if (highest === 0) return undefined;
  if (rule.freq === 'DAILY' || rule.freq === 'WEEKLY') {
    return conflict(
      'BYDAY',
      `BYDAY with a number, such as 2TU, goes only with FREQ=MONTHLY or YEARLY, not with ${rule.freq}.`,
    );
  }
  if (rule.byWeekNo.length > 0) {
    return conflict('BYDAY', 'BYDAY with a number does not go with BYWEEKNO: write the day without the number.');
  }
  const isInMonth = rule.freq === 'MONTHLY' || rule.byMonth.length > 0;
  const ordinalMax = isInMonth ? 5 : 53;
  if (highest > ordinalMax) {
    const period = isInMonth ? 'month' : 'year';
    return refuse(
      'value_invalid',
      'BYDAY',
      `BYDAY counts to ${ordinalMax} at most in a ${period}, but has ${highest}.`,
    );
  }
  return undefined;
}

function problemOfPositions(rule: Rule): RuleProblem | undefined {
  if (rule.bySetPos.length === 0) return undefined;
  if (rule.freq === 'DAILY') {
    return conflict('BYSETPOS', 'BYSETPOS does not go with FREQ=DAILY: use FREQ=MONTHLY, or leave it out.');
  }
  const lists = [rule.byMonth, rule.byMonthDay, rule.byYearDay, rule.byWeekNo, rule.byDay];
  if (lists.every((list) => list.length === 0)) {
    return conflict('BYSETPOS', 'BYSETPOS picks from what other parts give: add one such as BYDAY, or leave it out.');
  }
  return undefined;
}

function conflict(part: string, message: string): RuleProblem {
  return refuse('parts_conflict', part, message);
}
