// The database of one or more histories, one after the other: emptied in between. Its `now()` is virtual time, so that leases,
// retries and what waits in the inbox go by the same clock as everything else.
import pg from 'pg';
import { openTool, type Tool } from '../../src/deps.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { ReadCache } from './read-cache.ts';
import { markerPrefix } from './replica.ts';

export interface Store extends AsyncDisposable {
  readonly tool: Tool;
  readonly cache: ReadCache;
  /** Statements of the scheduler's own, which nothing strikes. */
  readonly pool: pg.Pool;
  /** Nothing is in it any more, and it is as late as given. */
  empty(now: number): Promise<void>;
}

const tables = [
  'access_codes',
  'alerts',
  'dead_letters',
  'devices',
  'door_blackouts',
  'history',
  'holiday_lists',
  'inbox',
  'installation',
  'schedules',
  'seam_budgets',
];

// What rows are given where nobody says it was bound to the real clock when their tables were made.
const defaultsByVirtualTime = `
  do $$ declare one record; begin
    for one in
      select format('alter table %s alter column %I set default %s', a.attrelid::regclass, a.attname,
                    replace(replace(pg_get_expr(d.adbin, d.adrelid), 'CURRENT_TIMESTAMP', 'now()'), 'now()', 'public.now()')) as command
        from pg_attrdef d
        join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
        join pg_class c on c.oid = d.adrelid
       where c.relnamespace in ('public'::regnamespace, 'pgboss'::regnamespace)
         and pg_get_expr(d.adbin, d.adrelid) ~ '(pg_catalog\\.|[^.]|^)(now\\(\\)|CURRENT_TIMESTAMP)'
    loop execute replace(one.command, 'pg_catalog.public.', 'public.'); end loop;
  end $$`;

/** @param url an empty database, or one that is migrated */
export async function openStore(url: string): Promise<Store> {
  const config = {
    database: { url, dataDir: '' },
    pinKeys: [Buffer.alloc(32, 7)],
    endpoints: { allowedNetworks: [] },
    log: { level: 'warn' as const },
  };
  const log = createLog({ level: 'silent' });
  const prepared = await openTool(config, { log }, 'tool');
  await prepared[Symbol.asyncDispose]();
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  pool.on('error', () => undefined);
  const name = new URL(url).pathname.slice(1);
  // The tables are small: planning a statement anew costs more than it finds.
  await pool.query(`
    create schema if not exists simulation;
    create table if not exists simulation.clock (at timestamptz not null);
    delete from simulation.clock;
    insert into simulation.clock values (now());
    create or replace function public.now() returns timestamptz language sql stable as 'select at from simulation.clock';
    alter database "${name}" set search_path = public, pg_catalog;
    alter database "${name}" set plan_cache_mode = force_generic_plan`);
  await pool.query(defaultsByVirtualTime);
  // Opened anew, because only new connections take the search path.
  const tool = await openTool(config, { log }, 'tool');
  const cache = new ReadCache();
  return {
    tool,
    cache,
    pool,
    async empty(now) {
      cache.clearAll();
      await pool.query('update simulation.clock set at = $1', [new Date(now)]);
      await pool.query(`truncate ${tables.map((table) => `public.${table}`).join(', ')} restart identity cascade;
        delete from pgboss.job;
        delete from public.seam_line;
        insert into public.seam_line (id) values (1);
        insert into public.installation (id, marker_prefix) values (1, '${markerPrefix}')`);
    },
    async [Symbol.asyncDispose]() {
      await pool.end();
      await tool[Symbol.asyncDispose]();
    },
  };
}
