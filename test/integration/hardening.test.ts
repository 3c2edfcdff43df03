// What keeps the service standing in front of clients that mean harm: bounds on the real server, by raw sockets where a client
// library would not send such a thing.
import { once } from 'node:events';
import type { Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createHttpServer, type HttpDeps } from '../../src/http/app.ts';
import { quietTelemetry } from '../../src/telemetry/telemetry.ts';
import { HttpAppUnderTest, webhookPath } from '../support/http-app.ts';
import { exchange } from '../support/raw-http.ts';
import { aRemovedEvent, otherWebhookSecret, sign, webhookSecret } from '../support/sign.ts';

let app: HttpAppUnderTest;
let servers: Server[] = [];
beforeAll(async () => {
  app = await HttpAppUnderTest.start();
});
beforeEach(() => app.reset());
afterAll(async () => {
  for (const server of servers) server.close().closeAllConnections();
  servers = [];
  await app.close();
});

async function serve(more: Partial<HttpDeps> = {}): Promise<{ port: number; url: string; server: Server }> {
  const server = createHttpServer(app.on(app.db, more)).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { port, url: `http://127.0.0.1:${port}`, server };
}

async function said(url: string, bytes: string): Promise<number> {
  return (await exchange(url, bytes)).status;
}

const close = 'host: x\r\nconnection: close\r\n';
const headerLines = (count: number, length = 1) =>
  Array.from({ length: count }, (_, at) => `x-${at}: ${'y'.repeat(length)}\r\n`).join('');

describe('a request', () => {
  it('with more headers than 100, or an address longer than 4 kB, is refused', async () => {
    const { url } = await serve();
    expect(await said(url, `GET /healthz HTTP/1.1\r\n${close}${headerLines(99)}\r\n`)).toBe(431);
    expect(await said(url, `GET /healthz HTTP/1.1\r\n${close}${headerLines(98)}\r\n`)).toBe(200);
    expect(await said(url, `GET /healthz?${'q'.repeat(4_096)} HTTP/1.1\r\n${close}\r\n`)).toBe(414);
    expect(await said(url, `GET /healthz?${'q'.repeat(4_000)} HTTP/1.1\r\n${close}\r\n`)).toBe(200);
  });

  it('with two hosts is refused, whichever comes first', async () => {
    const { url } = await serve();
    for (const hosts of ['host: x\r\nHost: y', 'HOST: x\r\nhost: x']) {
      const answer = await exchange(url, `GET /healthz HTTP/1.1\r\n${hosts}\r\nconnection: close\r\n\r\n`);
      expect(JSON.parse(answer.body)).toMatchObject({ status: 400, code: 'host_repeated' });
    }
    // The name of another header, and a host for a value.
    expect(await said(url, `GET /healthz HTTP/1.1\r\n${close}x: host\r\nx-host: y\r\n\r\n`)).toBe(200);
  });

  it('with more than 16 kB of headers is cut off, however Node is started', async () => {
    const { url } = await serve();
    expect(await said(url, `GET /healthz HTTP/1.1\r\n${close}${headerLines(17, 1_000)}\r\n`)).toBe(431);
  });

  it('finds a server that bounds its sockets and how long each may be silent', async () => {
    const { server } = await serve();
    expect(server).toMatchObject({
      maxConnections: 2_000,
      timeout: 30_000,
      headersTimeout: 5_000,
      requestTimeout: 10_000,
    });
  });
});

