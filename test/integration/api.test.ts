// The HTTP API over real HTTP, on the real database and the simulator.
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import request from 'supertest';
import { expect, it } from 'vitest';
import { createDb } from '../../src/db/client.ts';
import { createHttpApp } from '../../src/http/app.ts';
import { call } from '../support/api.ts';
import { adminToken, aSchedule, frontDoor, startWorld } from '../support/relatch.ts';

const now = '2027-03-08T12:00:00Z';

it('creates, reads, lists and changes schedules, and does not let one editor overwrite another', async () => {
  await using world = await startWorld({ now });
  const told = await call(world, 'POST /v1/schedules?dry_run=true', { body: aSchedule() });
  expect(told).toMatchObject({ status: 201, body: { outcome: 'created', dry_run: true, version: null } });
  expect(told.body.plan[0].appearing[0]).toEqual({
    starts_at: '2027-03-08T14:00:00.000Z',
    ends_at: '2027-03-08T22:00:00.000Z',
  });
  expect(await call(world, 'GET /v1/schedules/crew')).toMatchObject({
    status: 404,
    body: { code: 'schedule_unknown' },
  });

  const made = await call(world, 'POST /v1/schedules', { body: aSchedule() });
  expect(made).toMatchObject({ status: 201, body: { key: 'crew', outcome: 'created', version: 1, plan: [] } });
  expect(made.headers.get('location')).toBe('/v1/schedules/crew');
  const again = await call(world, 'POST /v1/schedules', { body: aSchedule() });
  expect(again).toMatchObject({ status: 409, body: { code: 'schedule_exists' } });

  const read = await call(world, 'GET /v1/schedules/crew');
  expect(read).toMatchObject({ status: 200, body: { ...aSchedule(), pin: 'keep', status: 'active', version: 1 } });
  const etag = read.headers.get('etag')!;
  expect(etag).toBe('"1"');

  const change = { body: { name: 'Night crew', holder: 'Ana' } };
  expect(await call(world, 'PATCH /v1/schedules/crew', change)).toMatchObject({ status: 428 });
  const changed = await call(world, 'PATCH /v1/schedules/crew', { ...change, headers: { 'if-match': etag } });
  expect(changed).toMatchObject({ status: 200, body: { outcome: 'changed', version: 2 } });
  expect(changed.headers.get('etag')).toBe('"2"');
  const late = await call(world, 'PATCH /v1/schedules/crew', { ...change, headers: { 'if-match': etag } });
  expect(late).toMatchObject({ status: 412, body: { code: 'version_differs' } });

  for (const key of ['a', 'b']) await call(world, 'POST /v1/schedules', { body: aSchedule({ key, status: 'paused' }) });
  const first = await call(world, 'GET /v1/schedules?limit=2');
  expect(first.body.items.map(({ key }: { key: string }) => key)).toEqual(['a', 'b']);
  const second = await call(world, `GET /v1/schedules?limit=2&cursor=${first.body.next_cursor}`);
  expect(second.body).toMatchObject({ items: [{ key: 'crew' }], next_cursor: null });
  const keysOf = async (query: string): Promise<string[]> => {
    const { body } = await call(world, `GET /v1/schedules?${query}`);
    return body.items.map(({ key }: { key: string }) => key);
  };
  expect(await keysOf('q=NIGHT')).toEqual(['crew']);
  expect(await keysOf('q=%25')).toEqual([]);
  expect(await keysOf('holder=Ana')).toEqual(['crew']);
  expect(await keysOf('status=paused')).toEqual(['a', 'b']);
  expect(await keysOf(`device_id=${frontDoor}`)).toEqual(['a', 'b', 'crew']);
  expect(await keysOf('device_id=other')).toEqual([]);

  const { detail } = await world.relatch.deps.db.prisma.historyEntry.findFirstOrThrow({
    where: { kind: 'schedule.created' },
  });
  expect(detail).toMatchObject({ by: 'alice' });
});

it('answers nobody without a token of its own', async () => {
  await using world = await startWorld({ now });
  for (const token of [null, 'token-of-nobody-for-the-api', `${adminToken}x`]) {
    const refused = await call(world, 'GET /v1/schedules', { token });
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toMatch(/^Bearer /);
    expect(refused.text).not.toContain('token-of');
  }
  const basic = { authorization: `Basic ${btoa(`alice:${adminToken}`)}` };
  expect((await call(world, 'GET /v1/schedules', { token: null, headers: basic })).status).toBe(401);
  expect((await call(world, 'GET /v1/nothing', { token: null })).status).toBe(401);
  expect((await call(world, 'GET /v1/nothing')).status).toBe(404);
  expect((await call(world, 'DELETE /v1/schedules')).headers.get('allow')).toBe('GET, POST, HEAD');
  expect(world.logLines.join('')).not.toContain(adminToken);
});

