/** What is to be done at an instant of virtual time. */
export class Tasks {
  readonly #now: () => number;
  #tasks: { readonly at: number; readonly order: number; readonly run: () => void | Promise<void> }[] = [];
  #order = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  in(ms: number, run: () => void | Promise<void>): void {
    this.#tasks.push({ at: this.#now() + Math.max(0, ms), order: this.#order++, run });
  }

  get nextAt(): number | null {
    return this.#tasks.length === 0 ? null : Math.min(...this.#tasks.map(({ at }) => at));
  }

  /** Does what is due, in its order; whether anything was. */
  async runDue(): Promise<boolean> {
    const now = this.#now();
    const due = this.#tasks.filter(({ at }) => at <= now).sort((a, b) => a.at - b.at || a.order - b.order);
    this.#tasks = this.#tasks.filter(({ at }) => at > now);
    for (const { run } of due) await run();
    return due.length > 0;
  }
}
