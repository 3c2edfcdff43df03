// node test/upgrade/make.mjs [COMMIT]: makes test/fixtures/upgrade/COMMIT.sql and .json anew, in a clone of its own, by running
// fill.ts on the code and the tests' world of that commit. Needs what `npm ci` installs, git, and half a minute.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [commit = '3f0367e'] = process.argv.slice(2);
const root = fileURLToPath(new URL('../..', import.meta.url));
const clone = mkdtempSync(join(tmpdir(), 'relatch-upgrade-'));
const run = (program, ...args) => {
  const { status } = spawnSync(program, args, { cwd: clone, stdio: 'inherit', env: environment });
  if (status !== 0) throw new Error(`${program} ${args[0]} failed`);
};
const environment = { ...process.env, UPGRADE_FIXTURE: join(root, 'test/fixtures/upgrade', commit) };
try {
  run('git', 'clone', '--quiet', root, '.');
  run('git', 'checkout', '--quiet', commit);
  symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'));
  run(process.execPath, 'prisma/generate.mjs');
  copyFileSync(join(root, 'test/upgrade/fill.ts'), join(clone, 'test/integration/fill.test.ts'));
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  run(
    process.execPath,
    vitest,
    'run',
    '--config',
    'test/vitest.config.ts',
    '--project',
    'integration',
    'test/integration/fill.test.ts',
  );
} finally {
  rmSync(clone, { recursive: true, force: true });
}
