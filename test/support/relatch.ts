import { randomBytes } from 'node:crypto';
import type { AccessCode } from 'seam';
import { expect, vi } from 'vitest';
import type { ServiceConfig } from '../../src/config.ts';
import { parseSchedulesFile, type SchedulesFile } from '../../src/core/schedules-file.ts';
import { atRest, driveTo } from '../../src/demo/drive.ts';
import { openTool } from '../../src/deps.ts';
import { type Applied, type ApplyOptions, applySchedules } from '../../src/flows/apply-schedules.ts';
import { type ReconcileOptions, type ReconcileReport, reconcile } from '../../src/flows/reconcile.ts';
import { type Relatch, startRelatch } from '../../src/relatch.ts';
import type { DeviceSpec } from '../../src/simulator/device.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import type { Switches } from '../../src/simulator/switches.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { borrowDatabase } from './database.ts';
import { webhookSecret } from './sign.ts';

export const frontDoor = '6aae9d08-fed6-4ca5-8328-e36849ab48fe';
export const adminToken = 'token-of-alice-for-the-api';
export const backDoor = '2f0c1d1e-93b7-4c63-9f0e-5a1f6a3c7b02';

// A stop that takes so long may have left a job behind.
const cutShortAfterMs = 8_000;

export interface World extends AsyncDisposable {
  readonly simulator: Simulator;
  readonly relatch: Relatch;
  readonly config: ServiceConfig;
  /** Every log line so far. */
  readonly logLines: readonly string[];
  /** Applies a schedules file as the seed does. */
  apply(yaml: string, options?: { revive?: boolean; dryRun?: boolean }): Promise<Applied>;
  /** Lets virtual time pass, step by step. */
  until(instant: string): Promise<void>;
  /** Waits until nothing is under way at this instant. */
  rest(): Promise<void>;
  /** One pass of the reconciler, which otherwise keeps real time, and what it leads to. */
  sweep(): Promise<void>;
  /** The pass alone. */
  pass(options?: ReconcileOptions): Promise<ReconcileReport>;
  codes(): Promise<CodeRow[]>;
  history(): Promise<{ kind: string; alert: boolean; message: string }[]>;
  /** Messages of all alerts, oldest first. */
  alerts(): Promise<string[]>;
  /** When which PIN truly opened a door: "from/until" in UTC, "…" while it still does. */
  opened(deviceId?: string): string[];
  /** The only code of the door at Seam that is not foreign. */
  onlyCode(deviceId?: string): AccessCode;
  /** How many calls of a route Seam got. */
  calls(route: string): number;
  /** Stops the service as SIGTERM does; `start` brings it back on the same database. */
  stop(): Promise<void>;
  start(changes?: Partial<Pick<ServiceConfig, 'mode' | 'api' | 'pinKeys'>>): Promise<void>;
  /** A backup of the database, while the service is stopped; what it answers with restores that, stopped again. */
  backUp(): Promise<() => Promise<void>>;
}

export interface CodeRow {
  readonly key: string;
  readonly deviceId: string;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly state: string;
  readonly reason: string | null;
  readonly adopted: boolean;
  readonly generation: number;
  readonly accessCodeId: string | null;
}

