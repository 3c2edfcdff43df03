import { fromPrisma, PgBoss } from 'pg-boss';
import type { Tx } from './client.ts';

/** What a plan job is about; jobs of one pair never run in parallel. */
export interface PlanKey {
  readonly scheduleId: string;
  readonly deviceId: string;
}

/** The payload of an event job: the key of its inbox row. */
export interface EventJob {
  readonly key: string;
  /** Where it reports that a code is gone: when that was received. */
  readonly removalReceivedAt?: string | undefined;
}

/** What led to a job, if anything did: by it the job is told of together with that. */
export interface JobOrigin {
  readonly seamEventId?: string | undefined;
  readonly removalReceivedAt?: string | undefined;
  /** W3C Trace Context. */
  readonly traceparent?: string | undefined;
}

/** A job that failed for the last time, as the queue tells it. */
export interface DeadJob {
  readonly queue: 'event' | 'plan';
  readonly data: unknown;
  readonly attempts: number;
  /** What the worker said of its last attempt; pg-boss's own words where the worker was lost. */
  readonly output: unknown;
  readonly diedAt: Date;
}

/** How jobs are sent. Their data carries ids only. */
export interface Queue {
  readonly boss: PgBoss;
  /** Sends plan jobs inside the caller's transaction, so that a change and its job commit together. */
  sendPlans(tx: Tx, pairs: readonly PlanKey[]): Promise<void>;
  /** Sends event jobs with ids of the caller's choosing; an id that was used before is refused in silence. */
  sendEvents(tx: Tx, jobs: readonly (EventJob & { id: string })[]): Promise<void>;
  /** Sends a job for each endpoint that is to be told; one that has a job has no need of another. */
  sendNotices(tx: Tx, endpointIds: readonly string[]): Promise<void>;
  /** Takes up to `limit` dead jobs of each queue out of the queue inside the caller's transaction, which must keep them. */
  takeDead(tx: Tx, limit: number): Promise<DeadJob[]>;
}

export const queueSchema = 'pgboss';
export const eventQueue = 'event';
export const planQueue = 'plan';
export const notifyQueue = 'notify';
const deadLetterQueues = { [eventQueue]: 'event.dead', [planQueue]: 'plan.dead' } as const;

/** A job whose worker gave no sign for so long is another's. */
export const heartbeatSeconds = 10;

// Retries and dead letters are for bugs: what Seam does is kept in our own rows (next_try_at).
const settings = {
  retryLimit: 8,
  retryDelay: 1,
  retryBackoff: true,
  retryDelayMax: 300,
  heartbeatSeconds,
  expireInSeconds: 120,
  // A finished job tells nothing that the history does not tell better.
  deleteAfterSeconds: 86_400,
  notify: true,
};
// What is due stands in our rows, and gets jobs for as long as it is: none is kept, or set aside.
const noticeSettings = { ...settings, deleteAfterSeconds: 3_600 };
// A dead job is taken from its queue within a second, or by whoever starts next: none may be cleared away before that.
const deadSettings = { retentionSeconds: 10 * 365 * 86_400 };
// 10 s of heartbeat + 1 s of monitor + up to 2 s of retry delay + 1 s of poll: a killed worker's job runs again within 15 s.
const monitorSeconds = 1;

// A connection that went silent must not hold the workers for ever. pg-boss hands these on to its pool; its types lack them.
const poolOptions = { query_timeout: 10_000, keepAlive: true };

/** How many connections the queue of a service may hold. */
export const queueConnections = 6;

/** Starts nothing by itself; `start()` on the returned boss does. The schema is migrated elsewhere. */
export function createQueue(options: {
  databaseUrl: string;
  /** Whether this process looks after the queues: dead workers, expired jobs. One that only sends does not. */
  supervises: boolean;
  connections?: number;
  /** What leads to the plan jobs that are just being sent. */
  origin?: () => JobOrigin;
  onError: (error: unknown) => void;
  onWarning: (warning: unknown) => void;
}): Queue {
  const boss = new PgBoss({
    connectionString: options.databaseUrl,
    schema: queueSchema,
    application_name: 'relatch-queue',
    max: options.connections ?? (options.supervises ? queueConnections : 2),
    supervise: options.supervises,
    registerInstance: options.supervises,
    connectionTimeoutMillis: 5_000,
    ...poolOptions,
    // Already migrated under our own lock. Without this pg-boss refuses a schema that a newer release has migrated.
    migrate: true,
    createSchema: false,
    schedule: false,
    useListenNotify: options.supervises,
    monitorIntervalSeconds: monitorSeconds,
    superviseIntervalSeconds: monitorSeconds,
  });
  boss.on('error', options.onError);
  boss.on('warning', options.onWarning);
  return {
    boss,
    async sendPlans(tx, pairs) {
      const jobs = pairs.map(({ scheduleId, deviceId }) => ({
        data: { scheduleId, deviceId, ...options.origin?.() },
        singletonKey: `${scheduleId}:${deviceId}`,
      }));
      if (jobs.length > 0) await boss.insert(planQueue, jobs, { db: fromPrisma(tx) });
    },
    async sendEvents(tx, jobs) {
      const inserts = jobs.map(({ id, ...data }) => ({ id, data: data satisfies EventJob }));
      if (inserts.length > 0) await boss.insert(eventQueue, inserts, { db: fromPrisma(tx) });
    },
    async sendNotices(tx, endpointIds) {
      const jobs = endpointIds.map((endpointId) => ({ data: { endpointId }, singletonKey: endpointId }));
      if (jobs.length > 0) await boss.insert(notifyQueue, jobs, { db: fromPrisma(tx) });
    },
    async takeDead(tx, limit) {
      const db = fromPrisma(tx);
      const taken: DeadJob[] = [];
      for (const queue of [eventQueue, planQueue] as const) {
        const dead = deadLetterQueues[queue];
        const jobs = await boss.fetch<object>(dead, { batchSize: limit, includeMetadata: true, db });
        if (jobs.length === 0) continue;
        await boss.deleteJob(
          dead,
          jobs.map(({ id }) => id),
          { db },
        );
        for (const { data, sourceRetryCount, sourceOutput: output, createdOn: diedAt } of jobs)
          taken.push({ queue, data, attempts: (sourceRetryCount ?? 0) + 1, output, diedAt });
      }
      return taken;
    },
  };
}

/** Creates the queues, or brings their settings up to date. */
export async function ensureQueues(boss: PgBoss): Promise<void> {
  for (const [name, deadLetter] of Object.entries(deadLetterQueues)) {
    if ((await boss.getQueue(deadLetter)) === null) await boss.createQueue(deadLetter, deadSettings);
    else await boss.updateQueue(deadLetter, deadSettings);
    const policy = name === planQueue ? 'singleton' : 'standard';
    const options = { ...settings, deadLetter };
    if ((await boss.getQueue(name)) === null) await boss.createQueue(name, { policy, ...options });
    else await boss.updateQueue(name, options);
  }
  if ((await boss.getQueue(notifyQueue)) === null)
    await boss.createQueue(notifyQueue, { policy: 'exclusive', ...noticeSettings });
  else await boss.updateQueue(notifyQueue, noticeSettings);
}
