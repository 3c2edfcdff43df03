// Faults that no retry gets over, where a handler really meets them: in its own statements on its own database.
import type pg from 'pg';
import type { World } from './relatch.ts';
import { type SignedDelivery, sign } from './sign.ts';

const message = 'poisoned: PIN 471108, key seam_test_abcdefgh at postgres://relatch:word@db/relatch';

/** Words of the poison that nobody may be told. */
export const poisonSecrets = ['471108', 'seam_test_abcdefgh', ':word@'] as const;

type Poisoned = 'history' | 'access_codes' | 'inbox';

/** Makes every write of a row fail that matches, until the cure is called. Jobs made from now on are tried `attempts` times. */
export function poison(world: World, table: Poisoned, condition: string, attempts = 1): Promise<() => Promise<void>> {
  return poisonDatabase(world.relatch.deps.db.pool, table, condition, attempts);
}

/** As `poison`, for a service in a process of its own. */
export async function poisonDatabase(
  pool: pg.Pool,
  table: Poisoned,
  condition: string,
  attempts = 1,
): Promise<() => Promise<void>> {
  const name = `poison_${table}`;
  // Not in the queue's settings: every program that starts sets those.
  await pool.query(`create or replace function few_retries() returns trigger language plpgsql as $$
    begin new.retry_limit := ${attempts - 1}; return new; end $$`);
  await pool.query(`create or replace trigger few_retries before insert on pgboss.job for each row
    when (new.name in ('event', 'plan')) execute function few_retries()`);
  await pool.query(`create or replace function ${name}() returns trigger language plpgsql as $$
    begin raise exception '${message}'; end $$`);
  await pool.query(`create trigger ${name} before insert or update on ${table} for each row when (${condition})
    execute function ${name}()`);
  return async () => {
    await pool.query(`drop trigger ${name} on ${table}`);
  };
}

/** Sends a delivery as Seam does; the answer's status. */
export async function deliver(world: World, { body, headers }: SignedDelivery): Promise<number> {
  const response = await fetch(`${world.relatch.url}/webhooks/seam`, { method: 'POST', body, headers });
  await response.arrayBuffer();
  return response.status;
}

/** As `deliver`, for an event that is signed here and now. */
export function deliverEvent(world: World, event: object): Promise<number> {
  return deliver(world, sign(JSON.stringify(event)));
}
