// Arithmetic on half-open spans of Dates.
import { openParts, unionOf } from './blackouts.ts';

/** Half-open: [startsAt, endsAt). */
export interface DateSpan {
  readonly startsAt: Date;
  readonly endsAt: Date;
}

export function overlap(a: DateSpan, b: DateSpan): boolean {
  return a.startsAt < b.endsAt && b.startsAt < a.endsAt;
}

/** All that any of the spans covers, in order; what touches is one. */
export function union(spans: readonly DateSpan[]): DateSpan[] {
  return unionOf(spans.map(inMs)).map(inDates);
}

/** What is left of a span without others, in order. */
export function without(span: DateSpan, others: readonly DateSpan[]): DateSpan[] {
  const { startAt, endAt } = inMs(span);
  return openParts(unionOf(others.map(inMs)), startAt, endAt).map(inDates);
}

/** What two spans have in common; null where that is nothing. */
export function common(a: DateSpan, b: DateSpan): DateSpan | null {
  if (!overlap(a, b)) return null;
  const startsAt = a.startsAt > b.startsAt ? a.startsAt : b.startsAt;
  return { startsAt, endsAt: a.endsAt < b.endsAt ? a.endsAt : b.endsAt };
}

function inMs({ startsAt, endsAt }: DateSpan) {
  return { startAt: startsAt.getTime(), endAt: endsAt.getTime() };
}

function inDates({ startAt, endAt }: { readonly startAt: number; readonly endAt: number }): DateSpan {
  return { startsAt: new Date(startAt), endsAt: new Date(endAt) };
}
