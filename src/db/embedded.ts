// The embedded default: without a DATABASE_URL, a PostgreSQL of Relatch's own in DATA_DIR, which needs nobody to install
// or run it. Several processes share it. Who is there is told by shared advisory locks in the cluster itself: PostgreSQL
// releases a crashed process's lock, so there is no lock file that could go stale. Whoever leaves and then gets the
// exclusive lock was the last one and stops the server; whoever comes meanwhile is refused the shared lock and waits.

import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { UserError } from '../core/errors.ts';
import {
  type Cluster,
  findPostmaster,
  freePort,
  initialiseCluster,
  OWNER,
  startServer,
  stopServer,
} from './embedded-cluster.ts';
import { openHome, rememberPort } from './embedded-home.ts';
import { errorCode, reason } from './embedded-run.ts';

/** This process's share of the embedded PostgreSQL. */
export interface EmbeddedDatabase {
  /** For `pg` and Prisma. Holds the password. */
  readonly url: string;
  /** Leaves; the last process to leave stops the server. Connections to it should be closed before. Repeatable. */
  close(): Promise<void>;
}

export interface EmbeddedOptions {
  readonly dataDir: string;
  /** False trades safety in a crash of the machine for speed; for tests. Counts when the server is started. */
  readonly durable?: boolean;
  /** Where a Unix socket is made, too, which is a third faster than TCP; for tests. Counts when the server is started. */
  readonly socketDir?: string;
  /** Told, in one sentence each, what the person who runs Relatch should know: folders moved, server restarted. */
  readonly onNotice?: (message: string) => void;
}

interface Membership {
  readonly client: pg.Client;
  readonly port: number;
}

const MEMBERS_LOCK = 7_203_120_451;
const JOIN_WITHIN_MS = 180_000;
const POLL_MS = 50;
const LONGEST_REJOIN_PAUSE_MS = 10_000;

/**
 * Joins the cluster in `dataDir`, which is created and started as needed; a server that a crashed process left behind is
 * adopted. If the server dies while this process lives, it is started again on the same port. The membership keeps the
 * process alive until `close()`. Throws a UserError, with the cause in its message, if there is no way to a database.
 */
export async function openEmbeddedDatabase(options: EmbeddedOptions): Promise<EmbeddedDatabase> {
  const onNotice = options.onNotice ?? (() => undefined);
  const home = await openHome(options, onNotice);
  await initialiseCluster(home.cluster);
  const membership = await join(home.cluster, home.preferredPort, false);
  const url = `postgresql://${OWNER}:${home.cluster.password}@127.0.0.1:${membership.port}/${OWNER}`;
  try {
    await rememberPort(home, membership.port);
    await ensureDatabase(membership.client);
  } catch (error) {
    await leave(home.cluster, membership.client);
    throw error;
  }
  const close = stayMember(home.cluster, membership, onNotice);
  return { url, close };
}

/** Finds or starts the server and becomes a member. With `fixedPort` the server is started on `port` or not at all. */
async function join(cluster: Cluster, port: number | undefined, fixedPort: boolean): Promise<Membership> {
  const deadline = Date.now() + JOIN_WITHIN_MS;
  let nextPort = port;
  while (Date.now() < deadline) {
    const postmaster = await findPostmaster(cluster);
    if (postmaster === undefined) {
      const outcome = await startServer(cluster, nextPort ?? (await freePort()));
      if (outcome === 'port_taken') {
        if (fixedPort) throw new Error(`port ${nextPort} is taken by another program`);
        nextPort = undefined;
      }
      if (outcome === 'other') await delay(POLL_MS);
      continue;
    }
    const client = postmaster.port && (await enter(cluster, postmaster.port));
    if (client) return { client, port: Number(postmaster.port) };
    await delay(POLL_MS);
  }
  throw new UserError(
    'embedded_postgres_unresponsive',
    `the embedded PostgreSQL in ${cluster.dir} did not answer within ${JOIN_WITHIN_MS / 1_000} s: see server.log there`,
  );
}

