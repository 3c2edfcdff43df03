// Endpoints of other systems that are told of alerts and codes.
import { z } from 'zod';
import { describeAttempt, eventTypes, isTaken, messageIdOf } from '../core/endpoint.ts';
import { type DeliveryView, listDeliveries } from '../db/deliveries.ts';
import { findEndpoint, listEndpoints, type StoredEndpoint } from '../db/endpoints.ts';
import { deliveryFieldsOf, endpointFieldsOf } from '../flows/answer-fields.ts';
import {
  addEndpoint,
  changeEndpoint,
  EndpointUnknown,
  removeEndpoint,
  replayToEndpoint,
  rotateSecret,
  testEndpoint,
} from '../flows/change-endpoints.ts';
import { type Route, route } from './api-route.ts';
import { IdParams, Instant, InstantParam, Limit, NextCursor, pageOf, TimeCursor, timeCursor } from './api-schemas.ts';

const tag = 'Outgoing webhooks';
const unknown = { 404: 'No endpoint has this id.' };

const Url = z
  .url({ protocol: /^https?$/, error: 'It must be a URL that begins with https://.' })
  .max(2_000, { error: 'It must be 2000 characters at most.' })
  .meta({
    description: 'https, and a public address, unless WEBHOOK_ALLOWED_NETWORKS holds it.',
    examples: ['https://alerts.example/relatch'],
  });
const EventTypes = z
  .array(z.enum(eventTypes, { error: `It must be one of ${eventTypes.join(', ')}.` }))
  .max(eventTypes.length, { error: `There are ${eventTypes.length} types.` })
  .meta({ description: 'What it is told of; none: everything.' });

const Endpoint = z
  .object({
    id: z.string(),
    url: z.string(),
    event_types: z.array(z.string()),
    created_at: Instant,
    disabled_at: Instant.nullable().meta({ description: 'Since when nothing is sent to it.' }),
    disabled_because: z.string().nullable(),
    failing_since: Instant.nullable().meta({ description: 'Since when nothing could be delivered.' }),
  })
  .meta({ id: 'WebhookEndpoint' });

// A repetition under its Idempotency-Key cannot show it: nothing keeps it in the clear.
const Secret = z
  .string()
  .nullable()
  .meta({ description: 'Signs the messages (whsec_…). Shown this once; null where the request is a repetition.' });

const AddedEndpoint = Endpoint.extend({ secret: Secret });

const Delivery = z
  .object({
    message_id: z.string().meta({ description: 'The webhook-id.' }),
    type: z.string(),
    at: Instant,
    state: z.enum(['waiting', 'delivered', 'given_up']),
    attempts: z.int(),
    last_attempt_at: Instant.nullable(),
    next_attempt_at: Instant.nullable(),
    status: z.int().nullable().meta({ description: 'What it answered last.' }),
    error: z.string().nullable().meta({ description: 'Why it gave no answer.' }),
  })
  .meta({ id: 'WebhookDelivery' });

const MessageId = z
  .string()
  .regex(/^msg_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, { error: 'It must be a webhook-id: msg_….' });

