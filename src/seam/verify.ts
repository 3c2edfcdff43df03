import type { IncomingHttpHeaders } from 'node:http';
import { isSeamInvalidWebhookPayloadError, type SeamEvent, type SeamWebhook, SeamWebhookVerificationError } from 'seam';

/** Why a delivery is not believed. */
export type RefusedCode = 'headers_missing' | 'timestamp_out_of_tolerance' | 'signature_invalid';

/** What a delivery turned out to be. Only `refused` was not signed with one of our secrets. */
export type VerifiedMessage =
  /** `event` has an id and a type; the shape of the rest is not checked. */
  | { readonly kind: 'event'; readonly messageId: string; readonly event: SeamEvent }
  /** Signed, but no event: `json` is what the body says, absent when it is no JSON. */
  | { readonly kind: 'not_an_event'; readonly messageId: string; readonly reason: 'not_json' }
  | {
      readonly kind: 'not_an_event';
      readonly messageId: string;
      readonly reason: 'not_an_event';
      readonly json: unknown;
    }
  | { readonly kind: 'refused'; readonly code: RefusedCode; readonly message: string };

// One takes 47, and several are sent while a secret is rotated. Each one costs.
const signatureLengthMax = 1_000;

/**
 * Checks a delivery's signature against every secret (several while one is rotated) and reads its event. Never throws.
 *
 * `SeamWebhook.verify` reports every error that is not about the signature as an invalid payload, also those from before the
 * signature was looked at (a body or header that is no string): answered with 2xx, as the SDK's README advises, a forgery would
 * count as received. So only strings get in here, and only a failure of JSON.parse counts as "signed, but no JSON".
 */
export function verifyMessage(
  body: Buffer,
  headers: IncomingHttpHeaders,
  webhooks: readonly SeamWebhook[],
): VerifiedMessage {
  const messageId = headers['svix-id'] ?? headers['webhook-id'];
  const timestamp = headers['svix-timestamp'] ?? headers['webhook-timestamp'];
  const signature = headers['svix-signature'] ?? headers['webhook-signature'];
  if (!isText(messageId) || !isText(timestamp) || !isText(signature)) {
    return refused('headers_missing', 'The headers svix-id, svix-timestamp and svix-signature are required.');
  }
  if (signature.length > signatureLengthMax) {
    return refused('signature_invalid', `The header svix-signature is longer than ${signatureLengthMax} characters.`);
  }
  // Decoded once: bytes that are no UTF-8 decode to U+FFFD, and what was verified must be what is parsed.
  const payload = body.toString('utf8');
  const signed = { 'svix-id': messageId, 'svix-timestamp': timestamp, 'svix-signature': signature };
  let stale = false;
  for (const webhook of webhooks) {
    try {
      return { kind: 'event', messageId, event: webhook.verify(payload, signed) };
    } catch (error) {
      const message = readFailure(error, messageId, payload);
      if (message !== undefined) return message;
      stale = stale || isStale(error);
    }
  }
  if (stale) {
    return refused('timestamp_out_of_tolerance', 'The timestamp is more than five minutes away from our clock.');
  }
  return refused('signature_invalid', 'The signature matches none of the configured secrets.');
}

/** The message behind a failure that came after the signature was found right; undefined for any other. */
function readFailure(error: unknown, messageId: string, payload: string): VerifiedMessage | undefined {
  if (!isSeamInvalidWebhookPayloadError(error)) return undefined;
  if (error.cause instanceof SyntaxError) return { kind: 'not_an_event', messageId, reason: 'not_json' };
  if (error.cause !== undefined) return undefined;
  return { kind: 'not_an_event', messageId, reason: 'not_an_event', json: JSON.parse(payload) };
}

// The SDK has one class for all; only its message tells them apart.
function isStale(error: unknown): boolean {
  return error instanceof SeamWebhookVerificationError && error.message.startsWith('Message timestamp too');
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function refused(code: RefusedCode, message: string): VerifiedMessage {
  return { kind: 'refused', code, message };
}
