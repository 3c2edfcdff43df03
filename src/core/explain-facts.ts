// What an explanation is made from, and how its sentences name doors and times.
import { formatInTimeZone } from 'date-fns-tz';
import type { AccessCode } from './access-code.ts';
import type { ClosedBecause } from './closed-because.ts';
import type { Schedule } from './schedule.ts';
import type { SeamLine } from './seam-line.ts';
import { localDateOf, type Window } from './windows.ts';

/** A row with when it was gone. */
export interface ExplainedCode extends AccessCode {
  readonly removedAt: Date | null;
}

/** A line of the history, as far as it concerns the window. */
export interface ToldEntry {
  readonly at: Date;
  readonly kind: string;
  readonly message: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** One door of a schedule at one instant. */
export interface DoorFacts {
  readonly schedule: Schedule;
  readonly deviceId: string;
  readonly deviceName: string | null;
  /** Since when Seam cannot reach the device, and by what; null while it can. */
  readonly away: { readonly since: Date; readonly because: string | null } | null;
  /** The instant that was asked about. */
  readonly at: Date;
  readonly now: Date;
  /** See `plannedAt`; `why` says what made an open window. */
  readonly planned: {
    readonly isOpen: boolean;
    readonly window: Window | null;
    readonly why: string;
    readonly because: readonly ClosedBecause[];
  };
  /** Its windows that begin after the instant, as they are planned now: the first of them. */
  readonly nextWindow: Window | null;
  /** Where no window is open or closed at the instant: the last one that ended shortly before. */
  readonly before: Window | null;
  /** Who paused or ended it and when, where the history still says so. */
  readonly statusSet: { readonly at: Date; readonly by: string | null } | null;
  /** Rows of this door: all that are open, and those of `planned.window`. */
  readonly codes: readonly ExplainedCode[];
  /** Oldest first. */
  readonly entries: readonly ToldEntry[];
  readonly line: { readonly state: SeamLine['state']; readonly since: Date | null };
  /** The job of this door, or one about its codes, failed for good and waits for a person. */
  readonly failedJob: { readonly message: string; readonly at: Date } | null;
}

/** What is found about the code of a window, before it is put into the answer. */
export interface Verdict {
  readonly works: boolean;
  readonly cause: string;
  /** Goes on after "Yes: " or "No, because ", without a full stop. */
  readonly because: string;
  /** A sentence; null where the next window is all that comes. */
  readonly next: string | null;
  /** A sentence. */
  readonly remedy: string;
}

const minuteMs = 60_000;
export const nothingToDo = 'Nothing needs to be done.';

export const momentFormat = 'EEE d MMM HH:mm';

/** "Mon 8 Mar 09:00" in the schedule's own time. */
export function moment({ schedule }: Pick<DoorFacts, 'schedule'>, at: Date): string {
  return formatInTimeZone(at, schedule.timezone, momentFormat);
}

/** "Mon 8 Mar 09:00–17:00" in the schedule's own time. */
export function hours({ schedule }: Pick<DoorFacts, 'schedule'>, { startsAt, endsAt }: Window): string {
  const isSameDay = localDateOf(schedule.timezone, startsAt) === localDateOf(schedule.timezone, endsAt);
  const ends = formatInTimeZone(endsAt, schedule.timezone, isSameDay ? 'HH:mm' : momentFormat);
  return `${moment({ schedule }, startsAt)}–${ends}`;
}

export function doorName({ deviceName, deviceId }: Pick<DoorFacts, 'deviceName' | 'deviceId'>): string {
  return deviceName ?? `device ${deviceId}`;
}

/** Which tense an answer is in. */
export function tenseOf({ at, now }: Pick<DoorFacts, 'at' | 'now'>): 'past' | 'now' | 'future' {
  if (at.getTime() < now.getTime() - minuteMs) return 'past';
  return at.getTime() > now.getTime() + minuteMs ? 'future' : 'now';
}
