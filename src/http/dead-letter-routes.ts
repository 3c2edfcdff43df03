// Jobs that failed for good, and what a person decides about each.
import { z } from 'zod';
import { listLetters } from '../db/dead-letters.ts';
import { letterFieldsOf } from '../flows/answer-fields.ts';
import { dropDeadLetter, retryDeadLetter, type SettleOptions } from '../flows/settle-dead-letter.ts';
import { type Call, type Route, route } from './api-route.ts';
import { IdParams, Instant, Limit, NextCursor, pageOf, TimeCursor, timeCursor } from './api-schemas.ts';
import { Problem } from './problem.ts';

const tag = 'Dead letters';

const DeadLetter = z
  .object({
    id: z.string(),
    state: z.enum(['open', 'retried']),
    event_key: z.string().nullable(),
    event_type: z.string().nullable(),
    schedule_key: z.string().nullable(),
    device_id: z.string().nullable(),
    device_name: z.string().nullable(),
    error_name: z.string(),
    error_message: z.string(),
    attempts: z.int().meta({ description: 'How often it was tried in all.' }),
    times: z.int().meta({ description: 'How often it failed for good.' }),
    died_at: Instant,
  })
  .meta({ id: 'DeadLetter' });

const Settled = z.object({ id: z.string(), state: z.enum(['retried', 'dropped']) });
type Settle = (options: SettleOptions) => Promise<boolean>;

export const deadLetterRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/dead-letters',
    operationId: 'listDeadLetters',
    tag,
    summary: 'Jobs that failed for good, oldest death first',
    query: z.strictObject({ cursor: TimeCursor.optional(), limit: Limit }),
    answer: z.object({ items: z.array(DeadLetter), next_cursor: NextCursor }),
    async run({ deps, query: { cursor, limit } }) {
      const found = await listLetters(deps.db.prisma, limit + 1, cursor);
      const page = pageOf(found, limit, ({ diedAt, id }) => timeCursor(diedAt, id));
      return { ...page, items: page.items.map(letterFieldsOf) };
    },
  }),
  route({
    method: 'post',
    path: '/dead-letters/{id}/retry',
    operationId: 'retryDeadLetter',
    tag,
    summary: 'Give it a job again',
    params: IdParams,
    problems: { 404: 'No open dead letter has this id.' },
    answer: Settled,
    run: (call) => settle(call, 'retried', (options) => retryDeadLetter(call.deps, call.params.id, options)),
  }),
  route({
    method: 'post',
    path: '/dead-letters/{id}/drop',
    operationId: 'dropDeadLetter',
    tag,
    summary: 'Give it up: its event is ignored for good, a door is planned again when next something is due there',
    params: IdParams,
    body: z.strictObject({
      reason: z
        .string()
        .trim()
        .min(1, { error: 'It must say why.' })
        .max(500, { error: 'It must be 500 characters at most.' })
        .meta({ examples: ['test event of ours'] }),
    }),
    problems: { 404: 'No open dead letter has this id.' },
    answer: Settled,
    run: (call) =>
      settle(call, 'dropped', (options) => dropDeadLetter(call.deps, call.params.id, call.body.reason, options)),
  }),
];

async function settle(
  { by, params: { id }, keep }: Call<z.output<typeof IdParams>, unknown, unknown, z.input<typeof Settled>>,
  state: 'retried' | 'dropped',
  run: Settle,
): Promise<z.input<typeof Settled>> {
  const answer = { id, state };
  if (await run({ by, along: (tx) => keep(tx, answer) })) return answer;
  const detail = `No open dead letter has the id ${id}; GET /v1/dead-letters lists them.`;
  throw new Problem(404, 'dead_letter_not_open', 'There is no such open dead letter.', { detail });
}
