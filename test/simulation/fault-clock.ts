// When something was wrong, for judging what happened then: a strike of an instant, or a trouble that lasts. What is wrong at one
// device excuses nothing at another.

import { type Span, union } from '../support/reference-windows.ts';

interface Trouble {
  readonly name: string;
  readonly from: number;
  until: number;
  /** Undefined: it concerns every door. */
  readonly deviceId: string | undefined;
}

export class FaultClock {
  readonly #now: () => number;
  readonly #troubles: Trouble[] = [];
  readonly #lasting = new Map<string, Trouble>();
  /** How often which kind of fault struck. */
  readonly counts = new Map<string, number>();
  strikes = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * @param deviceId the device that alone it concerns; undefined for all of them
   * @param until when its direct effect is over, where that is later than now
   */
  strike(name: string, deviceId: string | undefined, until = this.#now()): void {
    this.count(name);
    this.#troubles.push({ name, from: this.#now(), until, deviceId });
  }

  /** @param deviceId the device that alone it concerns */
  begin(name: string, deviceId?: string): void {
    if (this.#lasting.has(name)) return;
    this.count(name.split(' ')[0] ?? name);
    const trouble = { name, from: this.#now(), until: Number.POSITIVE_INFINITY, deviceId };
    this.#lasting.set(name, trouble);
    this.#troubles.push(trouble);
  }

  end(name: string): void {
    const trouble = this.#lasting.get(name);
    if (trouble === undefined) return;
    trouble.until = this.#now();
    this.#lasting.delete(name);
  }

  /** What last befell a call at one device concerns all of them from its own instant on: the service has closed its line to Seam. */
  spreadLastCall(): void {
    const last = this.#troubles.findLast(({ name }) => name.startsWith('seam.'));
    // What concerns all of them does so already, and may last.
    if (last?.deviceId !== undefined) this.#troubles.push({ ...last, deviceId: undefined });
  }

  isOn(name: string): boolean {
    return this.#lasting.has(name);
  }

  /** Since when nothing is wrong anywhere; infinite while something is. */
  get calmSince(): number {
    return latest(this.#troubles);
  }

  /** Since when nothing is wrong that concerns this device. */
  calmSinceAt(deviceId: string): number {
    return latest(this.#troublesOf(deviceId));
  }

  /** When something was wrong that concerned this device, or had been so shortly before. */
  spans(deviceId: string, aftermathMs: number): Span[] {
    const spans = this.#troublesOf(deviceId).map(({ from, until }) => ({ startAt: from, endAt: until + aftermathMs }));
    return union(spans, 0);
  }

  #troublesOf(deviceId: string): Trouble[] {
    return this.#troubles.filter((one) => one.deviceId === undefined || one.deviceId === deviceId);
  }

  /** Whether a trouble of this name began at or after an instant. @param until and before this one */
  hasBegunSince(name: string, at: number, until = Number.POSITIVE_INFINITY): boolean {
    return this.#troubles.some((one) => one.name === name && one.from >= at && one.from < until);
  }

  /** Something that is wrong, and that nothing else has to wait for. */
  count(name: string): void {
    this.strikes += 1;
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }
}

function latest(troubles: readonly Trouble[]): number {
  return troubles.reduce((until, one) => Math.max(until, one.until), 0);
}
