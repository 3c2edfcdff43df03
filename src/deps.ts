// The one composition root: what the environment says becomes the things that flows are given.
import { randomInt } from 'node:crypto';
import type { ServiceConfig, ToolConfig } from './config.ts';
import { drawMarker, markerPrefixLength } from './core/access-code.ts';
import { UserError } from './core/errors.ts';
import { createDb, type Db, isDatabaseAway } from './db/client.ts';
import { openEmbeddedDatabase } from './db/embedded.ts';
import { loadOrSaveMarkerPrefix, markerPrefixOf } from './db/installation.ts';
import { migrate } from './db/migrate.ts';
import { loadOrCreateKeyFile } from './db/pin-key-file.ts';
import { PinVault } from './db/pin-vault.ts';
import { keyIdsInUse } from './db/pins.ts';
import { createQueue, ensureQueues, type JobOrigin, type Queue } from './db/queue.ts';
import type { FlowDeps } from './flows/flow-deps.ts';
import { gateSeam } from './flows/gate-seam.ts';
import { watchSeam } from './flows/watch-seam.ts';
import { createEndpointClient, type EndpointClient } from './outgoing/endpoint-client.ts';
import { createSeamApi } from './seam/api.ts';
import { observingSeam } from './seam/observe.ts';
import { createLog, type Log } from './telemetry/log.ts';
import { quietTelemetry, type Telemetry } from './telemetry/telemetry.ts';
import { currentUnit } from './telemetry/unit.ts';

// The same from src/ and from dist/.
export const migrationsDir = new URL('../prisma/migrations/', import.meta.url);

/** What every program has: an up-to-date database, the queue to send jobs by, and the keys of the PINs. */
export interface Tool extends AsyncDisposable {
  readonly db: Db;
  readonly queue: Queue;
  readonly vault: PinVault;
  readonly now: () => Date;
  readonly random: (below: number) => number;
  readonly log: Log;
  /** Sends to webhook endpoints. */
  readonly endpoints: EndpointClient;
  readonly telemetry: Telemetry;
}

/** What a caller in this process may put in the place of the real thing. No setting of the product can. */
export interface Overrides {
  readonly now?: () => Date;
  readonly log?: Log;
  readonly telemetry?: Telemetry;
  /** Connections to the database of `config` that the caller keeps open, and closes. */
  readonly db?: Db;
  /** How many connections the queue may hold. */
  readonly queueConnections?: number;
}

/**
 * Opens the database (the embedded one without DATABASE_URL), migrates it and prepares the queue for sending. Only the doctor
 * gets one whose PINs cannot all be read.
 * @throws UserError for whatever the person who runs Relatch can mend
 */
