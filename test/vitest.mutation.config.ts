// The unit tests for `npm run test:mutation`, without those that take seconds: each runs for every mutant that it covers. What
// only they would notice counts as survived, so the score that comes out is a lower bound.
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const slow = [
  'every single day',
  'in every zone',
  'rrule-temporal',
  'whatever instant',
  'answers any text',
  'any JSON',
  'exactly when one of the occurrences',
  'each step on its own',
  'do not depend on the order',
  'it opens nothing',
  'they close nothing',
  'never throws later',
  'every window there is',
];

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    include: ['test/unit/**/*.test.ts'],
    exclude: ['test/unit/architecture.test.ts', 'test/unit/simulator.test.ts', 'test/unit/env-example.test.ts'],
    testNamePattern: new RegExp(`^(?!.*(${slow.join('|')}))`),
    testTimeout: 20_000,
  },
});
