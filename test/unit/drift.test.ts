import { describe, expect, it } from 'vitest';
import type { AccessCode } from '../../src/core/access-code.ts';
import { type DriftInput, findDrift, type ListedCode, markerIn } from '../../src/core/drift.ts';
import { aCode, at, day, hour, minute, today, tomorrow } from '../support/plan-input.ts';

const created = aCode(tomorrow, { state: 'created', accessCodeId: 'seam-a' });

function aListed(fields: Partial<ListedCode> = {}): ListedCode {
  const { startsAt, endsAt } = tomorrow;
  return {
    accessCodeId: 'seam-a',
    name: `Crew ${created.marker}`,
    startsAt,
    endsAt,
    createdAt: at(-hour),
    isLeaving: false,
    ...fields,
  };
}

function driftOf(
  code: AccessCode,
  listed: readonly ListedCode[],
  fields: Partial<DriftInput<AccessCode, ListedCode>> = {},
) {
  const input = { open: [code], known: [code], listed, markerPrefix: 'BCD', settleMs: minute, now: at(0), ...fields };
  return findDrift(input).map(({ kind }) => kind);
}

describe('findDrift', () => {
  it.each<[string, string[], string[]]>([
    ['nothing where the list is as our rows are', driftOf(created, [aListed()]), []],
    ['a code that is not listed any more', driftOf(created, []), ['gone']],
    ['nothing of one whose loss was reported', driftOf({ ...created, goneSignalAt: at(0) }, []), []],
    ['nothing of one that is not at Seam', driftOf(aCode(tomorrow), []), []],
    ['nothing of one that is being removed', driftOf({ ...created, state: 'removing' }, []), []],
    [
      'an end that is a minute off',
      driftOf(created, [aListed({ endsAt: new Date(tomorrow.endsAt.getTime() + minute) })]),
      ['times'],
    ],
    [
      'no rounding below a minute',
      driftOf(created, [aListed({ endsAt: new Date(tomorrow.endsAt.getTime() + minute - 1) })]),
      [],
    ],
    [
      'a start that is a minute off',
      driftOf(created, [aListed({ startsAt: new Date(tomorrow.startsAt.getTime() - minute) })]),
      ['times'],
    ],
    ['an end that is missing', driftOf(created, [aListed({ endsAt: null })]), ['times']],
    ['nothing of one that leaves the lock', driftOf(created, [aListed({ endsAt: null, isLeaving: true })]), []],
    [
      'nothing while our own change is not settled',
      driftOf({ ...created, askedEndsAt: null }, [aListed({ endsAt: null })]),
      [],
    ],
    [
      'a final row whose code is listed',
      driftOf({ ...created, state: 'removed' }, [aListed()], { open: [] }),
      ['listed_again'],
    ],
    [
      'such a row by its marker, too',
      driftOf({ ...created, state: 'closed', accessCodeId: null }, [aListed()], { open: [] }),
      ['listed_again'],
    ],
    ['a code whose row has none', driftOf(aCode(tomorrow), [aListed()]), ['found']],
    ['a code whose row was refused one', driftOf(aCode(tomorrow, { state: 'rejected' }), [aListed()]), ['found']],
    ['nothing of one that is being asked for', driftOf(aCode(tomorrow, { state: 'calling' }), [aListed()]), []],
    [
      'nothing of one that is over',
      driftOf({ ...created, state: 'removed' }, [aListed({ startsAt: at(-day), endsAt: at(0) })], { open: [] }),
      [],
    ],
    [
      'a code with our prefix and no row',
      driftOf(created, [aListed(), aListed({ accessCodeId: 'seam-b', name: 'Crew BCDFGHJK' })]),
      ['orphan'],
    ],
    [
      'nothing of such a code before it has settled',
      driftOf(created, [aListed(), aListed({ accessCodeId: 'seam-b', name: 'Crew BCDFGHJK', createdAt: at(-minute) })]),
      [],
    ],
    [
      'nothing of a code of another installation',
      driftOf(created, [aListed(), aListed({ accessCodeId: 'seam-b', name: 'Crew XZZDFGHJ' })]),
      [],
    ],
    [
      'nothing of a code without a name',
      driftOf(created, [aListed(), aListed({ accessCodeId: 'seam-b', name: null })]),
      [],
    ],
  ])('finds %s', (_, found, expected) => {
    expect(found).toEqual(expected);
  });

  it('does not hold the start of a live code against it, whatever the lock made of it', () => {
    const live = aCode(today, { state: 'created', accessCodeId: 'seam-a' });
    const later = new Date(today.startsAt.getTime() + 2 * minute);
    expect(driftOf(live, [aListed({ startsAt: later, endsAt: today.endsAt })])).toEqual([]);
    expect(driftOf(live, [aListed({ startsAt: at(hour), endsAt: today.endsAt })])).toEqual(['times']);
  });

  it('reads a marker at the end of a name only', () => {
    expect([markerIn('Crew BCDFGHJK'), markerIn('Crew bcdfghjk'), markerIn(null)]).toEqual([
      'BCDFGHJK',
      'BCDFGHJK',
      '',
    ]);
  });
});
