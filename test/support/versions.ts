import type { Db } from '../../src/db/client.ts';

/** What every table holds, with the transaction that wrote each row last. */
export async function versions({ pool }: Db): Promise<Record<string, string>> {
  const { rows } = await pool.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
      where schemaname = 'public' or (schemaname = 'pgboss' and tablename like 'job%') order by 1`,
  );
  const held: Record<string, string> = {};
  for (const { name } of rows) {
    const { rows: found } = await pool.query<{ held: string }>(
      `select coalesce(string_agg(xmin::text || ':' || ctid::text, ',' order by ctid), '') as held from ${name}`,
    );
    held[name] = found[0]?.held ?? '';
  }
  return held;
}
