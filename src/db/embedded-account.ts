// PostgreSQL refuses to run as root. Where Relatch does, the cluster runs under an account of its own, and everything
// that this account needs must lie where it is let in.

import { chmod, lstat, mkdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { UserError } from '../core/errors.ts';
import { lastLines, run } from './embedded-run.ts';

/** A system user that PostgreSQL's programs are run as. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

const NAME = 'postgres';

/**
 * The account to run a cluster under; undefined means ours, which is everything but root. An existing cluster keeps its
 * owner; a new one gets the system user `postgres`, which is made if there is none. Throws a UserError if that fails.
 */
export async function accountFor(clusterDir: string | undefined): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const owner = clusterDir && (await stat(clusterDir).catch(() => undefined));
  if (owner && owner.uid !== 0) return { name: String(owner.uid), uid: owner.uid, gid: owner.gid };
  return (await lookUp()) ?? (await create());
}

async function lookUp(): Promise<Account | undefined> {
  const [uid, gid] = await Promise.all(['-u', '-g'].map((flag) => run('id', [flag, NAME], { account: undefined })));
  if (uid?.exitCode !== 0 || gid?.exitCode !== 0) return undefined;
  return { name: NAME, uid: Number.parseInt(uid.stdout, 10), gid: Number.parseInt(gid.stdout, 10) };
}

async function create(): Promise<Account> {
  const args = ['--system', '--user-group', '--no-create-home', '--home-dir', '/nonexistent', NAME];
  const failure = await run('useradd', args, { account: undefined }).then(
    (made) => lastLines(made.stderr),
    (error: unknown) => String(error),
  );
  // Asked again whatever useradd said: another process may have been quicker.
  const account = await lookUp();
  if (account) return account;
  throw new UserError(
    'embedded_postgres_account',
    `the embedded PostgreSQL cannot run as root, and the system user "${NAME}" could not be created (${failure}): run Relatch as another user, create the user "${NAME}", or set DATABASE_URL`,
  );
}

/** Whether the account is let into a folder, asked of the system itself: modes alone do not tell (ACLs, mounts). */
export async function canEnter(account: Account, folder: string): Promise<boolean> {
  const entered = await run('/bin/sh', ['-c', 'cd -- "$1"', 'sh', folder], { account }).catch(() => undefined);
  return entered?.exitCode === 0;
}

/**
 * A folder that the account can reach and only root can write to, for what cannot stay where it was. Temporary folders
 * come second: they may be emptied at any time. Throws a UserError if there is none.
 */
export async function sharedFolder(account: Account): Promise<string> {
  const tried: string[] = [];
  for (const folder of ['/var/lib/relatch', join(tmpdir(), 'relatch-root')]) {
    tried.push(folder);
    if (!(await stat(dirname(folder)).catch(() => undefined))) continue;
    const made = await mkdir(folder, { mode: 0o755 }).then(
      () => true,
      () => false,
    );
    if (made) await chmod(folder, 0o755); // the umask may have taken something away
    // In a temporary folder anybody may have put something of that name, a link to elsewhere for instance.
    const found = await lstat(folder).catch(() => undefined);
    const safe = found?.isDirectory() && found.uid === 0 && (found.mode & 0o022) === 0;
    if (safe && (await canEnter(account, folder))) return folder;
  }
  throw new UserError(
    'embedded_postgres_unreachable',
    `the user "${account.name}", which PostgreSQL runs as because it refuses root, needs a folder that it can enter and that only root can write to, and none of ${tried.join(', ')} is one: run Relatch as another user, or set DATABASE_URL`,
  );
}
