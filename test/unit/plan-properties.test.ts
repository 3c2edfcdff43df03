import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type AccessCode, isOpen } from '../../src/core/access-code.ts';
import { type Action, type PlanInput, planSchedule } from '../../src/core/plan.ts';
import { wakeAt } from '../../src/core/wake.ts';
import type { Window } from '../../src/core/windows.ts';
import { aCode, at, aPlanInput as input, minute, now, window } from '../support/plan-input.ts';
import { runs } from '../support/runs.ts';

const later = at(10 * minute);
const states = ['planned', 'calling', 'unknown', 'created', 'removing', 'rejected', 'removed', 'closed'] as const;
const instant = fc.integer({ min: -48 * 60, max: 72 * 60 }).map((minutes) => minutes * minute);
const span = fc
  .tuple(instant, fc.integer({ min: 1, max: 2_000 }))
  .map(([from, length]) => window(from, from + length * minute));
const maybeInstant = fc.option(instant.map(at));
const anyCode = fc
  .record({
    of: span,
    asked: fc.option(span),
    isUnsettled: fc.boolean(),
    state: fc.constantFrom(...states),
    generation: fc.integer({ min: 0, max: 2 }),
    quietUntil: maybeInstant,
    goneSignalAt: maybeInstant,
  })
  .map(({ of, asked, isUnsettled, ...fields }) => {
    const code = aCode(of, fields);
    if (code.confirmedEndsAt === null) return code;
    const confirmedEndsAt = asked?.endsAt ?? code.confirmedEndsAt;
    return { ...code, confirmedEndsAt, askedEndsAt: isUnsettled ? null : confirmedEndsAt };
  });
const anyInput = fc
  .record({
    windows: fc.array(span, { maxLength: 2 }),
    codes: fc.uniqueArray(anyCode, { maxLength: 4, selector: (code) => code.windowStartsAt.getTime() }),
    generation: fc.integer({ min: 0, max: 2 }),
    rotates: fc.boolean(),
  })
  .map((fields) => input(fields.codes, { ...fields, windows: coming(fields.windows) }));

/** As the calendar gives them: in order, apart or touching, none over. */
function coming(windows: readonly Window[]): Window[] {
  const [first, second] = windows
    .filter(({ endsAt }) => endsAt > now)
    .sort((a, b) => a.startsAt.getTime() - b.startsAt.getTime());
  if (first === undefined) return [];
  return second === undefined || second.startsAt < first.endsAt ? [first] : [first, second];
}

/** What an action does to the rows; null for one that asks Seam, which leaves the row quiet at least. */
function applied(given: PlanInput, action: Action): PlanInput {
  if (action.kind === 'intend') {
    return { ...given, codes: [...given.codes, aCode(action.window, { generation: given.generation })] };
  }
  const fieldsOf = (): Partial<AccessCode> => {
    switch (action.kind) {
      case 'move':
        return {
          windowStartsAt: action.window.startsAt,
          windowEndsAt: action.window.endsAt,
          generation: given.generation,
        };
      case 'keep_closed':
        return { windowEndsAt: action.window.endsAt };
      case 'removed':
        return { state: 'removed' };
      case 'close':
        return { state: 'closed' };
      case 'reopen':
        return { state: 'planned', generation: given.generation, quietUntil: null };
      case 'update':
        return {
          askedStartsAt: action.startsAt,
          askedEndsAt: action.endsAt,
          confirmedStartsAt: action.startsAt,
          confirmedEndsAt: action.endsAt,
        };
      case 'create':
        return { state: 'calling', quietUntil: later };
      case 'delete':
        return { state: 'removing', quietUntil: later, goneSignalAt: null };
      default:
        return { quietUntil: later };
    }
  };
  return {
    ...given,
    codes: given.codes.map((code) => (code.id === action.code.id ? { ...code, ...fieldsOf() } : code)),
  };
}

it('for any rows and windows, comes to rest within 12 rounds, never asks for two codes of one PIN, and always wakes later', () => {
  fc.assert(
    fc.property(anyInput, (start) => {
      let given = start;
      for (let round = 0; round < 12; round += 1) {
        const actions = planSchedule(given);
        const holders = given.codes.filter(({ state }) =>
          ['calling', 'unknown', 'created', 'removing'].includes(state),
        );
        const creates = actions.filter(({ kind }) => kind === 'create');
        if (!start.rotates) expect(creates.length + (creates.length > 0 ? holders.length : 0)).toBeLessThanOrEqual(1);
        given = actions.reduce(applied, given);
        if (actions.length > 0) continue;
        for (const code of given.codes.filter(isOpen))
          expect(wakeAt(code, given).getTime()).toBeGreaterThan(now.getTime());
        return;
      }
      throw new Error('it did not settle');
    }),
    { numRuns: runs(5_000) },
  );
});
