// Codes that are none of ours: made in the lock's own app, by other software, by another installation. Each stays as it is until
// its own people take it away.
import type { AccessCode, UnmanagedAccessCode } from 'seam';
import type { Simulator } from '../../src/simulator/simulator.ts';
import type { FaultClock } from './fault-clock.ts';
import { Violation } from './trace.ts';
import { isLeaving, type Watch } from './watch.ts';

interface Stranger {
  readonly deviceId: string;
  readonly addedAt: number;
  readonly looks: string;
  readonly endsAt: number;
  isTakenAway: boolean;
}

export class Strangers {
  readonly #simulator: Simulator;
  readonly #faults: FaultClock;
  readonly #watch: Watch;
  readonly #strangers = new Map<string, Stranger>();

  constructor(simulator: Simulator, faults: FaultClock, watch: Watch) {
    this.#simulator = simulator;
    this.#faults = faults;
    this.#watch = watch;
  }

  /** @returns its id */
  add(code: Parameters<Simulator['addForeignCode']>[0]): string {
    const id = this.#simulator.addForeignCode(code);
    this.#watch.noteForeign(id);
    this.#strangers.set(id, {
      deviceId: code.device_id,
      addedAt: this.#simulator.now().getTime(),
      looks: looksOf(this.#find(id)),
      endsAt: code.ends_at?.getTime() ?? Number.POSITIVE_INFINITY,
      isTakenAway: false,
    });
    return id;
  }

  /** Its own people take it away; it may have ended, or gone with its lock, before. @returns the device it was at */
  takeAway(id: string): string {
    const stranger = this.#strangers.get(id);
    if (stranger === undefined) throw new Error(`nobody added the code ${id}`);
    stranger.isTakenAway = true;
    const code = this.#find(id);
    if (code?.is_managed === true) this.#simulator.deleteByHand(id);
    else if (code !== undefined) this.#simulator.removeAtLock(id);
    return stranger.deviceId;
  }

  /** It is none any more: until now nobody may have touched it. */
  adopted(id: string): void {
    this.#assertUntouched(id);
    this.#strangers.delete(id);
  }

  /** At the end of a history. */
  assertUntouched(): void {
    for (const id of this.#strangers.keys()) this.#assertUntouched(id);
  }

  #assertUntouched(id: string): void {
    const stranger = this.#strangers.get(id);
    if (stranger === undefined) return;
    const { deviceId, addedAt, looks, endsAt, isTakenAway } = stranger;
    const now = this.#simulator.now().getTime();
    const code = this.#find(id);
    const mayBeGone = isTakenAway || endsAt <= now || this.#faults.hasBegunSince(`door.gone ${deviceId}`, addedAt);
    if (mayBeGone && (isTakenAway || code === undefined)) return;
    const isWhole = code !== undefined && looksOf(code) === looks && !(code.is_managed && isLeaving(code));
    if (isWhole) return;
    const what = code === undefined ? 'is gone' : 'is not as its own people made it';
    throw new Violation('nothing of others is touched', `a code at ${deviceId} that is not ours ${what}`);
  }

  #find(id: string): AccessCode | UnmanagedAccessCode | undefined {
    const all = [...this.#simulator.codes(), ...this.#simulator.unmanagedCodes()];
    return all.find(({ access_code_id }) => access_code_id === id);
  }
}

/** What may not change. It holds the PIN: it is compared and never told. */
function looksOf(code: AccessCode | UnmanagedAccessCode | undefined): string {
  if (code === undefined) return '';
  const { name, code: pin, starts_at: startsAt, ends_at: endsAt, is_managed: isManaged } = code;
  return JSON.stringify({ name, pin, startsAt, endsAt, isManaged });
}
