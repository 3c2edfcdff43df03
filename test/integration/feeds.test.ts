import { expect, it } from 'vitest';
import { call } from '../support/api.ts';
import { jsonLines, relatchHere } from '../support/cli.ts';
import { dump } from '../support/database.ts';
import { readCalendar } from '../support/icalendar.ts';
import { aSchedule, backDoor, schedulesFile, startWorld, type World } from '../support/relatch.ts';

const pin = '48219753';
const holder = 'Ana "Lu" Silva-Núñez';

const ofAna = (fields: Record<string, unknown> = {}) =>
  aSchedule({ key: 'mornings', name: 'Mornings', holder, pin, ...fields });
const ofAnaToo = aSchedule({
  key: 'nights',
  name: 'Nights; of, the\\ "house"',
  holder: holder.toUpperCase(),
  devices: [backDoor],
  timezone: 'Australia/Lord_Howe',
  windows: [{ rrule: 'FREQ=DAILY', from: '22:00', to: '06:00' }],
});

async function aWorld(): Promise<World> {
  const world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  await world.apply(schedulesFile([ofAna(), ofAnaToo, aSchedule({ key: 'other', devices: [backDoor] })]));
  return world;
}

const get = (world: World, path: string, headers: Record<string, string> = {}) =>
  call(world, `GET ${path}`, { token: null, headers });

it('gives calendars the windows of a schedule at a secret address that nobody else comes to know', async () => {
  await using world = await aWorld();
  const key = { 'idempotency-key': 'once' };
  const made = await call(world, 'POST /v1/feeds', { body: { schedule_key: 'mornings' }, headers: key });
  expect(made).toMatchObject({
    status: 201,
    body: { path: expect.stringMatching(/^\/feeds\/[\w-]{43}\.ics$/), url: null },
  });
  const { id, path } = made.body;
  const again = await call(world, 'POST /v1/feeds', { body: { schedule_key: 'mornings' }, headers: key });
  expect(again).toMatchObject({ status: 201, body: { id, path: null } });

  await world.until('2027-03-08T14:05:00Z');
  const answer = await get(world, path);
  expect(answer.status).toBe(200);
  const headers = ['content-type', 'cache-control', 'referrer-policy', 'set-cookie'].map((name) =>
    answer.headers.get(name),
  );
  expect(headers).toEqual(['text/calendar; charset=utf-8', 'private, no-cache', 'no-referrer', null]);
  const calendar = readCalendar(answer.text);
  expect(calendar).toMatchObject({ name: 'Mornings', tzids: ['America/New_York'] });
  const today = calendar.events.find(({ startsAt }) => startsAt === '2027-03-08T14:00:00.000Z');
  expect(today).toMatchObject({ endsAt: '2027-03-08T22:00:00.000Z', summary: 'Mornings', location: 'Front door' });
  expect(today?.description).toBe('Doors: Front door\nWhy: rule 1\nFront door: its code is on the lock');
  // Monday to Friday in the thirteen weeks ahead, across the change of the clocks.
  expect(calendar.events.filter(({ startsAt }) => startsAt >= '2027-03-08')).toHaveLength(65);
  expect(calendar.events.find(({ startsAt }) => startsAt.startsWith('2027-03-15'))?.startsAt).toBe(
    '2027-03-15T13:00:00.000Z',
  );

  const etag = String(answer.headers.get('etag'));
  const unchanged = await get(world, path, { 'if-none-match': etag });
  expect(unchanged).toMatchObject({ status: 304, text: '' });
  await call(world, 'POST /v1/schedules/mornings/skip', { body: { date: '2027-03-10' } });
  const skipped = await get(world, path, { 'if-none-match': etag });
  expect(skipped.status).toBe(200);
  const left = readCalendar(skipped.text).events;
  expect(left.map(({ uid }) => uid)).toEqual(
    calendar.events.filter(({ startsAt }) => !startsAt.startsWith('2027-03-10')).map(({ uid }) => uid),
  );
  expect(left[0]?.sequence).toBeGreaterThan(calendar.events[0]?.sequence ?? Number.NaN);

  const secret = path.slice('/feeds/'.length, -'.ics'.length);
  for (const wrong of ['x', secret.slice(1), `${secret}A`, 'é', '%00', 'A'.repeat(4_000)]) {
    const refused = await get(world, `/feeds/${wrong}.ics`);
    expect(refused).toMatchObject({ status: 404, body: { code: 'feed_unknown' } });
    expect(refused.headers.get('cache-control')).toBe('private, no-cache');
  }
  const lines = world.logLines.filter((line) => line.includes('"feed.read"'));
  expect(lines.map((line) => JSON.parse(line).outcome)).toEqual([
    'sent',
    'unchanged',
    'sent',
    ...Array(6).fill('unknown'),
  ]);
  const everything = [...world.logLines, await dump(world.relatch.deps.db)].join('\n');
  expect(everything).not.toContain(secret);
  for (const text of [answer.text, skipped.text]) expect(text).not.toContain(pin);

  const renewed = await call(world, `POST /v1/feeds/${id}/renew`);
  expect((await get(world, path)).status).toBe(404);
  expect((await get(world, renewed.body.path)).text).toBe(skipped.text);
  expect(await call(world, `POST /v1/feeds/${id}/revoke`)).toMatchObject({ status: 200 });
  expect((await get(world, renewed.body.path)).status).toBe(404);
  expect((await call(world, `POST /v1/feeds/${id}/revoke`)).status).toBe(404);
  const told = (await world.history()).flatMap(({ kind }) => (kind.startsWith('feed.') ? [kind] : []));
  expect(told).toEqual(['feed.created', 'feed.renewed', 'feed.revoked']);
});

