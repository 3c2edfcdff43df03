// A judge that never finds anything proves nothing: what is broken on purpose is found out, for what it is, and told so that it can
// be played again.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase } from '../support/database.ts';
import { tell } from './report.ts';
import { sabotages, statementsOf } from './sabotages.ts';
import { simulate } from './simulate.ts';
import { openStore, type Store } from './store.ts';

const stack = new AsyncDisposableStack();
let store: Store;
beforeAll(async () => {
  const database = stack.use(await createTestDatabase());
  store = stack.use(await openStore(database.socketUrl));
});
afterAll(() => stack.disposeAsync());

const size = { days: 2, schedules: 4 };

it.each(sabotages)('finds out when $what', async ({ api, onRow, invariant, seed }) => {
  const statements = onRow === undefined ? null : statementsOf(onRow);
  if (statements !== null) await store.pool.query(statements.breaks);
  try {
    const sabotage = api === undefined ? {} : { sabotage: api };
    const result = await simulate({ seed, ...size, ...sabotage }, store);
    expect(result.violation?.invariant).toBe(invariant);
    expect(result.lines.length).toBeGreaterThan(0);
    expect(tell(result)).toContain(`Again: npm run simulate -- --seed ${seed} --days 2 --schedules 4`);
  } finally {
    if (statements !== null) await store.pool.query(statements.mends);
  }
});
