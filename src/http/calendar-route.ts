// GET /feeds/SECRET.ics, for calendars: the address is all that they have, so it is told to no log and no other host.
import { createHash } from 'node:crypto';
import { type RequestHandler, Router } from 'express';
import { readFeed } from '../flows/feeds.ts';
import type { FlowDeps } from '../flows/flow-deps.ts';
import { elapsedMs } from '../telemetry/unit.ts';
import type { FailureLimit } from './failure-limit.ts';
import { icalendar } from './icalendar.ts';
import type { LoadShedding } from './load-shedding.ts';
import { onlyMethods, Problem, requestId } from './problem.ts';

export interface CalendarRouteDeps extends Pick<FlowDeps, 'db' | 'now' | 'log'> {
  readonly failures: FailureLimit;
  readonly load: LoadShedding;
}

/** Feeds by their secret addresses; every answer of one, and every wrong address, leaves a log line without it. */
export function calendarRoute(deps: CalendarRouteDeps): Router {
  const router = Router();
  router.use('/feeds', (_req, res, next) => {
    res.set({
      'cache-control': 'private, no-cache',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-robots-tag': 'noindex',
    });
    next();
  });
  return router.use(
    Router()
      .get('/feeds/:secret.ics', deps.load.work, answer(deps))
      .all('/feeds/:secret.ics', onlyMethods('GET', 'HEAD')),
  );
}

function answer(deps: CalendarRouteDeps): RequestHandler {
  return async (req, res) => {
    const startedAt = performance.now();
    const blocked = deps.failures.blocks(req);
    if (blocked !== null) throw blocked;
    // Whatever is given is hashed and looked up: how long that takes tells nothing of what there is.
    const feed = await readFeed(deps, String(req.params['secret']));
    const line = { event: 'feed.read', request_id: requestId(res) };
    if (feed === null) {
      const detail =
        'There is no calendar at this address, or not any more. Ask whoever gave it to you for another one.';
      const unknown = new Problem(404, 'feed_unknown', 'There is no such calendar.', { detail });
      const problem = deps.failures.failed(req, unknown);
      // Of those beyond the limit one line tells.
      if (problem === unknown) deps.log.info({ ...line, outcome: 'unknown', duration_ms: elapsedMs(startedAt) });
      throw problem;
    }
    const text = icalendar(feed);
    const etag = `"${createHash('sha256').update(text).digest('base64url')}"`;
    const isKnown = tagsOf(req.get('if-none-match')).includes(etag);
    res.set('etag', etag);
    res.set('content-disposition', 'inline; filename="relatch.ics"');
    if (isKnown) res.status(304).end();
    else res.type('text/calendar; charset=utf-8').send(text);
    const fields = {
      outcome: isKnown ? 'unchanged' : 'sent',
      feed_id: feed.id,
      events: feed.events.length,
      is_cut: feed.isCut,
      duration_ms: elapsedMs(startedAt),
    };
    deps.log.debug({ ...line, ...fields });
  };
}

/** Express gives none of it where the request says no-cache as well, as some that poll do. */
function tagsOf(ifNoneMatch = ''): string[] {
  return ifNoneMatch.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
}
