// Everything under /v1: who asks, what is asked, and the answer as the document says.
import { type Request, type RequestHandler, type Response, Router } from 'express';
import type { z } from 'zod';
import { fieldWords, unknownName } from '../core/field-words.ts';
import { elapsedMs } from '../telemetry/unit.ts';
import type { ApiDeps, Route } from './api-route.ts';
import { type AdminToken, authenticator } from './auth.ts';
import type { FailureLimit } from './failure-limit.ts';
import { type KeptAnswer, keep, markOf, once, type RequestMark } from './idempotency.ts';
import { isStorable, jsonBody } from './json-body.ts';
import type { LoadShedding } from './load-shedding.ts';
import { type FieldError, ifMatchMissing, invalid, notFound, onlyMethods, Problem, requestId } from './problem.ts';

export const apiRoot = '/v1';

/** The API with its routes; without tokens nobody can ask, and it says so. */
export function apiRouter(
  deps: ApiDeps | null,
  routes: readonly Route[],
  { failures, load }: { failures: FailureLimit; load: LoadShedding },
): Router {
  const router = Router();
  if (deps === null) return router.use(apiRoot, apiOff);
  const authenticate = authenticator(deps.tokens);
  const v1 = Router();
  v1.use((req, res, next) => {
    try {
      res.locals['token'] = authenticate(req.headers.authorization);
    } catch (error) {
      throw error instanceof Problem ? failures.failed(req, error) : error;
    }
    next();
  });
  for (const [path, ofPath] of Map.groupBy(routes, (one) => one.path)) {
    const place = v1.route(path.replaceAll(/\{(\w+)\}/g, ':$1'));
    for (const one of ofPath) {
      place[one.method](load.work, logged(deps, one), load.body, jsonBody, answering(deps, one));
    }
    const methods = ofPath.map(({ method }) => method.toUpperCase());
    place.all(onlyMethods(...methods, ...(methods.includes('GET') ? ['HEAD'] : [])));
  }
  return router.use(apiRoot, v1, notFound);
}

const apiOff: RequestHandler = (_req, _res, next) => {
  const detail = 'Set ADMIN_TOKENS to one or several tokens of at least 24 characters and start the service again.';
  next(new Problem(404, 'api_off', 'The API is off.', { detail }));
};

/** One line per request, once it is answered; without its query and body, which may name people and hold a PIN. */
function logged({ log }: ApiDeps, { method, path, operationId }: Route): RequestHandler {
  return (_req, res, next) => {
    const startedAt = performance.now();
    res.on('finish', () => {
      log[res.statusCode >= 500 ? 'error' : method === 'get' ? 'debug' : 'info']({
        event: 'api.answered',
        operation: operationId,
        path: `${apiRoot}${path}`,
        method: method.toUpperCase(),
        by: tokenOf(res).name,
        status: res.statusCode,
        request_id: requestId(res),
        duration_ms: elapsedMs(startedAt),
      });
    });
    next();
  };
}

function tokenOf(res: Response): AdminToken {
  return res.locals['token'] as AdminToken;
}

function answering(deps: ApiDeps, route: Route): RequestHandler {
  return async (req, res) => {
    const { token, name: by } = tokenOf(res);
    const params = read(route.params, req.params, 'path');
    const query = read(route.query, { ...req.query }, 'query');
    const body = bodyOf(route, req);
    const ifMatch = ifMatchOf(route, req.get('if-match'));
    const key = idempotencyKeyOf(route, req);
    const mark = key === null ? null : markOf(key, token, [req.method, req.originalUrl, ifMatch, req.body]);
    const status = route.status ?? 200;
    const run = async (): Promise<KeptAnswer> => {
      const answer = await route.run({
        deps,
        by,
        params,
        query,
        body,
        ifMatch,
        keep: async (tx, kept) => {
          if (mark !== null) await keep(tx, mark, { status, answer: route.answer.parse(kept) });
        },
      });
      // What the document does not name goes nowhere.
      return { status, answer: route.answer.parse(answer) };
    };
    const done = mark === null ? await run() : await answeredOnce(deps, mark, run, res);
    // The database gives the fields of what it kept in another order.
    const answer = route.answer.safeParse(done.answer).data ?? done.answer;
    const etag = route.etag(answer);
    if (etag !== null) res.set('etag', `"${etag}"`);
    const location = route.location(answer);
    if (location !== null) res.set('location', location);
    res.status(done.status).json(answer);
  };
}

async function answeredOnce(
  { db }: ApiDeps,
  mark: RequestMark,
  run: () => Promise<KeptAnswer>,
  res: Response,
): Promise<KeptAnswer> {
  const done = await once(db, mark, run);
  if (done.isRepeated) res.set('idempotency-replayed', 'true');
  return done;
}

type Place = 'path' | 'query' | 'body';

function read<Schema extends z.ZodType>(schema: Schema, given: unknown, place: Place): z.output<Schema> {
  const result = schema.safeParse(given, { error: fieldWords });
  const texts = place === 'body' || typeof given !== 'object' || given === null ? [] : Object.entries(given);
  const broken = texts.filter(([, text]) => typeof text === 'string' && !isStorable(text));
  if (result.success && broken.length === 0) return result.data;
  throw invalid([
    ...broken.map(([name]) => ({ path: name, message: 'It holds U+0000, which no text here may.' })),
    ...(result.success ? [] : result.error.issues.flatMap((issue) => fieldErrors(issue, schema, place))),
  ]);
}

function fieldErrors(issue: z.core.$ZodIssue, schema: z.ZodType, place: Place): FieldError[] {
  if (issue.code !== 'unrecognized_keys') return [{ path: pathOf(issue.path), message: issue.message }];
  const known = 'shape' in schema ? Object.keys(Object(schema.shape)) : [];
  const message = place === 'query' ? unknownName(known, 'parameter') : issue.message;
  return issue.keys.map((key) => ({ path: pathOf([...issue.path, key]), message }));
}

/** "windows[0].rrule". */
function pathOf(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');
}

function bodyOf({ body: schema, isBodyOptional = false, readsBody = false }: Route, { body }: Request): unknown {
  if (schema === undefined) {
    if (body === undefined) return undefined;
    throw new Problem(400, 'body_unexpected', 'There is no body here.', { detail: 'Send none.' });
  }
  if (body === undefined && !isBodyOptional) {
    const detail = 'Send JSON, with the header Content-Type: application/json.';
    throw new Problem(400, 'body_empty', 'The body is empty.', { detail });
  }
  if (readsBody && typeof body === 'object' && body !== null && !Array.isArray(body)) return body;
  return read(schema, body ?? {}, 'body');
}

function ifMatchOf({ ifMatch }: Route, header: string | undefined): string | undefined {
  if (ifMatch === undefined) return undefined;
  if (header === undefined) {
    if (ifMatch === 'optional') return undefined;
    throw ifMatchMissing();
  }
  const [, etag] = /^"([\x21\x23-\x7e]{1,100})"$/.exec(header) ?? [];
  if (etag === undefined) {
    const message = 'It must be one ETag as an answer had it, with its quotes: "3".';
    throw invalid([{ path: 'If-Match', message }]);
  }
  return etag;
}

function idempotencyKeyOf({ method }: Route, req: Request): string | null {
  const key = req.get('idempotency-key');
  // A dry run does nothing that could be done twice.
  if (method !== 'post' || key === undefined || req.query['dry_run'] === 'true') return null;
  if (/^[\x21-\x7e]{1,200}$/.test(key)) return key;
  throw invalid([{ path: 'Idempotency-Key', message: 'It must be 1 to 200 printable characters, such as a UUID.' }]);
}
