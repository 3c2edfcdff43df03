import { describe, expect, it } from 'vitest';
import type { AccessCode } from '../../src/core/access-code.ts';
import { type Action, type PlanInput, planSchedule } from '../../src/core/plan.ts';
import { wakeAt } from '../../src/core/wake.ts';
import type { Window } from '../../src/core/windows.ts';
import {
  aCode,
  at,
  day,
  hour,
  aPlanInput as input,
  minute,
  now,
  today,
  tomorrow,
  window,
} from '../support/plan-input.ts';

/** "create today", "delete tomorrow not_planned", "confirm_gone today early": what is done to which window's code. */
function told(actions: readonly Action[]): string[] {
  const nameOf = (of: Window): string => (of.startsAt <= now ? 'today' : 'tomorrow');
  return actions.map((action) => {
    const of =
      'code' in action ? { startsAt: action.code.windowStartsAt, endsAt: action.code.windowEndsAt } : action.window;
    const early = 'isEarly' in action && action.isEarly ? 'early' : '';
    return [action.kind, nameOf(of), 'reason' in action ? action.reason : early].join(' ').trim();
  });
}

const later = at(10 * minute);
const live = aCode(today, { state: 'created' });
const upcoming = aCode(tomorrow, { state: 'created' });
const next = aCode(tomorrow);

