// Generates Prisma's client after an install. A production install has no Prisma CLI: there the bundle in dist/ is what runs.
// The CLI insists on a schema engine that `generate` never starts; any existing file keeps it from downloading one.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);

const cli = (() => {
  try {
    const manifest = require.resolve('prisma/package.json');
    return join(dirname(manifest), require(manifest).bin.prisma);
  } catch {
    return null;
  }
})();

if (cli === null) {
  console.log('prisma generate: skipped, the Prisma CLI is not installed (production install)');
} else {
  const { status } = spawnSync(
    process.execPath,
    [cli, 'generate', '--config', join('prisma', 'prisma.config.ts'), '--no-hints'],
    {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        ...process.env,
        PRISMA_SCHEMA_ENGINE_BINARY: process.env.PRISMA_SCHEMA_ENGINE_BINARY ?? join(root, 'package.json'),
      },
    },
  );
  process.exit(status ?? 1);
}
