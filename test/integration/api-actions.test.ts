// Changes in the middle of things over the API, and what is repeated.
import { randomUUID } from 'node:crypto';
import request from 'supertest';
import { expect, it } from 'vitest';
import { createDb } from '../../src/db/client.ts';
import { pruneNightly } from '../../src/flows/prune.ts';
import { createHttpApp } from '../../src/http/app.ts';
import { type ApiAnswer, call } from '../support/api.ts';
import { adminToken, aSchedule, backDoor, frontDoor, startWorld, type World, weekdays } from '../support/relatch.ts';

async function crewAtWork(fields: Record<string, unknown> = {}): Promise<World> {
  const world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  await world.apply(weekdays(fields));
  await world.until('2027-03-08T15:00:00Z');
  return world;
}

function act(world: World, verb: string, body?: unknown, headers: Record<string, string> = {}): Promise<ApiAnswer> {
  return call(world, `POST /v1/schedules/crew/${verb}`, { ...(body === undefined ? {} : { body }), headers });
}

it('does each action to the door, and tells in a dry run what it would do there', async () => {
  await using world = await crewAtWork();
  const told = await act(world, 'extend?dry_run=true', { until: '19:00' });
  expect(told).toMatchObject({ status: 200, body: { outcome: 'changed', dry_run: true, version: 1 } });
  expect(told.body.message).toBe('Schedule crew would be extended: open 2027-03-08 09:00–19:00 (America/New_York).');
  expect(told.body.plan).toMatchObject([
    { device_id: frontDoor, device_name: 'Front door', appearing: [{ ends_at: '2027-03-09T00:00:00.000Z' }] },
  ]);
  await act(world, 'extend', { until: '19:00' });
  await world.rest();
  expect(world.onlyCode().ends_at).toBe('2027-03-09T00:00:00.000Z');
  const leaked = world.onlyCode().code;
  const steps: [string, unknown, string][] = [
    ['skip', { date: '2027-03-10', reason: 'ill' }, 'was skipped 2027-03-10 09:00–17:00 (America/New_York).'],
    ['unskip', {}, 'was opened again 2027-03-10 09:00–17:00 (America/New_York).'],
    ['extra-windows', { date: '2027-03-13', from: '10:00', to: '12:00' }, 'was given the extra window'],
    ['extra-windows', { date: '2027-03-13', from: '10:00', to: '12:00' }, 'is already given the extra window'],
    ['extend', { until: '19:00' }, 'is already extended: open 2027-03-08 09:00–19:00'],
    ['rotate-pin', undefined, 'was given a new PIN'],
    ['pause', undefined, 'was paused.'],
    ['pause', undefined, 'is already paused.'],
    ['resume', {}, 'was resumed.'],
    ['end', { on: '2027-03-12' }, 'was ended on 2027-03-12.'],
    ['revoke', {}, 'was revoked.'],
  ];
  for (const [verb, body, message] of steps) {
    const answer = await act(world, verb, body);
    expect(answer).toMatchObject({ status: 200, body: { message: expect.stringContaining(message), plan: [] } });
    expect(answer.headers.get('etag')).toBe(`"${answer.body.version}"`);
    await world.rest();
    if (verb === 'rotate-pin') expect(answer.text).not.toContain(leaked);
  }
  await world.until('2027-03-08T15:10:00Z');
  expect(world.simulator.codes()).toEqual([]);
  expect(await act(world, 'resume', {})).toMatchObject({ status: 409, body: { code: 'schedule_ended' } });
  expect(await act(world, 'reopen', {})).toMatchObject({ status: 409, body: { code: 'schedule_ended' } });
  expect(await act(world, 'resume', { revive: true }, { 'if-match': '"1"' })).toMatchObject({ status: 412 });
  expect(await act(world, 'skip', { date: '2027-02-30' })).toMatchObject({ body: { errors: [{ path: 'date' }] } });
  expect(await call(world, 'POST /v1/schedules/nobody/pause')).toMatchObject({ status: 404 });
});

