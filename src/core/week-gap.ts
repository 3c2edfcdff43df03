// Why a door was without a code in an open window, from the row that stands for the window. Pure.
import { formatInTimeZone } from 'date-fns-tz';
import type { AccessCode } from './access-code.ts';
import { endedBecause } from './explain-code.ts';
import { momentFormat } from './explain-facts.ts';
import { notReadyEvents, readyEvents } from './seam-event-types.ts';
import type { DateSpan } from './spans.ts';

/** What a week needs of a row. */
export type WeekCode = Pick<
  AccessCode,
  | 'windowStartsAt'
  | 'windowEndsAt'
  | 'generation'
  | 'state'
  | 'confirmedStartsAt'
  | 'confirmedEndsAt'
  | 'deviceAwaySince'
  | 'readyAt'
  | 'createdAt'
  | 'reason'
> & {
  readonly removedAt: Date | null;
  /** When the lock held it and then lost it, before `readyAt`. */
  readonly heldBefore: readonly DateSpan[];
};

/** What Seam said of a code and its lock, and when that happened. */
export interface LockReport {
  readonly eventType: string;
  readonly occurredAt: Date;
}

/** When the lock held a code until it was said not to. @param reports in the order in which they happened */
export function heldUntilLost(reports: readonly LockReport[]): DateSpan[] {
  const held: DateSpan[] = [];
  let since: Date | null = null;
  for (const { eventType, occurredAt } of reports) {
    if (readyEvents.includes(eventType)) since ??= occurredAt;
    if (!notReadyEvents.includes(eventType)) continue;
    if (since !== null && since < occurredAt) held.push({ startsAt: since, endsAt: occurredAt });
    since = null;
  }
  return held;
}

/** Reasons of rows that ended without a code; others are sentences already. */
const closedBecause: Readonly<Record<string, string>> = {
  missed: 'its code was not made in time',
  too_late: 'less than five minutes of it were left when a code could be made',
  given_up: 'nobody could find out what became of its code',
};

/** A phrase without a full stop. @param code the row that stands for the window; null where none was written */
export function gapBecause(code: WeekCode | null, gap: DateSpan, timezone: string): string {
  if (code === null) return 'no code was made for it';
  const moment = (at: Date): string => formatInTimeZone(at, timezone, momentFormat);
  const { state, reason, readyAt, removedAt, confirmedStartsAt, confirmedEndsAt } = code;
  const lost = code.heldBefore.find(({ endsAt }) => endsAt.getTime() === gap.startsAt.getTime());
  if (lost !== undefined) return `the lock had lost the code, as Seam said on ${moment(lost.endsAt)}`;
  if (readyAt !== null && readyAt >= gap.endsAt) return `the lock held the code only from ${moment(readyAt)} on`;
  if (confirmedStartsAt !== null && confirmedStartsAt >= gap.endsAt && readyAt !== null)
    return `Seam made the code valid only from ${moment(confirmedStartsAt)} on`;
  if (state === 'closed') return closedBecause[reason ?? ''] ?? endedBecause(code);
  if (confirmedEndsAt !== null && confirmedEndsAt <= gap.startsAt)
    return `Seam had the code only until ${moment(confirmedEndsAt)}`;
  if (removedAt !== null && readyAt !== null) return `the code was taken away: ${endedBecause(code)}`;
  if (code.deviceAwaySince !== null) return `Seam no longer has the device since ${moment(code.deviceAwaySince)}`;
  switch (state) {
    case 'planned':
      return reason ?? 'the code has not been asked of Seam yet';
    case 'rejected':
      return `Seam or the lock refuses the code: ${reason ?? 'no reason is known'}`;
    case 'calling':
    case 'unknown':
      return 'Seam was asked for the code, and it is not known whether it made it';
    default:
      return 'Seam has the code, but never said that the lock holds it';
  }
}
