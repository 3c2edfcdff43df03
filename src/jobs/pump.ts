import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../telemetry/log.ts';

/** Background work that is repeated until it is told to stop. */
export interface Pump {
  readonly name: string;
  /** False before its first pass is done (see `asksSeam`), after it ended, and while its last pass has failed. */
  readonly isRunning: boolean;
  /** Ends once `signal` is aborted and the pass in flight is done; never rejects. */
  run(signal: AbortSignal): Promise<void>;
  /** Has a pass made at once instead of at the next tick. */
  wake(): void;
}

const retryMs = 1_000;

/**
 * Repeats a pass: at once while there is more, when woken, and every `everyMs` all the same. A pass that fails is told and
 * tried again at the next tick: the rows that it works on are the truth and wait.
 */
export function createPump(options: {
  name: string;
  everyMs: number;
  log: Log;
  /** Its passes last as long as Seam takes: it counts as running from the start, so that readiness does not hang on Seam. */
  asksSeam?: boolean;
  /** Answers whether more may be left. */
  pass: () => Promise<boolean>;
}): Pump {
  const { name, everyMs, log, asksSeam = false, pass } = options;
  let isRunning = false;
  let isWoken = false;
  let interrupt = new AbortController();

  async function waitForTick(signal: AbortSignal): Promise<void> {
    interrupt = new AbortController();
    if (isWoken || signal.aborted) return;
    await sleep(everyMs, undefined, { signal: AbortSignal.any([signal, interrupt.signal]) }).catch(() => undefined);
  }

  return {
    name,
    get isRunning() {
      return isRunning;
    },
    wake() {
      isWoken = true;
      interrupt.abort();
    },
    async run(signal) {
      isRunning = asksSeam;
      while (!signal.aborted) {
        isWoken = false;
        try {
          let more = true;
          while (more && !signal.aborted) {
            more = await pass();
            isRunning = true;
          }
          await waitForTick(signal);
        } catch (error) {
          isRunning = false;
          log.warn({ event: 'pump.failed', part: name, err: error }, `${name}: the pass failed and is tried again`);
          await sleep(Math.min(everyMs, retryMs), undefined, { signal }).catch(() => undefined);
        }
      }
      isRunning = false;
    },
  };
}
