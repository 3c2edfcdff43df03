// Reads a calendar's occurrences in the order of their start: what the rules give, minus exception dates, plus extras.

import type { Calendar, CalendarRule, DaySpan, Occurrence } from './calendar.ts';
import { DAY_MS } from './local-date.ts';
import { nextDay } from './recurrence.ts';
import { localToInstant, type Zone } from './zone.ts';

/** Where the reading of a rule is: the occurrence and its local day; none when the rule has no more. */
export interface RuleCursor {
  readonly rule: CalendarRule;
  day: number;
  occurrence: Occurrence | undefined;
}

/** More than the longest window with grace and merge, plus the farthest that local time is from UTC. */
const EXTRA_REACH_MS = 6 * DAY_MS;

/**
 * Holds every occurrence that starts on or after `fromDay` local. A few extras from shortly before it may come first;
 * they are of no harm to a reader of runs that trusts only what lies after `completeFrom`.
 */
export class OccurrenceReader {
  private readonly calendar: Calendar;
  private readonly cursors: RuleCursor[] = [];
  private extraIndex: number;
  private first: Occurrence | undefined;
  /** The next occurrence is worked out only when it is asked for. */
  private isFirstTaken = false;

  constructor(calendar: Calendar, fromDay: number) {
    this.calendar = calendar;
    for (const rule of calendar.rules) {
      const cursor = { rule, day: fromDay, occurrence: undefined };
      moveTo(calendar, cursor, fromDay);
      this.cursors.push(cursor);
    }
    this.extraIndex = firstExtraFrom(calendar.extras, fromDay * DAY_MS - EXTRA_REACH_MS);
    this.first = this.earliest();
  }

  /** The earliest occurrence not yet taken; undefined when there are no more. */
  peek(): Occurrence | undefined {
    if (this.isFirstTaken) {
      this.passFirst();
      this.first = this.earliest();
      this.isFirstTaken = false;
    }
    return this.first;
  }

  take(): Occurrence | undefined {
    const first = this.peek();
    this.isFirstTaken = first !== undefined;
    return first;
  }

  private passFirst(): void {
    if (this.first === this.calendar.extras[this.extraIndex]) {
      this.extraIndex++;
      return;
    }
    for (const cursor of this.cursors) {
      if (cursor.occurrence === this.first) moveTo(this.calendar, cursor, cursor.day + 1);
    }
  }

  private earliest(): Occurrence | undefined {
    let first: Occurrence | undefined = this.calendar.extras[this.extraIndex];
    for (const { occurrence } of this.cursors) {
      if (occurrence !== undefined && (first === undefined || occurrence.startAt < first.startAt)) first = occurrence;
    }
    return first;
  }
}

/**
 * A local span on a day, as instants. Start and end are converted each on its own, so a night is as long as the clocks
 * make it. What would be empty that way, because the clocks skip over it, keeps its nominal length.
 */
export function occurrenceOn(zone: Zone, day: number, span: DaySpan): Occurrence {
  const midnightMs = day * DAY_MS;
  const startAt = localToInstant(zone, midnightMs + span.fromMs);
  const endAt = localToInstant(zone, midnightMs + span.toMs);
  return { startAt, endAt: endAt > startAt ? endAt : startAt + span.toMs - span.fromMs };
}

/** Moves to the rule's first occurrence on or after a local day that no bound or exception takes away. */
export function moveTo(calendar: Calendar, cursor: RuleCursor, fromDay: number): void {
  const { rule } = cursor;
  let day = nextDay(rule.days, fromDay);
  while (day !== undefined && calendar.exceptDays.has(day)) day = nextDay(rule.days, day + 1);
  cursor.occurrence = undefined;
  if (day === undefined || day > calendar.endsOnDay) return;
  const occurrence = occurrenceOn(calendar.zone, day, rule);
  // Starts never go back from day to day, so nothing after this one can be within UNTIL either.
  if (occurrence.startAt > rule.untilAt) return;
  cursor.day = day;
  cursor.occurrence = occurrence;
}

function firstExtraFrom(extras: readonly Occurrence[], at: number): number {
  let low = 0;
  let high = extras.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((extras[middle]?.startAt ?? at) < at) low = middle + 1;
    else high = middle;
  }
  return low;
}
