// A POST with an Idempotency-Key is done once: its answer is kept in the transaction of the change, and given again to whoever
// repeats it. What was refused changed nothing and is not kept.
import { createHmac } from 'node:crypto';
import { type AnsweredRequest, findAnswer, keepAnswer } from '../db/answered-requests.ts';
import type { Db, Tx } from '../db/client.ts';
import { Problem } from './problem.ts';

/** Under which key an answer is kept, and by what the request is known again. */
export interface RequestMark {
  readonly key: string;
  readonly hash: Uint8Array<ArrayBuffer>;
}

export interface KeptAnswer {
  readonly status: number;
  readonly answer: unknown;
}

/** A twin of the request was answered meanwhile: what this one wrote must not be kept. */
class AnsweredMeanwhile extends Error {}

/**
 * By the token, so that nobody gets an answer to somebody else, and because a body may hold a PIN: its digits could be tried out
 * against a bare hash.
 */
export function markOf(key: string, token: string, parts: readonly unknown[]): RequestMark {
  const hash = createHmac('sha256', token).update(JSON.stringify(parts)).digest();
  return { key, hash: new Uint8Array(hash) };
}

/** The kept answer, if there is one. @throws Problem where the key is that of another request */
export async function answerOfTwin(db: Db, { key, hash }: RequestMark): Promise<KeptAnswer | null> {
  const found = await findAnswer(db.prisma, key);
  if (found === null) return null;
  if (Buffer.compare(found.requestHash, hash) === 0) return found;
  const detail =
    'Another request was sent with it in the last day: take a new key for each request, and the old one to repeat it.';
  throw new Problem(422, 'idempotency_key_reused', 'This Idempotency-Key is taken.', { detail });
}

/** Does something once for its mark, and answers as the first time afterwards. `done` must keep what it answers. */
export async function once(
  db: Db,
  mark: RequestMark,
  run: () => Promise<KeptAnswer>,
): Promise<KeptAnswer & { readonly isRepeated: boolean }> {
  const known = await answerOfTwin(db, mark);
  if (known !== null) return { ...known, isRepeated: true };
  try {
    return { ...(await run()), isRepeated: false };
  } catch (error) {
    // A twin may have been first, and this one be refused because all is done.
    const twin = await answerOfTwin(db, mark);
    if (twin === null) throw error;
    return { ...twin, isRepeated: true };
  }
}

/** Keeps an answer in the transaction of what it tells of; undoes that where a twin has one already. */
export async function keep(tx: Tx, { key, hash }: RequestMark, { status, answer }: KeptAnswer): Promise<void> {
  const row: AnsweredRequest = { key, requestHash: hash, status, answer: answer as AnsweredRequest['answer'] };
  if (!(await keepAnswer(tx, row))) throw new AnsweredMeanwhile('a twin of this request was answered meanwhile');
}
