// Why no window of a schedule is open at an instant: each thing that may close a window is tried alone on the calendar that
// nothing closes. Worked out when somebody asks, so that nobody else pays for it.
import { calendarOfDraft, type Schedule } from './schedule.ts';
import { type Blackout, type Calendar, localDateOf, type Window, windowsFrom } from './windows.ts';

/** What closes a window that the rules or an extra would open, or why there is none to close. */
export type ClosedBecause =
  | { readonly kind: 'not_before'; readonly startsOn: string }
  | { readonly kind: 'after_end'; readonly endsOn: string }
  | { readonly kind: 'skipped'; readonly reason: string | null }
  | { readonly kind: 'blackout'; readonly reason: string | null; readonly until: Date; readonly isOfDoor: boolean }
  | { readonly kind: 'holiday'; readonly list: string }
  | { readonly kind: 'except_date'; readonly date: string }
  /** No rule and no extra opens then. */
  | { readonly kind: 'no_window' };

/** What the calendar says of an instant. */
export interface PlannedAt {
  /** Whether `window` is open then. */
  readonly isOpen: boolean;
  /** The window in which the instant lies; or else the one that would be open then, or on that day, if nothing closed it. */
  readonly window: Window | null;
  /** Empty where it is open. */
  readonly because: readonly ClosedBecause[];
}

const dayMs = 86_400_000;
const windowsOfDayMax = 200;

/** What of a schedule's calendar concerns a door at an instant, whatever the schedule's status is. */
export function plannedAt(schedule: Schedule, doorBlackouts: readonly Blackout[], at: Date): PlannedAt {
  const calendar = calendarOfDraft(schedule, doorBlackouts);
  const open = windowAt(calendar, at);
  if (open !== null) return { isOpen: true, window: open, because: [] };
  const day = localDateOf(schedule.timezone, at);
  if (day < schedule.startsOn) {
    return { isOpen: false, window: null, because: [{ kind: 'not_before', startsOn: schedule.startsOn }] };
  }
  const bare = {
    ...schedule,
    endsOn: null,
    exceptDates: [],
    holidays: [],
    blackouts: [],
    byHand: openedOnly(schedule),
  };
  const unclosed = calendarOfDraft(bare, []);
  const window = windowAt(unclosed, at) ?? closedThatDay(schedule, unclosed, calendar, at);
  if (window === null) return { isOpen: false, window: null, because: [{ kind: 'no_window' }] };
  const probe = covers(window, at) ? at : window.startsAt;
  return { isOpen: false, window, because: closersOf(schedule, bare, doorBlackouts, probe) };
}

/** The window in which an instant lies. */
export function windowAt(calendar: Calendar, at: Date): Window | null {
  const [first] = windowsFrom(calendar, at, 1);
  return first !== undefined && covers(first, at) ? first : null;
}

function covers({ startsAt, endsAt }: Window, at: Date): boolean {
  return startsAt <= at && at < endsAt;
}

/** What people opened by hand, without what they closed. */
export function openedOnly({ byHand }: Schedule): Schedule['byHand'] {
  return { closed: [], opened: byHand.opened };
}

/** The next window of the same local day that is closed, or the last one before. */
function closedThatDay({ timezone }: Schedule, unclosed: Calendar, calendar: Calendar, at: Date): Window | null {
  const day = localDateOf(timezone, at);
  const closed = windowsFrom(unclosed, new Date(at.getTime() - 2 * dayMs), windowsOfDayMax).filter(
    ({ startsAt }) => localDateOf(timezone, startsAt) === day && windowAt(calendar, startsAt) === null,
  );
  return closed.find(({ startsAt }) => startsAt > at) ?? closed.at(-1) ?? null;
}

function closersOf(
  schedule: Schedule,
  bare: Schedule,
  doorBlackouts: readonly Blackout[],
  at: Date,
): readonly ClosedBecause[] {
  const isClosedBy = (parts: Partial<Schedule>): boolean =>
    windowAt(calendarOfDraft({ ...bare, ...parts }, []), at) === null;
  const { endsOn, byHand, holidays, exceptDates } = schedule;
  const because: ClosedBecause[] = [];
  if (endsOn !== null && isClosedBy({ endsOn })) because.push({ kind: 'after_end', endsOn });
  const skip = byHand.closed.find(({ startsAt, endsAt }) => new Date(startsAt) <= at && at < new Date(endsAt));
  if (skip !== undefined) because.push({ kind: 'skipped', reason: skip.reason });
  because.push(...blackoutsAt(calendarOfDraft({ ...bare, blackouts: schedule.blackouts }, []), at, false));
  because.push(...blackoutsAt(calendarOfDraft(bare, doorBlackouts), at, true));
  for (const list of holidays) {
    if (isClosedBy({ holidays: [list] })) because.push({ kind: 'holiday', list: list.name });
  }
  for (const date of exceptDates) {
    const isNear = Math.abs(Date.parse(date) - at.getTime()) < 5 * dayMs;
    if (isNear && isClosedBy({ exceptDates: [date] })) because.push({ kind: 'except_date', date });
  }
  return because.length > 0 ? because : [{ kind: 'no_window' }];
}

function blackoutsAt(calendar: Calendar, at: Date, isOfDoor: boolean): ClosedBecause[] {
  const instant = at.getTime();
  return calendar.blackouts
    .filter(({ startAt, endAt }) => startAt <= instant && instant < endAt)
    .map(({ reason, endAt }) => ({ kind: 'blackout', reason, until: new Date(endAt), isOfDoor }));
}
