// Codes as people are shown them: never a PIN, not even encrypted.
import type { CodeState } from '../core/access-code.ts';
import type { Tx } from './client.ts';
import type { Prisma } from './generated/client.ts';

export interface ListedCode {
  readonly id: string;
  readonly state: CodeState;
  readonly reason: string | null;
  readonly accessCodeId: string | null;
  readonly deviceId: string;
  readonly windowStartsAt: Date;
  readonly windowEndsAt: Date;
  /** Since when the lock holds it, as far as Seam has said. */
  readonly readyAt: Date | null;
  readonly removedAt: Date | null;
  /** Before then nothing is asked of Seam for it. */
  readonly quietUntil: Date | null;
  readonly hasOtherPin: boolean;
  readonly schedule: { readonly key: string; readonly holder: string | null; readonly timezone: string };
}

const shown = {
  id: true,
  state: true,
  reason: true,
  accessCodeId: true,
  deviceId: true,
  windowStartsAt: true,
  windowEndsAt: true,
  readyAt: true,
  removedAt: true,
  quietUntil: true,
  hasOtherPin: true,
  schedule: { select: { key: true, holder: true, timezone: true } },
} satisfies Prisma.AccessCodeSelect;

/** Codes in order of their windows: those that exist or are to come, or the last ones of all, gone ones too. */
export async function listCodes(
  tx: Tx,
  { scheduleKey, deviceId, withGone }: { scheduleKey?: string; deviceId?: string; withGone: boolean },
  limit: number,
): Promise<ListedCode[]> {
  const where = {
    ...(scheduleKey !== undefined && { schedule: { key: scheduleKey } }),
    ...(deviceId !== undefined && { deviceId }),
    ...(!withGone && { nextTryAt: { not: null } }),
  };
  const direction = withGone ? 'desc' : 'asc';
  const orderBy = [{ windowStartsAt: direction }, { deviceId: direction }, { id: direction }] as const;
  const rows = await tx.accessCode.findMany({ where, select: shown, orderBy: [...orderBy], take: limit });
  return withGone ? rows.reverse() : rows;
}
