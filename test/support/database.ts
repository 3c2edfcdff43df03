import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { createDb, type Db } from '../../src/db/client.ts';
import type {} from './global-setup.ts'; // types what is injected

/** A database of the caller's own. `drop` breaks the connections that are left; it may be called twice. */
export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
  /** The same through a Unix socket, for who goes that way often. */
  readonly socketUrl: string;
  /** Keeps its state of now, as a dump does, while nobody is connected; what this answers with goes back to that state, once. */
  keep(): Promise<() => Promise<void>>;
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
  const keep = async () => {
    const kept = `${name}_kept`;
    await execute(`CREATE DATABASE ${kept} TEMPLATE ${name} STRATEGY FILE_COPY`);
    return async () => {
      await drop();
      await execute(`ALTER DATABASE ${kept} RENAME TO ${name}`);
    };
  };
  const socketUrl = `${url.href}?host=${encodeURIComponent(inject('socketDir'))}`;
  return { url: url.href, socketUrl, keep, drop, [Symbol.asyncDispose]: drop };
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

/** A migrated database with open connections, each of which has had much to learn. */
export interface LentDatabase {
  readonly url: string;
  readonly db: Db;
  /** Lends it again, emptied. One that somebody may still write to is dropped instead. */
  giveBack(options: { isAtRest: boolean }): Promise<void>;
}

const free: LentDatabase[] = [];

/** A database that nobody else in this process has. */
export async function borrowDatabase(): Promise<LentDatabase> {
  return free.pop() ?? lendable(await createTestDatabase());
}

async function lendable({ socketUrl, drop }: TestDatabase): Promise<LentDatabase> {
  const db = createDb({ url: socketUrl, connections: { model: 4, delivery: 2 } });
  const { empty, vacuum } = await emptying(db.pool);
  const before = await triggers(db.pool);
  const lent: LentDatabase = {
    url: socketUrl,
    db,
    async giveBack({ isAtRest }) {
      const isIdle = db.pools().every(({ total, idle }) => total === idle);
      const isEmptied = isAtRest && isIdle && (await emptied());
      if (isEmptied) {
        free.push(lent);
      } else {
        await drop();
        await db.close();
      }
    },
  };
  return lent;

  async function emptied(): Promise<boolean> {
    try {
      await db.pool.query(empty);
      await db.pool.query(vacuum);
      return (await triggers(db.pool)) === before;
    } catch {
      // Somebody holds a lock.
      return false;
    }
  }
}

/** What tests add to a database to have statements fail. */
async function triggers(pool: Db['pool']): Promise<string | undefined> {
  const { rows } = await pool.query<{ names: string }>(
    "select string_agg(tgrelid::regclass || '.' || tgname, ' ' order by oid) as names from pg_trigger where not tgisinternal",
  );
  return rows[0]?.names;
}

/** What brings a migrated database back to its first state. Truncating would do so, too, but sessions lose their plans by it. */
async function emptying(pool: Db['pool']): Promise<{ empty: string; vacuum: string }> {
  const { rows } = await pool.query<{ name: string }>(`
    select format('%I.%I', relnamespace::regnamespace, relname) as name from pg_class
     where relkind in ('r', 'p') and not relispartition
       and (relnamespace = 'public'::regnamespace and relname <> '_prisma_migrations'
            or relnamespace = 'pgboss'::regnamespace and relname not in ('version', 'queue', 'bam'))`);
  const tables = rows.map(({ name }) => name);
  const empty = [
    'begin',
    "set local lock_timeout = '2s'",
    // Neither foreign keys nor triggers.
    'set local session_replication_role = replica',
    ...tables.map((table) => `delete from ${table}`),
    'update pgboss.queue set monitor_claim_on = null, monitor_on = null, maintain_on = null',
    "select setval('history_id_seq', 1, false)",
    'insert into seam_line (id) values (1)',
    'commit',
  ];
  // Rows stand in the order in which they are written only where there were none.
  return { empty: empty.join(';'), vacuum: `vacuum (truncate, skip_locked) ${tables.join(', ')}` };
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
