// `npm run simulate -- --seed N --days D --schedules S`: replays a history and prints the trace of its first violation.
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { openEmbeddedDatabase } from '../../src/db/embedded.ts';
import { simulateSeeds } from './lanes.ts';
import { tell, tellCounts, tellStrikes } from './report.ts';
import { type Simulated, simulate } from './simulate.ts';
import { openStore } from './store.ts';
import { type StrikesByPoint, sumOfStrikes } from './strikes.ts';
import { actKinds, type Counts, faultKinds, sumOfCounts } from './tally.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    /** How many seeds, from that one on. */
    seeds: { type: 'string', default: '1' },
    days: { type: 'string', default: '7' },
    schedules: { type: 'string', default: '10' },
    /** How many at once, each in a process of its own. */
    lanes: { type: 'string', default: String(availableParallelism()) },
    /** Print all that happens, of one after the other. */
    trace: { type: 'boolean', default: false },
  },
});

const range = { first: Number(values.seed), count: Number(values.seeds) };
const options = { days: Number(values.days), schedules: Number(values.schedules), echo: values.trace };
const lanes = values.trace ? 1 : Math.min(Number(values.lanes), range.count);

let strikes: StrikesByPoint = new Map();
let acts: Counts = new Map();
let faults: Counts = new Map();

const dataDir = await mkdtemp(join(tmpdir(), 'relatch-simulate-'));
await chmod(dataDir, 0o755); // as root, PostgreSQL's own user must pass
const socketDir = join(dataDir, 'socket');
await mkdir(socketDir);
await chmod(socketDir, 0o777);
const embedded = await openEmbeddedDatabase({ dataDir, socketDir, durable: false });
try {
  if (lanes === 1) await inThisProcess();
  else await simulateSeeds(range, options, await databasesFor(lanes), report);
  console.log(tellCounts('acts', acts, actKinds));
  console.log(tellCounts('faults', faults, faultKinds));
  console.log(tellStrikes(strikes));
} finally {
  await embedded.close();
  await rm(dataDir, { recursive: true, force: true });
}

async function inThisProcess(): Promise<void> {
  await using store = await openStore(`${embedded.url}?host=${socketDir}`);
  for (let seed = range.first; seed < range.first + range.count; seed += 1)
    report(await simulate({ ...options, seed }, store));
}

async function databasesFor(count: number): Promise<string[]> {
  const admin = new pg.Client({ connectionString: embedded.url });
  await admin.connect();
  const urls: string[] = [];
  for (let lane = 1; lane <= count; lane += 1) {
    const url = new URL(embedded.url);
    url.pathname = `lane_${lane}`;
    await admin.query(`create database lane_${lane}`);
    urls.push(`${url.href}?host=${socketDir}`);
  }
  await admin.end();
  return urls;
}

function report(result: Simulated): void {
  console.log(tell(result));
  strikes = sumOfStrikes(strikes, result.strikes);
  acts = sumOfCounts(acts, result.acts);
  faults = sumOfCounts(faults, result.faults);
  if (result.violation !== null) process.exitCode = 1;
}
