import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Schedule } from '../../src/core/schedule.ts';
import { daysFrom, partsOn } from '../../src/core/week-days.ts';
import { heldUntilLost } from '../../src/core/week-gap.ts';
import { type WeekCode, type WeekInput, type WeekLine, weekLine } from '../../src/core/week-line.ts';
import { zoneNamed } from '../../src/core/zone.ts';
import { stretchedInputs } from '../support/calendar-inputs.ts';
import { crew } from '../support/crew.ts';
import { runs } from '../support/runs.ts';

const weekdays = { rrule: 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR', from: '09:00', to: '17:00' };
const nights = { rrule: 'FREQ=DAILY', from: '22:00', to: '06:00' };

function aSchedule(fields: Partial<Schedule> = {}): Schedule {
  return { ...crew, id: 'schedule', startsOn: '2027-01-01', rules: [weekdays], ...fields };
}

const instant = (text: string): Date => new Date(text.length === 16 ? `${text}:00Z` : text);

/** A row of the window from…to, on the lock from `ready` to `removed`. */
function aCode(
  [from, to]: readonly [string, string],
  lock: { ready?: string; removed?: string } = {},
  fields: Partial<WeekCode> = {},
): WeekCode {
  const [windowStartsAt, windowEndsAt] = [instant(from), instant(to)];
  const removedAt = lock.removed === undefined ? null : instant(lock.removed);
  return {
    windowStartsAt,
    windowEndsAt,
    generation: 0,
    state: removedAt === null ? 'created' : 'removed',
    confirmedStartsAt: windowStartsAt,
    confirmedEndsAt: windowEndsAt,
    deviceAwaySince: null,
    readyAt: lock.ready === undefined ? null : instant(lock.ready),
    removedAt,
    heldBefore: [],
    createdAt: instant('2027-03-01T00:00'),
    reason: removedAt === null ? null : 'expired',
    ...fields,
  };
}

function weekOf(monday: string, zone: string) {
  const days = daysFrom(zoneNamed(zone), monday);
  return { startsAt: days[0]!.startsAt, endsAt: days[6]!.endsAt };
}

/** The week of 2027-03-08 unless said otherwise, at Wednesday noon in New York. */
function lineOf(
  schedule: Partial<Schedule>,
  codes: readonly WeekCode[],
  more: Partial<WeekInput> & { monday?: string } = {},
): WeekLine {
  const { monday = '2027-03-08', ...rest } = more;
  const whole = aSchedule(schedule);
  return weekLine({
    schedule: whole,
    deviceId: 'front',
    doorBlackouts: [],
    codes,
    statuses: [],
    createdAt: instant('2027-01-01T00:00'),
    week: weekOf(monday, whole.timezone),
    now: instant('2027-03-10T17:00'),
    ...rest,
  });
}

/** "window over 14:00 → 22:00": a fact a line, in UTC. */
function told({ facts }: WeekLine, kinds: readonly string[] = ['window', 'closed', 'on_lock', 'gap']): string[] {
  const at = (date: Date): string => date.toISOString().slice(8, 16);
  return facts
    .filter(({ kind }) => kinds.includes(kind))
    .map((fact) => {
      const what = {
        window: () => (fact.kind === 'window' ? fact.state : ''),
        closed: () => (fact.kind === 'closed' ? fact.because.map(({ kind }) => kind).join('+') : ''),
        on_lock: () => (fact.kind === 'on_lock' ? `${fact.role}${fact.isStill ? ' still' : ''}` : ''),
        gap: () => (fact.kind === 'gap' ? `${fact.isStill ? 'still ' : ''}(${fact.why})` : ''),
      }[fact.kind]();
      return `${fact.kind} ${what} ${at(fact.startsAt)}/${at(fact.endsAt)}`;
    });
}

const mon = ['2027-03-08T14:00', '2027-03-08T22:00'] as const;
const tue = ['2027-03-09T14:00', '2027-03-09T22:00'] as const;
const wed = ['2027-03-10T14:00', '2027-03-10T22:00'] as const;
const thu = ['2027-03-11T14:00', '2027-03-11T22:00'] as const;
const served = (window: readonly [string, string], removed: string) =>
  aCode(window, { ready: '2027-03-08T05:00', removed });

describe('a week tells', () => {
  it('what was on the lock, what is open now, what is ready, and what is still to be made', () => {
    const line = lineOf({}, [
      aCode(mon, { ready: '2027-03-08T12:00', removed: '2027-03-08T22:05' }),
      aCode(tue, { ready: '2027-03-08T22:10', removed: '2027-03-09T22:05' }),
      aCode(wed, { ready: '2027-03-09T22:10' }),
      aCode(thu, { ready: '2027-03-10T15:00' }),
    ]);
    expect(told(line)).toEqual([
      'on_lock early 08T12:00/08T14:00',
      'window over 08T14:00/08T22:00',
      'on_lock valid 08T14:00/08T22:00',
      'on_lock late 08T22:00/08T22:05',
      'on_lock early 08T22:10/09T14:00',
      'window over 09T14:00/09T22:00',
      'on_lock valid 09T14:00/09T22:00',
      'on_lock late 09T22:00/09T22:05',
      'on_lock early 09T22:10/10T14:00',
      'window open 10T14:00/10T22:00',
      'on_lock valid still 10T14:00/10T17:00',
      'on_lock early still 10T15:00/10T17:00',
      'window ready 11T14:00/11T22:00',
      'window to_make 12T14:00/12T22:00',
    ]);
  });

  it.each<[string, WeekCode[], string[]]>([
    [
      'made late',
      [aCode(wed, { ready: '2027-03-10T15:30' })],
      ['gap (the lock held the code only from Wed 10 Mar 10:30 on) 10T14:00/10T15:30'],
    ],
    [
      'taken away by somebody',
      [
        aCode(
          wed,
          { ready: '2027-03-10T13:00', removed: '2027-03-10T15:00' },
          { state: 'closed', reason: 'taken_away' },
        ),
      ],
      [
        'gap still (somebody deleted it in Seam, and Relatch does not bring back what people take away) 10T15:00/10T17:00',
      ],
    ],
    [
      'not set on the lock',
      [aCode(wed)],
      ['gap still (Seam has the code, but never said that the lock holds it) 10T14:00/10T17:00'],
    ],
    [
      'refused',
      [aCode(wed, {}, { state: 'rejected', reason: 'too many codes' })],
      ['gap still (Seam or the lock refuses the code: too many codes) 10T14:00/10T17:00'],
    ],
    [
      'waiting',
      [aCode(wed, {}, { state: 'planned', reason: 'Seam answered 503' })],
      ['gap still (Seam answered 503) 10T14:00/10T17:00'],
    ],
    ['nowhere', [], ['gap still (no code was made for it) 10T14:00/10T17:00']],
    [
      'too short',
      [aCode(wed, { ready: '2027-03-10T13:00' }, { confirmedEndsAt: instant('2027-03-10T16:00') })],
      ['gap still (Seam had the code only until Wed 10 Mar 11:00) 10T16:00/10T17:00'],
    ],
    [
      'gone with its device',
      [aCode(wed, {}, { deviceAwaySince: instant('2027-03-10T12:00') })],
      ['gap still (Seam no longer has the device since Wed 10 Mar 07:00) 10T14:00/10T17:00'],
    ],
  ])('why the door is without the code of a window that is %s', (_, codes, gaps) => {
    expect(told(lineOf({}, codes), ['gap'])).toEqual(gaps);
  });

  it('a gap only for as long as the lock had lost the code', () => {
    const heldBefore = heldUntilLost([
      { eventType: 'access_code.scheduled_on_device', occurredAt: instant('2027-03-10T13:00') },
      { eventType: 'access_code.set_on_device', occurredAt: instant('2027-03-10T14:00') },
      { eventType: 'access_code.failed_to_set_on_device', occurredAt: instant('2027-03-10T15:00') },
      { eventType: 'access_code.delay_in_setting_on_device', occurredAt: instant('2027-03-10T15:10') },
      { eventType: 'access_code.set_on_device', occurredAt: instant('2027-03-10T16:00') },
    ]);
    expect(heldBefore).toEqual([{ startsAt: instant('2027-03-10T13:00'), endsAt: instant('2027-03-10T15:00') }]);
    const line = lineOf({}, [aCode(wed, { ready: '2027-03-10T16:00' }, { heldBefore })]);
    expect(told(line, ['gap', 'on_lock'])).toEqual([
      'on_lock early 10T13:00/10T14:00',
      'on_lock valid 10T14:00/10T15:00',
      'gap (the lock had lost the code, as Seam said on Wed 10 Mar 10:00) 10T15:00/10T16:00',
      'on_lock valid still 10T16:00/10T17:00',
    ]);
  });

  it('a window that passed without a code, from its row', () => {
    const line = lineOf({}, [aCode(mon, {}, { state: 'closed', reason: 'missed' }), served(tue, '2027-03-09T22:00')]);
    expect(told(line, ['window', 'gap']).slice(0, 3)).toEqual([
      'window missed 08T14:00/08T22:00',
      'gap (its code was not made in time) 08T14:00/08T22:00',
      'window over 09T14:00/09T22:00',
    ]);
  });

  it('no gap of what nobody recorded, and none of less than a minute', () => {
    const line = lineOf({}, [aCode(tue, { ready: '2027-03-09T14:00:59Z', removed: '2027-03-09T22:00' })]);
    expect(told(line, ['window', 'gap']).slice(0, 2)).toEqual([
      'window unrecorded 08T14:00/08T22:00',
      'window over 09T14:00/09T22:00',
    ]);
  });

  it('what was planned then, after the schedule was edited', () => {
    const later = [{ ...weekdays, from: '10:00', to: '18:00' }];
    const line = lineOf({ rules: later }, [served(mon, '2027-03-08T22:00'), served(tue, '2027-03-09T22:00')]);
    expect(line.facts.flatMap((fact) => (fact.kind === 'window' && fact.state === 'over' ? [fact.why] : []))).toEqual([
      'as it was planned then',
      'as it was planned then',
    ]);
    expect(told(line, ['window', 'gap'])).toEqual([
      'window over 08T14:00/08T22:00',
      'window over 09T14:00/09T22:00',
      'window without 10T15:00/10T23:00',
      'gap still (no code was made for it) 10T15:00/10T17:00',
      'window to_make 11T15:00/11T23:00',
      'window to_make 12T15:00/12T23:00',
    ]);
  });

  it('one window where two of now lie in one of then', () => {
    const halves = [
      { ...weekdays, to: '12:00' },
      { ...weekdays, from: '13:00' },
    ];
    expect(told(lineOf({ rules: halves }, [served(mon, '2027-03-08T22:00')]), ['window'])[0]).toBe(
      'window over 08T14:00/08T22:00',
    );
  });

  it.each<[string, Partial<Schedule>, Partial<WeekInput>, string]>([
    ['a holiday', { holidays: [{ name: 'town', dates: ['2027-03-11'] }] }, {}, 'closed holiday 11T14:00/11T22:00'],
    ['an exception date', { exceptDates: ['2027-03-11'] }, {}, 'closed except_date 11T14:00/11T22:00'],
    [
      'a skip',
      {
        byHand: {
          closed: [{ startsAt: '2027-03-11T14:00:00Z', endsAt: '2027-03-11T22:00:00Z', reason: 'ill' }],
          opened: [],
        },
      },
      {},
      'closed skipped 11T14:00/11T22:00',
    ],
    [
      'a blackout',
      { blackouts: [{ from: '2027-03-11T12:00', to: '2027-03-11T15:00', reason: 'guest' }] },
      {},
      'closed blackout 11T17:00/11T20:00',
    ],
    [
      'a blackout of the door',
      {},
      { doorBlackouts: [{ from: '2027-03-11T12:00', to: '2027-03-12T00:00', reason: null }] },
      'closed blackout 11T17:00/11T22:00',
    ],
    ['its end', { endsOn: '2027-03-11' }, {}, 'closed after_end 12T14:00/12T22:00'],
  ])('what %s closes, and until when', (_, schedule, more, closed) => {
    const line = lineOf(schedule, [], more);
    expect(told(line, ['closed'])).toEqual([closed]);
    const [fact] = line.facts.filter(({ kind }) => kind === 'closed');
    expect(
      line.facts.some((one) => one.kind === 'window' && one.startsAt < fact!.endsAt && fact!.startsAt < one.endsAt),
    ).toBe(false);
  });

  it('both things that close a day', () => {
    const both = { holidays: [{ name: 'town', dates: ['2027-03-11'] }], exceptDates: ['2027-03-11'] };
    expect(told(lineOf(both, []), ['closed'])).toEqual(['closed holiday+except_date 11T14:00/11T22:00']);
  });

  it('each day by what closes that day', () => {
    const days = {
      holidays: [{ name: 'town', dates: ['2027-03-09', '2027-12-24'] }],
      exceptDates: ['2027-03-11', '2027-03-12'],
      endsOn: '2027-12-31',
    };
    const line = lineOf(days, [], { now: instant('2027-03-01T00:00') });
    expect(line.facts.flatMap((fact) => (fact.kind === 'closed' ? fact.because : []))).toEqual([
      { kind: 'holiday', list: 'town' },
      { kind: 'except_date', date: '2027-03-11' },
      { kind: 'except_date', date: '2027-03-12' },
    ]);
  });

  it('only the night that a holiday closes, not the one before', () => {
    const line = lineOf({ rules: [nights], exceptDates: ['2027-03-11'] }, []);
    expect(told(line, ['closed'])).toEqual(['closed except_date 12T03:00/12T11:00']);
  });

  it('what was open before somebody skipped the rest of it', () => {
    const skipped = {
      closed: [{ startsAt: '2027-03-10T14:00:00Z', endsAt: '2027-03-10T22:00:00Z', reason: 'ill' }],
      opened: [],
    };
    const code = aCode(wed, { ready: '2027-03-10T13:00', removed: '2027-03-10T16:00' }, { reason: 'not_planned' });
    expect(told(lineOf({ byHand: skipped }, [code]), ['window', 'closed', 'gap']).slice(2, 4)).toEqual([
      'window over 10T14:00/10T16:00',
      'closed skipped 10T16:00/10T22:00',
    ]);
  });

  it('an extension as part of its window', () => {
    const opened = [{ date: '2027-03-11', from: '17:00', to: '19:00' }];
    const line = lineOf({ byHand: { closed: [], opened } }, []);
    const extended = line.facts.find(({ startsAt }) => startsAt.getTime() === instant(thu[0]).getTime());
    expect(extended).toMatchObject({ endsAt: instant('2027-03-12T00:00'), why: 'rule 1, extra on 2027-03-11' });
  });

  it('a pause with who paused it, and what it was before and after', () => {
    const statuses = [
      { at: instant('2027-03-08T16:00'), status: 'paused', by: 'alice' },
      { at: instant('2027-03-09T16:00'), status: 'active', by: 'bob' },
    ] as const;
    const line = lineOf(
      {},
      [
        aCode(mon, { ready: '2027-03-08T13:00', removed: '2027-03-08T16:00:05Z' }, { reason: 'not_planned' }),
        aCode(tue, { ready: '2027-03-09T16:00', removed: '2027-03-09T22:00' }, { generation: 1 }),
        aCode(wed, { ready: '2027-03-09T23:00' }, { generation: 1 }),
      ],
      { statuses },
    );
    expect(told(line, ['window', 'closed', 'gap']).slice(0, 5)).toEqual([
      'window over 08T14:00/08T16:00',
      'closed paused 08T16:00/08T22:00',
      'closed paused 09T14:00/09T16:00',
      'window over 09T16:00/09T22:00',
      'window open 10T14:00/10T22:00',
    ]);
    expect(line.facts.find(({ kind }) => kind === 'closed')).toMatchObject({
      because: [{ kind: 'paused', by: 'alice' }],
    });
  });

  it('that a schedule which is paused opens nothing, and that a door which left it gets no code', () => {
    const statuses = [{ at: instant('2027-03-10T17:00'), status: 'paused', by: null }] as const;
    const paused = lineOf({ status: 'paused' }, [], { statuses });
    expect(told(paused, ['window', 'closed']).slice(2)).toEqual([
      'window unrecorded 10T14:00/10T17:00',
      'closed paused 10T17:00/10T22:00',
      'closed paused 11T14:00/11T22:00',
      'closed paused 12T14:00/12T22:00',
    ]);
    const left = lineOf({ devices: [] }, [aCode(wed, { ready: '2027-03-10T13:00' })]);
    expect(told(left, ['window', 'closed', 'gap']).slice(2)).toEqual([
      'window over 10T14:00/10T17:00',
      'closed not_a_door 10T17:00/10T22:00',
      'closed not_a_door 11T14:00/11T22:00',
      'closed not_a_door 12T14:00/12T22:00',
    ]);
  });

  it.each<[string, Schedule['status'], WeekInput['statuses'], string[]]>([
    ['made paused', 'paused', [], ['closed paused 08T14:00/08T22:00', 'closed paused 09T14:00/09T22:00']],
    ['ended by itself', 'ended', [], ['window unrecorded 08T14:00/08T22:00', 'window unrecorded 09T14:00/09T22:00']],
    [
      'ended though last it was resumed',
      'ended',
      [{ at: instant('2027-02-01T00:00'), status: 'active', by: null }],
      ['window unrecorded 08T14:00/08T22:00', 'window unrecorded 09T14:00/09T22:00'],
    ],
  ])('that nothing comes of a schedule that was %s', (_, status, statuses, first) => {
    const facts = told(lineOf({ status }, [], { statuses }), ['window', 'closed']);
    expect(facts.slice(0, 2)).toEqual(first);
    expect(facts.slice(-2)).toEqual([`closed ${status} 11T14:00/11T22:00`, `closed ${status} 12T14:00/12T22:00`]);
  });

  it('moments in the zone in which the week is shown', () => {
    const line = lineOf({}, [aCode(wed, { ready: '2027-03-10T15:30' })], { timezone: 'Europe/Berlin' });
    expect(told(line, ['gap'])).toEqual([
      'gap (the lock held the code only from Wed 10 Mar 16:30 on) 10T14:00/10T15:30',
    ]);
  });

  it('nothing of the time before the schedule was made', () => {
    const line = lineOf({}, [aCode(wed, { ready: '2027-03-10T15:30' })], { createdAt: instant('2027-03-10T15:29') });
    expect(told(line, ['window', 'closed', 'gap']).slice(0, 2)).toEqual([
      'window open 10T15:29/10T22:00',
      'gap (the lock held the code only from Wed 10 Mar 10:30 on) 10T15:29/10T15:30',
    ]);
  });

  it.each<[string, WeekCode, string]>([
    ['Seam has it', aCode(thu), 'made'],
    ['it is refused', aCode(thu, {}, { state: 'rejected' }), 'refused'],
    [
      'somebody took it away',
      aCode(thu, { ready: '2027-03-10T12:00', removed: '2027-03-10T13:00' }, { state: 'closed', reason: 'taken_away' }),
      'given_up',
    ],
    [
      'it was taken away and then asked for again',
      aCode(thu, {}, { state: 'closed', reason: 'taken_away', generation: -3 }),
      'to_make',
    ],
  ])('of a window to come that %s', (_, code, state) => {
    expect(told(lineOf({}, [code]), ['window'])).toContain(`window ${state} 11T14:00/11T22:00`);
  });

  it('the first windows of very many, and that there are more', () => {
    const rules = Array.from({ length: 50 }, (_, index) => ({
      rrule: 'FREQ=DAILY',
      from: `${String(Math.floor(index / 3)).padStart(2, '0')}:${(index % 3) * 20 || '00'}`,
      to: `${String(Math.floor(index / 3)).padStart(2, '0')}:${(index % 3) * 20 + 5 < 10 ? '05' : (index % 3) * 20 + 5}`,
    }));
    const extra = Array.from({ length: 200 }, (_, index) => ({
      date: '2027-03-11',
      from: `${19 + Math.floor(index / 60)}:${String(index % 60).padStart(2, '0')}`,
      to: `${19 + Math.floor((index + 1) / 60)}:${String((index + 1) % 60).padStart(2, '0')}`,
    })).filter((_, index) => index % 2 === 0);
    const many = lineOf({ rules, extra }, []);
    expect(many.isCut).toBe(false);
    expect(told(many, ['window']).length).toBeGreaterThan(400);
    const more = extra.map(({ from, to }) => ({ date: '2027-03-12', from, to }));
    expect(lineOf({ rules, extra: [...extra, ...more] }, []).isCut).toBe(true);
  });
});

describe('whatever the calendar', () => {
  const lines = fc
    .record({
      input: stretchedInputs(),
      weeks: fc.integer({ min: 0, max: 36 }),
      nowHours: fc.integer({ min: 0, max: 36 * 168 }),
      holds: fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 6 }),
    })
    .map(({ input, weeks, nowHours, holds }) => {
      const schedule = aSchedule({
        timezone: input.timezone,
        startsOn: input.startsOn,
        rules: input.windows,
        exceptDates: [...(input.exceptDates ?? [])].toSorted(),
        extra: input.extra ?? [],
        blackouts: (input.blackouts ?? []).map((one) => ({ ...one, reason: one.reason ?? null })),
        grace: input.grace ?? { earlyMinutes: 0, lateMinutes: 0 },
        mergeGapsUpToMinutes: input.mergeGapsUpToMinutes ?? 0,
      });
      const first = Date.UTC(2026, 1, 9);
      const monday = new Date(first + weeks * 7 * 86_400_000).toISOString().slice(0, 10);
      const days = daysFrom(zoneNamed(schedule.timezone), monday);
      const week = { startsAt: days[0]!.startsAt, endsAt: days[6]!.endsAt };
      const codes = holds.map((hours): WeekCode => {
        const at = week.startsAt.getTime() + (hours % 168) * 3_600_000;
        const ready = new Date(at - (hours % 5) * 3_600_000);
        return aCode([new Date(at).toISOString(), new Date(at + 8 * 3_600_000).toISOString()], {
          ready: ready.toISOString(),
          removed: new Date(at + (hours % 11) * 3_600_000 + 1).toISOString(),
        });
      });
      const createdAt = new Date(0);
      const now = new Date(first + nowHours * 3_600_000);
      const about = { schedule, deviceId: 'front', doorBlackouts: [], codes, statuses: [], createdAt, week, now };
      return { days, week, now, line: weekLine(about) };
    });

  it('nothing is told of the future as past, and no gap lies where a code opened', () => {
    fc.assert(
      fc.property(lines, ({ line: { facts }, now, week }) => {
        const valid = facts.filter((fact) => fact.kind === 'on_lock' && fact.role === 'valid');
        for (const fact of facts) {
          expect(fact.startsAt < fact.endsAt).toBe(true);
          expect(fact.startsAt < week.endsAt && fact.endsAt > week.startsAt).toBe(true);
          if (fact.kind === 'on_lock' || fact.kind === 'gap') expect(fact.endsAt <= now).toBe(true);
          if (fact.kind === 'gap') {
            expect(valid.some((one) => one.startsAt < fact.endsAt && fact.startsAt < one.endsAt)).toBe(false);
            expect(
              facts.some((one) => one.kind === 'window' && one.startsAt <= fact.startsAt && one.endsAt >= fact.endsAt),
            ).toBe(true);
          }
        }
      }),
      { numRuns: runs(150) },
    );
  });

  it('what is open and what is closed never meet, and windows never meet each other', () => {
    fc.assert(
      fc.property(lines, ({ line: { facts } }) => {
        const windows = facts.filter(({ kind }) => kind === 'window');
        const others = [...windows, ...facts.filter(({ kind }) => kind === 'closed')];
        for (const window of windows)
          for (const other of others)
            expect(other !== window && window.startsAt < other.endsAt && other.startsAt < window.endsAt).toBe(false);
      }),
      { numRuns: runs(150) },
    );
  });

  it('the parts of a fact make up all of it that lies in the week, each within its day', () => {
    fc.assert(
      fc.property(lines, ({ line: { facts }, days, week }) => {
        for (const fact of facts) {
          const parts = days.flatMap((day) => partsOn(day, [fact]).map((part) => ({ ...part, day })));
          const ms = parts.reduce(
            (sum, { from, to, day }) => sum + (to - from) * (day.endsAt.getTime() - day.startsAt.getTime()),
            0,
          );
          const within = Math.min(+fact.endsAt, +week.endsAt) - Math.max(+fact.startsAt, +week.startsAt);
          expect(Math.round(ms)).toBe(within);
          for (const { from, to } of parts) expect(0 <= from && from < to && to <= 1).toBe(true);
          expect(parts.filter(({ isContinued }) => !isContinued)).toHaveLength(fact.startsAt >= week.startsAt ? 1 : 0);
          expect(parts.filter(({ goesOn }) => !goesOn)).toHaveLength(fact.endsAt <= week.endsAt ? 1 : 0);
        }
      }),
      { numRuns: runs(150) },
    );
  });
});
