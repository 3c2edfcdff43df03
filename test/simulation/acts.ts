// What an action of people makes of a schedule, worked out over the reference's windows: it shares nothing with the service's own
// decision but the words in which the README tells of it.
import type { ExtraWindow } from '../../src/core/windows.ts';
import type { Act } from '../../src/flows/act-on-schedule.ts';
import type { Span } from '../support/reference-windows.ts';
import type { ScheduleText } from './schedule-text.ts';

export interface ActWorld {
  readonly now: number;
  readonly windowsOf: (text: ScheduleText) => readonly Span[];
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** The schedule after the action; null where it is to be refused. */
export function actedOn(text: ScheduleText, act: Act, world: ActWorld): ScheduleText | null {
  if (text.status === 'ended' && act.kind !== 'resume' && act.kind !== 'revoke') return null;
  switch (act.kind) {
    case 'pause':
      return { ...text, status: 'paused' };
    case 'resume':
      return text.status === 'ended' && (!act.revive || !isAnyComing(text, world))
        ? null
        : { ...text, status: 'active' };
    case 'revoke':
      return { ...text, status: 'ended' };
    case 'end': {
      const on = act.on ?? dateAt(text, world.now);
      return on < dateAt(text, world.now) || on < text.starts_on ? null : { ...text, ends_on: on };
    }
    case 'skip':
      return skipped(text, act.date, world);
    case 'unskip': {
      const isMeant = ({ startAt, endAt }: Span): boolean =>
        endAt > world.now && (act.date === null || dateAt(text, startAt) === act.date);
      const left = text.skipped.filter((one) => !isMeant(one));
      return left.length === text.skipped.length ? null : { ...text, skipped: left };
    }
    case 'extend':
      return extended(text, act.until, world);
    case 'extra':
      return withExtra(text, act, world);
    case 'rotate_pin':
    case 'reopen':
      return text.status === 'active' ? text : null;
  }
}

/** Whether some window is not over, though it is skipped: a schedule without one ends by itself. */
export function isAnyComing(text: ScheduleText, { now, windowsOf }: ActWorld): boolean {
  return [...windowsOf(text), ...text.skipped].some(({ endAt }) => endAt > now);
}

/** The text of a file over what is stored: who skipped a visit meant the visit, and not the minutes that it then lasted. */
export function rewritten(before: ScheduleText, file: ScheduleText, { now, windowsOf }: ActWorld): ScheduleText {
  const over = before.skipped.filter(({ endAt }) => endAt <= now);
  const coming = before.skipped.filter(({ endAt }) => endAt > now);
  if (coming.length === 0) return file;
  const bare = (text: ScheduleText, opened: readonly ExtraWindow[]): readonly Span[] =>
    pieces({ ...text, skipped: [], opened }, windowsOf);
  const [ruled, ruledThen] = [bare(before, []), bare(file, [])];
  const [all, allThen] = [bare(before, before.opened), bare(file, before.opened)];
  const carried = [...new Set(coming.map(({ startAt }) => dateAt(before, startAt)))].flatMap((date) => {
    const onDate = (windows: readonly Span[]): Span[] =>
      windows.filter(({ startAt }) => dateAt(before, startAt) === date);
    const skips = onDate(coming);
    const isOfExtra = (skip: Span): boolean =>
      onDate(all).some((one) => touch(skip, one)) && !onDate(ruled).some((one) => touch(skip, one));
    const isDayOff = onDate(ruled).every((window) => skips.some((skip) => holds(skip, window)));
    const ofRules = skips.filter((skip) => !isOfExtra(skip));
    return [
      ...carriedOf(ofRules, onDate(ruled), onDate(ruledThen), isDayOff),
      ...carriedOf(skips.filter(isOfExtra), onDate(all), onDate(allThen), false),
    ];
  });
  return { ...file, skipped: [...over, ...carried] };
}

function carriedOf(skips: readonly Span[], before: readonly Span[], then: readonly Span[], isDayOff: boolean): Span[] {
  if (skips.length === 0 || JSON.stringify(before) === JSON.stringify(then)) return [...skips];
  const gone = then.filter((window) => isDayOff || skips.some((skip) => touch(skip, window)));
  if (gone.length === 0) return [...skips];
  return [...(isDayOff ? [] : skips.filter((skip) => !gone.some((window) => touch(skip, window)))), ...gone];
}

function skipped(text: ScheduleText, date: string | null, { now, windowsOf }: ActWorld): ScheduleText | null {
  const windows = pieces(text, windowsOf);
  const meant =
    date === null
      ? windows.filter(({ startAt }) => startAt > now).slice(0, 1)
      : windows.filter(({ startAt, endAt }) => endAt > now && dateAt(text, startAt) === date);
  return meant.length === 0 ? null : { ...text, skipped: [...text.skipped, ...meant] };
}

function extended(text: ScheduleText, until: string, { now, windowsOf }: ActWorld): ScheduleText | null {
  const [today, lateMs] = [dateAt(text, now), text.grace.late_minutes * minuteMs];
  const windows = pieces(text, windowsOf);
  const next = windows.find(({ endAt }) => endAt > now);
  const ofToday = windows.filter(({ startAt }) => dateAt(text, startAt) === today);
  const isNextMeant = next !== undefined && (next.startAt <= now || ofToday.includes(next));
  const window = isNextMeant ? next : ofToday.at(-1);
  if (window === undefined) return null;
  const openUntil = Math.max(now, window.endAt);
  const from = window.endAt <= now ? now : window.endAt - lateMs;
  const piece = { date: dateAt(text, from), from: timeAt(text, from), to: until };
  const then = { ...text, opened: withOpened(text, piece) };
  const lastOpenAt = window.endAt <= now ? now : window.endAt - 1;
  const longer = pieces(then, windowsOf).find(({ startAt, endAt }) => startAt <= lastOpenAt && endAt > lastOpenAt);
  const gainedMs = (longer?.endAt ?? 0) - openUntil;
  return piece.from === until || gainedMs <= 0 || gainedMs > 12 * hourMs + lateMs ? null : then;
}

function withExtra(text: ScheduleText, { date, from, to }: ExtraWindow, world: ActWorld): ScheduleText | null {
  const then = { ...text, opened: withOpened(text, { date, from, to }) };
  if (date < text.starts_on || (text.ends_on !== null && date > text.ends_on)) return null;
  const before = world.windowsOf(text);
  const isNew = (one: Span): boolean => !before.some((old) => old.startAt === one.startAt && old.endAt === one.endAt);
  return world.windowsOf(then).some((one) => one.endAt > world.now && isNew(one)) ? then : null;
}

function withOpened({ opened }: ScheduleText, piece: ExtraWindow): ExtraWindow[] {
  return [...opened.filter(({ date, from, to }) => `${date}${from}${to}` !== Object.values(piece).join('')), piece];
}

/** Windows as people see them: a run of more than 31 days, which here is one that has no end, is cut at each month's beginning. */
function pieces(text: ScheduleText, windowsOf: ActWorld['windowsOf']): readonly Span[] {
  const windows = windowsOf(text);
  if (windows.every(({ startAt, endAt }) => endAt - startAt <= 3 * dayMs)) return windows;
  const runs = windowsOf({ ...text, blackouts: [], skipped: [] }).filter(
    ({ startAt, endAt }) => endAt - startAt > 31 * dayMs,
  );
  const cuts = runs.flatMap((run) => firstsIn(run, text.timezone));
  return windows.flatMap(({ startAt, endAt }) => {
    const edges = [startAt, ...cuts.filter((at) => at > startAt && at < endAt), endAt];
    return edges.slice(1).map((end, index) => ({ startAt: edges[index] ?? startAt, endAt: end }));
  });
}

function firstsIn({ startAt, endAt }: Span, timezone: string): number[] {
  const firsts: number[] = [];
  let first = Temporal.Instant.fromEpochMilliseconds(startAt)
    .toZonedDateTimeISO(timezone)
    .toPlainDate()
    .with({ day: 1 });
  for (let at = startAt; at < endAt; at = first.toZonedDateTime(timezone).epochMilliseconds) {
    if (at > startAt) firsts.push(at);
    first = first.add({ months: 1 });
  }
  return firsts;
}

function touch(a: Span, b: Span): boolean {
  return a.startAt < b.endAt && b.startAt < a.endAt;
}

function holds(outer: Span, inner: Span): boolean {
  return outer.startAt <= inner.startAt && inner.endAt <= outer.endAt;
}

/** On the schedule's own clock. */
export function dateAt({ timezone }: ScheduleText, at: number): string {
  return localAt(timezone, at).toPlainDate().toString();
}

/** On the schedule's own clock, as "HH:MM". */
export function timeAt({ timezone }: ScheduleText, at: number): string {
  return localAt(timezone, at).toPlainTime().toString().slice(0, 5);
}

function localAt(timezone: string, at: number): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timezone);
}
