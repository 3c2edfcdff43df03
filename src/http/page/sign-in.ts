// Signing in with a token of ADMIN_TOKENS, and out.
import { type ErrorRequestHandler, type RequestHandler, type Response, Router } from 'express';
import type { ApiDeps } from '../api-route.ts';
import { tokenFinder } from '../auth.ts';
import type { FailureLimit } from '../failure-limit.ts';
import type { LoadShedding } from '../load-shedding.ts';
import { onlyMethods, Problem, requestId } from '../problem.ts';
import { type Html, html } from './html.ts';
import { page } from './layout.ts';
import {
  assertOwnForm,
  formOf,
  localPath,
  pageHeaders,
  queryOf,
  readForm,
  setSession,
  signedInOf,
} from './page-request.ts';
import type { Sessions } from './session.ts';

const signInPath = '/sign-in';

/** Where somebody signs in who wants to see a path. */
export function signInFor(path: string): string {
  return path === '/' ? signInPath : `${signInPath}?to=${encodeURIComponent(path)}`;
}

export function signInRoutes(
  { tokens, now, log }: ApiDeps,
  {
    sessions,
    errors,
    failures,
    load,
  }: { sessions: Sessions; errors: ErrorRequestHandler; failures: FailureLimit; load: LoadShedding },
): Router {
  const router = Router();
  const find = tokenFinder(tokens);
  const show = (res: Response, to: string, problem: Problem | null): void => {
    const frame = { signedIn: null, now: now() };
    res.status(problem?.status ?? 200).type('html');
    res.send(page('Sign in', frame, signInForm(to, problem)).text);
  };
  const get: RequestHandler = (req, res) => {
    const to = localPath(queryOf(req).get('to'));
    if (signedInOf(req, sessions, now()) !== null) res.redirect(303, to);
    else show(res, to, null);
  };
  const post: RequestHandler = (req, res) => {
    const form = formOf(res);
    const to = localPath(form.get('to'));
    const token = find((form.get('token') ?? '').trim());
    const done = { event: 'page.signed_in', by: token?.name, request_id: requestId(res) };
    if (token === null) {
      const said = 'This is none of the tokens with which the service was started.';
      const problem = failures.failed(req, new Problem(401, 'token_invalid', said));
      // Of those beyond the limit one line tells.
      if (problem.status === 401) log.info({ ...done, outcome: 'refused' });
      res.set(problem.headers);
      return show(res, to, problem);
    }
    log.info({ ...done, outcome: 'done' });
    setSession(req, res, sessions.begin(token, now()));
    res.redirect(303, to);
  };
  const signOut: RequestHandler = (req, res) => {
    const signedIn = signedInOf(req, sessions, now());
    if (signedIn !== null) assertOwnForm(formOf(res), signedIn);
    setSession(req, res, null);
    res.redirect(303, signInPath);
  };
  router
    .route(signInPath)
    .all(pageHeaders)
    .get(get)
    .post(load.body, readForm, load.work, post)
    .all(onlyMethods('GET', 'HEAD', 'POST'), errors);
  router
    .route('/sign-out')
    .all(pageHeaders)
    .post(load.body, readForm, load.work, signOut)
    .all(onlyMethods('POST'), errors);
  return router;
}

function signInForm(to: string, problem: Problem | null): Html {
  return html`<h1>Sign in</h1>
${problem !== null && html`<p class="notice bad" id="problem" role="alert">${problem.message}</p>`}
<form class="stack card" method="post" action="${signInPath}">
<input type="hidden" name="to" value="${to}">
<label for="token">Your token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus maxlength="500"${
    problem !== null && html` aria-describedby="problem" aria-invalid="true"`
  }>
<p class="hint">One of <code>ADMIN_TOKENS</code>. You stay signed in for 12 hours.</p>
<button type="submit">Sign in</button>
</form>`;
}
