// "Why does this code not work at this door now?" From facts of one window on one door to sentences for somebody who knows
// neither Relatch nor Seam. Pure; the first sentence answers, the time line proves it.
import { formatInTimeZone } from 'date-fns-tz';
import { isOpen } from './access-code.ts';
import type { ClosedBecause } from './closed-because.ts';
import { judgeCode, judgeMissing } from './explain-code.ts';
import {
  type DoorFacts,
  doorName,
  type ExplainedCode,
  hours,
  moment,
  momentFormat,
  type ToldEntry,
  tenseOf,
  type Verdict,
} from './explain-facts.ts';
import type { Window } from './windows.ts';

export type { DoorFacts, ExplainedCode, ToldEntry } from './explain-facts.ts';

/** The answer, sentence by sentence; no part holds a PIN. */
export interface Explanation {
  readonly works: boolean;
  /** Why, as a word for programs. */
  readonly cause: string;
  /** Begins with "Yes: " or "No, because ". */
  readonly answer: string;
  /** Which door and instant that is about. */
  readonly about: string;
  readonly timeline: readonly { readonly at: Date; readonly text: string }[];
  readonly next: string;
  readonly remedy: string;
}

export function explainDoor(facts: DoorFacts): Explanation {
  const { works, cause, because, next, remedy } = judge(facts);
  const { schedule, at } = facts;
  return {
    works,
    cause,
    answer: `${works ? 'Yes: ' : 'No, because '}${because}.`,
    about: `This is about ${schedule.name} (${schedule.key}) at ${doorName(facts)} on ${moment(facts, at)}, ${schedule.timezone} time.`,
    timeline: facts.entries
      .filter((entry) => !isNoise(entry))
      .map((entry) => ({ at: entry.at, text: tell(facts, entry) })),
    next: [next, nextWindowOf(facts)].filter((part) => part !== null).join(' '),
    remedy,
  };
}

/** The explanation as people read it, a line each; without a line break at its end. */
export function explanationText(explanation: Explanation, timezone: string): string {
  const { answer, about, timeline, next, remedy } = explanation;
  const lines = timeline.map(({ at, text }) => `  ${formatInTimeZone(at, timezone, momentFormat)}  ${text}`);
  return [
    answer,
    about,
    ...(lines.length === 0 ? [] : ['What happened:', ...lines]),
    `Next: ${next}`,
    `What you can do: ${remedy}`,
  ].join('\n');
}

function judge(facts: DoorFacts): Verdict {
  const { schedule, deviceId, planned } = facts;
  if (!schedule.devices.some((door) => door.deviceId === deviceId)) {
    const leaving = leftOver(facts);
    return no(
      'not_a_door',
      `${doorName(facts)} is not a door of the schedule ${schedule.name}${leaving}`,
      `Add the device to the schedule's devices, if its holder is to open that door.`,
    );
  }
  if (schedule.status !== 'active') return judgeStatus(facts);
  if (!planned.isOpen) return judgeClosed(facts);
  const { window } = planned;
  if (window === null) throw new Error('an open window is missing');
  const code = codeOf(facts, window);
  return code === null ? judgeMissing(facts, window) : judgeCode(facts, window, code);
}

function no(cause: string, because: string, remedy: string, next: string | null = null): Verdict {
  return { works: false, cause, because, next, remedy };
}

/** The row that stands for a window: an open one, or else the last that was made for it. */
export function codeOf({ codes }: DoorFacts, { startsAt, endsAt }: Window): ExplainedCode | null {
  const own = codes.filter(
    (code) => code.generation >= 0 && code.windowStartsAt < endsAt && startsAt < code.windowEndsAt,
  );
  return own.find(isOpen) ?? own.sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime())[0] ?? null;
}

function judgeStatus(facts: DoorFacts): Verdict {
  const { schedule, statusSet } = facts;
  const isPaused = schedule.status === 'paused';
  const since = statusSet === null ? '' : ` since ${moment(facts, statusSet.at)}`;
  const by = statusSet?.by == null ? '' : ` (by ${statusSet.by})`;
  const leaving = leftOver(facts);
  return no(
    schedule.status,
    `the schedule ${schedule.name} ${isPaused ? 'is paused' : 'has ended'}${since}${by}${leaving}`,
    isPaused
      ? `Resume the schedule with relatch schedules resume ${schedule.key}, if its doors are to open again; then its code is made at once.`
      : `Resume the schedule with relatch schedules resume ${schedule.key} --revive, if its doors are to open again.`,
  );
}

