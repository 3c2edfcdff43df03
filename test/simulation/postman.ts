// Carries Seam's events to the service as Svix does, and as badly as it may: lost, doubled, hours late, in another order, forged.
import { type SeamEvent, SeamWebhook } from 'seam';
import { InboxUnavailable } from '../../src/db/inbox.ts';
import { type ReceiveWebhookDeps, receiveWebhook } from '../../src/flows/receive-webhook.ts';
import { verifyMessage } from '../../src/seam/verify.ts';
import { otherWebhookSecret, sign, webhookSecret } from '../support/sign.ts';
import type { Chance } from './chance.ts';
import { Crash, DatabaseLost } from './crash-points.ts';
import type { FaultClock } from './fault-clock.ts';
import { type Trace, Violation } from './trace.ts';

interface Letter {
  readonly event: SeamEvent;
  readonly messageId: string;
  at: number;
  attempt: number;
}

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const retryDelaysMs = [5 * secondMs, 5 * minuteMs, 30 * minuteMs, 2 * hourMs, 5 * hourMs, 10 * hourMs, 10 * hourMs];

/** What the service needs; most webhooks are made for these only, and nothing else is read from Seam's list. */
export const neededEvents: ReadonlySet<string> = new Set([
  'access_code.removed_from_device',
  'access_code.deleted',
  'access_code.set_on_device',
  'access_code.scheduled_on_device',
  'access_code.delay_in_setting_on_device',
  'access_code.failed_to_set_on_device',
  'access_code.failed_to_remove_from_device',
  'access_code.deleted_external_to_seam',
  'access_code.backup_access_code_pulled',
  'device.removed',
  'device.added',
  'device.disconnected',
  'device.connected',
  'connected_account.disconnected',
  'connected_account.connected',
]);

const mishaps = { none: 60, lose: 14, double: 8, minutes_late: 8, hours_late: 5, forge: 5 } as const;

export const mishapNames: readonly string[] = Object.keys(mishaps).filter((name) => name !== 'none');

export class Postman {
  readonly #letters: Letter[] = [];
  readonly #webhooks = [new SeamWebhook(webhookSecret)];
  readonly #chance: Chance;
  readonly #faults: FaultClock;
  readonly #trace: Trace;
  /** Whether Seam tells of all that happens, or only of what is needed. */
  readonly #takesAll: boolean;

  constructor(chance: Chance, faults: FaultClock, trace: Trace) {
    this.#chance = chance;
    this.#faults = faults;
    this.#trace = trace;
    this.#takesAll = chance.hits(0.08);
  }

  tells(type: string): boolean {
    return this.#takesAll || neededEvents.has(type);
  }

  get nextAt(): number | null {
    return this.#letters.length === 0 ? null : Math.min(...this.#letters.map(({ at }) => at));
  }

  /** Takes a new event of Seam's. In bad times anything may become of it. */
  post(event: SeamEvent, now: number, isBadTime: boolean): void {
    if (!this.tells(event.event_type)) return;
    const letter = { event, messageId: `msg_${event.event_id.replaceAll('-', '')}`, at: now, attempt: 0 };
    const mishap = isBadTime ? this.#chance.weighted(mishaps) : 'none';
    if (mishap === 'none') {
      this.#letters.push(letter);
      return;
    }
    this.#trace.add(`delivery of ${event.event_type}: ${mishap}`);
    this.#faults.strike(`delivery.${mishap}`, 'device_id' in event ? event.device_id : undefined);
    if (mishap === 'lose') return;
    const delayMs =
      mishap === 'hours_late' ? this.#chance.between(1, 8) * hourMs : this.#chance.between(1, 600) * secondMs;
    if (mishap === 'minutes_late' || mishap === 'hours_late') this.#letters.push({ ...letter, at: now + delayMs });
    else this.#letters.push(letter);
    if (mishap === 'double') this.#letters.push({ ...letter, at: now + delayMs });
    if (mishap === 'forge') this.#forge(event);
  }

  due(now: number): number {
    return this.#letters.filter(({ at }) => at <= now).length;
  }

  /** One of those that are due, in any order; undefined when none is. */
  take(now: number): Letter | undefined {
    const due = this.#letters.filter(({ at }) => at <= now);
    const letter = this.#chance.pick(due);
    if (letter !== undefined) this.#letters.splice(this.#letters.indexOf(letter), 1);
    return letter;
  }

  /** One attempt, as the route makes it: the bytes are verified, the event is stored, and only then it is answered. */
  async deliver(letter: Letter, receiver: ReceiveWebhookDeps | null, now: number): Promise<void> {
    letter.attempt += 1;
    const { event, messageId } = letter;
    if (receiver === null) return this.#again(letter, now, 'nobody answers');
    const signed = sign(JSON.stringify(event), { messageId });
    const message = verifyMessage(Buffer.from(signed.body), signed.headers, this.#webhooks);
    if (message.kind === 'refused') throw new Violation('signature', `a signed delivery was refused: ${message.code}`);
    try {
      const { outcome } = await receiveWebhook(receiver, message);
      this.#trace.add(`delivered ${event.event_type} #${event.event_id.slice(0, 4)}: ${outcome}`);
    } catch (error) {
      if (!(error instanceof InboxUnavailable || error instanceof Crash || error instanceof DatabaseLost)) throw error;
      this.#again(letter, now, 'not acknowledged');
    }
  }

  #again(letter: Letter, now: number, why: string): void {
    const delayMs = retryDelaysMs[letter.attempt - 1];
    this.#trace.add(`delivery of ${letter.event.event_type} #${letter.event.event_id.slice(0, 4)}: ${why}`);
    if (delayMs !== undefined) this.#letters.push({ ...letter, at: now + delayMs });
  }

  /** Somebody without the secret says that the code is gone. */
  #forge(event: SeamEvent): void {
    const forged = { ...event, event_type: 'access_code.removed_from_device', event_id: `${event.event_id}-forged` };
    const signed = sign(JSON.stringify(forged), { secret: otherWebhookSecret, messageId: 'msg_forged' });
    const message = verifyMessage(Buffer.from(signed.body), signed.headers, this.#webhooks);
    if (message.kind !== 'refused') throw new Violation('signature', 'a forged delivery was believed');
  }
}
