// Other systems are told of alerts and codes.
import { randomBytes, randomUUID } from 'node:crypto';
import pg from 'pg';
import { expect, it, vi } from 'vitest';
import { type EventType, eventTypes } from '../../src/core/endpoint.ts';
import { raiseAlert } from '../../src/db/alerts.ts';
import { createDb, type Db } from '../../src/db/client.ts';
import { dueEndpoints } from '../../src/db/deliveries.ts';
import {
  disableEndpoint,
  enableEndpoint,
  findEndpoint,
  insertEndpoint,
  noteRound,
  storeSecret,
  updateEndpoint,
} from '../../src/db/endpoints.ts';
import { insertHistory } from '../../src/db/history.ts';
import { PinVault } from '../../src/db/pin-vault.ts';
import { openTool } from '../../src/deps.ts';
import { removeEndpoint } from '../../src/flows/change-endpoints.ts';
import { eraseHolder } from '../../src/flows/erase-holder.ts';
import { notifyEndpoint } from '../../src/flows/notify-endpoint.ts';
import { pruneNightly } from '../../src/flows/prune.ts';
import { recoverPins } from '../../src/flows/recover-pins.ts';
import { reencryptPins } from '../../src/flows/reencrypt-pins.ts';
import { messageSchema } from '../../src/http/endpoint-messages.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { call } from '../support/api.ts';
import { jsonLines, relatchHere } from '../support/cli.ts';
import { createTestDatabase, dump } from '../support/database.ts';
import { type Receiver, startReceiver, status, verified } from '../support/receiver.ts';
import { startWorld, type World, weekdays } from '../support/relatch.ts';

