import type { Timeline } from './timeline.ts';

const tickMs = 100;

/** Drives virtual time: it stands until it is advanced, or follows real time, whose lead over it only grows. */
export class Clock {
  readonly #timeline: Timeline;
  /** Virtual minus real time where the clock runs; null where it stands. */
  #offsetMs: number | null;
  #ticker: NodeJS.Timeout | undefined;

  constructor(timeline: Timeline, runs: boolean) {
    this.#timeline = timeline;
    this.#offsetMs = runs ? 0 : null;
  }

  start(): void {
    if (this.#offsetMs !== null) this.#ticker = setInterval(() => this.catchUp(), tickMs).unref();
  }

  stop(): void {
    clearInterval(this.#ticker);
  }

  /** Lets happen what is due by now, where virtual time follows real time. */
  catchUp(): void {
    if (this.#offsetMs !== null) this.#timeline.runUntil(Date.now() + this.#offsetMs);
  }

  /** Goes from instant to instant up to the target, and waits at each until it is settled. */
  async advance(target: number, settle: () => Promise<void>): Promise<void> {
    this.catchUp();
    if (Number.isNaN(target) || target < this.#timeline.now) throw new RangeError('virtual time only runs forwards');
    await settle();
    for (let next = this.#timeline.nextAt(); next !== null && next <= target; next = this.#timeline.nextAt()) {
      this.#moveTo(next);
      await settle();
    }
    this.#moveTo(target);
  }

  #moveTo(at: number): void {
    this.#timeline.runUntil(at);
    if (this.#offsetMs !== null) this.#offsetMs = Math.max(this.#offsetMs, at - Date.now());
  }
}
