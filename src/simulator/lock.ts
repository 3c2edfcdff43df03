/** What is true at the door, whatever Seam believes: when a PIN opened it. */
export interface Interval {
  readonly access_code_id: string;
  readonly device_id: string;
  readonly name: string | null;
  readonly code: string;
  readonly on_device_from: Date;
  /** Null while the PIN still opens the door. */
  readonly off_device_at: Date | null;
}

/** What is written to a lock for one code. */
export interface Entry {
  readonly accessCodeId: string;
  readonly name: string | null;
  readonly pin: string;
  readonly startsAt: number | null;
  readonly endsAt: number | null;
}

interface Opening {
  readonly entry: Entry;
  readonly from: number;
  until: number | null;
}

/**
 * The memory of one lock. A lock with native scheduling opens and closes by itself; another knows no times, so a PIN works
 * until it is taken off.
 */
export class Lock {
  readonly #entries = new Map<string, Entry>();
  readonly #openings: Opening[] = [];
  readonly #current = new Map<string, Opening>();
  readonly #knowsTimes: boolean;
  readonly #opensAtOnce: boolean;

  constructor(options: { knowsTimes: boolean; opensAtOnce: boolean }) {
    this.#knowsTimes = options.knowsTimes;
    this.#opensAtOnce = options.opensAtOnce;
  }

  get size(): number {
    return this.#entries.size;
  }

  entry(accessCodeId: string): Entry | undefined {
    return this.#entries.get(accessCodeId);
  }

  /** Writes a code, or changes what is written. */
  write(entry: Entry, now: number): void {
    const opensAt = this.#opensAtOnce ? now : Math.max(now, entry.startsAt ?? now);
    const closesAt = this.#knowsTimes ? entry.endsAt : null;
    const current = this.#current.get(entry.accessCodeId);
    const isOpen = current !== undefined && current.from <= now && (current.until === null || current.until > now);
    this.#entries.set(entry.accessCodeId, entry);
    if (isOpen && opensAt === now && current.entry.pin === entry.pin) {
      current.until = closesAt;
      return;
    }
    this.#close(entry.accessCodeId, now);
    const opening: Opening = { entry, from: opensAt, until: closesAt };
    this.#openings.push(opening);
    this.#current.set(entry.accessCodeId, opening);
  }

  erase(accessCodeId: string, now: number): void {
    this.#close(accessCodeId, now);
    this.#entries.delete(accessCodeId);
  }

  eraseAll(now: number): void {
    for (const id of [...this.#entries.keys()]) this.erase(id, now);
  }

  /** Every interval in which a PIN opened the door, up to now. */
  intervals(deviceId: string, now: number): Interval[] {
    return this.#openings
      .filter((opening) => opening.from <= now && (opening.until === null || opening.until > opening.from))
      .map(({ entry, from, until }) => ({
        access_code_id: entry.accessCodeId,
        device_id: deviceId,
        name: entry.name,
        code: entry.pin,
        on_device_from: new Date(from),
        off_device_at: until === null || until > now ? null : new Date(until),
      }));
  }

  #close(accessCodeId: string, now: number): void {
    const current = this.#current.get(accessCodeId);
    if (current === undefined) return;
    current.until = current.until === null ? now : Math.min(current.until, now);
    this.#current.delete(accessCodeId);
  }
}
