// What needs a person.
import { z } from 'zod';
import { acknowledgeAlert, listAlerts } from '../db/alerts.ts';
import { alertFieldsOf } from '../flows/answer-fields.ts';
import { type Route, route } from './api-route.ts';
import { Flag, IdParams, Instant, Limit, NextCursor, pageOf, TimeCursor, timeCursor } from './api-schemas.ts';
import { Problem } from './problem.ts';

const tag = 'Alerts';

const Alert = z
  .object({
    id: z.string(),
    kind: z.string(),
    state: z.enum(['open', 'acknowledged', 'resolved']),
    message: z.string(),
    schedule_key: z.string().nullable(),
    holder: z.string().nullable(),
    device_id: z.string().nullable(),
    device_name: z.string().nullable(),
    window_starts_at: Instant.nullable(),
    window_ends_at: Instant.nullable(),
    raised_at: Instant,
    last_seen_at: Instant,
    times: z.int().meta({ description: 'How often it was seen.' }),
  })
  .meta({ id: 'Alert' });

export const alertRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/alerts',
    operationId: 'listAlerts',
    tag,
    summary: 'What needs a person, oldest first',
    query: z.strictObject({
      acknowledged: Flag.meta({ description: 'true: with what somebody has seen already.' }),
      cursor: TimeCursor.optional(),
      limit: Limit,
    }),
    answer: z.object({ items: z.array(Alert), next_cursor: NextCursor }),
    async run({ deps, query: { acknowledged, cursor: after, limit } }) {
      const wanted = { withAcknowledged: acknowledged, after, limit: limit + 1 };
      const found = await listAlerts(deps.db.prisma, wanted);
      const page = pageOf(found, limit, ({ raisedAt, id }) => timeCursor(raisedAt, id));
      return { ...page, items: page.items.map(alertFieldsOf) };
    },
  }),
  route({
    method: 'post',
    path: '/alerts/{id}/acknowledge',
    operationId: 'acknowledgeAlert',
    tag,
    summary: 'Note that somebody has seen it; it resolves by itself once its cause is gone',
    params: IdParams,
    problems: { 404: 'No open alert has this id.' },
    answer: z.object({ id: z.string(), state: z.literal('acknowledged') }),
    async run({ deps, by, params: { id }, keep }) {
      const answer = { id, state: 'acknowledged' as const };
      const isDone = await deps.db.prisma.$transaction(async (tx) => {
        if (!(await acknowledgeAlert(tx, id, deps.now(), by))) return false;
        await keep(tx, answer);
        return true;
      });
      if (isDone) return answer;
      const detail = `No open alert has the id ${id}: it is resolved or acknowledged, or never was.`;
      throw new Problem(404, 'alert_not_open', 'There is no such open alert.', { detail });
    },
  }),
];
