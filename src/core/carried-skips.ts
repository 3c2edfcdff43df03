// What people skipped stays skipped when the hours change: a skip means a visit, and not the minutes that it then lasted.
import { DAY_MS } from './local-date.ts';
import { type ByHand, type CalendarSource, compileScheduleCalendar } from './schedule.ts';
import { type Closing, localDateOf, type Window, windowsFrom } from './windows.ts';

/** No window of a day is further behind the windows that end after its midnight. */
const windowsOfDayMax = 100;

/**
 * What was done by hand under `stored`, as it is to hold under `draft`. A day on which every window was skipped stays a day without
 * windows; of another, the windows that touch what was skipped are. What is opened by hand is skipped only where a skip was about
 * just that.
 */
export function carrySkips(stored: CalendarSource, draft: CalendarSource, now: Date): ByHand {
  const { closed, opened } = stored.byHand;
  const coming = closed.filter(({ endsAt }) => new Date(endsAt) > now);
  if (coming.length === 0) return stored.byHand;
  const [ofRules, withOpened] = [changed(stored, draft, []), changed(stored, draft, opened)];
  const dates = [...new Set(coming.map((one) => dateOf(stored, one)))];
  const carried = dates.flatMap((date) => {
    const ofDay = coming.filter((one) => dateOf(stored, one) === date);
    const [before, after] = ofRules(date);
    const [handBefore, handAfter] = opened.length === 0 ? [[], []] : withOpened(date);
    // Of what is opened by hand, apart from the rules' windows.
    const isOwn = (one: Closing): boolean =>
      handBefore.some((window) => touch(one, window)) && !before.some((window) => touch(one, window));
    return [
      ...carry(
        ofDay.filter((one) => !isOwn(one)),
        before,
        after,
        before.every((window) => isSkipped(window, ofDay)),
      ),
      ...carry(ofDay.filter(isOwn), handBefore, handAfter, false),
    ];
  });
  const over = closed.filter(({ endsAt }) => new Date(endsAt) <= now);
  const all = [...over, ...carried].sort((a, b) => (a.startsAt < b.startsAt ? -1 : 1));
  return { closed: all, opened };
}

function carry(
  skips: readonly Closing[],
  before: readonly Window[],
  after: readonly Window[],
  isWholeDay: boolean,
): readonly Closing[] {
  const [first] = skips;
  if (first === undefined || isSame(before, after)) return skips;
  const skipped = after.filter((window) => isWholeDay || skips.some((one) => touch(one, window)));
  const left = skips.filter((one) => !isWholeDay && !skipped.some((window) => touch(one, window)));
  if (skipped.length === 0) return skips;
  const reasonOf = (window: Window): string | null => (skips.find((one) => touch(one, window)) ?? first).reason;
  return [
    ...left,
    ...skipped.map((window): Closing => {
      const { startsAt, endsAt } = window;
      return { startsAt: startsAt.toISOString(), endsAt: endsAt.toISOString(), reason: reasonOf(window) };
    }),
  ];
}

/** The windows that begin on a local day, before and after, as if nothing were skipped. */
function changed(stored: CalendarSource, draft: CalendarSource, opened: ByHand['opened']) {
  const [before, after] = [stored, draft].map((source) => {
    const compiled = compileScheduleCalendar({ ...source, byHand: { closed: [], opened } });
    return (date: string): readonly Window[] => {
      if (!compiled.ok) return [];
      const dayBefore = new Date(Date.parse(`${date}T00:00:00Z`) - DAY_MS);
      const near = windowsFrom(compiled.calendar, dayBefore, windowsOfDayMax);
      return near.filter(({ startsAt }) => localDateOf(source.timezone, startsAt) === date);
    };
  });
  return (date: string) => [before?.(date) ?? [], after?.(date) ?? []] as const;
}

function dateOf({ timezone }: CalendarSource, { startsAt }: Closing): string {
  return localDateOf(timezone, new Date(startsAt));
}

function isSkipped(window: Window, skips: readonly Closing[]): boolean {
  return skips.some((one) => new Date(one.startsAt) <= window.startsAt && window.endsAt <= new Date(one.endsAt));
}

function touch(skip: Closing, window: Window): boolean {
  return new Date(skip.startsAt) < window.endsAt && window.startsAt < new Date(skip.endsAt);
}

function isSame(before: readonly Window[], after: readonly Window[]): boolean {
  const spansOf = (windows: readonly Window[]): string =>
    windows.map(({ startsAt, endsAt }) => `${startsAt.getTime()}/${endsAt.getTime()}`).join();
  return spansOf(before) === spansOf(after);
}
