import { createServer, type Server } from 'node:http';
import express, { type Express } from 'express';
import type { ApiDeps } from './api-route.ts';
import { apiRouter } from './api-router.ts';
import { apiRoutes } from './api-routes.ts';
import { docsRoutes } from './docs-routes.ts';
import { type HealthDeps, healthRoutes } from './health-routes.ts';
import { errorHandler, notFound } from './problem.ts';
import { type WebhookRouteDeps, webhookRoute } from './webhook-route.ts';

export type HttpDeps = WebhookRouteDeps &
  HealthDeps & {
    /** Null: the API is off. */
    readonly api: ApiDeps | null;
  };

/** The whole HTTP surface. Takes nothing but what it is given; it listens nowhere. */
export function createHttpApp(deps: HttpDeps): Express {
  const app = express();
  app.disable('x-powered-by');
  // What has a version says so itself.
  app.disable('etag');
  app.use(webhookRoute(deps));
  app.use(healthRoutes(deps));
  app.use(docsRoutes(apiRoutes));
  app.use(apiRouter(deps.api, apiRoutes));
  app.use(notFound);
  app.use(errorHandler(deps.log));
  return app;
}

/** An HTTP server that cuts slow senders: by Node's defaults, one that sends a byte now and then holds a socket for minutes. */
export function createHttpServer(app: Express): Server {
  const server = createServer(
    { headersTimeout: 5_000, requestTimeout: 10_000, connectionsCheckingInterval: 1_000 },
    app,
  );
  // Longer than a proxy keeps its side open (60 s is common), or it sends into a socket that is just being closed.
  server.keepAliveTimeout = 65_000;
  return server;
}