function judgeClosed(facts: DoorFacts): Verdict {
  const { schedule, at, planned } = facts;
  const { window } = planned;
  const reasons = planned.because.map((one) => describeCloser(facts, one)).join('; ');
  const isThen = window !== null && window.startsAt <= at && at < window.endsAt;
  const what =
    window === null
      ? reasons
      : `${isThen ? 'no window is open then' : `no window is open then, and that of ${hours(facts, window)} is closed`}: ${reasons}`;
  const leaving = leftOver(facts);
  const kind = planned.because[0]?.kind ?? 'no_window';
  return no(kind, `${what}${leaving}`, remedyOf(kind, schedule.name));
}

function describeCloser(facts: DoorFacts, because: ClosedBecause): string {
  const { at, planned, schedule } = facts;
  switch (because.kind) {
    case 'not_before':
      return `${schedule.name} begins on ${because.startsOn}`;
    case 'after_end':
      return `${schedule.name} ended with ${because.endsOn}`;
    case 'skipped':
      return because.reason === null ? 'somebody skipped it' : `somebody skipped it ("${because.reason}")`;
    case 'blackout': {
      const name = because.reason === null ? 'a blackout' : `the blackout "${because.reason}"`;
      return `${name} closes ${because.isOfDoor ? 'the door to everybody' : 'the schedule'} until ${moment(facts, because.until)}`;
    }
    case 'holiday':
      return `${dateOf(facts, planned.window?.startsAt ?? at)} is in the holiday list "${because.list}"`;
    case 'except_date':
      return `${because.date} is an exception date of the schedule`;
    case 'no_window':
      return `${schedule.name} has no window on ${moment(facts, at)}${facts.before === null ? '' : `; the one before was ${hours(facts, facts.before)}`}`;
  }
}

function dateOf({ schedule }: DoorFacts, at: Date): string {
  return formatInTimeZone(at, schedule.timezone, 'EEE d MMM');
}

function remedyOf(kind: ClosedBecause['kind'], name: string): string {
  switch (kind) {
    case 'skipped':
      return 'Take the skip back (unskip), if the door is to open after all.';
    case 'holiday':
    case 'except_date':
      return 'Add an extra window for that day, if the door is to open all the same.';
    case 'blackout':
      return 'Change or remove the blackout, if the door is to open all the same: nothing else opens it.';
    case 'not_before':
      return 'Wait until it begins, or change starts_on of the schedule.';
    case 'after_end':
      return 'Change ends_on of the schedule, if it is to go on.';
    case 'no_window':
      return `Extend today's window or add an extra one, if ${name} is to open the door then.`;
  }
}

/** A further sentence where a code should be gone and is not, as far as Seam says; it has no full stop. */
function leftOver(facts: DoorFacts): string {
  const { codes, now, planned } = facts;
  if (tenseOf(facts) !== 'now') return '';
  const left = codes.find(
    (code) =>
      code.state === 'removing' ||
      (code.state === 'created' && code.windowEndsAt <= now && code.windowStartsAt <= now && !planned.isOpen),
  );
  if (left === undefined) return '';
  return `. Yet the code of ${hours(facts, { startsAt: left.windowStartsAt, endsAt: left.windowEndsAt })} is still being removed, and may open the door until it is gone`;
}

/** What comes, whatever becomes of the window that was asked about. */
function nextWindowOf(facts: DoorFacts): string {
  const { nextWindow, schedule, deviceId } = facts;
  const isServed = schedule.status === 'active' && schedule.devices.some((door) => door.deviceId === deviceId);
  if (!isServed) return 'No code is made for this door.';
  if (nextWindow === null) return 'No other window follows.';
  return `The next window is ${hours(facts, nextWindow)}; ${readinessOf(facts, codeOf(facts, nextWindow))}.`;
}

