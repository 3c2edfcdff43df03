// Brings the database to what this code expects: prisma/migrations without Prisma's command line (which stays out of the
// container), then pg-boss's own schema, both in one locked step. `_prisma_migrations` is kept as Prisma keeps it, so
// that `prisma migrate` can go on from here. Limit: it needs a session of its own, so no PgBouncer in transaction mode.

import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { PgBoss } from 'pg-boss';
import { UserError } from '../core/errors.ts';
import { queueSchema } from './queue.ts';

export interface MigrationReport {
  /** Names of the migrations that this call applied, in order. */
  readonly applied: readonly string[];
  /** Names that the database has and this code does not: a newer Relatch was here. Worth a warning. */
  readonly newerInDatabase: readonly string[];
}

export interface MigrateOptions {
  readonly databaseUrl: string;
  readonly migrationsDir: URL | string;
  /** How long to wait while another process migrates. */
  readonly waitMs?: number;
}

interface Migration {
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

interface MigrationRow {
  readonly migration_name: string;
  readonly checksum: string;
  readonly finished_at: Date | null;
  readonly rolled_back_at: Date | null;
  readonly logs: string | null;
}

// The key that Prisma's own `migrate` locks, so that the two exclude each other.
const PRISMA_MIGRATE_LOCK = 72_707_369;
const connectsWithinMs = 5_000;
const DEFAULT_WAIT_MS = 5 * 60_000;
const LOCK_POLL_MS = 100;
const INDEX_POLL_MS = 100;

// As Prisma writes it.
const CREATE_TABLE = `CREATE TABLE _prisma_migrations (
    id                      VARCHAR(36) PRIMARY KEY NOT NULL,
    checksum                VARCHAR(64) NOT NULL,
    finished_at             TIMESTAMPTZ,
    migration_name          VARCHAR(255) NOT NULL,
    logs                    TEXT,
    rolled_back_at          TIMESTAMPTZ,
    started_at              TIMESTAMPTZ NOT NULL DEFAULT now(),
    applied_steps_count     INTEGER NOT NULL DEFAULT 0
)`;

/**
 * Applies what is missing; does nothing on a database that is up to date. Safe to call from several processes at once:
 * one works, the others wait. Throws a UserError, saying which migration and what to do, if one failed (now or before)
 * or was edited after it was applied, if the database holds somebody else's tables, or if another process holds the lock
 * for longer than `waitMs`. That the database can be reached is the caller's business.
 */
export async function migrate(options: MigrateOptions): Promise<MigrationReport> {
  const migrations = await readMigrations(options.migrationsDir);
  const client = new pg.Client({
    connectionString: options.databaseUrl,
    application_name: 'relatch migrate',
    connectionTimeoutMillis: connectsWithinMs,
  });
  client.on('error', () => undefined); // the statement in hand fails as well, and says more
  await client.connect();
  try {
    // A database or role may set these for everyone; a migration takes as long as it takes.
    await client.query('SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0');
    await lock(client, options.waitMs ?? DEFAULT_WAIT_MS);
    const report = await applyMigrations(client, migrations);
    await migrateQueue(options.databaseUrl);
    return report;
  } finally {
    await client.end(); // releases the lock
  }
}

/** What `migrate` would find and do; changes nothing. */
export async function examineMigrations(
  client: pg.ClientBase,
  migrationsDir: URL | string,
): Promise<{ missing: readonly string[]; newerInDatabase: readonly string[]; problem: string | null }> {
  const migrations = await readMigrations(migrationsDir);
  try {
    const { missing, newerInDatabase } = compare(migrations, await storedHistory(client));
    return { missing: missing.map(({ name }) => name), newerInDatabase, problem: null };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { missing: [], newerInDatabase: [], problem: error.message };
  }
}

async function readMigrations(migrationsDir: URL | string): Promise<Migration[]> {
  const folder = migrationsDir instanceof URL ? fileURLToPath(migrationsDir) : migrationsDir;
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
    return await Promise.all(
      names.sort().map(async (name) => {
        const sql = await readFile(join(folder, name, 'migration.sql'), 'utf8');
        return { name, sql, checksum: checksumOf(sql) };
      }),
    );
  } catch (error) {
    throw new UserError('migrations_unreadable', `the migrations in ${folder} cannot be read: ${String(error)}`, {
      cause: error,
    });
  }
}

function checksumOf(sql: string): string {
  return createHash('sha256').update(sql).digest('hex');
}

/** Asks again and again: a session that waits inside PostgreSQL would block CREATE INDEX CONCURRENTLY of the other. */
async function lock(client: pg.Client, waitMs: number): Promise<void> {
  const deadline = Date.now() + waitMs;
  for (;;) {
    const { rows } = await client.query<{ locked: boolean }>('SELECT pg_try_advisory_lock($1) AS locked', [
      PRISMA_MIGRATE_LOCK,
    ]);
    if (rows[0]?.locked) return;
    if (Date.now() >= deadline) break;
    await delay(LOCK_POLL_MS);
  }
  throw new UserError(
    'migration_lock_timeout',
    `another process has been migrating this database for more than ${Math.round(waitMs / 1_000)} s: look at its log; if it hangs, end it (in pg_stat_activity it is the session that holds advisory lock ${PRISMA_MIGRATE_LOCK} in pg_locks) and start again`,
  );
}

async function applyMigrations(client: pg.Client, migrations: readonly Migration[]): Promise<MigrationReport> {
  const rows = await storedHistory(client);
  if (rows === null) await client.query(CREATE_TABLE);
  const { missing, newerInDatabase } = compare(migrations, rows);
  for (const migration of missing) await apply(client, migration);
  return { applied: missing.map((migration) => migration.name), newerInDatabase };
}

