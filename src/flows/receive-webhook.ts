// Turns a verified delivery into one durable inbox row, before it is answered. Nothing is decided here but whether
// there is anything to do at all; a pump makes the rows into jobs.

import { createHash } from 'node:crypto';
import { classifyFields, readEvent, redactEvent } from '../core/seam-event.ts';
import type { Db } from '../db/client.ts';
import { insertInboxEvent, type NewInboxRow } from '../db/inbox.ts';
import type { VerifiedMessage } from '../seam/verify.ts';

export interface ReceiveWebhookDeps {
  readonly db: Db;
  readonly pump: { wake(): void };
}

/** A delivery that was signed with one of our secrets. */
export type SignedMessage = Exclude<VerifiedMessage, { kind: 'refused' }>;

/** What became of a delivery; each is a success to its sender. `row` is what the inbox holds or was offered. */
export type Receipt = { readonly row: NewInboxRow } & (
  | { readonly outcome: 'accepted' | 'duplicate' }
  | { readonly outcome: 'ignored'; readonly reason: string }
);

/**
 * Stores a signed message and wakes the pump if there is something to do. When it returns, the message is safe and must be
 * acknowledged. Throws InboxUnavailable if the sender must send it again.
 */
export async function receiveWebhook(deps: ReceiveWebhookDeps, message: SignedMessage): Promise<Receipt> {
  const row = message.kind === 'event' ? eventRow(message.event, message.messageId) : oddRow(message);
  const isNew = await insertInboxEvent(deps.db, row);
  if (!isNew) return { outcome: 'duplicate', row };
  if (row.ignoredReason !== undefined) return { outcome: 'ignored', reason: row.ignoredReason, row };
  deps.pump.wake();
  return { outcome: 'accepted', row };
}

/** The inbox row of an event, pushed (with the id of its message) or re-read from Seam: the same key either way. */
export function eventRow(event: unknown, messageId?: string): NewInboxRow {
  const fields = readEvent(event);
  const meaning = classifyFields(fields);
  return {
    key: fields.eventId ?? keyOfMessage(messageId),
    svixId: messageId && shortened(messageId),
    eventType: fields.eventType,
    accessCodeId: fields.accessCodeId,
    deviceId: fields.deviceId,
    occurredAt: fields.occurredAt,
    payload: redactEvent(event),
    ignoredReason: meaning.kind === 'ignored' ? meaning.reason : undefined,
  };
}

function oddRow(message: Extract<SignedMessage, { kind: 'not_an_event' }>): NewInboxRow {
  return {
    key: keyOfMessage(message.messageId),
    svixId: shortened(message.messageId),
    eventType: undefined,
    accessCodeId: undefined,
    deviceId: undefined,
    occurredAt: undefined,
    payload: message.reason === 'not_json' ? undefined : redactEvent(message.json),
    ignoredReason: message.reason,
  };
}

function keyOfMessage(messageId: string | undefined): string {
  if (messageId === undefined) throw new Error('an event without an id can only be stored by the id of its message');
  return `svix:${shortened(messageId)}`;
}

// A header may be 16 kB long, an index key may not.
const maxIdLength = 128;

function shortened(messageId: string): string {
  if (messageId.length <= maxIdLength) return messageId;
  return `sha256:${createHash('sha256').update(messageId).digest('hex')}`;
}
