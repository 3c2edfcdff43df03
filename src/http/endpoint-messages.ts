// What endpoints are sent, for the document: the triggers that write messages are held against these schemas by a test.
import { z } from 'zod';
import type { ZodOpenApiPathItemObject } from 'zod-openapi';
import { type EventType, eventTypes } from '../core/endpoint.ts';
import { Instant } from './api-schemas.ts';

const when: Readonly<Record<EventType, string>> = {
  'alert.raised': 'Something needs a person.',
  'alert.acknowledged': 'A person has seen it.',
  'alert.resolved': 'Its cause is gone.',
  'code.created': "A window's code was made at Seam, or one that is there was taken for it.",
  'code.ready': 'The lock holds the code.',
  'code.changed': 'The code has other hours or another PIN.',
  'code.removed': 'The code is gone from Seam.',
  'window.missed': 'A window has passed, or passes, without a code.',
};

const MessageData = z
  .strictObject({
    kind: z.string().meta({ description: 'The kind of the history entry, or of what raised the alert.' }),
    message: z.string().meta({ description: 'A sentence for people.' }),
    schedule_key: z.string().nullable(),
    holder: z.string().nullable(),
    timezone: z.string().nullable().meta({ description: "The schedule's." }),
    device_id: z.string().nullable(),
    device_name: z.string().nullable(),
    window_starts_at: Instant.nullable(),
    window_ends_at: Instant.nullable(),
    code_id: z.string().nullable().meta({ description: 'As in /v1/codes.' }),
    access_code_id: z.string().nullable().meta({ description: "Seam's." }),
    alert_id: z.string().nullable().meta({ description: 'As in /v1/alerts.' }),
    because: z.string().nullable().meta({ description: 'What settled an alert, or who saw it.' }),
  })
  .meta({ id: 'WebhookMessageData', description: 'As things were when it happened; never with a PIN.' });

/** The body of a message of this type. */
export function messageSchema(type: EventType): z.ZodObject {
  return z.strictObject({ type: z.literal(type), timestamp: Instant, data: MessageData });
}

const headers = z.object({
  'webhook-id': z.string().meta({ description: 'The same at each attempt: by it repetitions are known.' }),
  'webhook-timestamp': z.string().meta({ description: 'Of the attempt, in seconds since 1970.' }),
  'webhook-signature': z
    .string()
    .meta({ description: 'One for each secret, with spaces between; see standardwebhooks.com.' }),
});

/** The document's `webhooks`. */
export const webhookMessages: Readonly<Record<string, ZodOpenApiPathItemObject>> = Object.fromEntries(
  eventTypes.map((type) => [
    type,
    {
      post: {
        operationId: `on ${type}`,
        tags: ['Outgoing webhooks'],
        summary: when[type],
        security: [],
        requestParams: { header: headers },
        requestBody: { required: true, content: { 'application/json': { schema: messageSchema(type) } } },
        responses: {
          '2XX': { description: 'It is taken, and not sent again.' },
          410: { description: 'Nothing more is wanted.' },
        },
      },
    } satisfies ZodOpenApiPathItemObject,
  ]),
);