export async function openTool(
  config: ToolConfig,
  overrides: Overrides = {},
  role: 'service' | 'tool' | 'doctor' = 'service',
): Promise<Tool> {
  const log = overrides.log ?? createLog(config.log);
  // Whatever was opened is closed again, last first, if a later step fails.
  await using opened = new AsyncDisposableStack();
  const database = await openDatabase(config, log);
  opened.defer(() => database.close());
  await migrateDatabase(database.url, log);
  const db =
    overrides.db ?? createDb({ url: database.url, onError: (err) => log.warn({ event: 'database.lost', err }) });
  if (overrides.db === undefined) opened.defer(() => db.close());
  const keys = config.pinKeys.length > 0 ? config.pinKeys : [await loadOrCreateKeyFile(config.database.dataDir)];
  const vault = new PinVault(keys);
  if (role !== 'doctor') await assertKeysPresent(db, vault);
  const { telemetry = quietTelemetry, queueConnections } = overrides;
  const queue = createQueue({
    databaseUrl: database.url,
    origin: () => jobOrigin(telemetry),
    supervises: role === 'service',
    ...(queueConnections !== undefined && { connections: queueConnections }),
    onError: (err) => log.warn({ event: 'queue.failed', err }, 'the queue failed and tries again'),
    onWarning: (warning) => log.warn({ event: 'queue.warning', warning }),
  });
  await queue.boss.start();
  opened.defer(() => queue.boss.stop({ graceful: false }));
  await ensureQueues(queue.boss);
  const open = opened.move();
  return {
    db,
    queue,
    vault,
    log,
    endpoints: createEndpointClient(config.endpoints.allowedNetworks),
    telemetry,
    now: overrides.now ?? (() => new Date()),
    random: (below) => randomInt(below),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** Brings the database up to date; says what it did, and whether a newer Relatch was there before. */
export async function migrateDatabase(databaseUrl: string, log: Log): Promise<void> {
  const { applied, newerInDatabase } = await migrate({ databaseUrl, migrationsDir }).catch((error: unknown) => {
    throw unreachableDatabase(error) ?? error;
  });
  if (applied.length > 0) log.info({ event: 'database.migrated', applied }, 'database brought up to date');
  if (newerInDatabase.length > 0) {
    log.warn(
      { event: 'database.newer', migrations: newerInDatabase },
      'the database was migrated by a newer Relatch; this one works with it, but should be updated',
    );
  }
}

export async function openDatabase(
  config: Pick<ToolConfig, 'database'>,
  log: Log,
): Promise<{ url: string; close(): Promise<void> }> {
  const { url, dataDir } = config.database;
  if (url !== undefined) return { url, close: async () => undefined };
  return openEmbeddedDatabase({ dataDir, onNotice: (message) => log.warn({ event: 'database.notice' }, message) });
}

/** The name by which this installation's codes are told from others'; drawn once per database. */
export function installationPrefix({ db, random, now }: Tool): Promise<string> {
  return loadOrSaveMarkerPrefix(db.prisma, drawMarker(markerPrefixLength, random), now());
}

/** What flows are given, on top of what every program has. */
export async function flowDeps(
  tool: Tool,
  { seam, mode, ladder }: Pick<ServiceConfig, 'seam' | 'mode' | 'ladder'>,
): Promise<Tool & FlowDeps> {
  const isNew = (await markerPrefixOf(tool.db.prisma)) === null;
  const markerPrefix = await installationPrefix(tool);
  const { settleMs } = seam;
  const real = createSeamApi(seam, watchSeam(tool));
  const api = mode === 'observe' ? observingSeam(real) : real;
  return {
    ...tool,
    mode,
    seam: gateSeam(api, { ...tool, settleMs }),
    settleMs,
    ladderMs: ladder.rungsMs,
    markerPrefix,
    comparedDevices: isNew ? null : new Set(),
  };
}

/** What the unit of work that is under way tells the jobs that it sends. */
function jobOrigin({ spans }: Telemetry): JobOrigin {
  const unit = currentUnit();
  const seamEventId = unit?.ids['seam_event_id'];
  return {
    ...(typeof seamEventId === 'string' && { seamEventId }),
    ...(unit?.removalReceivedAt !== undefined && { removalReceivedAt: unit.removalReceivedAt.toISOString() }),
    traceparent: spans.traceparent(),
  };
}

async function assertKeysPresent(db: Db, vault: PinVault): Promise<void> {
  const lost = [...(await keyIdsInUse(db.prisma))].filter(([id]) => !vault.keyIds.has(id));
  if (lost.length === 0) return;
  const list = lost.map(([id, pins]) => `${id} (${pins} ${pins === 1 ? 'PIN' : 'PINs'})`).join(', ');
  throw new UserError(
    'pin_keys_lost',
    `The database holds PINs encrypted with keys that PIN_ENCRYPTION_KEYS lacks: ${list}. ` +
      'Add these keys behind the first one; a key is named by the first 8 hex digits of its SHA-256. ' +
      'If one is lost, relatch doctor --fix reads its PINs back from Seam.',
  );
}

const unreachableCodes = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  '28P01',
  '3D000',
  '28000',
]);

function unreachableDatabase(error: unknown): UserError | null {
  if (!(error instanceof Error)) return null;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : null;
  if (!unreachableCodes.has(code ?? '') && !isDatabaseAway(error)) return null;
  return new UserError(
    'database_unreachable',
    `The database that DATABASE_URL names cannot be used (${code ?? error.message}). Check its address, name, user and password, and that it is running.`,
    { cause: error },
  );
}