/** Held against each other. @throws UserError where one failed before, or was edited since. */
function compare(
  migrations: readonly Migration[],
  rows: readonly MigrationRow[] | null,
): { missing: Migration[]; newerInDatabase: string[] } {
  const standing = (rows ?? []).filter((row) => row.rolled_back_at === null);
  const known = new Map(migrations.map((migration) => [migration.name, migration]));
  for (const row of standing) {
    if (row.finished_at === null) throw failedBefore(row);
    const migration = known.get(row.migration_name);
    if (migration && !isSame(migration, row.checksum)) throw edited(migration.name);
  }
  const done = new Set(standing.map((row) => row.migration_name));
  return {
    missing: migrations.filter((migration) => !done.has(migration.name)),
    newerInDatabase: [...done].filter((name) => !known.has(name)),
  };
}

/** Null where the database is empty. */
async function storedHistory(client: pg.ClientBase): Promise<MigrationRow[] | null> {
  const { rows: tables } = await client.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c
      WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
      ORDER BY 1`,
  );
  const names = tables.map((table) => table.name);
  if (!names.includes('_prisma_migrations')) {
    // Prisma refuses too (P3005): these tables are another program's, or this one's without its history.
    if (names.length > 0) throw foreignTables(names);
    return null;
  }
  const { rows } = await client.query<MigrationRow>(
    'SELECT migration_name, checksum, finished_at, rolled_back_at, logs FROM _prisma_migrations ORDER BY started_at',
  );
  return rows;
}

/** Git may have changed the ends of lines since; Prisma does not mind either. */
function isSame(migration: Migration, checksum: string): boolean {
  const unix = migration.sql.replaceAll('\r\n', '\n');
  return [migration.sql, unix, unix.replaceAll('\n', '\r\n')].some((sql) => checksumOf(sql) === checksum);
}

/** One row before and its end after, outside the migration's transaction: a crash between the two must show. */
async function apply(client: pg.Client, migration: Migration): Promise<void> {
  const id = randomUUID();
  await client.query(
    'INSERT INTO _prisma_migrations (id, checksum, started_at, migration_name) VALUES ($1, $2, clock_timestamp(), $3)',
    [id, migration.checksum, migration.name],
  );
  try {
    await client.query(migration.sql);
  } catch (error) {
    const logs = describe(error);
    // The migration may have opened a transaction of its own. If the connection is gone, a row without an end says enough.
    await client.query('ROLLBACK').catch(() => undefined);
    await client.query('UPDATE _prisma_migrations SET logs = $2 WHERE id = $1', [id, logs]).catch(() => undefined);
    throw new UserError('migration_failed', `migration ${migration.name} failed: ${logs}. ${wayOut(migration.name)}`, {
      cause: error,
    });
  }
  await client.query(
    'UPDATE _prisma_migrations SET applied_steps_count = applied_steps_count + 1, finished_at = clock_timestamp() WHERE id = $1',
    [id],
  );
}

function describe(error: unknown): string {
  if (!(error instanceof pg.DatabaseError)) return String(error);
  const place = error.position ? `, at character ${error.position}` : '';
  const detail = error.detail ? ` (${error.detail})` : '';
  return `${error.message}${detail} [${error.code ?? 'no code'}${place}]`;
}

function wayOut(name: string): string {
  return `Find out what of it is in the database (PostgreSQL undoes a failed migration, unless it has a COMMIT of its own). To run it again: UPDATE _prisma_migrations SET rolled_back_at = now() WHERE migration_name = '${name}' AND finished_at IS NULL. To take it as done: the same with SET finished_at = now()`;
}

function failedBefore(row: MigrationRow): UserError {
  const cause = row.logs ?? 'it was interrupted and left no reason';
  const name = row.migration_name;
  return new UserError('migration_failed_before', `migration ${name} did not finish: ${cause}. ${wayOut(name)}`);
}

function edited(name: string): UserError {
  const message = `migration ${name} was changed after it had been applied to this database: put its file back as it was, and make the change in a new migration`;
  return new UserError('migration_edited', message);
}

function foreignTables(names: readonly string[]): UserError {
  const some = names.slice(0, 5).join(', ') + (names.length > 5 ? ', …' : '');
  const message = `the database holds tables (${some}) but no _prisma_migrations: give Relatch a database of its own in DATABASE_URL`;
  return new UserError('database_not_empty', message);
}

/**
 * Creates or upgrades pg-boss's schema through pg-boss itself. Some of its upgrades leave indexes to a background worker
 * that runs only in instances with `migrate`, so it is waited for here; the service's own run without.
 */
async function migrateQueue(databaseUrl: string): Promise<void> {
  const boss = new PgBoss({
    connectionString: databaseUrl,
    schema: queueSchema,
    application_name: 'relatch migrate',
    migrate: true,
    bamIntervalSeconds: 10, // the shortest that it allows: when to try a failed index again
    max: 2,
    ...{ supervise: false, schedule: false, registerInstance: false },
  });
  let problem: unknown;
  boss.on('error', (error) => {
    problem = error;
  });
  try {
    await boss.start();
    while ((await boss.getBamStatus()).some(({ status }) => status !== 'completed')) {
      if (problem) throw problem;
      await delay(INDEX_POLL_MS);
    }
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new UserError('queue_migration_failed', `the job queue's tables (pg-boss) could not be prepared: ${cause}`, {
      cause: error,
    });
  } finally {
    await boss.stop({ graceful: false });
  }
}
