// The windows of a calendar: the instants between which its codes are valid. Pure and lazy. Windows come out the same
// whatever instant is asked about, and a schedule's age costs nothing: only days near the wanted instant are looked at.

import { closedUntil, openParts } from './blackouts.ts';
import type { Calendar } from './calendar.ts';
import { DAY_MS, dateOfDay, dayOf, formatLocalDate } from './local-date.ts';
import { moveTo, OccurrenceReader, type RuleCursor } from './occurrences.ts';
import { instantToLocal, largestGapNear, localToInstant, type Zone, zoneNamed } from './zone.ts';

export type { Blackout, Closing } from './blackouts.ts';
export {
  type Calendar,
  type CalendarInput,
  type CalendarProblem,
  compileCalendar,
  type ExtraWindow,
  type Grace,
  type WindowRule,
  withBlackouts,
} from './calendar.ts';
export { isLocalDate } from './local-date.ts';

/** Half-open: [startsAt, endsAt). */
export interface Window {
  readonly startsAt: Date;
  readonly endsAt: Date;
}

/** A window in ms. */
export interface Span {
  readonly startAt: number;
  readonly endAt: number;
}

/** Occurrences with their grace, joined where the gap is small enough; `endAt` grows while more of them are read. */
interface Run {
  startAt: number;
  endAt: number;
  /** It began so long ago that it is cut for certain; `startAt` is then a cut. */
  readonly isCut: boolean;
}

/** A joined run longer than this is cut at local midnight of the 1st of each month. */
const RUN_MAX_MS = 31 * DAY_MS;
/** Enough days before an instant to tell that a run which began earlier still is longer than RUN_MAX_MS. */
const LOOKBACK_DAYS = 40;

/**
 * The next `count` windows that end after `after`, in order; the one in progress comes first. Fewer when the calendar
 * ends. Each step takes what the one before it gives: rule occurrences, minus exception dates, plus extras
 * (OccurrenceReader); union, grace and merge of small gaps (`takeRun`, `growRun`, in one: two occurrences are joined when the
 * gap between them is no more than both graces and the merge take up); cut of long runs, minus blackouts (`pushPieces`).
 * A step that lengthens windows goes before the cut, and must widen `nearestDay` and `completeFrom`; one that takes time
 * away goes after it.
 */
export function windowsFrom(calendar: Calendar, after: Date, count: number): Window[] {
  const afterAt = after.getTime();
  if (Number.isNaN(afterAt)) throw new RangeError('The instant after which windows are wanted is not a valid date.');
  return spansFrom(calendar, afterAt, count).map(({ startAt, endAt }) => ({
    startsAt: new Date(startAt),
    endsAt: new Date(endAt),
  }));
}

/** The same as bare instants, in ms: a Date costs more than it takes to find out what to put in it. */
export function spansFrom(calendar: Calendar, afterAt: number, count: number): Span[] {
  if (count <= 0) return [];
  const plain = plainSpans(calendar, afterAt, count);
  if (plain !== undefined) return plain;
  const spans: Span[] = [];
  let fromAt = afterAt;
  let { occurrences, run } = openRuns(calendar, fromAt);
  while (run !== undefined) {
    const doneAt = pushPieces(spans, { calendar, occurrences, run, fromAt, count });
    if (spans.length >= count) break;
    const reopensAt = closedUntil(calendar.closed, doneAt);
    if (reopensAt === undefined) {
      run = takeRun(calendar, occurrences);
    } else {
      // A blackout may last for years: what lies in it is not read.
      fromAt = reopensAt;
      ({ occurrences, run } = openRuns(calendar, fromAt));
    }
  }
  return spans;
}

/**
 * For the calendar of most schedules: one rule whose windows never come near each other, and no blackout. Such windows are
 * occurrences with their grace; there is nothing to join or to cut. Undefined for another calendar.
 */
