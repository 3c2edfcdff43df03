import { describe, expect, it } from 'vitest';
import { type FeedCode, type FeedEvent, type FeedSource, feedEvents } from '../../src/core/feed.ts';
import { calendarOf, type Schedule } from '../../src/core/schedule.ts';
import { windowsFrom } from '../../src/core/windows.ts';
import { icalendar } from '../../src/http/icalendar.ts';
import { crew } from '../support/crew.ts';
import { readCalendar } from '../support/icalendar.ts';

const day = 86_400_000;
let version = 0;

function aSchedule(fields: Partial<Schedule> = {}): Schedule {
  version += 1;
  const daily = [{ rrule: 'FREQ=DAILY', from: '09:00', to: '17:00' }];
  return { ...crew, startsOn: '2026-01-01', rules: daily, version, ...fields };
}

function aSource(fields: Partial<Schedule> = {}, facts: Partial<FeedSource> = {}): FeedSource {
  return {
    schedule: aSchedule(fields),
    createdAt: new Date('2027-01-01T00:00:00Z'),
    changedAt: new Date('2027-02-01T08:00:00Z'),
    nameOf: (deviceId) => ({ front: 'Front door', back: 'Back door' })[deviceId] ?? deviceId,
    blackoutsOf: () => [],
    codes: [],
    ...facts,
  };
}

function spanAt(now: string) {
  const at = Date.parse(now);
  return { now: new Date(at), from: new Date(at - 31 * day), to: new Date(at + 90 * day) };
}

const textOf = (events: readonly FeedEvent[], span: ReturnType<typeof spanAt>, name = 'Crew'): string =>
  icalendar({ id: '', name, events, from: span.from, to: span.to, isCut: false });

const nights = [{ rrule: 'FREQ=DAILY', from: '22:00', to: '06:00' }];

describe('a feed tells the windows of the calculator', () => {
  it.each([
    { timezone: 'America/New_York', now: '2027-03-10T00:00:00Z' },
    { timezone: 'America/New_York', now: '2027-10-20T00:00:00Z', rules: nights },
    { timezone: 'Australia/Lord_Howe', now: '2027-03-20T00:00:00Z', rules: nights },
    { timezone: 'Australia/Lord_Howe', now: '2027-09-20T00:00:00Z', rules: nights },
    // Two changes within one feed, as each year by Ramadan where tz data has them; and rules that no RRULE tells.
    { timezone: 'Africa/Casablanca', now: '2027-02-01T00:00:00Z', rules: nights },
    { timezone: 'Asia/Jerusalem', now: '2028-03-01T00:00:00Z', rules: nights },
    {
      timezone: 'Europe/Dublin',
      now: '2027-10-01T00:00:00Z',
      rules: [{ rrule: 'FREQ=DAILY', from: '00:30', to: '01:45' }],
    },
    { timezone: 'Asia/Kathmandu', now: '2027-10-01T00:00:00Z' },
    { timezone: 'UTC', now: '2027-10-01T00:00:00Z' },
    {
      timezone: 'Europe/Berlin',
      now: '2027-03-10T00:00:00Z',
      rules: [{ rrule: 'FREQ=DAILY', from: '02:30', to: '03:15' }],
    },
    {
      timezone: 'Europe/Berlin',
      now: '2027-10-10T00:00:00Z',
      rules: [{ rrule: 'FREQ=DAILY', from: '00:00', to: '24:00' }],
    },
    // Grace leads into the second of two equal local times.
    {
      timezone: 'Europe/Berlin',
      now: '2027-10-10T00:00:00Z',
      rules: [{ rrule: 'FREQ=DAILY', from: '01:00', to: '02:15' }],
      grace: { earlyMinutes: 0, lateMinutes: 60 },
    },
  ])('in $timezone around $now', ({ now, ...fields }) => {
    const source = aSource(fields);
    const span = spanAt(now);
    const { events, tzids } = readCalendar(textOf(feedEvents(source, span), span));
    const expected = windowsFrom(calendarOf(source.schedule, []), span.from, 1_000).filter(
      ({ startsAt }) => startsAt < span.to,
    );
    expect(expected.length).toBeGreaterThan(4);
    expect(events.map(({ startsAt, endsAt }) => ({ startsAt, endsAt }))).toEqual(
      expected.map(({ startsAt, endsAt }) => ({ startsAt: startsAt.toISOString(), endsAt: endsAt.toISOString() })),
    );
    expect(tzids).toEqual(fields.timezone === 'UTC' ? [] : [fields.timezone]);
    const inUtc = events.filter(({ tzid }) => tzid === null).length;
    expect(inUtc).toBe(fields.timezone === 'UTC' ? events.length : fields.grace === undefined ? 0 : 1);
  });
});