describe('planSchedule', () => {
  it.each<[string, PlanInput, string[]]>([
    ['means a code for the window in progress and the one after it', input([]), ['intend today', 'intend tomorrow']],
    [
      'does not run ahead of an upcoming window',
      input([], { windows: [tomorrow, window(2 * day, 2 * day + hour)] }),
      ['intend tomorrow'],
    ],
    [
      'gives no window’s place to a code that only waits to be removed',
      input([aCode(tomorrow, { state: 'removing', generation: -2, hasOtherPin: true, quietUntil: later })]),
      ['intend today', 'intend tomorrow'],
    ],
    ['asks for the first of two planned codes', input([aCode(today), next]), ['create today']],
    [
      'asks for both when PINs rotate',
      input([aCode(today), next], { rotates: true }),
      ['create today', 'create tomorrow'],
    ],
    ['leaves a quiet code alone', input([aCode(today, { quietUntil: later }), next]), []],
    ['waits with the next code while the live one holds the PIN', input([live, next]), []],
    [
      'makes the next code beside the live one when PINs rotate',
      input([live, next], { rotates: true }),
      ['create tomorrow'],
    ],
    [
      'waits with the next code while Seam may keep the live one into its window, though PINs rotate',
      input([aCode(today, { state: 'created', askedEndsAt: null, quietUntil: later }), next], { rotates: true }),
      [],
    ],
    [
      'waits with the next code while Seam has confirmed the live one for longer, though PINs rotate',
      input([aCode(today, { state: 'created', confirmedEndsAt: at(24 * hour) }), next], { rotates: true }),
      [],
    ],
    [
      'waits likewise where the next code has another PIN',
      input([
        aCode(today, { state: 'created', confirmedEndsAt: at(24 * hour) }),
        aCode(tomorrow, { hasOtherPin: true }),
      ]),
      [],
    ],
    [
      'does not ask more than 14 days ahead',
      input([aCode(window(15 * day, 16 * day))], { windows: [window(15 * day, 16 * day)] }),
      [],
    ],
    [
      'gives up a window that is nearly over',
      input([aCode(window(-hour, 4 * minute))], { windows: [window(-hour, 4 * minute)] }),
      ['close today too_late'],
    ],
    ['closes what is no longer planned', input([aCode(tomorrow)], { windows: [] }), ['close tomorrow not_planned']],
    ['closes what was missed', input([aCode(window(-2 * hour, -hour))], { windows: [] }), ['close today missed']],
    ['looks for a code whose creation is unsettled', input([aCode(today, { state: 'unknown' }), next]), ['find today']],
    ['does not look before it has settled', input([aCode(today, { state: 'calling', quietUntil: later }), next]), []],
    [
      'looks even if nothing is planned any more',
      input([aCode(today, { state: 'unknown' })], { windows: [] }),
      ['find today'],
    ],
    ['leaves a code as it should be', input([live, next]), []],
    ['deletes a code that is not planned', input([live], { windows: [] }), ['delete today not_planned']],
    [
      'asks after a code that is reported gone early',
      input([aCode(today, { state: 'created', goneSignalAt: now }), next]),
      ['confirm_gone today early'],
    ],
    [
      'believes that a code is gone at its end',
      input([aCode(window(-hour, minute), { state: 'created', goneSignalAt: now })], { windows: [] }),
      ['removed today'],
    ],
    [
      'gives a code two minutes to go',
      input([aCode(window(-hour, -minute), { state: 'created' })], { windows: [] }),
      [],
    ],
    [
      'asks after a code that is overdue',
      input([aCode(window(-hour, -2 * minute), { state: 'created' })], { windows: [] }),
      ['confirm_gone today'],
    ],
    [
      'moves the row of a live code whose end moved',
      input([aCode(window(-hour, 5 * hour), { state: 'created' }), next]),
      ['move today'],
    ],
    ['has Seam follow the row', input([{ ...live, askedEndsAt: at(5 * hour) }, next]), ['update today']],
    [
      'deletes a live code whose window starts later now',
      input([live], { windows: [window(hour, 7 * hour)] }),
      ['delete today moved_later'],
    ],
    [
      'moves an upcoming code in place',
      input([upcoming], { windows: [window(22 * hour, 30 * hour)] }),
      ['move tomorrow'],
    ],
    [
      'moves an upcoming code to a window that came in before its own',
      input([upcoming]),
      ['move tomorrow', 'intend tomorrow'],
    ],
    ['repeats a removal', input([{ ...live, state: 'removing' }, next]), ['delete today overdue']],
    [
      'has a removal that is reported proved at once, because the report may be of an earlier one',
      input([{ ...live, state: 'removing', goneSignalAt: now, quietUntil: later }, next]),
      ['delete today overdue'],
    ],
    ['keeps a rejected window’s place, and the PIN for it', input([aCode(today, { state: 'rejected' }), next]), []],
    [
      'goes on beside a rejected window where each has a PIN of its own',
      input([aCode(today, { state: 'rejected' }), next], { rotates: true }),
      ['create tomorrow'],
    ],
    [
      'lets a row follow its window before it is found to be too late for it',
      input([aCode(window(-hour, 30 * day))], { windows: [window(-hour, 4 * minute), tomorrow] }),
      ['move today', 'intend tomorrow'],
    ],
    [
      'lets a row that was reported gone follow its window before it is judged',
      input([aCode(window(-hour, 30 * day), { state: 'created', goneSignalAt: now })]),
      ['move today', 'intend tomorrow'],
    ],
    [
      'judges a row that was reported gone and is where it should be',
      input([aCode(today, { state: 'created', goneSignalAt: now })], { rotates: true }),
      ['confirm_gone today early', 'intend tomorrow'],
    ],
    [
      'closes a row whose place is taken before another moves there',
      input([aCode(today, { state: 'rejected' }), aCode(window(2 * hour, 7 * hour), { state: 'created' })], {
        windows: [today],
      }),
      ['close today not_planned'],
    ],
    [
      'keeps the PIN of an earlier row that waits, not of a later one',
      input([aCode(tomorrow, { state: 'rejected' }), aCode(today)]),
      ['create today'],
    ],
    [
      'asks for no code more than 14 days ahead, and for one just 14 days ahead',
      input([aCode(window(14 * day + 1, 15 * day))], { windows: [window(14 * day + 1, 15 * day)] }),
      [],
    ],
    [
      'asks for a code just 14 days ahead',
      input([aCode(window(14 * day, 15 * day))], { windows: [window(14 * day, 15 * day)] }),
      ['create tomorrow'],
    ],
    [
      'joins a window with five minutes left',
      input([aCode(window(-hour, 5 * minute))], { windows: [window(-hour, 5 * minute)] }),
      ['create today'],
    ],
    [
      'asks again after a change',
      input([aCode(today, { state: 'rejected' }), next], { generation: 1 }),
      ['reopen today'],
    ],
    ['keeps a closed window’s place', input([aCode(today, { state: 'closed' }), upcoming]), []],
    [
      'goes past an upcoming window that was closed',
      input([aCode(tomorrow, { state: 'closed' })], { windows: [tomorrow, today] }),
      ['intend today'],
    ],
    [
      'takes away a code whose window’s place another one keeps',
      input([aCode(today, { state: 'closed' }), { ...live, generation: 0 }, next]),
      ['delete today not_planned'],
    ],
    [
      'closes a planned code whose window’s place another one keeps',
      input([aCode(today, { state: 'removed' }), aCode(today), next]),
      ['close today not_planned'],
    ],
    [
      'leaves a code alone beside one of an older generation that is gone',
      input([aCode(today, { state: 'removed' }), { ...live, generation: 1 }, next], { generation: 1 }),
      [],
    ],
    [
      'takes away what is not planned, however quiet another call has made it',
      input([{ ...live, quietUntil: later }], { windows: [] }),
      ['delete today not_planned'],
    ],
    [
      'takes away at its window’s end what Seam made valid for longer',
      input([{ ...aCode(window(-hour, 0), { state: 'created' }), confirmedEndsAt: at(hour) }], { windows: [] }),
      ['delete today not_planned'],
    ],
    [
      'takes away at its window’s end what may have been made longer by an unsettled change',
      input([aCode(window(-hour, 0), { state: 'created', askedEndsAt: null })], { windows: [] }),
      ['delete today not_planned'],
    ],
    [
      'does not move a code that Seam has ended',
      input([aCode(window(-hour, 0), { state: 'created' })], { windows: [window(-hour, hour)] }),
      [],
    ],
    [
      'repeats a change of unknown outcome, even after the end that Seam last confirmed',
      input([aCode(today, { state: 'created', askedEndsAt: null, confirmedEndsAt: now }), next]),
      ['update today'],
    ],
    [
      'opens a closed window again after a change',
      input([aCode(today, { state: 'closed' }), next], { generation: 1 }),
      ['intend today'],
    ],
    [
      'looks beyond a window that begins just now',
      input([], { windows: [window(0, hour), tomorrow] }),
      ['intend today', 'intend tomorrow'],
    ],
    [
      'looks for a code of whose call nothing was heard',
      input([aCode(today, { state: 'calling' })]),
      ['find today', 'intend tomorrow'],
    ],
    ['asks as soon as a quiet time is over', input([aCode(today, { quietUntil: now }), next]), ['create today']],
    [
      'asks for the next code when the last one is gone',
      input([aCode(today, { state: 'removed' }), next]),
      ['create tomorrow'],
    ],
    [
      'lets a row follow its window when only the start moved',
      input([aCode(window(22 * hour, 31 * hour))], { windows: [tomorrow] }),
      ['move tomorrow'],
    ],
    [
      'asks for a code for a short window to come',
      input([aCode(window(minute, 4 * minute))], { windows: [window(minute, 4 * minute)] }),
      ['create tomorrow'],
    ],
    [
      'gives up a short window as soon as it begins',
      input([aCode(window(0, 4 * minute))], { windows: [window(0, 4 * minute)] }),
      ['close today too_late'],
    ],
    [
      'calls a window missed from its end on',
      input([aCode(window(-hour, 0))], { windows: [] }),
      ['close today missed'],
    ],
    [
      'has a window that touches another for a window of its own, the one before',
      input([aCode(window(-2 * hour, -hour))], { windows: [today] }),
      ['close today missed', 'intend today'],
    ],
    [
      'has a window that touches another for a window of its own, the one after',
      input([aCode(window(7 * hour, 9 * hour))], { windows: [today] }),
      ['close tomorrow not_planned', 'intend today'],
    ],
    [
      'gives a window that two rows have grown into to the earlier of them',
      input([aCode(window(2 * hour, 7 * hour)), aCode(window(-hour, hour))], { windows: [today] }),
      ['move today', 'close tomorrow not_planned'],
    ],
    [
      'believes that a code is gone two minutes before its end',
      input([aCode(window(-hour, 2 * minute), { state: 'created', goneSignalAt: now })], { windows: [] }),
      ['removed today'],
    ],
    [
      'deletes a code that is reported gone early and is not planned: the report may be of an earlier one',
      input([{ ...live, goneSignalAt: now }], { windows: [] }),
      ['delete today not_planned'],
    ],
    [
      'moves an upcoming code to a later start in place',
      input([upcoming], { windows: [window(24 * hour, 32 * hour)] }),
      ['move tomorrow'],
    ],
    [
      'moves a code in place that Seam has confirmed no start of',
      input([{ ...upcoming, confirmedStartsAt: null }], { windows: [window(24 * hour, 32 * hour)] }),
      ['move tomorrow'],
    ],
    [
      'deletes a code that has just become live when its window starts later now',
      input([aCode(window(0, 8 * hour), { state: 'created' })], { windows: [window(hour, 8 * hour)] }),
      ['delete today moved_later'],
    ],
    [
      'leaves a live code be whose window began later, but has begun',
      input([live], { windows: [window(0, 7 * hour)] }),
      [],
    ],
    [
      'has Seam follow a row that starts later, though the code is live already',
      input(
        [aCode(window(hour, 7 * hour), { state: 'created', confirmedStartsAt: at(-minute), askedStartsAt: null })],
        {
          windows: [window(hour, 7 * hour)],
        },
      ),
      ['update tomorrow'],
    ],
    [
      'takes away an upcoming code whose window is gone, and does not move it to a later one',
      input([upcoming], { windows: [window(2 * day, 2 * day + hour)] }),
      ['delete tomorrow not_planned', 'intend tomorrow'],
    ],
    [
      'moves an upcoming code to an earlier window with five minutes left',
      input([upcoming], { windows: [window(-hour, 5 * minute), tomorrow] }),
      ['move tomorrow', 'intend tomorrow'],
    ],
    [
      'does not move an upcoming code to a window that is nearly over',
      input([upcoming], { windows: [window(-hour, 5 * minute - 1), tomorrow] }),
      ['intend today'],
    ],
    [
      'lets the row of an earlier window go that waits for the PIN of an upcoming code, which is to move there',
      input([aCode(today), upcoming]),
      ['close today replaced', 'intend tomorrow'],
    ],
    [
      'does not move an upcoming code to a window whose row may be at Seam',
      input([aCode(today, { state: 'unknown', quietUntil: at(minute) }), upcoming]),
      [],
    ],
    [
      'does not move an upcoming code to a window whose row has another PIN',
      input([aCode(today, { hasOtherPin: true }), upcoming]),
      ['create today'],
    ],
    [
      'asks after an upcoming code that is reported gone before it is moved anywhere',
      input([{ ...upcoming, goneSignalAt: now }]),
      ['confirm_gone tomorrow early', 'intend today'],
    ],
  ])('%s', (_, given, expected) => {
    expect(told(planSchedule(given))).toEqual(expected);
  });

  it.each<[string, Partial<AccessCode>, Window, Date]>([
    ['its start while it is to come', {}, window(22 * hour, 31 * hour), at(22 * hour)],
    ['now when it is moved to a window in progress', {}, today, now],
    ['now when nothing was asked or confirmed', { askedStartsAt: null, confirmedStartsAt: null }, today, now],
    [
      'what was asked before of a window in progress',
      { askedStartsAt: at(-50 * minute) },
      window(-hour, hour),
      at(-50 * minute),
    ],
    ['what was asked before of a window that begins now', { askedStartsAt: at(-minute) }, window(0, hour), at(-minute)],
    ['what was asked for in three minutes', { askedStartsAt: at(3 * minute) }, today, at(3 * minute)],
    ['now instead of what was asked for later', { askedStartsAt: at(3 * minute + 1) }, today, now],
    [
      'what Seam confirmed where the last request is unsettled',
      { askedStartsAt: null, askedEndsAt: null, confirmedStartsAt: at(-50 * minute) },
      today,
      at(-50 * minute),
    ],
  ])('asks Seam to have a window begin at %s', (_, fields, of, startsAt) => {
    const code = { ...upcoming, windowStartsAt: of.startsAt, windowEndsAt: of.endsAt, ...fields };
    expect(planSchedule(input([code], { windows: [of] }))).toEqual([
      { kind: 'update', code, startsAt, endsAt: of.endsAt },
    ]);
  });

  it('carries a live code over the cut of an endless run a day before it', () => {
    const month = window(-20 * day, 2 * day);
    const following = window(2 * day, 33 * day);
    const code = aCode(month, { state: 'created' });
    expect(planSchedule(input([code], { windows: [month, following] }))).toEqual([]);
    expect(wakeAt(code, input([code], { windows: [month, following] }))).toEqual(at(day));
    const dayBefore = input([code], { windows: [month, following], now: at(day) });
    expect(planSchedule(dayBefore)).toMatchObject([{ kind: 'move', window: window(-20 * day, 33 * day) }]);
  });

  it('keeps a window closed that got longer, in its own generation, but no window behind it', () => {
    const of = window(-3 * hour, -hour);
    const longer = window(-3 * hour, 2 * hour);
    const closed = aCode(of, { state: 'closed', nextTryAt: null });
    expect(planSchedule(input([closed], { windows: [longer] }))).toEqual([
      { kind: 'keep_closed', code: closed, window: longer },
    ]);
    expect(planSchedule(input([closed], { windows: [longer], generation: 1 }))).toEqual([
      { kind: 'intend', window: longer },
    ]);
    const month = window(-20 * day, hour);
    const ofMonth = aCode(month, { state: 'closed', nextTryAt: null });
    expect(planSchedule(input([ofMonth], { windows: [month, window(hour, 31 * day)] }))).toEqual([]);
  });
});

