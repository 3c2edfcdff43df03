import { randomUUID } from 'node:crypto';
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import { UserError } from '../core/errors.ts';
import { isDatabaseAway } from '../db/client.ts';
import { InboxUnavailable } from '../db/inbox.ts';
import { ActionRefused } from '../flows/act-on-schedule.ts';
import { EndpointUnknown } from '../flows/change-endpoints.ts';
import { ScheduleConflict } from '../flows/change-schedules.ts';
import type { Log } from '../telemetry/log.ts';

/** What is wrong with a field: "windows[0].rrule". */
export interface FieldError {
  readonly path: string;
  readonly message: string;
}

/** An answer that is no success, as RFC 9457 problem details. `detail` is shown to whoever asked. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly errors: readonly FieldError[];

  constructor(
    status: number,
    code: string,
    title: string,
    options: ErrorOptions & {
      detail?: string;
      headers?: Readonly<Record<string, string>>;
      errors?: readonly FieldError[];
    } = {},
  ) {
    super(options.detail ?? title, options);
    this.status = status;
    this.code = code;
    this.title = title;
    this.headers = options.headers ?? {};
    this.errors = options.errors ?? [];
  }
}

/** Who makes more mistakes than this makes one many times. */
const errorsTold = 100;

/** A problem with fields: of the body by their paths, of the query and the path by their names. */
export function invalid(errors: readonly FieldError[]): Problem {
  const count = errors.length === 1 ? '1 mistake' : `${errors.length} mistakes`;
  const detail = `The request has ${count}; nothing was done. See errors.`;
  // They repeat what was sent.
  const told = errors.slice(0, errorsTold).map(({ path, message }) => {
    return { path: path.slice(0, 200), message: message.slice(0, 500) };
  });
  return new Problem(400, 'request_invalid', 'The request is not as it should be.', { detail, errors: told });
}

export function ifMatchMissing(): Problem {
  const detail =
    'Read it first, and send the ETag of that answer as If-Match, so that no change of somebody else is overwritten.';
  return new Problem(428, 'if_match_missing', 'The header If-Match is missing.', { detail });
}

/** Ties an answer to its log line; made when first asked for. */
export function requestId(res: Response): string {
  res.locals['requestId'] ??= randomUUID();
  return String(res.locals['requestId']);
}

/** Answers what is not there. */
export const notFound: RequestHandler = (_req, _res, next) => {
  next(new Problem(404, 'not_found', 'There is nothing here.'));
};

/** Answers every method that a route does not have. */
export function onlyMethods(...methods: readonly string[]): RequestHandler {
  const allow = methods.join(', ');
  return (_req, _res, next) => {
    const detail = `Allowed: ${allow}.`;
    next(new Problem(405, 'method_not_allowed', 'This method is not allowed here.', { detail, headers: { allow } }));
  };
}

/** The last handler: makes an answer of every error. Only what nobody foresaw is logged, with its stack, and told to no one. */
export function errorHandler(log: Log): ErrorRequestHandler {
  return (error: unknown, req: Request, res: Response, _next) => {
    const isRead = ['GET', 'HEAD'].includes(req.method);
    const problem = toProblem(error, isRead);
    if (problem.status === 500) {
      log.error({
        event: 'request.failed',
        request_id: requestId(res),
        method: req.method,
        err: problem.cause ?? problem,
      });
    }
    if (res.headersSent) {
      res.destroy();
      return;
    }
    const { status, code, title, message: detail } = problem;
    const errors = problem.errors.length === 0 ? {} : { errors: problem.errors };
    res.status(status).set(problem.headers).type('application/problem+json');
    res.send(
      JSON.stringify({ type: 'about:blank', title, status, detail, code, request_id: requestId(res), ...errors }),
    );
  };
}

/** The one map from errors to answers. @param isRead of a request that changes nothing */
export function toProblem(error: unknown, isRead = false): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof InboxUnavailable) {
    const detail = 'Nothing was acknowledged; send it again.';
    const headers = { 'retry-after': '5' };
    return new Problem(503, 'database_unavailable', 'The database does not answer.', { detail, headers, cause: error });
  }
  if (isDatabaseAway(error)) {
    const detail = isRead
      ? 'Nothing was read. Try again later: GET /readyz tells when the database answers.'
      : 'Whether it was done is not known: read it, or send it again under the same Idempotency-Key.';
    const headers = { 'retry-after': '5' };
    return new Problem(503, 'database_unavailable', 'The database does not answer.', { detail, headers, cause: error });
  }
  if (error instanceof EndpointUnknown)
    return new Problem(404, error.code, 'There is no such endpoint.', { detail: error.message });
  if (error instanceof ScheduleConflict) return conflictProblem(error);
  if (error instanceof ActionRefused && error.code === 'seam_unavailable') {
    const headers = { 'retry-after': '30' };
    return new Problem(503, error.code, 'Seam could not be asked.', { detail: error.message, headers });
  }
  if (error instanceof ActionRefused)
    return new Problem(409, error.code, 'This cannot be done as things stand.', { detail: error.message });
  if (error instanceof UserError && error.code === 'schedules_busy') {
    const headers = { 'retry-after': '5' };
    return new Problem(503, error.code, 'Schedules are being changed.', { detail: error.message, headers });
  }
  if (error instanceof UserError)
    return new Problem(400, error.code, 'This cannot be done.', { detail: error.message });
  return requestProblem(error) ?? new Problem(500, 'internal_error', 'Something went wrong here.', { cause: error });
}

function conflictProblem({ code, message: detail }: ScheduleConflict): Problem {
  if (code === 'schedule_unknown') return new Problem(404, code, 'There is no such schedule.', { detail });
  if (code === 'version_differs') return new Problem(412, code, 'It was changed meanwhile.', { detail });
  return new Problem(409, code, 'There is such a schedule already.', { detail });
}

const requestProblems: Readonly<Record<string, readonly [status: number, code: string, title: string]>> = {
  'entity.too.large': [413, 'body_too_large', 'The body is larger than 256 kB.'],
  'entity.parse.failed': [400, 'body_not_json', 'The body is not valid JSON.'],
  'charset.unsupported': [415, 'charset_unsupported', 'The body must be UTF-8.'],
  'encoding.unsupported': [415, 'content_encoding_unsupported', 'The body must not be compressed.'],
  'request.aborted': [400, 'request_aborted', 'The request ended early.'],
  'request.size.invalid': [400, 'content_length_wrong', 'The body is not as long as its header says.'],
};

// Express and its body parser mark what is the sender's fault with a 4xx status; their words are not passed on.
function requestProblem(error: unknown): Problem | undefined {
  if (!(error instanceof Error)) return undefined;
  // Node finds a request malformed when its body comes, and Express that nobody waits for a file any more.
  if ('code' in error && /^(HPE_\w+|ECONNABORTED)$/.test(String(error.code)))
    return new Problem(400, 'request_malformed', 'The request is malformed, or ended early.', { cause: error });
  if (!('status' in error) || typeof error.status !== 'number') return undefined;
  if (error.status < 400 || error.status > 499) return undefined;
  const type = 'type' in error && typeof error.type === 'string' ? error.type : '';
  const [status, code, title] = requestProblems[type] ?? [error.status, 'bad_request', 'The request cannot be read.'];
  return new Problem(status, code, title, { cause: error });
}
