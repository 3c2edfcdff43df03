// Hostile requests to every route that the app has, whoever added it. HOSTILE_TABLE=1 prints what was tried and answered.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Express } from 'express';
import fc from 'fast-check';
import { SeamWebhook } from 'seam';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDb, type Db } from '../../src/db/client.ts';
import { createHttpApp, createHttpServer, type HttpDeps } from '../../src/http/app.ts';
import { call } from '../support/api.ts';
import { createTestDatabase, dump } from '../support/database.ts';
import { type HostileRequest, hostileRequests, mark } from '../support/hostile.ts';
import { type Document, operationsOf, valuesOf } from '../support/openapi.ts';
import { signIn } from '../support/page.ts';
import { exchange, type RawAnswer } from '../support/raw-http.ts';
import { adminToken, startWorld, type World, weekdays } from '../support/relatch.ts';
import { type FoundRoute, routesOf } from '../support/routes-of.ts';
import { aRemovedEvent, sign, webhookSecret } from '../support/sign.ts';

const pin = '71940283';
const isPlace = /^\/(v1|webhooks|healthz|readyz|metrics|feeds|docs|openapi\.json)(\/|$)/;
/** Whose answers are for people. */
const isPage = /^\/($|sign-in|sign-out|schedules|doors|alerts|codes|page)(\/|$)/;
/** Answered by Node, before there is a request: in a line, without a body. */
const ofNode = new Set([400, 417, 431]);
// Places in the code, its packages, its database, and its machine.
const internal =
  /node_modules|prisma|pg-boss|postgres|\bat \S+ \(|\.[jt]s:\d|\bselect .* from\b|insert into|\/(src|dist|home|root|tmp|usr|work)\/|ECONN|stack/i;

interface Sent {
  readonly kind: string;
  readonly family: string;
  readonly answer: RawAnswer;
  /** What to find it by when it is answered as it must not be. */
  readonly what: string;
}

function familyOf({ path, methods }: FoundRoute): string {
  if (isPage.test(path)) return 'pages';
  if (!path.startsWith('/v1/')) return path.replace(/^\/docs\/.*/, '/docs/…');
  return methods.some((method) => method !== 'GET') ? '/v1/… (writes)' : '/v1/… (reads)';
}

/** Reads are asked for what there is; what changes something for what there is not, so that nothing may be written. */
function concrete({ path, methods }: FoundRoute): string {
  const known: Record<string, string> = methods.includes('GET') ? { key: 'crew' } : {};
  const nobody = '00000000-0000-4000-8000-000000000000';
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => known[name] ?? (name === 'id' ? nobody : 'nobody'));
}

function bytesOf(one: HostileRequest, method: string, path: string): string | Buffer {
  if (one.raw !== undefined) return one.raw(method, path);
  const { path: spoilt = (text: string) => text, headers = [], body = '', isAllowed = true } = one;
  const lines = [
    `${method} ${spoilt(path)} HTTP/1.1`,
    'host: x',
    'connection: close',
    ...(isAllowed ? [`authorization: Bearer ${adminToken}`, `cookie: ${session}`] : []),
    ...headers,
    ...(body === '' ? [] : [`content-length: ${Buffer.byteLength(body)}`]),
  ];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), Buffer.from(body)]);
}

/** SQL, markup and what is no text in every parameter and field that the document names. */
function fieldRequests(document: Document, method: string, path: string): HostileRequest[] {
  const operation = operationsOf(document).find((one) => one.method === method && one.path === path);
  if (operation === undefined) return [];
  const schema = operation.requestBody?.content['application/json']?.schema;
  const named = schema?.$ref === undefined ? schema : document.components.schemas[schema.$ref.split('/').at(-1) ?? ''];
  const fields = Object.keys(named?.properties ?? {});
  const parameters = operation.parameters.filter(({ in: place }) => place === 'query').map(({ name }) => name);
  const values = [
    `'; drop table schedules; --`,
    mark,
    `=cmd|' /c calc'!A1`,
    '../../etc/passwd',
    '\u202e\u0000',
    '9'.repeat(400),
  ];
  return [
    ...values.flatMap((value) =>
      parameters.map((name) => ({ path: (text: string) => `${text}?${name}=${encodeURIComponent(value)}` })),
    ),
    ...[...values, 1e308, -1, null, true, [[]], { constructor: { prototype: { polluted: 1 } } }].flatMap((value) =>
      fields.length === 0
        ? []
        : [
            {
              headers: ['content-type: application/json'],
              body: JSON.stringify(Object.fromEntries(fields.map((name) => [name, value]))),
            },
          ],
    ),
  ];
}

