import fc from 'fast-check';
import { parseRule } from '../../src/core/rrule.ts';

const WEEKDAYS = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'];

/** Accepted rules of all kinds. */
export function ruleTexts(): fc.Arbitrary<string> {
  const some = (values: (number | string)[], maxLength = 4) =>
    fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength });
  const range = (max: number) => [...Array(max).keys()].flatMap((value) => [value + 1, -value - 1]);
  const part = (name: string, list: fc.Arbitrary<(number | string)[]>, chance = 2) =>
    fc.oneof(
      { weight: chance, arbitrary: fc.constant('') },
      { weight: 1, arbitrary: list.map((values) => `;${name}=${values}`) },
    );
  const months = part('BYMONTH', some([...Array(12).keys()].map((month) => month + 1)));
  const monthDays = part('BYMONTHDAY', some(range(31)));
  const weekdays = part('BYDAY', some(WEEKDAYS, 5), 1);
  const numbered = (max: number) =>
    some([...WEEKDAYS, ...range(max).flatMap((ordinal) => WEEKDAYS.map((weekday) => `${ordinal}${weekday}`))]);
  const positions = part('BYSETPOS', some([1, 2, 3, 5, 20, 300, -1, -2, -3, -20]), 3);
  const interval = fc.oneof(
    fc.constant(''),
    fc.integer({ min: 1, max: 6 }).map((value) => `;INTERVAL=${value}`),
  );
  const ending = fc.constantFrom(
    '',
    '',
    ';COUNT=1',
    ';COUNT=7',
    ';COUNT=500',
    ';UNTIL=20120229',
    ';UNTIL=20120229T000000Z',
  );
  const weekStart = fc.oneof(
    fc.constant(''),
    fc.constantFrom(...WEEKDAYS).map((weekday) => `;WKST=${weekday}`),
  );
  const kinds: [string, fc.Arbitrary<string>[]][] = [
    ['DAILY', [months, monthDays, weekdays]],
    ['WEEKLY', [months, weekdays, positions]],
    ['MONTHLY', [months, monthDays, part('BYDAY', numbered(5), 1), positions]],
    ['YEARLY', [months, monthDays, part('BYDAY', numbered(5), 1), positions]],
    ['YEARLY', [months, part('BYYEARDAY', some(range(366), 30)), part('BYDAY', numbered(53), 1), positions]],
    ['YEARLY', [months, part('BYWEEKNO', some(range(53), 8), 1), weekdays, positions]],
  ];
  const texts = kinds.map(([freq, parts]) =>
    fc.tuple(interval, ...parts, ending, weekStart).map((chosen) => `FREQ=${freq}${chosen.join('')}`),
  );
  return fc.oneof(...texts).filter((text) => parseRule(text).ok);
}
