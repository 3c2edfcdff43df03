// How long it takes from a removal's arrival to the call that asks Seam for the replacement, on the built service at rest; beside
// the least that could do it: a handler that verifies and asks at once, with no database, and forgets everything in a crash.

import { randomBytes, randomUUID } from 'node:crypto';
import diagnostics from 'node:diagnostics_channel';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { Agent, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import express from 'express';
import pg from 'pg';
import { Seam, SeamWebhook } from 'seam';
import { readConfig } from '../../src/config.ts';
import { parseSchedulesFile } from '../../src/core/schedules-file.ts';
import { openEmbeddedDatabase } from '../../src/db/embedded.ts';
import { openTool } from '../../src/deps.ts';
import { applySchedules } from '../../src/flows/apply-schedules.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { startService } from '../support/processes.ts';
import { aRemovedEvent, type SignedDelivery, sign } from '../support/sign.ts';
import { quantile } from './figures.ts';

const goalsMs = { p50: 50, p99: 500 };
const warmUps = 20;
const removals = 200;
const readyWithinMs = 120_000;
const hourMs = 3_600_000;
const secret = `whsec_${randomBytes(32).toString('base64')}`;

interface EndedCode {
  readonly access_code_id: string;
  readonly device_id: string;
}

/** Runs it and prints percentiles, where the time went and whether the goals are met; the exit code is 1 if one is missed. */
export async function run(): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'relatch-bench-'));
  await chmod(dataDir, 0o755); // as root, PostgreSQL's own user must pass
  const database = await openEmbeddedDatabase({ dataDir, durable: true });
  try {
    await using simulator = await startSimulator({ anyDevice: true, limits: false, timings: { removingLagMs: 0 } });
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
    SEAM_WEBHOOK_SECRETS: secret,
    LOG_LEVEL: 'info',
  };
  await using service = await startService({ env });
  const db = new pg.Pool({ connectionString: databaseUrl, max: 1 });
  const naive = startNaive(simulator);
  try {
    const codes = await endedCodes(env, db, simulator);
    const ours: number[] = [];
    const baseline: number[] = [];
    for (const [at, code] of codes.entries()) {
      // Gaps of any length, so that no timer of the service falls in step with us.
      await delay(150 + Math.random() * 250);
      const our = await timeToCreate(service.url, code);
      await delay(150 + Math.random() * 250);
      const its = await timeToCreate(await naive.url, code);
      if (at < warmUps) continue;
      ours.push(our);
      baseline.push(its);
    }
    report(ours, baseline, await stages(db, codes.slice(warmUps)));
  } finally {
    naive.close();
    await db.end();
  }
}

/** Schedules whose codes have ended: one door each, their next windows in two hours. */
async function endedCodes(env: Record<string, string>, db: pg.Pool, simulator: Simulator): Promise<EndedCode[]> {
  const at = (aheadMs: number): string => new Date(Date.now() + aheadMs).toISOString().slice(11, 16);
  const windows = [{ rrule: 'FREQ=DAILY', from: at(2 * hourMs), to: at(3 * hourMs) }];
  const schedules = Array.from({ length: warmUps + removals }, (_, number) => {
    return { key: `door-${number}`, name: `Door ${number}`, devices: [randomUUID()], timezone: 'UTC', windows };
  });
  const parsed = parseSchedulesFile(JSON.stringify({ schedules }));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  await using tool = await openTool({ ...readConfig(env, { for: 'tool' }), log: { level: 'warn' } }, {}, 'tool');
  await applySchedules(tool, parsed.file);
  const deadlineMs = performance.now() + readyWithinMs;
  const busy = `select (select count(*) from access_codes where state <> 'created')
    + (select count(*) from pgboss.job where state < 'completed') = 0 as done, (select count(*)::int from access_codes) as codes`;
  for (;;) {
    const { rows } = await db.query<{ done: boolean; codes: number }>(busy);
    if (rows[0]?.done === true && rows[0].codes === schedules.length) break;
    if (performance.now() > deadlineMs) throw new Error(`only ${rows[0]?.codes} codes were made`);
    await delay(100);
  }
  const { rows: codes } = await db.query<EndedCode>(
    `update access_codes set next_try_at = now() + interval '1 hour',
            window_starts_at = window_starts_at - interval '1 day', window_ends_at = window_ends_at - interval '1 day',
            asked_starts_at = asked_starts_at - interval '1 day', asked_ends_at = asked_ends_at - interval '1 day',
            confirmed_starts_at = confirmed_starts_at - interval '1 day', confirmed_ends_at = confirmed_ends_at - interval '1 day'
      returning access_code_id, device_id`,
  );
  for (const { access_code_id } of codes) simulator.deleteByHand(access_code_id);
  return codes;
}

/** Milliseconds from sending a code's removal to the arrival of the next call that creates one. */
async function timeToCreate(url: string, code: EndedCode): Promise<number> {
  const delivery = sign(JSON.stringify(aRemovedEvent({ ...code, occurred_at: new Date().toISOString() })), { secret });
  const created = nextCreate();
  const sentAtMs = performance.now();
  const [createdAtMs] = await Promise.all([created, post(`${url}/webhooks/seam`, delivery)]);
  return createdAtMs - sentAtMs;
}

