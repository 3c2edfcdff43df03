// Every route that the document names, with what it allows, what it does not, and what somebody might try.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { call } from '../support/api.ts';
import { type Document, type Operation, operationsOf, validatorOf, valuesOf } from '../support/openapi.ts';
import { adminToken, aSchedule, backDoor, frontDoor, startWorld, type World } from '../support/relatch.ts';
import { runs } from '../support/runs.ts';

const pins = ['71940283', '60518394'];
/** Stands for the ETag that the schedule has when it is sent. */
const current = 'current';
const wrongToken = 'token-of-nobody-for-the-api';

const hostileText = fc.oneof(
  // What PostgreSQL, or its JSON, cannot hold.
  { arbitrary: fc.constantFrom('\u0000', 'a\u0000b', '\ud800', 'a\udfffb'), weight: 3 },
  fc.constantFrom(
    '',
    ' ',
    '__proto__',
    'constructor',
    '..',
    '%',
    '%00',
    '-1',
    '1e309',
    '9'.repeat(30),
    'x'.repeat(5_000),
  ),
  fc.constantFrom(
    "'; drop table schedules; --",
    '../../etc/passwd',
    '<script>alert(1)</script>',
    '𝟙𝟚:𝟛𝟜',
    '2027-02-30',
  ),
  fc.constantFrom(
    '9999-12-31T23:59:59Z',
    '0000-01-01T00:00:00Z',
    '0000-01-01T00:00:00Z~00000000-0000-0000-0000-000000000000',
  ),
  fc.string({ unit: 'binary', maxLength: 20 }),
);
const hostileValue = fc.oneof(
  hostileText,
  fc.constantFrom(
    null,
    true,
    -1,
    0.1,
    1e308,
    [],
    {},
    [[]],
    [null],
    { constructor: 1 },
    JSON.parse('{"__proto__":{"a":1}}'),
  ),
  fc.array(hostileText, { maxLength: 3 }),
  fc.constant(Array.from({ length: 1_500 }, (_, index) => `${index}`)),
  fc.jsonValue({ maxDepth: 3 }),
);
const hostileRaw = fc.constantFrom(
  '',
  '{',
  '[]',
  'null',
  '"x"',
  '1',
  `${'['.repeat(5_000)}`,
  '{"a":1}{"b":2}',
  '{"key":01}',
);

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly token: string | null;
  readonly headers: Record<string, string>;
  readonly raw?: string;
}

const places = ['nothing', 'query', 'unknown', 'body', 'path', 'version', 'key', 'token', 'method', 'type'] as const;

/** Requests that are right in all but one place. */
function requestsOf(document: Document, operation: Operation, ids: Ids): fc.Arbitrary<Sent> {
  const of = (place: string) => operation.parameters.filter((one) => one.in === place);
  const schema = operation.requestBody?.content['application/json']?.schema;
  const valid = schema === undefined ? fc.constant(undefined) : valuesOf(document, schema);
  const spoilt = fc.tuple(valid, fc.nat(), hostileText, hostileValue).map(([body, at, name, value]) => {
    const names = Object.keys(Object(body));
    return { ...Object(body), [names[at % (names.length + 1)] ?? name]: value };
  });
  const isConditional = of('header').some(({ name, required }) => name === 'If-Match' && required === true);
  const [bodies, queries] = schema === undefined ? [1, 10] : [8, 3];
  const weights: Partial<Record<string, number>> = { nothing: 5, body: bodies, query: queries };
  return fc
    .record({
      spoil: fc.oneof(...places.map((place) => ({ arbitrary: fc.constant(place), weight: weights[place] ?? 1 }))),
      params: fc.record(
        Object.fromEntries(
          of('path').map(({ name }) => {
            const known = name === 'id' ? idsFor(operation, ids) : name === 'key' ? ['crew', 'guards'] : ['us', 'de'];
            return [name, fc.constantFrom(...known)] as const;
          }),
        ),
      ),
      query: fc.record(
        Object.fromEntries(of('query').map(({ name, schema: one }) => [name, valuesOf(document, one).map(String)])),
        { requiredKeys: [] },
      ),
      at: fc.nat(),
      text: hostileText,
      body: valid.map((one) => JSON.stringify(one)),
      spoiltBody: fc.oneof(
        { arbitrary: spoilt.map((one) => JSON.stringify(one)), weight: 6 },
        hostileValue.map((one) => JSON.stringify(one)),
        hostileRaw,
      ),
      version: fc.constantFrom('"1"', '"0"', '*', 'W/"1"', '1', '"x"', '"99999999999"', ''),
      key: fc.constantFrom('a', 'b', ' ', 'x'.repeat(300)),
      token: fc.constantFrom(null, wrongToken, 'x', adminToken.slice(1)),
      method: fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'),
      type: fc.constantFrom('text/plain', 'application/json; charset=latin9', 'application/x-yaml', 'x'),
    })
    .map(({ spoil, ...one }): Sent => {
      const params: Record<string, string> = { ...one.params };
      const query = { ...one.query } as Record<string, string>;
      const spoilOne = (values: Record<string, string>, names: readonly string[]): void => {
        const name = names[one.at % Math.max(1, names.length)];
        if (name !== undefined) values[name] = one.text;
      };
      if (spoil === 'path') spoilOne(params, Object.keys(params));
      if (spoil === 'query')
        spoilOne(
          query,
          of('query').map(({ name }) => name),
        );
      if (spoil === 'unknown') query[`${one.text}${one.at}`] = one.text;
      const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encoded(params[name] ?? ''));
      const search = Object.entries(query).map(([name, value]) => `${encoded(name)}=${encoded(value)}`);
      const method = spoil === 'method' ? one.method : operation.method;
      const raw = spoil === 'body' ? one.spoiltBody : one.body;
      const hasBody = method !== 'GET' && raw !== undefined;
      return {
        method,
        path: search.length === 0 ? path : `${path}?${search.join('&')}`,
        token: spoil === 'token' ? one.token : adminToken,
        headers: {
          ...(isConditional && { 'if-match': current }),
          ...(spoil === 'version' && { 'if-match': one.version }),
          ...(spoil === 'key' && { 'idempotency-key': one.key }),
          ...(hasBody && { 'content-type': spoil === 'type' ? one.type : 'application/json' }),
        },
        ...(hasBody && { raw }),
      };
    });
}

