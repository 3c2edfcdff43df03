// Calendar feeds: who has one, and addresses that are made, renewed and revoked.
import { z } from 'zod';
import { listFeeds } from '../db/feeds.ts';
import { feedFieldsOf } from '../flows/answer-fields.ts';
import { createFeed, type FeedWanted, type NewFeed, renewAddress, revokeFeed } from '../flows/feeds.ts';
import { type ApiDeps, type Route, route } from './api-route.ts';
import { IdParams, Instant, Limit, NextCursor, pageOf, ScheduleKey, TimeCursor, timeCursor } from './api-schemas.ts';
import { invalid, Problem } from './problem.ts';

const tag = 'Calendar feeds';

const Feed = z
  .object({
    id: z.string(),
    schedule_key: z.string().nullable().meta({ description: "null: a holder's." }),
    holder: z
      .string()
      .nullable()
      .meta({ description: 'All schedules of this holder, in whatever case it is written.' }),
    made_at: Instant.meta({ description: 'When its present address was made.' }),
  })
  .meta({ id: 'Feed' });

const NewAddress = z
  .object({
    id: z.string(),
    path: z
      .string()
      .nullable()
      .meta({
        description: 'The secret address on this host, told this once; null in the repetition of a request by its key.',
        examples: ['/feeds/Zm9v….ics'],
      }),
    url: z.string().nullable().meta({ description: 'The same with PUBLIC_URL before it; null where that is not set.' }),
    made_at: Instant,
  })
  .meta({ id: 'FeedAddress' });

const noFeed = { 404: 'There is no such feed.' };

export const feedRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/feeds',
    operationId: 'listFeeds',
    tag,
    summary: 'Calendar feeds, oldest address first',
    query: z.strictObject({ cursor: TimeCursor.optional(), limit: Limit }),
    answer: z.object({ items: z.array(Feed), next_cursor: NextCursor }),
    async run({ deps, query: { cursor: after, limit } }) {
      const found = await listFeeds(deps.db.prisma, { after, limit: limit + 1 });
      const page = pageOf(found, limit, ({ madeAt, id }) => timeCursor(madeAt, id));
      return { ...page, items: page.items.map(feedFieldsOf) };
    },
  }),
  route({
    method: 'post',
    path: '/feeds',
    operationId: 'createFeed',
    tag,
    summary: 'A secret address from which calendars read the windows of a schedule, or of all schedules of a holder',
    body: z.strictObject({ schedule_key: ScheduleKey.optional(), holder: z.string().min(1).max(200).optional() }),
    status: 201,
    answer: NewAddress,
    async run({ deps, by, body, keep }) {
      return addressOf(deps, await createFeed(deps, wantedOf(body), by, (tx, feed) => keep(tx, keptOf(feed))));
    },
  }),
  route({
    method: 'post',
    path: '/feeds/{id}/renew',
    operationId: 'renewFeed',
    tag,
    summary: 'Give it another address; the old one is no more',
    params: IdParams,
    problems: noFeed,
    answer: NewAddress,
    async run({ deps, by, params: { id }, keep }) {
      const feed = await renewAddress(deps, id, by, (tx, renewed) => keep(tx, keptOf(renewed)));
      if (feed === null) throw feedUnknown();
      return addressOf(deps, feed);
    },
  }),
  route({
    method: 'post',
    path: '/feeds/{id}/revoke',
    operationId: 'revokeFeed',
    tag,
    summary: 'End it: its address answers 404 from now on',
    params: IdParams,
    problems: noFeed,
    answer: z.object({ id: z.string(), message: z.string() }),
    async run({ deps, by, params: { id }, keep }) {
      const done = { id, message: 'The feed is revoked.' };
      if (!(await revokeFeed(deps, id, by, (tx) => keep(tx, done)))) throw feedUnknown();
      return done;
    },
  }),
];

function wantedOf({
  schedule_key: scheduleKey,
  holder,
}: {
  schedule_key?: string | undefined;
  holder?: string | undefined;
}): FeedWanted {
  if (scheduleKey !== undefined && holder === undefined) return { scheduleKey };
  if (holder !== undefined && scheduleKey === undefined) return { holder };
  throw invalid([{ path: '', message: 'Say schedule_key or holder, one of them.' }]);
}

function addressOf({ publicUrl }: ApiDeps, { path, ...feed }: NewFeed) {
  return { ...keptOf({ path, ...feed }), path, url: publicUrl === undefined ? null : `${publicUrl}${path}` };
}

/** The secret is not to lie in the database, where answers are kept for a day. */
function keptOf({ id, madeAt }: NewFeed) {
  return { id, path: null, url: null, made_at: madeAt.toISOString() };
}

function feedUnknown(): Problem {
  const detail = 'There is no such feed: see GET /v1/feeds.';
  return new Problem(404, 'feed_unknown', 'There is no such feed.', { detail });
}
