import { ApiFailure } from './failure.ts';

/** How many calls of each kind one device takes in a minute. */
export interface Limits {
  readonly create: number;
  readonly update: number;
  readonly delete: number;
}

/** Seam's own, as documented. */
export const seamLimits: Limits = { create: 10, update: 10, delete: 20 };

const minuteMs = 60_000;

/** Counts the calls of the last minute of virtual time, for each device and kind. */
export class RateLimiter {
  readonly #limits: Limits;
  readonly #says: boolean;
  readonly #calls = new Map<string, number[]>();

  constructor(limits: Limits, saysRetryAfter: boolean) {
    this.#limits = limits;
    this.#says = saysRetryAfter;
  }

  /** Counts a call, or refuses it with 429. A refused call does not count. */
  take(kind: keyof Limits, deviceId: string, now: number): void {
    const limit = this.#limits[kind];
    if (limit === Number.POSITIVE_INFINITY) return;
    const key = `${kind} ${deviceId}`;
    const recent = (this.#calls.get(key) ?? []).filter((at) => at > now - minuteMs);
    this.#calls.set(key, recent);
    const oldest = recent[0];
    if (oldest !== undefined && recent.length >= limit) {
      const waitSeconds = Math.max(1, Math.ceil((oldest + minuteMs - now) / 1000));
      throw new ApiFailure(429, 'rate_limit_exceeded', `This device takes ${limit} ${kind} calls a minute`, {
        retryAfterSeconds: this.#says ? waitSeconds : undefined,
      });
    }
    recent.push(now);
  }
}
