import { type KnownDevice, saveDevice } from '../db/devices.ts';
import type { SeamResult } from '../seam/errors.ts';
import type { FlowDeps } from './flow-deps.ts';

const staleAfterMs = 24 * 3_600_000;

/**
 * What the lock asks of codes: as remembered for a day, then asked of Seam again.
 * @param known what is stored of the device, if anything
 */
export async function knowDevice(
  deps: FlowDeps,
  deviceId: string,
  known: KnownDevice | null,
): Promise<SeamResult<KnownDevice>> {
  const now = deps.now();
  if (known !== null && now.getTime() - known.refreshedAt.getTime() < staleAfterMs) return { ok: true, value: known };
  const asked = await deps.seam.getDevice(deviceId);
  if (!asked.ok) return asked;
  await saveDevice(deps.db.prisma, asked.value, now);
  const { awaySince, awayBecause } = known ?? { awaySince: null, awayBecause: null };
  return { ok: true, value: { ...asked.value, refreshedAt: now, awaySince, awayBecause } };
}
