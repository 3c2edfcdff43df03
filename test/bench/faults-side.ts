// One side of `faults`: a program of its own, with its own Seam and its own PostgreSQL, and doors whose windows can be ended.

import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { Seam } from 'seam';
import { readConfig } from '../../src/config.ts';
import { parseSchedulesFile } from '../../src/core/schedules-file.ts';
import { freePort } from '../../src/db/embedded-cluster.ts';
import { openTool } from '../../src/deps.ts';
import { applySchedules } from '../../src/flows/apply-schedules.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';
import { type Env, type Service, startService } from '../support/processes.ts';
import { webhookSecret } from '../support/sign.ts';

/** A door, whether its first code can reach its lock, and today's window. */
export interface FaultDoor {
  readonly deviceId: string;
  readonly isOnline: boolean;
  readonly startsAt: Date;
  readonly endsAt: Date;
}

export interface Side extends AsyncDisposable {
  readonly name: 'recipe' | 'relatch';
  readonly simulator: Simulator;
  readonly postgres: Postgres;
  /** How many doors it works on at once. */
  readonly concurrency: number;
  /** Starts the program, at the same address each time. */
  start(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** What it keeps of these doors becomes that of yesterday: their next windows are today's. */
  becomeYesterday(deviceIds: readonly string[]): Promise<void>;
  /** Waits until the program has done about these doors what it does after a fault. */
  finish(deviceIds: readonly string[]): Promise<void>;
  /** Waits until it has done all that it will ever do. */
  end(): Promise<void>;
  /** The codes that it knows to exist, by door. */
  knownCodes(): Promise<ReadonlyMap<string, readonly string[]>>;
}

const minuteMs = 60_000;
const patienceMs = 120_000;
const firstRepeatMs = 6_000;
const furtherRepeatsMs = 36 * minuteMs;

/** How the service under test is set: so that a run takes a minute and not an hour. */
export const ourSettings = { RECONCILE_INTERVAL_SECONDS: '5', SEAM_SETTLE_SECONDS: '2' } as const;

interface Stand {
  readonly env: Env;
  readonly simulator: Simulator;
  readonly postgres: Postgres;
  readonly db: pg.Pool;
}

type SidePart = Pick<Side, 'becomeYesterday' | 'finish' | 'end' | 'knownCodes'>;

/** The built service. */
export function startOurs(doors: readonly FaultDoor[]): Promise<Side> {
  return startSide('relatch', doors, { concurrency: 10, file: undefined, isMigrated: true }, async (stand, launch) => {
    await launch();
    await applyDaily(stand.env, doors);
    return ourPart(stand);
  });
}

/** The recipe. */
export function startRecipe(doors: readonly FaultDoor[]): Promise<Side> {
  const file = fileURLToPath(new URL('naive-recipe.ts', import.meta.url));
  return startSide('recipe', doors, { concurrency: 64, file, isMigrated: false }, async (stand, launch) => {
    await stand.db.query(`create table recipe_codes (access_code_id text primary key, device_id text not null,
      starts_at timestamptz not null, ends_at timestamptz not null)`);
    await launch();
    await createFirstCodes(stand, doors);
    return recipePart(stand);
  });
}

async function startSide(
  name: Side['name'],
  doors: readonly FaultDoor[],
  options: { concurrency: number; file: string | undefined; isMigrated: boolean },
  begin: (stand: Stand, launch: () => Promise<void>) => Promise<SidePart>,
): Promise<Side> {
  await using opened = new AsyncDisposableStack();
  const postgres = opened.use(await startPostgres());
  const simulator = opened.use(await startSimulator({ timings: { settingLagMs: 0, removingLagMs: 0 } }));
  for (const { deviceId, isOnline } of doors) simulator.addDevice({ device_id: deviceId, online: isOnline });
  const port = String(await freePort());
  const env: Env = {
    ...ourSettings,
    DATABASE_URL: await postgres.create('faults', options),
    PIN_ENCRYPTION_KEYS: randomBytes(32).toString('base64'),
    PORT: port,
    SEAM_API_KEY: simulator.apiKey,
    SEAM_ENDPOINT: simulator.endpoint,
    SEAM_WEBHOOK_SECRETS: webhookSecret,
    LOG_LEVEL: 'warn',
  };
  const db = new pg.Pool({ connectionString: env.DATABASE_URL, max: 2 });
  db.on('error', () => undefined);
  opened.defer(() => db.end());
  let service: Service | undefined;
  const start = async (): Promise<void> => {
    service = await startService({ env: name === 'relatch' ? { ...env, LOG_LEVEL: 'info' } : env, ...options });
  };
  opened.defer(() => service?.[Symbol.asyncDispose]());
  simulator.setWebhook({ url: `http://127.0.0.1:${port}/webhooks/seam`, secret: webhookSecret });
  const part = await begin({ env, simulator, postgres, db }, start);
  await until(() => doors.every(({ deviceId }) => simulator.codes({ device_id: deviceId }).length === 1));
  await part.finish(doors.map(({ deviceId }) => deviceId));
  const open = opened.move();
  return {
    name,
    simulator,
    postgres,
    concurrency: options.concurrency,
    ...part,
    start,
    async kill() {
      await service?.[Symbol.asyncDispose]();
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

function ourPart({ db, simulator }: Stand): SidePart {
  return {
    async becomeYesterday(deviceIds) {
      const client = await db.connect();
      try {
        await client.query('begin');
        // In the order of their windows: the place of one is free before another, which waits for it to end, comes there.
        for (const isMade of [true, false]) {
          await client.query(
            `update access_codes set next_try_at = now() + interval '1 hour',
                    window_starts_at = window_starts_at - interval '1 day', window_ends_at = window_ends_at - interval '1 day',
                    asked_starts_at = asked_starts_at - interval '1 day', asked_ends_at = asked_ends_at - interval '1 day',
                    confirmed_starts_at = confirmed_starts_at - interval '1 day',
                    confirmed_ends_at = confirmed_ends_at - interval '1 day'
              where device_id = any($1) and (state = 'created') = $2`,
            [deviceIds, isMade],
          );
        }
        await client.query('commit');
      } finally {
        client.release();
      }
    },
    // Lost is what has no code by then.
    finish: (deviceIds) =>
      until(async () => {
        const { rows } = await db.query<{ isDone: boolean }>(
          `select (select count(distinct device_id) from access_codes where device_id = any($1) and state = 'created' and window_ends_at > now()) = $2
              and not exists (select 1 from inbox where state = 'received')
              and not exists (select 1 from pgboss.job where state < 'completed') as "isDone"`,
          [deviceIds, deviceIds.length],
        );
        return rows[0]?.isDone === true && simulator.pendingDeliveries === 0;
      }).catch(() => undefined),
    // A second row would do nothing at Seam, because the plan finds nothing left to do: it shows only here.
    async end() {
      const delivered = simulator.deliveries.filter(({ outcome }) => outcome === 'delivered');
      const { rows } = await db.query<{ id: string }>(
        `select told.id from (select distinct unnest($1::text[]) as id) told
          where (select count(*) from inbox where payload->>'event_id' = told.id) <> 1`,
        [delivered.map(({ event_id }) => event_id)],
      );
      if (rows.length > 0) throw new Error(`${rows.length} acknowledged events have no row, or more than one`);
    },
    async knownCodes() {
      const { rows } = await db.query<KnownCode>(
        `select device_id, access_code_id from access_codes where state = 'created'`,
      );
      return byDoor(rows);
    },
  };
}

function recipePart({ db, simulator }: Stand): SidePart {
  return {
    async becomeYesterday(deviceIds) {
      await db.query(
        `update recipe_codes set starts_at = starts_at - interval '1 day', ends_at = ends_at - interval '1 day'
          where device_id = any($1)`,
        [deviceIds],
      );
    },
    // It has no timers: what Seam sends again is all that it will ever hear, the first time after 5 s.
    async finish() {
      // A delivery that hangs is repeated only once it has failed: not while the next fault strikes.
      await simulator.idle();
      await simulator.advanceBy(firstRepeatMs);
    },
    // Three repeats in all: by then nothing is wrong any more.
    end: () => simulator.advanceBy(furtherRepeatsMs),
    async knownCodes() {
      const { rows } = await db.query<KnownCode>('select device_id, access_code_id from recipe_codes');
      return byDoor(rows);
    },
  };
}

interface KnownCode {
  readonly device_id: string;
  readonly access_code_id: string;
}

function byDoor(rows: readonly KnownCode[]): ReadonlyMap<string, readonly string[]> {
  const grouped = Map.groupBy(rows, ({ device_id }) => device_id);
  return new Map([...grouped].map(([door, codes]) => [door, codes.map(({ access_code_id }) => access_code_id)]));
}

/** A daily schedule for each door, applied as the seed does. */
export async function applyDaily(env: Env, doors: readonly Omit<FaultDoor, 'isOnline'>[]): Promise<void> {
  const local = (at: Date): string => at.toISOString().slice(11, 16);
  const schedules = doors.map(({ deviceId, startsAt, endsAt }, at) => {
    const windows = [{ rrule: 'FREQ=DAILY', from: local(startsAt), to: local(endsAt) }];
    const startsOn = startsAt.toISOString().slice(0, 10);
    return {
      key: `door-${at}`,
      name: `Door ${at}`,
      devices: [deviceId],
      timezone: 'UTC',
      starts_on: startsOn,
      windows,
    };
  });
  const parsed = parseSchedulesFile(JSON.stringify({ schedules }));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  await using tool = await openTool(readConfig(env, { for: 'tool' }), {}, 'tool');
  await applySchedules(tool, parsed.file);
}

async function createFirstCodes({ env, db, simulator }: Stand, doors: readonly FaultDoor[]): Promise<void> {
  const seam = new Seam({ apiKey: env.SEAM_API_KEY ?? '', endpoint: simulator.endpoint });
  for (const { deviceId, startsAt, endsAt } of doors) {
    const times = { starts_at: startsAt.toISOString(), ends_at: endsAt.toISOString() };
    const { access_code_id } = await seam.accessCodes.create({ device_id: deviceId, name: 'Cleaning crew', ...times });
    await db.query('insert into recipe_codes values ($1, $2, $3, $4)', [access_code_id, deviceId, startsAt, endsAt]);
  }
}

/** Looks again and again until it is so. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + patienceMs;
  while (!(await Promise.resolve(isSo()).catch(() => false))) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${patienceMs / 1_000} s: ${isSo.toString()}`);
    await delay(20);
  }
}
