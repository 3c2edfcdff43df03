import { describe, expect, it } from 'vitest';
import { knownNames } from '../../src/core/schedules-file-fields.ts';
import { nearest } from '../../src/core/schedules-file-nearest.ts';

const { schedule } = knownNames;

describe('who wrote a name wrongly meant', () => {
  it.each([
    ['device', 'devices'],
    ['device_id', 'devices'],
    ['Device-IDs', 'devices'],
    ['doors', 'devices'],
    ['label', 'name'],
    ['tz', 'timezone'],
    ['zone', 'timezone'],
    ['until', 'ends_on'],
    ['code', 'pin'],
    ['rules', 'windows'],
    ['exceptions', 'except'],
    ['EXDATES', 'except'],
  ])('%s: %s, which is another word for it', (wrong, meant) => {
    expect(nearest(wrong, schedule)).toBe(meant);
  });

  it.each([
    ['start', knownNames.window, 'from'],
    ['end', knownNames.window, 'to'],
    ['rule', knownNames.window, 'rrule'],
  ])('%s: among %o, %s', (wrong, known, meant) => {
    expect(nearest(wrong, known)).toBe(meant);
  });

  it.each([
    ['Starts On', 'starts_on'],
    ['starts-on', 'starts_on'],
    ['merge gaps-up to minutes', 'merge_gaps_up_to_minutes'],
    ['nmae', null],
    ['nam', 'name'],
    ['names', 'name'],
    ['mame', 'name'],
    ['pn', 'pin'],
    ['pni', null],
    ['holdre', 'holder'],
    ['hodlre', null],
    ['timezoen', 'timezone'],
    ['tiemzoen', null],
    ['timzeon', null],
    ['x', null],
    ['', null],
  ])('%s: %s, as one letter in three may be wrong', (wrong, meant) => {
    expect(nearest(wrong, schedule)).toBe(meant);
  });

  it('the closest of several, and of equally close ones the first', () => {
    expect(nearest('endson', ['ends', 'ends_on', 'ends_off'])).toBe('ends_on');
    expect(nearest('ends on', ['endson', 'ends_on'])).toBe('ends_on');
    expect(nearest('bat', ['cat', 'hat', 'bats'])).toBe('cat');
    expect(nearest('america/new york', ['America/Nome', 'America/New_York', 'America/New_Yorks'])).toBe(
      'America/New_York',
    );
  });

  it('nothing by another word for what cannot stand there', () => {
    expect(nearest('doors', knownNames.window)).toBeNull();
    expect(nearest('end', ['ends'])).toBe('ends');
    expect(nearest('any', [])).toBeNull();
  });

  it('is not asked of a text that is longer than any name: that would take minutes', () => {
    const name = 'timezone'.repeat(13);
    expect(nearest(name.slice(0, 100), [name])).toBe(name);
    expect(nearest(name.slice(0, 101), [name])).toBeNull();
  });
});
