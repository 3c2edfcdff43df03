// Local spans in which nothing is open, whatever rules, extras, grace and merging say.
import { DAY_MS, dateOfDay, FIRST_YEAR, LAST_YEAR, MINUTE_MS, parseLocalDate } from './local-date.ts';
import { localToInstant, type Zone } from './zone.ts';

/** From and to are local date-times, "YYYY-MM-DDTHH:MM", in the zone of the schedule that they close; half-open. */
export interface Blackout {
  readonly from: string;
  readonly to: string;
  /** For people. */
  readonly reason: string | null;
}

/** A window that somebody closed, as instants in UTC (ISO 8601): it is that one, whatever the zone is called later. */
export interface Closing {
  readonly startsAt: string;
  readonly endsAt: string;
  /** For people. */
  readonly reason: string | null;
}

/** In one order, so that the same blackouts compare equal however they are listed. */
export function sortBlackouts(blackouts: readonly Blackout[]): Blackout[] {
  return [...blackouts].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

/** Whether two lists in that order say the same. */
export function areSameBlackouts(a: readonly Blackout[], b: readonly Blackout[]): boolean {
  return a.map(keyOf).join() === b.map(keyOf).join();
}

function keyOf({ from, to, reason }: Blackout): string {
  return JSON.stringify([from, to, reason]);
}

/** Half-open, as instants. */
export interface Closure {
  readonly startAt: number;
  readonly endAt: number;
}

export interface CompiledBlackout extends Closure {
  readonly reason: string | null;
}

interface BlackoutProblem {
  readonly field: 'from' | 'to';
  readonly code: string;
  readonly message: string;
}

/**
 * Converts both ends each on its own (RFC 5545 §3.3.5), as those of a window, so that a blackout with the hours of a window
 * closes just that. Without a zone it is only checked.
 */
export function compileBlackout(
  { from, to, reason }: Blackout,
  zone: Zone | undefined,
): { readonly blackout: CompiledBlackout | undefined } | { readonly problem: BlackoutProblem } {
  const fromMs = parseLocalDateTime(from);
  const toMs = parseLocalDateTime(to);
  if (fromMs === undefined) return { problem: { field: 'from', code: 'time_invalid', message: unreadable(from) } };
  if (toMs === undefined) return { problem: { field: 'to', code: 'time_invalid', message: unreadable(to) } };
  if (toMs <= fromMs) {
    const message = `A blackout must end after it begins, but is from ${from} to ${to}: correct one of the two.`;
    return { problem: { field: 'to', code: 'ends_before_start', message } };
  }
  if (zone === undefined) return { blackout: undefined };
  const startAt = localToInstant(zone, fromMs);
  const endAt = localToInstant(zone, toMs);
  return { blackout: { startAt, endAt: endAt > startAt ? endAt : startAt + toMs - fromMs, reason } };
}

/** All that any of the spans closes, in order, without overlap. */
export function unionOf(spans: readonly Closure[]): readonly Closure[] {
  const union: { startAt: number; endAt: number }[] = [];
  for (const { startAt, endAt } of [...spans].sort((a, b) => a.startAt - b.startAt)) {
    const last = union.at(-1);
    if (last !== undefined && startAt <= last.endAt) last.endAt = Math.max(last.endAt, endAt);
    else union.push({ startAt, endAt });
  }
  return union;
}

/** When the closure ends that an instant lies in; undefined when it lies in none. */
export function closedUntil(closed: readonly Closure[], at: number): number | undefined {
  const closure = closed[indexOfEndAfter(closed, at)];
  return closure !== undefined && closure.startAt <= at ? closure.endAt : undefined;
}

/** What is left open of a span, in order. @param closed as `unionOf` gives it */
export function openParts(closed: readonly Closure[], startAt: number, endAt: number): Closure[] {
  const parts: Closure[] = [];
  let openAt = startAt;
  for (let index = indexOfEndAfter(closed, startAt); openAt < endAt; index++) {
    const closure = closed[index] ?? { startAt: endAt, endAt };
    if (closure.startAt > openAt) parts.push({ startAt: openAt, endAt: Math.min(closure.startAt, endAt) });
    openAt = closure.endAt;
  }
  return parts;
}

function indexOfEndAfter(closed: readonly Closure[], at: number): number {
  let low = 0;
  let high = closed.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((closed[middle]?.endAt ?? at) <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** "YYYY-MM-DDTHH:MM" as ms since 1970-01-01T00:00 local; undefined for what no calendar has. */
function parseLocalDateTime(text: string): number | undefined {
  const [, date = '', hours, minutes] = /^(.{10})T([01]\d|2[0-3]):([0-5]\d)$/.exec(text) ?? [];
  const day = parseLocalDate(date);
  if (day === undefined) return undefined;
  const { year } = dateOfDay(day);
  if (year < FIRST_YEAR || year > LAST_YEAR) return undefined;
  return day * DAY_MS + (Number(hours) * 60 + Number(minutes)) * MINUTE_MS;
}

/** What is wrong with a local date-time; undefined when nothing is. */
export function problemOfLocalDateTime(text: string): string | undefined {
  return parseLocalDateTime(text) === undefined ? unreadable(text) : undefined;
}

function unreadable(text: string): string {
  const form = `a local date and time that exist, written YYYY-MM-DDTHH:MM, in the years ${FIRST_YEAR} to ${LAST_YEAR}`;
  return `It must be ${form}, but is "${text}".`;
}
