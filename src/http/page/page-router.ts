// Pages for people: who is signed in sees them, others are led to sign in and back. Their mistakes and ours are told in words.
import { type ErrorRequestHandler, type Request, type RequestHandler, type Response, Router } from 'express';
import type { Log } from '../../telemetry/log.ts';
import { elapsedMs } from '../../telemetry/unit.ts';
import type { ApiDeps } from '../api-route.ts';
import type { FailureLimit } from '../failure-limit.ts';
import { isStorable } from '../json-body.ts';
import type { LoadShedding } from '../load-shedding.ts';
import { onlyMethods, requestId, toProblem } from '../problem.ts';
import { assetRoutes } from './assets.ts';
import { type Html, html } from './html.ts';
import { page } from './layout.ts';
import { assertOwnForm, formOf, pageHeaders, queryOf, readForm, signedInOf } from './page-request.ts';
import type { PageAnswer, PageRoute } from './page-route.ts';
import { type Sessions, type SignedIn, sessionsOf } from './session.ts';
import { signInFor, signInRoutes } from './sign-in.ts';

/** What bounds the pages, and is told of them. */
export interface PageLimits {
  readonly log: Log;
  readonly failures: FailureLimit;
  readonly load: LoadShedding;
}

/** The pages; without tokens nobody can sign in, and they say how to have one. */
export function pageRouter(deps: ApiDeps | null, routes: readonly PageRoute[], limits: PageLimits): Router {
  const { log, failures, load } = limits;
  const router = Router();
  router.use(assetRoutes());
  const sessions = sessionsOf(deps?.tokens ?? []);
  const errors = pageErrors(deps, log);
  if (deps !== null) router.use(signInRoutes(deps, { sessions, errors, failures, load }));
  else router.route('/sign-in').all(pageHeaders).get(pagesOff).all(onlyMethods('GET', 'HEAD'));
  for (const [path, ofPath] of Map.groupBy(routes, (one) => one.path)) {
    const place = router.route(path).all(pageHeaders);
    for (const one of ofPath) {
      const answer = deps === null ? pagesOff : answering(deps, sessions, one);
      if (one.method === 'get') place.get(load.work, logged(log, one), answer);
      else place.post(logged(log, one), load.body, readForm, load.work, answer);
    }
    const methods = ofPath.map(({ method }) => method.toUpperCase());
    place.all(onlyMethods(...methods, ...(methods.includes('GET') ? ['HEAD'] : [])), errors);
  }
  return router;
}

const pagesOff: RequestHandler = (_req, res) => {
  const body = html`<h1>The status page is off</h1>
<p>Set <code>ADMIN_TOKENS</code> to one or several tokens of at least 24 characters (<code>openssl rand -base64 24</code>) and
start the service again. Then sign in here with one of them.</p>`;
  send(res, { title: 'The status page is off', body, status: 404 }, null, new Date());
};

function answering(deps: ApiDeps, sessions: Sessions, route: PageRoute): RequestHandler {
  return async (req, res) => {
    const now = deps.now();
    const signedIn = signedInOf(req, sessions, now);
    if (signedIn === null) {
      res.redirect(303, signInFor(route.method === 'get' ? req.originalUrl : '/'));
      return;
    }
    res.locals['signedIn'] = signedIn;
    const form = formOf(res);
    if (route.method === 'post') assertOwnForm(form, signedIn);
    const answer = await route.run({ deps, signedIn, now, params: paramsOf(req), query: queryOf(req), form });
    if ('goTo' in answer) res.redirect(303, answer.goTo);
    else send(res, answer, signedIn, now);
  };
}

function paramsOf({ params }: Request): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(params).map(([name, value]) => [name, isStorable(String(value)) ? String(value) : '']),
  );
}

function send(
  res: Response,
  answer: Exclude<PageAnswer, { goTo: string }>,
  signedIn: SignedIn | null,
  now: Date,
): void {
  const { title, body, status = 200, updates = false } = answer;
  res.status(status).type('html');
  res.send(page(title, { signedIn, now, updates }, body).text);
}

/** One line per request, once it is answered; without its query and form, which may name people. */
function logged(log: Log, { method, path }: PageRoute): RequestHandler {
  return (_req, res, next) => {
    const startedAt = performance.now();
    res.on('finish', () => {
      log[res.statusCode >= 500 ? 'error' : method === 'get' ? 'debug' : 'info']({
        event: 'page.answered',
        path,
        method: method.toUpperCase(),
        by: signedInOn(res)?.name,
        status: res.statusCode,
        request_id: requestId(res),
        duration_ms: elapsedMs(startedAt),
      });
    });
    next();
  };
}

function signedInOn(res: Response): SignedIn | null {
  return (res.locals['signedIn'] as SignedIn | undefined) ?? null;
}

/** As the handler of the API's errors, in words for people. */
function pageErrors(deps: ApiDeps | null, log: Log): ErrorRequestHandler {
  return (error: unknown, req: Request, res: Response, next) => {
    if (res.headersSent) return next(error);
    const problem = toProblem(error, req.method === 'GET');
    if (problem.status === 500) {
      const err = problem.cause ?? problem;
      log.error({ event: 'request.failed', request_id: requestId(res), method: req.method, err });
    }
    const now = deps?.now() ?? new Date();
    res.set(problem.headers);
    send(
      res,
      { title: problem.title, body: told(problem, requestId(res)), status: problem.status },
      signedInOn(res),
      now,
    );
  };
}

function told({ title, message, status }: ReturnType<typeof toProblem>, id: string): Html {
  return html`<h1>${title}</h1>
${message !== title && status !== 500 && html`<p>${message}</p>`}
${status === 500 && html`<p>Its log line has the request id <code>${id}</code>.</p>`}
<p><a href="/">To the first page</a></p>`;
}
