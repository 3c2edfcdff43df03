// One PostgreSQL for the whole run, and in it one database that is migrated once and cloned by every test file.

import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { openEmbeddedDatabase } from '../../src/db/embedded.ts';
import { migrate } from '../../src/db/migrate.ts';

const inMemoryBytes = 4 * 2 ** 30;

declare module 'vitest' {
  export interface ProvidedContext {
    /** The server's maintenance database; a database of one's own comes from test/support/database.ts. */
    postgresUrl: string;
    templateDatabase: string;
    /** Of the server's Unix socket. */
    socketDir: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = await mkdtemp(join(await fastestDir(), 'relatch-test-'));
  await chmod(dataDir, 0o755); // as root, PostgreSQL's own user must pass
  const socketDir = join(dataDir, 'socket');
  await mkdir(socketDir, { mode: 0o777 });
  await chmod(socketDir, 0o777); // whatever the umask
  const embedded = await openEmbeddedDatabase({
    dataDir,
    socketDir,
    durable: false,
    onNotice: (message) => console.warn(message),
  });
  const teardown = async (): Promise<void> => {
    await embedded.close();
    await rm(dataDir, { recursive: true, force: true });
  };
  try {
    const template = `template_${randomBytes(4).toString('hex')}`;
    await trustSocket(embedded.url);
    await migrateTemplate(embedded.url, template);
    project.provide('postgresUrl', embedded.url);
    project.provide('socketDir', socketDir);
    project.provide('templateDatabase', template);
  } catch (error) {
    await teardown();
    throw error;
  }
  return teardown;
}

/** In memory where there is enough of it: each test clones a database of some 400 files, which a disk feels. */
async function fastestDir(): Promise<string> {
  const inMemory = '/dev/shm';
  const space = await statfs(inMemory).catch(() => null);
  return space !== null && space.bavail * space.bsize >= inMemoryBytes ? inMemory : tmpdir();
}

/** Through the socket without a password: proving one takes longer than the rest of a connection's start. */
async function trustSocket(serverUrl: string): Promise<void> {
  const admin = new pg.Client({ connectionString: serverUrl });
  await admin.connect();
  try {
    const { rows } = await admin.query<{ hba_file: string }>('SHOW hba_file');
    const [file] = rows.map(({ hba_file }) => hba_file);
    if (file === undefined) throw new Error('a server has a hba_file');
    const rules = await readFile(file, 'utf8');
    await writeFile(file, rules.replaceAll(/^(local\s.*)scram-sha-256$/gm, '$1trust'));
    await admin.query('SELECT pg_reload_conf()');
  } finally {
    await admin.end();
  }
}

async function migrateTemplate(serverUrl: string, template: string): Promise<void> {
  const admin = new pg.Client({ connectionString: serverUrl });
  await admin.connect();
  try {
    await admin.query(`CREATE DATABASE ${template}`);
    const url = new URL(serverUrl);
    url.pathname = template;
    await migrate({ databaseUrl: url.href, migrationsDir: new URL('../../prisma/migrations', import.meta.url) });
    // A database that somebody is connected to cannot be cloned.
    await admin.query(`ALTER DATABASE ${template} WITH ALLOW_CONNECTIONS false IS_TEMPLATE true`);
  } finally {
    await admin.end();
  }
}