/** A whole world: the simulator with its clock at `now`, and the real service on a database of its own. */
export async function startWorld(options: {
  now: string;
  switches?: Partial<Switches>;
  devices?: readonly DeviceSpec[];
  settleSeconds?: number;
  /** False: no event ever arrives. */
  delivers?: boolean;
  mode?: ServiceConfig['mode'];
  metrics?: ServiceConfig['metrics'];
  traces?: ServiceConfig['traces'];
}): Promise<World> {
  const database = await borrowDatabase();
  const simulator = await startSimulator({
    now: new Date(options.now),
    devices: options.devices ?? [
      { device_id: frontDoor, name: 'Front door' },
      { device_id: backDoor, name: 'Back door' },
    ],
    ...(options.switches === undefined ? {} : { switches: options.switches }),
  });
  const config: ServiceConfig = {
    database: { url: database.url, dataDir: '' },
    pinKeys: [randomBytes(32)],
    endpoints: { allowedNetworks: [{ address: '127.0.0.1', prefix: 32, family: 'ipv4' }] },
    log: { level: 'debug' },
    http: { host: '127.0.0.1', port: 0 },
    // More than any test makes by the way.
    clients: { trustProxy: [], failuresPerMinute: 1_000_000 },
    api: { tokens: [{ name: 'alice', token: adminToken }] },
    seam: {
      apiKey: simulator.apiKey,
      endpoint: simulator.endpoint,
      settleMs: (options.settleSeconds ?? 60) * 1_000,
      webhookSecrets: [webhookSecret],
    },
    metrics: options.metrics ?? null,
    traces: options.traces ?? null,
    mode: options.mode ?? 'active',
    retention: { days: 400 },
    reconcile: { intervalMs: 300_000 },
    ladder: { rungsMs: [24 * 3_600_000, 2 * 3_600_000, 900_000] },
    jobs: { concurrency: 4 },
  };
  const logLines: string[] = [];
  const log = createLog({ level: 'debug', destination: { write: (line: string) => void logLines.push(line) } });
  const now = (): Date => simulator.now();
  let relatch: Relatch;
  let isStopped = false;
  async function start(changes: Partial<ServiceConfig> = {}): Promise<void> {
    relatch = await startRelatch({ ...config, ...changes }, { now, log, db: database.db, queueConnections: 2 });
    isStopped = false;
    if (options.delivers !== false)
      simulator.setWebhook({ url: `${relatch.url}/webhooks/seam`, secret: webhookSecret });
  }
  async function stop(): Promise<void> {
    if (isStopped) return;
    isStopped = true;
    await relatch.close();
  }
  async function pass(passOptions?: ReconcileOptions): Promise<ReconcileReport> {
    for (;;) {
      const report = await reconcile(relatch.deps, passOptions);
      if (report !== null) return report;
      // The service's own first pass is at it.
      await atRest(simulator, relatch);
    }
  }
  /** As the seed does while no service runs. */
  async function applyAlone(file: SchedulesFile, applyOptions: ApplyOptions): Promise<Applied> {
    await using tool = await openTool(config, { now, log, db: database.db }, 'tool');
    return applySchedules(tool, file, applyOptions);
  }
  await start();
  // Its pass at the start ends with this note: what a test does next is not found by that.
  const { prisma } = relatch!.deps.db;
  await vi.waitFor(
    async () => expect(await prisma.installation.findFirst()).toMatchObject({ tzdataVersion: expect.any(String) }),
    { timeout: 20_000, interval: 5 },
  );
  return {
    simulator,
    get relatch() {
      return relatch;
    },
    config,
    logLines,
    async apply(yaml, applyOptions = {}) {
      const parsed = parseSchedulesFile(yaml);
      if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
      const applied = isStopped
        ? await applyAlone(parsed.file, applyOptions)
        : await applySchedules(withoutSeam(relatch.deps), parsed.file, applyOptions);
      await atRest(simulator, relatch);
      return applied;
    },
    until: (instant) => driveTo(simulator, relatch, new Date(instant)),
    rest: () => atRest(simulator, relatch),
    pass,
    async sweep() {
      await pass();
      await atRest(simulator, relatch);
    },
    async codes() {
      const rows = await relatch.deps.db.prisma.accessCode.findMany({
        include: { schedule: true },
        orderBy: [{ windowStartsAt: 'asc' }, { deviceId: 'asc' }, { generation: 'asc' }],
      });
      return rows.map((row) => ({
        key: row.schedule.key,
        deviceId: row.deviceId,
        startsAt: row.windowStartsAt.toISOString(),
        endsAt: row.windowEndsAt.toISOString(),
        state: row.state,
        reason: row.reason,
        adopted: row.adopted,
        generation: row.generation,
        accessCodeId: row.accessCodeId,
      }));
    },
    history: () =>
      relatch.deps.db.prisma.historyEntry.findMany({
        select: { kind: true, alert: true, message: true },
        orderBy: { id: 'asc' },
      }),
    async alerts() {
      const where = { alert: true };
      const rows = await relatch.deps.db.prisma.historyEntry.findMany({ where, orderBy: { id: 'asc' } });
      return rows.map(({ message }) => message);
    },
    opened: (deviceId = frontDoor) =>
      simulator
        .intervals(deviceId)
        .map(({ on_device_from, off_device_at }) => `${brief(on_device_from)}/${brief(off_device_at)}`),
    onlyCode(deviceId = frontDoor) {
      const codes = simulator.codes({ device_id: deviceId });
      const [code] = codes;
      if (code === undefined || codes.length > 1) throw new Error(`the door has ${codes.length} codes`);
      return code;
    },
    calls: (route) => simulator.requests.filter(({ method, path }) => `${method} ${path}` === route).length,
    stop,
    start,
    backUp: () => database.backUp(),
    async [Symbol.asyncDispose]() {
      const startedMs = performance.now();
      const isStoppedWell = await stop().then(
        () => performance.now() - startedMs < cutShortAfterMs,
        () => false,
      );
      await simulator.close();
      await database.giveBack({ isAtRest: isStoppedWell });
    },
  };
}

/** The seed asks no doors where it has no key of Seam. */
function withoutSeam({ seam: _, ...deps }: Relatch['deps']): Omit<Relatch['deps'], 'seam'> {
  return deps;
}

/** To the minute where the seconds are none. */
function brief(at: Date | null): string {
  return at === null ? '…' : at.toISOString().replace(/(:00)?\.000Z$/, 'Z');
}

/** A schedules file with one schedule on the front door, Monday to Friday 9 to 17 in New York, changed as given. */
export function weekdays(fields: Record<string, unknown> = {}): string {
  return schedulesFile([aSchedule(fields)]);
}

export function schedulesFile(schedules: readonly object[], more: Record<string, unknown> = {}): string {
  return JSON.stringify({ ...more, schedules });
}

/** One schedule of a file, with valid defaults. */
export function aSchedule(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    key: 'crew',
    name: 'Crew',
    devices: [frontDoor],
    timezone: 'America/New_York',
    starts_on: '2027-03-01',
    windows: [{ rrule: 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR', from: '09:00', to: '17:00' }],
    ...fields,
  };
}

/** A window on each day. */
export function daily(from: string, to: string): object[] {
  return [{ rrule: 'FREQ=DAILY', from, to }];
}