/** As a client that does not care may send it. */
function encoded(text: string): string {
  return text.isWellFormed() ? encodeURIComponent(text).replaceAll('%25', '%') : '%ED%A0%80';
}

/** By the collection that they are of, as paths name it. */
type Ids = Readonly<Record<string, readonly string[]>>;

function idsFor({ path }: Operation, ids: Ids): readonly string[] {
  const [, , collection = ''] = path.split('/');
  const known = ids[collection];
  if (known === undefined) throw new Error(`nothing is known that has an id in ${path}`);
  return known;
}

async function populated(): Promise<{ world: World; ids: Ids }> {
  const world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  const guards = aSchedule({
    key: 'guards',
    holder: 'Ana',
    devices: [backDoor],
    pin: pins[1],
    except: { holidays: ['us'] },
  });
  const schedules = [aSchedule({ devices: [frontDoor, backDoor], pin: pins[0] }), guards];
  await world.apply(JSON.stringify({ holidays: { us: ['2027-12-25'] }, schedules }));
  const { pool } = world.relatch.deps.db;
  const idsOf = async (sql: string) => (await pool.query<{ id: string }>(sql)).rows.map(({ id }) => id);
  const made = async (route: string, body: object): Promise<string[]> => {
    const answers = await Promise.all([1, 2, 3].map(() => call(world, `POST /v1/${route}`, { body })));
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
    return answers.map((answer) => answer.body.id);
  };
  const ids = {
    alerts: await idsOf(`insert into alerts (cause, kind, message, raised_at, last_seen_at)
      select n::text, 'code.refused', 'alert', now(), now() from generate_series(1, 3) n returning id`),
    'dead-letters': await idsOf(`insert into dead_letters (event_key, error_name, error_message, attempts, died_at)
      select n::text, 'Error', 'letter', 9, now() from generate_series(1, 3) n returning id`),
    'webhook-endpoints': await made('webhook-endpoints', { url: 'http://127.0.0.1:1/' }),
    devices: [frontDoor, backDoor],
    feeds: await made('feeds', { schedule_key: 'crew' }),
  };
  return { world, ids };
}

it('answers whatever is sent as the document says, never fails at it, and tells no secret', async () => {
  const { world, ids } = await populated();
  await using _ = world;
  const document: Document = (await call(world, 'GET /openapi.json', { token: null })).body;
  const problemWith = validatorOf(document);
  const succeeded = new Set<string>();
  const statuses = new Set<number>();
  for (const operation of operationsOf(document)) {
    const name = `${operation.method} ${operation.path}`;
    // Whatever was done to them so far.
    for (const key of ['crew', 'guards'])
      await call(world, `POST /v1/schedules/${key}/resume`, { body: { revive: true } });
    await fc.assert(
      fc.asyncProperty(requestsOf(document, operation, ids), async ({ method, path, ...sent }) => {
        if (sent.headers['if-match'] === current) sent.headers['if-match'] = await etagAt(world, path);
        const answer = await call(world, `${method} ${path}`, sent);
        const said = `${answer.status} ${answer.text}`;
        expect(answer.status, said).toBeLessThan(500);
        const isAsked = path.includes('codes?') && path.includes('reveal=true');
        const secrets = [adminToken, wrongToken, ...(isAsked ? [] : pins)];
        for (const secret of secrets) expect(said).not.toContain(secret);
        if (answer.status === 401) expect(sent.token).not.toBe(adminToken);
        if (answer.status >= 400) {
          expect(answer.headers.get('content-type'), said).toMatch(/^application\/problem\+json/);
          expect(problemWith({ $ref: '#/components/schemas/Problem' }, answer.body), said).toBeNull();
        }
        if (sent.token !== adminToken) expect(answer.status, said).toBe(401);
        // A path that is spoilt may be another route's, or none.
        if (method !== operation.method || !isPathOf(operation, path)) return;
        statuses.add(answer.status);
        if (answer.status < 300) succeeded.add(name);
        const documented = operation.responses[answer.status];
        expect(documented, `${name} is not documented to answer ${said}`).toBeDefined();
        const schema = documented?.content?.['application/json']?.schema;
        if (answer.status < 300 && schema !== undefined) expect(problemWith(schema, answer.body), said).toBeNull();
      }),
      { numRuns: runs(14) },
    );
  }
  expect(succeeded.size).toBeGreaterThan(operationsOf(document).length / 2);
  expect([...statuses]).toEqual(expect.arrayContaining([200, 400, 401, 404]));
  expect(world.logLines.filter((line) => /request\.failed/.test(line))).toEqual([]);
  for (const secret of [...pins, adminToken, wrongToken]) expect(world.logLines.join('')).not.toContain(secret);
  expect((await call(world, 'GET /v1/schedules?limit=1')).status).toBe(200);
});

async function etagAt(world: World, path: string): Promise<string> {
  const [place] = path.split('?');
  return (await call(world, `GET ${place}`)).headers.get('etag') ?? '"1"';
}

function isPathOf({ path }: Operation, sent: string): boolean {
  const [place = ''] = sent.split('?');
  return new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[\\w.~-]+')}$`).test(place) && !/\/\.\.?(\/|$)/.test(place);
}