function readinessOf({ failedJob }: DoorFacts, code: ExplainedCode | null): string {
  if (code?.state === 'rejected') return 'Seam refuses its code';
  if (code?.state !== 'created' && failedJob !== null)
    return 'its code is not made before the failed job of this door is retried or dropped, see relatch dead-letters list';
  if (code?.state !== 'created') return 'its code is still to be made';
  return code.readyAt === null ? 'Seam has its code already' : 'its code is on the lock already';
}

/** Events that say nothing which a person would not know from the lines around them. */
function isNoise({ kind, message }: ToldEntry): boolean {
  return kind === 'code.reported' && message.startsWith('Seam reports ');
}

// "Mon 9 Mar 09:00–17:00" or with a second date.
const hoursPattern =
  /, [A-Z][a-z]{2} \d{1,2} [A-Z][a-z]{2} \d\d:\d\d–(?:[A-Z][a-z]{2} \d{1,2} [A-Z][a-z]{2} )?\d\d:\d\d/;

/** A line of the history in a time line that says itself which door and window it is about. */
function tell(facts: DoorFacts, entry: ToldEntry): string {
  const { kind, detail } = entry;
  const valid = validity(facts, detail);
  switch (kind) {
    case 'window.planned':
    case 'window.moved': {
      const window = windowIn(detail, 'window_starts_at', 'window_ends_at');
      if (window === null) break;
      const what = `${hours(facts, window)}${reasonFor(facts, window)}`;
      return kind === 'window.planned' ? `Planned for ${what}.` : `The window is now ${what}.`;
    }
    case 'code.updated':
      if (valid !== null) return `Seam was asked for the new times and has them: the code is valid ${valid}.`;
      break;
    case 'code.created':
      if (valid !== null && !entry.message.includes('longer than asked'))
        return `Seam was asked for the code and made it, valid ${valid}.`;
      break;
    case 'code.adopted':
      if (valid !== null) return `Found at Seam and taken over, valid ${valid}.`;
      break;
    case 'code.observed':
      return `Only observed: Seam would have been asked to ${String(detail['would'])} the code.`;
    case 'code.removed':
      return `The code is gone from Seam and the lock.${entry.message.includes('gets another one') ? ' The window goes on and gets another one.' : ''}`;
    case 'schedule.changed':
      if (typeof detail['by'] === 'string') return `${entry.message.replace(/\.$/, '')}, by ${detail['by']}.`;
      break;
  }
  return shortened(entry);
}

/** Why there is a window, where it is as it was told: what is known of now says nothing of one that was changed. */
function reasonFor({ planned }: DoorFacts, { startsAt, endsAt }: Window): string {
  const isSame =
    planned.window?.startsAt.getTime() === startsAt.getTime() && planned.window.endsAt.getTime() === endsAt.getTime();
  return isSame && planned.isOpen && planned.why !== '' ? ` (${planned.why})` : '';
}

/** A message without what it repeats of door and window. */
function shortened({ message, detail }: ToldEntry): string {
  const { schedule_name: name, device_name: device } = detail;
  if (typeof name !== 'string') return message;
  const at = message.indexOf(`${name} at ${typeof device === 'string' ? device : 'device '}`);
  const match = at < 0 ? null : hoursPattern.exec(message.slice(at));
  if (match === null) return message;
  const before = message.slice(0, at);
  const after = message.slice(at + match.index + match[0].length);
  if (before === 'Removing: the code of ') return `Removing the code${after}`;
  const isSubject = /: (the code of )?$/.test(before);
  if (isSubject) return `${before.replace(/: (the code of )?$/, '')}${after.replace(/^;/, ':')}`;
  return `${before.replace(/the code of $/, 'the code')}${/code of $/.test(before) ? '' : 'this window'}${after}`;
}

function validity(facts: DoorFacts, detail: ToldEntry['detail']): string | null {
  const window = windowIn(detail, 'starts_at', 'ends_at');
  return window === null ? null : hours(facts, window);
}

function windowIn(detail: ToldEntry['detail'], starts: string, ends: string): Window | null {
  const { [starts]: from, [ends]: to } = detail;
  if (typeof from !== 'string' || typeof to !== 'string') return null;
  return { startsAt: new Date(from), endsAt: new Date(to) };
}
