// What people do to a schedule, in the middle of a window or not.
import type { Chance } from './chance.ts';
import type { ScheduleText } from './schedule-text.ts';

export interface Edit {
  readonly what: string;
  readonly text: ScheduleText;
}

const kinds = {
  later_end: 3,
  earlier_end: 3,
  other_start: 2,
  skip_today: 3,
  unskip: 2,
  pause: 2,
  extra: 2,
  blackout: 2,
  add_door: 1,
  drop_door: 1,
  rotate: 1,
} as const;

export function drawEdit(chance: Chance, text: ScheduleText, now: Date, doors: readonly string[]): Edit {
  if (text.status === 'paused') return { what: 'resume', text: { ...text, status: 'active' } };
  const what = chance.weighted(kinds);
  return { what, text: edited(what, chance, text, now, doors) };
}

function edited(
  what: keyof typeof kinds,
  chance: Chance,
  text: ScheduleText,
  now: Date,
  doors: readonly string[],
): ScheduleText {
  const local = Temporal.Instant.fromEpochMilliseconds(now.getTime()).toZonedDateTimeISO(text.timezone);
  const today = local.toPlainDate().toString();
  const minutes = chance.pick([15, 30, 60, 120]);
  switch (what) {
    case 'later_end':
      return withFirst(text, ({ from, to }) => ({ from, to: shifted(to, minutes) }));
    case 'earlier_end':
      return withFirst(text, ({ from, to }) => ({ from, to: shifted(to, -minutes) }));
    case 'other_start':
      return withFirst(text, ({ from, to }) => ({ from: shifted(from, chance.hits(0.5) ? minutes : -minutes), to }));
    case 'skip_today':
      return { ...text, except: { dates: [...new Set([...text.except.dates, today])].sort() } };
    case 'unskip':
      return { ...text, except: { dates: [] }, blackouts: [] };
    case 'pause':
      return { ...text, status: 'paused' };
    case 'extra': {
      const from = shifted(local.toPlainTime().toString().slice(0, 5), chance.between(0, 90));
      const extra = { date: today, from, to: shifted(from, chance.between(30, 180)) };
      const others = text.extra.filter((one) => one.date !== today || one.from !== from);
      return { ...text, extra: [...others, extra] };
    }
    case 'blackout': {
      const from = local.toPlainDateTime().add({ minutes: chance.between(-30, 240) });
      const to = from.add({ minutes: chance.between(30, 240) });
      const blackout = { from: from.toString().slice(0, 16), to: to.toString().slice(0, 16) };
      return { ...text, blackouts: [...text.blackouts, blackout] };
    }
    case 'add_door':
      return { ...text, devices: [...new Set([...text.devices, chance.pick(doors) ?? ''])] };
    case 'drop_door':
      return text.devices.length === 1 ? text : { ...text, devices: text.devices.slice(1) };
    case 'rotate':
      return { ...text, pin: text.pin === 'keep' ? 'rotate' : 'keep' };
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
