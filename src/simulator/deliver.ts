import type { SeamEvent } from 'seam';
import { Webhook } from 'svix';
import type { Faults } from './faults.ts';
import { Sender } from './send.ts';
import type { Timeline } from './timeline.ts';

/** Where events go, and how they are signed. */
export interface Endpoint {
  readonly webhook_id: string;
  url: string;
  secret: string;
  event_types: readonly string[];
}

/** One attempt at one message, as it ended. */
export interface Delivery {
  readonly message_id: string;
  readonly event_id: string;
  readonly event_type: string;
  readonly attempt: number;
  /** Virtual time. */
  readonly at: Date;
  readonly outcome: 'delivered' | 'failed' | 'exhausted' | 'lost';
  readonly status: number | null;
}

interface Message {
  readonly id: string;
  readonly event: SeamEvent;
  readonly endpoint: Endpoint;
  attempt: number;
  /** Messages that go out only when this one has been attempted. */
  followers: Message[];
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** How long after the one before each further attempt comes. */
const retryDelaysMs = [5_000, 5 * minuteMs, 30 * minuteMs, 2 * hourMs, 5 * hourMs, 10 * hourMs, 10 * hourMs] as const;

const maxInFlight = 64;
const keptDeliveries = 100_000;
/** What a reordering holds back is let go after this at the latest, though too few messages came. */
const longestHoldMs = minuteMs;

export interface DeliveriesOptions {
  readonly timeline: Timeline;
  readonly faults: Faults;
  readonly timeoutMs: number;
  readonly sendsEachEventTwice: boolean;
}

/** Signed webhooks to every endpoint, with Seam's schedule of retries in virtual time. */
export class Deliveries {
  readonly endpoints = new Map<string, Endpoint>();
  /** What was attempted, oldest first. */
  readonly attempts: Delivery[] = [];
  readonly #o: DeliveriesOptions;
  readonly #sender: Sender;
  readonly #signers = new Map<string, Webhook>();
  #queue: Message[] = [];
  #held: Message[] = [];
  #inFlight = 0;
  #waiting = 0;
  #isClosed = false;
  #onIdle: (() => void)[] = [];

  constructor(options: DeliveriesOptions) {
    this.#o = options;
    this.#sender = new Sender(options.timeoutMs);
  }

  /** Messages being sent, and messages that wait for a later instant of virtual time. */
  get pending(): number {
    return this.inFlight + this.#waiting + this.#held.length;
  }

  get inFlight(): number {
    return this.#inFlight + this.#queue.length;
  }

  /** Resolves when nothing is being sent. What waits for a retry waits for virtual time, so it does not count. */
  idle(): Promise<void> {
    if (this.inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle.push(resolve));
  }

  publish(event: SeamEvent): void {
    for (const endpoint of this.endpoints.values()) {
      if (!endpoint.event_types.includes('*') && !endpoint.event_types.includes(event.event_type)) continue;
      for (const id of this.#messageIds(event)) this.#accept({ id, event, endpoint, attempt: 0, followers: [] });
    }
  }

  /** Sends an event once more under its old message ids, as an operator does in the portal. */
  resend(event: SeamEvent): void {
    for (const endpoint of this.endpoints.values()) {
      for (const id of this.#messageIds(event)) this.#send({ id, event, endpoint, attempt: 0, followers: [] });
    }
  }

  /** Lets go of what a reordering holds back. */
  release(): void {
    const held = this.#held;
    this.#held = [];
    const [first, ...others] = held.reverse();
    if (first !== undefined) this.#send({ ...first, followers: others });
  }

  close(): void {
    this.#isClosed = true;
    this.#queue = [];
    this.#sender.close();
  }

  /** The same for every attempt and resend of a message. */
  #messageIds(event: SeamEvent): string[] {
    const id = `msg_${event.event_id.replaceAll('-', '')}`;
    return this.#o.sendsEachEventTwice ? [id, `${id}b`] : [id];
  }

  #accept(message: Message): void {
    const struck = this.#o.faults.takeDelivery(message.event.event_type);
    const fault = struck?.fault;
    if (fault === undefined) this.#send(message);
    else if (fault.kind === 'lose') this.#record(message, 'lost', null);
    else if (fault.kind === 'delay') this.#sendLater(message, fault.delayMs);
    else if (fault.kind === 'duplicate') {
      this.#send(message);
      this.#send({ ...message });
    } else {
      this.#hold(message, struck?.left === 0);
    }
  }

  #hold(message: Message, isLast: boolean): void {
    const { timeline } = this.#o;
    if (this.#held.length === 0) timeline.schedule(timeline.now + longestHoldMs, () => this.release());
    this.#held.push(message);
    if (isLast) this.release();
  }

  #sendLater(message: Message, delayMs: number, from = this.#o.timeline.now): void {
    this.#waiting += 1;
    this.#o.timeline.schedule(from + delayMs, () => {
      this.#waiting -= 1;
      this.#send(message);
    });
  }

  #send(message: Message): void {
    if (this.#isClosed) return;
    this.#queue.push(message);
    this.#pump();
  }

  #pump(): void {
    while (this.#inFlight < maxInFlight) {
      const message = this.#queue.shift();
      if (message === undefined) break;
      this.#inFlight += 1;
      void this.#attempt(message).finally(() => {
        this.#inFlight -= 1;
        const [next, ...others] = message.followers.splice(0);
        if (next !== undefined) this.#send({ ...next, followers: others });
        this.#pump();
      });
    }
    if (this.inFlight > 0) return;
    const waiters = this.#onIdle;
    this.#onIdle = [];
    for (const wake of waiters) wake();
  }

  async #attempt(message: Message): Promise<void> {
    message.attempt += 1;
    const startedAt = this.#o.timeline.now;
    const { id, event, endpoint, attempt } = message;
    const body = JSON.stringify(event);
    // The receiver compares with its own clock, so the signature carries real time.
    const signedAt = new Date();
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'Svix-Webhooks/1.0 (relatch-simulator)',
      'svix-id': id,
      'svix-timestamp': String(Math.floor(signedAt.getTime() / 1000)),
      'svix-signature': this.#signer(endpoint.secret).sign(id, signedAt, body),
    };
    const status = await this.#sender.post(endpoint.url, headers, body);
    if (this.#isClosed) return;
    if (status !== null && status >= 200 && status < 300) {
      this.#record(message, 'delivered', status);
      return;
    }
    const delayMs = retryDelaysMs[attempt - 1];
    this.#record(message, delayMs === undefined ? 'exhausted' : 'failed', status);
    if (delayMs !== undefined) this.#sendLater(message, delayMs, startedAt);
  }

  #record({ id, event, attempt }: Message, outcome: Delivery['outcome'], status: number | null): void {
    if (this.attempts.length >= 2 * keptDeliveries) this.attempts.splice(0, keptDeliveries);
    this.attempts.push({
      message_id: id,
      event_id: event.event_id,
      event_type: event.event_type,
      attempt,
      at: new Date(this.#o.timeline.now),
      outcome,
      status,
    });
  }

  #signer(secret: string): Webhook {
    let signer = this.#signers.get(secret);
    if (signer === undefined) {
      signer = new Webhook(secret);
      this.#signers.set(secret, signer);
    }
    return signer;
  }
}
