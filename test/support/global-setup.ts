// One PostgreSQL for the whole run, and in it one database that is migrated once and cloned by every test file.

import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { openEmbeddedDatabase } from '../../src/db/embedded.ts';
import { migrate } from '../../src/db/migrate.ts';

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
  const dataDir = await mkdtemp(join(tmpdir(), 'relatch-test-'));
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
