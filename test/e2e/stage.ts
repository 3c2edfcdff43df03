// What an end-to-end test plays on: a database, a Seam of its own whose clock is the real one, and as many instances of the
// built service as it starts. When it ends, nothing is left running, and nothing secret may stand in anything that was said.

import { randomBytes, randomUUID } from 'node:crypto';
import pg from 'pg';
import { expect, vi } from 'vitest';
import { z } from 'zod';
import { readConfig } from '../../src/config.ts';
import { parseSchedulesFile } from '../../src/core/schedules-file.ts';
import { openTool } from '../../src/deps.ts';
import { applySchedules } from '../../src/flows/apply-schedules.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { defaultTimings } from '../../src/simulator/timings.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type Env, type Finished, runService, type Service, startService } from '../support/processes.ts';
import { aRemovedEvent, type SignedDelivery, sign, webhookSecret } from '../support/sign.ts';

/** A code's row, as far as tests look at it. */
export interface CodeRow {
  readonly state: string;
  readonly access_code_id: string | null;
  readonly adopted: boolean;
}

/** Ids of the messages that were acknowledged, each with the id of its event, if it has one: there is a row with either. */
export type Promised = Map<string, string | null>;

/** An instance of the service, and what any instance of its stage has acknowledged. */
export interface Instance extends Service {
  readonly acknowledged: Promised;
}

export interface Stage extends AsyncDisposable {
  readonly simulator: Simulator;
  readonly db: pg.Pool;
  /** What an instance is started with. */
  readonly env: Env;
  /** The instances that have not ended. */
  readonly running: ReadonlySet<Instance>;
  readonly acknowledged: Promised;
  start(env?: Env): Promise<Instance>;
  /** Starts an instance and gives it a door, whose code is there when it answers. */
  startServing(env?: Env): Promise<Instance>;
  /** Runs an instance that must not come up. */
  fail(env: Env): Promise<Finished>;
  /** Applies a daily schedule for each door, as the seed does; their next windows begin in two hours. */
  apply(...deviceIds: string[]): Promise<void>;
  /** Applies these entries of a schedules file; what they leave out stays. The schedule of a door has the key `crew-DOOR`. */
  edit(schedules: readonly object[]): Promise<void>;
  codes(): Promise<CodeRow[]>;
  /** Makes the one code of a schedule that of yesterday, which Seam has taken off the lock. Answers with the event that says so. */
  outlive(): Promise<SignedDelivery>;
  /** As `outlive`, for every code that there is. */
  outliveAll(): Promise<{ door: string; delivery: SignedDelivery }[]>;
  /** Waits until no job and no inbox row is left to do. */
  rest(timeoutMs?: number): Promise<void>;
  /** Remembers something said outside of the instances, to be looked through for secrets. */
  heard(output: string): void;
}

const hourMs = 3_600_000;

/** How long a test waits for what must come; far more than it takes, because the machine may be busy with other things. */
export const slowMs = 60_000;

/**
 * @param options.isEmpty a database that was never migrated
 * @param options.settingLagMs how long Seam takes to set a code on its lock
 * @param options.database another one than of the run's own PostgreSQL, which no test may harm
 */