export const endpointRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/webhook-endpoints',
    operationId: 'listWebhookEndpoints',
    tag,
    summary: 'Who is told of alerts and codes',
    answer: z.object({ items: z.array(Endpoint) }),
    run: async ({ deps }) => ({ items: (await listEndpoints(deps.db.prisma)).map(endpointFieldsOf) }),
  }),
  route({
    method: 'post',
    path: '/webhook-endpoints',
    operationId: 'addWebhookEndpoint',
    tag,
    summary: 'Have an endpoint told from now on',
    body: z.strictObject({ url: Url, event_types: EventTypes.default([]) }),
    status: 201,
    answer: AddedEndpoint,
    location: ({ id }) => `/v1/webhook-endpoints/${id}`,
    async run({ deps, by, body: { url, event_types: types }, keep }) {
      const along: Parameters<typeof addEndpoint>[2]['along'] = (tx, added) =>
        keep(tx, { ...endpointFieldsOf(added), secret: null });
      const { endpoint, secret } = await addEndpoint(deps, { url, eventTypes: types }, { by, along });
      return { ...endpointFieldsOf(endpoint), secret };
    },
  }),
  route({
    method: 'get',
    path: '/webhook-endpoints/{id}',
    operationId: 'getWebhookEndpoint',
    tag,
    summary: 'One endpoint',
    params: IdParams,
    problems: unknown,
    answer: Endpoint,
    run: async ({ deps, params: { id } }) => endpointFieldsOf(found(id, await findEndpoint(deps.db.prisma, id))),
  }),
  route({
    method: 'patch',
    path: '/webhook-endpoints/{id}',
    operationId: 'changeWebhookEndpoint',
    tag,
    summary: 'Change where it is or what it is told of, disable or enable it',
    params: IdParams,
    body: z.strictObject({ url: Url.optional(), event_types: EventTypes.optional(), disabled: z.boolean().optional() }),
    problems: unknown,
    answer: Endpoint,
    async run({ deps, by, params: { id }, body: { url, event_types: types, disabled } }) {
      const change = { url, eventTypes: types, isDisabled: disabled };
      return endpointFieldsOf(await changeEndpoint(deps, id, change, { by }));
    },
  }),
  route({
    method: 'delete',
    path: '/webhook-endpoints/{id}',
    operationId: 'removeWebhookEndpoint',
    tag,
    summary: 'Take it out, with what waits for it',
    params: IdParams,
    problems: unknown,
    answer: z.object({ id: z.string() }),
    async run({ deps, by, params: { id } }) {
      await removeEndpoint(deps, id, by);
      return { id };
    },
  }),
  route({
    method: 'post',
    path: '/webhook-endpoints/{id}/rotate-secret',
    operationId: 'rotateWebhookSecret',
    tag,
    summary: 'Sign with a new secret, and for some hours with the old one too',
    params: IdParams,
    body: z.strictObject({ old_valid_hours: z.int().min(0).max(168).default(24) }),
    isBodyOptional: true,
    problems: unknown,
    answer: z.object({ id: z.string(), secret: Secret, old_valid_until: Instant }),
    async run({ deps, by, params: { id }, body: { old_valid_hours: hours }, keep }) {
      const answerOf = (oldUntil: Date, secret: string | null) => {
        return { id, secret, old_valid_until: oldUntil.toISOString() };
      };
      const along: Parameters<typeof rotateSecret>[3]['along'] = (tx, { oldUntil }) =>
        keep(tx, answerOf(oldUntil, null));
      const { secret, oldUntil } = await rotateSecret(deps, id, hours, { by, along });
      return answerOf(oldUntil, secret);
    },
  }),
  route({
    method: 'post',
    path: '/webhook-endpoints/{id}/test',
    operationId: 'testWebhookEndpoint',
    tag,
    summary: 'Send a message of type endpoint.test now, and tell what the endpoint answers',
    params: IdParams,
    problems: unknown,
    answer: z.object({ delivered: z.boolean(), status: z.int().nullable(), message: z.string() }),
    async run({ deps, params: { id } }) {
      const attempt = await testEndpoint(deps, id);
      const status = 'status' in attempt ? attempt.status : null;
      return { delivered: isTaken(attempt), status, message: describeAttempt(attempt) };
    },
  }),
  route({
    method: 'post',
    path: '/webhook-endpoints/{id}/replay',
    operationId: 'replayToWebhookEndpoint',
    tag,
    summary: 'Send messages again, with the ids that they have',
    params: IdParams,
    body: z.union(
      [
        z.strictObject({ since: InstantParam.meta({ description: 'All that it wants to be told of since then.' }) }),
        z.strictObject({ message_id: MessageId }),
      ],
      { error: 'It must hold since or message_id, and nothing else.' },
    ),
    problems: unknown,
    answer: z.object({ id: z.string(), messages: z.int().meta({ description: 'How many are sent again.' }) }),
    async run({ deps, params: { id }, body, keep }) {
      const which =
        'since' in body
          ? { since: new Date(body.since) }
          : { messageId: body.message_id.slice(messageIdOf('').length) };
      const messages = await replayToEndpoint(deps, id, which, (tx, replayed) => keep(tx, { id, messages: replayed }));
      return { id, messages };
    },
  }),
  route({
    method: 'get',
    path: '/webhook-endpoints/{id}/deliveries',
    operationId: 'listWebhookDeliveries',
    tag,
    summary: 'Its messages, the latest first',
    params: IdParams,
    query: z.strictObject({
      state: z.enum(['waiting', 'delivered', 'given_up']).optional(),
      cursor: TimeCursor.optional(),
      limit: Limit,
    }),
    problems: unknown,
    answer: z.object({ items: z.array(Delivery), next_cursor: NextCursor }),
    async run({ deps, params: { id }, query: { state, cursor: before, limit } }) {
      found(id, await findEndpoint(deps.db.prisma, id));
      const views = await listDeliveries(deps.db.prisma, id, { before, state, limit: limit + 1 });
      const page = pageOf(views, limit, ({ at, messageId }: DeliveryView) => timeCursor(at, messageId));
      return { ...page, items: page.items.map(deliveryFieldsOf) };
    },
  }),
];

function found(id: string, endpoint: StoredEndpoint | null): StoredEndpoint {
  if (endpoint === null) throw new EndpointUnknown(id);
  return endpoint;
}
