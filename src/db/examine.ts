// Looks at a database as it is, before anything else does: with a session of its own, changing nothing.
import pg from 'pg';
import type { DatabaseFacts, MigrationFacts } from '../core/checkup.ts';
import { dbConnections } from './client.ts';
import { examineMigrations } from './migrate.ts';
import { queueConnections } from './queue.ts';

/** How many sessions one replica of the service may hold. */
export const sessionsNeeded = dbConnections.model + dbConnections.delivery + queueConnections;

export interface ExaminedDatabase extends DatabaseFacts {
  readonly migrations: MigrationFacts;
  /** By how much this machine's clock is ahead of the database's. */
  readonly aheadMs: number;
}

interface FactsRow {
  readonly version: string;
  readonly number: string;
  readonly encoding: string;
  readonly time_zone: string;
  readonly now: Date;
  readonly sessions: number;
}

const answersWithinMs = 5_000;

// Each limit less those who count for it; Relatch's own sessions are free for it. -1: no limit.
const facts = `
  with held as (
    select datname, usename from pg_stat_activity where datid is not null and application_name not like 'relatch%'),
  db as (select datconnlimit as most, (select count(*) from held where datname = current_database()) as held
           from pg_database where datname = current_database()),
  role as (select rolconnlimit as most, (select count(*) from held where usename = current_user) as held
             from pg_roles where rolname = current_user)
  select current_setting('server_version') as version, current_setting('server_version_num') as number,
         pg_encoding_to_char((select encoding from pg_database where datname = current_database())) as encoding,
         (select reset_val from pg_settings where name = 'TimeZone') as time_zone, clock_timestamp() as now,
         least(current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
                 - (select count(*) from held),
               (select most - held from db where most >= 0), (select most - held from role where most >= 0))::int as sessions`;

/** @throws what `pg` throws where the database does not answer */
export async function examineDatabase(options: {
  url: string;
  migrationsDir: URL | string;
  now: () => Date;
}): Promise<ExaminedDatabase> {
  const client = new pg.Client({
    connectionString: options.url,
    application_name: 'relatch doctor',
    connectionTimeoutMillis: answersWithinMs,
    query_timeout: answersWithinMs,
  });
  client.on('error', () => undefined); // the statement in hand fails as well, and says more
  await client.connect();
  try {
    const before = options.now().getTime();
    const { rows } = await client.query<FactsRow>(facts);
    const between = (before + options.now().getTime()) / 2;
    const [row] = rows;
    if (row === undefined) throw new Error('the database told nothing of itself');
    const migrations = await examineMigrations(client, options.migrationsDir);
    return {
      version: row.version,
      versionNumber: Number(row.number),
      encoding: row.encoding,
      timeZone: row.time_zone,
      sessions: row.sessions,
      aheadMs: between - row.now.getTime(),
      migrations,
    };
  } finally {
    await client.end();
  }
}
