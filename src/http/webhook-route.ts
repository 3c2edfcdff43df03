// POST /webhooks/seam. The sender repeats whatever is not answered with 2xx, and gives up on an address that fails for days: so
// 2xx once a message is safe, even if nothing can be done with it, and never before.

import express, { type ErrorRequestHandler, type RequestHandler, type Response, Router } from 'express';
import type { SeamWebhook } from 'seam';
import { type Receipt, type ReceiveWebhookDeps, receiveWebhook } from '../flows/receive-webhook.ts';
import { verifyMessage } from '../seam/verify.ts';
import type { Log } from '../telemetry/log.ts';
import { quietTelemetry, type Telemetry } from '../telemetry/telemetry.ts';
import { elapsedMs, type UnitIds } from '../telemetry/unit.ts';
import type { FailureLimit } from './failure-limit.ts';
import { type LoadShedding, overloaded } from './load-shedding.ts';
import { onlyMethods, Problem, requestId, toProblem } from './problem.ts';

export interface WebhookRouteDeps extends ReceiveWebhookDeps {
  /** One per secret; several while one is rotated. */
  readonly webhooks: readonly SeamWebhook[];
  readonly log: Log;
  readonly failures: FailureLimit;
  readonly load: LoadShedding;
  /** Absent: nobody counts or traces. */
  readonly telemetry?: Telemetry;
}

const path = '/webhooks/seam';

/** The webhook route; every delivery leaves one log line, without a word of its body or headers beyond ids and type. */
export function webhookRoute(deps: WebhookRouteDeps): Router {
  const router = Router();
  // Any content type: a body that the parser skips would be an empty message, not a refused one. Not inflated: a small
  // body may become a huge one, and the signature is over the bytes that were sent.
  const rawBody = express.raw({ type: () => true, inflate: false, limit: '256kb' });
  const { load } = deps;
  const steps = [startClock, load.body, rawBody, load.work, receive(deps)];
  router.route(path).post(steps).all(onlyMethods('POST'));
  router.use(path, logFailure(deps));
  return router;
}

const startClock: RequestHandler = (_req, res, next) => {
  res.locals['startedAt'] = performance.now();
  next();
};

function receive(deps: WebhookRouteDeps): RequestHandler {
  const { telemetry = quietTelemetry } = deps;
  return async (req, res) => {
    const body: unknown = req.body;
    // No buffer: there was no body, or a parser got there first, whose result must not be verified.
    if (!Buffer.isBuffer(body) || body.length === 0) throw new Problem(400, 'body_empty', 'The body is empty.');
    const message = verifyMessage(body, req.headers, deps.webhooks);
    if (message.kind === 'refused') {
      const { code, message: detail } = message;
      const title = 'The delivery is not signed as it should be.';
      throw deps.failures.failed(req, new Problem(401, code, title, { detail }));
    }
    const receipt = await receiveWebhook(deps, message);
    const { outcome } = receipt;
    res.status(202).json(outcome === 'ignored' ? { outcome, reason: receipt.reason } : { outcome });
    const durationMs = tookMs(res);
    const about = { message_id: receipt.row.svixId, ...eventFields(receipt) };
    telemetry.meter.delivered(outcome, durationMs === undefined ? undefined : durationMs / 1_000);
    const end = { outcome, isFailed: false, attributes: about };
    const traceId = telemetry.spans.delivery({ seamEventId: receipt.row.key, durationMs, end });
    deps.log[outcome === 'duplicate' ? 'debug' : 'info']({
      event: 'webhook.received',
      outcome,
      ...(outcome === 'ignored' && { reason: receipt.reason }),
      ...about,
      trace_id: traceId,
      duration_ms: durationMs,
    });
  };
}

function eventFields({ row }: Receipt): UnitIds {
  if (row.eventType === undefined) return {};
  return {
    seam_event_id: row.key,
    event_type: row.eventType,
    access_code_id: row.accessCodeId,
    device_id: row.deviceId,
  };
}

// The answer itself is the error handler's.
function logFailure({ log, telemetry = quietTelemetry }: WebhookRouteDeps): ErrorRequestHandler {
  return (error: unknown, _req, res, next) => {
    const problem = toProblem(error);
    const failed = problem.status >= 500;
    const outcome = failed ? 'failed' : 'refused';
    telemetry.meter.delivered(outcome, undefined);
    // Told by a line for many.
    if (problem.status === 429 || problem.code === overloaded) return next(problem);
    const durationMs = tookMs(res);
    const end = { outcome, isFailed: failed, attributes: { reason: problem.code } };
    // What anybody may send leaves no trace.
    const traceId = failed ? telemetry.spans.delivery({ seamEventId: undefined, durationMs, end }) : undefined;
    log[failed ? 'error' : 'warn']({
      event: 'webhook.received',
      outcome,
      reason: problem.code,
      request_id: requestId(res),
      trace_id: traceId,
      duration_ms: durationMs,
      ...(problem.status === 503 && { err: problem.cause }),
    });
    next(problem);
  };
}

/** Unknown where it was refused before the clock was started. */
function tookMs({ locals }: Response): number | undefined {
  const startedAt: unknown = locals['startedAt'];
  return typeof startedAt === 'number' ? elapsedMs(startedAt) : undefined;
}
