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

/** A migrated database with open connections, each of which has had much to learn. */
export interface LentDatabase {
  readonly url: string;
  readonly db: Db;
  /** Keeps its rows, as a dump does, while no service runs; what this answers with brings them back. */
  backUp(): Promise<() => Promise<void>>;
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
  const tables = await tablesOf(db.pool);
  const empty = emptying(tables);
  const before = await triggers(db.pool);
  const lent: LentDatabase = {
    url: socketUrl,
    db,
    async backUp() {
      const copies = tables.map((table, index) => ({ table, copy: `kept.t${index}` }));
      const copied = copies.map(({ table, copy }) => `create table ${copy} as table ${table}`);
      await db.pool.query(['create schema kept', ...copied].join(';'));
      return async () => {
        const filled = copies.map(({ table, copy }) => `insert into ${table} table ${copy}`);
        const sequence = "select setval('history_id_seq', (select coalesce(max(id), 0) + 1 from history), false)";
        await db.pool.query(withoutTriggers([...emptied(tables), ...filled, sequence, 'drop schema kept cascade']));
      };
    },
    async giveBack({ isAtRest }) {
      const isIdle = db.pools().every(({ total, idle }) => total === idle);
      const isEmptied = isAtRest && isIdle && (await isBackInFirstState());
      if (isEmptied) {
        free.push(lent);
      } else {
        await drop();
        await db.close();
      }
    },
  };
  return lent;

  async function isBackInFirstState(): Promise<boolean> {
    try {
      await db.pool.query(empty);
      // Rows stand in the order in which they are written only where there were none.
      await db.pool.query(`vacuum (truncate, skip_locked) ${tables.join(', ')}`);
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

/** All tables but those that say how the database is made. */
async function tablesOf(pool: Db['pool']): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(`
    select format('%I.%I', relnamespace::regnamespace, relname) as name from pg_class
     where relkind in ('r', 'p') and not relispartition
       and (relnamespace = 'public'::regnamespace and relname <> '_prisma_migrations'
            or relnamespace = 'pgboss'::regnamespace and relname not in ('version', 'queue', 'bam'))`);
  return rows.map(({ name }) => name);
}

// Truncating would empty them, too, but sessions lose their plans by it.
const emptied = (tables: readonly string[]): string[] => tables.map((table) => `delete from ${table}`);

/** What brings a migrated database back to its first state. */
function emptying(tables: readonly string[]): string {
  return withoutTriggers([
    ...emptied(tables),
    'update pgboss.queue set monitor_claim_on = null, monitor_on = null, maintain_on = null',
    "select setval('history_id_seq', 1, false)",
    'insert into seam_line (id) values (1)',
  ]);
}

/** Statements that neither triggers nor foreign keys see. */
function withoutTriggers(statements: readonly string[]): string {
  const settings = ["set local lock_timeout = '2s'", 'set local session_replication_role = replica'];
  return ['begin', ...settings, ...statements, 'commit'].join(';');
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
