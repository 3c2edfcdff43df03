// Moves PINs under the first key, so that an older one can be retired. May run beside the service: what that changes meanwhile
// is left as it is and counted as still under the older key.
import { keyIdsInUse, pinsUnderKeys, replaceHeldPin } from '../db/pins.ts';
import type { FlowDeps } from './flow-deps.ts';

export interface Reencrypted {
  readonly moved: number;
  /** PINs whose ciphertext does not open with the key that it names. */
  readonly unreadable: number;
  /** How many PINs each key protects now. */
  readonly inUse: ReadonlyMap<string, number>;
}

const pageSize = 500;

/** Encrypts again, page by page, what known keys but the first protect. */
export async function reencryptPins({ db, vault }: Pick<FlowDeps, 'db' | 'vault'>): Promise<Reencrypted> {
  const [, ...older] = vault.keyIds;
  let [moved, unreadable] = [0, 0];
  let page = older.length === 0 ? [] : await pinsUnderKeys(db.prisma, older, null, pageSize);
  while (page.length > 0) {
    for (const held of page) {
      const pin = vault.open(held, held.scheduleId);
      if (pin === null) unreadable += 1;
      else if (await replaceHeldPin(db.prisma, held, vault.encrypt(pin, held.scheduleId))) moved += 1;
    }
    page = await pinsUnderKeys(db.prisma, older, page.at(-1) ?? null, pageSize);
  }
  return { moved, unreadable, inUse: await keyIdsInUse(db.prisma) };
}
