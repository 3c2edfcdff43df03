// How fast the built service drains the events that an outage left behind, beside pg-boss's own drain of as many empty jobs by
// key, in batches of ten by two workers and with as many keys as there are doors: a job for each row. Each comes to work that lies
// there when it starts; the rounds take turns on one PostgreSQL. A third of the rows is news of codes, which needs no plan and no call:
// less than the end of a code costs.

import { randomBytes, randomUUID } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { PgBoss } from 'pg-boss';
import { openEmbeddedDatabase } from '../../src/db/embedded.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { leaveBehind } from '../support/backlog.ts';
import { type Env, startService } from '../support/processes.ts';
import { webhookSecret } from '../support/sign.ts';
import { applyDaily } from './faults-side.ts';
import { quantile } from './figures.ts';

const goals = { ratio: 0.5, perSecond: 100 };
const rounds = 3;
const backlog = 10_000;
const doors = 50;
const drainsWithinMs = 300_000;
const hourMs = 3_600_000;

interface Round {
  readonly ours: number;
  readonly baseline: number;
}

/** Runs it and prints rates, their ratio and whether the goals are met; the exit code is 1 if one is missed. */
export async function run(): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'relatch-bench-'));
  await chmod(dataDir, 0o755); // as root, PostgreSQL's own user must pass
  const database = await openEmbeddedDatabase({ dataDir, durable: true });
  try {
    await using simulator = await startSimulator({ anyDevice: true, limits: false });
    await measure(database.url, simulator);
  } finally {
    await database.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function measure(databaseUrl: string, simulator: Simulator): Promise<void> {
  const env = {
    DATABASE_URL: databaseUrl,
    PIN_ENCRYPTION_KEYS: randomBytes(32).toString('base64'),
    SEAM_API_KEY: simulator.apiKey,
    SEAM_ENDPOINT: simulator.endpoint,
    SEAM_WEBHOOK_SECRETS: webhookSecret,
    LOG_LEVEL: 'info',
  };
  const db = new pg.Pool({ connectionString: databaseUrl, max: 2 });
  try {
    await makeCodes(env, db);
    const figures: Round[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const isOursFirst = round % 2 === 0;
      const before = isOursFirst ? await drainOurs(env, db) : undefined;
      const baseline = await drainBaseline(databaseUrl, db);
      figures.push({ ours: before ?? (await drainOurs(env, db)), baseline });
    }
    report(figures);
  } finally {
    await db.end();
  }
}

/** Doors with a code each, which the events will be about. */
async function makeCodes(env: Env, db: pg.Pool): Promise<void> {
  await using _service = await startService({ env });
  const [startsAt, endsAt] = [new Date(Date.now() + 2 * hourMs), new Date(Date.now() + 3 * hourMs)];
  await applyDaily(
    env,
    Array.from({ length: doors }, () => ({ deviceId: randomUUID(), startsAt, endsAt })),
  );
  await untilZero(db, `select ${doors} - count(*) from access_codes where state = 'created'`);
  await untilZero(db, undone);
}

const undone = `select (select count(*) from inbox where state = 'received')
                     + (select count(*) from pgboss.job where state < 'completed')`;

/** Rows a second, from when it answers. */
async function drainOurs(env: Env, db: pg.Pool): Promise<number> {
  const ofOurs = await leaveBehind(db, backlog);
  await using _service = await startService({ env });
  const startedMs = performance.now();
  const left = await count(db, `select count(*) from inbox where state = 'received'`);
  await untilZero(db, undone);
  const seconds = (performance.now() - startedMs) / 1_000;
  const handled = await count(db, `select count(*) from inbox where svix_id like 'behind%' and state = 'handled'`);
  if (handled !== ofOurs) throw new Error(`${handled} of ${ofOurs} events of ours were handled`);
  await db.query(`delete from inbox where svix_id like 'behind%'`);
  return left / seconds;
}

/** Jobs a second of a queue whose jobs of one key take turns, as our plans do; they do nothing. */
async function drainBaseline(connectionString: string, db: pg.Pool): Promise<number> {
  const [schema, queue] = ['baseline', 'empty'];
  const boss = new PgBoss({ connectionString, schema, max: 6, useListenNotify: true });
  boss.on('error', (error) => console.error(error));
  await boss.start();
  try {
    await boss.createQueue(queue, { policy: 'singleton', notify: true, heartbeatSeconds: 10 });
    await boss.insert(
      queue,
      Array.from({ length: backlog }, (_, at) => ({ data: { at }, singletonKey: String(at % doors) })),
    );
    const startedMs = performance.now();
    await boss.work(
      queue,
      {
        batchSize: 10,
        localConcurrency: 2,
        perJobResults: true,
        burstWhenBatchFull: true,
        pollingIntervalSeconds: 1,
        notifyPollingIntervalSeconds: 1,
      },
      async (jobs) => jobs.map(({ id }) => ({ id, status: 'completed' })),
    );
    await untilZero(db, `select count(*) from ${schema}.job where name = '${queue}' and state < 'completed'`);
    return backlog / ((performance.now() - startedMs) / 1_000);
  } finally {
    await boss.deleteQueue(queue);
    await boss.stop({ graceful: true, timeout: 10_000 });
  }
}

async function untilZero(db: pg.Pool, question: string): Promise<void> {
  const deadlineMs = performance.now() + drainsWithinMs;
  for (let left = await count(db, question); left > 0; left = await count(db, question)) {
    if (performance.now() > deadlineMs) throw new Error(`${left} left after ${drainsWithinMs / 1_000} s: ${question}`);
    await delay(100);
  }
}

async function count(db: pg.Pool, question: string): Promise<number> {
  const { rows } = await db.query<{ count: number }>(`select (${question})::int as count`);
  return rows[0]?.count ?? Number.NaN;
}

function report(figures: readonly Round[]): void {
  console.log(
    `backlog, ${backlog} rows, a third about ${doors} codes of ours, ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}, Node ${process.version}`,
  );
  console.table(
    figures.map(({ ours, baseline }) => ({
      'ours rows/s': Math.round(ours),
      'pg-boss singleton, empty jobs/s': Math.round(baseline),
      ratio: Number((ours / baseline).toFixed(2)),
    })),
  );
  const rate = quantile(
    figures.map(({ ours }) => ours),
    0.5,
  );
  const ratio = quantile(
    figures.map(({ ours, baseline }) => ours / baseline),
    0.5,
  );
  verdict('drained a second (median of rounds)', rate, goals.perSecond);
  verdict('drain, ours / pg-boss singleton (median of rounds)', ratio, goals.ratio);
}

function verdict(what: string, value: number, goal: number): void {
  const isMet = value >= goal;
  console.log(`${isMet ? 'met   ' : 'MISSED'} ${what}: ${value.toFixed(2)} (goal ≥ ${goal})`);
  if (!isMet) process.exitCode = 1;
}
