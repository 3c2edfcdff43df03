// One PostgreSQL cluster on disk: created, started, stopped and recognised. Several processes may do each at the same
// time: a cluster is created aside and renamed into place, and PostgreSQL's own postmaster.pid lets one server win.

import { randomBytes } from 'node:crypto';
import { chown, link, mkdtemp, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { UserError } from '../core/errors.ts';
import type { Account } from './embedded-account.ts';
import type { Binaries } from './embedded-binaries.ts';
import { errorCode, lastLines, reason, run } from './embedded-run.ts';

/** A cluster, whether or not it exists or runs. */
export interface Cluster {
  readonly dir: string;
  readonly account: Account | undefined;
  readonly binaries: Binaries;
  readonly password: string;
  readonly durable: boolean;
  /** Empty: no socket but TCP. */
  readonly socketDir: string;
}

/** What a living server's postmaster.pid says. The port is undefined until the server has chosen it. */
export interface Postmaster {
  readonly pid: number;
  readonly port: number | undefined;
}

/** The role that owns the cluster, and the name of its database. */
export const OWNER = 'relatch';

const STARTS_WITHIN_SECONDS = 120;
const STOPS_WITHIN_SECONDS = 60;
const STOP_POLL_MS = 20;

/** Creates the cluster if there is none. Throws a UserError if that fails or another major version's cluster is there. */
export async function initialiseCluster(cluster: Cluster): Promise<void> {
  if (await exists(cluster.dir)) return checkVersion(cluster);
  const staging = await mkdtemp(`${cluster.dir}.new-`).catch((error: unknown) => {
    throw cannotCreate(cluster, reason(error), error);
  });
  try {
    const made = join(staging, 'cluster');
    const passwordFile = join(staging, 'password');
    await writeFile(passwordFile, `${cluster.password}\n`, { mode: 0o600 });
    if (cluster.account) {
      await chown(passwordFile, cluster.account.uid, cluster.account.gid);
      await chown(staging, cluster.account.uid, cluster.account.gid);
    }
    const args = [`--pgdata=${made}`, `--username=${OWNER}`, `--pwfile=${passwordFile}`, '--auth=scram-sha-256'];
    // The locale is PostgreSQL's own, so that no locale of the system is needed and all systems sort alike.
    args.push('--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8');
    args.push('--no-instructions', ...(cluster.durable ? [] : ['--no-sync']));
    const { exitCode, stdout, stderr } = await run(cluster.binaries.initdb, args, { account: cluster.account });
    if (exitCode !== 0) throw cannotCreate(cluster, lastLines(stderr) || lastLines(stdout));
    // Whoever renames second finds a full folder in the way, and that is the cluster to use.
    await rename(made, cluster.dir).catch(async (error: unknown) => {
      if (!(await exists(cluster.dir))) throw cannotCreate(cluster, reason(error), error);
    });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  await checkVersion(cluster);
}

function cannotCreate(cluster: Cluster, cause: string, error?: unknown): UserError {
  const message = `the embedded PostgreSQL could not create its cluster in ${cluster.dir}: ${cause}`;
  return new UserError('embedded_postgres_create', message, { cause: error });
}

async function checkVersion(cluster: Cluster): Promise<void> {
  const version = await readFile(join(cluster.dir, 'PG_VERSION'), 'utf8').catch((error: unknown) => {
    throw new UserError(
      'embedded_postgres_cluster',
      `${cluster.dir} is not a PostgreSQL cluster that Relatch can read (PG_VERSION: ${reason(error)}): move it away, or choose another DATA_DIR`,
      { cause: error },
    );
  });
  if (version.trim() === cluster.binaries.majorVersion) return;
  throw new UserError(
    'embedded_postgres_version',
    `${cluster.dir} holds a cluster of PostgreSQL ${version.trim()}, but the embedded PostgreSQL is ${cluster.binaries.majorVersion}, which cannot read it: dump it with the Relatch that made it and restore it here, or choose another DATA_DIR`,
  );
}

/**
 * Starts the server on 127.0.0.1, in a session of its own so that a terminal's Ctrl-C does not reach it. Returns
 * 'started'; 'other' if another process's server is in the way, alive or dying, so that the caller looks again; or
 * 'port_taken'. Throws a UserError for every other failure.
 */
export async function startServer(cluster: Cluster, port: number): Promise<'started' | 'other' | 'port_taken'> {
  const log = join(cluster.dir, 'server.log');
  const logStart = await trimmedSize(log);
  const settings = [
    'listen_addresses=127.0.0.1',
    `unix_socket_directories=${cluster.socketDir === '' ? '' : quoted(cluster.socketDir)}`,
    'max_connections=200',
    'shared_buffers=64MB',
    'timezone=UTC',
    'log_timezone=UTC',
    'log_checkpoints=off',
    'log_min_error_statement=panic', // statements may hold what must not be logged
    ...(cluster.durable ? [] : ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off']),
  ];
  const options = [`-p ${port}`, ...settings.map((setting) => `-c ${setting}`)].join(' ');
  const args = ['start', '-w', '-t', String(STARTS_WITHIN_SECONDS), '-D', cluster.dir, '-l', log, '-o', options];
  const { exitCode, stderr } = await run(cluster.binaries.pgCtl, args, { account: cluster.account });
  if (exitCode === 0) return 'started';

  const logged = await readFrom(log, logStart);
  if (/lock file ".*" already exists|pre-existing shared memory block/.test(logged)) return 'other';
  if (/could not (bind|create any TCP\/IP sockets)/.test(logged)) return 'port_taken';
  throw new UserError(
    'embedded_postgres_start',
    `the embedded PostgreSQL in ${cluster.dir} did not start: ${lastLines(logged) || lastLines(stderr) || 'it gave no reason'} (see ${log})`,
  );
}

/** One folder of PostgreSQL's list of them, as a word of the shell that pg_ctl hands its options to. */
function quoted(folder: string): string {
  const entry = `"${folder.replaceAll('"', '""')}"`;
  return `'${entry.replaceAll("'", `'\\''`)}'`;
}

/** Stops the server, breaking the sessions that are left, and returns when it is gone. Throws a UserError if it stays. */
export async function stopServer(cluster: Cluster): Promise<void> {
  const server = await findPostmaster(cluster);
  if (server === undefined) return;
  const args = ['stop', '-W', '-m', 'fast', '-D', cluster.dir];
  const { stderr } = await run(cluster.binaries.pgCtl, args, { account: cluster.account });
  // Not pg_ctl's own waiting: it would wait for the server that a newcomer may have started by then.
  const deadline = Date.now() + STOPS_WITHIN_SECONDS * 1_000;
  while ((await findPostmaster(cluster))?.pid === server.pid) {
    if (Date.now() > deadline) {
      const cause = lastLines(stderr) || `process ${server.pid} is still there after ${STOPS_WITHIN_SECONDS} s`;
      throw new UserError('embedded_postgres_stop', `the embedded PostgreSQL in ${cluster.dir} did not stop: ${cause}`);
    }
    await delay(STOP_POLL_MS);
  }
}

/** The living server of this cluster, if there is one; a postmaster.pid that a crash left behind does not count. */
export async function findPostmaster(cluster: Cluster): Promise<Postmaster | undefined> {
  const file = join(cluster.dir, 'postmaster.pid');
  const content = await readFile(file, 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw new UserError('embedded_postgres_cluster', `${file} cannot be read: ${reason(error)}`, { cause: error });
  });
  if (content === undefined) return undefined;
  const lines = content.split('\n');
  const pid = Number.parseInt(lines[0] ?? '', 10);
  const port = Number.parseInt(lines[3] ?? '', 10);
  if (!Number.isInteger(pid) || pid <= 0) return { pid: 0, port: undefined }; // just being written
  if (!isAlive(pid)) return undefined;
  if ((await isServerOf(cluster, pid)) === false) {
    await discard(file, content);
    return undefined;
  }
  return { pid, port: port > 0 ? port : undefined };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) !== 'ESRCH';
  }
}

/** After a crash the pid may belong to any process, and PostgreSQL would refuse to start. Undefined if nobody can tell. */
async function isServerOf(cluster: Cluster, pid: number): Promise<boolean | undefined> {
  // PostgreSQL's server works in its cluster's folder. A dead process that nobody has waited for has no folder.
  const workingDir = await stat(`/proc/${pid}/cwd`).catch(errorCode);
  if (typeof workingDir === 'object') {
    const clusterDir = await stat(cluster.dir);
    return workingDir.ino === clusterDir.ino && workingDir.dev === clusterDir.dev;
  }
  if (workingDir === 'ENOENT' && (await exists('/proc/self/cwd'))) return false;
  const listed = await run('ps', ['-o', 'command=', '-p', String(pid)], { account: undefined }).catch(() => undefined);
  if (listed?.exitCode !== 0 || listed.stdout.trim() === '') return undefined;
  return listed.stdout.includes('postgres');
}

/** Removes a stale postmaster.pid, but not the one that another process's server may have written since it was read. */
async function discard(file: string, stale: string): Promise<void> {
  const aside = `${file}.stale-${randomBytes(6).toString('hex')}`;
  if (
    !(await rename(file, aside).then(
      () => true,
      () => false,
    ))
  )
    return;
  if ((await readFile(aside, 'utf8')) !== stale) await link(aside, file).catch(() => undefined);
  await rm(aside, { force: true });
}

/** A port of 127.0.0.1 that nobody listens on at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening, fail) => {
    server.once('error', fail).listen(0, '127.0.0.1', listening);
  });
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port');
  return address.port;
}

/** The log's size; a log that has grown long over many starts is emptied first. */
async function trimmedSize(log: string): Promise<number> {
  const size = await stat(log).then(
    (found) => found.size,
    () => 0,
  );
  if (size < 10_000_000) return size;
  await truncate(log);
  return 0;
}

async function readFrom(log: string, position: number): Promise<string> {
  const content = await readFile(log).catch(() => Buffer.alloc(0));
  return content.subarray(position).toString('utf8');
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