it('tells an event of a window in the same words each time, and keeps its id when the window is moved', () => {
  const span = spanAt('2027-03-10T00:00:00Z');
  const read = (source: FeedSource) => readCalendar(textOf(feedEvents(source, span), span)).events;
  const rules = [
    { rrule: 'FREQ=DAILY', from: '07:00', to: '08:00' },
    { rrule: 'FREQ=DAILY', from: '09:00', to: '17:00' },
  ];
  const source = aSource({ rules });
  expect(textOf(feedEvents(source, span), span)).toBe(textOf(feedEvents(source, span), span));
  const before = read(source);
  const moved = read(
    aSource(
      { rules: [rules[0]!, { rrule: 'FREQ=DAILY', from: '10:00', to: '17:30' }] },
      { changedAt: new Date('2027-02-01T08:05:00Z') },
    ),
  );
  expect(moved.map(({ uid }) => uid)).toEqual(before.map(({ uid }) => uid));
  expect(moved[1]?.startsAt).not.toBe(before[1]?.startsAt);
  expect(moved[1]?.sequence).toBe((before[1]?.sequence ?? 0) + 300);
  // A skipped morning takes nothing from the afternoon's.
  const [first] = before;
  const closed = [{ startsAt: first!.startsAt, endsAt: first!.endsAt, reason: null }];
  const skipped = read(aSource({ rules, byHand: { closed, opened: [] } }));
  expect(skipped.map(({ uid }) => uid)).toEqual(before.slice(1).map(({ uid }) => uid));
  // One window in two parts, and doors that differ.
  const parted = read(
    aSource(
      { rules: [rules[1]!], devices: ['back', 'front'].map((deviceId) => ({ deviceId, generation: 0 })) },
      {
        blackoutsOf: (deviceId) =>
          deviceId === 'front' ? [{ from: '2027-03-12T12:00', to: '2027-03-12T13:00', reason: 'guests' }] : [],
      },
    ),
  ).filter(({ startsAt }) => startsAt.startsWith('2027-03-12'));
  expect(parted.map(({ uid, location }) => [uid.replace(/^.*\.r/, 'r'), location])).toEqual([
    ['r1.2027-03-12@relatch', 'Front door'],
    ['r1.2027-03-12.2@relatch', 'Back door'],
    ['r1.2027-03-12.3@relatch', 'Front door'],
  ]);
});

it('says of a window that is not over whether its code is on the lock', () => {
  const now = '2027-03-10T15:00:00Z';
  const devices = ['front', 'back'].map((deviceId) => ({ deviceId, generation: 0 }));
  const window = { startsAt: new Date('2027-03-10T14:00:00Z'), endsAt: new Date('2027-03-10T22:00:00Z') };
  const code = { ...window, deviceId: 'front', state: 'created', readyAt: new Date('2027-03-10T13:30:00Z') } as const;
  const told = (codes: readonly FeedCode[]): string[] => {
    const events = feedEvents(aSource({ devices }, { codes }), spanAt(now));
    const at = events.findIndex(({ startsAt }) => startsAt.getTime() === window.startsAt.getTime());
    return [events[at - 1], events[at]].map((event) => String(event?.description));
  };
  const doors = 'Doors: Front door, Back door\nWhy: rule 1';
  expect(told([code])).toEqual([
    doors,
    `${doors}\nFront door: its code is on the lock\nBack door: its code is not made yet`,
  ]);
  expect(told([code, { ...code, state: 'closed', readyAt: null }])[1]).toContain('Front door: closed\n');
  expect(told([{ ...code, readyAt: null }])[1]).toContain('Front door: its code is made, and not on the lock yet\n');
});

it.each(['paused', 'ended'] as const)('has no events of a schedule that is %s', (status) => {
  expect(feedEvents(aSource({ status }), spanAt('2027-03-10T00:00:00Z'))).toEqual([]);
});

it('lets no name break a line or begin another one', () => {
  const name = 'A;b,c\\n\r\nEND:VCALENDAR\nX-EVIL:1 \u0007\u0000\ud800"^😀'.repeat(9);
  const span = spanAt('2027-03-10T00:00:00Z');
  const source = aSource({ name }, { nameOf: () => name });
  const read = readCalendar(textOf(feedEvents(source, span), span, name));
  const plain = 'A;b,c\\n \nEND:VCALENDAR\nX-EVIL:1  \ufffd"^😀'.repeat(9);
  expect(read.name).toBe(plain);
  expect(read.events[0]).toMatchObject({ summary: plain, location: plain });
  expect(read.events.length).toBeGreaterThan(100);
});

it('shows of too many windows those that are nearest to now', () => {
  const span = spanAt('2027-03-10T00:00:00Z');
  const rules = Array.from({ length: 48 }, (_, half) => {
    const [hour, minutes] = [String(half >> 1).padStart(2, '0'), half % 2 === 0 ? ['00', '20'] : ['30', '50']];
    return { rrule: 'FREQ=DAILY', from: `${hour}:${minutes[0]}`, to: `${hour}:${minutes[1]}` };
  });
  const source = aSource({ rules, timezone: 'UTC' });
  const all = feedEvents(source, span);
  expect(all).toHaveLength(121 * 48);
  const shown = feedEvents(source, span, 4 * 48);
  expect(shown.map(({ startsAt }) => startsAt)).toEqual(all.slice(29 * 48, 33 * 48).map(({ startsAt }) => startsAt));
  const text = icalendar({ id: '', name: 'Crew', events: shown, from: span.from, to: span.to, isCut: true });
  expect(text).toContain('X-WR-CALDESC:Too much for one calendar');
  expect(textOf(shown, span)).not.toContain('X-WR-CALDESC');
});
