// `npm run simulate -- --seed N --days D --schedules S`: replays a history and prints the trace of its first violation.
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openEmbeddedDatabase } from '../../src/db/embedded.ts';
import { tell } from './report.ts';
import { simulate } from './simulate.ts';
import { openStore } from './store.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    /** How many seeds, from that one on. */
    seeds: { type: 'string', default: '1' },
    days: { type: 'string', default: '7' },
    schedules: { type: 'string', default: '10' },
    /** Print all that happens. */
    trace: { type: 'boolean', default: false },
  },
});

const dataDir = await mkdtemp(join(tmpdir(), 'relatch-simulate-'));
await chmod(dataDir, 0o755); // as root, PostgreSQL's own user must pass
const embedded = await openEmbeddedDatabase({ dataDir, durable: false });
try {
  await using store = await openStore(embedded.url);
  const [first, count] = [Number(values.seed), Number(values.seeds)];
  for (let seed = first; seed < first + count; seed += 1) {
    const options = { seed, days: Number(values.days), schedules: Number(values.schedules), echo: values.trace };
    const result = await simulate(options, store);
    console.log(tell(result));
    if (result.violation !== null) process.exitCode = 1;
  }
} finally {
  await embedded.close();
  await rm(dataDir, { recursive: true, force: true });
}
