// Several histories at once, each lane a process of its own: a history is one thread's work, and most of it is not waiting.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { HistoryOptions } from './history.ts';
import type { Simulated } from './simulate.ts';

export interface SeedRange {
  readonly first: number;
  readonly count: number;
  /** Whether another one may be begun; always, where it is absent. Each lane plays one in any case. */
  readonly isTimeLeft?: () => boolean;
}

/**
 * Runs the seeds of a range, a lane for each database. Throws if a lane dies.
 * @param onResult is told of each history when it has ended, in any order
 */
export async function simulateSeeds(
  { first, count, isTimeLeft = () => true }: SeedRange,
  options: Omit<HistoryOptions, 'seed'>,
  databaseUrls: readonly string[],
  onResult: (result: Simulated) => void,
): Promise<void> {
  const waiting = Array.from({ length: count }, (_, index) => first + index);
  await Promise.all(
    databaseUrls.map(async (url) => {
      const lane = fork(fileURLToPath(new URL('./lane.ts', import.meta.url)), [url], {
        serialization: 'advanced',
        execArgv: ['--max-semi-space-size=64'],
      });
      try {
        await answerOf(lane);
        for (let seed = waiting.shift(); seed !== undefined; seed = isTimeLeft() ? waiting.shift() : undefined) {
          lane.send({ ...options, seed });
          onResult((await answerOf(lane)) as Simulated);
        }
      } finally {
        lane.kill();
      }
    }),
  );
}

async function answerOf(lane: ChildProcess): Promise<unknown> {
  const stopped = new AbortController();
  const { signal } = stopped;
  const died = once(lane, 'exit', { signal }).then(([code]: unknown[]) => {
    throw new Error(`a lane of the simulation ended with ${String(code)}`);
  });
  const answered = once(lane, 'message', { signal }).then(([message]: unknown[]) => message);
  try {
    return await Promise.race([answered, died]);
  } finally {
    stopped.abort();
    await Promise.allSettled([answered, died]);
  }
}
