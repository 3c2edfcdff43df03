/** Something that will happen at an instant of virtual time. */
export interface Timer {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
  cancelled: boolean;
}

const isBefore = (a: Timer, b: Timer): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

/** Virtual time and what is to happen in it: a binary heap, so that a hundred thousand codes cost little. */
export class Timeline {
  #now: number;
  #order = 0;
  #cancelled = 0;
  #heap: Timer[] = [];

  constructor(startsAt: number) {
    this.#now = startsAt;
  }

  get now(): number {
    return this.#now;
  }

  /** An instant that has passed means: as soon as time moves or is looked at again. */
  schedule(at: number, run: () => void): Timer {
    const timer: Timer = { at: Math.max(at, this.#now), order: this.#order++, run, cancelled: false };
    this.#heap.push(timer);
    this.#rise(this.#heap.length - 1);
    return timer;
  }

  cancel(timer: Timer | null): void {
    if (timer === null || timer.cancelled) return;
    timer.cancelled = true;
    this.#cancelled += 1;
    if (this.#cancelled > 1000 && this.#cancelled > this.#heap.length / 2) this.#sweep();
  }

  /** The earliest coming instant at which something happens. */
  nextAt(): number | null {
    for (let top = this.#heap[0]; top !== undefined; top = this.#heap[0]) {
      if (!top.cancelled) return top.at;
      this.#cancelled -= 1;
      this.#pop();
    }
    return null;
  }

  /** Runs everything due up to and including the instant, each thing at its own time, and stands at the instant. */
  runUntil(at: number): void {
    for (let next = this.nextAt(); next !== null && next <= at; next = this.nextAt()) {
      const timer = this.#pop();
      if (timer === undefined) break;
      // A timer that has run is no longer in the heap: cancelling it must not be counted.
      timer.cancelled = true;
      this.#now = Math.max(this.#now, timer.at);
      timer.run();
    }
    this.#now = Math.max(this.#now, at);
  }

  #sweep(): void {
    const kept = this.#heap.filter((timer) => !timer.cancelled);
    // An array in order is a heap.
    this.#heap = kept.sort((a, b) => (isBefore(a, b) ? -1 : 1));
    this.#cancelled = 0;
  }

  #pop(): Timer | undefined {
    const top = this.#heap[0];
    const last = this.#heap.pop();
    if (top !== undefined && last !== undefined && last !== top) {
      this.#heap[0] = last;
      this.#sink();
    }
    return top;
  }

  #rise(from: number): void {
    const heap = this.#heap;
    for (let index = from; index > 0; ) {
      const parent = (index - 1) >> 1;
      const child = heap[index];
      const above = heap[parent];
      if (child === undefined || above === undefined || !isBefore(child, above)) return;
      heap[index] = above;
      heap[parent] = child;
      index = parent;
    }
  }

  #sink(): void {
    const heap = this.#heap;
    for (let index = 0; ; ) {
      const left = 2 * index + 1;
      let least = index;
      for (const candidate of [left, left + 1]) {
        const timer = heap[candidate];
        const best = heap[least];
        if (timer !== undefined && best !== undefined && isBefore(timer, best)) least = candidate;
      }
      const here = heap[index];
      const below = heap[least];
      if (least === index || here === undefined || below === undefined) return;
      heap[index] = below;
      heap[least] = here;
      index = least;
    }
  }
}
