// GET /metrics, for whoever may see how much is going on: with METRICS_TOKEN, or on a port that is not the internet's. What is
// read from the database is read once for all that ask at that time, and never waited for for long.
import { setTimeout as sleep } from 'node:timers/promises';
import express, { type Express, type RequestHandler, Router } from 'express';
import type { Db } from '../db/client.ts';
import { readStanding, readWindows } from '../db/readings.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics, Readings } from '../telemetry/metrics.ts';
import { authenticator } from './auth.ts';
import type { Part } from './health-routes.ts';
import { errorHandler, notFound, onlyMethods, Problem } from './problem.ts';

export interface MetricsDeps {
  readonly db: Db;
  readonly log: Log;
  readonly now: () => Date;
  /** observe: nothing is made ready, so nothing is told of that. */
  readonly mode: 'active' | 'observe';
  /** Asked at each request. */
  readonly parts: () => readonly Part[];
  readonly metrics: Metrics;
  /** Null: none is asked for. */
  readonly token: string | null;
}

/** `/metrics`; without what it takes it says how to open it. */
export function metricsRoute(deps: MetricsDeps | undefined): Router {
  const router = Router();
  const page: RequestHandler = deps === undefined ? closed : metricsPage(deps);
  router.route('/metrics').get(page).all(onlyMethods('GET', 'HEAD'));
  return router;
}

/** A port with nothing but `/metrics`. */
export function createMetricsApp(deps: MetricsDeps): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(metricsRoute(deps));
  app.use(notFound);
  app.use(errorHandler(deps.log));
  return app;
}

const closed: RequestHandler = () => {
  const detail = 'Set METRICS_TOKEN to open /metrics here, or METRICS_PORT to open it on a port of its own.';
  throw new Problem(404, 'metrics_off', 'There are no metrics here.', { detail });
};

function metricsPage(deps: MetricsDeps): RequestHandler {
  const { token, metrics } = deps;
  const check = token === null ? null : authenticator([{ name: 'metrics', token }], 'METRICS_TOKEN');
  const read = sharedReadings(deps);
  return async (req, res) => {
    check?.(req.get('authorization'));
    const { pools } = deps.db;
    const page = await metrics.page({ ...(await read()), pools: pools(), parts: deps.parts() });
    res.set({ 'content-type': metrics.contentType, 'cache-control': 'no-store' }).send(page);
  };
}

type Read = Pick<Readings, 'standing' | 'windows'>;

const readWithinMs = 1_000;
const freshMs = 4_000;
// However large the installation, its database is kept busy with this for a twentieth of the time at most.
const restFactor = 20;

/** Readings for all that ask while one is under way, and for a while after it. Who asks waits a moment and no longer. */
function sharedReadings({ db, now, mode, log }: MetricsDeps): () => Promise<Read> {
  let underWay: Promise<void> | undefined;
  let read: Read = nothing;
  let isFreshUntilMs = 0;

  async function readNow(): Promise<void> {
    const startedMs = performance.now();
    const at = now();
    read = nothing;
    const standing = await settled(readStanding(db, at));
    read = { standing, windows: null };
    if (standing !== null && mode === 'active') read = { standing, windows: await settled(readWindows(db, at)) };
    const endedMs = performance.now();
    isFreshUntilMs = endedMs + Math.max(freshMs, (endedMs - startedMs) * restFactor);
  }

  async function settled<T>(reading: Promise<T>): Promise<T | null> {
    return reading.catch((err: unknown) => {
      log.warn({ event: 'metrics.unread', err }, 'metrics: a reading of the database failed and is left out');
      return null;
    });
  }

  return async () => {
    if (performance.now() < isFreshUntilMs) return read;
    underWay ??= readNow().finally(() => {
      underWay = undefined;
    });
    await Promise.race([underWay, sleep(readWithinMs, undefined, { ref: false })]);
    return read;
  };
}

const nothing: Read = { standing: null, windows: null };
