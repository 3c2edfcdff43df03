// Holds what really happened at the simulated locks against the plan of `soak`, minute by minute.

import type { Interval } from '../../src/simulator/lock.ts';
import type { SoakPlan, SoakSchedule, Span } from './soak-plan.ts';

export interface WindowsJudged {
  /** Windows that began in the run, and those of them that ended in it. */
  readonly begun: number;
  readonly ended: number;
  readonly minutesDue: number;
  readonly minutesMissing: number;
  readonly secondsMissing: number;
  /** Windows that more than one code opened. */
  readonly doubles: number;
  readonly minutesOutside: number;
  /** A line for each window and schedule that is not as it should be. */
  readonly complaints: readonly string[];
}

interface Opening {
  readonly accessCodeId: string;
  readonly fromMs: number;
  readonly untilMs: number;
}

const minuteMs = 60_000;
// A lock that knows no times keeps a code for the seconds that Seam takes to remove it. No service could do better.
const lockLagMs = 5_000;

/** @param ownerOf the key of the schedule that a code was made for; what nobody's code opened belongs to no schedule */
export function judgeWindows(
  { run, schedules }: SoakPlan,
  intervals: readonly Interval[],
  ownerOf: ReadonlyMap<string, string>,
): WindowsJudged {
  const openings = Map.groupBy(intervals, ({ access_code_id }) => ownerOf.get(access_code_id));
  const judged = schedules.map((schedule) => {
    const its = openings.get(schedule.key) ?? [];
    return judgeSchedule(
      schedule,
      its.map((interval) => openingOf(interval, run)),
      run,
    );
  });
  const sum = (count: (one: WindowsJudged) => number): number => judged.reduce((all, one) => all + count(one), 0);
  return {
    begun: sum(({ begun }) => begun),
    ended: sum(({ ended }) => ended),
    minutesDue: sum(({ minutesDue }) => minutesDue),
    minutesMissing: sum(({ minutesMissing }) => minutesMissing),
    secondsMissing: sum(({ secondsMissing }) => secondsMissing),
    doubles: sum(({ doubles }) => doubles),
    minutesOutside: sum(({ minutesOutside }) => minutesOutside),
    complaints: judged.flatMap(({ complaints }) => complaints),
  };
}

function openingOf({ access_code_id, on_device_from, off_device_at }: Interval, { endsAt }: Span): Opening {
  const untilMs = Math.min((off_device_at ?? endsAt).getTime(), endsAt.getTime());
  return { accessCodeId: access_code_id, fromMs: on_device_from.getTime(), untilMs };
}

function judgeSchedule({ key, deviceId, windows }: SoakSchedule, openings: readonly Opening[], run: Span) {
  const due = windows.filter(({ startsAt }) => startsAt < run.endsAt);
  const complaints: string[] = [];
  const complain = (window: Span, what: string): void => {
    complaints.push(`${deviceId}, ${key}, ${window.startsAt.toISOString()}: ${what}`);
  };
  let [minutesDue, minutesMissing, missingMs, doubles] = [0, 0, 0, 0];
  for (const window of due) {
    const toMs = Math.min(window.endsAt.getTime(), run.endsAt.getTime());
    let gapMs = 0;
    for (let atMs = window.startsAt.getTime(); atMs < toMs; atMs += minuteMs) {
      const closedMs = minuteMs - openMs(openings, atMs, atMs + minuteMs);
      minutesDue += 1;
      if (closedMs > 0) minutesMissing += 1;
      gapMs += closedMs;
    }
    if (gapMs > 0) complain(window, `${gapMs / 1_000} s without a code`);
    missingMs += gapMs;
    const inside = openings.filter(({ fromMs, untilMs }) => fromMs < toMs && untilMs > window.startsAt.getTime());
    const codes = new Set(inside.map(({ accessCodeId }) => accessCodeId)).size;
    if (codes > 1) complain(window, `${codes} codes`);
    if (codes > 1) doubles += 1;
  }
  const outsideMs = openings.reduce((all, opening) => all + outsideOf(opening, windows), 0);
  if (outsideMs > 0) complaints.push(`${deviceId}, ${key}: ${outsideMs / 1_000} s open outside its windows`);
  return {
    begun: due.length,
    ended: due.filter(({ endsAt }) => endsAt <= run.endsAt).length,
    minutesDue,
    minutesMissing,
    secondsMissing: missingMs / 1_000,
    doubles,
    minutesOutside: outsideMs / minuteMs,
    complaints,
  };
}

/** For how long any of them opened the door between the two. */
function openMs(openings: readonly Opening[], fromMs: number, toMs: number): number {
  let [open, reachedMs] = [0, fromMs];
  for (const opening of openings.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const startMs = Math.max(opening.fromMs, reachedMs);
    const endMs = Math.min(opening.untilMs, toMs);
    if (endMs <= startMs) continue;
    open += endMs - startMs;
    reachedMs = endMs;
  }
  return open;
}

function outsideOf({ fromMs, untilMs }: Opening, windows: readonly Span[]): number {
  const insideMs = windows.reduce((all, { startsAt, endsAt }) => {
    const endMs = Math.min(untilMs, endsAt.getTime() + lockLagMs);
    return all + Math.max(0, endMs - Math.max(fromMs, startsAt.getTime()));
  }, 0);
  return Math.max(0, untilMs - fromMs - insideMs);
}
