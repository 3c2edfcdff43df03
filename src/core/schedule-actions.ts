// What people do to a schedule in the middle of things: pure decisions on what it becomes. They live apart from what the
// schedules file says, and survive its next apply. What becomes of codes follows from the plan.
import { EXTRAS_MAX } from './calendar.ts';
import { DAY_MS, formatLocalTime, MINUTE_MS } from './local-date.ts';
import { compileScheduleCalendar, hasSkipAhead, type Schedule } from './schedule.ts';
import { draftFromStored, type ScheduleDraft } from './schedules-file-merge.ts';
import { extraCommand, resumeCommand } from './ways-out.ts';
import { type Calendar, type Closing, type ExtraWindow, localDateOf, type Window, windowsFrom } from './windows.ts';
import { instantToLocal, localToInstant, zoneNamed } from './zone.ts';

/** Dates and times of day are local, in the schedule's own zone: "YYYY-MM-DD", "HH:MM". */
export type ScheduleAction =
  | { readonly kind: 'pause' }
  /** Back from paused; from ended only where `revive` says so. */
  | { readonly kind: 'resume'; readonly revive: boolean }
  /** No window begins after this day (null: today); what runs goes on to its end. */
  | { readonly kind: 'end'; readonly on: string | null }
  /** Every code goes at once, for good. */
  | { readonly kind: 'revoke' }
  /** The windows that begin on a day and are not over; null: the next that has not begun. */
  | { readonly kind: 'skip'; readonly date: string | null; readonly reason: string | null }
  /** Takes skips back; null: all that are not over. */
  | { readonly kind: 'unskip'; readonly date: string | null }
  /** Today's window, in progress, coming or over, goes on until a time of day. */
  | { readonly kind: 'extend'; readonly until: string }
  | ({ readonly kind: 'extra' } & ExtraWindow);

export type Decision =
  | {
      readonly ok: true;
      readonly draft: ScheduleDraft;
      /** Windows in these spans may open once more, though they were served or closed. */
      readonly reopens: readonly Window[];
      /** What was done, for the history: "skipped 2027-03-08 09:00–17:00 (America/New_York)". */
      readonly message: string;
    }
  | Refusal;

interface Refusal {
  readonly ok: false;
  readonly code: string;
  readonly message: string;
}

/** A longer extension is an extra window, or a mistake in the time. */
const extensionMaxMs = DAY_MS / 2;
/** What is over so long says nothing any more, and is dropped at the next action. */
const keptMs = 7 * DAY_MS;
const closingsMax = 1_000;
/** No window of a day is further behind the windows that end after its midnight. */
const windowsOfDayMax = 100;
const windowsSaid = 5;
const everything: Window = { startsAt: new Date(0), endsAt: new Date(8.64e15) };

/** What a schedule becomes by an action at an instant, or why it cannot: a code for programs and a sentence with the way out. */
export function actOnSchedule(stored: Schedule, action: ScheduleAction, now: Date): Decision {
  const schedule = { ...stored, byHand: withoutPast(stored, now) };
  if (schedule.status === 'ended' && action.kind !== 'resume' && action.kind !== 'revoke') return hasEnded(schedule);
  switch (action.kind) {
    case 'pause':
      return become(schedule, { status: 'paused' }, 'paused');
    case 'resume':
      return resume(schedule, action.revive, now);
    case 'end':
      return end(schedule, action.on, now);
    case 'revoke':
      return become(schedule, { status: 'ended' }, 'revoked');
    case 'skip':
      return skip(schedule, action, now);
    case 'unskip':
      return unskip(schedule, action.date, now);
    case 'extend':
      return extend(schedule, action.until, now);
    case 'extra':
      return addExtra(schedule, action, now);
  }
}

function refuse(code: string, message: string): Refusal {
  return { ok: false, code, message };
}

function hasEnded({ key }: Schedule): Decision {
  const way = `${resumeCommand(key)} --revive`;
  return refuse('schedule_ended', `The schedule has ended or was revoked. To open its doors again: ${way}`);
}

/** What opens a window says so where the schedule opens none as it stands. */
function opening({ status }: Schedule, message: string): string {
  return status === 'paused' ? `${message}; it opens no door before the schedule is resumed` : message;
}

function become(
  schedule: Schedule,
  change: Partial<ScheduleDraft>,
  message: string,
  reopens: readonly Window[] = [],
): Decision {
  return { ok: true, draft: { ...draftFromStored(schedule), ...change }, reopens, message };
}

