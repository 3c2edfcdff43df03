import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { aDoor, slowMs, startStage, statusOf } from './stage.ts';

describe.concurrent('a start', () => {
  it('tells every problem of the environment at once, without a secret, with exit code 2', async () => {
    await using stage = await startStage();
    const secrets = ['hunter2hunter2', 'not-a-key-at-all', 'not_seam_but_secret', 'whsec_%%%secret'];
    const [password, pinKey, apiKey, webhookSecret] = secrets as [string, string, string, string];
    const wrong = await stage.fail({
      DATABASE_URL: `mysql://relatch:${password}@localhost/relatch`,
      PIN_ENCRYPTION_KEYS: pinKey,
      SEAM_API_KEY: apiKey,
      SEAM_WEBHOOK_SECRETS: webhookSecret,
      PORT: 'http',
      WORKER_CONCURRENCY: '0',
      LOG_LEVEL: 'loud',
    });
    expect(wrong).toMatchObject({ code: 2 });
    const named = ['DATABASE_URL', 'PIN_ENCRYPTION_KEYS', 'SEAM_API_KEY', 'SEAM_WEBHOOK_SECRETS'];
    for (const name of [...named, 'PORT', 'WORKER_CONCURRENCY', 'LOG_LEVEL'])
      expect(wrong.output).toContain(`${name}:`);
    for (const secret of secrets) expect(wrong.output).not.toContain(secret);
    expect(wrong.output).not.toContain('    at ');

    const empty = await stage.fail({});
    expect(empty).toMatchObject({ code: 2 });
    for (const name of ['SEAM_API_KEY', 'SEAM_WEBHOOK_SECRETS']) expect(empty.output).toContain(`${name}:`);
  });

  it('names the key by which the database holds PINs and which the environment lacks', async () => {
    await using stage = await startStage();
    await stage.apply(aDoor());
    const { rows } = await stage.db.query<{ pin_key_id: string }>('select pin_key_id from schedules');
    const ended = await stage.fail({ ...stage.env, PIN_ENCRYPTION_KEYS: randomBytes(32).toString('base64') });
    expect(ended).toMatchObject({ code: 2 });
    expect(ended.output).toContain(rows[0]!.pin_key_id);
    expect(ended.output).not.toContain('    at ');
  });

  it.each([
    ['refuses connections', async () => ({ port: await freePort() })],
    ['refuses the password', () => ({ password: 'wrong-password-9d1f' })],
    ['does not exist', () => ({ pathname: 'nowhere' })],
  ])('says in a sentence that the database %s', async (_, change) => {
    await using stage = await startStage();
    const url = new URL(stage.env.DATABASE_URL!);
    Object.assign(url, await change());
    const ended = await stage.fail({ ...stage.env, DATABASE_URL: url.href });
    expect(ended, ended.output).toMatchObject({ code: 2 });
    expect(ended.output).toContain('DATABASE_URL');
    expect(ended.output).not.toContain('    at ');
    expect(ended.output).not.toContain(url.password);
  });

  it('on a port that another instance has ends with a sentence and leaves that instance alone', async () => {
    await using stage = await startStage();
    const first = await stage.start();
    const { port } = new URL(first.url);
    const second = await stage.fail({ ...stage.env, PORT: port });
    expect(second.code, second.output).toBe(2);
    expect(second.output).toContain(`port ${port}`);
    expect(second.output).not.toContain('    at ');
    await vi.waitFor(async () => expect(await statusOf(first, '/readyz')).toBe(200), slowMs);
  });

  it('with a token answers at /v1, and has the page of the API beside it in dist', async () => {
    await using stage = await startStage();
    const token = randomBytes(24).toString('base64');
    const service = await stage.start({ ADMIN_TOKENS: `ana:${token}` });
    const headers = { authorization: `Bearer ${token}` };
    const listed = await fetch(`${service.url}/v1/schedules`, { headers });
    expect([listed.status, await listed.json()]).toEqual([200, { items: [], next_cursor: null }]);
    expect(await statusOf(service, '/v1/schedules')).toBe(401);
    expect(await statusOf(service, '/openapi.json')).toBe(200);
    for (const name of ['swagger-ui.css', 'swagger-ui-bundle.js']) {
      const served = await (await fetch(`${service.url}/docs/${name}`)).text();
      expect(served).toBe(await readFile(new URL(`../../dist/${name}`, import.meta.url), 'utf8'));
    }
    expect(service.logs()).not.toContain(token);
  });

  it('of four instances on an empty database brings all of them up and applies each migration once', async () => {
    await using stage = await startStage({ isEmpty: true });
    const services = await Promise.all(Array.from({ length: 4 }, () => stage.start()));
    for (const service of services) {
      await vi.waitFor(async () => expect(await statusOf(service, '/readyz')).toBe(200), slowMs);
    }
    const folder = await readdir(new URL('../../prisma/migrations', import.meta.url), { withFileTypes: true });
    const names = folder.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    const { rows } = await stage.db.query<{ migration_name: string; finished: boolean }>(
      'select migration_name, finished_at is not null as finished from _prisma_migrations order by migration_name',
    );
    expect(rows).toEqual(names.sort().map((migration_name) => ({ migration_name, finished: true })));
    expect((await stage.db.query('select id from installation')).rows).toHaveLength(1);
    await stage.apply(aDoor());
    await vi.waitFor(async () => expect(await stage.codes()).toMatchObject([{ state: 'created' }]), slowMs);
    expect(stage.simulator.codes()).toHaveLength(1);
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