function plainSpans(calendar: Calendar, afterAt: number, count: number): Span[] | undefined {
  const { earlyMs, lateMs } = calendar;
  const rule = calendar.rules[0];
  if (rule === undefined || calendar.pauseMs === 0 || calendar.closed.length > 0) return undefined;
  const spans: Span[] = [];
  const cursor: RuleCursor = { rule, day: 0, occurrence: undefined };
  for (moveTo(calendar, cursor, nearestDay(calendar, afterAt)); ; moveTo(calendar, cursor, cursor.day + 1)) {
    const { occurrence } = cursor;
    if (occurrence === undefined) return spans;
    if (!keepsApart(calendar, occurrence.endAt)) return undefined;
    if (occurrence.endAt + lateMs <= afterAt) continue;
    const { startAt, endAt } = occurrence;
    spans.push(earlyMs + lateMs === 0 ? occurrence : { startAt: startAt - earlyMs, endAt: endAt + lateMs });
    if (spans.length >= count) return spans;
  }
}

/** The date at an instant on the clocks of an IANA zone, as "YYYY-MM-DD". Throws a RangeError for an unknown zone. */
export function localDateOf(zone: string, instant: Date): string {
  return formatLocalDate(Math.floor(instantToLocal(zoneNamed(zone), instant.getTime()) / DAY_MS));
}

interface OpenRuns {
  readonly occurrences: OccurrenceReader;
  /** The first that ends after the wanted instant, with its true start. */
  readonly run: Run | undefined;
}

function openRuns(calendar: Calendar, afterAt: number): OpenRuns {
  const nearDay = nearestDay(calendar, afterAt);
  const near = readRuns(calendar, nearDay, afterAt);
  if (isStartKnown(calendar, near.run, nearDay)) return near;
  const farDay = nearDay - LOOKBACK_DAYS;
  const far = readRuns(calendar, farDay, afterAt);
  if (far.run === undefined || isStartKnown(calendar, far.run, farDay)) return far;
  const run = { startAt: cutBefore(calendar.zone, afterAt), endAt: far.run.endAt, isCut: true };
  return { occurrences: far.occurrences, run };
}

/** The latest day from which reading occurrences is certain to give every window that ends after `afterAt`. */
function nearestDay(calendar: Calendar, afterAt: number): number {
  // Local order and the order of instants differ by at most the largest gap; once for each of the two conversions.
  const slackMs = 2 * largestGapNear(calendar.zone, afterAt);
  const localMs = instantToLocal(calendar.zone, afterAt);
  return Math.floor((localMs - slackMs - calendar.latestEndMs - calendar.lateMs) / DAY_MS) + 1;
}

/** False if occurrences from before `fromDay` may belong to the run. */
function isStartKnown(calendar: Calendar, run: Run | undefined, fromDay: number): boolean {
  if (run === undefined || fromDay <= calendar.startsOnDay || isApart(calendar, run)) return true;
  return run.startAt > completeFrom(calendar, fromDay);
}

/** True if the run is one occurrence that no other can reach, which spares a look at its neighbours. */
function isApart(calendar: Calendar, run: Run): boolean {
  return keepsApart(calendar, run.endAt);
}

/** True if no two occurrences near an instant can be joined. */
function keepsApart(calendar: Calendar, at: number): boolean {
  const joinedMs = calendar.earlyMs + calendar.lateMs + calendar.mergeMs;
  return calendar.pauseMs > largestGapNear(calendar.zone, at) + joinedMs;
}

/** No occurrence that starts on a local day before `fromDay` reaches, with its grace and a merge, beyond this instant. */
function completeFrom(calendar: Calendar, fromDay: number): number {
  const endAt = localToInstant(calendar.zone, (fromDay - 1) * DAY_MS + calendar.latestEndMs);
  return endAt + largestGapNear(calendar.zone, endAt) + calendar.lateMs + calendar.mergeMs;
}