describe('wrong signatures', () => {
  const forged = () => sign(JSON.stringify(aRemovedEvent()), { secret: `whsec_${btoa('nobody knows this')}` });
  const genuine = () => sign(JSON.stringify(aRemovedEvent()));
  const send = (url: string, { body, headers }: ReturnType<typeof sign>, forwarded?: string) =>
    fetch(url + webhookPath, {
      method: 'POST',
      body,
      headers: { ...headers, ...(forwarded !== undefined && { 'x-forwarded-for': forwarded }) },
    });
  const statuses = async (url: string, count: number, forwarded?: string) => {
    const found: number[] = [];
    for (let at = 0; at < count; at += 1) found.push((await send(url, forged(), forwarded)).status);
    return found;
  };

  it('of one address are answered 429 beyond the limit, and right ones pass all the while', async () => {
    const { url } = await serve();
    expect(new Set(await statuses(url, 30))).toEqual(new Set([401]));
    const limited = await send(url, forged());
    expect(limited.status).toBe(429);
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(limited.headers.get('connection')).toBe('close');
    expect(await limited.json()).toMatchObject({ code: 'failures_too_many' });
    expect((await send(url, genuine())).status).toBe(202);
    expect(await statuses(url, 20)).toEqual(Array(20).fill(429));
    // One line for each that was answered for itself, one for all others, and one for what was right.
    expect(app.logged().filter(({ outcome }) => outcome === 'refused')).toHaveLength(30);
    expect(app.logged().filter(({ event }) => event === 'client.limited')).toHaveLength(1);
    expect(app.lines).toHaveLength(32);
    expect(await app.inbox()).toHaveLength(1);
  });

  it('count by the address that a trusted proxy names, and by that of the socket where none is trusted', async () => {
    const clients = { trustProxy: [], failuresPerMinute: 1 };
    const open = await serve({ clients });
    expect(await statuses(open.url, 1, '203.0.113.1')).toEqual([401]);
    // An address that the client makes up is no other client.
    expect(await statuses(open.url, 1, '203.0.113.2')).toEqual([429]);
    const behind = await serve({ clients: { ...clients, trustProxy: ['127.0.0.0/8'] } });
    expect(await statuses(behind.url, 2, '203.0.113.1')).toEqual([401, 429]);
    expect(await statuses(behind.url, 1, '203.0.113.2')).toEqual([401]);
    expect(await statuses(behind.url, 1, '198.51.100.7, 203.0.113.2')).toEqual([429]);
  });
});

describe('more than can be done at once', () => {
  const bounds = {
    webhook: { kind: 'webhook', requestsMax: 2, bodyBytesMax: 10_000 },
    api: { kind: 'api', requestsMax: 2, bodyBytesMax: 10_000 },
  };
  const post = (url: string) => {
    const { body, headers } = sign(JSON.stringify(aRemovedEvent()));
    return fetch(url + webhookPath, { method: 'POST', body, headers });
  };

  it('is answered 503 at once, while health is answered, and all is taken afterwards', async () => {
    const outcomes: string[] = [];
    const meter = { ...quietTelemetry.meter, delivered: (outcome: string) => void outcomes.push(outcome) };
    const { url } = await serve({ bounds, telemetry: { ...quietTelemetry, meter } });
    const blocker = await app.db.pool.connect();
    await blocker.query('begin');
    await blocker.query('lock table inbox');
    const waiting = [post(url), post(url)];
    await expect.poll(async () => (await post(url)).status, { interval: 1 }).toBe(503);
    const refused = await post(url);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '2']);
    expect(await refused.json()).toMatchObject({ code: 'overloaded' });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    await blocker.query('commit');
    blocker.release();
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([202, 202]);
    expect((await post(url)).status).toBe(202);
    expect(outcomes.filter((outcome) => outcome === 'failed').length).toBeGreaterThanOrEqual(2);
    expect(app.logged().filter(({ event }) => event === 'load.shed')).toMatchObject([{ kind: 'webhook', requests: 2 }]);
  });

  it('is cut off by the bytes that arrived, not by those that were announced', async () => {
    const { port, url } = await serve({ bounds });
    const head = `POST ${webhookPath} HTTP/1.1\r\nhost: x\r\ncontent-length: 200000\r\n\r\n`;
    const opened = async (bytes: string): Promise<Socket> => {
      const socket = connect(port, '127.0.0.1').on('error', () => undefined);
      await once(socket, 'connect');
      socket.write(bytes);
      return socket;
    };
    const slow = [await opened(head), await opened(head), await opened(head)];
    expect((await post(url)).status).toBe(202);
    const large = await opened(head + 'x'.repeat(20_000));
    await new Promise((resolve) => {
      large.once('close', resolve);
    });
    expect((await post(url)).status).toBe(202);
    for (const socket of slow) socket.destroy();
  });

  it('is not what forms are that somebody sends slowly, signed in or not', async () => {
    const { port, url } = await serve({ bounds: { page: { kind: 'page', requestsMax: 2, bodyBytesMax: 10_000 } } });
    const head = 'host: x\r\nsec-fetch-site: same-origin\r\ncontent-type: application/x-www-form-urlencoded\r\n';
    const slow: Socket[] = [];
    for (const path of ['/schedules/x/act', '/alerts/x/acknowledge', '/codes/x/pin']) {
      const socket = connect(port, '127.0.0.1').on('error', () => undefined);
      socket.write(`POST ${path} HTTP/1.1\r\n${head}content-length: 9\r\nexpect: 100-continue\r\n\r\n`);
      // Its body is waited for.
      await once(socket, 'data');
      slow.push(socket);
    }
    // There are no tokens here, so that nobody can sign in.
    expect((await fetch(url)).status).toBe(404);
    for (const socket of slow) socket.destroy();
  });
});