function resume(schedule: Schedule, revive: boolean, now: Date): Decision {
  if (schedule.status === 'active') return become(schedule, {}, 'resumed');
  if (schedule.status === 'paused') return become(schedule, { status: 'active' }, 'resumed', [everything]);
  if (!revive) return hasEnded(schedule);
  if (windowsOf(schedule, now, 1).length === 0 && !hasSkipAhead(schedule, now))
    return refuse('no_window', 'No window is coming, so it would end at once: change ends_on or its windows first.');
  return become(schedule, { status: 'active' }, 'revived', [everything]);
}

function end(schedule: Schedule, on: string | null, now: Date): Decision {
  const today = localDateOf(schedule.timezone, now);
  const endsOn = on ?? today;
  if (endsOn < today)
    return refuse(
      'date_past',
      `${endsOn} is over: give today or a later day, or revoke the schedule to end it at once.`,
    );
  if (endsOn < schedule.startsOn)
    return refuse('ends_before_start', `It begins on ${schedule.startsOn}: to end it before that, revoke it.`);
  return become(schedule, { endsOn }, `ended on ${endsOn}`, givenBack(schedule, endsOn));
}

/** What comes in again where the last day is later than it was: everything from the first window behind the old one. */
function givenBack(schedule: Schedule, endsOn: string): Window[] {
  if (schedule.endsOn === null || schedule.endsOn >= endsOn) return [];
  const midnight = Date.parse(`${schedule.endsOn}T00:00:00Z`) + DAY_MS;
  const behind = new Date(localToInstant(zoneNamed(schedule.timezone), midnight));
  const first = windowsOf({ ...schedule, endsOn }, behind, 2).find(({ startsAt }) => startsAt >= behind);
  return first === undefined ? [] : [{ ...everything, startsAt: first.startsAt }];
}

function skip(
  schedule: Schedule,
  { date, reason }: { readonly date: string | null; readonly reason: string | null },
  now: Date,
): Decision {
  const windows =
    date === null
      ? windowsOf(schedule, now, 2)
          .filter(({ startsAt }) => startsAt > now)
          .slice(0, 1)
      : windowsOn(schedule, date, now).filter(({ endsAt }) => endsAt > now);
  const { closed, opened } = schedule.byHand;
  if (windows.length === 0) {
    const already = date === null ? [] : skippedOf(schedule, date, now).map(datesOf);
    if (already.length > 0) return become(schedule, {}, `skipped ${say(schedule, already)}`);
    return refuse(
      'no_window',
      date === null ? 'No window is coming.' : `No window begins on ${date} that is not over.`,
    );
  }
  if (closed.length + windows.length > closingsMax)
    return refuse(
      'too_many_skips',
      `At most ${closingsMax} windows can be skipped at a time: pause the schedule instead.`,
    );
  const added = windows.map(({ startsAt, endsAt }): Closing => {
    return { startsAt: startsAt.toISOString(), endsAt: endsAt.toISOString(), reason };
  });
  const all = [...closed, ...added].sort((a, b) => (a.startsAt < b.startsAt ? -1 : 1));
  return become(schedule, { byHand: { closed: all, opened } }, `skipped ${say(schedule, windows)}`);
}

/** What is skipped and not over; null: on whatever day. */
function skippedOf({ timezone, byHand }: Schedule, date: string | null, now: Date): Closing[] {
  return byHand.closed.filter(
    ({ startsAt, endsAt }) =>
      new Date(endsAt) > now && (date === null || localDateOf(timezone, new Date(startsAt)) === date),
  );
}

function datesOf({ startsAt, endsAt }: Closing): Window {
  return { startsAt: new Date(startsAt), endsAt: new Date(endsAt) };
}

function unskip(schedule: Schedule, date: string | null, now: Date): Decision {
  const { byHand } = schedule;
  const back = skippedOf(schedule, date, now);
  if (back.length === 0)
    return refuse('not_skipped', `Nothing${date === null ? '' : ` on ${date}`} is skipped that is not over.`);
  const closed = byHand.closed.filter((one) => !back.includes(one));
  const reopens = back.map(datesOf);
  const message = opening(schedule, `opened again ${say(schedule, reopens)}`);
  return become(schedule, { byHand: { ...byHand, closed } }, message, reopens);
}

