// What DATA_DIR holds for the embedded PostgreSQL: `postgres`, the cluster, and `postgres.json` (0600) with its place,
// its port and its password. The first process to write that file decides; all others use what it says.

import { randomBytes } from 'node:crypto';
import { chmod, chown, link, mkdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { z } from 'zod';
import { UserError } from '../core/errors.ts';
import { type Account, accountFor, canEnter, sharedFolder } from './embedded-account.ts';
import { locatePrograms, prepareBinaries } from './embedded-binaries.ts';
import type { Cluster } from './embedded-cluster.ts';
import { errorCode, reason } from './embedded-run.ts';

/** Everything that is known about a DATA_DIR before its server is looked for. */
export interface Home {
  readonly cluster: Cluster;
  readonly preferredPort: number | undefined;
  readonly file: string;
}

// Relative to DATA_DIR where it lies inside, so that DATA_DIR may be moved.
const Place = z.object({ clusterDir: z.string().min(1), password: z.string().min(1), port: z.int().optional() });
type Place = z.infer<typeof Place>;

/**
 * Reads or makes what DATA_DIR holds, and the programs and the account to run. Throws a UserError if the programs cannot be
 * used, the folder is not writable, or its file is damaged or belongs to somebody else.
 */
export async function openHome(
  { dataDir, durable = true, socketDir = '' }: { dataDir: string; durable?: boolean; socketDir?: string },
  onNotice: (message: string) => void,
): Promise<Home> {
  // First, because who has no embedded PostgreSQL needs no DATA_DIR, but a DATABASE_URL.
  const programs = await locatePrograms();
  const folder = await makeDataDir(dataDir);
  const file = join(folder, 'postgres.json');
  const known = await readPlace(file);
  const account = await accountFor(known && resolve(folder, known.clusterDir));
  const binaries = await prepareBinaries(programs, account, onNotice);
  const place = known ?? (await choosePlace(folder, file, account, onNotice));
  const { clusterDir, password, port } = place;
  return {
    cluster: { dir: resolve(folder, clusterDir), account, binaries, password, durable, socketDir },
    preferredPort: port,
    file,
  };
}

/** Writes the server's port to the file, for the next start and for people who look for it. */
export async function rememberPort(home: Home, port: number): Promise<void> {
  const place = await readPlace(home.file);
  if (!place || place.port === port) return;
  const draft = await writeDraft(home.file, { ...place, port });
  try {
    // Root must not take the file away from the user whose cluster it uses.
    const { uid, gid } = await stat(home.file);
    if (process.getuid?.() === 0) await chown(draft, uid, gid);
    await rename(draft, home.file);
  } catch (error) {
    await rm(draft, { force: true });
    throw notWritable(home.file, error);
  }
}

/** Makes DATA_DIR if it is not there, and gives its real path. Throws a UserError if that cannot be done. */
export async function makeDataDir(dataDir: string): Promise<string> {
  const folder = resolve(dataDir);
  try {
    // Not private: as root, PostgreSQL's own user must pass. What is inside is private by itself.
    if (await makeFolder(folder)) await chmod(folder, 0o755);
    return await realpath(folder);
  } catch (error) {
    throw notWritable(folder, error);
  }
}

/** Whether it was made now. Node's own `recursive` never ends where the folder above is there but takes none, as in /proc. */
async function makeFolder(folder: string, isAboveMade = false): Promise<boolean> {
  try {
    await mkdir(folder);
    return true;
  } catch (error) {
    if (await isFolder(folder)) return false;
    if (errorCode(error) !== 'ENOENT') throw error;
    if (isAboveMade) throw new Error(`no folder can be made in ${dirname(folder)}`, { cause: error });
  }
  await makeFolder(dirname(folder));
  return makeFolder(folder, true);
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function readPlace(file: string): Promise<Place | undefined> {
  try {
    return Place.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    const damaged = error instanceof SyntaxError || error instanceof z.ZodError;
    throw new UserError(
      'embedded_postgres_place',
      `${file}, which holds the embedded PostgreSQL's password, ${damaged ? 'is damaged' : `cannot be read (${reason(error)})`}: run Relatch as the user it belongs to, restore it, or choose another DATA_DIR`,
      { cause: error },
    );
  }
}

async function choosePlace(
  folder: string,
  file: string,
  account: Account | undefined,
  onNotice: (message: string) => void,
): Promise<Place> {
  const chosen = await chooseClusterDir(folder, account);
  const place = { clusterDir: chosen, password: randomBytes(24).toString('hex') };
  const draft = await writeDraft(file, place);
  try {
    await link(draft, file);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw notWritable(file, error);
    return (await readPlace(file)) ?? place; // another process was first
  } finally {
    await rm(draft, { force: true });
  }
  if (account && isAbsolute(chosen)) {
    onNotice(
      `the user "${account.name}", which PostgreSQL runs as because it refuses root, cannot enter ${folder}: the database is kept in ${chosen}, as ${file} records`,
    );
  }
  return place;
}

async function chooseClusterDir(folder: string, account: Account | undefined): Promise<string> {
  const inside = join(folder, 'postgres');
  if (!account || (await canEnter(account, folder))) return relative(folder, inside);
  // Never reused by another DATA_DIR of the same name, whose password would be another.
  return join(await sharedFolder(account), `cluster-${randomBytes(6).toString('hex')}`);
}

async function writeDraft(file: string, place: Place): Promise<string> {
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    await writeFile(draft, `${JSON.stringify(place, undefined, 2)}\n`, { mode: 0o600, flag: 'wx' });
    return draft;
  } catch (error) {
    await rm(draft, { force: true });
    throw notWritable(file, error);
  }
}

/** Says what in DATA_DIR cannot be written, and why. */
export function notWritable(path: string, error: unknown): UserError {
  const message = `the embedded PostgreSQL needs DATA_DIR, and ${path} cannot be written: ${reason(error)}. Set DATA_DIR to a folder that this user may write to, or set DATABASE_URL.`;
  return new UserError('data_dir_not_writable', message, { cause: error });
}
