import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { type Env, runScript, type Service } from '../support/processes.ts';
import { aDoor, assertNothingSecret, deliver, type Stage, slowMs, startStage, statusOf } from './stage.ts';

const stopsWithinMs = 10_000;

describe.concurrent('a stop', () => {
  it.each([
    'SIGTERM',
    'SIGINT',
  ] as const)('by %s, which a terminal and npm may both send, ends an idle instance with code 0 and closes its connections', async (signal) => {
    await using stage = await startStage();
    const service = await stage.startServing();
    expect(await statusOf(service, '/readyz')).toBe(200);
    service.kill(signal);
    const tookMs = await stop(service, signal);
    expect(tookMs).toBeLessThan(stopsWithinMs);
    await expect(statusOf(service, '/healthz')).rejects.toThrow('fetch failed');
    expect(await connectionsLeft(stage)).toEqual([]);
  });

  it('while a call to Seam hangs waits until it is given up, finds what became of it, and ends in time', async () => {
    await using stage = await startStage();
    const service = await stage.start();
    stage.simulator.faults.next('/access_codes/create', { kind: 'hang', afterCommit: true });
    await stage.apply(aDoor());
    await vi.waitFor(() => expect(stage.simulator.codes()).toHaveLength(1), slowMs);
    const tookMs = await stop(service, 'SIGTERM');
    expect(tookMs).toBeLessThan(stopsWithinMs);
    // The settle time of 2 s is over by then.
    expect(await stage.codes()).toMatchObject([{ state: 'created', adopted: true }]);
    expect(stage.simulator.codes()).toHaveLength(1);
    expect(await connectionsLeft(stage)).toEqual([]);
  });

  it('while every call to Seam hangs gives the jobs back, and another instance makes the codes', async () => {
    await using stage = await startStage();
    const service = await stage.start();
    const doors = Array.from({ length: 12 }, aDoor);
    stage.simulator.faults.next('*', { kind: 'hang' }, { times: 1_000 });
    await stage.apply(...doors);
    await vi.waitFor(() => expect(stage.simulator.requests.length).toBeGreaterThan(4), slowMs);
    const tookMs = await stop(service, 'SIGTERM');
    expect(tookMs).toBeLessThan(stopsWithinMs);
    expect(await connectionsLeft(stage)).toEqual([]);
    stage.simulator.faults.clear();
    await stage.start();
    await vi.waitFor(async () => {
      const codes = await stage.codes();
      expect(codes.map(({ state }) => state)).toEqual(doors.map(() => 'created'));
    }, slowMs);
    expect(stage.simulator.codes()).toHaveLength(doors.length);
  });

  it('under deliveries loses none that was acknowledged', async () => {
    await using stage = await startStage();
    const service = await stage.startServing();
    const removed = await stage.outlive();
    expect(await deliver(service, removed)).toBe(202);
    await stop(service, 'SIGTERM');
    await stage.start();
    await vi.waitFor(async () => {
      expect((await stage.codes()).map(({ state }) => state)).toEqual(['removed', 'created']);
    }, slowMs);
    expect(stage.simulator.codes()).toHaveLength(1);
  });
});

it('shares the embedded PostgreSQL with the seed, plans what it brings without a restart, and leaves nothing running', async () => {
  await using stage = await startStage();
  const dataDir = await mkdtemp(join(tmpdir(), 'relatch-e2e-'));
  await chmod(dataDir, 0o755); // as root, PostgreSQL's own user must pass
  try {
    const { DATABASE_URL: _, PIN_ENCRYPTION_KEYS: __, ...rest } = stage.env;
    const env: Env = { ...rest, DATA_DIR: dataDir };
    const service = await stage.start({ DATABASE_URL: '', PIN_ENCRYPTION_KEYS: '', DATA_DIR: dataDir });
    const postmaster = await postmasterPid(dataDir);
    const seed = await runScript(fileURLToPath(new URL('../../prisma/seed.ts', import.meta.url)), { env });
    stage.heard(seed.output);
    expect(seed).toMatchObject({ code: 0 });
    expect(seed.output).toContain('5 created, 0 changed, 0 unchanged');
    // Six doors in all, of which the biweekly one and others may have their next window only later than a code may exist.
    await vi.waitFor(() => expect(stage.simulator.codes().length).toBeGreaterThanOrEqual(3), slowMs);
    await stop(service, 'SIGTERM');
    assertNothingSecret(service.logs() + seed.output, await filedSecrets(dataDir));
    await vi.waitFor(() => expect(() => process.kill(postmaster, 0)).toThrow('ESRCH'), slowMs);
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
});

/** Stops an instance and answers with how long that took; it must end with code 0. */
async function stop(service: Service, signal: NodeJS.Signals): Promise<number> {
  const startedMs = performance.now();
  service.kill(signal);
  const exit = await service.exited;
  expect(exit, service.logs().slice(-3_000)).toEqual({ code: 0, signal: null });
  return performance.now() - startedMs;
}

async function connectionsLeft({ db }: Stage): Promise<string[]> {
  const { rows } = await db.query<{ application_name: string }>(
    `select application_name from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and application_name <> ''`,
  );
  return rows.map(({ application_name }) => application_name);
}

/** What the embedded PostgreSQL and the PIN vault keep in their files. */
async function filedSecrets(dataDir: string): Promise<Map<string, string>> {
  const { password } = JSON.parse(await readFile(join(dataDir, 'postgres.json'), 'utf8')) as { password: string };
  const pinKey = (await readFile(join(dataDir, 'pin-encryption-key'), 'utf8')).trim();
  return new Map(Object.entries({ password, pinKey }));
}

async function postmasterPid(dataDir: string): Promise<number> {
  const { clusterDir } = JSON.parse(await readFile(join(dataDir, 'postgres.json'), 'utf8')) as { clusterDir: string };
  const [pid] = (await readFile(join(dataDir, clusterDir, 'postmaster.pid'), 'utf8')).split('\n');
  return Number(pid);
}
