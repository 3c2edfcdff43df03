// What a rule or an extra would have opened, had nothing closed it: each part of a week that is closed, and by what. Pure.
// Worked out from the dates on which occurrences start and from instants, so that a week costs a few calendars, not a few for
// each of its windows; `plannedAt` answers the same for one instant.
import { type ClosedBecause, openedOnly } from './closed-because.ts';
import { DAY_MS, parseLocalDate } from './local-date.ts';
import { calendarOfDraft, type Schedule } from './schedule.ts';
import { type DateSpan, overlap, without } from './spans.ts';
import { causesOf } from './window-causes.ts';
import { type Blackout, type Calendar, localDateOf, type Window } from './windows.ts';

/** A part of a week without a window, though there would be one. */
export interface ClosedSpan extends DateSpan {
  readonly because: readonly ClosedBecause[];
}

/** The calendar on which nothing closes what rules, extras and people open. */
export function unclosedCalendar(schedule: Schedule): Calendar {
  return calendarOfDraft(bareOf(schedule), []);
}

function bareOf(schedule: Schedule): Schedule {
  return { ...schedule, endsOn: null, exceptDates: [], holidays: [], blackouts: [], byHand: openedOnly(schedule) };
}

/** @param would windows of `unclosedCalendar`; @param open those that there are */
export function closedSpans(
  schedule: Schedule,
  doorBlackouts: readonly Blackout[],
  would: readonly Window[],
  open: readonly Window[],
): ClosedSpan[] {
  const unclosed = unclosedCalendar(schedule);
  const blackouts = blackoutsOf(schedule, doorBlackouts);
  return would.flatMap((window) =>
    without(window, open).map((span) => {
      const because = [
        ...closersByDate(schedule, startDates(unclosed, window), span),
        ...skipsIn(schedule, span),
        ...blackouts.filter((one) => overlap(one, span)).map(({ because: one }) => one),
      ];
      return { ...span, because: because.length > 0 ? because : [{ kind: 'no_window' } as const] };
    }),
  );
}

function startDates(unclosed: Calendar, window: Window): readonly string[] {
  return causesOf(unclosed, window).flatMap((cause) => {
    if (cause.kind === 'rule') return cause.dates;
    return cause.kind === 'extra' ? [cause.date] : [];
  });
}

/** What closes occurrences by the date on which they start, as far as they reach into the span. */
function closersByDate(schedule: Schedule, dates: readonly string[], span: DateSpan): ClosedBecause[] {
  const { timezone, endsOn, holidays, exceptDates } = schedule;
  const near = new Set(dates.filter((date) => isNear(date, timezone, span)));
  const because: ClosedBecause[] = [];
  if (endsOn !== null && [...near].some((date) => date > endsOn)) because.push({ kind: 'after_end', endsOn });
  for (const list of holidays) {
    if (list.dates.some((date) => near.has(date))) because.push({ kind: 'holiday', list: list.name });
  }
  for (const date of exceptDates) {
    if (near.has(date)) because.push({ kind: 'except_date', date });
  }
  return because;
}

/** An occurrence with its grace lasts into the day after the next at most, and begins on the day before at the earliest. */
function isNear(date: string, timezone: string, { startsAt, endsAt }: DateSpan): boolean {
  const day = parseLocalDate(date) ?? 0;
  const [first, last] = [startsAt, new Date(endsAt.getTime() - 1)].map((at) => localDayOf(timezone, at));
  return (first ?? 0) - 3 <= day && day <= (last ?? 0) + 1;
}

function localDayOf(timezone: string, at: Date): number {
  return parseLocalDate(localDateOf(timezone, at)) ?? Math.floor(at.getTime() / DAY_MS);
}

function skipsIn({ byHand }: Schedule, span: DateSpan): ClosedBecause[] {
  return byHand.closed
    .filter((one) => overlap({ startsAt: new Date(one.startsAt), endsAt: new Date(one.endsAt) }, span))
    .map(({ reason }) => ({ kind: 'skipped', reason }));
}

/** Those of the schedule and of the door, as instants. */
function blackoutsOf(
  schedule: Schedule,
  doorBlackouts: readonly Blackout[],
): (DateSpan & { readonly because: ClosedBecause })[] {
  const bare = bareOf(schedule);
  const spans = (calendar: Calendar, isOfDoor: boolean) =>
    calendar.blackouts.map(({ startAt, endAt, reason }) => {
      const endsAt = new Date(endAt);
      return {
        startsAt: new Date(startAt),
        endsAt,
        because: { kind: 'blackout', reason, until: endsAt, isOfDoor } as const,
      };
    });
  return [
    ...spans(calendarOfDraft({ ...bare, blackouts: schedule.blackouts }, []), false),
    ...spans(calendarOfDraft(bare, doorBlackouts), true),
  ];
}
