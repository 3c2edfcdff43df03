// Why a window is as it is: which rules and extras made it, and what moved or cut its ends. Worked out anew from the calendar
// for a window that windowsFrom gave, so that nobody who only wants the window pays for it.

import type { Calendar, DaySpan, Occurrence } from './calendar.ts';
import { DAY_MS, formatLocalDate, formatLocalTime, MINUTE_MS } from './local-date.ts';
import { moveTo, type RuleCursor } from './occurrences.ts';
import type { Window } from './windows.ts';
import { instantToLocal, isRepeatedLocal, localToInstant } from './zone.ts';

type Edge = 'start' | 'end';

/** Local dates are "YYYY-MM-DD", local times "HH:MM". */
export type WindowCause =
  /** Occurrences of a rule, counted from 1 as in the file; `dates` are those on which they start. */
  | { readonly kind: 'rule'; readonly rule: number; readonly dates: readonly string[] }
  | { readonly kind: 'extra'; readonly date: string }
  /** How many gaps were bridged, and how long the longest of them is. */
  | { readonly kind: 'gaps_merged'; readonly count: number; readonly minutes: number }
  | { readonly kind: 'grace'; readonly edge: Edge; readonly minutes: number }
  /** The local time does not exist on that day: the clocks skip it. */
  | { readonly kind: 'skipped_time'; readonly edge: Edge; readonly wanted: string; readonly is: string }
  /** The clocks skip over the window, which keeps its length all the same and ends later than it says. */
  | { readonly kind: 'length_kept'; readonly wanted: string; readonly is: string }
  /** The local time occurs twice on that day: the first is meant. */
  | { readonly kind: 'repeated_time'; readonly edge: Edge; readonly wanted: string }
  | { readonly kind: 'blackout'; readonly edge: Edge; readonly reason: string | null }
  /** A run that lasts longer than 31 days is cut on the 1st of each month; it goes on beyond this end. */
  | { readonly kind: 'month_cut'; readonly edge: Edge };

/** An occurrence that is part of a window, and what it was made of. */
interface Part extends Occurrence {
  readonly rule: number | null;
  readonly day: number;
  readonly span: DaySpan;
}

/**
 * What made a window that `windowsFrom` gave for this calendar, then what happened to its start and to its end. Throws for a
 * window of another calendar.
 */
export function causesOf(calendar: Calendar, window: Window): WindowCause[] {
  const startAt = window.startsAt.getTime();
  const endAt = window.endsAt.getTime();
  const near = partsNear(calendar, startAt, endAt);
  const within = near.filter((part) => startOf(calendar, part) < endAt && endOf(calendar, part) > startAt);
  const parts = within.length > 0 ? within : partsAround(calendar, near, startAt, endAt);
  return [
    ...sourcesOf(parts),
    ...mergedGaps(calendar, parts),
    ...edgeCauses(calendar, near, 'start', startAt),
    ...edgeCauses(calendar, near, 'end', endAt),
  ];
}

function startOf({ earlyMs }: Calendar, part: Part): number {
  return part.startAt - earlyMs;
}

function endOf({ lateMs }: Calendar, part: Part): number {
  return part.endAt + lateMs;
}

/** "rule 2, shortened by blackout \"guest in house\", starts 03:30 because 02:30 does not exist that day". */
export function describeCauses(causes: readonly WindowCause[]): string {
  return causes.map(describeCause).join(', ');
}

function describeCause(cause: WindowCause): string {
  switch (cause.kind) {
    case 'rule':
      return `rule ${cause.rule}`;
    case 'extra':
      return `extra on ${cause.date}`;
    case 'gaps_merged':
      return cause.count === 1
        ? `a gap of ${cause.minutes} min merged`
        : `${cause.count} gaps of up to ${cause.minutes} min merged`;
    case 'grace':
      return `${cause.minutes} min ${cause.edge === 'start' ? 'earlier' : 'longer'} by grace`;
    case 'skipped_time':
      return `${cause.edge}s ${cause.is} because ${cause.wanted} does not exist that day`;
    case 'length_kept':
      return `ends ${cause.is} instead of ${cause.wanted} to keep its length, because the clocks skip its start that day`;
    case 'repeated_time':
      return `${cause.edge}s at the first of the two ${cause.wanted} of that day`;
    case 'blackout': {
      const name = cause.reason === null ? 'a blackout' : `blackout "${cause.reason}"`;
      return cause.edge === 'start' ? `starts at the end of ${name}` : `shortened by ${name}`;
    }
    case 'month_cut':
      return cause.edge === 'start' ? 'continued from the month before' : 'continued in the next month';
  }
}

/** A window with grace and merge reaches so far beyond the day of its start, and the clocks may add their part. */
const REACH_DAYS = 6;

