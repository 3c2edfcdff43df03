import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bearsMarker,
  bearsPrefix,
  codeName,
  drawMarker,
  isOpen,
  markerLength,
  markerPrefixLength,
  mayHoldPin,
  newMarker,
} from '../../src/core/access-code.ts';

const prefix = 'C9S';
const marker = 'C9S2TD8K';

describe('codeName', () => {
  it.each([
    ['the label and the marker', 'Cleaning crew', null, 'Cleaning crew C9S2TD8K'],
    ['a label cut to what the lock leaves', 'Cleaning crew', 14, 'Clean C9S2TD8K'],
    ['no space at the end of a cut label', 'The crew', 13, 'The C9S2TD8K'],
    ['the marker alone where nothing else fits', 'Cleaning crew', 9, 'C9S2TD8K'],
    ['the marker whole, however short the lock’s names are', 'Cleaning crew', 4, 'C9S2TD8K'],
    ['the marker alone without a label', '', null, 'C9S2TD8K'],
  ])('has %s', (_, label, lengthMax, expected) => {
    expect(codeName(label, marker, lengthMax)).toBe(expected);
  });

  it('is found again by marker and prefix, for any label that fits', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 100 }), fc.integer({ min: markerLength, max: 80 }), (label, lengthMax) => {
        const name = codeName(label, marker, lengthMax);
        expect(name.length).toBeLessThanOrEqual(lengthMax);
        expect(bearsMarker(name, marker) && bearsPrefix(name, prefix)).toBe(true);
      }),
    );
  });
});

describe('drawMarker', () => {
  it('draws from letters and digits that cannot be mistaken or spell a word', () => {
    const all = Array.from({ length: 27 }, (_, index) => drawMarker(1, () => index)).join('');
    expect(new Set(all).size).toBe(27);
    expect(all).not.toMatch(/[01AEIOUY]/);
    expect(drawMarker(markerLength - markerPrefixLength, () => 0)).toBe('22222');
  });
});

it('a new marker begins with the prefix of the installation and is as long as all are', () => {
  expect(newMarker(prefix, () => 0)).toBe('C9S22222');
});

describe('bearsMarker', () => {
  it.each([
    ['Crew C9S2TD8K', true],
    ['crew c9s2td8k', true],
    ['C9S2TD8K (edited)', true],
    ['Crew C9S2TD8', false],
    ['', false],
    [null, false],
  ])('reads %j', (name, expected) => {
    expect(bearsMarker(name, marker)).toBe(expected);
  });
});

describe('bearsPrefix', () => {
  it.each([
    ['Crew C9S2TD8K', true],
    ['C9SZZZZZ', true],
    ['Crew XYZ2TD8K', false],
    ['C9S2TD8K Crew', false],
    ['Crew C9S2TD8KK', false],
    ['Crew C9SAEIOU', false],
    [null, false],
  ])('reads %j', (name, expected) => {
    expect(bearsPrefix(name, prefix)).toBe(expected);
  });
});

it.each([
  ['planned', true, false],
  ['calling', true, true],
  ['unknown', true, true],
  ['created', true, true],
  ['removing', true, true],
  ['rejected', true, false],
  ['removed', false, false],
  ['closed', false, false],
] as const)('a code that is %s is open: %s, may hold its PIN: %s', (state, open, holds) => {
  expect([isOpen({ state }), mayHoldPin({ state })]).toEqual([open, holds]);
});
