// Who is signed in to the pages, without a table: the cookie names a token of ADMIN_TOKENS and when it ends, sealed with a key that
// is derived from that token. Taking the token out of ADMIN_TOKENS ends its sessions.
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { AdminToken } from '../auth.ts';

/** Somebody with a session. */
export interface SignedIn {
  /** The token's, for the history. */
  readonly name: string;
  /** What every form of this session must send back as `csrf`. */
  readonly csrf: string;
}

export interface Sessions {
  /** The cookie's value for who showed this token at this time. */
  readonly begin: (token: AdminToken, now: Date) => string;
  /** Null where it is no session of ours, or is over. */
  readonly find: (cookie: string | undefined, now: Date) => SignedIn | null;
}

export const sessionCookie = 'relatch_session';
export const sessionMs = 12 * 3_600_000;

const form = /^([A-Za-z0-9_-]{1,100})\.(\d{13,15})\.([A-Za-z0-9_-]{43})$/;

export function sessionsOf(tokens: readonly AdminToken[]): Sessions {
  const keyed = tokens.map((token) => ({ name: token.name, name64: base64(token.name), key: keyOf(token.token) }));
  return {
    begin(token, now) {
      const key = keyOf(token.token);
      const claim = `${base64(token.name)}.${now.getTime() + sessionMs}`;
      return `${claim}.${seal(key, `session ${claim}`)}`;
    },
    find(cookie, now) {
      const [, name64, endsAt, sealed] = form.exec(cookie ?? '') ?? [];
      if (name64 === undefined || endsAt === undefined || sealed === undefined) return null;
      const left = Number(endsAt) - now.getTime();
      if (left <= 0 || left > sessionMs) return null;
      const claim = `${name64}.${endsAt}`;
      const found = keyed.find((one) => one.name64 === name64 && isSame(sealed, seal(one.key, `session ${claim}`)));
      if (found === undefined) return null;
      return { name: found.name, csrf: seal(found.key, `csrf ${claim}`) };
    },
  };
}

/** Compares what was sent with what is right, at a cost that tells nothing. */
export function isSame(given: string, right: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function keyOf(token: string): Buffer {
  return Buffer.from(hkdfSync('sha256', token, '', 'relatch page session', 32));
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64url');
}

function seal(key: Buffer, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url');
}