/** Reads from a day to the first run that ends after `afterAt`, grown just so far that this is known. */
function readRuns(calendar: Calendar, fromDay: number, afterAt: number): OpenRuns {
  const occurrences = new OccurrenceReader(calendar, fromDay);
  for (let run = takeRun(calendar, occurrences); run !== undefined; run = takeRun(calendar, occurrences)) {
    growRun(calendar, run, occurrences, afterAt);
    if (run.endAt > afterAt) return { occurrences, run };
  }
  return { occurrences, run: undefined };
}

function takeRun({ earlyMs, lateMs }: Calendar, occurrences: OccurrenceReader): Run | undefined {
  const first = occurrences.take();
  if (first === undefined) return undefined;
  return { startAt: first.startAt - earlyMs, endAt: first.endAt + lateMs, isCut: false };
}

/**
 * Joins occurrences to the run until it ends after `pastAt` or nothing comes near it. A run may be endless, hence the
 * bound.
 */
function growRun(calendar: Calendar, run: Run, occurrences: OccurrenceReader, pastAt: number): void {
  if (isApart(calendar, run)) return;
  while (run.endAt <= pastAt) {
    const next = occurrences.peek();
    if (next === undefined || next.startAt - calendar.earlyMs > run.endAt + calendar.mergeMs) return;
    run.endAt = Math.max(run.endAt, next.endAt + calendar.lateMs);
    occurrences.take();
  }
}

interface PieceSource {
  readonly calendar: Calendar;
  readonly occurrences: OccurrenceReader;
  readonly run: Run;
  /** Windows that end at this instant or before are left out. */
  readonly fromAt: number;
  readonly count: number;
}

/**
 * Adds the run to the spans, whole or in pieces, without what is closed. Returns the instant up to which that is done: the
 * reader is then behind the run, unless `count` is reached or a blackout begun.
 */
function pushPieces(spans: Span[], { calendar, occurrences, run, fromAt, count }: PieceSource): number {
  const { zone, closed } = calendar;
  growRun(calendar, run, occurrences, run.startAt + RUN_MAX_MS);
  const isLong = run.isCut || run.endAt - run.startAt > RUN_MAX_MS;
  let startAt = run.startAt;
  for (;;) {
    const cutAt = isLong ? cutAfter(zone, startAt) : run.endAt;
    if (isLong) growRun(calendar, run, occurrences, cutAt);
    const endAt = Math.min(run.endAt, cutAt);
    pushOpenParts(spans, closed, { startAt, endAt, fromAt, count });
    const isDone = spans.length >= count || run.endAt <= cutAt;
    if (isDone || (endAt >= fromAt && closedUntil(closed, endAt) !== undefined)) return endAt;
    startAt = cutAt;
  }
}

function pushOpenParts(
  spans: Span[],
  closed: Calendar['closed'],
  { startAt, endAt, fromAt, count }: { startAt: number; endAt: number; fromAt: number; count: number },
): void {
  if (endAt <= fromAt) return;
  for (const part of openParts(closed, startAt, endAt)) {
    if (spans.length >= count) return;
    if (part.endAt > fromAt) spans.push(part);
  }
}

/** The first cut after an instant. */
function cutAfter(zone: Zone, at: number): number {
  const { year, month } = dateOfDay(Math.floor(instantToLocal(zone, at) / DAY_MS));
  const cutAt = firstOfMonth(zone, year, month + 1);
  // In a repeated hour around midnight of the 1st, the cut may be behind although the date is not.
  return cutAt > at ? cutAt : firstOfMonth(zone, year, month + 2);
}

/** The last cut at or before an instant. */
function cutBefore(zone: Zone, at: number): number {
  const { year, month } = dateOfDay(Math.floor(instantToLocal(zone, at) / DAY_MS));
  const cutAt = firstOfMonth(zone, year, month);
  return cutAt <= at ? cutAt : firstOfMonth(zone, year, month - 1);
}

/** `month` may run over into the years beside. */
function firstOfMonth(zone: Zone, year: number, month: number): number {
  const index = year * 12 + month - 1;
  return localToInstant(zone, dayOf(Math.floor(index / 12), (index % 12) + 1, 1) * DAY_MS);
}
