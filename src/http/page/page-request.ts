// What all pages have in common on the way in: headers, forms, where a request comes from, and where one may be sent on to.
import express, { type Request, type RequestHandler, type Response } from 'express';
import { isStorable } from '../json-body.ts';
import { Problem } from '../problem.ts';
import { isSame, type Sessions, type SignedIn, sessionCookie, sessionMs } from './session.ts';

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** Nothing of another host, nothing kept, nothing framed. */
export const pageHeaders: RequestHandler = (_req, res, next) => {
  res.set({
    'content-security-policy': policy,
    'x-content-type-options': 'nosniff',
    // Without a referrer, browsers send no Origin with a form either.
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'cache-control': 'no-store',
  });
  next();
};

const readText = express.text({ type: 'application/x-www-form-urlencoded', limit: '16kb', inflate: false });

/** Reads a form, of a page of ours only, into `formOf`. */
export const readForm: RequestHandler = (req, res, next) => {
  if (!isFromHere(req)) return next(foreign());
  readText(req, res, (error?: unknown) => {
    if (error !== undefined) return next(error);
    const form = new URLSearchParams(typeof req.body === 'string' ? req.body : '');
    if (![...form].flat().every(isStorable)) return next(unreadable());
    res.locals['form'] = form;
    next();
  });
};

export function formOf(res: Response): URLSearchParams {
  return (res.locals['form'] as URLSearchParams | undefined) ?? new URLSearchParams();
}

/** The query of a request. @throws Problem where it holds what no text here may */
export function queryOf(req: Request): URLSearchParams {
  // The path may be no URL, as // is.
  const [, ...parts] = req.originalUrl.split('?');
  const query = new URLSearchParams(parts.join('?'));
  if (![...query].flat().every(isStorable)) throw unreadable();
  return query;
}

/** Whether a page of this host sent it, as the browser says; the header of older ones is held against the host that was asked. */
function isFromHere(req: Request): boolean {
  const site = req.get('sec-fetch-site');
  if (site !== undefined) return site === 'same-origin';
  const origin = req.get('origin');
  return origin !== undefined && URL.canParse(origin) && new URL(origin).host === req.host;
}

/** @throws Problem where the form was not made for this session */
export function assertOwnForm(form: URLSearchParams, { csrf }: SignedIn): void {
  if (!isSame(form.get('csrf') ?? '', csrf)) throw foreign();
}

function foreign(): Problem {
  const detail = 'Nothing was done. Load the page again and repeat what you did there.';
  return new Problem(403, 'form_foreign', 'This form is out of date, or is not of this page.', { detail });
}

function unreadable(): Problem {
  return new Problem(400, 'text_invalid', 'What was sent holds U+0000 or half a character.');
}

/** Who is signed in; null where nobody is. */
export function signedInOf(req: Request, sessions: Sessions, now: Date): SignedIn | null {
  for (const part of (req.get('cookie') ?? '').split(';')) {
    const [name, value] = part.trim().split('=');
    const found = name === sessionCookie ? sessions.find(value, now) : null;
    if (found !== null) return found;
  }
  return null;
}

/** Lax: who follows a link in a mail to a page is signed in there; forms have a token of their own. Null ends the session. */
export function setSession(req: Request, res: Response, value: string | null): void {
  const options = { httpOnly: true, sameSite: 'lax', secure: req.secure, path: '/' } as const;
  if (value === null) res.clearCookie(sessionCookie, options);
  else res.cookie(sessionCookie, value, { ...options, maxAge: sessionMs });
}

/** A path of ours, as it was named; else the first page. No other host can be named by it. */
export function localPath(path: string | null): string {
  const here = 'http://localhost';
  if (path === null || !/^\/(?![/\\])/.test(path) || !URL.canParse(path, here)) return '/';
  const { origin, pathname, search } = new URL(path, here);
  return origin === here && !pathname.startsWith('//') ? `${pathname}${search}` : '/';
}
