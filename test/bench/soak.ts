// Whether the built service keeps its promises, and its memory, while windows begin and end on thousands of doors for as long as
// one likes: npm run bench -- soak [--minutes 30] [--schedules 5000] [--heap MB]. Everything is as in operation: the defaults of the service,
// PostgreSQL on disk, and a Seam in real time with its limits and lags, which takes a while for each answer and sends some
// deliveries twice.

import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { readConfig } from '../../src/config.ts';
import { parseSchedulesFile } from '../../src/core/schedules-file.ts';
import { openEmbeddedDatabase } from '../../src/db/embedded.ts';
import { openTool } from '../../src/deps.ts';
import { applySchedules } from '../../src/flows/apply-schedules.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { type Env, type Service, startService } from '../support/processes.ts';
import { webhookSecret } from '../support/sign.ts';
import { Acknowledged, judgeEvents, timeDeliveries } from './soak-events.ts';
import { inMegabytes, readSample, type Sample } from './soak-memory.ts';
import { entriesOf, longestMinutes, planSoak, type SoakPlan } from './soak-plan.ts';
import { reportSoak } from './soak-report.ts';
import { judgeWindows } from './soak-windows.ts';

const seamAnswersAfterMs = 100;
const sentTwice = 0.1;
const sampleEveryMs = 5_000;
const minuteMs = 60_000;
// So long before the first windows begin: to apply the schedules and to make each one's first code.
const setUpMs = 60_000;
const setUpMsPerSchedule = 90;
const restsWithinMs = 120_000;

interface Stand {
  readonly env: Env;
  readonly service: Service;
  readonly simulator: Simulator;
  readonly db: pg.Pool;
  readonly metricsToken: string;
  readonly plan: SoakPlan;
}