it('does a request that is repeated under its key once, also when both come at once', async () => {
  await using world = await crewAtWork();
  const { prisma } = world.relatch.deps.db;
  const changes = () =>
    prisma.historyEntry.count({ where: { kind: { in: ['schedule.changed', 'schedule.created'] } } });
  const before = await changes();
  const key = { 'idempotency-key': randomUUID() };
  const twins = await Promise.all([1, 2, 3].map(() => act(world, 'skip', { date: null }, key)));
  expect(new Set(twins.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
  expect(twins[0]).toMatchObject({ status: 200, body: { outcome: 'changed', version: 2 } });
  expect(twins.filter(({ headers }) => headers.get('idempotency-replayed') === 'true')).toHaveLength(2);
  expect(new Set(twins.map(({ headers }) => headers.get('etag')))).toEqual(new Set(['"2"']));
  expect(await changes()).toBe(before + 1);

  expect(await act(world, 'skip', { date: '2027-03-11' }, key)).toMatchObject({
    status: 422,
    body: { code: 'idempotency_key_reused' },
  });
  // A dry run is nothing to be kept.
  expect((await act(world, 'skip?dry_run=true', { date: null }, key)).body.dry_run).toBe(true);

  const made = { headers: { 'idempotency-key': randomUUID() }, body: aSchedule({ key: 'new', status: 'paused' }) };
  const created = await Promise.all([1, 2].map(() => call(world, 'POST /v1/schedules', made)));
  for (const one of created) {
    expect(one).toMatchObject({ status: 201, body: { outcome: 'created', version: 1 } });
    expect(one.headers.get('location')).toBe('/v1/schedules/new');
  }
  // What was refused changed nothing, and is tried anew.
  const unpaused = { 'idempotency-key': randomUUID() };
  expect((await act(world, 'unskip', { date: '2027-03-12' }, unpaused)).status).toBe(409);
  await act(world, 'skip', { date: '2027-03-12' });
  expect((await act(world, 'unskip', { date: '2027-03-12' }, unpaused)).status).toBe(200);

  await prisma.$executeRaw`update answered_requests set created_at = now() - interval '25 hours' where key = ${key['idempotency-key']}`;
  await prisma.installation.updateMany({ data: { prunedAt: null } });
  expect(await pruneNightly(world.relatch.deps, 400)).toMatchObject({ answers: 1 });
  expect(await prisma.answeredRequest.count()).toBe(2);
});

it('does a request that comes to two replicas at once under its key once, with equal answers', async () => {
  await using world = await crewAtWork();
  const db = createDb({ url: world.config.database.url ?? '' });
  const deps = { ...world.relatch.deps, db };
  const api = { ...deps, tokens: world.config.api.tokens };
  const other = createHttpApp({ ...deps, api, webhooks: [], pump: { wake: () => undefined }, parts: () => [] });
  const key = randomUUID();
  const asked = [world.relatch.url, other, world.relatch.url, other].map((replica) =>
    request(replica)
      .post('/v1/schedules/crew/skip')
      .set({ authorization: `Bearer ${adminToken}`, 'idempotency-key': key })
      .send({ date: '2027-03-12' }),
  );
  const answers = await Promise.all(asked);
  expect(answers[0]).toMatchObject({ status: 200, body: { outcome: 'changed', version: 2 } });
  expect(new Set(answers.map(({ status, text, headers }) => `${status} ${headers['etag']} ${text}`)).size).toBe(1);
  expect(answers.filter(({ headers }) => headers['idempotency-replayed'] === 'true')).toHaveLength(3);
  expect(await db.prisma.historyEntry.count({ where: { kind: 'schedule.changed' } })).toBe(1);
  await db.close();
});

it('keeps no trace of a PIN that a request held', async () => {
  await using world = await crewAtWork({ pin: '13579024' });
  const pin = '24680913';
  const key = { 'idempotency-key': randomUUID() };
  const rotated = await act(world, 'rotate-pin', { pin }, key);
  expect(rotated).toMatchObject({ status: 200, body: { outcome: 'changed' } });
  expect(await act(world, 'rotate-pin', { pin: '97531086' }, key)).toMatchObject({ status: 422 });
  const wrong = await act(world, 'rotate-pin', { pin: `${pin}9` });
  expect(wrong).toMatchObject({ status: 400, body: { errors: [{ path: 'pin' }] } });
  const read = await call(world, 'GET /v1/schedules/crew');
  expect(read.body.pin).toBe('given');
  const kept = JSON.stringify(await world.relatch.deps.db.prisma.answeredRequest.findMany());
  for (const text of [rotated.text, wrong.text, read.text, kept, world.logLines.join('')])
    expect(text).not.toContain(pin);
});

it('replaces a holiday list and plans every schedule that uses it again, unless somebody was faster', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  const put = (dates: string[], etag?: string, query = ''): Promise<ApiAnswer> =>
    call(world, `PUT /v1/holiday-lists/us${query}`, {
      body: { dates },
      headers: etag === undefined ? {} : { 'if-match': etag },
    });
  const made = await put(['2027-12-25']);
  expect(made).toMatchObject({ status: 200, body: { name: 'us', dates: ['2027-12-25'], changed: [] } });
  for (const key of ['crew', 'guards']) {
    const body = aSchedule({ key, devices: [key === 'crew' ? frontDoor : backDoor], except: { holidays: ['us'] } });
    await call(world, 'POST /v1/schedules', { body });
  }
  await world.rest();
  const etag = made.headers.get('etag')!;
  expect(await put(['2027-03-08'])).toMatchObject({ status: 428 });
  const told = await put(['2027-03-08'], etag, '?dry_run=true');
  expect(told.body).toMatchObject({
    changed: ['crew', 'guards'],
    plan: [{ schedule_key: 'crew' }, { schedule_key: 'guards' }],
  });
  expect((await call(world, 'GET /v1/holiday-lists/us')).body.dates).toEqual(['2027-12-25']);
  const replaced = await put(['2027-12-25', '2027-03-08'], etag);
  expect(replaced.body).toMatchObject({ dates: ['2027-03-08', '2027-12-25'], changed: ['crew', 'guards'] });
  expect(await put([], etag)).toMatchObject({ status: 412 });
  await world.until('2027-03-08T12:10:00Z');
  expect((await world.codes()).filter(({ state }) => state !== 'removed').map(({ startsAt }) => startsAt)).toEqual([
    '2027-03-09T14:00:00.000Z',
    '2027-03-09T14:00:00.000Z',
  ]);
  expect(await put(['2027-02-30'], etag)).toMatchObject({ status: 400, body: { errors: [{ path: 'dates[0]' }] } });
  expect(await call(world, 'PUT /v1/holiday-lists/__proto__', { body: { dates: [] } })).toMatchObject({ status: 400 });
  expect((await call(world, 'GET /v1/holiday-lists')).body).toEqual({
    items: [{ name: 'us', dates: ['2027-03-08', '2027-12-25'] }],
    next_cursor: null,
  });
});

it('tells the next windows with their why, by door where doors differ', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  const blackouts = [{ devices: [backDoor], from: '2027-03-09T00:00', to: '2027-03-09T12:00', reason: 'renovation' }];
  const crew = aSchedule({ devices: [frontDoor, backDoor], grace: { early_minutes: 10 } });
  await world.apply(JSON.stringify({ blackouts, schedules: [crew] }));
  await act(world, 'skip', { date: '2027-03-08' });
  const first = await call(world, 'GET /v1/schedules/crew/windows?count=1&from=2027-03-08T20:00:00%2B01:00');
  expect(first).toMatchObject({ status: 200, body: { status: 'active', timezone: 'America/New_York' } });
  const byDoor = Object.fromEntries(
    first.body.doors.map(({ device_ids: [id], windows }: { device_ids: string[]; windows: object[] }) => [id, windows]),
  );
  expect(byDoor).toEqual({
    [frontDoor]: [
      {
        starts_at: '2027-03-09T13:50:00.000Z',
        ends_at: '2027-03-09T22:00:00.000Z',
        why: 'rule 1, 10 min earlier by grace',
      },
    ],
    [backDoor]: [
      {
        starts_at: '2027-03-09T17:00:00.000Z',
        ends_at: '2027-03-09T22:00:00.000Z',
        why: 'rule 1, starts at the end of blackout "renovation"',
      },
    ],
  });
  const one = await call(world, `GET /v1/schedules/crew/windows?device_id=${frontDoor}`);
  expect(one.body.doors).toMatchObject([{ device_ids: [frontDoor] }]);
  expect(one.body.doors[0].windows).toHaveLength(10);
  await act(world, 'pause');
  expect((await call(world, 'GET /v1/schedules/crew/windows')).body.doors[0].windows).toEqual([]);
  expect(await call(world, 'GET /v1/schedules/crew/windows?device_id=x')).toMatchObject({
    status: 400,
    body: { code: 'device_not_of_schedule' },
  });
});

