import type { SeamEvent } from 'seam';
import type { Switches } from './switches.ts';

/** What `/events/list` may ask for. */
export interface EventFilter {
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  readonly eventTypes?: readonly string[] | undefined;
  readonly eventIds?: readonly string[] | undefined;
  readonly accessCodeIds?: readonly string[] | undefined;
  readonly deviceIds?: readonly string[] | undefined;
  readonly limit?: number | undefined;
  readonly offset?: number | undefined;
}

const dayMs = 86_400_000;
const defaultLimit = 500;
/** Forgotten events are cut off in bulk. */
const pruneAbove = 20_000;

interface Logged {
  readonly at: number;
  readonly event: SeamEvent;
}

const idOf = (event: SeamEvent, key: 'access_code_id' | 'device_id'): string | undefined => {
  const value: unknown = key in event ? Reflect.get(event, key) : undefined;
  return typeof value === 'string' ? value : undefined;
};

/** Every event of the workspace, in the order of virtual time, for as long as Seam keeps it. */
export class EventLog {
  #events: Logged[] = [];
  readonly #switches: Switches;

  constructor(switches: Switches) {
    this.#switches = switches;
  }

  add(event: SeamEvent, now: number): void {
    this.#events.push({ at: now, event });
    const oldest = this.#events[0];
    if (this.#events.length % pruneAbove === 0 && oldest !== undefined && oldest.at < this.#forgottenBefore(now)) {
      this.#events = this.#events.slice(this.#firstAt(this.#forgottenBefore(now)));
    }
  }

  /** Everything still kept, oldest first. */
  all(now: number): SeamEvent[] {
    return this.#events.slice(this.#firstAt(this.#forgottenBefore(now))).map(({ event }) => event);
  }

  find(eventId: string, now: number): SeamEvent | undefined {
    return this.all(now).find((event) => event.event_id === eventId);
  }

  list(filter: EventFilter, now: number): SeamEvent[] {
    const from = this.#firstAt(Math.max(this.#forgottenBefore(now), filter.since ?? Number.NEGATIVE_INFINITY));
    const until = filter.until ?? Number.POSITIVE_INFINITY;
    const types = filter.eventTypes && new Set(filter.eventTypes);
    const ids = filter.eventIds && new Set(filter.eventIds);
    const codes = filter.accessCodeIds && new Set(filter.accessCodeIds);
    const devices = filter.deviceIds && new Set(filter.deviceIds);
    const matching: SeamEvent[] = [];
    for (let index = from; index < this.#events.length; index++) {
      const logged = this.#events[index];
      if (logged === undefined || logged.at > until) break;
      const { event } = logged;
      if (types?.has(event.event_type) === false || ids?.has(event.event_id) === false) continue;
      if (codes?.has(idOf(event, 'access_code_id') ?? '') === false) continue;
      if (devices?.has(idOf(event, 'device_id') ?? '') === false) continue;
      matching.push(event);
    }
    if (this.#switches.eventsListOrder === 'newest_first') matching.reverse();
    const offset = filter.offset ?? 0;
    return matching.slice(offset, offset + (filter.limit ?? defaultLimit));
  }

  #forgottenBefore(now: number): number {
    return now - this.#switches.eventRetentionDays * dayMs;
  }

  #firstAt(at: number): number {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const logged = this.#events[middle];
      if (logged !== undefined && logged.at < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