/** Asked for once more, it is as it was. */
function extend(schedule: Schedule, until: string, now: Date): Decision {
  const { byHand } = schedule;
  const [current] = windowsOf(schedule, now, 1);
  const today = localDateOf(schedule.timezone, now);
  const alike = byHand.opened.filter(({ date, to }) => to === until && date <= today);
  const isRepeated = alike.some((piece) => {
    const before = lengthen({ ...schedule, byHand: without(byHand, piece) }, until, now);
    return before.ok && before.window.endsAt.getTime() === current?.endsAt.getTime();
  });
  if (current !== undefined && isRepeated) return extended(schedule, byHand, current, []);
  const longer = lengthen(schedule, until, now);
  return longer.ok ? extended(schedule, longer.byHand, longer.window, [longer.gained]) : longer;
}

function extended(
  schedule: Schedule,
  byHand: Schedule['byHand'],
  window: Window,
  reopens: readonly Window[],
): Decision {
  return become(schedule, { byHand }, opening(schedule, `extended: open ${say(schedule, [window])}`), reopens);
}

type Longer =
  | {
      readonly ok: true;
      readonly byHand: Schedule['byHand'];
      /** As long as it then is. */
      readonly window: Window;
      /** What of it is new: where it was over, all. Who closed it by hand before its end has closed the rest as well. */
      readonly gained: Window;
    }
  | Refusal;

function lengthen(schedule: Schedule, until: string, now: Date): Longer {
  const { timezone, grace } = schedule;
  const today = localDateOf(timezone, now);
  const window =
    windowsOf(schedule, now, 1).find(({ startsAt }) => startsAt <= now) ??
    windowsOf(schedule, now, 1).find(({ startsAt }) => localDateOf(timezone, startsAt) === today) ??
    windowsOn(schedule, today, now).at(-1);
  if (window === undefined)
    return refuse(
      'no_window_today',
      `No window is open or begins today, ${today}. To open today all the same: ${extraCommand(schedule.key, today)}`,
    );
  const isOver = window.endsAt <= now;
  // The late grace comes on top of the new end, as on top of every rule's.
  const from = isOver ? now : new Date(window.endsAt.getTime() - grace.lateMinutes * MINUTE_MS);
  const piece = { date: localDateOf(timezone, from), from: localTimeOf(timezone, from), to: until };
  const byHand = withOpened(schedule, piece);
  const longer = calendarWith(schedule, byHand);
  if (longer === null) return cannotOpen(schedule, byHand, 'time_invalid', 'Give the time of day as HH:MM.');
  const lastOpenAt = isOver ? now : new Date(window.endsAt.getTime() - 1);
  const [found] = windowsFrom(longer, lastOpenAt, 1);
  const gainedMs = (found?.endsAt.getTime() ?? 0) - (isOver ? now : window.endsAt).getTime();
  if (found === undefined || found.startsAt > lastOpenAt || gainedMs <= 0 || piece.from === until) {
    return refuse(
      'not_longer',
      `It is open ${say(schedule, [window])} as it stands: ${until} is no later, or a blackout closes what it adds.`,
    );
  }
  if (gainedMs > extensionMaxMs + grace.lateMinutes * MINUTE_MS)
    return refuse(
      'too_long',
      `${until} is more than 12 hours later: correct the time, or add an extra window instead.`,
    );
  const gained = isOver ? found : { ...found, startsAt: window.endsAt };
  return { ok: true, byHand, window: found, gained };
}

function addExtra(schedule: Schedule, { date, from, to }: ExtraWindow, now: Date): Decision {
  const piece = { date, from, to };
  const byHand = withOpened(schedule, piece);
  const more = calendarWith(schedule, byHand);
  if (more === null)
    return cannotOpen(
      schedule,
      byHand,
      'extra_invalid',
      'Give a date that exists as YYYY-MM-DD, and from and to as HH:MM.',
    );
  const { startsOn, endsOn } = schedule;
  if (date < startsOn || (endsOn !== null && date > endsOn))
    return refuse(
      'outside_schedule',
      `The schedule runs from ${startsOn} ${endsOn === null ? 'on' : `to ${endsOn}`}, and ${date} is outside of that.`,
    );
  // Asked for once more, it is as it was.
  const others = without(schedule.byHand, piece);
  const isRepeated = others.opened.length < schedule.byHand.opened.length;
  const before = windowsNear(calendarWith(schedule, others), schedule, date, now);
  const gained = windowsNear(more, schedule, date, now).find(
    (one) => one.endsAt > now && !before.some((old) => isSame(old, one)),
  );
  if (gained === undefined)
    return refuse(
      'opens_nothing',
      'It opens nothing more: it is over, or open anyway, or a blackout or a skip closes it.',
    );
  const message = opening(schedule, `given the extra window ${date} ${from}–${to} (${schedule.timezone})`);
  return become(schedule, { byHand }, message, isRepeated ? [] : [gained]);
}

