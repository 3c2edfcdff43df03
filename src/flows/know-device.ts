import { type KnownDevice, saveDevice } from '../db/devices.ts';
import type { SeamResult } from '../seam/errors.ts';
import type { FlowDeps } from './flow-deps.ts';

const hourMs = 3_600_000;

/** How long what is known of a lock is taken for what it still is. */
export const freshForMs = hourMs;
const usableForMs = 24 * hourMs;

/**
 * What the lock asks of codes: as remembered for an hour, then asked of Seam again. While Seam does not answer, what was
 * remembered of the last day has to do.
 * @param known what is stored of the device, if anything
 */
export async function knowDevice(
  deps: FlowDeps,
  deviceId: string,
  known: KnownDevice | null,
): Promise<SeamResult<KnownDevice>> {
  const now = deps.now();
  const ageMs = known === null ? null : now.getTime() - known.refreshedAt.getTime();
  if (known !== null && ageMs !== null && ageMs < freshForMs) return { ok: true, value: known };
  const asked = await deps.seam.getDevice(deviceId);
  if (!asked.ok) {
    const isUsable = ageMs !== null && ageMs < usableForMs && asked.failure.kind !== 'device_not_found';
    return known !== null && isUsable ? { ok: true, value: known } : asked;
  }
  await saveDevice(deps.db.prisma, asked.value, now);
  const { awaySince, awayBecause } = known ?? { awaySince: null, awayBecause: null };
  return { ok: true, value: { ...asked.value, refreshedAt: now, awaySince, awayBecause } };
}