it('lists what waits for a person page by page, and takes the decision', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  const { prisma, pool } = world.relatch.deps.db;
  await pool.query(`insert into alerts (cause, kind, message, raised_at, last_seen_at)
    select n::text, 'code.refused', 'alert ' || n, '2027-03-08T11:00:00Z', '2027-03-08T11:00:00Z' from generate_series(1, 5) n`);
  await pool.query(`insert into dead_letters (event_key, error_name, error_message, attempts, died_at)
    select n::text, 'Error', 'letter ' || n, 9, '2027-03-08T11:00:00Z' from generate_series(1, 5) n`);
  for (const place of ['alerts', 'dead-letters']) {
    const seen: string[] = [];
    for (let cursor = ''; ; ) {
      const { body } = await call(world, `GET /v1/${place}?limit=2${cursor}`);
      seen.push(...body.items.map(({ id }: { id: string }) => id));
      if (body.next_cursor === null) break;
      cursor = `&cursor=${body.next_cursor}`;
    }
    expect(new Set(seen).size).toBe(5);
    expect(seen).toHaveLength(5);
    expect(await call(world, `GET /v1/${place}?cursor=x`)).toMatchObject({ body: { errors: [{ path: 'cursor' }] } });
  }
  const open = await call(world, 'GET /v1/alerts');
  const { id } = open.body.items[0];
  const headers = { 'idempotency-key': randomUUID() };
  const seen = () => call(world, `POST /v1/alerts/${id}/acknowledge`, { headers });
  expect(await seen()).toMatchObject({ status: 200, body: { id, state: 'acknowledged' } });
  expect(await seen()).toMatchObject({ status: 200, body: { id, state: 'acknowledged' } });
  expect(await call(world, `POST /v1/alerts/${id}/acknowledge`)).toMatchObject({ status: 404 });
  expect((await call(world, 'GET /v1/alerts')).body.items).toHaveLength(4);
  expect((await call(world, 'GET /v1/alerts?acknowledged=true')).body.items).toHaveLength(5);
  expect(await prisma.alert.findUnique({ where: { id } })).toMatchObject({ settledBecause: 'seen by alice' });

  const letters = (await call(world, 'GET /v1/dead-letters')).body.items;
  const retry = `POST /v1/dead-letters/${letters[0].id}/retry`;
  expect(await call(world, retry)).toMatchObject({ status: 200, body: { state: 'retried' } });
  const drop = `POST /v1/dead-letters/${letters[1].id}/drop`;
  expect(await call(world, drop, { body: { reason: ' ' } })).toMatchObject({ body: { errors: [{ path: 'reason' }] } });
  expect(await call(world, drop, { body: { reason: 'a test' } })).toMatchObject({ body: { state: 'dropped' } });
  expect(await call(world, drop, { body: { reason: 'a test' } })).toMatchObject({ status: 404 });
  const entry = await prisma.historyEntry.findFirst({ where: { kind: 'job.dropped' } });
  expect(entry?.detail).toMatchObject({ by: 'alice' });
  expect(world.logLines.join('')).not.toContain(adminToken);
});