/** Every occurrence that may be part of a window or touch it, and some that do neither, in order. */
function partsNear(calendar: Calendar, startAt: number, endAt: number): Part[] {
  const { zone, rules, extras } = calendar;
  const fromDay = Math.floor(instantToLocal(zone, startAt) / DAY_MS) - REACH_DAYS;
  const lastDay = Math.floor(instantToLocal(zone, endAt) / DAY_MS) + REACH_DAYS;
  const parts: Part[] = [];
  for (const [index, rule] of rules.entries()) {
    const cursor: RuleCursor = { rule, day: fromDay, occurrence: undefined };
    moveTo(calendar, cursor, fromDay);
    while (cursor.occurrence !== undefined && cursor.day <= lastDay) {
      parts.push({ ...cursor.occurrence, rule: index + 1, day: cursor.day, span: rule });
      moveTo(calendar, cursor, cursor.day + 1);
    }
  }
  parts.push(...extras.map((extra) => ({ ...extra, rule: null, span: extra })));
  return parts.sort((a, b) => a.startAt - b.startAt || a.endAt - b.endAt);
}

/** Of a window that a cut or a blackout left nothing but a merged gap of: what the gap lies between. */
function partsAround(calendar: Calendar, near: readonly Part[], startAt: number, endAt: number): Part[] {
  const [before] = near
    .filter((part) => endOf(calendar, part) <= startAt)
    .sort((a, b) => endOf(calendar, b) - endOf(calendar, a));
  const after = near.find((part) => startOf(calendar, part) >= endAt);
  return [before, after].filter((part) => part !== undefined);
}

function sourcesOf(parts: readonly Part[]): WindowCause[] {
  const byRule = Map.groupBy(parts, ({ rule }) => rule);
  return [...byRule]
    .sort(([a], [b]) => (a ?? Number.POSITIVE_INFINITY) - (b ?? Number.POSITIVE_INFINITY))
    .flatMap(([rule, own]): WindowCause[] => {
      const dates = own.map(({ day }) => formatLocalDate(day));
      return rule === null ? dates.map((date) => ({ kind: 'extra', date })) : [{ kind: 'rule', rule, dates }];
    });
}

/** Gaps between its parts that grace alone does not fill. */
function mergedGaps(calendar: Calendar, parts: readonly Part[]): WindowCause[] {
  const gapsMs: number[] = [];
  let filledUntil: number | undefined;
  for (const part of parts) {
    const gapMs = startOf(calendar, part) - (filledUntil ?? startOf(calendar, part));
    if (gapMs > 0) gapsMs.push(gapMs);
    filledUntil = Math.max(filledUntil ?? 0, endOf(calendar, part));
  }
  if (gapsMs.length === 0) return [];
  return [{ kind: 'gaps_merged', count: gapsMs.length, minutes: Math.max(...gapsMs) / MINUTE_MS }];
}

function edgeCauses(calendar: Calendar, near: readonly Part[], edge: Edge, at: number): WindowCause[] {
  const isStart = edge === 'start';
  const goesOver = near.some((part) => {
    const [from, to] = [startOf(calendar, part), endOf(calendar, part)];
    return isStart ? from < at && to + calendar.mergeMs >= at : to > at && from - calendar.mergeMs <= at;
  });
  if (goesOver) {
    const closing = calendar.blackouts.filter(({ startAt, endAt }) => at === (isStart ? endAt : startAt));
    if (closing.length === 0) return [{ kind: 'month_cut', edge }];
    return closing.map(({ reason }) => ({ kind: 'blackout', edge, reason }));
  }
  const part = near.find((one) => at === (isStart ? startOf(calendar, one) : endOf(calendar, one)));
  if (part === undefined) throw new Error('the window is not one of this calendar');
  return [...clockCauses(calendar, part, edge), ...graceCause(edge, isStart ? calendar.earlyMs : calendar.lateMs)];
}

function graceCause(edge: Edge, graceMs: number): WindowCause[] {
  return graceMs === 0 ? [] : [{ kind: 'grace', edge, minutes: graceMs / MINUTE_MS }];
}

function clockCauses({ zone }: Calendar, part: Part, edge: Edge): WindowCause[] {
  const at = edge === 'start' ? part.startAt : part.endAt;
  const wantedMs = part.day * DAY_MS + (edge === 'start' ? part.span.fromMs : part.span.toMs);
  const localMs = instantToLocal(zone, at);
  const wanted = formatLocalTime(wantedMs);
  if (localMs !== wantedMs) {
    const is = formatLocalTime(localMs);
    const isSkipped = instantToLocal(zone, localToInstant(zone, wantedMs)) !== wantedMs;
    return [isSkipped ? { kind: 'skipped_time', edge, wanted, is } : { kind: 'length_kept', wanted, is }];
  }
  return isRepeatedLocal(zone, wantedMs) ? [{ kind: 'repeated_time', edge, wanted }] : [];
}
