import { expect, it } from 'vitest';
import { createTestDatabase } from '../support/database.ts';
import { simulate } from './simulate.ts';
import { openStore } from './store.ts';

it('makes one history of one seed', async () => {
  await using database = await createTestDatabase();
  await using store = await openStore(database.socketUrl);
  const options = { seed: 5, days: 2, schedules: 4 };
  const first = await simulate(options, store);
  const second = await simulate(options, store);
  expect(first.trace.length).toBeGreaterThan(1_000);
  expect(second.trace).toBe(first.trace);
});