async function sendAll(world: World, routes: readonly FoundRoute[], document: Document): Promise<Sent[]> {
  const work = routes.flatMap((route, at) => {
    const [first = 'GET'] = route.methods;
    const path = concrete(route);
    const [writing] = route.methods.filter((method) => method !== 'GET');
    const kinds = Object.entries(hostileRequests).map(([kind, requests]) => {
      const isOfBody = requests.every(({ body }) => body !== undefined);
      // Where no body is read, a few tell.
      const some = isOfBody && writing === undefined ? requests.slice(0, 3) : requests;
      // What comes before any route is asked for: of the many, each takes a third in turn.
      const isShared =
        (route.path.startsWith('/v1/') || isPage.test(route.path)) &&
        ['another path', 'no clear request', 'odd headers'].includes(kind);
      const dealt = isShared ? some.filter((_, index) => (index + at) % 3 === 0) : some;
      return [kind, dealt, [isOfBody && writing !== undefined ? writing : first]] as const;
    });
    const fields = route.methods.map((method) => {
      return ['SQL and markup in each field', fieldRequests(document, method, route.path), [method]] as const;
    });
    return [...kinds, ...fields].flatMap(([kind, requests, methods]) =>
      requests.flatMap((one) =>
        (one.method === undefined ? methods : [one.method]).map((method) => {
          return { kind, family: familyOf(route), method, bytes: bytesOf(one, method, path) };
        }),
      ),
    );
  });
  const sent: Sent[] = [];
  let next = 0;
  const sender = async (): Promise<void> => {
    for (let one = work[next++]; one !== undefined; one = work[next++]) {
      const answer = await exchange(world.relatch.url, one.bytes);
      const what = `${String(one.bytes).slice(0, 300)}\n→ ${answer.status} ${answer.body.slice(0, 500)}`;
      sent.push({ kind: one.kind, family: one.family, answer, what });
    }
  };
  await Promise.all(Array.from({ length: 32 }, sender));
  return sent;
}

function assertHarmless({ kind, family, answer, what }: Sent): void {
  const { status, headers, body } = answer;
  const type = headers.get('content-type') ?? '';
  expect(status, what).toBeGreaterThanOrEqual(200);
  expect(status, what).toBeLessThan(500);
  expect(headers.get('access-control-allow-origin'), what).toBeNull();
  expect(headers.get('x-injected'), what).toBeNull();
  if (ofNode.has(status) && body === '' && type === '') return;
  expect(headers.get('x-content-type-options'), what).toBe('nosniff');
  if (kind === 'no token, or a wrong one' && what.includes(' /v1/')) expect(status, what).toBe(401);
  if (family === 'pages')
    expect(type, what).toMatch(
      /^(text\/(html|css|javascript|plain)|image\/svg\+xml|text\/calendar|application\/problem\+json|$)/,
    );
  else if (status >= 400 && !what.startsWith('HEAD')) {
    expect(type, what).toMatch(/^application\/problem\+json/);
    expect(JSON.parse(body), what).toMatchObject({ status, code: expect.any(String), request_id: expect.any(String) });
  }
  // Files of others, with words of their own.
  if (status === 200 && /^text\/(css|javascript)/.test(type)) return;
  if (type.includes('html')) expect(body, what).not.toContain(mark);
  if (status >= 400) expect(body, what).not.toMatch(internal);
}

let world: World;
let session: string;
beforeAll(async () => {
  world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  await world.apply(weekdays({ pin }));
  session = (await signIn(world)).cookie;
});
afterAll(() => world[Symbol.asyncDispose]());

/** The app as the service makes it, on a database that may be another one. */
function appOn(db: Db, more: Partial<HttpDeps> = {}): Express {
  const deps = { ...world.relatch.deps, db };
  const api = { ...deps, tokens: world.config.api.tokens };
  return createHttpApp({ ...deps, api, webhooks: [], pump: { wake: () => undefined }, parts: () => [], ...more });
}

async function serve(app: Express): Promise<{ url: string } & AsyncDisposable> {
  const server = createHttpServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close().closeAllConnections();
    },
  };
}

it('survives hostile requests to every route, tells nothing by them, and writes nothing', async () => {
  const routes = routesOf(appOn(world.relatch.deps.db));
  // A new place: see that what is sent to it here is hostile to it, then name it.
  expect(routes.map(({ path }) => path).filter((path) => !isPlace.test(path) && !isPage.test(path))).toEqual([]);
  const document: Document = (await call(world, 'GET /openapi.json', { token: null })).body;
  expect(routes.flatMap(({ path, methods }) => methods.map((method) => `${method} ${path}`))).toEqual(
    expect.arrayContaining(operationsOf(document).map(({ method, path }) => `${method} ${path}`)),
  );
  const before = await ourRows(world);

  const sent = await sendAll(world, routes, document);
  for (const one of sent) assertHarmless(one);

  expect(await ourRows(world)).toEqual(before);
  expect(Reflect.get({}, 'polluted')).toBeUndefined();
  expect((await call(world, 'GET /healthz')).status).toBe(200);
  expect((await call(world, 'GET /v1/schedules/crew')).body).toMatchObject({ key: 'crew', version: 1 });
  const logged = world.logLines.join('');
  expect(world.logLines.filter((line) => line.includes('request.failed'))).toEqual([]);
  for (const secret of [pin, adminToken, webhookSecret, mark]) expect(logged).not.toContain(secret);
  if (process.env['HOSTILE_TABLE'] !== undefined) console.log(tableOf(sent));
});

