// The two queues and what their jobs do: the table that shows all background work.
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobResult, JobWithMetadata, PgBoss } from 'pg-boss';
import type { Logger } from 'pino';
import { z } from 'zod';
import { jobErrorOf } from '../core/dead-letter.ts';
import { eventQueue, heartbeatSeconds, planQueue } from '../db/queue.ts';
import type { FlowDeps } from '../flows/flow-deps.ts';
import { handleEvent } from '../flows/handle-event.ts';
import { planDoor } from '../flows/plan-door.ts';

const EventData = z.object({ key: z.string() });
const PlanData = z.object({ scheduleId: z.string(), deviceId: z.string() });

type Handle = (data: unknown) => Promise<string>;

interface Crew {
  readonly handle: Handle;
  readonly workers: number;
  /** Jobs that a worker fetches at once; the next fetch waits for the slowest of them. */
  readonly batchSize: number;
}

const lookAgainMs = 100;

/**
 * Starts the workers of both queues. They end with the queue's own stop.
 * @param stopping nobody waits for an absent database any more
 */
export async function startWorkers(
  boss: PgBoss,
  deps: FlowDeps,
  concurrency: number,
  stopping: AbortSignal,
): Promise<void> {
  const crews: Record<string, Crew> = {
    [eventQueue]: {
      handle: (data) => handleEvent(deps, EventData.parse(data).key),
      workers: Math.ceil(concurrency / 5),
      batchSize: 5,
    },
    // Plan jobs call Seam and may hang on one door for seconds: none of them waits for another.
    [planQueue]: {
      handle: async (data) => {
        await planDoor(deps, PlanData.parse(data));
        return 'planned';
      },
      workers: concurrency,
      batchSize: 1,
    },
  };
  for (const [queue, { handle, workers, batchSize }] of Object.entries(crews)) {
    const run: RunBatch = async (jobs) => {
      const results = await Promise.all(jobs.map((job) => runJob(deps.log, queue, job, handle)));
      if (results.some(({ status }) => status === 'failed')) await untilAnswered(deps, stopping);
      return results;
    };
    for (let worker = 0; worker < workers; worker += 1) await startWorker(boss, queue, batchSize, run);
  }
}

type RunBatch = (jobs: JobWithMetadata<object>[]) => Promise<JobResult[]>;

async function startWorker(boss: PgBoss, queue: string, batchSize: number, run: RunBatch): Promise<void> {
  const options = {
    batchSize,
    perJobResults: true,
    includeMetadata: true,
    pollingIntervalSeconds: 1,
    notifyPollingIntervalSeconds: 1,
  } as const;
  let id: string | undefined;
  id = await boss.work(queue, options, async (jobs: JobWithMetadata<object>[]) => {
    const results = await run(jobs);
    // There may be more, and a job that waited for the one of its door is notified of no more: look again at once.
    if (id !== undefined) boss.notifyWorker(id);
    return results;
  });
}

/** Runs one job and says so in one line. What a handler throws is a bug or the database: tried again, then set aside. */
async function runJob(log: Logger, queue: string, job: JobWithMetadata<object>, handle: Handle): Promise<JobResult> {
  const startedMs = performance.now();
  const isLast = job.retryCount >= job.retryLimit;
  const fields = { event: 'job.attempted', job_id: job.id, job_kind: queue, attempt: job.retryCount + 1, ...job.data };
  try {
    const outcome = await handle(job.data);
    log.debug({ ...fields, outcome, duration_ms: elapsedMs(startedMs) }, 'job done');
    return { id: job.id, status: 'completed' };
  } catch (error) {
    const outcome = isLast ? 'set_aside' : 'failed';
    const message = isLast ? 'job failed for good and is set aside as a dead letter' : 'job failed, it is tried again';
    log[isLast ? 'error' : 'warn']({ ...fields, outcome, duration_ms: elapsedMs(startedMs), err: error }, message);
    return { id: job.id, status: 'failed', output: jobErrorOf(error) };
  }
}

/**
 * Waits for the database. A failure that cannot be told to it leaves the job its worker's, and its door without another one, for
 * as long as a heartbeat may be late; after that the queue has given the job away by itself.
 */
async function untilAnswered({ db }: FlowDeps, stopping: AbortSignal): Promise<void> {
  const deadlineMs = performance.now() + heartbeatSeconds * 1_000;
  while (performance.now() < deadlineMs && !stopping.aborted) {
    try {
      await db.prisma.$queryRaw`select 1`;
      return;
    } catch {
      await sleep(lookAgainMs, undefined, { signal: stopping }).catch(() => undefined);
    }
  }
}

function elapsedMs(startedMs: number): number {
  return Math.round(performance.now() - startedMs);
}
