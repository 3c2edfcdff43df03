import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import type { Db } from '../../src/db/client.ts';
import type {} from './global-setup.ts'; // types what is injected

/** A database of the caller's own. `drop` breaks the connections that are left; it may be called twice. */
export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
  /** The same through a Unix socket, for who goes that way often. */
  readonly socketUrl: string;
  drop(): Promise<void>;
}

/** A database with everything migrated: a clone of the run's template. */
export function createTestDatabase(): Promise<TestDatabase> {
  // Copying files is quicker than logging their pages, as nothing is synced.
  return createDatabase(`TEMPLATE ${inject('templateDatabase')} STRATEGY FILE_COPY`);
}

/** A database with nothing in it. */
export function createEmptyDatabase(): Promise<TestDatabase> {
  return createDatabase('TEMPLATE template0');
}

async function createDatabase(options: string): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  await execute(`CREATE DATABASE ${name} ${options}`);
  const url = new URL(inject('postgresUrl'));
  url.pathname = name;
  const drop = () => execute(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  const socketUrl = `${url.href}?host=${encodeURIComponent(inject('socketDir'))}`;
  return { url: url.href, socketUrl, drop, [Symbol.asyncDispose]: drop };
}

async function execute(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: inject('postgresUrl') });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/** Every row of every table of ours and of the queue, as text. */
export async function dump({ pool }: Pick<Db, 'pool'>): Promise<string> {
  const { rows: tables } = await pool.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('public', 'pgboss')`,
  );
  const texts: string[] = [];
  for (const { name } of tables) {
    const { rows } = await pool.query<{ row: string }>(`select t::text as row from ${name} t`);
    texts.push(...rows.map(({ row }) => `${name} ${row}`));
  }
  return texts.join('\n');
}