/** When the next call that creates a code reaches this process, to the moment: the server's own signal, before it is looked at. */
function nextCreate(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const late = setTimeout(() => reject(new Error('no code was asked for within 30 s')), 30_000);
  const onRequest = (message: unknown): void => {
    const atMs = performance.now();
    const { url } = (message as { request: IncomingMessage }).request;
    if (url === '/access_codes/create') resolve(atMs);
  };
  diagnostics.subscribe('http.server.request.start', onRequest);
  return promise.finally(() => {
    clearTimeout(late);
    diagnostics.unsubscribe('http.server.request.start', onRequest);
  });
}

const agent = new Agent({ keepAlive: true });

async function post(url: string, { body, headers }: SignedDelivery): Promise<void> {
  const own = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const sent = request(url, { method: 'POST', agent, headers: { ...own, ...headers } });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  response.resume();
  if (response.statusCode !== 202) throw new Error(`answered ${response.statusCode}`);
}

/** The recipe as one writes it down first. */
function startNaive(simulator: Simulator): { url: Promise<string>; close(): void } {
  const seam = new Seam({ apiKey: simulator.apiKey, endpoint: simulator.endpoint });
  const webhook = new SeamWebhook(secret);
  const app = express();
  app.post('/webhooks/seam', express.raw({ type: () => true }), async (req, res) => {
    webhook.verify(req.body.toString('utf8'), req.headers as Record<string, string>);
    const startsAt = Date.now() + 2 * hourMs;
    await seam.accessCodes.create({
      device_id: randomUUID(),
      name: 'Naive',
      code: String(Math.floor(100_000 + Math.random() * 900_000)),
      starts_at: new Date(startsAt).toISOString(),
      ends_at: new Date(startsAt + hourMs).toISOString(),
    });
    res.sendStatus(202);
  });
  const server = app.listen(0, '127.0.0.1');
  const url = once(server, 'listening').then(() => `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return {
    url,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Medians and slowest, in milliseconds, of the steps on the way, by the database's clock. */
async function stages(db: pg.Pool, codes: readonly EndedCode[]): Promise<Record<string, number[]>> {
  const spans = {
    'received → event job sent': 'event.created_on - i.received_at',
    'event job sent → started': 'event.started_on - event.created_on',
    'event job started → plan job sent': 'plan.created_on - event.started_on',
    'plan job sent → started': 'plan.started_on - plan.created_on',
    'plan job started → intent written': 'next.created_at - plan.started_on',
  };
  const medians = Object.entries(spans).map(
    ([name, span]) =>
      `percentile_cont(array[0.5, 0.99, 1]) within group (order by 1000 * extract(epoch from ${span}))::float[] as "${name}"`,
  );
  const { rows } = await db.query<Record<string, number[]>>(
    `select ${medians.join(', ')}
       from inbox i
       join pgboss.job event on event.name = 'event' and event.id = i.job_id
       join access_codes c on c.access_code_id = i.access_code_id
       join access_codes next on next.schedule_id = c.schedule_id and next.id <> c.id
       join pgboss.job plan on plan.name = 'plan' and plan.created_on >= i.received_at
                           and plan.singleton_key = c.schedule_id || ':' || c.device_id
      where i.access_code_id = any($1)`,
    [codes.map(({ access_code_id }) => access_code_id)],
  );
  return Object.fromEntries(
    Object.entries(rows[0] ?? {}).map(([name, all]) => [name, all.map((ms) => Number(ms.toFixed(1)))]),
  );
}

function report(ours: readonly number[], baseline: readonly number[], steps: Record<string, number[]>): void {
  console.log(
    `renewal, ${removals} removals, ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}, Node ${process.version}`,
  );
  console.table([row('ours', ours), row('verify and create, no database', baseline)]);
  console.log(`ours / baseline at p50: ${(quantile(ours, 0.5) / quantile(baseline, 0.5)).toFixed(1)}`);
  const named = Object.entries(steps).map(([step, [p50, p99, max]]) => ({
    step,
    'p50 ms': p50,
    'p99 ms': p99,
    'max ms': max,
  }));
  console.table(named);
  verdict('p50', quantile(ours, 0.5), goalsMs.p50);
  verdict('p99', quantile(ours, 0.99), goalsMs.p99);
}

function row(side: string, latencies: readonly number[]): Record<string, string | number> {
  const ms = (share: number): number => Number(quantile(latencies, share).toFixed(1));
  return { side, 'p50 ms': ms(0.5), 'p95 ms': ms(0.95), 'p99 ms': ms(0.99), 'max ms': ms(1) };
}

function verdict(what: string, valueMs: number, goalMs: number): void {
  const isMet = valueMs <= goalMs;
  console.log(
    `${isMet ? 'met   ' : 'MISSED'} ${what} of removal received → replacement asked: ${valueMs.toFixed(1)} ms (goal ≤ ${goalMs} ms)`,
  );
  if (!isMet) process.exitCode = 1;
}
