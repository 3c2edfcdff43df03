import { describe, expect, it } from 'vitest';
import type { AccessCode } from '../../src/core/access-code.ts';
import { nextRung, remedyFor, type Seen, type Trouble, troubleOf } from '../../src/core/ladder.ts';
import { wakeAt } from '../../src/core/wake.ts';
import { aCode, aPlanInput, at, day, hour, minute, today, tomorrow, window } from '../support/plan-input.ts';

const rungsMs = [day, 2 * hour, 15 * minute];
const inTwoDays = window(2 * day, 2 * day + hour);
const dueAt = (code: AccessCode, lastEndsAt: Date | null = null, others: AccessCode[] = []): number | null => {
  const rung = nextRung(code, { rungsMs, lastEndsAt }, aPlanInput([code, ...others]));
  return rung === null ? null : (rung.dueAt.getTime() - at(0).getTime()) / minute;
};

describe('nextRung', () => {
  it.each<[string, number | null, number | null]>([
    ['is a day before', dueAt(aCode(inTwoDays)), 24 * 60],
    ['is the next one once that is done', dueAt(aCode(inTwoDays, { checkedAt: at(day) })), 46 * 60],
    ['is none once all are done', dueAt(aCode(inTwoDays, { checkedAt: at(2 * day - 15 * minute) })), null],
    ['is the last that passed, after an outage', dueAt(aCode(window(10 * minute, hour))), -5],
    ['does not count before the code was meant', dueAt(aCode(window(hour, 2 * hour), { createdAt: at(0) })), 45],
    [
      'does not count before the end of the last window and 15 minutes',
      dueAt(aCode(tomorrow), at(-10 * minute)),
      21 * 60,
    ],
    ['counts 15 minutes after that end', dueAt(aCode(tomorrow), at(-hour - 16 * minute)), -60],
    ['does not count before the end of the window in progress', dueAt(aCode(tomorrow), null, [aCode(today)]), 21 * 60],
    [
      'waits until a call can have reached the lock',
      dueAt(aCode(tomorrow, { state: 'created', calledAt: at(-0.5 * minute) })),
      0.5,
    ],
    [
      'does not wait for a create that fails and is repeated',
      dueAt(aCode(tomorrow, { state: 'unknown', calledAt: at(-0.5 * minute) })),
      -60,
    ],
    ['is 15 minutes after the end', dueAt(aCode(window(-hour, -minute), { state: 'created' })), 14],
    ['is none after the end of what never was', dueAt(aCode(window(-hour, -minute), { state: 'unknown' })), null],
    ['is none for what is being removed', dueAt(aCode(tomorrow, { state: 'removing' })), null],
  ])('%s', (_, rung, expected) => {
    expect(rung).toBe(expected);
  });

  it('counts all rungs for a code with a PIN of its own, or where PINs rotate', () => {
    const code = aCode(tomorrow);
    const ladder = { rungsMs, lastEndsAt: at(-minute) };
    expect(nextRung(code, ladder, aPlanInput([code], { rotates: true }))?.dueAt).toEqual(at(-hour));
    const own = { ...code, hasOtherPin: true };
    expect(nextRung(own, ladder, aPlanInput([own]))?.dueAt).toEqual(at(-hour));
  });

  it('wakes the row, and again in a minute when Seam could not be asked', () => {
    const code = aCode(tomorrow, { state: 'created' });
    expect(wakeAt(code, aPlanInput([code]), at(hour))).toEqual(at(hour));
    expect(wakeAt(code, aPlanInput([code]), at(-hour))).toEqual(at(minute));
  });
});

const well: Seen = { errors: [], pending: [] };
const offline: Seen = { errors: [{ code: 'device_offline', isOwn: false }], pending: [] };

describe('troubleOf', () => {
  const created = aCode(tomorrow, { state: 'created' });
  const near = aCode(window(15 * minute, hour), { state: 'created' });
  it.each<[string, Trouble | null, string | undefined]>([
    ['none for a code as it should be', troubleOf(created, well, aPlanInput([])), undefined],
    [
      'none for one that Seam sets later',
      troubleOf(created, { ...well, pending: ['deferring_creation'] }, aPlanInput([])),
      undefined,
    ],
    ['what is pending near the start', troubleOf(near, { ...well, pending: ['creating'] }, aPlanInput([])), 'pending'],
    ['an error', troubleOf(created, offline, aPlanInput([])), 'seam_error'],
    [
      'none where the lock has it and is only offline',
      troubleOf({ ...near, readyAt: at(-hour) }, offline, aPlanInput([])),
      undefined,
    ],
    ['a refusal', troubleOf(aCode(tomorrow, { state: 'rejected' }), null, aPlanInput([])), 'refused'],
    ['a code that is not there', troubleOf(aCode(tomorrow), null, aPlanInput([])), 'not_created'],
    [
      'the code before it that hangs',
      troubleOf(aCode(tomorrow), null, aPlanInput([aCode(window(-2 * hour, -hour), { state: 'removing' })])),
      'last_code_hangs',
    ],
  ])('%s', (_, trouble, kind) => {
    expect(trouble?.kind).toBe(kind);
  });
});

describe('remedyFor', () => {
  const hangs: Trouble = { kind: 'last_code_hangs' };
  const stuck: Trouble = { kind: 'seam_error', errors: ['device_offline'], isAboutPin: false };
  const refused: Trouble = { kind: 'refused', reason: 'x' };
  const first = { isFirst: true };
  const later = { isFirst: false };
  const none = { allowsOtherPin: false, hasBackupPool: false };
  const all = { allowsOtherPin: true, hasBackupPool: true };
  const planned = aCode(tomorrow);
  const created = aCode(tomorrow, { state: 'created' });
  it.each([
    ['another PIN where the last code hangs', remedyFor(planned, hangs, first, all), 'other_pin'],
    ['none where that is not allowed', remedyFor(planned, hangs, first, none), 'tell'],
    ['not a third PIN', remedyFor({ ...planned, hasOtherPin: true }, refused, first, all), 'ask_again'],
    ['the same again for a refusal', remedyFor(planned, refused, first, none), 'ask_again'],
    ['no other PIN where the PIN is not in the way', remedyFor(created, stuck, first, all), 'tell'],
    ['a backup from the second rung on', remedyFor(created, stuck, later, all), 'backup'],
    ['one backup', remedyFor({ ...created, backupAccessCodeId: 'b' }, stuck, later, all), 'tell'],
    ['no backup of what Seam has not', remedyFor(planned, hangs, later, { ...all, allowsOtherPin: false }), 'tell'],
  ])('%s', (_, remedy, expected) => {
    expect(remedy).toBe(expected);
  });
});
