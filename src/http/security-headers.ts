// What every answer says to browsers, in one place. A route that serves a page says what that page needs on top of it.
import type { RequestHandler } from 'express';

const yearSeconds = 31_536_000;

/** Nothing in an answer may be run, framed, guessed at, kept, or taken by pages of other hosts. */
const headers = new Map([
  ['content-security-policy', "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"],
  ['x-content-type-options', 'nosniff'],
  ['x-frame-options', 'DENY'],
  ['referrer-policy', 'no-referrer'],
  ['cross-origin-resource-policy', 'same-origin'],
  ['cross-origin-opener-policy', 'same-origin'],
  ['cache-control', 'no-store'],
]);

export const securityHeaders: RequestHandler = (req, res, next) => {
  res.setHeaders(headers);
  // Only where it is known that people come by HTTPS, from a proxy that is trusted: Relatch itself speaks HTTP, and a browser that
  // was told this for a host without HTTPS does not reach it any more.
  if (req.secure) res.setHeader('strict-transport-security', `max-age=${yearSeconds}`);
  next();
};
