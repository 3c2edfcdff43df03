// A database that the version before has filled (see test/upgrade/make.mjs), under this one.
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { Seam } from 'seam';
import { expect, it } from 'vitest';
import { z } from 'zod';
import type { ServiceConfig } from '../../src/config.ts';
import { migrate } from '../../src/db/migrate.ts';
import { atRest, driveTo } from '../../src/demo/drive.ts';
import { migrationsDir } from '../../src/deps.ts';
import { startRelatch } from '../../src/relatch.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { createEmptyDatabase } from '../support/database.ts';
import { webhookSecret } from '../support/sign.ts';

const fixture = (name: string): string =>
  readFileSync(new URL(`../fixtures/upgrade/3f0367e.${name}`, import.meta.url), 'utf8');

const facts = z
  .object({
    now: z.string(),
    pin_keys: z.array(z.string()),
    offline: z.array(z.string()),
    devices: z.array(
      z.object({ device_id: z.string(), name: z.string(), native_scheduling: z.boolean().default(false) }),
    ),
    codes: z.array(
      z.object({
        access_code_id: z.string(),
        device_id: z.string(),
        name: z.string(),
        code: z.string(),
        starts_at: z.string(),
        ends_at: z.string(),
      }),
    ),
  })
  .parse(JSON.parse(fixture('json')));

/** A Seam that holds the codes of then, and what each is called now. */
async function seamOfThen() {
  const simulator = await startSimulator({
    now: new Date(Date.parse(facts.now) - 3_600_000),
    devices: facts.devices,
    limits: false,
  });
  const seam = new Seam({ apiKey: simulator.apiKey, endpoint: simulator.endpoint });
  const ids = new Map<string, string>();
  for (const { access_code_id, ...code } of facts.codes) {
    const made = await seam.accessCodes.create(code);
    ids.set(access_code_id, made.access_code_id);
  }
  await simulator.advanceTo(new Date(facts.now));
  for (const id of facts.offline) simulator.device(id).goOffline();
  return { simulator, ids };
}

