// What people do to a schedule, in the middle of a window or not: they change its file, or act on it.
import type { Act } from '../../src/flows/act-on-schedule.ts';
import { type ActWorld, dateAt, rewritten, timeAt } from './acts.ts';
import type { Chance } from './chance.ts';
import type { ScheduleText } from './schedule-text.ts';

export type Edit =
  | { readonly what: string; readonly text: ScheduleText }
  /** By one of the actions of the API and the command line. */
  | { readonly act: Act };

const kinds = {
  later_end: 3,
  earlier_end: 3,
  other_start: 2,
  blackout: 2,
  no_blackouts: 3,
  add_door: 1,
  drop_door: 3,
  rotate: 1,
  skip: 4,
  unskip: 4,
  pause: 2,
  extend: 2,
  extra: 2,
  end: 1,
  revoke: 1,
  rotate_pin: 2,
  reopen: 4,
} as const;

export const editKinds: readonly string[] = Object.keys(kinds);

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const resume: Act = { kind: 'resume', revive: true };

export function drawEdit(chance: Chance, text: ScheduleText, world: ActWorld, doors: readonly string[]): Edit {
  // Somebody misses the schedule, or does not know that it is paused.
  if (text.ends_on !== null && chance.hits(0.8)) {
    const status = text.status === 'ended' ? 'active' : text.status;
    const goesOn = { what: 'goes_on', text: rewritten(text, { ...text, status, ends_on: null }, world) };
    return chance.hits(0.5) ? goesOn : { act: { kind: 'end', on: laterDate(text, world.now, 4) } };
  }
  if (text.status === 'ended' || (text.status === 'paused' && chance.hits(0.7))) return { act: resume };
  // Who fell ill is well again.
  const isSkipComing = text.skipped.some(({ endAt }) => endAt > world.now);
  if (isSkipComing && chance.hits(0.3)) return { act: { kind: 'unskip', date: null } };
  const what = chance.weighted(kinds);
  const act = drawAct(what, chance, text, world);
  if (act !== null) return { act };
  return { what, text: rewritten(text, edited(what, chance, text, world.now, doors), world) };
}

function drawAct(what: keyof typeof kinds, chance: Chance, text: ScheduleText, world: ActWorld): Act | null {
  const { now, windowsOf } = world;
  const today = dateAt(text, now);
  switch (what) {
    case 'skip':
      return { kind: what, date: chance.pick([today, today, laterDate(text, now, 1), null]), reason: null };
    case 'unskip':
      return { kind: what, date: chance.hits(0.5) ? null : today };
    case 'extend': {
      const next = windowsOf(text).find(({ endAt }) => endAt > now);
      const isMeant = next !== undefined && (next.startAt <= now || dateAt(text, next.startAt) === today);
      const until = (isMeant ? next.endAt : now) + chance.between(-1, 4) * 30 * minuteMs;
      return { kind: what, until: timeAt(text, until) };
    }
    case 'extra': {
      const from = shifted(timeAt(text, now), chance.between(0, 90));
      return { kind: what, date: today, from, to: shifted(from, chance.between(30, 180)) };
    }
    case 'end':
      return { kind: what, on: chance.pick([null, laterDate(text, now, 1), laterDate(text, now, 2)]) };
    case 'pause':
    case 'revoke':
      return { kind: what };
    case 'rotate_pin':
      return { kind: what, pin: null };
    case 'reopen':
      return { kind: what, deviceIds: chance.hits(0.5) ? null : text.devices.slice(0, 1) };
    default:
      return null;
  }
}

function laterDate(text: ScheduleText, now: number, days: number): string {
  return dateAt(text, now + days * dayMs);
}

function edited(
  what: keyof typeof kinds,
  chance: Chance,
  text: ScheduleText,
  now: number,
  doors: readonly string[],
): ScheduleText {
  const local = Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(text.timezone);
  const minutes = chance.pick([15, 30, 60, 120]);
  switch (what) {
    case 'later_end':
      return withFirst(text, ({ from, to }) => ({ from, to: shifted(to, minutes) }));
    case 'earlier_end':
      return withFirst(text, ({ from, to }) => ({ from, to: shifted(to, -minutes) }));
    case 'other_start':
      return withFirst(text, ({ from, to }) => ({ from: shifted(from, chance.hits(0.5) ? minutes : -minutes), to }));
    case 'blackout': {
      const from = local.toPlainDateTime().add({ minutes: chance.between(-30, 240) });
      const to = from.add({ minutes: chance.between(30, 240) });
      const blackout = { from: from.toString().slice(0, 16), to: to.toString().slice(0, 16) };
      return { ...text, blackouts: [...text.blackouts, blackout] };
    }
    case 'no_blackouts':
      return { ...text, blackouts: [] };
    case 'add_door':
      return { ...text, devices: [...new Set([...text.devices, chance.pick(doors) ?? ''])] };
    case 'drop_door':
      return text.devices.length === 1 ? text : { ...text, devices: text.devices.slice(1) };
    case 'rotate':
      return { ...text, pin: text.pin === 'keep' ? 'rotate' : 'keep' };
    default:
      return text;
  }
}

function withFirst(
  text: ScheduleText,
  change: (span: { from: string; to: string }) => { from: string; to: string },
): ScheduleText {
  const [first, ...others] = text.windows;
  if (first === undefined) return text;
  const { from, to } = change(first);
  // The same time twice would mean a whole day.
  return from === to ? text : { ...text, windows: [{ ...first, from, to }, ...others] };
}

function shifted(time: string, minutes: number): string {
  return Temporal.PlainTime.from(time === '24:00' ? '00:00' : time)
    .add({ minutes })
    .toString()
    .slice(0, 5);
}
