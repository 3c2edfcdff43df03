// Reads events of Seam. They are signed, so they come from Seam, but their shape is only a promise: new types and fields
// appear, and old ones change. Nothing here throws for any JSON value.

import { z } from 'zod';
import { type Json, redactPins } from './redact.ts';
import {
  type AwayBecause,
  accessCodeEvents,
  accountEvents,
  type CodeNews,
  deviceEvents,
  unusedEventTypes,
} from './seam-event-types.ts';

/** What an event tells Relatch. */
export type EventMeaning =
  /** `gone` is the trigger of the next window's code; the other news go into its row, and to people where one should look. */
  | ({ readonly kind: 'code'; readonly news: CodeNews } & AboutCode)
  /** Whether Seam can reach a device, or all devices of an account. */
  | {
      readonly kind: 'reach';
      readonly about: { readonly deviceId: string } | { readonly connectedAccountId: string };
      /** Null: it is back. */
      readonly awayBecause: AwayBecause | null;
      /** Whether Seam has lost what was on it before that instant: it is removed, or may have been until then. */
      readonly lostCodes: boolean;
      readonly occurredAt: Date | undefined;
    }
  | { readonly kind: 'ignored'; readonly reason: IgnoredReason };

/** The code that an event is about; ids and time as far as the event gives them. */
export interface AboutCode {
  readonly accessCodeId: string;
  readonly deviceId: string | undefined;
  readonly occurredAt: Date | undefined;
  readonly backupAccessCodeId: string | undefined;
}

/** Why an event is not acted on. */
export type IgnoredReason = 'unknown_event_type' | 'event_type_not_used' | 'no_access_code_id' | 'no_device_id';

/** The fields that we read; each is absent when it is missing or not what it should be. */
export interface SeamEventFields {
  readonly eventId: string | undefined;
  readonly eventType: string | undefined;
  readonly accessCodeId: string | undefined;
  readonly deviceId: string | undefined;
  readonly connectedAccountId: string | undefined;
  readonly backupAccessCodeId: string | undefined;
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
  connected_account_id: id,
  backup_access_code_id: id,
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
    connectedAccountId: data?.connected_account_id,
    backupAccessCodeId: data?.backup_access_code_id,
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
  const { eventType = '', accessCodeId, deviceId, connectedAccountId, backupAccessCodeId, occurredAt } = fields;
  if (isKey(eventType, accessCodeEvents)) {
    if (accessCodeId === undefined) return { kind: 'ignored', reason: 'no_access_code_id' };
    return { kind: 'code', news: accessCodeEvents[eventType], accessCodeId, deviceId, occurredAt, backupAccessCodeId };
  }
  if (isKey(eventType, deviceEvents)) {
    if (deviceId === undefined) return { kind: 'ignored', reason: 'no_device_id' };
    const news = deviceEvents[eventType];
    const awayBecause = news === 'returned' ? null : news;
    const lostCodes = news === 'returned' || news === 'removed';
    return { kind: 'reach', about: { deviceId }, awayBecause, lostCodes, occurredAt };
  }
  if (isKey(eventType, accountEvents)) {
    if (connectedAccountId === undefined) return { kind: 'ignored', reason: 'no_device_id' };
    const awayBecause = accountEvents[eventType];
    const lostCodes = awayBecause === 'removed';
    return { kind: 'reach', about: { connectedAccountId }, awayBecause, lostCodes, occurredAt };
  }
  return { kind: 'ignored', reason: unusedEventTypes.has(eventType) ? 'event_type_not_used' : 'unknown_event_type' };
}

function isKey<Table extends object>(eventType: string, table: Table): eventType is keyof Table & string {
  return Object.hasOwn(table, eventType);
}