it('tells what is wrong with a request, each with its path, and nothing else', async () => {
  await using world = await startWorld({ now });
  const windows = [{ rrule: 'FREQ=SOMETIMES', from: '09:00', to: '17:00' }];
  const body = { ...aSchedule({ pin: '12', windows }), colour: 'red' };
  const refused = await call(world, 'POST /v1/schedules', { body });
  expect(refused).toMatchObject({ status: 400, body: { code: 'request_invalid' } });
  const paths = refused.body.errors.map(({ path }: { path: string }) => path);
  expect(paths.toSorted()).toEqual(['colour', 'pin', 'windows[0].rrule']);
  const query = await call(world, 'GET /v1/schedules?limit=201&statsu=active');
  expect(query.body.errors).toEqual([
    { path: 'limit', message: 'It must be at most 200.' },
    {
      path: 'statsu',
      message: 'This parameter is not known. The parameters here are device_id, status, holder, q, cursor, limit.',
    },
  ]);
  expect((await call(world, 'POST /v1/schedules/crew/extend', { body: {} })).body.errors).toEqual([
    { path: 'until', message: 'It is missing: add it.' },
  ]);
  expect(await call(world, 'GET /v1/schedules?q=%00')).toMatchObject({
    status: 400,
    body: { errors: [{ path: 'q' }] },
  });
  const raw = async (text: string, headers: Record<string, string> = {}): Promise<number> =>
    (await call(world, 'POST /v1/schedules', { raw: text, headers })).status;
  expect(await raw('{"key":')).toBe(400);
  expect(await raw('')).toBe(400);
  expect(await raw('[]')).toBe(400);
  expect(await raw(`{"key":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)).toBe(400);
  const wide = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`field${index}`, 1]));
  expect((await call(world, 'POST /v1/schedules', { body: wide })).body.code).toBe('body_too_wide');
  const long = await call(world, 'POST /v1/schedules', { body: aSchedule({ timezone: 'x'.repeat(200_000) }) });
  expect(long.text.length).toBeLessThan(1_000);
  expect(await raw('key: crew', { 'content-type': 'application/yaml' })).toBe(415);
  expect(await raw(`{"key":"${'x'.repeat(300_000)}"}`)).toBe(413);
  expect(
    await raw(
      JSON.stringify(
        aSchedule({ blackouts: [{ from: '2027-03-09T00:00', to: '2027-03-09T01:00', reason: '\ud800' }] }),
      ),
    ),
  ).toBe(400);
});

it('says that it can be sent again while the database is away or starts, and does not log what was sent', async () => {
  await using world = await startWorld({ now });
  await using starting = await startingDatabase();
  for (const port of [1, starting.port]) {
    const gone = createDb({ url: `postgresql://nobody:secret@127.0.0.1:${port}/none` });
    const deps = { ...world.relatch.deps, db: gone };
    const api = { ...deps, tokens: world.config.api.tokens };
    const app = createHttpApp({ ...deps, api, webhooks: [], pump: { wake: () => undefined }, parts: () => [] });
    const read = /^Nothing was read\. Try again later/;
    for (const [asked, detail] of [
      [request(app).get('/v1/schedules'), read],
      // Read by SQL of ours, whose errors look different.
      [request(app).get('/v1/dead-letters'), read],
      [
        request(app)
          .post('/v1/schedules')
          .send(aSchedule({ pin: '71940283' })),
        /^Whether it was done is not known/,
      ],
    ] as const) {
      const answer = await asked.set({ authorization: `Bearer ${adminToken}`, 'idempotency-key': 'a' });
      expect(answer).toMatchObject({
        status: 503,
        body: { code: 'database_unavailable', detail: expect.stringMatching(detail) },
      });
      expect(answer.headers['retry-after']).toBe('5');
    }
    await gone.close();
  }
  expect(world.logLines.join('')).not.toMatch(/71940283|token-of/);
});

/** Refuses every connection as PostgreSQL does while it starts. */
async function startingDatabase(): Promise<AsyncDisposable & { readonly port: number }> {
  const fields = Buffer.from('SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0');
  const head = Buffer.from('E\0\0\0\0');
  head.writeInt32BE(fields.length + 4, 1);
  const server = createServer((socket) => {
    socket.on('error', () => undefined).once('data', () => socket.end(Buffer.concat([head, fields])));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { port, [Symbol.asyncDispose]: async () => void server.close() };
}
