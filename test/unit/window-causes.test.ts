import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { causesOf, describeCauses } from '../../src/core/window-causes.ts';
import { type CalendarInput, compileCalendar, windowsFrom } from '../../src/core/windows.ts';
import { stretchedInputs } from '../support/calendar-inputs.ts';
import { runs } from '../support/runs.ts';

const weekdays = { rrule: 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR', from: '09:00', to: '17:00' };
const daily = (from: string, to: string) => [{ rrule: 'FREQ=DAILY', from, to }];

function whyNext(after: string, input: Partial<CalendarInput>): string {
  const compilation = compileCalendar({
    windows: [weekdays],
    timezone: 'America/New_York',
    startsOn: '2026-01-01',
    ...input,
  });
  if (!compilation.ok) throw new Error(JSON.stringify(compilation.problems));
  const [window] = windowsFrom(compilation.calendar, new Date(after), 1);
  if (window === undefined) throw new Error('no window');
  return describeCauses(causesOf(compilation.calendar, window));
}

const guest = (from: string, to: string) => [{ from, to, reason: 'guest in house' }];

describe('a window says', () => {
  it.each<[string, string, Partial<CalendarInput>, string]>([
    ['which rule made it', '2026-06-01T00:00Z', {}, 'rule 1'],
    [
      'which of several rules',
      '2026-06-06T00:00Z',
      { windows: [weekdays, { rrule: 'FREQ=WEEKLY;BYDAY=SA', from: '10:00', to: '12:00' }] },
      'rule 2',
    ],
    [
      'that several made it',
      '2026-06-01T00:00Z',
      { windows: [weekdays, { rrule: 'FREQ=DAILY', from: '16:00', to: '18:00' }] },
      'rule 1, rule 2',
    ],
    [
      'which extra',
      '2026-06-06T05:00Z',
      { extra: [{ date: '2026-06-06', from: '10:00', to: '14:00' }] },
      'extra on 2026-06-06',
    ],
    [
      'that an extra and a rule did',
      '2026-06-01T00:00Z',
      { extra: [{ date: '2026-06-01', from: '17:00', to: '18:00' }] },
      'rule 1, extra on 2026-06-01',
    ],
    [
      'which gap was merged',
      '2026-06-01T00:00Z',
      { extra: [{ date: '2026-06-01', from: '17:30', to: '18:00' }], mergeGapsUpToMinutes: 30 },
      'rule 1, extra on 2026-06-01, a gap of 30 min merged',
    ],
    [
      'which gap was merged, whatever order its rules are written in',
      '2026-06-01T00:00Z',
      { windows: [...daily('16:00', '18:00'), ...daily('09:00', '15:00')], mergeGapsUpToMinutes: 60 },
      'rule 1, rule 2, a gap of 60 min merged',
    ],
    [
      'nothing of a gap that a longer window fills',
      '2026-06-01T00:00Z',
      { windows: [weekdays, ...daily('09:30', '10:00'), ...daily('12:00', '13:00')], mergeGapsUpToMinutes: 120 },
      'rule 1, rule 2, rule 3',
    ],
    [
      'the longest of several gaps',
      '2026-06-01T00:00Z',
      {
        extra: [
          { date: '2026-06-01', from: '07:00', to: '08:30' },
          { date: '2026-06-01', from: '17:10', to: '18:00' },
        ],
        mergeGapsUpToMinutes: 30,
      },
      'rule 1, extra on 2026-06-01, extra on 2026-06-01, 2 gaps of up to 30 min merged',
    ],
    [
      'what grace added',
      '2026-06-01T00:00Z',
      { grace: { earlyMinutes: 10, lateMinutes: 15 } },
      'rule 1, 10 min earlier by grace, 15 min longer by grace',
    ],
    [
      'what a blackout cut off its end',
      '2026-06-01T00:00Z',
      { blackouts: guest('2026-06-01T12:00', '2026-06-02T00:00') },
      'rule 1, shortened by blackout "guest in house"',
    ],
    [
      'what a blackout cut off its start',
      '2026-06-01T00:00Z',
      { blackouts: guest('2026-05-31T12:00', '2026-06-01T12:00') },
      'rule 1, starts at the end of blackout "guest in house"',
    ],
    [
      'that a blackout without a reason did',
      '2026-06-01T00:00Z',
      { blackouts: [{ from: '2026-06-01T12:00', to: '2026-06-02T00:00', reason: null }] },
      'rule 1, shortened by a blackout',
    ],
    [
      'which of several blackouts did',
      '2026-06-01T00:00Z',
      {
        blackouts: [
          { from: '2026-06-03T12:00', to: '2026-06-04T00:00', reason: 'painters' },
          ...guest('2026-06-01T12:00', '2026-06-02T00:00'),
        ],
      },
      'rule 1, shortened by blackout "guest in house"',
    ],
    [
      'nothing of a blackout that only touches it',
      '2026-06-01T00:00Z',
      { blackouts: guest('2026-06-01T17:00', '2026-06-01T19:00') },
      'rule 1',
    ],
    [
      'all of it together',
      '2026-03-08T00:00Z',
      {
        windows: [weekdays, { rrule: 'FREQ=WEEKLY;BYDAY=SU', from: '02:30', to: '08:00' }],
        blackouts: guest('2026-03-08T07:00', '2026-03-08T09:00'),
      },
      'rule 2, starts 03:30 because 02:30 does not exist that day, shortened by blackout "guest in house"',
    ],
    [
      'that its end was moved out of a skipped hour',
      '2026-03-08T00:00Z',
      { windows: daily('00:00', '02:30') },
      'rule 1, ends 03:30 because 02:30 does not exist that day',
    ],
    [
      'that it kept its length where the clocks skip over it',
      '2026-03-08T00:00Z',
      { windows: daily('02:30', '03:15') },
      'rule 1, starts 03:30 because 02:30 does not exist that day, ends 04:15 instead of 03:15 to keep its length, because the clocks skip its start that day',
    ],
    [
      'how many gaps were merged',
      '2026-06-10T00:00Z',
      { windows: daily('09:00', '17:00'), mergeGapsUpToMinutes: 960, startsOn: '2026-06-10', endsOn: '2026-06-13' },
      'rule 1, 3 gaps of up to 960 min merged',
    ],
    [
      'that it begins in the first of two repeated hours',
      '2026-11-01T00:00Z',
      { windows: daily('01:30', '05:00') },
      'rule 1, starts at the first of the two 01:30 of that day',
    ],
    [
      'that it ends in the first of two repeated hours',
      '2026-11-01T00:00Z',
      { windows: daily('00:30', '01:30') },
      'rule 1, ends at the first of the two 01:30 of that day',
    ],
    [
      'that it is a piece of a longer run',
      '2026-06-10T00:00Z',
      { windows: daily('00:00', '24:00') },
      'rule 1, continued from the month before, continued in the next month',
    ],
    [
      'that a run begins here and goes on',
      '2026-01-10T00:00Z',
      { windows: daily('00:00', '24:00'), startsOn: '2026-01-05' },
      'rule 1, continued in the next month',
    ],
  ])('%s', (_, after, input, expected) => {
    expect(whyNext(after, input)).toBe(expected);
  });

  it('on which dates a rule made it', () => {
    const compilation = compileCalendar({
      windows: daily('22:00', '22:00'),
      timezone: 'UTC',
      startsOn: '2026-01-01',
      endsOn: '2026-01-03',
    });
    if (!compilation.ok) throw new Error('does not compile');
    const [window] = windowsFrom(compilation.calendar, new Date('2026-01-01'), 1);
    expect(causesOf(compilation.calendar, window!)).toEqual([
      { kind: 'rule', rule: 1, dates: ['2026-01-01', '2026-01-02', '2026-01-03'] },
    ]);
  });

  it('on which dates of its month a rule made a piece of a longer run', () => {
    const compilation = compileCalendar({ windows: daily('00:00', '24:00'), timezone: 'UTC', startsOn: '2026-01-01' });
    if (!compilation.ok) throw new Error('does not compile');
    const [window] = windowsFrom(compilation.calendar, new Date('2026-02-10'), 1);
    const [cause] = causesOf(compilation.calendar, window!);
    const dates = cause?.kind === 'rule' ? cause.dates : [];
    expect([dates.length, dates.at(0), dates.at(-1)]).toEqual([28, '2026-02-01', '2026-02-28']);
  });

  it('nothing of a window that is not its own', () => {
    const compilation = compileCalendar({ windows: [weekdays], timezone: 'UTC', startsOn: '2026-01-01' });
    if (!compilation.ok) throw new Error('does not compile');
    const window = { startsAt: new Date('2026-06-06T10:00Z'), endsAt: new Date('2026-06-06T11:00Z') };
    expect(() => causesOf(compilation.calendar, window)).toThrow('not one of this calendar');
  });

  it('what the gap lies between, of a window that is nothing but a merged gap', () => {
    const compilation = compileCalendar({
      windows: [weekdays],
      timezone: 'UTC',
      startsOn: '2026-01-01',
      mergeGapsUpToMinutes: 1_440,
      blackouts: [
        { from: '2026-06-02T12:00', to: '2026-06-02T20:00', reason: null },
        { from: '2026-06-02T21:00', to: '2026-06-03T12:00', reason: null },
      ],
    });
    if (!compilation.ok) throw new Error(JSON.stringify(compilation.problems));
    const [window] = windowsFrom(compilation.calendar, new Date('2026-06-02T20:30Z'), 1);
    if (window === undefined) throw new Error('there is no window');
    expect(window.startsAt).toEqual(new Date('2026-06-02T20:00Z'));
    expect(causesOf(compilation.calendar, window)).toMatchObject([
      { kind: 'rule', rule: 1, dates: ['2026-06-02', '2026-06-03'] },
      { kind: 'gaps_merged', count: 1 },
      { kind: 'blackout', edge: 'start' },
      { kind: 'blackout', edge: 'end' },
    ]);
  });

  it('who made it, for every window there is', { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(stretchedInputs(), (input) => {
        const compilation = compileCalendar(input);
        fc.pre(compilation.ok);
        if (!compilation.ok) return;
        const { calendar } = compilation;
        for (const window of windowsFrom(calendar, new Date('2026-02-01'), 60)) {
          const causes = causesOf(calendar, window);
          expect(
            causes.some(
              ({ kind }) => kind === 'rule' || kind === 'extra' || kind === 'gaps_merged' || kind === 'grace',
            ),
          ).toBe(true);
          expect(describeCauses(causes)).not.toBe('');
        }
      }),
      { numRuns: runs(100) },
    );
  });
});
