import express, { type Express } from 'express';
import type { ApiDeps } from './api-route.ts';
import { apiRouter } from './api-router.ts';
import { apiRoutes } from './api-routes.ts';
import { type CalendarRouteDeps, calendarRoute } from './calendar-route.ts';
import { docsRoutes } from './docs-routes.ts';
import { createFailureLimit } from './failure-limit.ts';
import { type HealthDeps, healthRoutes } from './health-routes.ts';
import { createLoadShedding, type LoadBound } from './load-shedding.ts';
import { type MetricsDeps, metricsRoute } from './metrics-route.ts';
import { pageRouter } from './page/page-router.ts';
import { pageRoutes } from './page/pages.ts';
import { errorHandler, notFound } from './problem.ts';
import { requestLimits } from './request-limits.ts';
import { securityHeaders } from './security-headers.ts';
import { type WebhookRouteDeps, webhookRoute } from './webhook-route.ts';

export { createHttpServer } from './request-limits.ts';

/** What is believed and borne of clients. */
export interface ClientSettings {
  /** Whose X-Forwarded-… headers are believed: addresses and networks, or how many proxies there are; none of them by default. */
  readonly trustProxy: readonly string[] | number;
  /** How many failed signatures and tokens of one address are answered as what they are. */
  readonly failuresPerMinute: number;
}

const clientDefaults: ClientSettings = { trustProxy: [], failuresPerMinute: 30 };

// A delivery takes some milliseconds: a thousand of them are a storm that is still answered in time. Others work longer, each on
// connections to the database of which there are ten.
const loadBounds: Readonly<Record<'webhook' | 'api' | 'page', LoadBound>> = {
  webhook: { kind: 'webhook', requestsMax: 1_000, bodyBytesMax: 16_000_000 },
  api: { kind: 'api', requestsMax: 64, bodyBytesMax: 16_000_000 },
  page: { kind: 'page', requestsMax: 32, bodyBytesMax: 4_000_000 },
};

export type HttpDeps = Omit<WebhookRouteDeps, 'failures' | 'load'> &
  HealthDeps &
  Omit<CalendarRouteDeps, 'failures' | 'load'> & {
    /** Null: the API is off. */
    readonly api: ApiDeps | null;
    readonly clients?: ClientSettings;
    /** Other bounds than the service has, for tests. */
    readonly bounds?: Partial<typeof loadBounds>;
    /** Absent: /metrics is not open on this port. */
    readonly metrics?: MetricsDeps | undefined;
  };

/** The whole HTTP surface. Takes nothing but what it is given; it listens nowhere. */
export function createHttpApp(deps: HttpDeps): Express {
  const { log, clients = clientDefaults } = deps;
  const bounds = { ...loadBounds, ...deps.bounds };
  const failures = createFailureLimit({ perMinute: clients.failuresPerMinute, log });
  const app = express();
  app.disable('x-powered-by');
  // What has a version says so itself.
  app.disable('etag');
  app.set('trust proxy', clients.trustProxy);
  app.use(securityHeaders, requestLimits);
  // Before all that is refused under load.
  app.use(healthRoutes(deps));
  app.use(metricsRoute(deps.metrics));
  app.use(webhookRoute({ ...deps, failures, load: createLoadShedding(bounds.webhook, log) }));
  app.use(docsRoutes(apiRoutes));
  app.use(calendarRoute({ ...deps, failures, load: createLoadShedding(bounds.page, log) }));
  app.use(apiRouter(deps.api, apiRoutes, { failures, load: createLoadShedding(bounds.api, log) }));
  app.use(pageRouter(deps.api, pageRoutes, { log, failures, load: createLoadShedding(bounds.page, log) }));
  app.use(notFound);
  app.use(errorHandler(log));
  return app;
}