describe('every answer', () => {
  it.each([
    ['GET', '/healthz', 200],
    ['GET', '/readyz', 200],
    ['GET', '/docs', 200],
    ['GET', '/docs/swagger-ui.css', 200],
    ['GET', '/openapi.json', 200],
    ['GET', '/nothing', 404],
    ['GET', '/v1/schedules', 404],
    ['PUT', webhookPath, 405],
    ['POST', webhookPath, 401],
  ])('to %s %s tells browsers to run, frame and guess nothing', async (method, path, status) => {
    const { url } = await serve();
    const { headers, ...answer } = await fetch(url + path, { method, ...(method === 'POST' && { body: '{}' }) }).then(
      ({ status: said, headers: given }) => ({ status: said, headers: given }),
    );
    expect(answer.status).toBe(status);
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none';.*frame-ancestors 'none'/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
    expect(headers.get('x-powered-by')).toBeNull();
    expect(headers.get('strict-transport-security')).toBeNull();
  });

  it('tells of HTTPS only where a trusted proxy says that it was used', async () => {
    const asked = async (trustProxy: readonly string[]) => {
      const { url } = await serve({ clients: { trustProxy, failuresPerMinute: 30 } });
      const { headers } = await fetch(`${url}/healthz`, { headers: { 'x-forwarded-proto': 'https' } });
      return headers.get('strict-transport-security');
    };
    expect(await asked(['127.0.0.1'])).toBe('max-age=31536000');
    expect(await asked([])).toBeNull();
    expect(await asked(['192.0.2.1'])).toBeNull();
  });
});

describe('a signature header', () => {
  it('may hold several signatures, as while a secret is rotated, and not a thousand', async () => {
    const { url } = await serve();
    const body = JSON.stringify(aRemovedEvent());
    const { headers } = sign(body);
    const withSignatures = (signature: string) =>
      fetch(url + webhookPath, { method: 'POST', body, headers: { ...headers, 'svix-signature': signature } });
    const other = sign(body, { secret: `whsec_${btoa('nobody knows this')}` }).headers['svix-signature'];
    const right = headers['svix-signature'];
    expect((await withSignatures(`${`${other} `.repeat(1_000)}${right}`.slice(-15_000))).status).toBe(401);
    expect((await withSignatures(`${`${other} `.repeat(15)}${right}`)).status).toBe(202);
    expect([webhookSecret, otherWebhookSecret]).not.toContain(other);
  });
});