/** Undefined if the server is starting, stopping or gone, so that the caller looks again. */
async function enter(cluster: Cluster, port: number): Promise<pg.Client | undefined> {
  const client = new pg.Client({
    ...{ host: '127.0.0.1', port, user: OWNER, password: cluster.password, database: 'postgres', ssl: false },
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    application_name: 'relatch member',
  });
  client.on('error', () => undefined); // a lost connection shows as 'end'; without a listener it would end the process
  try {
    await client.connect();
    const { rows } = await client.query<{ joined: boolean }>('SELECT pg_try_advisory_lock_shared($1) AS joined', [
      MEMBERS_LOCK,
    ]);
    if (rows[0]?.joined) return client;
  } catch (error) {
    const code = errorCode(error);
    if (code === '28P01') throw wrongPassword(cluster, error);
    // 57P03: starting up or shutting down. 57P01: shut down under us. No code: pg's own "terminated" and "timeout".
    const passing = [undefined, '57P01', '57P03', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT'];
    if (!passing.includes(code)) {
      const message = `the embedded PostgreSQL in ${cluster.dir} refused a connection: ${reason(error)}`;
      throw new UserError('embedded_postgres_connect', message, { cause: error });
    }
  }
  await client.end().catch(() => undefined);
  return undefined;
}

function wrongPassword(cluster: Cluster, cause: unknown): UserError {
  return new UserError(
    'embedded_postgres_password',
    `the embedded PostgreSQL in ${cluster.dir} does not accept the password in postgres.json of DATA_DIR: restore that file, or choose another DATA_DIR`,
    { cause },
  );
}

async function ensureDatabase(client: pg.Client): Promise<void> {
  const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [OWNER]);
  if (rowCount) return;
  await client.query(`CREATE DATABASE ${OWNER}`).catch((error: unknown) => {
    // Another process was quicker: seen before (42P04) or after (23505) it had committed.
    if (!['42P04', '23505'].includes(errorCode(error) ?? '')) throw error;
  });
}

/** Keeps the membership through failures of the server; returns the way to leave. */
function stayMember(cluster: Cluster, first: Membership, onNotice: (message: string) => void): () => Promise<void> {
  const leaving = new AbortController();
  let client = first.client;
  let rejoining: Promise<void> = Promise.resolve();
  let left: Promise<void> | undefined;

  const rejoin = async (): Promise<void> => {
    onNotice(`the embedded PostgreSQL in ${cluster.dir} went away: Relatch brings it back`);
    let told = '';
    for (let pauseMs = POLL_MS; !leaving.signal.aborted; pauseMs = Math.min(pauseMs * 2, LONGEST_REJOIN_PAUSE_MS)) {
      try {
        client = (await join(cluster, first.port, true)).client;
        watch();
        return;
      } catch (error) {
        if (told !== reason(error)) onNotice(`the embedded PostgreSQL is not back yet: ${reason(error)}`);
        told = reason(error);
      }
      await delay(pauseMs, undefined, { signal: leaving.signal }).catch(() => undefined);
    }
  };
  const watch = (): void => {
    client.once('end', () => {
      if (!leaving.signal.aborted) rejoining = rejoin();
    });
  };
  const close = async (): Promise<void> => {
    leaving.abort();
    await rejoining;
    await leave(cluster, client);
  };

  watch();
  return () => {
    left ??= close();
    return left;
  };
}

async function leave(cluster: Cluster, client: pg.Client): Promise<void> {
  let last = false;
  try {
    await client.query('SELECT pg_advisory_unlock_shared($1)', [MEMBERS_LOCK]);
    const { rows } = await client.query<{ last: boolean }>('SELECT pg_try_advisory_lock($1) AS last', [MEMBERS_LOCK]);
    last = rows[0]?.last ?? false;
  } catch {
    // The server is gone, or was stopped by somebody else: nothing is left to stop.
  }
  try {
    if (last) await stopServer(cluster);
  } finally {
    await client.end().catch(() => undefined);
  }
}
