import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  commonConstraints,
  drawPin,
  generalConstraints,
  isGuessable,
  type PinConstraints,
  pinProblem,
} from '../../src/core/pin.ts';
import { runs } from '../support/runs.ts';

const none: PinConstraints = { lengths: null, types: [] };
const random = (below: number) => randomInt(below);
const of = (...types: string[]): PinConstraints => ({ lengths: [4, 6], types });

describe('a PIN is refused', () => {
  it.each([
    ['0471', of('no_zeros'), 'may not contain 0'],
    ['1289', of('cannot_start_with_12'), 'may not start with 12'],
    ['4718', of('cannot_contain_089'), 'may not contain 0, 8 or 9'],
    ['4175', of('cannot_contain_0789'), 'may not contain 0, 7, 8 or 9'],
    ['123495', of('no_triple_consecutive_ints'), 'same or follow each other'],
    ['555561', of('no_triple_consecutive_ints'), 'same or follow each other'],
    ['6543', of('no_ascending_or_descending_sequence'), 'rising or falling'],
    ['4747', of('at_least_three_unique_digits'), 'three different digits'],
    ['6666', of('no_all_same_digits'), 'one digit throughout'],
    ['47118', none, null],
    ['47118', of(), 'has 5 digits, this lock takes 4 or 6'],
    ['4711', of('cannot_specify_pin_code'), 'cannot be chosen'],
    ['471', none, '4 to 8 digits'],
    ['47a1', none, '4 to 8 digits'],
    ['471108150', none, '4 to 8 digits'],
  ])('%s under %o: %s', (pin, constraints, problem) => {
    if (problem === null) expect(pinProblem(pin, constraints)).toBeNull();
    else expect(pinProblem(pin, constraints)).toContain(problem);
  });

  it('without being told in the message', () => {
    for (const type of generalConstraints.types) {
      expect(pinProblem('000000', { lengths: [6], types: [type] }) ?? '').not.toContain('000000');
    }
  });

  it('for nothing that a constraint does not say: unknown constraints are left to Seam', () => {
    expect(pinProblem('4711', of('shaped_like_a_horse'))).toBeNull();
  });
});

describe('a PIN is taken', () => {
  it.each([
    ['4711', of('no_zeros')],
    ['4712', of('cannot_start_with_12')],
    ['4123', of('cannot_start_with_12')],
    ['1235', of('no_triple_consecutive_ints')],
    ['123546', of('no_ascending_or_descending_sequence')],
    ['5555', of('no_ascending_or_descending_sequence')],
    ['1223', of('at_least_three_unique_digits')],
    ['4447', of('no_all_same_digits')],
    ['4444', of('unique_first_four_digits')],
    ['48217394', none],
  ])('%s under %o', (pin, constraints) => {
    expect(pinProblem(pin, constraints)).toBeNull();
  });
});

it('a refusal tells the lengths that the lock takes in order, and the first constraint that is not met', () => {
  expect(pinProblem('47118', { lengths: [12, 8, 6, 4], types: [] })).toBe(
    'has 5 digits, this lock takes 4 or 6 or 8 or 12',
  );
  expect(pinProblem('1200', of('no_zeros', 'cannot_start_with_12'))).toBe('may not contain 0');
});