const now = '2027-03-08T12:00:00Z';
const create = 'POST /access_codes/create';
const longer = { windows: [{ rrule: 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR', from: '09:00', to: '18:00' }] };

interface Added {
  readonly id: string;
  readonly secret: string;
}

async function add(world: World, { url }: Receiver, types: readonly EventType[] = []): Promise<Added> {
  const { status: answered, body } = await call(world, 'POST /v1/webhook-endpoints', {
    body: { url, event_types: types },
  });
  expect(answered, JSON.stringify(body)).toBe(201);
  return body;
}

/** Waits until nothing is due that is not to be left alone for now. */
async function told({ relatch }: World): Promise<void> {
  const { db } = relatch.deps;
  await vi.waitFor(
    async () => {
      relatch.wake('notices');
      expect(await dueEndpoints(db.prisma, relatch.deps.now(), 10)).toEqual([]);
      const alive =
        "select state, output, singleton_key, policy, start_after, now() from pgboss.job where name = 'notify' and state in ('created', 'retry', 'active')";
      expect((await db.pool.query(alive)).rows).toEqual([]);
    },
    { timeout: 5_000, interval: 10 },
  );
}

/** One message for whoever wants to be told of alerts. */
async function alert(world: World, message = 'Something is wrong.'): Promise<void> {
  const at = world.simulator.now();
  await raiseAlert(world.relatch.deps.db.prisma, { kind: 'code.refused', at, message, aspect: message });
}

it('tells each endpoint what it wants to know, once, signed, and as the document says', async () => {
  await using receiver = await startReceiver();
  await using other = await startReceiver();
  await using world = await startWorld({ now });
  const all = await add(world, receiver);
  const some = await add(world, other, ['alert.raised', 'window.missed']);
  world.simulator.faults.next(create, { kind: 'status', status: 400 });
  await world.apply(weekdays({ holder: 'Anna', pin: '48219753' }));
  const [open] = (await call(world, 'GET /v1/alerts')).body.items;
  await call(world, `POST /v1/alerts/${open.id}/acknowledge`);
  await world.apply(weekdays({ ...longer, starts_on: '2027-03-02' }));
  await world.until('2027-03-08T15:00:00Z');
  await world.apply(weekdays());
  await world.until('2027-03-08T22:30:00Z');
  await told(world);
  await world.stop();

  // A worker that dies before it could note what it did.
  await using tool = await openTool(world.config, { now: () => world.simulator.now() }, 'tool');
  await world.simulator.advanceTo(new Date('2027-03-11T12:00:00Z'));
  const at = world.simulator.now();
  await raiseAlert(tool.db.prisma, { kind: 'code.refused', at, message: 'Told again.', aspect: 'x' });
  const post: typeof tool.endpoints.post = async (...given) => {
    await tool.endpoints.post(...given);
    throw new Error('killed');
  };
  const never = new AbortController().signal;
  const dying = { ...tool, endpoints: { ...tool.endpoints, post } };
  await expect(notifyEndpoint(dying, some.id, { stopping: never, cutShort: never })).rejects.toThrow('killed');

  // A stop while the endpoint has not answered yet: as if nothing had been sent.
  const stop = new AbortController();
  other.answer = () => stop.abort();
  expect(await notifyEndpoint(tool, some.id, { stopping: stop.signal, cutShort: stop.signal })).toBe('goes on later');
  other.answer = status(200);
  expect(await tool.db.prisma.webhookDelivery.count({ where: { attempts: 0, dueAt: { not: null } } })).toBe(2);

  // However many pumps see that something is due.
  await tool.queue.sendNotices(tool.db.prisma, [some.id, some.id]);
  const jobs = "select 1 from pgboss.job where name = 'notify' and state = 'created' and singleton_key = $1";
  expect((await tool.db.pool.query(jobs, [some.id])).rows).toHaveLength(1);

  await world.start();
  await world.sweep();
  await told(world);
  const messages = receiver.received.map((one) => verified(all.secret, one));
  for (const message of messages) messageSchema(message.type as EventType).parse(message);
  expect(new Set(messages.map(({ type }) => type))).toEqual(new Set(eventTypes));
  const ids = receiver.received.map(({ headers }) => headers['webhook-id']);
  expect(new Set(ids).size).toBe(ids.length);
  const saying = (type: EventType) => messages.filter((message) => message.type === type);
  // Of all that happened nothing is left out.
  const kinds = (await world.history()).map(({ kind }) => kind);
  for (const kind of ['code.created', 'code.ready', 'code.removed', 'window.missed'] as const)
    expect(saying(kind), kind).toHaveLength(kinds.filter((one) => one === kind).length);
  expect(saying('window.missed').map(({ data }) => data['window_starts_at'])).toEqual(
    expect.arrayContaining(['2027-03-10T14:00:00.000Z']),
  );
  expect(saying('code.changed')).toMatchObject([
    {
      data: {
        kind: 'code.updated',
        schedule_key: 'crew',
        holder: 'Anna',
        timezone: 'America/New_York',
        device_name: 'Front door',
        window_starts_at: '2027-03-08T14:00:00.000Z',
        window_ends_at: '2027-03-08T22:00:00.000Z',
        alert_id: null,
      },
    },
  ]);
  const ofAlert = messages.filter(({ data }) => data['alert_id'] === open.id);
  expect(ofAlert.map(({ type, data }) => [type, data['because']])).toEqual([
    ['alert.raised', null],
    ['alert.acknowledged', 'seen by alice'],
    ['alert.resolved', expect.stringMatching(/^(code|window)\./)],
  ]);

  const heard = other.received.map((one) => verified(some.secret, one));
  expect(new Set(heard.map(({ type }) => type))).toEqual(new Set(['alert.raised', 'window.missed']));
  const again = other.received.filter(({ body }) => body.includes('Told again.'));
  expect(new Set(again.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  expect(again).toHaveLength(3);
  expect(() => verified(some.secret, receiver.received[0]!)).toThrow('No matching signature');
  for (const secret of ['48219753', all.secret, some.secret]) {
    expect(await dump(world.relatch.deps.db)).not.toContain(secret);
    expect(world.logLines.join('')).not.toContain(secret);
    expect(receiver.received.map(({ body }) => body).join('')).not.toContain(secret);
  }
});

it('sends what failed again under its id, gives up who is gone, and holds up nobody else meanwhile', async () => {
  await using receiver = await startReceiver();
  await using healthy = await startReceiver();
  await using world = await startWorld({ now });
  const failing = await add(world, receiver);
  const well = await add(world, healthy);
  receiver.answer = status(503, { 'retry-after': '60' });
  await alert(world, 'first');
  await alert(world, 'second');
  await told(world);
  expect(receiver.received).toHaveLength(2);
  expect(healthy.received).toHaveLength(2);
  // What it asked for, though the message would be due.
  await world.simulator.advanceTo(new Date('2027-03-08T12:00:59Z'));
  await alert(world, 'third');
  await told(world);
  expect(receiver.received).toHaveLength(2);
  receiver.answer = status(204);
  await world.simulator.advanceTo(new Date('2027-03-08T12:01:00Z'));
  await told(world);
  const byId = Map.groupBy(receiver.received, ({ headers }) => headers['webhook-id']);
  expect([...byId.values()].map((attempts) => attempts.length).toSorted()).toEqual([1, 2, 2]);
  for (const [first, second] of byId.values()) {
    if (second === undefined) continue;
    expect(second.body).toBe(first?.body);
    expect(Number(second.headers['webhook-timestamp']) - Number(first?.headers['webhook-timestamp'])).toBe(60);
    verified(failing.secret, second);
  }

  receiver.answer = status(410);
  await alert(world, 'fourth');
  await told(world);
  const listed = (await call(world, 'GET /v1/webhook-endpoints')).body.items;
  const isGone = { id: failing.id, disabled_because: expect.stringContaining('410') };
  expect(listed).toEqual(expect.arrayContaining([expect.objectContaining(isGone)]));
  expect(listed).toContainEqual(expect.objectContaining({ id: well.id, disabled_at: null }));
  const last = healthy.received.at(-1);
  expect(last === undefined ? null : verified(well.secret, last)).toMatchObject({
    type: 'alert.raised',
    data: { kind: 'endpoint.disabled', message: expect.stringContaining(`relatch endpoints enable ${failing.id}`) },
  });
  // It gets nothing, and what waits for it is kept until it is enabled.
  const { length } = receiver.received;
  await alert(world, 'fifth');
  await told(world);
  expect(receiver.received).toHaveLength(length);
  receiver.answer = status(200);
  await call(world, `PATCH /v1/webhook-endpoints/${failing.id}`, { body: { disabled: false } });
  await told(world);
  const bodies = receiver.received.slice(length).map(({ body }) => JSON.parse(body).data.message);
  expect(bodies).toEqual(['fourth', expect.stringContaining('is told nothing any more')]);
  expect((await call(world, 'GET /v1/alerts')).body.items).not.toContainEqual(
    expect.objectContaining({ kind: 'endpoint.disabled' }),
  );
});

it('sends what waited at once when an endpoint is back after an outage, but not what it refuses by itself', async () => {
  await using receiver = await startReceiver();
  await using world = await startWorld({ now });
  await add(world, receiver);
  const refused = status(500);
  const isRefused = ({ body }: { body: string }) => body.includes('poison');
  receiver.answer = (response, got) => (isRefused(got) ? refused : status(502))(response, got);
  await alert(world, 'poison');
  for (const instant of ['12:00:00', '12:00:06', '12:05:40']) {
    await world.simulator.advanceTo(new Date(`2027-03-08T${instant}Z`));
    await alert(world, instant);
    await told(world);
  }
  receiver.answer = (response, got) => (isRefused(got) ? refused : status(200))(response, got);
  receiver.received.length = 0;
  await world.simulator.advanceTo(new Date('2027-03-08T12:10:50Z'));
  await told(world);
  const waited = receiver.received.filter((one) => !isRefused(one)).map(({ body }) => JSON.parse(body).data.message);
  expect(waited.toSorted()).toEqual(['12:00:00', '12:00:06', '12:05:40']);
  expect(receiver.received.filter(isRefused)).toEqual([]);
});

it('gives up an endpoint that nothing can be delivered to for five days, and keeps what waits', async () => {
  await using receiver = await startReceiver();
  await using world = await startWorld({ now });
  const { id } = await add(world, receiver);
  receiver.answer = status(302, { location: 'http://127.0.0.1:1/' });
  await alert(world);
  const deliveries = async () => (await call(world, `GET /v1/webhook-endpoints/${id}/deliveries`)).body.items;
  for (let attempt = 1; attempt <= 10; attempt += 1) {
    await told(world);
    const [delivery] = await deliveries();
    expect(delivery).toMatchObject({ attempts: attempt, status: 302, state: attempt < 10 ? 'waiting' : 'given_up' });
    if (delivery.next_attempt_at !== null) await world.simulator.advanceTo(new Date(delivery.next_attempt_at));
  }
  await world.simulator.advanceTo(new Date('2027-03-13T11:59:00Z'));
  await alert(world, 'not yet');
  await told(world);
  expect((await call(world, `GET /v1/webhook-endpoints/${id}`)).body.disabled_at).toBeNull();
  await world.simulator.advanceTo(new Date('2027-03-13T12:30:00Z'));
  await told(world);
  expect((await call(world, `GET /v1/webhook-endpoints/${id}`)).body.disabled_because).toContain(
    'redirects are not followed',
  );
  expect((await deliveries())[0]).toMatchObject({ state: 'waiting' });
  expect((await call(world, `GET /v1/webhook-endpoints/${id}/deliveries?state=given_up`)).body.items).toHaveLength(1);
});

it('signs with both secrets while one is rotated, tries an endpoint, and sends messages again when asked to', async () => {
  await using receiver = await startReceiver();
  await using world = await startWorld({ now });
  const { id, secret } = await add(world, receiver, ['alert.raised']);
  const { deps } = world.relatch;
  await alert(world);
  await told(world);
  const rotate = `POST /v1/webhook-endpoints/${id}/rotate-secret`;
  const headers = { 'idempotency-key': 'once' };
  const rotated = (await call(world, rotate, { headers })).body.secret as string;
  expect((await call(world, rotate, { headers })).body).toMatchObject({ secret: null });
  expect(await dump(deps.db)).not.toContain(rotated);
  await call(world, `POST /v1/webhook-endpoints/${id}/test`);
  const tried = receiver.received.at(-1)!;
  for (const one of [secret, rotated]) expect(verified(one, tried)).toMatchObject({ type: 'endpoint.test' });

  // Under another key of ours it still signs; a day later only the new one does.
  const pinKeys = [randomBytes(32), ...world.config.pinKeys];
  expect(await reencryptPins({ ...deps, vault: new PinVault(pinKeys) })).toMatchObject({ moved: 2, unreadable: 0 });
  await world.stop();
  await world.simulator.advanceTo(new Date('2027-03-09T12:00:00Z'));
  await world.start({ pinKeys });

  const messageId = String(receiver.received[0]?.headers['webhook-id']);
  const replay = (body: object) => call(world, `POST /v1/webhook-endpoints/${id}/replay`, { body });
  expect((await replay({ message_id: messageId })).body).toMatchObject({ messages: 1 });
  await told(world);
  const again = receiver.received.at(-1)!;
  expect(again.headers['webhook-id']).toBe(messageId);
  expect(verified(rotated, again)).toMatchObject({ type: 'alert.raised' });
  expect(() => verified(secret, again)).toThrow('No matching signature');
  expect((await replay({ since: '2027-03-08T11:59:00Z' })).body).toMatchObject({ messages: 1 });
  expect((await replay({ since: '2027-03-08T12:01:00Z' })).body).toMatchObject({ messages: 0 });
  await told(world);
  expect(receiver.received.filter((one) => one.headers['webhook-id'] === messageId)).toHaveLength(3);

  // A secret whose key is lost cannot be read back.
  await recoverPins({ ...world.relatch.deps, vault: new PinVault([randomBytes(32)]) });
  await alert(world, 'unsigned');
  await told(world);
  const disabled = (await call(world, `GET /v1/webhook-endpoints/${id}`)).body;
  expect(disabled.disabled_because).toContain('relatch endpoints rotate-secret');
  expect((await call(world, `DELETE /v1/webhook-endpoints/${id}`)).body).toEqual({ id });
  expect((await call(world, `GET /v1/webhook-endpoints/${id}/deliveries`)).status).toBe(404);
});

it('is managed on the command line as well, which shows a secret once', async () => {
  await using receiver = await startReceiver();
  await using world = await startWorld({ now });
  const run = (...words: string[]) => relatchHere(world, ['endpoints', ...words]);
  const added = await run('add', receiver.url, '--events', 'alert.raised, window.missed');
  const [id = ''] = /[0-9a-f-]{36}/.exec(added.output) ?? [];
  const [secret = ''] = /whsec_\S+/.exec(added.output) ?? [];
  expect(await run('test', id)).toEqual({ code: 0, output: 'delivered: it answered 200' });
  expect(verified(secret, receiver.received[0]!)).toMatchObject({ type: 'endpoint.test', data: { endpoint_id: id } });
  await alert(world);
  await told(world);
  const [delivery] = jsonLines(await run('deliveries', id, '--json'));
  expect(delivery).toMatchObject({ type: 'alert.raised', state: 'delivered', attempts: 1, status: 200 });
  expect((await run('replay', id, '--message', String(delivery?.['message_id']))).output).toContain('1 message ');
  await told(world);
  expect(receiver.received).toHaveLength(3);
  expect((await run('rotate-secret', id, '--old-valid-hours', '0')).output).toMatch(/whsec_/);
  receiver.answer = status(500);
  expect(await run('test', id)).toEqual({ code: 2, output: 'The message was not delivered: it answered 500.' });
  expect((await run('change', id, '--events', 'all')).output).toBe(`changed ${id}`);
  expect((await run('disable', id)).output).toBe(`disabled ${id}`);
  expect(jsonLines(await run('list', '--json'))).toMatchObject([
    { id, event_types: [], disabled_because: expect.stringMatching(/^by /) },
  ]);
  expect((await run('enable', id)).output).toContain(`relatch endpoints replay ${id} --since 2027-03-08T12:00:00.000Z`);
  expect((await run('list')).output).not.toContain(secret);
  expect((await run('remove', id)).output).toBe(`removed ${id}`);
  expect(await run('test', id)).toMatchObject({
    code: 2,
    output: expect.stringContaining('There is no webhook endpoint'),
  });
  expect(await run('add', 'https://10.0.0.1/x')).toMatchObject({
    code: 2,
    output: expect.stringContaining('no public address'),
  });
  for (const words of [
    ['add', receiver.url, '--events', 'alert.risen'],
    ['replay', id],
    ['change', id],
  ])
    expect(await run(...words)).toMatchObject({ code: 2 });
});

it('writes and asks nothing where there is no endpoint', async () => {
  await using database = await createTestDatabase();
  // Without a service, whose own statements would be among those that are looked at.
  const db = createDb({ url: database.url });
  const sent = vi.spyOn(pg.Client.prototype, 'query');
  const entry = { at: new Date(now), kind: 'code.created', message: 'A code.', alert: true } as const;
  await db.prisma.$transaction((tx) => insertHistory(tx, entry));
  const texts = sent.mock.calls.map(([query]) =>
    typeof query === 'string' ? query : String(Reflect.get(Object(query), 'text')),
  );
  sent.mockRestore();
  expect(texts.filter((text) => /history|alerts/.test(text)).length).toBeGreaterThan(1);
  expect(texts.filter((text) => /webhook/.test(text) && !/from webhook_endpoints e/.test(text))).toEqual([]);
  expect(await db.prisma.webhookMessage.count()).toBe(0);
  await db.close();
});

it.each([
  ['moves', (db: Db, id: string, at: Date) => updateEndpoint(db.prisma, id, { url: 'https://new.example/' }, at)],
  [
    'is disabled and enabled again',
    async (db: Db, id: string, at: Date) => {
      await disableEndpoint(db.prisma, id, at, 'by somebody');
      await enableEndpoint(db.prisma, id, at);
    },
  ],
])('is not given up for what it answered before it %s', async (_what, change) => {
  await using database = await createTestDatabase();
  const db = createDb({ url: database.url });
  const [id, at, vault] = [randomUUID(), new Date(now), new PinVault([randomBytes(32)])];
  await insertEndpoint(db.prisma, { id, url: 'https://old.example/', eventTypes: [], now: at });
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  await storeSecret(db.prisma, id, vault.encrypt(secret, id), { now: at, oldUntil: at });
  await noteRound(db.prisma, id, { since: new Date('2027-03-01T12:00:00Z'), quietUntil: at });
  await db.prisma.$transaction((tx) => insertHistory(tx, { at, kind: 'code.created', message: 'A code.' }));
  const endpoints = {
    find: async () => ({ ok: false, problem: 'unused' }) as const,
    post: async () => {
      await change(db, id, at);
      return { status: 500, retryAfterSeconds: null };
    },
  };
  const never = new AbortController().signal;
  const deps = { db, vault, now: () => at, random: () => 0, log: createLog({ level: 'silent' }), endpoints };
  expect(await notifyEndpoint(deps, id, { stopping: never, cutShort: never })).toBe('failed');
  expect(await findEndpoint(db.prisma, id)).toMatchObject({ disabledAt: null });
  expect((await db.prisma.webhookDelivery.findMany())[0]?.dueAt).not.toBeNull();
  await db.close();
});

it('is removed while others write messages, which neither fail by it nor wait until all that it was sent is gone', async () => {
  await using database = await createTestDatabase();
  const db = createDb({ url: database.url });
  const add = (name: string) =>
    insertEndpoint(db.prisma, {
      id: randomUUID(),
      url: `https://${name}.example/`,
      eventTypes: [],
      now: new Date(now),
    });
  const entry = { at: new Date(now), kind: 'code.created', message: 'A code.' } as const;
  const write = () => db.prisma.$transaction((tx) => insertHistory(tx, entry));
  const waits = () =>
    vi.waitFor(async () => {
      const locked = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
      expect((await db.pool.query(locked)).rows).toHaveLength(1);
    });
  const [first, second, kept] = [await add('first'), await add('second'), await add('kept')];
  await write();
  const other = new pg.Client({ connectionString: database.url });
  await other.connect();
  await other.query('begin');
  await other.query('select 1 from webhook_deliveries where endpoint_id = $1 for update', [first.id]);
  const removing = removeEndpoint({ db, now: () => new Date(now) }, first.id, 'somebody');
  await waits();
  await write();
  await other.query('commit');
  await removing;

  await other.query('begin');
  await other.query('delete from webhook_endpoints where id = $1', [second.id]);
  const writing = write();
  await waits();
  await other.query('commit');
  await writing;
  expect(await db.prisma.webhookDelivery.groupBy({ by: ['endpointId'], _count: true })).toEqual([
    { endpointId: kept.id, _count: 3 },
  ]);
  await other.end();
  await db.close();
});

it('clears old messages away, but for those that wait, and names of people who are erased', async () => {
  await using receiver = await startReceiver();
  await using world = await startWorld({ now });
  const { deps } = world.relatch;
  await add(world, receiver);
  await world.apply(weekdays({ holder: 'Ana Silva' }));
  await told(world);
  expect(receiver.received[0]?.body).toContain('Ana Silva');
  await world.apply(weekdays({ holder: 'Ana Silva', status: 'paused' }));
  await world.until('2027-03-08T13:00:00Z');
  await eraseHolder(deps, { holder: 'Ana Silva' });
  expect(await dump(deps.db)).not.toContain('Ana Silva');
  await told(world);
  receiver.answer = status(500);
  await alert(world, 'waits');
  await told(world);
  await world.simulator.advanceTo(new Date('2027-03-11T13:00:00Z'));
  await deps.db.pool.query('update installation set pruned_at = null');
  expect((await pruneNightly(deps, 1))?.messages).toBeGreaterThan(0);
  const { items } = (
    await call(
      world,
      `GET /v1/webhook-endpoints/${(await call(world, 'GET /v1/webhook-endpoints')).body.items[0].id}/deliveries`,
    )
  ).body;
  expect(items).toMatchObject([{ state: 'waiting' }]);
});
