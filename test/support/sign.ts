import { randomUUID } from 'node:crypto';
import type { SeamEvent } from 'seam';
import { Webhook } from 'svix';

/** Signing secrets as Seam hands them out. */
export const webhookSecret = `whsec_${Buffer.from('relatch-test-secret-one-32-bytes').toString('base64')}`;
export const otherWebhookSecret = `whsec_${Buffer.from('relatch-test-secret-two-32-bytes').toString('base64')}`;

/** A delivery as Seam's sender makes it: signed by svix, never by code of ours. */
export interface SignedDelivery {
  readonly body: string;
  readonly headers: {
    readonly 'svix-id': string;
    readonly 'svix-timestamp': string;
    readonly 'svix-signature': string;
  };
}

export function sign(body: string, options: { secret?: string; messageId?: string; at?: Date } = {}): SignedDelivery {
  const { secret = webhookSecret, messageId = `msg_${randomUUID()}`, at = new Date() } = options;
  return {
    body,
    headers: {
      'svix-id': messageId,
      'svix-timestamp': String(Math.floor(at.getTime() / 1_000)),
      'svix-signature': new Webhook(secret).sign(messageId, at, body),
    },
  };
}

type AccessCodeEventType = Extract<SeamEvent['event_type'], `access_code.${string}`>;
type EventOf<T extends AccessCodeEventType> = Extract<SeamEvent, { event_type: T }>;
type RemovedEvent = EventOf<'access_code.removed_from_device'>;
type CommonFields = Omit<RemovedEvent, 'event_type'>;

/** An event about an access code, in the SDK's own type, with valid defaults for what all of them have. */
export function anAccessCodeEvent<T extends AccessCodeEventType>(
  eventType: T,
  ownFields: Omit<EventOf<T>, keyof RemovedEvent> & Partial<CommonFields>,
): EventOf<T>;
export function anAccessCodeEvent(eventType: string, ownFields: object): object {
  return {
    event_id: randomUUID(),
    event_type: eventType,
    workspace_id: '0f4a1c3e-2b6d-4c8f-9a1b-3d5e7f9b1c2d',
    created_at: '2026-03-02T16:00:05.000Z',
    occurred_at: '2026-03-02T16:00:00.000Z',
    access_code_id: randomUUID(),
    device_id: 'a1b2c3d4-0000-4000-8000-000000000001',
    connected_account_id: 'a1b2c3d4-0000-4000-8000-000000000002',
    ...ownFields,
  };
}

/** The event that starts a schedule's next window. */
export function aRemovedEvent(fields: Partial<CommonFields> = {}): RemovedEvent {
  return { ...anAccessCodeEvent('access_code.removed_from_device', {}), ...fields };
}