describe('a drawn PIN', () => {
  const types = [...generalConstraints.types, 'cannot_contain_0789', 'shaped_like_a_horse', 'name_length'];

  it('satisfies any set of constraints and is never guessable', () => {
    const lengths = fc.option(fc.uniqueArray(fc.integer({ min: 4, max: 8 }), { minLength: 1 }));
    fc.assert(
      fc.property(fc.subarray(types), lengths, (some, length) => {
        const constraints = { lengths: length, types: some };
        const pin = drawPin(constraints, random);
        expect(pin).not.toBeNull();
        expect(pinProblem(pin ?? '', constraints)).toBeNull();
        expect(isGuessable(pin ?? '')).toBe(false);
      }),
      { numRuns: runs(500) },
    );
  });

  it('has six digits that most locks take, as long as nothing is known of the lock', () => {
    for (let draw = 0; draw < 500; draw += 1) expect(drawPin(generalConstraints, random)).toMatch(/^[1-7]{6}$/);
    expect(drawPin(none, random)).toMatch(/^\d{6}$/);
  });

  it.each([
    [[4], 4],
    [[4, 5], 5],
    [[4, 7, 8], 7],
    [[3, 4, 6, 12], 6],
    [[8, 7], 7],
    [[8, 6], 6],
    [[5, 4], 5],
    [[12, 4, 3], 4],
    [[9, 8], 8],
  ])('of a lock that takes %o digits has %i', (lengths, length) => {
    expect(drawPin({ lengths, types: [] }, random)).toHaveLength(length);
  });

  it('is none where the lock takes no length that Seam takes, or nothing is free', () => {
    expect(drawPin({ lengths: [3, 10], types: [] }, random)).toBeNull();
    const all = new Set(Array.from({ length: 10_000 }, (_, pin) => String(pin).padStart(4, '0')));
    expect(drawPin({ lengths: [4], types: [] }, random, all)).toBeNull();
  });

  it('is one of the few that are left', () => {
    const all = new Set(Array.from({ length: 10_000 }, (_, pin) => String(pin).padStart(4, '0')));
    const free = Array.from({ length: 40 }, (_, index) => `3${index + 10}8`).filter((pin) => !isGuessable(pin));
    for (const pin of free) all.delete(pin);
    expect(free).toContain(drawPin({ lengths: [4], types: [] }, random, all));
  });

  it('begins like none on the lock where the lock tells them apart by that', () => {
    const all = Array.from({ length: 10_000 }, (_, pin) => `${String(pin).padStart(4, '0')}00`);
    const taken = new Set(all.filter((pin) => !pin.startsWith('47')));
    expect(drawPin({ lengths: [6], types: ['unique_first_four_digits'] }, random, taken)).toMatch(/^47/);
  });

  /** The draw under a constraint while chance offers these PINs one after the other. */
  function drawnOf(offered: readonly string[], types: readonly string[], taken?: ReadonlySet<string>) {
    const digits = [...offered.join('')].map(Number);
    return drawPin({ lengths: [offered[0]?.length ?? 0], types }, () => digits.shift() ?? Number.NaN, taken);
  }

  it.each([
    ['no_triple_consecutive_ints', '472348', '472458'],
    ['no_triple_consecutive_ints', '474443', '474433'],
    ['no_triple_consecutive_ints', '476543', '476443'],
    ['no_ascending_or_descending_sequence', '472348', '474448'],
    ['no_ascending_or_descending_sequence', '474328', '474438'],
    ['unique_first_four_digits', '474128', '471247'],
    ['cannot_start_with_12', '124738', '147382'],
    ['shaped_like_a_horse', '123456', '474128'],
  ])('under %s keeps the strictest reading: not %s, but %s', (type, refused, drawn) => {
    expect(drawnOf([refused, drawn], [type])).toBe(drawn);
  });

  it('is none that is taken, and begins like one that is where nothing speaks against it', () => {
    const taken = new Set(['471528', '471530']);
    expect(drawnOf(['471528', '471529'], [], taken)).toBe('471529');
    expect(drawnOf(['471529', '471629'], ['unique_first_four_digits'], taken)).toBe('471629');
  });

  it('is drawn though the lock draws its own: whether it can be chosen is asked elsewhere', () => {
    expect(drawnOf(['471528'], ['cannot_specify_pin_code'])).toBe('471528');
    expect(drawnOf(['124738', '471528'], ['cannot_specify_pin_code', 'cannot_start_with_12'])).toBe('471528');
  });

  it('is left to chance only among the digits that may occur', () => {
    const bounds = new Set<number>();
    const pin = drawPin({ lengths: [6], types: ['no_zeros', 'shaped_like_a_horse', 'cannot_contain_089'] }, (below) => {
      bounds.add(below);
      return random(below);
    });
    expect(pin).toMatch(/^[1-7]{6}$/);
    expect([...bounds]).toEqual([7]);
  });

  it('is given up after 10,000 tries', () => {
    let draws = 0;
    const always = () => {
      draws += 1;
      return 7;
    };
    expect(drawPin({ lengths: [4], types: [] }, always)).toBeNull();
    expect(draws).toBe(40_000);
  });

  it('is each of the possible ones equally often', () => {
    const draws = 20_000;
    const firsts = new Map<string, number>();
    for (let draw = 0; draw < draws; draw += 1) {
      const first = drawPin({ lengths: [8], types: [] }, random)?.charAt(0) ?? '';
      firsts.set(first, (firsts.get(first) ?? 0) + 1);
    }
    expect(firsts.size).toBe(10);
    for (const count of firsts.values()) expect(Math.abs(count - draws / 10)).toBeLessThan(draws * 0.012);
  });
});

it.each([
  '1234',
  '4321',
  '7890',
  '1111',
  '1212',
  '123123',
  '1984',
  '2027',
  '2580',
  '112211',
  '956789',
  '2000',
  '1900',
  '471471',
  '47124712',
  '4714714',
  '159357',
  '098765',
  '2407',
  '0724',
  '071985',
  '198507',
  '240785',
  '072485',
  '850724',
  '24071985',
  '07241985',
  '19850724',
  '112233',
  '147369',
  '321987',
])('%s is guessable', (pin) => {
  expect(isGuessable(pin)).toBe(true);
});

it.each([
  '2147',
  '4719',
  '198347',
  '201847',
  '4720',
  '123547',
  '471829',
  '4718294',
  '47182947',
  '4717',
  '313247',
  '471374',
  '198313',
  '147268',
])('%s is not guessable', (pin) => {
  expect(isGuessable(pin)).toBe(false);
});

it('takes of several locks what all of them take', () => {
  expect(commonConstraints([of('no_zeros'), { lengths: [6, 8], types: ['cannot_start_with_12'] }, none])).toEqual({
    lengths: [6],
    types: ['no_zeros', 'cannot_start_with_12'],
  });
  expect(commonConstraints([of(), { lengths: [8], types: [] }])).toBeNull();
  expect(
    commonConstraints(
      [
        [4, 6],
        [4, 8],
        [6, 8],
      ].map((lengths) => ({ lengths, types: [] })),
    ),
  ).toBeNull();
  expect(commonConstraints([])).toEqual({ lengths: null, types: [] });
});