/** Why what was opened by hand cannot be read: there is too much of it, or the last piece is no window. */
function cannotOpen({ extra }: Schedule, byHand: Schedule['byHand'], code: string, message: string): Refusal {
  if (extra.length + byHand.opened.length <= EXTRAS_MAX) return refuse(code, message);
  return refuse(
    'too_many_extras',
    `A schedule has at most ${EXTRAS_MAX} extra windows, extensions among them, and this one has as many. Take some out of extra in its schedules file; those added by hand go a week after they are over.`,
  );
}

function withoutPast({ byHand, timezone }: Schedule, now: Date): Schedule['byHand'] {
  const keptFrom = new Date(now.getTime() - keptMs);
  const keptFromLocal = localDateOf(timezone, keptFrom);
  return {
    closed: byHand.closed.filter(({ endsAt }) => new Date(endsAt) >= keptFrom),
    opened: byHand.opened.filter(({ date }) => date >= keptFromLocal),
  };
}

function withOpened({ byHand }: Schedule, piece: ExtraWindow): Schedule['byHand'] {
  const { opened } = without(byHand, piece);
  return { ...byHand, opened: [...opened, piece].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)) };
}

function without(byHand: Schedule['byHand'], piece: ExtraWindow): Schedule['byHand'] {
  return { ...byHand, opened: byHand.opened.filter((one) => keyOf(one) !== keyOf(piece)) };
}

function keyOf({ date, from, to }: ExtraWindow): string {
  return `${date} ${from} ${to}`;
}

/** Null where something opened by hand cannot be read. */
function calendarWith(schedule: Schedule, byHand: Schedule['byHand']): Calendar | null {
  const compiled = compileScheduleCalendar({ ...schedule, byHand });
  return compiled.ok ? compiled.calendar : null;
}

function windowsOf(schedule: Schedule, after: Date, count: number): Window[] {
  const calendar = calendarWith(schedule, schedule.byHand);
  return calendar === null ? [] : windowsFrom(calendar, after, count);
}

/** Windows that begin on a local day, also those of today that are over. */
function windowsOn(schedule: Schedule, date: string, now: Date): Window[] {
  const near = windowsNear(calendarWith(schedule, schedule.byHand), schedule, date, now);
  return near.filter(({ startsAt }) => localDateOf(schedule.timezone, startsAt) === date);
}

/** Windows that touch a local day. */
function windowsNear(calendar: Calendar | null, { timezone }: Schedule, date: string, now: Date): Window[] {
  if (calendar === null) return [];
  const dayBefore = new Date(Date.parse(`${date}T00:00:00Z`) - DAY_MS);
  const after = localDateOf(timezone, now) === date ? new Date(now.getTime() - DAY_MS) : dayBefore;
  return windowsFrom(calendar, after, windowsOfDayMax).filter(
    ({ startsAt, endsAt }) => localDateOf(timezone, startsAt) <= date && localDateOf(timezone, endsAt) >= date,
  );
}

function isSame(a: Window, b: Window): boolean {
  return a.startsAt.getTime() === b.startsAt.getTime() && a.endsAt.getTime() === b.endsAt.getTime();
}

/** "2027-03-08 09:00–17:00, 2027-03-09 22:00 to 2027-03-10 06:00 (America/New_York)", the first of many. */
function say({ timezone }: Schedule, windows: readonly Window[]): string {
  const spans = windows.slice(0, windowsSaid).map(({ startsAt, endsAt }) => {
    const [startDate, endDate] = [localDateOf(timezone, startsAt), localDateOf(timezone, endsAt)];
    const [from, to] = [localTimeOf(timezone, startsAt), localTimeOf(timezone, endsAt)];
    return startDate === endDate ? `${startDate} ${from}–${to}` : `${startDate} ${from} to ${endDate} ${to}`;
  });
  const more = windows.length - spans.length;
  return `${spans.join(', ')}${more > 0 ? ` and ${more} more` : ''} (${timezone})`;
}

function localTimeOf(timezone: string, at: Date): string {
  return formatLocalTime(instantToLocal(zoneNamed(timezone), at.getTime()));
}