it('limits wrong tokens of one address, and lets right ones pass', async () => {
  await using served = await serve(appOn(world.relatch.deps.db, { clients: { trustProxy: [], failuresPerMinute: 2 } }));
  const status = async (token: string | null) => (await call({ relatch: served }, 'GET /v1/alerts', { token })).status;
  expect([await status('x'.repeat(24)), await status(null)]).toEqual([401, 401]);
  const limited = await call({ relatch: served }, 'GET /v1/alerts', { token: 'y'.repeat(24) });
  expect([limited.status, limited.body.code]).toEqual([429, 'failures_too_many']);
  expect(await status(adminToken)).toBe(200);
  expect(await status(null)).toBe(429);
});

it('refuses requests to the API when too many are at work, and loses none of those', async () => {
  const { db } = world.relatch.deps;
  const bounds = {
    webhook: { kind: 'webhook', requestsMax: 1, bodyBytesMax: 1_000 },
    api: { kind: 'api', requestsMax: 1, bodyBytesMax: 1_000 },
  };
  await using served = await serve(appOn(db, { bounds }));
  const get = (token = adminToken) => call({ relatch: served }, 'GET /v1/alerts', { token });
  const blocker = await db.pool.connect();
  await blocker.query('begin; lock table alerts');
  const waiting = get();
  await expect.poll(async () => (await get()).status, { interval: 1 }).toBe(503);
  expect((await get()).headers.get('retry-after')).toBe('2');
  // Who has no token takes no place and is told so.
  expect((await get('x')).status).toBe(401);
  await blocker.query('commit');
  blocker.release();
  expect((await waiting).status).toBe(200);
  expect((await get()).status).toBe(200);
});

it('says of what fails inside that it failed, and nothing else', async () => {
  await using empty = await createTestDatabase();
  const db = createDb({ url: empty.url });
  await db.pool.query('drop schema public cascade');
  const gone = createDb({ url: 'postgresql://nobody:secret@127.0.0.1:1/none' });
  const counts = new Map<number, number>();
  for (const broken of [db, gone]) {
    const app = appOn(broken, { webhooks: [new SeamWebhook(webhookSecret)] });
    await using served = await serve(app);
    const document: Document = (await call({ relatch: served }, 'GET /openapi.json')).body;
    for (const { path, methods } of routesOf(app)) {
      for (const method of methods) {
        const schema = operationsOf(document).find((one) => one.path === path && one.method === method)?.requestBody;
        const values = schema && valuesOf(document, schema.content['application/json']!.schema);
        const [body] = values === undefined ? [] : fc.sample(values, { seed: 7, numRuns: 1 });
        const event = sign(JSON.stringify(aRemovedEvent()));
        const { headers } = path.startsWith('/webhooks') ? event : { headers: { 'if-match': '"1"' } };
        const answer = await call({ relatch: served }, `${method} ${path.replaceAll(/\{\w+\}/g, randomUUID())}`, {
          headers,
          ...(path.startsWith('/webhooks') ? { raw: event.body } : { body }),
        });
        counts.set(answer.status, (counts.get(answer.status) ?? 0) + 1);
        if (answer.status >= 400) expect(answer.text, `${method} ${path}`).not.toMatch(internal);
        if (answer.status === 500) expect(answer.body.detail).toBe('Something went wrong here.');
      }
    }
  }
  await Promise.all([db.close(), gone.close()]);
  expect(counts.get(500)).toBeGreaterThan(15);
  expect(counts.get(503)).toBeGreaterThan(15);
});

/** What only a schedule, a code or an event of ours may change. */
async function ourRows({ relatch }: World): Promise<string[]> {
  return (await dump(relatch.deps.db))
    .split('\n')
    .filter((row) => row.startsWith('public.'))
    .toSorted();
}

function tableOf(sent: readonly Sent[]): string {
  const families = [...new Set(sent.map(({ family }) => family))];
  const cell = (kind: string, family: string) => {
    const statuses = sent
      .filter((one) => one.kind === kind && one.family === family)
      .map(({ answer }) => answer.status);
    return [...new Set(statuses)].toSorted((a, b) => a - b).join(' ');
  };
  const rows = [...Map.groupBy(sent, ({ kind }) => kind)].map(([kind, of]) => [
    kind,
    of.length,
    ...families.map((family) => cell(kind, family)),
  ]);
  const lines = [['Tried', 'Requests', ...families], families.concat('', '').map(() => '---'), ...rows];
  return `${sent.length} requests\n${lines.map((line) => `| ${line.join(' | ')} |`).join('\n')}`;
}
