// The days of a week as they pass on the clocks of a zone, and where in a day an instant lies. Pure: what draws a week asks here.
import { DAY_MS, formatLocalDate, formatLocalTime, parseLocalDate, weekdayOf } from './local-date.ts';
import { instantToLocal, localToInstant, offsetChanges, type Zone } from './zone.ts';

/** The clocks of a zone are put forward or back. */
export interface ClockChange {
  readonly at: Date;
  /** Of the day's length, 0 to 1. */
  readonly place: number;
  /** Offsets from UTC as "+05:30"; a minus is a hyphen. */
  readonly offsetBefore: string;
  readonly offsetAfter: string;
  /** What the clocks show when it comes, and from then on: "HH:MM". */
  readonly localBefore: string;
  readonly localAfter: string;
  /** Above 0 where the day gets shorter by so much. */
  readonly forwardMinutes: number;
}

/** A local day, from its first instant to that of the next: 23, 24 or 25 hours mostly, and none where a zone leaves it out. */
export interface WeekDay {
  /** "YYYY-MM-DD". */
  readonly date: string;
  readonly startsAt: Date;
  readonly endsAt: Date;
  /** Every third hour that the clocks show on this day. */
  readonly ticks: readonly { readonly place: number; readonly label: string }[];
  readonly clockChanges: readonly ClockChange[];
}

export const daysOfWeek = 7;
const tickMs = 3 * 3_600_000;

/** The Monday of the week that holds a "YYYY-MM-DD"; undefined for what is no date. */
export function mondayOf(date: string): string | undefined {
  const day = parseLocalDate(date);
  return day === undefined ? undefined : formatLocalDate(day - weekdayOf(day));
}

/** The Monday so many weeks later, or earlier. */
export function weeksAfter(monday: string, weeks: number): string {
  return formatLocalDate(dayNumber(monday) + weeks * daysOfWeek);
}

/** The seven days from a local date on. */
export function daysFrom(zone: Zone, monday: string): WeekDay[] {
  const first = dayNumber(monday);
  return Array.from({ length: daysOfWeek }, (_, index) => weekDay(zone, first + index));
}

function dayNumber(date: string): number {
  const day = parseLocalDate(date);
  if (day === undefined) throw new RangeError(`Not a date: ${date}`);
  return day;
}

function weekDay(zone: Zone, day: number): WeekDay {
  const startAt = localToInstant(zone, day * DAY_MS);
  const endAt = localToInstant(zone, (day + 1) * DAY_MS);
  const bounds = { startsAt: new Date(startAt), endsAt: new Date(endAt) };
  const ticks = Array.from({ length: DAY_MS / tickMs }, (_, index) => day * DAY_MS + index * tickMs)
    .map((localMs) => ({ localMs, at: localToInstant(zone, localMs) }))
    .filter(({ localMs, at }) => instantToLocal(zone, at) === localMs && at < endAt)
    .map(({ localMs, at }) => ({ place: placeIn(bounds, at), label: formatLocalTime(localMs).slice(0, 2) }));
  const clockChanges = offsetChanges(zone, startAt, endAt).map(
    ({ at, beforeMs, afterMs }): ClockChange => ({
      at: new Date(at),
      place: placeIn(bounds, at),
      offsetBefore: formatOffset(beforeMs),
      offsetAfter: formatOffset(afterMs),
      localBefore: formatLocalTime(at + beforeMs),
      localAfter: formatLocalTime(at + afterMs),
      forwardMinutes: (afterMs - beforeMs) / 60_000,
    }),
  );
  return { date: formatLocalDate(day), ...bounds, ticks, clockChanges };
}

/** Where an instant lies in a day, as a part of its length: 0 at its start or before, 1 at its end or after. */
export function placeIn({ startsAt, endsAt }: Pick<WeekDay, 'startsAt' | 'endsAt'>, at: number): number {
  const lengthMs = endsAt.getTime() - startsAt.getTime();
  if (lengthMs <= 0) return 0;
  return Math.min(1, Math.max(0, (at - startsAt.getTime()) / lengthMs));
}

function formatOffset(offsetMs: number): string {
  return `${offsetMs < 0 ? '-' : '+'}${formatLocalTime(Math.abs(offsetMs))}`;
}

/** What of a span falls on one day, as parts of the day's length. */
export interface DayPart<Span> {
  readonly of: Span;
  readonly from: number;
  readonly to: number;
  /** The span began on an earlier day. */
  readonly isContinued: boolean;
  /** The span goes on on a later day. */
  readonly goesOn: boolean;
}

/** The parts of spans on a day, in the order given. A span that crosses midnight has a part on each of its days. */
export function partsOn<Span extends { readonly startsAt: Date; readonly endsAt: Date }>(
  day: WeekDay,
  spans: readonly Span[],
): DayPart<Span>[] {
  return spans
    .filter(({ startsAt, endsAt }) => startsAt < day.endsAt && endsAt > day.startsAt)
    .map((span) => ({
      of: span,
      from: placeIn(day, span.startsAt.getTime()),
      to: placeIn(day, span.endsAt.getTime()),
      isContinued: span.startsAt < day.startsAt,
      goesOn: span.endsAt > day.endsAt,
    }));
}

/**
 * Rows for groups of parts, so that what lies in one row does not overlap: the number of each group's row, from 0. A group stays
 * together; one without parts takes no room.
 */
export function rowsFor(groups: readonly (readonly { readonly from: number; readonly to: number }[])[]): number[] {
  const rows: { readonly from: number; readonly to: number }[][] = [];
  return groups.map((group) => {
    const isFree = (row: (typeof rows)[number]): boolean =>
      group.every((part) => row.every((other) => part.to <= other.from || other.to <= part.from));
    const found = rows.findIndex(isFree);
    const index = found < 0 ? rows.length : found;
    if (group.length > 0) rows[index] = [...(rows[index] ?? []), ...group];
    return group.length > 0 ? index : 0;
  });
}
