import { describe, expect, it } from 'vitest';
import {
  areSameBlackouts,
  closedUntil,
  openParts,
  problemOfLocalDateTime,
  sortBlackouts,
  unionOf,
} from '../../src/core/blackouts.ts';

describe('lists of blackouts', () => {
  const [first, second, third] = [
    { from: '2026-06-01T09:00', to: '2026-06-01T10:00', reason: null },
    { from: '2026-06-01T09:00', to: '2026-06-01T11:00', reason: null },
    { from: '2026-06-02T09:00', to: '2026-06-02T10:00', reason: 'guest' },
  ];

  it('are in one order, whatever order they were written in', () => {
    expect(sortBlackouts([third, second, first])).toEqual([first, second, third]);
    expect(sortBlackouts([second, first, third])).toEqual([first, second, third]);
  });

  it.each([
    [[], [], true],
    [[first, third], [first, { ...third }], true],
    [[first], [], false],
    [[], [first], false],
    [[first], [second], false],
    [[third], [{ ...third, reason: null }], false],
    [[third], [{ ...third, from: '2026-06-02T08:00' }], false],
    [[first, third], [first, second], false],
  ])('%j and %j say the same: %s', (a, b, expected) => {
    expect(areSameBlackouts(a, b)).toBe(expected);
  });
});

const spans = (...pairs: [number, number][]) => pairs.map(([startAt, endAt]) => ({ startAt, endAt }));

describe('what several spans close together', () => {
  it.each([
    ['is nothing where there are none', spans(), spans()],
    ['is in order', spans([30, 40], [10, 20]), spans([10, 20], [30, 40])],
    ['is one where they overlap', spans([10, 20], [15, 25]), spans([10, 25])],
    ['is one where they touch', spans([10, 20], [20, 30]), spans([10, 30])],
    ['is the longer where one lies in the other', spans([10, 40], [20, 30]), spans([10, 40])],
  ])('%s', (_, given, expected) => {
    expect(unionOf(given)).toEqual(expected);
  });
});

describe('closures', () => {
  const closed = spans([10, 20], [30, 40], [50, 60]);

  it.each([
    [9, undefined],
    [10, 20],
    [19, 20],
    [20, undefined],
    [30, 40],
    [59, 60],
    [60, undefined],
  ])('that %j lies in end at %j', (at, expected) => {
    expect(closedUntil(closed, at)).toBe(expected);
  });

  it.each([
    ['all of what they touch', spans([20, 30]), spans([20, 30])],
    ['nothing of what they cover', spans([30, 40]), spans()],
    ['what comes before, between and after them', spans([5, 65]), spans([5, 10], [20, 30], [40, 50], [60, 65])],
    ['the rest where they close an end', spans([15, 35]), spans([20, 30])],
    ['what lies behind them all', spans([70, 80]), spans([70, 80])],
  ])('leave open %s', (_, [given], expected) => {
    expect(openParts(closed, given!.startAt, given!.endAt)).toEqual(expected);
  });
});

it.each(['1970-01-01T00:00', '2024-02-29T12:30', '2200-12-31T23:59'])('nothing is wrong with %s', (text) => {
  expect(problemOfLocalDateTime(text)).toBeUndefined();
});
