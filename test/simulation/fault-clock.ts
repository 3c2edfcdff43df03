// When something was wrong, for judging what happened then: a strike of an instant, or a trouble that lasts.

import { type Span, union } from '../support/reference-windows.ts';

interface Trouble {
  readonly name: string;
  readonly from: number;
  until: number;
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

  /** @param until when its direct effect is over, where that is later than now */
  strike(name: string, until = this.#now()): void {
    this.count(name);
    this.#troubles.push({ name, from: this.#now(), until });
  }

  begin(name: string): void {
    if (this.#lasting.has(name)) return;
    this.count(name.split(' ')[0] ?? name);
    const trouble = { name, from: this.#now(), until: Number.POSITIVE_INFINITY };
    this.#lasting.set(name, trouble);
    this.#troubles.push(trouble);
  }

  end(name: string): void {
    const trouble = this.#lasting.get(name);
    if (trouble === undefined) return;
    trouble.until = this.#now();
    this.#lasting.delete(name);
  }

  isOn(name: string): boolean {
    return this.#lasting.has(name);
  }

  /** Since when nothing is wrong; infinite while something is. */
  get calmSince(): number {
    return this.#troubles.reduce((latest, { until }) => Math.max(latest, until), 0);
  }

  /** When something was wrong, or had been so shortly before. */
  spans(aftermathMs: number): Span[] {
    const spans = this.#troubles.map(({ from, until }) => ({ startAt: from, endAt: until + aftermathMs }));
    return union(spans, 0);
  }

  /** Something that is wrong, and that nothing else has to wait for. */
  count(name: string): void {
    this.strikes += 1;
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }
}
