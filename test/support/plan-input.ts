// Rows and windows around one instant, for tests of the plan.
import type { AccessCode } from '../../src/core/access-code.ts';
import type { PlanInput } from '../../src/core/plan.ts';
import type { Window } from '../../src/core/windows.ts';

export const minute = 60_000;
export const hour = 60 * minute;
export const day = 24 * hour;
export const now = new Date('2027-03-08T15:00:00Z');
export const at = (ms: number): Date => new Date(now.getTime() + ms);
export const window = (from: number, to: number): Window => ({ startsAt: at(from), endsAt: at(to) });

/** One hour old, seven to go. */
export const today = window(-hour, 7 * hour);
export const tomorrow = window(23 * hour, 31 * hour);

let ids = 0;
export function aCode(of: Window, fields: Partial<AccessCode> = {}): AccessCode {
  ids += 1;
  const isAtSeam = fields.state === 'created' || fields.state === 'removing';
  const times = isAtSeam ? { startsAt: of.startsAt, endsAt: of.endsAt } : null;
  return {
    id: `code-${ids}`,
    scheduleId: 'schedule',
    deviceId: 'device',
    windowStartsAt: of.startsAt,
    windowEndsAt: of.endsAt,
    generation: 0,
    marker: 'ABC23456',
    state: 'planned',
    fence: 0,
    attempts: 0,
    accessCodeId: isAtSeam ? `seam-${ids}` : null,
    askedStartsAt: times?.startsAt ?? null,
    askedEndsAt: times?.endsAt ?? null,
    confirmedStartsAt: times?.startsAt ?? null,
    confirmedEndsAt: times?.endsAt ?? null,
    calledAt: null,
    quietUntil: null,
    nextTryAt: now,
    goneSignalAt: null,
    deviceAwaySince: null,
    readyAt: null,
    changedSignalAt: null,
    checkedAt: null,
    hasOtherPin: false,
    pinRevoked: false,
    backupAccessCodeId: null,
    createdAt: at(-7 * day),
    reason: null,
    ...fields,
  };
}

export function aPlanInput(codes: readonly AccessCode[], fields: Partial<PlanInput> = {}): PlanInput {
  return { windows: [today, tomorrow], codes, generation: 0, rotates: false, now, ...fields };
}
