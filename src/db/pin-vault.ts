import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { UserError } from '../core/errors.ts';

/** A PIN as the database holds it. */
export interface EncryptedPin {
  readonly pinCiphertext: Uint8Array<ArrayBuffer>;
  readonly pinKeyId: string;
}

const algorithm = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;

/**
 * Encrypts PINs at rest with AES-256-GCM. The first key encrypts, every key decrypts, so that keys can be rotated.
 * A ciphertext is nonce ‖ tag ‖ text and is bound to its schedule: moved to another row it does not decrypt.
 */
export class PinVault {
  readonly #keys: ReadonlyMap<string, Buffer>;
  readonly #currentId: string;

  /** @param keys 32 bytes each; at least one. */
  constructor(keys: readonly Buffer[]) {
    const entries = keys.map((key) => [keyIdOf(key), key] as const);
    const [first] = entries;
    if (first === undefined) throw new Error('PinVault needs at least one key');
    this.#keys = new Map(entries);
    this.#currentId = first[0];
  }

  /** The one that encrypts comes first. */
  get keyIds(): ReadonlySet<string> {
    return new Set(this.#keys.keys());
  }

  encrypt(pin: string, scheduleId: string): EncryptedPin {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv(algorithm, this.#key(this.#currentId), nonce);
    cipher.setAAD(Buffer.from(scheduleId));
    const text = Buffer.concat([cipher.update(pin, 'utf8'), cipher.final()]);
    return {
      pinCiphertext: new Uint8Array(Buffer.concat([nonce, cipher.getAuthTag(), text])),
      pinKeyId: this.#currentId,
    };
  }

  /** @throws UserError `pin_key_missing` when the key that encrypted it is not configured. */
  decrypt(pin: { pinCiphertext: Uint8Array; pinKeyId: string }, scheduleId: string): string {
    const bytes = Buffer.from(pin.pinCiphertext);
    const decipher = createDecipheriv(algorithm, this.#key(pin.pinKeyId), bytes.subarray(0, nonceBytes));
    decipher.setAAD(Buffer.from(scheduleId));
    decipher.setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
    return decipher.update(bytes.subarray(nonceBytes + tagBytes), undefined, 'utf8') + decipher.final('utf8');
  }

  /** Like `decrypt`, but null for a ciphertext that does not open. */
  open(pin: EncryptedPin, scheduleId: string): string | null {
    try {
      return this.decrypt(pin, scheduleId);
    } catch {
      return null;
    }
  }

  #key(id: string): Buffer {
    const key = this.#keys.get(id);
    if (key === undefined) {
      throw new UserError(
        'pin_key_missing',
        `A PIN is encrypted with key ${id}, which PIN_ENCRYPTION_KEYS does not hold; add that key behind the others.`,
      );
    }
    return key;
  }
}

/** Names a key without telling it: the first 8 hex digits of its SHA-256. */
export function keyIdOf(key: Buffer): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 8);
}