/** Every row of every table, by table. */
async function rowsOf(client: pg.Client): Promise<Map<string, Record<string, unknown>[]>> {
  const { rows: tables } = await client.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('public', 'pgboss')`,
  );
  const held = new Map<string, Record<string, unknown>[]>();
  for (const { name } of tables) {
    const { rows } = await client.query<{ row: Record<string, unknown> }>(`select to_jsonb(t) as row from ${name} t`);
    held.set(
      name,
      rows.map(({ row }) => row),
    );
  }
  return held;
}

const keysOf: Readonly<Record<string, readonly string[]>> = {
  'public.installation': ['id'],
  'public.seam_line': ['id'],
  'public.seam_budgets': ['device_id', 'kind'],
  'public.schedule_rules': ['schedule_id', 'position'],
  'public.schedule_devices': ['schedule_id', 'device_id'],
  'public.schedule_holiday_lists': ['schedule_id', 'holiday_list_name'],
  'public.holiday_lists': ['name'],
  'public.door_blackouts': ['device_id'],
  'public.inbox': ['key'],
  'public.answered_requests': ['key'],
};

it('starts on it with nothing lost, goes on with every window, and makes no code twice', async () => {
  const { simulator, ids } = await seamOfThen();
  await using _ = simulator;
  await using database = await createEmptyDatabase();
  const client = new pg.Client({ connectionString: database.url });
  client.on('error', () => undefined);
  await client.connect();
  const renamed = [...ids].reduce((sql, [before, now]) => sql.replaceAll(before, now), fixture('sql'));
  await client.query(renamed);
  const before = await rowsOf(client);

  const { applied } = await migrate({ databaseUrl: database.url, migrationsDir });
  expect(applied).toContain('20261127110000_feeds');
  const migrated = await rowsOf(client);
  for (const [table, rows] of before) {
    // Its times of upkeep.
    if (table === 'public._prisma_migrations' || table === 'pgboss.version') continue;
    expect(migrated.get(table), table).toEqual(rows.map((row) => expect.objectContaining(row)));
  }

  const made = simulator.requests.length;
  const config: ServiceConfig = {
    database: { url: database.url, dataDir: '' },
    pinKeys: facts.pin_keys.map((key) => Buffer.from(key, 'base64')),
    log: { level: 'silent' },
    http: { host: '127.0.0.1', port: 0 },
    clients: { trustProxy: [], failuresPerMinute: 30 },
    endpoints: { allowedNetworks: [] },
    metrics: null,
    traces: null,
    api: { tokens: [] },
    seam: {
      apiKey: simulator.apiKey,
      endpoint: simulator.endpoint,
      settleMs: 60_000,
      webhookSecrets: [webhookSecret],
    },
    mode: 'active',
    retention: { days: 400 },
    reconcile: { intervalMs: 300_000 },
    ladder: { rungsMs: [24 * 3_600_000, 2 * 3_600_000, 900_000] },
    jobs: { concurrency: 4 },
  };
  const relatch = await startRelatch(config, { now: () => simulator.now(), log: createLog({ level: 'silent' }) });
  try {
    simulator.setWebhook({ url: `${relatch.url}/webhooks/seam`, secret: webhookSecret });
    await driveTo(simulator, relatch, new Date(Date.parse(facts.now) + 600_000));
    for (const id of facts.offline) simulator.device(id).goOnline();
    await driveTo(simulator, relatch, new Date('2027-03-10T20:00:00Z'));
    await atRest(simulator, relatch);

    const after = await rowsOf(client);
    for (const [table, rows] of before) {
      const keys = keysOf[table] ?? ['id'];
      if (!table.startsWith('public.') || table === 'public._prisma_migrations') continue;
      const left = new Set(after.get(table)?.map((row) => JSON.stringify(keys.map((key) => row[key]))));
      const lost = rows.map((row) => JSON.stringify(keys.map((key) => row[key]))).filter((key) => !left.has(key));
      expect(lost, table).toEqual([]);
    }
    // Every code is made once, among them those whose making was under way.
    const names = simulator.requests.slice(made).flatMap(({ method, path, params, status }) => {
      return method === 'POST' && path === '/access_codes/create' && status === 200 ? [String(params['name'])] : [];
    });
    expect(names.filter((name) => facts.codes.some((code) => code.name === name))).toEqual([]);
    expect(names.length).toBeGreaterThan(5);
    expect(new Set(names).size).toBe(names.length);
    const { rows: pins } = await client.query(
      `select s.key, c.pin_ciphertext as "pinCiphertext", c.pin_key_id as "pinKeyId", c.schedule_id as "scheduleId"
         from access_codes c join schedules s on s.id = c.schedule_id where c.pin_ciphertext is not null`,
    );
    const told = pins.map((pin) => [pin.key, relatch.deps.vault.decrypt(pin, pin.scheduleId)]);
    expect(told.length).toBeGreaterThan(12);
    for (const [key, pin] of told) expect(pin).toMatch(key === 'nights' ? /^48219753$/ : /^\d{4,8}$/);
    // What was under way is settled, a skip of then holds, and windows follow each other.
    const { rows: codes } = await client.query<{ line: string }>(
      `select concat_ws(' ', s.key, c.state, to_char(c.window_starts_at at time zone 'UTC', 'DD HH24:MI'), c.reason) as line
         from access_codes c join schedules s on s.id = c.schedule_id where c.window_ends_at > $1`,
      [facts.now],
    );
    expect([...new Set(codes.map(({ line }) => line))].sort()).toEqual([
      'calling created 01 05:00',
      'closed created 10 13:00',
      'closed removed 09 13:00 expired',
      'crew created 11 13:50',
      'crew removed 09 13:50 expired',
      'landed created 01 05:00',
      'nights created 11 11:00',
      'nights removed 09 11:00 expired',
      'nights removed 10 11:00 expired',
      'postponed planned 01 05:00 simulated_429 (HTTP 429): Simulated fault',
      'refused rejected 01 05:00 invalid_input (HTTP 400): Simulated fault',
      'removing removed 01 05:00 not_planned',
      'rotating created 10 13:00',
      'rotating created 11 13:00',
      'rotating removed 09 13:00 expired',
    ]);
    expect(await relatch.deps.db.prisma.accessCode.findMany({ where: { adopted: true } })).toHaveLength(1);
  } finally {
    await relatch.close();
    await client.end();
  }
});
