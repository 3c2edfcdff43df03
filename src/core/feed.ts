// A schedule's windows as events of a calendar. Concrete windows and no recurrence: holidays, skips, blackouts and changes of the
// clocks are in them already. What did not change comes out the same to the letter, whenever it is asked for.
import type { CodeState } from './access-code.ts';
import { calendarOf, type Schedule } from './schedule.ts';
import { causesOf, describeCauses, type WindowCause } from './window-causes.ts';
import { type Blackout, type Calendar, type Window, windowsFrom } from './windows.ts';

/** One window, at all doors that open just then. */
export interface FeedEvent extends Window {
  /** Stays when the window is moved: made of the schedule and the rule and day that the window comes from. */
  readonly uid: string;
  /** IANA zone in which it is shown. */
  readonly timezone: string;
  readonly summary: string;
  readonly location: string;
  /** Never holds a PIN. */
  readonly description: string;
  readonly changedAt: Date;
  /** Rises with each change of what decides windows. */
  readonly sequence: number;
}

/** A code of a window that is not over. */
export interface FeedCode extends Window {
  readonly deviceId: string;
  readonly state: CodeState;
  /** Since when the lock holds it. */
  readonly readyAt: Date | null;
}

/** What a feed tells of a schedule. */
export interface FeedSource {
  readonly schedule: Schedule;
  readonly createdAt: Date;
  /** When what decides its windows last changed: the schedule, its holiday lists, the blackouts of its doors. */
  readonly changedAt: Date;
  readonly nameOf: (deviceId: string) => string;
  readonly blackoutsOf: (deviceId: string) => readonly Blackout[];
  /** Of one door, the last one made is the last. */
  readonly codes: readonly FeedCode[];
}

/** Which windows are wanted: those that end after `from` and begin before `to`. */
export interface FeedSpan {
  readonly from: Date;
  readonly to: Date;
  readonly now: Date;
}

// More than one every twenty minutes.
const windowsMax = 10_000;
const pageSize = 250;

/** Of too many windows those that are nearest to now, in their order. */
export function nearestWindows<W extends Window>(windows: readonly W[], limit: number, now: Date): readonly W[] {
  if (windows.length <= limit) return windows;
  const distance = ({ startsAt }: Window): number => Math.abs(startsAt.getTime() - now.getTime());
  const nearest = new Set([...windows].sort((a, b) => distance(a) - distance(b)).slice(0, limit));
  return windows.filter((window) => nearest.has(window));
}

/** The events of an active schedule, earliest first; of more than `limit` the nearest. A paused or ended one has none. */
export function feedEvents(
  source: FeedSource,
  { from, to, now }: FeedSpan,
  limit = Number.POSITIVE_INFINITY,
): FeedEvent[] {
  const { schedule, createdAt } = source;
  if (schedule.status !== 'active') return [];
  const deviceIds = schedule.devices.map(({ deviceId }) => deviceId);
  const groups = Map.groupBy(deviceIds, (deviceId) => JSON.stringify(source.blackoutsOf(deviceId)));
  const events = new Map<string, Window & { readonly calendar: Calendar; readonly doors: string[] }>();
  for (const group of groups.values()) {
    const calendar = calendarOf(schedule, source.blackoutsOf(group[0] ?? ''));
    for (const window of windowsIn(calendar, from, to)) {
      const key = `${window.startsAt.getTime()}/${window.endsAt.getTime()}`;
      const same = events.get(key);
      if (same === undefined) events.set(key, { ...window, calendar, doors: [...group] });
      else same.doors.push(...group);
    }
  }
  const sorted = [...events.values()].sort(
    (a, b) => a.startsAt.getTime() - b.startsAt.getTime() || a.endsAt.getTime() - b.endsAt.getTime(),
  );
  const seen = new Map<string, number>();
  return nearestWindows(sorted, limit, now).map(({ startsAt, endsAt, calendar, doors }): FeedEvent => {
    const window = { startsAt, endsAt };
    const causes = causesOf(calendar, window);
    const origin = originOf(causes) ?? startsAt.toISOString();
    const times = (seen.get(origin) ?? 0) + 1;
    seen.set(origin, times);
    const readyAt = doors.flatMap((deviceId) => codeOf(source, deviceId, window)?.readyAt ?? []);
    return {
      ...window,
      uid: `${schedule.id}.${origin}${times === 1 ? '' : `.${times}`}@relatch`,
      timezone: schedule.timezone,
      summary: schedule.name,
      location: doors.map(source.nameOf).join(', '),
      description: [
        `Doors: ${doors.map(source.nameOf).join(', ')}`,
        `Why: ${describeCauses(causes)}`,
        ...(endsAt <= now ? [] : doors.map((deviceId) => codeLine(source, deviceId, window))),
      ].join('\n'),
      changedAt: new Date(Math.max(...[source.changedAt, ...readyAt].map(Number))),
      sequence: Math.max(0, Math.floor((source.changedAt.getTime() - createdAt.getTime()) / 1_000)),
    };
  });
}

function* windowsIn(calendar: Calendar, from: Date, to: Date): Generator<Window> {
  let after = from;
  for (let count = 0; count < windowsMax; count += pageSize) {
    const page = windowsFrom(calendar, after, pageSize);
    for (const window of page) {
      if (window.startsAt >= to) return;
      yield window;
    }
    const last = page.at(-1);
    if (last === undefined || page.length < pageSize) return;
    after = last.endsAt;
  }
}

/** "r1.2027-03-08": the first rule or extra of a window, and its day. Parts of one that a blackout splits are told apart by number. */
function originOf(causes: readonly WindowCause[]): string | null {
  for (const cause of causes) {
    if (cause.kind === 'rule') return `r${cause.rule}.${cause.dates[0]}`;
    if (cause.kind === 'extra') return `extra.${cause.date}`;
  }
  return null;
}

function codeOf({ codes }: FeedSource, deviceId: string, window: Window): FeedCode | undefined {
  return codes.findLast(
    (code) => code.deviceId === deviceId && code.startsAt < window.endsAt && window.startsAt < code.endsAt,
  );
}

const words: Readonly<Record<CodeState, string>> = {
  planned: 'its code is not made yet',
  calling: 'its code is being made',
  unknown: 'its code is being made',
  created: 'its code is made, and not on the lock yet',
  removing: 'its code is being taken off the lock',
  rejected: 'its code was refused: see the alerts',
  removed: 'its code is gone',
  closed: 'closed',
};

function codeLine(source: FeedSource, deviceId: string, window: Window): string {
  const code = codeOf(source, deviceId, window);
  const isReady = code?.state === 'created' && code.readyAt !== null;
  const text = isReady ? 'its code is on the lock' : words[code?.state ?? 'planned'];
  return `${source.nameOf(deviceId)}: ${text}`;
}
