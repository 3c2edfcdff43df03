// How much our acknowledgement costs beside the least that could be called one. Both servers run at once, in processes of
// their own, on one PostgreSQL; rounds alternate or run at once, so that whatever else the machine does meets both.

import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { openEmbeddedDatabase } from '../../src/db/embedded.ts';
import { migrate } from '../../src/db/migrate.ts';
import { aRemovedEvent, type SignedDelivery, sign } from '../support/sign.ts';
import { type BenchServer, startServer } from './ack-child.ts';
import { closedLoop, openLoop } from './ack-load.ts';
import { quantile, seeded } from './figures.ts';

const goals = { throughputRatio: 0.7, p99Ratio: 2 };
const rounds = 7;
const deliveriesPerRound = 3_000;
// The machine's own pauses (a disk that syncs) decide a p99: both sides are asked at the same time, so that both meet them.
const openDeliveries = 2_500;
const perSecond = 100;
const secret = `whsec_${randomBytes(32).toString('base64')}`;

interface Side {
  readonly name: string;
  readonly server: BenchServer;
  readonly table: string;
  readonly perSecond: number[];
  readonly cpuMicros: number[];
  readonly latencies: number[];
}

/** Runs it and prints medians, ratios and whether the goals are met; the exit code is 1 if one is missed. */
export async function run(): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'relatch-bench-'));
  await chmod(dataDir, 0o755); // as root, PostgreSQL's own user must pass
  const database = await openEmbeddedDatabase({ dataDir });
  try {
    await measure(database.url, join(dataDir, 'bench.log'));
  } finally {
    await database.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function measure(databaseUrl: string, logFile: string): Promise<void> {
  await migrate({ databaseUrl, migrationsDir: new URL('../../prisma/migrations', import.meta.url) });
  const admin = new pg.Client({ connectionString: databaseUrl });
  await admin.connect();
  await admin.query('create table baseline_inbox (like inbox including all)');
  const settings = { databaseUrl, secret, logFile };
  using oursServer = await startServer('ack-ours.ts', settings);
  using baselineServer = await startServer('ack-baseline.ts', settings);
  const ours = side('ours', oursServer, 'inbox');
  const baseline = side('baseline', baselineServer, 'baseline_inbox');
  const deliveries = Array.from({ length: deliveriesPerRound }, delivery);

  for (let round = 0; round <= rounds; round++) {
    for (const one of inTurn(round, ours, baseline)) {
      await admin.query(`truncate ${one.table}`);
      await throughputRound(one, deliveries, round > 0); // the first one warms up
      await assertStored(admin, one, deliveries.length);
    }
  }
  await admin.query('truncate inbox, baseline_inbox');
  await Promise.all(
    [ours, baseline].map(async (one, at) => {
      const random = seeded(at + 1);
      one.latencies.push(
        ...(await openLoop(one.server.origin, deliveries.slice(0, openDeliveries), { perSecond, random })),
      );
      await assertStored(admin, one, openDeliveries);
    }),
  );
  await admin.end();
  report(ours, baseline);
}

function side(name: string, server: BenchServer, table: string): Side {
  return { name, server, table, perSecond: [], cpuMicros: [], latencies: [] };
}

function inTurn<T>(round: number, first: T, second: T): readonly T[] {
  return round % 2 === 0 ? [first, second] : [second, first];
}

// About 1 kB, as Seam's are with custom metadata.
function delivery(): SignedDelivery {
  const metadata = Object.fromEntries(Array.from({ length: 8 }, (_, at) => [`field_${at}`, `value ${'x'.repeat(45)}`]));
  return sign(JSON.stringify(aRemovedEvent({ device_custom_metadata: metadata })), { secret });
}

async function throughputRound(one: Side, deliveries: readonly SignedDelivery[], counts: boolean): Promise<void> {
  const cpuBefore = await one.server.cpuMicros();
  const rate = await closedLoop(one.server.origin, deliveries);
  const cpu = (await one.server.cpuMicros()) - cpuBefore;
  if (!counts) return;
  one.perSecond.push(rate);
  one.cpuMicros.push(cpu / deliveries.length);
}

async function assertStored(admin: pg.Client, one: Side, expected: number): Promise<void> {
  const { rows } = await admin.query(`select count(*)::int as count from ${one.table}`);
  if (rows[0].count !== expected) throw new Error(`${one.name} stored ${rows[0].count} of ${expected}`);
}

function report(ours: Side, baseline: Side): void {
  const throughput = median(ours.perSecond.map((rate, round) => rate / baseline.perSecond[round]!));
  const p99 = quantile(ours.latencies, 0.99) / quantile(baseline.latencies, 0.99);
  console.log(`acknowledgement, ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}, Node ${process.version}`);
  console.table(
    [ours, baseline].map((one) => ({
      side: one.name,
      'acks/s (median)': Math.round(median(one.perSecond)),
      'node µs per ack': Math.round(median(one.cpuMicros)),
      [`p50 ms at ${perSecond}/s`]: Number(quantile(one.latencies, 0.5).toFixed(2)),
      [`p99 ms at ${perSecond}/s`]: Number(quantile(one.latencies, 0.99).toFixed(2)),
    })),
  );
  verdict(
    'throughput, ours / baseline (median of rounds)',
    throughput,
    throughput >= goals.throughputRatio,
    `≥ ${goals.throughputRatio}`,
  );
  verdict('p99, ours / baseline', p99, p99 <= goals.p99Ratio, `≤ ${goals.p99Ratio}`);
}

function verdict(what: string, value: number, isMet: boolean, goal: string): void {
  console.log(`${isMet ? 'met   ' : 'MISSED'} ${what}: ${value.toFixed(2)} (goal ${goal})`);
  if (!isMet) process.exitCode = 1;
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}
