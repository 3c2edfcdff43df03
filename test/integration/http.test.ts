import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import request from 'supertest';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDb, type Db } from '../../src/db/client.ts';
import { createHttpServer } from '../../src/http/app.ts';
import { createTestDatabase } from '../support/database.ts';
import { HttpAppUnderTest, startProxy, webhookPath } from '../support/http-app.ts';
import { aRemovedEvent, sign } from '../support/sign.ts';

let app: HttpAppUnderTest;
beforeAll(async () => {
  app = await HttpAppUnderTest.start();
});
beforeEach(() => app.reset());
afterAll(() => app.close());

describe('while the database is away', () => {
  async function unavailable(someDb: Db): Promise<void> {
    const startedAt = performance.now();
    const response = await app.deliver(sign(JSON.stringify(aRemovedEvent())), someDb);
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    expect(response.status).toBe(503);
    expect(response.headers['retry-after']).toBe('5');
    expect(JSON.parse(response.text)).toMatchObject({ code: 'database_unavailable' });
    expect(app.received()).toMatchObject({ level: 'error', outcome: 'failed', reason: 'database_unavailable' });
    expect(app.lines.join('')).not.toContain(new URL(app.database.url).password || 'no password');
  }

  it('refuses connections: 503, and not ready but alive', async () => {
    const gone = createDb({ url: 'postgresql://nobody:secret@127.0.0.1:1/none' });
    await unavailable(gone);
    const ready = await request(app.on(gone)).get('/readyz');
    expect(ready.status).toBe(503);
    expect(ready.body).toMatchObject({ status: 'not_ready', not_ready: ['database'] });
    expect((await request(app.on(gone)).get('/healthz')).status).toBe(200);
    await gone.close();
  });

  it('hangs in the middle of everything: 503 within 3 s for all who wait, and all is well after it', async () => {
    await using proxy = await startProxy(app.database.url);
    const slow = createDb({ url: proxy.url });
    const before = await app.deliver(sign(JSON.stringify(aRemovedEvent())), slow);
    expect(before.status).toBe(202);
    proxy.hang();
    app.lines = [];
    // More than there are connections: some wait for a connection first, and then for their statement.
    await Promise.all(Array.from({ length: 20 }, () => unavailable(slow)));
    const ready = await request(app.on(slow)).get('/readyz');
    expect(ready.body).toMatchObject({ not_ready: ['database'] });
    proxy.resume();
    await expect
      .poll(async () => (await app.deliver(sign(JSON.stringify(aRemovedEvent())), slow)).status, { timeout: 20_000 })
      .toBe(202);
    await slow.close();
  });

  it('lacks the table: 503, because a delivery must not be lost to a migration that is late', async () => {
    await using empty = await createTestDatabase();
    const bare = createDb({ url: empty.url });
    await bare.pool.query('drop table inbox');
    await unavailable(bare);
    await bare.close();
  });
});

describe('health', () => {
  it('is ready when database and parts are', async () => {
    const response = await request(app.on(app.db)).get('/readyz');
    expect(response.status).toBe(200);
    expect(response.body).toEqual({
      status: 'ready',
      parts: [
        { name: 'database', running: true },
        { name: 'pump', running: true },
      ],
    });
  });

  it('names the part that does not run', async () => {
    app.parts = [
      { name: 'pump', running: false },
      { name: 'workers', running: true },
    ];
    const response = await request(app.on(app.db)).get('/readyz');
    expect(response.status).toBe(503);
    expect(response.body).toMatchObject({ status: 'not_ready', not_ready: ['pump'] });
  });

  it('answers 404 and 405 in words', async () => {
    const missing = await request(app.on(app.db)).get('/nothing');
    expect([missing.status, missing.type, JSON.parse(missing.text).code]).toEqual([
      404,
      'application/problem+json',
      'not_found',
    ]);
    const wrong = await request(app.on(app.db)).post('/healthz');
    expect([wrong.status, wrong.headers['allow']]).toEqual([405, 'GET, HEAD']);
  });
});

describe('the server', () => {
  it('cuts slow senders and answers others meanwhile', async () => {
    const server = createHttpServer(app.on(app.db)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const slow = connect(port, '127.0.0.1');
    slow.write(`POST ${webhookPath} HTTP/1.1\r\nhost: x\r\n`);
    let answer = '';
    slow.on('data', (chunk) => {
      answer += String(chunk);
    });
    const cut = once(slow, 'close');
    expect((await request(server).get('/healthz')).status).toBe(200);
    await cut;
    expect(answer).toContain('408');
    server.close();
  });
});
