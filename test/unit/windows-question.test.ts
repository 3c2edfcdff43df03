import { describe, expect, it } from 'vitest';
import { answerWindows } from '../../src/core/windows-question.ts';

const question = {
  windows: [{ rrule: 'FREQ=DAILY', from: '09:00', to: '17:00' }],
  timezone: 'America/New_York',
  starts_on: '2026-01-01',
  after: '2026-06-01T00:00:00Z',
  count: 1,
};

describe('answerWindows', () => {
  it('gives no reasons unless they are asked for', () => {
    const windows = [{ starts_at: '2026-06-01T13:00:00.000Z', ends_at: '2026-06-01T21:00:00.000Z' }];
    expect(answerWindows(JSON.stringify(question), { why: false })).toEqual({ windows });
    expect(answerWindows(JSON.stringify(question), { why: true })).toEqual({
      windows: windows.map((window) => ({ ...window, why: 'rule 1' })),
    });
  });

  it.each<[string, object]>([
    ['an end', { ends_on: '2026-06-01', count: 5 }],
    ['no end', { ends_on: null, count: 2 }],
    ['exceptions', { except: { dates: ['2026-06-01'] } }],
    ['an empty list of exceptions', { except: {} }],
    ['extras', { extra: [{ date: '2026-06-01', from: '18:00', to: '19:00' }], count: 2 }],
    ['a blackout', { blackouts: [{ from: '2026-06-01T12:00', to: '2026-06-01T13:00', reason: 'lunch' }], count: 2 }],
    ['a blackout without a reason', { blackouts: [{ from: '2026-06-01T12:00', to: '2026-06-01T13:00' }], count: 2 }],
    ['early grace', { grace: { early_minutes: 10 } }],
    ['late grace', { grace: { late_minutes: 15 } }],
    ['the longest grace', { grace: { early_minutes: 1440, late_minutes: 1440 } }],
    ['merging', { extra: [{ date: '2026-06-01', from: '17:30', to: '19:00' }], merge_gaps_up_to_minutes: 30 }],
    ['an instant with an offset', { after: '2026-06-02T20:00:00+02:00' }],
    ['the largest count', { ends_on: '2026-06-02', count: 1000 }],
  ])('takes %s', (_, fields) => {
    expect(answerWindows(JSON.stringify({ ...question, ...fields }), { why: true })).toMatchSnapshot();
  });

  it.each<[string, unknown]>([
    ['what is no object', []],
    ['a text', 'text'],
    ['a missing field', { ...question, windows: undefined }],
    ['an unknown field', { ...question, tz: 'UTC' }],
    ['several unknown fields, by the first', { ...question, tz: 'UTC', until: '2026-12-31' }],
    ['an unknown field further down', { ...question, grace: { early: 1 } }],
    [
      'a missing field of a window',
      { ...question, windows: [question.windows[0], { rrule: 'FREQ=DAILY', from: '09:00' }] },
    ],
    ['part of a count', { ...question, count: 1.5 }],
    ['several problems, by the first', { ...question, timezone: 'Mars', starts_on: '2026-02-30' }],
    ['an end before the start', { ...question, ends_on: '2025-12-31' }],
    ['a wrong blackout', { ...question, blackouts: [{ from: '2026-06-01T12:00', to: '2026-06-01T11:00' }] }],
    ['a field of another kind', { ...question, count: '1' }],
    ['a count of none', { ...question, count: 0 }],
    ['a count of too many', { ...question, count: 1001 }],
    ['part of a minute', { ...question, merge_gaps_up_to_minutes: 0.5 }],
    ['too many minutes', { ...question, grace: { late_minutes: 1441 } }],
    ['a date for an instant', { ...question, after: '2026-06-01' }],
    ['a wrong rule', { ...question, windows: [{ rrule: 'FREQ=HOURLY', from: '09:00', to: '17:00' }] }],
    ['a wrong exception', { ...question, except: { dates: ['2026-06-31'] } }],
  ])('refuses %s', (_, json) => {
    expect(answerWindows(JSON.stringify(json), { why: false })).toMatchSnapshot();
  });

  it('refuses what is no JSON', () => {
    expect(answerWindows('{"windows":', { why: false })).toEqual({
      error: { code: 'json_invalid', message: 'The line must be one JSON object.', field: '' },
    });
  });
});
