// The windows of a calendar worked out step by step, each as design and README name it, over plain lists of spans: days one by
// one, local times by Temporal, no step skipped or joined with another. Slow, and shares nothing with the calculator but the
// question on which days a rule falls.
import { compileRule, nextDay } from '../../src/core/recurrence.ts';
import { parseRule } from '../../src/core/rrule.ts';
import type { CalendarInput } from '../../src/core/windows.ts';

export interface Span {
  readonly startAt: number;
  readonly endAt: number;
}

const dayMs = 86_400_000;
const minuteMs = 60_000;

/** What is open between two local dates, in order; what lies near them may lack what comes from beyond. */
export function referenceWindows(input: CalendarInput, fromDate: string, toDate: string): Span[] {
  const occurrences: Span[] = [];
  let date = Temporal.PlainDate.from(fromDate);
  const last = Temporal.PlainDate.from(toDate);
  for (; Temporal.PlainDate.compare(date, last) <= 0; date = date.add({ days: 1 })) {
    const text = date.toString();
    if (text < input.startsOn || (input.endsOn !== undefined && text > input.endsOn)) continue;
    for (const rule of input.windows) {
      if (input.exceptDates?.includes(text) || !fallsOn(rule.rrule, input.startsOn, text)) continue;
      occurrences.push(spanOn(rule, date, input.timezone));
    }
    for (const extra of input.extra ?? []) {
      if (extra.date === text) occurrences.push(spanOn(extra, date, input.timezone));
    }
  }
  const { earlyMinutes = 0, lateMinutes = 0 } = input.grace ?? {};
  const graced = union(occurrences, 0).map(({ startAt, endAt }) => ({
    startAt: startAt - earlyMinutes * minuteMs,
    endAt: endAt + lateMinutes * minuteMs,
  }));
  const merged = union(graced, (input.mergeGapsUpToMinutes ?? 0) * minuteMs);
  const blackouts = (input.blackouts ?? []).map(({ from, to }) =>
    between(Temporal.PlainDateTime.from(from), Temporal.PlainDateTime.from(to), input.timezone),
  );
  const closings = (input.closings ?? []).map(({ startsAt, endsAt }) => ({
    startAt: Date.parse(startsAt),
    endAt: Date.parse(endsAt),
  }));
  return [...blackouts, ...closings].reduce<Span[]>((open, hole) => open.flatMap((one) => without(one, hole)), merged);
}

/** Spans that overlap, touch or lie at most `gapMs` apart, as one. */
export function union(spans: readonly Span[], gapMs: number): Span[] {
  const result: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.startAt - b.startAt)) {
    const last = result.pop();
    if (last === undefined) result.push(span);
    else if (span.startAt <= last.endAt + gapMs) {
      result.push({ startAt: last.startAt, endAt: Math.max(last.endAt, span.endAt) });
    } else result.push(last, span);
  }
  return result;
}

function without(span: Span, hole: Span): Span[] {
  if (hole.endAt <= span.startAt || hole.startAt >= span.endAt) return [span];
  return [
    { startAt: span.startAt, endAt: hole.startAt },
    { startAt: hole.endAt, endAt: span.endAt },
  ].filter(({ startAt, endAt }) => endAt > startAt);
}

/** A local span of the day that begins on a date. */
export function spanOn(span: { from: string; to: string }, date: Temporal.PlainDate, timezone: string): Span {
  const isNextDay = span.to === '24:00' || span.to <= span.from;
  const toTime = span.to === '24:00' ? '00:00' : span.to;
  const from = date.toPlainDateTime(span.from);
  return between(from, date.add({ days: isNextDay ? 1 : 0 }).toPlainDateTime(toTime), timezone);
}

function between(from: Temporal.PlainDateTime, to: Temporal.PlainDateTime, timezone: string): Span {
  const startAt = from.toZonedDateTime(timezone).epochMilliseconds;
  const endAt = to.toZonedDateTime(timezone).epochMilliseconds;
  return { startAt, endAt: endAt > startAt ? endAt : startAt + from.until(to).total('milliseconds') };
}

/** Whether a rule falls on a date, by the day calculator that has oracles of its own (rrule.test.ts). */
export function fallsOn(rrule: string, startsOn: string, date: string): boolean {
  const parsed = parseRule(rrule);
  if (!parsed.ok) throw new Error(parsed.problem.message);
  const compilation = compileRule(parsed.rule, Date.parse(startsOn) / dayMs);
  if (!compilation.ok) throw new Error(compilation.problem.message);
  const day = Date.parse(date) / dayMs;
  return nextDay(compilation.compiled, day) === day;
}
