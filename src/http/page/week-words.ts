// A week in words: what is drawn, for who cannot see it or would rather read.
import { formatInTimeZone } from 'date-fns-tz';
import type { DateSpan } from '../../core/spans.ts';
import type { ClockChange, WeekDay } from '../../core/week-days.ts';
import type { WeekClosedBecause, WeekFact, WindowState } from '../../core/week-line.ts';
import { localDateOf } from '../../core/windows.ts';
import { instantToLocal, isRepeatedLocal, zoneNamed } from '../../core/zone.ts';

/** "Mon 8 Mar" of a day of the week. */
export function dayLabel({ date }: WeekDay, format = 'EEE d MMM'): string {
  return formatInTimeZone(new Date(`${date}T00:00:00Z`), 'UTC', format);
}

/** "8 to 14 March 2027", "29 March to 4 April 2027". */
export function weekLabel(days: readonly WeekDay[]): string {
  const [first, last] = [days[0], days.at(-1)];
  if (first === undefined || last === undefined) return '';
  const to = dayLabel(last, 'd MMMM yyyy');
  if (first.date.slice(0, 7) === last.date.slice(0, 7)) return `${dayLabel(first, 'd')} to ${to}`;
  const isOneYear = first.date.slice(0, 4) === last.date.slice(0, 4);
  return `${dayLabel(first, isOneYear ? 'd MMMM' : 'd MMMM yyyy')} to ${to}`;
}

/** "09:00"; with its offset where the clocks show it twice on that day. */
function clock(timezone: string, at: Date): string {
  const zone = zoneNamed(timezone);
  const isTwice =
    isRepeatedLocal(zone, instantToLocal(zone, at.getTime())) ||
    isRepeatedLocal(zone, instantToLocal(zone, at.getTime()) - 1);
  return formatInTimeZone(at, timezone, isTwice ? "HH:mm '(UTC'xxx')'" : 'HH:mm');
}

/** "09:00–17:00", "Sun 7 Mar 22:00 to 06:00", "22:00 to Tue 9 Mar 06:00"; midnight at the end of the day is 24:00. */
export function hoursWords(timezone: string, { startsAt, endsAt }: DateSpan, day: WeekDay): string {
  const isFromDay = localDateOf(timezone, startsAt) === day.date;
  const isMidnight = endsAt.getTime() === day.endsAt.getTime();
  const isToDay = isMidnight || localDateOf(timezone, endsAt) === day.date;
  const whole = (at: Date, isThatDay: boolean): string =>
    `${isThatDay ? '' : `${formatInTimeZone(at, timezone, 'EEE d MMM')} `}${clock(timezone, at)}`;
  const to = isMidnight ? '24:00' : whole(endsAt, isToDay);
  return `${whole(startsAt, isFromDay)}${isFromDay && isToDay ? '–' : ' to '}${to}`;
}

export const stateWords: Readonly<Record<WindowState, string>> = {
  over: 'Was open',
  missed: 'Passed without a code',
  unrecorded: 'Not recorded',
  open: 'Open now, and its code is on the lock',
  without: 'Open by plan, but no code is on the lock',
  ready: 'To come; its code is on the lock already',
  made: 'To come; Seam has its code, the lock not yet',
  to_make: 'To come; its code is still to be made',
  refused: 'To come; Seam or the lock refuses its code',
  given_up: 'To come, and it gets no code',
};

/** What a fact says beside its hours. */
export function factWords(fact: WeekFact): string {
  switch (fact.kind) {
    case 'window':
      return `${stateWords[fact.state]} (${fact.state === 'unrecorded' ? `by the plan of now: ${fact.why}` : fact.why})`;
    case 'gap':
      return `No code on the lock${fact.isStill ? ' until now' : ''}: ${fact.why}`;
    case 'closed':
      return `Closed: ${fact.because.map(closedWords).join('; ')}`;
    case 'on_lock':
      return lockWords[fact.role] + (fact.isStill ? ', until now' : '');
  }
}

const lockWords = {
  early: 'Code on the lock, ahead of its time',
  valid: 'Code on the lock, and it opens the door',
  late: 'Code still on the lock, after its end',
} as const;

export function closedWords(because: WeekClosedBecause): string {
  switch (because.kind) {
    case 'skipped':
      return because.reason === null ? 'skipped' : `skipped, ${because.reason}`;
    case 'blackout':
      return `${because.isOfDoor ? 'blackout of the door' : 'blackout'}${because.reason === null ? '' : `, ${because.reason}`}`;
    case 'holiday':
      return `holiday, ${because.list}`;
    case 'except_date':
      return 'exception date';
    case 'not_before':
      return `the schedule begins on ${because.startsOn}`;
    case 'after_end':
      return `the schedule ends with ${because.endsOn}`;
    case 'paused':
    case 'ended':
      return `the schedule ${because.kind === 'paused' ? 'is paused' : 'has ended'}${because.by === null ? '' : `, by ${because.by}`}`;
    case 'not_a_door':
      return 'the schedule does not have this door any more';
    case 'no_window':
      return 'no window';
  }
}

/** "The clocks go forward from 02:00 to 03:00 (UTC-05:00 to UTC-04:00): this day has 23 hours". */
export function changeWords(change: ClockChange, day: WeekDay): string {
  const { forwardMinutes, localBefore, localAfter, offsetBefore, offsetAfter } = change;
  const hours = (day.endsAt.getTime() - day.startsAt.getTime()) / 3_600_000;
  return `The clocks go ${forwardMinutes > 0 ? 'forward' : 'back'} from ${localBefore} to ${localAfter} (UTC${offsetBefore} to UTC${offsetAfter}): this day has ${hours} hours`;
}