/** Runs it and prints what came of events, windows and memory; the exit code is 1 if one of them is not as promised. */
export async function run(): Promise<void> {
  const options = readOptions();
  const { minutes, schedules, heap } = options;
  console.log(
    `soak, ${minutes} minutes, ${schedules} schedules, Seam answers after ${seamAnswersAfterMs} ms, ${sentTwice * 100} % of deliveries doubled, heap ${heap === undefined ? 'without a limit' : `${heap} MB`}, ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}, Node ${process.version}`,
  );
  const dataDir = await mkdtemp(join(tmpdir(), 'relatch-bench-'));
  await chmod(dataDir, 0o755); // as root, PostgreSQL's own user must pass
  const database = await openEmbeddedDatabase({ dataDir, durable: true });
  const db = new pg.Pool({ connectionString: database.url, max: 2 });
  try {
    await soak(database.url, db, options);
  } finally {
    await db.end();
    await database.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

interface Options {
  readonly minutes: number;
  readonly schedules: number;
  /** MB; undefined: as much as Node likes. */
  readonly heap: number | undefined;
}

function readOptions(): Options {
  const { values } = parseArgs({
    args: process.argv.slice(3),
    options: {
      minutes: { type: 'string', default: '30' },
      schedules: { type: 'string', default: '5000' },
      heap: { type: 'string' },
    },
  });
  const whole = (name: keyof typeof values, max: number): number => {
    const value = Number(values[name]);
    if (!(Number.isInteger(value) && value > 0 && value <= max))
      throw new Error(`--${name} must be a whole number from 1 to ${max}`);
    return value;
  };
  return {
    minutes: whole('minutes', longestMinutes),
    schedules: whole('schedules', 100_000),
    heap: values.heap === undefined ? undefined : whole('heap', 100_000),
  };
}

async function soak(databaseUrl: string, db: pg.Pool, { minutes, schedules, heap }: Options): Promise<void> {
  await using simulator = await startSimulator();
  simulator.faults.nextDelivery({ kind: 'duplicate' }, { times: Number.POSITIVE_INFINITY, probability: sentTwice });
  const metricsToken = randomBytes(24).toString('base64');
  const env = {
    DATABASE_URL: databaseUrl,
    PIN_ENCRYPTION_KEYS: randomBytes(32).toString('base64'),
    SEAM_API_KEY: simulator.apiKey,
    SEAM_ENDPOINT: simulator.endpoint,
    SEAM_WEBHOOK_SECRETS: webhookSecret,
    METRICS_TOKEN: metricsToken,
    LOG_LEVEL: 'info',
    ...(heap !== undefined && { NODE_OPTIONS: `--max-old-space-size=${heap}` }),
  };
  await using service = await startService({ env });
  simulator.setWebhook({ url: `${service.url}/webhooks/seam`, secret: webhookSecret });
  const startsMs = Math.ceil((Date.now() + setUpMs + schedules * setUpMsPerSchedule) / minuteMs) * minuteMs;
  const plan = planSoak(new Date(startsMs), minutes, schedules);
  const stand = { env, service, simulator, db, metricsToken, plan };
  await setUp(stand);
  using timed = timeDeliveries();
  simulator.faults.next('*', { kind: 'slow', delayMs: seamAnswersAfterMs }, { times: Number.POSITIVE_INFINITY });
  const acknowledged = new Acknowledged();
  const watched = await watch(stand, acknowledged);
  const restedAt = await rest(stand);
  acknowledged.take(simulator);
  reportSoak({
    plan,
    ...watched,
    windows: judgeWindows(plan, simulator.intervals(), await ownersOf(db)),
    events: await judgeEvents(stand, acknowledged, restedAt),
    acknowledged,
    tookMs: timed.tookMs,
    strayCodes: await strayCodes(stand, restedAt),
    alerts: await openAlerts(db),
    seamCalls: Map.groupBy(simulator.requests, ({ status }) => status),
  });
}

/** Applies the schedules, as the seed does, and waits until each has its first code on its lock. */
async function setUp({ env, simulator, db, plan }: Stand): Promise<void> {
  const { doors, timezone, run: span } = plan;
  for (const { deviceId, isNative } of doors)
    simulator.addDevice({ device_id: deviceId, native_scheduling: isNative, time_zone: timezone });
  const parsed = parseSchedulesFile(JSON.stringify({ schedules: entriesOf(plan) }));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const startedMs = performance.now();
  const seconds = (): string => `${((performance.now() - startedMs) / 1_000).toFixed(0)} s`;
  {
    await using tool = await openTool({ ...readConfig(env, { for: 'tool' }), log: { level: 'warn' } }, {}, 'tool');
    await applySchedules(tool, parsed.file);
  }
  console.log(`applied after ${seconds()}; the run begins at ${span.startsAt.toISOString()}`);
  const unready = `select ${plan.schedules.length} - count(distinct schedule_id) from access_codes where state = 'created' and ready_at is not null`;
  let nextLineMs = startedMs + minuteMs;
  for (let left = await count(db, unready); left > 0; left = await count(db, unready)) {
    if (Date.now() > span.startsAt.getTime())
      throw new Error(`${left} schedules have no code on their lock and their windows begin: this machine is too busy`);
    if (performance.now() > nextLineMs) {
      console.log(`${left} codes to come after ${seconds()}, load ${loadavg()[0]?.toFixed(1)}`);
      nextLineMs += minuteMs;
    }
    await delay(250);
  }
  console.log(`every code is on its lock after ${seconds()}`);
}

/** Looks on until the run ends, and says a line each minute. */
async function watch(
  { service, simulator, db, metricsToken, plan: { run: span } }: Stand,
  acknowledged: Acknowledged,
): Promise<{ samples: readonly Sample[]; unread: number }> {
  const samples: Sample[] = [];
  let unread = 0;
  let ended = false;
  void service.exited.then(() => {
    ended = true;
  });
  const startedAtMs = span.startsAt.getTime();
  const runMs = span.endsAt.getTime() - startedAtMs;
  // The last moment before the run counts as settled.
  await delay(Math.max(0, startedAtMs - sampleEveryMs - Date.now()));
  let saidMinutes = 0;
  for (let nextMs = startedAtMs - sampleEveryMs; nextMs < startedAtMs + runMs; nextMs += sampleEveryMs) {
    await delay(Math.max(0, nextMs - Date.now()));
    if (ended) throw new Error(`the service has ended:\n${service.logs().slice(-5_000)}`);
    await readSample(service.url, metricsToken, startedAtMs).then(
      (sample) => samples.push(sample),
      () => {
        unread += 1;
      },
    );
    acknowledged.take(simulator);
    const minutes = Math.floor((nextMs - startedAtMs) / minuteMs);
    if (minutes <= saidMinutes) continue;
    saidMinutes = minutes;
    const waiting = await count(db, waitingEvents);
    const { rssBytes = Number.NaN, heapBytes = Number.NaN } = samples.at(-1) ?? {};
    console.log(
      `minute ${minutes} of ${runMs / minuteMs}: RSS ${inMegabytes(rssBytes)} MB, heap ${inMegabytes(heapBytes)} MB, ${acknowledged.deliveries} deliveries acknowledged, ${waiting} events waiting, load ${loadavg()[0]?.toFixed(1)}`,
    );
  }
  await delay(Math.max(0, startedAtMs + runMs - Date.now()));
  return { samples, unread };
}

/**
 * Windows go on ending, so that there is always something to do: waits for a moment in which there is not. The instant before which
 * everything must be settled, or just now if that moment does not come.
 */
async function rest({ simulator, db }: Stand): Promise<Date> {
  const deadlineMs = performance.now() + restsWithinMs;
  for (;;) {
    const at = simulator.now();
    const isDone = simulator.pendingDeliveries === 0 && (await count(db, waitingEvents)) === 0;
    if (isDone || performance.now() > deadlineMs) return at;
    await delay(100);
  }
}

const waitingEvents = `select count(*) from inbox where state = 'received'`;

async function openAlerts(db: pg.Pool): Promise<{ kind: string; open: number }[]> {
  const { rows } = await db.query<{ kind: string; open: number }>(
    `select kind, count(*)::int as open from alerts where state <> 'resolved' group by 1 order by 2 desc`,
  );
  return rows;
}

async function ownersOf(db: pg.Pool): Promise<ReadonlyMap<string, string>> {
  const { rows } = await db.query<{ id: string; key: string }>(
    `select access_code_id as id, key from access_codes c join schedules s on s.id = c.schedule_id
      where access_code_id is not null`,
  );
  return new Map(rows.map(({ id, key }) => [id, key]));
}

/** Codes that Seam made before that and no row knows. */
async function strayCodes({ db, simulator }: Stand, before: Date): Promise<number> {
  const made = simulator.events.flatMap((event) =>
    event.event_type === 'access_code.created' && new Date(event.created_at) < before ? [event.access_code_id] : [],
  );
  const owners = await ownersOf(db);
  return made.filter((id) => !owners.has(id)).length;
}

async function count(db: pg.Pool, question: string): Promise<number> {
  const { rows } = await db.query<{ count: number }>(`select (${question})::int as count`);
  return rows[0]?.count ?? Number.NaN;
}
