// Who asks: tokens, each with the name that the history gives to what is done with it.
import { createHash, timingSafeEqual } from 'node:crypto';
import { Problem } from './problem.ts';

/** A token of ADMIN_TOKENS. */
export interface AdminToken {
  readonly name: string;
  readonly token: string;
}

const bearer = /^Bearer +([A-Za-z0-9._~+/=-]+) *$/i;

/** Finds the token that somebody gave, at a cost that does not depend on how much of one was guessed. */
export function tokenFinder(tokens: readonly AdminToken[]): (given: string) => AdminToken | null {
  const known = tokens.map((token) => ({ token, hash: hashOf(token.token) }));
  return (given) => {
    const hash = hashOf(given);
    const [match] = known.filter((one) => timingSafeEqual(one.hash, hash));
    return match?.token ?? null;
  };
}

/**
 * Tells the token of an Authorization header from all others.
 * @param setting that holds the tokens
 */
export function authenticator(
  tokens: readonly AdminToken[],
  setting = 'ADMIN_TOKENS',
): (header: string | undefined) => AdminToken {
  const anyOf = tokens.length === 1 && setting !== 'ADMIN_TOKENS' ? setting : `one of ${setting}`;
  const find = tokenFinder(tokens);
  return (header) => {
    const [, given] = bearer.exec(header ?? '') ?? [];
    if (given === undefined) {
      const detail = `Send ${anyOf} as the header Authorization: Bearer TOKEN.`;
      throw unauthorized('token_missing', 'This needs a token.', detail, '');
    }
    const found = find(given);
    if (found !== null) return found;
    const detail = `It is not ${anyOf}, with which the service was started.`;
    throw unauthorized('token_invalid', 'The token is not known.', detail, ', error="invalid_token"');
  };
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function unauthorized(code: string, title: string, detail: string, challenge: string): Problem {
  return new Problem(401, code, title, {
    detail,
    headers: { 'www-authenticate': `Bearer realm="relatch"${challenge}` },
  });
}
