import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('..', import.meta.url));
const globalSetup = [fileURLToPath(new URL('./support/global-setup.ts', import.meta.url))];
// Tests wait for the database half of their time: one worker on two cores, the default, would leave one of them idle.
const maxWorkers = 2;
// A third one uses what the two leave of the cores while they wait for their databases.
const smallWorkers = 3;
// They hold how long a start, a stop or a takeover lasts against a bound: nothing runs beside them but one another, as they mostly wait.
const clocked = ['test/e2e/kill.test.ts', 'test/e2e/stop.test.ts', 'test/e2e/start.test.ts'];

// Histories that are held against no time: what plays fifty of them, and is, has both cores to itself.
const fewHistories = ['test/simulation/sabotage.test.ts', 'test/simulation/one-seed.test.ts'];

// It takes all that there is, and holds how soon it is answered against a bound.
const alone = ['test/e2e/fault-burst.test.ts'];

export default defineConfig({
  root,
  test: {
    projects: [
      {
        root,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          testTimeout: 60_000,
          maxWorkers: smallWorkers,
        },
      },
      {
        root,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts', 'test/contract/**/*.test.ts'],
          globalSetup,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: smallWorkers,
          isolate: false,
        },
      },
      {
        root,
        test: {
          name: 'histories',
          include: fewHistories,
          globalSetup,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: smallWorkers,
        },
      },
      {
        root,
        test: {
          name: 'simulation',
          include: ['test/simulation/**/*.test.ts'],
          exclude: fewHistories,
          globalSetup,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers,
          sequence: { groupOrder: 4 },
        },
      },
      {
        root,
        test: {
          name: 'e2e',
          include: clocked,
          globalSetup,
          testTimeout: 180_000,
          hookTimeout: 120_000,
          maxWorkers: clocked.length,
          sequence: { groupOrder: 1 },
        },
      },
      {
        root,
        test: {
          name: 'burst',
          include: alone,
          globalSetup,
          testTimeout: 180_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        root,
        test: {
          name: 'faults',
          include: ['test/e2e/**/*.test.ts'],
          exclude: [...clocked, ...alone],
          globalSetup,
          testTimeout: 180_000,
          hookTimeout: 120_000,
          // They mostly wait (for dead workers, calls that hang, a database that is gone), each for itself.
          maxWorkers,
          // Of one file: all of them.
          maxConcurrency: 7,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
