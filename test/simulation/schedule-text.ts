// Schedules as people write them, drawn from chance: hours that change of the clock falls into, nights, whole days, short ones.
import type { CalendarInput, ExtraWindow } from '../../src/core/windows.ts';
import type { Span } from '../support/reference-windows.ts';
import type { Chance } from './chance.ts';

/** One schedule: the fields of its file that the simulation uses, and what people have made of it by hand. */
export interface ScheduleText {
  readonly key: string;
  readonly name: string;
  readonly devices: readonly string[];
  readonly timezone: string;
  readonly starts_on: string;
  readonly windows: readonly { readonly rrule: string; readonly from: string; readonly to: string }[];
  readonly pin: 'keep' | 'rotate';
  readonly allow_other_pin: boolean;
  readonly status: 'active' | 'paused' | 'ended';
  readonly ends_on: string | null;
  readonly blackouts: readonly { readonly from: string; readonly to: string }[];
  readonly grace: { readonly early_minutes: number; readonly late_minutes: number };
  /** Windows that were skipped; no file tells of them. */
  readonly skipped: readonly Span[];
  /** Extra windows and extensions; no file tells of them. */
  readonly opened: readonly ExtraWindow[];
}

/** A place and a day of it shortly before its clocks change. */
export interface Season {
  readonly startsAt: string;
  readonly zones: readonly [string, ...string[]];
}

export const seasons: readonly [Season, ...Season[]] = [
  { startsAt: '2027-03-11T10:00:00Z', zones: ['America/New_York', 'America/Los_Angeles', 'America/Havana'] },
  { startsAt: '2027-03-25T10:00:00Z', zones: ['Europe/London', 'Europe/Berlin', 'Asia/Kolkata'] },
  { startsAt: '2027-04-01T10:00:00Z', zones: ['Australia/Lord_Howe', 'Australia/Sydney', 'Pacific/Auckland'] },
  { startsAt: '2027-10-28T10:00:00Z', zones: ['Europe/London', 'Europe/Lisbon', 'Africa/Cairo'] },
  { startsAt: '2027-11-04T10:00:00Z', zones: ['America/New_York', 'America/Havana', 'America/St_Johns'] },
];

const hours: readonly [readonly [string, string], ...(readonly [string, string])[]] = [
  ['09:00', '17:00'],
  ['22:00', '06:00'],
  ['01:30', '03:30'],
  ['02:15', '02:45'],
  ['00:00', '24:00'],
  ['07:00', '08:00'],
  ['12:00', '12:30'],
  ['18:00', '23:30'],
  ['00:30', '02:30'],
];
const rules = [
  'FREQ=DAILY',
  'FREQ=WEEKLY;BYDAY=MO,TH',
  'FREQ=WEEKLY;BYDAY=SA,SU',
  'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR',
  'FREQ=DAILY;INTERVAL=2',
] as const;

export function drawSchedule(chance: Chance, index: number, season: Season, doors: readonly string[]): ScheduleText {
  const first = chance.below(doors.length);
  const second = chance.hits(0.25) ? (first + 1) % doors.length : first;
  const windows = Array.from({ length: chance.hits(0.15) ? 2 : 1 }, () => {
    const [from, to] = chance.pick(hours);
    return { rrule: chance.pick(rules), from, to };
  });
  return {
    key: `s${index}`,
    name: `Crew ${index}`,
    devices: [...new Set([doors[first] ?? '', doors[second] ?? ''])],
    timezone: chance.pick(season.zones),
    starts_on: '2027-01-01',
    windows,
    pin: chance.hits(0.35) ? 'rotate' : 'keep',
    allow_other_pin: chance.hits(0.3),
    status: 'active',
    ends_on: null,
    blackouts: [],
    grace: chance.hits(0.2) ? { early_minutes: 10, late_minutes: 15 } : { early_minutes: 0, late_minutes: 0 },
    skipped: [],
    opened: [],
  };
}

/** The file that `npm run seed` would be given: YAML is a superset of JSON. */
export function fileOf(texts: readonly ScheduleText[]): string {
  const schedules = texts.map(({ skipped: _, opened: __, ...text }) => text);
  return JSON.stringify({ schedules });
}

/** As the reference calculator takes it. */
export function calendarInputOf(text: ScheduleText): CalendarInput {
  return {
    windows: text.windows,
    timezone: text.timezone,
    startsOn: text.starts_on,
    endsOn: text.ends_on ?? undefined,
    extra: text.opened,
    blackouts: text.blackouts.map((blackout) => ({ ...blackout, reason: null })),
    closings: text.skipped.map(({ startAt, endAt }) => ({
      startsAt: new Date(startAt).toISOString(),
      endsAt: new Date(endAt).toISOString(),
      reason: null,
    })),
    grace: { earlyMinutes: text.grace.early_minutes, lateMinutes: text.grace.late_minutes },
  };
}
