import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import {
  findPostmaster,
  freePort,
  initialiseCluster,
  OWNER,
  startServer,
  stopServer,
} from '../../src/db/embedded-cluster.ts';
import { openHome } from '../../src/db/embedded-home.ts';
import { migrate } from '../../src/db/migrate.ts';

/** A PostgreSQL of the caller's own, which may be stopped and crashed. Nothing of it is left when it is disposed of. */
export interface Postgres extends AsyncDisposable {
  /** A new database in it. */
  create(name: string, options?: { isMigrated?: boolean }): Promise<string>;
  /** Sessions are broken off; what was committed is kept. */
  stop(): Promise<void>;
  /** Its processes end at once, as if the machine had lost its power. */
  crash(): Promise<void>;
  /** On the same port as before. */
  start(): Promise<void>;
}

/** It writes to disk as a production database does: what it has acknowledged survives a crash. */
export async function startPostgres(): Promise<Postgres> {
  const dataDir = await mkdtemp(join(tmpdir(), 'relatch-postgres-'));
  await chmod(dataDir, 0o755); // as root, PostgreSQL's own user must pass
  const { cluster } = await openHome({ dataDir }, () => undefined);
  await initialiseCluster(cluster);
  const port = await freePort();
  const start = async (): Promise<void> => {
    const outcome = await startServer(cluster, port);
    if (outcome !== 'started') throw new Error(`PostgreSQL did not start: ${outcome}`);
  };
  const gone = async (): Promise<void> => {
    while ((await findPostmaster(cluster)) !== undefined) await new Promise(setImmediate);
  };
  await start();
  const urlOf = (name: string): string => `postgresql://${OWNER}:${cluster.password}@127.0.0.1:${port}/${name}`;
  return {
    async create(name, { isMigrated = false } = {}) {
      const admin = new pg.Client({ connectionString: urlOf('postgres') });
      await admin.connect();
      await admin.query(`create database ${name}`);
      await admin.end();
      const migrationsDir = new URL('../../prisma/migrations', import.meta.url);
      if (isMigrated) await migrate({ databaseUrl: urlOf(name), migrationsDir });
      return urlOf(name);
    },
    stop: () => stopServer(cluster),
    async crash() {
      const server = await findPostmaster(cluster);
      if (server === undefined) return;
      process.kill(server.pid, 'SIGQUIT');
      await gone();
    },
    start,
    async [Symbol.asyncDispose]() {
      await stopServer(cluster);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
