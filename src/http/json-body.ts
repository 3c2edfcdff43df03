// Bodies of the API: JSON, at most 256 kB, neither deeper nor wider than anything here is, because each field that is not known
// costs time, and without texts that PostgreSQL cannot hold.
import express, { type Request, type RequestHandler } from 'express';
import { Problem } from './problem.ts';

const depthMax = 12;
const fieldsMax = 100;

// Not inflated: a small body may become a huge one.
const parse = express.json({ inflate: false, limit: '256kb', type: 'application/json' });

/** Reads the body of a request into `req.body`; undefined where there is none. */
export const jsonBody: RequestHandler = (req, res, next) => {
  if (hasBody(req) && req.is('application/json') === false) {
    const detail = 'Send JSON, with the header Content-Type: application/json.';
    next(new Problem(415, 'content_type_unsupported', 'The body is no JSON.', { detail }));
    return;
  }
  parse(req, res, (error?: unknown) => {
    const body: unknown = req.body;
    next(error ?? (body === undefined ? undefined : problemOf(body, 0)));
  });
};

function hasBody(req: Request): boolean {
  return req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;
}

function problemOf(value: unknown, depth: number): Problem | undefined {
  if (typeof value === 'string') return isStorable(value) ? undefined : unstorable();
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth >= depthMax) return new Problem(400, 'body_too_deep', 'The body is nested deeper than anything here is.');
  const entries = Object.entries(value);
  if (entries.length > fieldsMax && !Array.isArray(value))
    return new Problem(400, 'body_too_wide', `An object in the body has more than ${fieldsMax} fields.`);
  for (const [key, entry] of entries) {
    const problem = isStorable(key) ? problemOf(entry, depth + 1) : unstorable();
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Whether PostgreSQL can hold the text. */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\u0000');
}

function unstorable(): Problem {
  return new Problem(400, 'text_invalid', 'A text in the body holds U+0000 or half a character.');
}
