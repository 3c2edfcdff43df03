// The three queues and what their jobs do: the table that shows all background work.
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobResult, JobWithMetadata, PgBoss } from 'pg-boss';
import { z } from 'zod';
import { jobErrorOf } from '../core/dead-letter.ts';
import { eventQueue, heartbeatSeconds, notifyQueue, planQueue } from '../db/queue.ts';
import type { FlowDeps } from '../flows/flow-deps.ts';
import { handleEvent } from '../flows/handle-event.ts';
import { type NotifyDeps, notifyEndpoint } from '../flows/notify-endpoint.ts';
import { planDoor } from '../flows/plan-door.ts';
import { type Ended, runUnit, type SpanAbout } from '../telemetry/telemetry.ts';
import { elapsedMs } from '../telemetry/unit.ts';

// What is there to be told of a job only must not keep it from being done.
const Told = z.string().optional().catch(undefined);
const Instant = z.coerce.date().optional().catch(undefined);
const EventData = z.object({ key: z.string(), removalReceivedAt: Instant });
const PlanData = z.object({
  scheduleId: z.string(),
  deviceId: z.string(),
  seamEventId: Told,
  removalReceivedAt: Instant,
  traceparent: Told,
});
const NoticeData = z.object({ endpointId: z.string() });

/** What a job is about, and what led to it. */
type JobAbout = Pick<SpanAbout, 'attributes' | 'cause'> & { readonly removalReceivedAt?: Date | undefined };

interface Crew {
  /** Undefined where its data cannot be read: its handler says so. */
  readonly about: (data: unknown) => JobAbout | undefined;
  readonly handle: (data: unknown) => Promise<string>;
  readonly workers: number;
  /** Jobs that a worker fetches at once; the next fetch waits for the slowest of them. */
  readonly batchSize: number;
  /** How often it looks for jobs that nobody told it of, such as those of a dead worker. */
  readonly pollSeconds: number;
  /** Whether a job that failed for the last time is kept for a person. */
  readonly setsAside: boolean;
}

const lookAgainMs = 100;
// An endpoint that answers late must not hold up a stop.
const answerWithinMs = 5_000;
const kept = { pollSeconds: 1, setsAside: true } as const;

/**
 * Starts the workers of all queues. They end with the queue's own stop.
 * @param stopping nobody waits for an absent database any more
 */
export async function startWorkers(
  boss: PgBoss,
  deps: FlowDeps & NotifyDeps,
  concurrency: number,
  stopping: AbortSignal,
): Promise<void> {
  const cutShort = new AbortController();
  stopping.addEventListener('abort', () => setTimeout(() => cutShort.abort(), answerWithinMs).unref(), { once: true });
  const crews: Record<string, Crew> = {
    [eventQueue]: {
      about: (data) => aboutEvent(EventData.safeParse(data).data),
      handle: (data) => handleEvent(deps, EventData.parse(data).key),
      workers: Math.ceil(concurrency / 5),
      batchSize: 5,
      ...kept,
    },
    // Plan jobs call Seam and may hang on one door for seconds: none of them waits for another.
    [planQueue]: {
      about: (data) => aboutPlan(PlanData.safeParse(data).data),
      handle: async (data) => {
        const { scheduleId, deviceId } = PlanData.parse(data);
        await planDoor(deps, { scheduleId, deviceId });
        return 'planned';
      },
      workers: concurrency,
      batchSize: 1,
      ...kept,
    },
    // Each may wait for a name to be looked up, which takes one of Node's four threads: Seam's and the database's must find one.
    [notifyQueue]: {
      about: (data) => ({ attributes: { endpoint_id: NoticeData.safeParse(data).data?.endpointId } }),
      handle: (data) =>
        notifyEndpoint(deps, NoticeData.parse(data).endpointId, { stopping, cutShort: cutShort.signal }),
      workers: 3,
      batchSize: 1,
      pollSeconds: 10,
      setsAside: false,
    },
  };
  for (const [queue, crew] of Object.entries(crews)) {
    const run: RunBatch = async (jobs) => {
      const results = await Promise.all(jobs.map((job) => runJob(deps, queue, job, crew)));
      if (results.some(({ status }) => status === 'failed')) await untilAnswered(deps, stopping);
      return results;
    };
    for (let worker = 0; worker < crew.workers; worker += 1) await startWorker(boss, queue, crew, run);
  }
}

