// What requests with an Idempotency-Key were answered.
import type { Tx } from './client.ts';
import type { Prisma } from './generated/client.ts';

export interface AnsweredRequest {
  readonly key: string;
  /** Tells this request from others. */
  readonly requestHash: Uint8Array<ArrayBuffer>;
  readonly status: number;
  /** Holds no PIN. */
  readonly answer: Prisma.InputJsonValue;
}

/** Keeps an answer; false when there is one under this key already, be it of a twin that committed just now. */
export async function keepAnswer(tx: Tx, row: AnsweredRequest): Promise<boolean> {
  const { count } = await tx.answeredRequest.createMany({ data: [row], skipDuplicates: true });
  return count === 1;
}

export async function findAnswer(
  tx: Tx,
  key: string,
): Promise<{ requestHash: Uint8Array; status: number; answer: unknown } | null> {
  return tx.answeredRequest.findUnique({ where: { key } });
}
