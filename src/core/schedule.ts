// A schedule as the rest of the core sees it: local dates as text, holiday lists resolved, no PIN.
import {
  type Blackout,
  type Calendar,
  type Closing,
  compileCalendar,
  type ExtraWindow,
  type Grace,
  type WindowRule,
  withBlackouts,
} from './windows.ts';

/** keep: one PIN for every window. rotate: a new one each window. given: as keep, with the PIN that the user chose. */
type PinPolicy = 'keep' | 'rotate' | 'given';

export type ScheduleStatus = 'active' | 'paused' | 'ended';

/** Local dates, by a name that several schedules share. */
export interface HolidayDates {
  readonly name: string;
  readonly dates: readonly string[];
}

/** What people did to single windows, beside what the schedule says of itself. */
export interface ByHand {
  /** Sorted by start. */
  readonly closed: readonly Closing[];
  /** Sorted by date and time. */
  readonly opened: readonly ExtraWindow[];
}

export const nothingByHand: ByHand = { closed: [], opened: [] };

/** A door of a schedule; the generation rises with each recorded reopening. */
interface ScheduleDoor {
  readonly deviceId: string;
  readonly generation: number;
}

/** Who may open which doors when. Dates are "YYYY-MM-DD" in the schedule's own zone. */
export interface Schedule {
  readonly id: string;
  readonly key: string;
  readonly name: string;
  readonly holder: string | null;
  readonly timezone: string;
  readonly startsOn: string;
  readonly endsOn: string | null;
  readonly rules: readonly WindowRule[];
  /** Sorted, without repeats. */
  readonly exceptDates: readonly string[];
  /** Sorted by name. */
  readonly holidays: readonly HolidayDates[];
  /** Sorted by date and time. */
  readonly extra: readonly ExtraWindow[];
  /** Its own, sorted; those of a door are the door's. */
  readonly blackouts: readonly Blackout[];
  readonly byHand: ByHand;
  readonly grace: Grace;
  readonly mergeGapsUpToMinutes: number;
  /** Sorted by device. */
  readonly devices: readonly ScheduleDoor[];
  readonly pinPolicy: PinPolicy;
  readonly allowOtherPin: boolean;
  readonly status: ScheduleStatus;
  readonly version: number;
}

/** What decides a schedule's windows. */
export type CalendarSource = Pick<
  Schedule,
  | 'rules'
  | 'timezone'
  | 'startsOn'
  | 'endsOn'
  | 'exceptDates'
  | 'holidays'
  | 'extra'
  | 'blackouts'
  | 'byHand'
  | 'grace'
  | 'mergeGapsUpToMinutes'
>;

const calendars = new Map<string, { version: number; holidays: string; calendar: Calendar }>();
const maxCalendars = 5_000;

/** The calendar of a stored schedule on a door, which may have blackouts of its own for every schedule there. */
export function calendarOf(schedule: Schedule, doorBlackouts: readonly Blackout[]): Calendar {
  return withBlackouts(calendarOfAllDoors(schedule), doorBlackouts);
}

/** As `calendarOf`, for a schedule that is not stored as it is here. */
export function calendarOfDraft(draft: Schedule, doorBlackouts: readonly Blackout[]): Calendar {
  return withBlackouts(compiled(draft), doorBlackouts);
}

/** Whether a window that is not over is skipped: it may be taken back, so a schedule goes on with no other left. */
export function hasSkipAhead({ byHand }: Pick<Schedule, 'byHand'>, now: Date): boolean {
  return byHand.closed.some(({ endsAt }) => new Date(endsAt) > now);
}

/** Compiled once per version and state of the holiday lists. */
function calendarOfAllDoors(schedule: Schedule): Calendar {
  const holidays = JSON.stringify(schedule.holidays);
  const known = calendars.get(schedule.id);
  if (known !== undefined && known.version === schedule.version && known.holidays === holidays) return known.calendar;
  const calendar = compiled(schedule);
  if (calendars.size >= maxCalendars) calendars.clear();
  calendars.set(schedule.id, { version: schedule.version, holidays, calendar });
  return calendar;
}

function compiled(schedule: Schedule): Calendar {
  const result = compileScheduleCalendar(schedule);
  if (result.ok) return result.calendar;
  // Nothing is stored uncompiled, so this is a row that was changed by hand, or a calculator grown stricter.
  const reasons = result.problems.map(({ field, message }) => `${field}: ${message}`).join(' ');
  throw new Error(`schedule ${schedule.key} is stored with windows that do not compile: ${reasons}`);
}

/** Compiles what a schedule's windows follow from, holidays being dates on which nothing starts. */
export function compileScheduleCalendar(source: CalendarSource): ReturnType<typeof compileCalendar> {
  const closed = new Set([...source.exceptDates, ...source.holidays.flatMap(({ dates }) => dates)]);
  return compileCalendar({
    windows: source.rules,
    timezone: source.timezone,
    startsOn: source.startsOn,
    ...(source.endsOn === null ? {} : { endsOn: source.endsOn }),
    exceptDates: [...closed],
    extra: [...source.extra, ...source.byHand.opened],
    blackouts: source.blackouts,
    closings: source.byHand.closed,
    grace: source.grace,
    mergeGapsUpToMinutes: source.mergeGapsUpToMinutes,
  });
}
