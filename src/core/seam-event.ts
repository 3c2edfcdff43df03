// Reads events of Seam. They are signed, so they come from Seam, but their shape is only a promise: new types and fields
// appear, and old ones change. Nothing here throws for any JSON value.

import { z } from 'zod';
import { type Json, redactPins } from './redact.ts';
import { accessCodeEvents, unusedEventTypes } from './seam-event-types.ts';

/** What an event tells Relatch. */
export type EventMeaning =
  /** The code left the lock, or its object was deleted: the trigger of the next window's code. */
  | ({ readonly kind: 'gone' } & AboutCode)
  /** A step in the life of a code, to be recorded; an alert if a person should look. */
  | ({ readonly kind: 'note'; readonly alert: boolean } & AboutCode)
  | { readonly kind: 'ignored'; readonly reason: IgnoredReason };

/** The code that an event is about; ids and time as far as the event gives them. */
export interface AboutCode {
  readonly accessCodeId: string;
  readonly deviceId: string | undefined;
  readonly occurredAt: Date | undefined;
}

/** Why an event is not acted on. */
export type IgnoredReason = 'unknown_event_type' | 'event_type_not_used' | 'no_access_code_id';

/** The fields that we read; each is absent when it is missing or not what it should be. */
export interface SeamEventFields {
  readonly eventId: string | undefined;
  readonly eventType: string | undefined;
  readonly accessCodeId: string | undefined;
  readonly deviceId: string | undefined;
  readonly occurredAt: Date | undefined;
}

// Ids are index keys: PostgreSQL refuses long ones, and one refused row would be sent again for days. Seam's are uuids.
const id = z
  .string()
  .regex(/^[\x21-\x7e]{1,128}$/)
  .optional()
  .catch(undefined);
// Years that PostgreSQL and every reader agree on.
const instant = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text))
  .refine((at) => at.getTime() >= Date.UTC(2000, 0) && at.getTime() < Date.UTC(3000, 0))
  .optional()
  .catch(undefined);

// A word, so that no PIN can stand in its place.
const type = z
  .string()
  .regex(/^[a-z][\w.]{0,127}$/i)
  .optional()
  .catch(undefined);

const eventSchema = z.object({
  event_id: id,
  event_type: type,
  access_code_id: id,
  device_id: id,
  occurred_at: instant,
  created_at: instant,
});

/** Reads the fields that we use; whatever is wrong with one of them costs that field only. */
export function readEvent(event: unknown): SeamEventFields {
  const { data } = eventSchema.safeParse(event);
  return {
    eventId: data?.event_id,
    eventType: data?.event_type,
    accessCodeId: data?.access_code_id,
    deviceId: data?.device_id,
    occurredAt: data?.occurred_at ?? data?.created_at,
  };
}

/** The event as it may be stored: without PINs, see `redactPins`. */
export function redactEvent(event: unknown): Json {
  return redactPins(event);
}

/** Says what an event means, whether it was just received or comes from the inbox. Its order and age play no part. */
export function classifyEvent(event: unknown): EventMeaning {
  return classifyFields(readEvent(event));
}

/** As `classifyEvent`, for an event that has been read already. */
export function classifyFields(fields: SeamEventFields): EventMeaning {
  const { eventType = '', accessCodeId, deviceId, occurredAt } = fields;
  if (!isAccessCodeEvent(eventType)) {
    return { kind: 'ignored', reason: unusedEventTypes.has(eventType) ? 'event_type_not_used' : 'unknown_event_type' };
  }
  if (accessCodeId === undefined) return { kind: 'ignored', reason: 'no_access_code_id' };
  const about = { accessCodeId, deviceId, occurredAt };
  const meaning = accessCodeEvents[eventType];
  return meaning === 'gone' ? { kind: 'gone', ...about } : { kind: 'note', alert: meaning === 'alert', ...about };
}

function isAccessCodeEvent(eventType: string): eventType is keyof typeof accessCodeEvents {
  return Object.hasOwn(accessCodeEvents, eventType);
}