describe('wakeAt', () => {
  it.each<[string, AccessCode, Partial<PlanInput>, Date]>([
    ['a live code when its removal is overdue', live, {}, at(7 * hour + 2 * minute)],
    ['an upcoming code when its removal is overdue', upcoming, {}, at(31 * hour + 2 * minute)],
    ['an upcoming code at its start when PINs rotate', upcoming, { rotates: true }, at(23 * hour)],
    ['a far code fourteen days ahead', aCode(window(20 * day, 21 * day)), {}, at(6 * day)],
    ['a postponed code when its quiet time is over', aCode(today, { quietUntil: later }), {}, later],
    ['an unsettled code when it has settled', aCode(today, { state: 'unknown', quietUntil: later }), {}, later],
    ['a removal when it is to be asked for again', { ...live, state: 'removing', quietUntil: later }, {}, later],
    ['a code that is due now in a second', aCode(today), {}, at(1_000)],
    ['a code that Seam has confirmed no end of', { ...live, confirmedEndsAt: null }, {}, at(7 * hour + 2 * minute)],
    ['a live code that is quiet when its quiet time is over', { ...live, quietUntil: later }, {}, later],
    [
      'a code whose removal is overdue when its quiet time is over',
      aCode(window(-hour, -2 * minute), { state: 'created', quietUntil: later }),
      {},
      later,
    ],
    [
      'a code whose window begins now when its removal is overdue, when PINs rotate too',
      aCode(window(0, 8 * hour), { state: 'created' }),
      { rotates: true },
      at(8 * hour + 2 * minute),
    ],
    ['an unsettled code in a minute when nothing else is known', aCode(today, { state: 'unknown' }), {}, at(minute)],
    ['a rejected code at its window’s end', aCode(today, { state: 'rejected' }), {}, today.endsAt],
    [
      'a code that Seam made valid for longer at its window’s end',
      { ...live, confirmedEndsAt: at(9 * hour) },
      {},
      today.endsAt,
    ],
    ['a code of an unsettled change at its window’s end', { ...live, askedEndsAt: null }, {}, today.endsAt],
    [
      'a live code at its window’s end, though another call made it quiet for longer',
      { ...live, askedEndsAt: null, quietUntil: at(9 * hour) },
      {},
      today.endsAt,
    ],
    [
      'a blocked code at its own end at the latest',
      next,
      { codes: [{ ...live, windowEndsAt: at(40 * hour) }] },
      tomorrow.endsAt,
    ],
    [
      'a blocked code not each second while the removal is late',
      next,
      { codes: [{ ...live, windowEndsAt: at(-hour) }] },
      at(5 * minute),
    ],
  ])('wakes %s', (_, code, fields, expected) => {
    expect(wakeAt(code, input([code], fields))).toEqual(expected);
  });
});