type RunBatch = (jobs: JobWithMetadata<object>[]) => Promise<JobResult[]>;

async function startWorker(
  boss: PgBoss,
  queue: string,
  { batchSize, pollSeconds }: Crew,
  run: RunBatch,
): Promise<void> {
  const options = {
    batchSize,
    perJobResults: true,
    includeMetadata: true,
    pollingIntervalSeconds: 1,
    notifyPollingIntervalSeconds: pollSeconds,
  } as const;
  let id: string | undefined;
  id = await boss.work(queue, options, async (jobs: JobWithMetadata<object>[]) => {
    const results = await run(jobs);
    // There may be more, and a job that waited for the one of its door is notified of no more: look again at once.
    if (id !== undefined) boss.notifyWorker(id);
    return results;
  });
}

function aboutEvent(data: z.infer<typeof EventData> | undefined): JobAbout | undefined {
  if (data === undefined) return undefined;
  const { key: seamEventId, removalReceivedAt } = data;
  return { attributes: { seam_event_id: seamEventId }, cause: { seamEventId }, removalReceivedAt };
}

function aboutPlan(data: z.infer<typeof PlanData> | undefined): JobAbout | undefined {
  if (data === undefined) return undefined;
  const { scheduleId, deviceId, seamEventId, removalReceivedAt, traceparent } = data;
  return {
    attributes: { schedule_id: scheduleId, device_id: deviceId, seam_event_id: seamEventId },
    cause: traceparent === undefined ? undefined : { traceparent },
    removalReceivedAt,
  };
}

/** Runs one job and says so in one line. What a handler throws is a bug or the database: tried again, then set aside. */
function runJob(deps: FlowDeps, queue: string, job: JobWithMetadata<object>, crew: Crew): Promise<JobResult> {
  const about = crew.about(job.data);
  const attempt = job.retryCount + 1;
  const attributes = { job_id: job.id, ...about?.attributes };
  return runUnit(deps.telemetry, { name: `job ${queue}`, kind: 'consumer', ...about, attributes }, () =>
    attemptJob(deps, { queue, job, attempt, crew }),
  );
}

async function attemptJob(
  { log, telemetry }: FlowDeps,
  {
    queue,
    job,
    attempt,
    crew,
  }: {
    crew: Crew;
    queue: string;
    job: JobWithMetadata<object>;
    attempt: number;
  },
): Promise<Ended<JobResult>> {
  const startedMs = performance.now();
  const isLast = crew.setsAside && job.retryCount >= job.retryLimit;
  // Whose it is stands in the ids of the unit.
  const fields = { event: 'job.attempted', job_kind: queue, attempt };
  try {
    const outcome = await crew.handle(job.data);
    const durationMs = elapsedMs(startedMs);
    telemetry.meter.jobDone(queue, outcome, durationMs / 1_000);
    log.debug({ ...fields, outcome, duration_ms: durationMs }, 'job done');
    return { result: { id: job.id, status: 'completed' }, end: { outcome, isFailed: false } };
  } catch (error) {
    const outcome = isLast ? 'set_aside' : 'failed';
    const durationMs = elapsedMs(startedMs);
    telemetry.meter.jobDone(queue, outcome, durationMs / 1_000);
    const message = isLast ? 'job failed for good and is set aside as a dead letter' : 'job failed, it is tried again';
    log[isLast ? 'error' : 'warn']({ ...fields, outcome, duration_ms: durationMs, err: error }, message);
    return { result: { id: job.id, status: 'failed', output: jobErrorOf(error) }, end: { outcome, isFailed: true } };
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