export async function startStage(
  options: { isEmpty?: boolean; settingLagMs?: number; database?: Omit<TestDatabase, 'socketUrl'> } = {},
): Promise<Stage> {
  const database = options.database ?? (await (options.isEmpty ? createEmptyDatabase() : createTestDatabase()));
  const { settingLagMs = defaultTimings.settingLagMs } = options;
  const timings = { settingLagMs, removingLagMs: 0 };
  const simulator = await startSimulator({ anyDevice: true, limits: false, timings });
  const pinKey = randomBytes(32).toString('base64');
  const env: Env = {
    DATABASE_URL: database.url,
    PIN_ENCRYPTION_KEYS: pinKey,
    SEAM_API_KEY: simulator.apiKey,
    SEAM_ENDPOINT: simulator.endpoint,
    SEAM_SETTLE_SECONDS: '2',
    SEAM_WEBHOOK_SECRETS: webhookSecret,
    LOG_LEVEL: 'trace',
  };
  const db = new pg.Pool({ connectionString: database.url, max: 2 });
  db.on('error', () => undefined);
  const services: Instance[] = [];
  const running = new Set<Instance>();
  const acknowledged: Promised = new Map();
  const said: string[] = [];

  async function outliveAll(): ReturnType<Stage['outliveAll']> {
    const { rows } = await db.query<{ access_code_id: string; device_id: string }>(
      `update access_codes set next_try_at = now() + interval '1 hour',
              window_starts_at = window_starts_at - interval '1 day', window_ends_at = window_ends_at - interval '1 day',
              asked_starts_at = asked_starts_at - interval '1 day', asked_ends_at = asked_ends_at - interval '1 day',
              confirmed_starts_at = confirmed_starts_at - interval '1 day',
              confirmed_ends_at = confirmed_ends_at - interval '1 day'
        where state = 'created' returning access_code_id, device_id`,
    );
    for (const { access_code_id } of rows) simulator.deleteByHand(access_code_id);
    await vi.waitFor(() => expect(simulator.codes()).toEqual([]), slowMs);
    const occurred_at = new Date().toISOString();
    return rows.map((code) => {
      return { door: code.device_id, delivery: sign(JSON.stringify(aRemovedEvent({ ...code, occurred_at }))) };
    });
  }

  const stage: Stage = {
    simulator,
    db,
    env,
    running,
    acknowledged,
    async start(changes = {}) {
      const service = { ...(await startService({ env: { ...env, ...changes } })), acknowledged };
      services.push(service);
      running.add(service);
      void service.exited.then(() => running.delete(service));
      return service;
    },
    async startServing(changes) {
      const service = await stage.start(changes);
      await stage.apply(aDoor());
      await vi.waitFor(async () => expect(await stage.codes()).toMatchObject([{ state: 'created' }]), slowMs);
      await stage.rest();
      return service;
    },
    async fail(changes) {
      const finished = await runService(changes);
      said.push(finished.output);
      return finished;
    },
    async apply(...deviceIds) {
      for (const device_id of deviceIds) {
        if (!simulator.deviceIds.includes(device_id)) {
          // A PIN as long as this is no part of an id or a time by chance.
          simulator.addDevice({ device_id, supported_code_lengths: [8] });
        }
      }
      await stage.edit(schedulesFor(deviceIds));
    },
    async edit(schedules) {
      const log = createLog({ level: 'trace', destination: { write: (line: string) => void said.push(line) } });
      await using tool = await openTool(readConfig(env, { for: 'tool' }), { log }, 'tool');
      const parsed = parseSchedulesFile(JSON.stringify({ schedules }));
      if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
      await applySchedules(tool, parsed.file);
    },
    async codes() {
      const { rows } = await db.query<CodeRow>(
        'select state, access_code_id, adopted from access_codes order by created_at, id',
      );
      return rows;
    },
    async outlive() {
      const [removed, ...others] = await outliveAll();
      if (removed === undefined || others.length > 0)
        throw new Error(`${others.length + 1} codes are created, not one`);
      return removed.delivery;
    },
    outliveAll,
    rest: (timeoutMs = slowMs) =>
      vi.waitFor(
        async () => {
          const { rows } = await db.query(
            `select (select count(*)::int from inbox where state = 'received') as inbox,
                    (select count(*)::int from pgboss.job where state < 'completed') as jobs`,
          );
          expect(rows).toEqual([{ inbox: 0, jobs: 0 }]);
        },
        { timeout: timeoutMs, interval: 50 },
      ),
    heard: (output) => void said.push(output),
    async [Symbol.asyncDispose]() {
      await Promise.all(services.map((service) => service[Symbol.asyncDispose]()));
      await simulator.close();
      await db.end();
      await database.drop();
      assertNothingSecret(
        [...services.map((service) => service.logs()), ...said].join('\n'),
        secretsOf(simulator, env),
      );
    },
  };
  return stage;
}

/** Sends a delivery as Seam does; the answer's status. */
export async function deliver(
  service: Pick<Instance, 'url' | 'acknowledged'>,
  delivery: SignedDelivery,
): Promise<number> {
  const response = await fetch(`${service.url}/webhooks/seam`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...delivery.headers },
    body: delivery.body,
    signal: AbortSignal.timeout(slowMs),
  });
  await response.arrayBuffer();
  if (response.status === 202) noteAcknowledged(service, delivery);
  return response.status;
}

const WithEventId = z.object({ event_id: z.string() });

/** From now on there must be a row for it. */
export function noteAcknowledged({ acknowledged }: Pick<Instance, 'acknowledged'>, delivery: SignedDelivery): void {
  acknowledged.set(delivery.headers['svix-id'], eventIdOf(delivery.body));
}

function eventIdOf(body: string): string | null {
  try {
    return WithEventId.parse(JSON.parse(body)).event_id;
  } catch {
    return null;
  }
}

/** The status of a page, such as /readyz. */
export async function statusOf(service: { url: string }, path: string): Promise<number> {
  const response = await fetch(service.url + path, { signal: AbortSignal.timeout(slowMs) });
  await response.arrayBuffer();
  return response.status;
}

/** Everything by name that no output may hold. */
export function secretsOf(simulator: Simulator, env: Env): Map<string, string> {
  const secrets = new Map([
    ['the API key', simulator.apiKey],
    ['a webhook secret', webhookSecret],
    ['a webhook secret without its prefix', webhookSecret.slice('whsec_'.length)],
  ]);
  if (env.PIN_ENCRYPTION_KEYS !== undefined) secrets.set('the PIN key', env.PIN_ENCRYPTION_KEYS);
  if (env.DATABASE_URL !== undefined) secrets.set('the database password', new URL(env.DATABASE_URL).password);
  for (const { params } of simulator.requests) {
    if (typeof params.code === 'string') secrets.set(`a PIN (${secrets.size})`, params.code);
  }
  return secrets;
}

/** Throws with the names, never the values, of what was given away. */
export function assertNothingSecret(output: string, secrets: ReadonlyMap<string, string>): void {
  const told = [...secrets].filter(([, secret]) => secret !== '' && output.includes(secret)).map(([name]) => name);
  if (told.length > 0) throw new Error(`the output holds ${told.join(', ')}`);
}

/** Entries of a schedules file in UTC, one daily schedule for each door. */
function schedulesFor(deviceIds: readonly string[]): object[] {
  const at = (aheadMs: number): string => new Date(Date.now() + aheadMs).toISOString().slice(11, 16);
  const windows = [{ rrule: 'FREQ=DAILY', from: at(2 * hourMs), to: at(3 * hourMs) }];
  return deviceIds.map((deviceId) => ({
    key: `crew-${deviceId}`,
    name: `Crew ${deviceId.slice(0, 4)}`,
    devices: [deviceId],
    timezone: 'UTC',
    windows,
  }));
}

/** A door of its own for each test. */
export const aDoor = (): string => randomUUID();
