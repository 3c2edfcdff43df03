// What other people's systems are told, and how often it is tried: as the Standard Webhooks specification recommends. Pure.

/** What an endpoint may be told of; triggers on history and alerts write messages of these types. */
export const eventTypes = [
  'alert.raised',
  'alert.acknowledged',
  'alert.resolved',
  'code.created',
  'code.ready',
  'code.changed',
  'code.removed',
  'window.missed',
] as const;

export type EventType = (typeof eventTypes)[number];

/** Of the message that is sent to try an endpoint; it is not kept. */
export const testType = 'endpoint.test';

/** The webhook-id of a message, the same at each attempt; by it receivers know repetitions. */
export function messageIdOf(id: string): string {
  return `msg_${id}`;
}

/** What became of one attempt to deliver a message. */
export type Attempt =
  | { readonly status: number; readonly retryAfterSeconds: number | null }
  /** No answer came, and why, in words without anything that the other side said. */
  | { readonly error: string };

export function isTaken(attempt: Attempt): boolean {
  return 'status' in attempt && attempt.status >= 200 && attempt.status < 300;
}

/** 410 Gone: the receiver wants nothing any more. */
export function isGone(attempt: Attempt): boolean {
  return 'status' in attempt && attempt.status === 410;
}

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const retryDelaysMs = [
  5 * secondMs,
  5 * minuteMs,
  30 * minuteMs,
  2 * hourMs,
  5 * hourMs,
  10 * hourMs,
  14 * hourMs,
  20 * hourMs,
  24 * hourMs,
] as const;

/**
 * How long to wait after so many failed attempts (1 or more) at a message, with up to a tenth more so that what failed together does
 * not come back together; null when it is given up, after ten attempts in a little over three days.
 * @param random uniform whole number below its argument
 */
export function retryDelayMs(attempts: number, random: (below: number) => number): number | null {
  const delayMs = retryDelaysMs[attempts - 1];
  return delayMs === undefined ? null : delayMs + random(delayMs / 10 + 1);
}

/**
 * How long an endpoint is left alone after a failure, whatever waits for it: as long as it has been failing, from 5 s to 5 min, and at
 * least as long as it asks for, up to an hour.
 */
export function quietMs(failingForMs: number, attempt: Attempt): number {
  const askedMs = 'status' in attempt ? (attempt.retryAfterSeconds ?? 0) * secondMs : 0;
  return Math.max(Math.min(Math.max(failingForMs, 5 * secondMs), 5 * minuteMs), Math.min(askedMs, hourMs));
}

/** Whether an endpoint that is back was away long enough for what waits to be sent at once: one failure among others is no outage. */
export function wasAway(failingSince: Date, now: Date): boolean {
  return now.getTime() - failingSince.getTime() >= 5 * minuteMs;
}

const failingDaysMax = 5;

/** Whether an endpoint that nothing was delivered to since then is given up. */
export function isFailingTooLong(failingSince: Date, now: Date): boolean {
  return now.getTime() - failingSince.getTime() >= failingDaysMax * dayMs;
}

/** In words: "answered 500", "did not answer within 15 s". */
export function describeAttempt(attempt: Attempt): string {
  if ('error' in attempt) return attempt.error;
  const isRedirect = attempt.status >= 300 && attempt.status < 400;
  return `it answered ${attempt.status}${isRedirect ? ', and redirects are not followed' : ''}`;
}