it('gives a holder all schedules of that name, each in its zone, until they are paused or the holder is erased, and nobody else one', async () => {
  await using world = await aWorld();
  for (const [body, status, code] of [
    [{ schedule_key: 'none' }, 400, 'schedule_unknown'],
    [{ holder: 'Nobody' }, 400, 'holder_unknown'],
    [{}, 400, 'request_invalid'],
    [{ schedule_key: 'mornings', holder }, 400, 'request_invalid'],
  ] as const)
    expect(await call(world, 'POST /v1/feeds', { body })).toMatchObject({ status, body: { code } });
  expect(await relatchHere(world, ['feeds', 'create'])).toMatchObject({ code: 2 });
  expect((await relatchHere(world, ['feeds', 'revoke', crypto.randomUUID()])).output).toContain(
    'There is no such feed',
  );

  const created = await relatchHere(world, ['feeds', 'create', '--holder', holder.toLowerCase()]);
  const [path = ''] = /\/feeds\/[\w-]+\.ics/.exec(created.output) ?? [];
  expect(created.output).toContain('set PUBLIC_URL');
  const { tzids, events, name } = readCalendar((await get(world, path)).text);
  expect(name).toBe(holder.toLowerCase());
  expect(tzids).toEqual(['America/New_York', 'Australia/Lord_Howe']);
  expect([...new Set(events.map(({ summary }) => summary))]).toEqual(['Mornings', 'Nights; of, the\\ "house"']);

  const listed = jsonLines(await relatchHere(world, ['feeds', 'list', '--json']));
  expect(listed).toMatchObject([{ schedule_key: null, holder: holder.toLowerCase() }]);
  const answered = await call(world, 'GET /v1/feeds');
  expect(answered.body.items).toEqual(listed);

  await call(world, 'POST /v1/schedules/mornings/pause');
  await call(world, 'POST /v1/schedules/nights/pause');
  await world.until('2027-03-08T13:00:00Z');
  expect(readCalendar((await get(world, path)).text).events).toEqual([]);
  const ofOne = await call(world, 'POST /v1/feeds', { body: { schedule_key: 'mornings' } });
  const erased = await relatchHere(world, ['holders', 'erase', holder]);
  expect(erased.output).toContain('Ended: 2 calendar feeds of theirs.');
  for (const gone of [path, ofOne.body.path]) expect((await get(world, gone)).status).toBe(404);
  expect(await relatchHere(world, ['feeds', 'list'])).toMatchObject({ output: 'No feeds.' });
});

it('says of a calendar that it holds a part of what there is, where somebody has more schedules than it has room for', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  const mornings = Array.from({ length: 51 }, (_, at) =>
    ofAna({ key: `m${at}`, pin: undefined, starts_on: '2027-06-01', ends_on: '2027-06-03' }),
  );
  await world.apply(schedulesFile(mornings.slice(1)));
  const { path } = (await call(world, 'POST /v1/feeds', { body: { holder } })).body;
  expect((await get(world, path)).text).not.toContain('X-WR-CALDESC');
  await world.apply(schedulesFile(mornings));
  const { text } = await get(world, path);
  expect(readCalendar(text).events).toHaveLength(50 * 3);
  expect(text).toContain('X-WR-CALDESC');
});
