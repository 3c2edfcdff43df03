// The unit tests for `npm run test:mutation`. Each runs for every mutant that it covers, so properties are tried on few inputs
// (support/runs.ts); what only many would notice counts as survived: the score that comes out is a lower bound.
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    env: { FEW_RUNS: '1' },
    include: ['test/unit/**/*.test.ts'],
    exclude: ['test/unit/architecture.test.ts', 'test/unit/simulator.test.ts', 'test/unit/env-example.test.ts'],
    testTimeout: 20_000,
  },
});
