// One running job, which goes on only when the scheduler lets it: between two pauses nothing else runs.

type Outcome = 'paused' | 'done';

export class Fiber {
  readonly label: string;
  /** Virtual time before which it does not go on. */
  wakeAt = 0;
  #isDone = false;
  #resume: (() => void) | undefined;
  #abort: ((reason: unknown) => void) | undefined;
  #onPause: ((outcome: Outcome) => void) | undefined;
  #done: Promise<Outcome> = Promise.resolve('done');
  readonly #body: (fiber: Fiber) => Promise<void>;
  #isStarted = false;

  /** @param body must not reject */
  constructor(label: string, body: (fiber: Fiber) => Promise<void>) {
    this.label = label;
    this.#body = body;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  /** Called by what runs in it: waits for the scheduler, and at least until this instant. */
  pause(until: number): Promise<void> {
    this.wakeAt = until;
    return new Promise((resolve, reject) => {
      this.#resume = resolve;
      this.#abort = reject;
      this.#onPause?.('paused');
    });
  }

  /** Called by the scheduler: lets it go on to its next pause, or its end. */
  run(): Promise<Outcome> {
    const paused = new Promise<Outcome>((resolve) => {
      this.#onPause = resolve;
    });
    if (this.#isStarted) this.#release((resume) => resume());
    else this.#start();
    return Promise.race([paused, this.#done]);
  }

  /** Its process died while it was paused: it ends with this error, as far as what runs in it lets it. */
  async kill(reason: unknown): Promise<void> {
    if (this.#isDone) return;
    this.#isStarted = true;
    this.#release((_, abort) => abort(reason));
    await this.#done;
  }

  #start(): void {
    this.#isStarted = true;
    this.#done = this.#body(this).then(() => {
      this.#isDone = true;
      return 'done' as const;
    });
  }

  #release(how: (resume: () => void, abort: (reason: unknown) => void) => void): void {
    const [resume, abort] = [this.#resume, this.#abort];
    this.#resume = undefined;
    this.#abort = undefined;
    if (resume !== undefined && abort !== undefined) how(resume, abort);
  }
}
