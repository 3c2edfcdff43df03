import { type RequestHandler, Router } from 'express';
import type { Db } from '../db/client.ts';
import { onlyMethods } from './problem.ts';

/** A part of the service that must run for it to keep its promises. */
export interface Part {
  readonly name: string;
  readonly running: boolean;
}

export interface HealthDeps {
  readonly db: Db;
  /** Asked at each request. */
  readonly parts: () => readonly Part[];
}

const databaseTimeoutMs = 2_000;

/**
 * `/healthz`: the process is alive, whatever else is not; restarting it would not mend a database. `/readyz`: it can take
 * deliveries and works them off.
 */
export function healthRoutes(deps: HealthDeps): Router {
  const router = Router();
  const isDatabaseAnswering = sharedProbe(() => answersInTime(deps.db));
  const healthz: RequestHandler = (_req, res) => {
    res.json({ status: 'alive' });
  };
  const readyz: RequestHandler = async (_req, res) => {
    const parts = [{ name: 'database', running: await isDatabaseAnswering() }, ...deps.parts()];
    const notReady = parts.filter(({ running }) => !running).map(({ name }) => name);
    if (notReady.length === 0) res.json({ status: 'ready', parts });
    else res.status(503).json({ status: 'not_ready', not_ready: notReady, parts });
  };
  router.route('/healthz').get(healthz).all(onlyMethods('GET', 'HEAD'));
  router.route('/readyz').get(readyz).all(onlyMethods('GET', 'HEAD'));
  return router;
}

/** One question at a time, however many ask: probes of a database that hangs must not take its connections. */
function sharedProbe(ask: () => Promise<boolean>): () => Promise<boolean> {
  let asked: Promise<boolean> | undefined;
  return () => {
    asked ??= ask().finally(() => {
      asked = undefined;
    });
    return asked;
  };
}

async function answersInTime(db: Db): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, databaseTimeoutMs, false);
  });
  const answer = db.pool.query('select 1').then(
    () => true,
    () => false,
  );
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}
