// The status page over HTTP: who sees it, what it says, and what it does.
import request from 'supertest';
import { expect, it } from 'vitest';
import { listDoors } from '../../src/db/door-overview.ts';
import { createHttpApp } from '../../src/http/app.ts';
import { ask, fromHere, signIn, type Visitor } from '../support/page.ts';
import {
  adminToken,
  aSchedule,
  backDoor,
  frontDoor,
  schedulesFile,
  startWorld,
  type World,
} from '../support/relatch.ts';

const hostile = `<script>alert(1)</script>"'&\u202Eevil`;
const escaped = '&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;\u202Eevil';

/** The crew at the front door at ten in the morning, and a door whose code Seam refuses; every name is hostile. */
async function morning(): Promise<World> {
  const world = await startWorld({
    now: '2027-03-08T12:00:00Z',
    devices: [
      { device_id: frontDoor, name: `Front ${hostile}` },
      { device_id: backDoor, name: 'Back door', can_program_online_access_codes: false },
    ],
  });
  await world.apply(
    schedulesFile([
      aSchedule({ name: `Crew ${hostile}`, holder: `Ana ${hostile}` }),
      aSchedule({ key: 'back', name: 'Back', devices: [backDoor] }),
    ]),
  );
  await world.until('2027-03-08T15:00:00Z');
  return world;
}

type AdminTokens = World['config']['api']['tokens'];

/** The service's HTTP with other tokens. */
function appOf({ relatch }: World, tokens: AdminTokens) {
  const { deps } = relatch;
  const api = tokens.length === 0 ? null : { ...deps, tokens };
  return createHttpApp({
    now: deps.now,
    db: deps.db,
    log: deps.log,
    webhooks: [],
    pump: { wake: () => undefined },
    parts: () => [],
    api,
  });
}

async function formOf(visitor: Visitor, fields: Record<string, string>): Promise<Record<string, string>> {
  const { html } = await visitor.post('/schedules/crew/act', fields);
  return { ...fields, version: /name="version" value="(\d+)"/.exec(html)?.[1] ?? '' };
}

async function alertId(world: World): Promise<string> {
  const alert = await world.relatch.deps.db.prisma.alert.findFirstOrThrow({ where: { state: 'open' } });
  return alert.id;
}

it('shows nothing to who is not signed in, takes no form of other pages, and ends with its token', async () => {
  await using world = await morning();
  const acknowledge = `/alerts/${await alertId(world)}/acknowledge`;
  for (const path of ['/', '/?q=crew', '/schedules/crew/act']) {
    const answer = await ask(world, path);
    expect(answer).toMatchObject({ status: 303, html: expect.not.stringContaining('Crew') });
    expect(answer.to).toBe(path === '/' ? '/sign-in' : `/sign-in?to=${encodeURIComponent(path)}`);
  }
  expect(await ask(world, acknowledge, { headers: fromHere, form: {} })).toMatchObject({ status: 303, to: '/sign-in' });
  const refused = await ask(world, '/sign-in', { headers: fromHere, form: { token: `${adminToken}x`, to: '/?q=a' } });
  expect(refused).toMatchObject({ status: 401, html: expect.stringContaining('value="/?q=a"') });
  expect(refused.headers.get('set-cookie')).toBeNull();
  expect(refused.html).not.toContain(adminToken);
  for (const to of ['//evil.example/', 'https://evil.example/', '/\\evil.example'])
    expect(await ask(world, '/sign-in', { headers: fromHere, form: { token: adminToken, to } })).toMatchObject({
      to: '/',
    });

  const alice = await signIn(world);
  const signedIn = await ask(world, '/sign-in', { headers: fromHere, form: { token: adminToken, to: '/?q=a' } });
  expect(signedIn.to).toBe('/?q=a');
  expect(signedIn.headers.get('set-cookie')).toMatch(
    /^relatch_session=[\w.-]+; Max-Age=43200; Path=\/; .*HttpOnly; SameSite=Lax$/,
  );
  for (const path of ['/', '/sign-in', '/schedules/crew/act', '/schedules/nobody/act']) {
    const { headers } = await alice.get(path);
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    );
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('same-origin');
  }

  const { cookie } = alice;
  const csrf = await alice.csrf();
  await world.until('2027-03-08T15:01:00Z');
  const otherSession = await (await signIn(world)).csrf();
  const origin = world.relatch.url;
  const wrong: [Record<string, string>, Record<string, string>][] = [
    [{ ...fromHere, cookie }, {}],
    [{ ...fromHere, cookie }, { csrf: otherSession }],
    [{ 'sec-fetch-site': 'cross-site', cookie }, { csrf }],
    [{ 'sec-fetch-site': 'same-site', cookie, origin }, { csrf }],
    [{ origin: 'https://evil.example', cookie }, { csrf }],
    [{ origin: 'null', cookie }, { csrf }],
    [{ cookie }, { csrf }],
  ];
  for (const [headers, form] of wrong)
    expect(await ask(world, acknowledge, { headers, form })).toMatchObject({
      status: 403,
      html: expect.stringContaining('Nothing was done'),
    });
  expect(
    (
      await ask(world, '/sign-in', { form: { token: adminToken }, headers: { origin: 'https://evil.example' } })
    ).headers.get('set-cookie'),
  ).toBeNull();
  const { prisma } = world.relatch.deps.db;
  expect(await prisma.alert.count({ where: { state: 'acknowledged' } })).toBe(0);
  // An older browser says only where it comes from.
  expect(
    await ask(world, acknowledge, { headers: { origin, cookie }, form: { csrf, to: '//evil.example' } }),
  ).toMatchObject({ status: 303, to: '/' });
  expect(await prisma.alert.findFirst({ where: { state: 'acknowledged' } })).toMatchObject({
    settledBecause: 'seen by alice',
  });

  expect((await alice.post('/sign-out')).headers.get('set-cookie')).toMatch(/^relatch_session=;/);
  const show = (tokens: AdminTokens, path: string) => request(appOf(world, tokens)).get(path).set('cookie', cookie);
  expect(await show(world.config.api.tokens, '/')).toMatchObject({ status: 200 });
  expect(await show([{ name: 'bob', token: 'token-of-bob-for-the-pages' }], '/')).toMatchObject({ status: 303 });
  for (const path of ['/', '/sign-in', '/schedules/crew/act'])
    expect(await show([], path)).toMatchObject({ status: 404, text: expect.stringContaining('ADMIN_TOKENS') });
  const app = appOf(world, world.config.api.tokens);
  const byProxy = () =>
    request(app)
      .post('/sign-in')
      .set({ ...fromHere, 'x-forwarded-proto': 'https' })
      .type('form')
      .send({ token: adminToken });
  expect((await byProxy()).headers['set-cookie']?.[0]).not.toContain('Secure');
  app.set('trust proxy', 'loopback');
  expect((await byProxy()).headers['set-cookie']?.[0]).toContain('; Secure');
});

it('tells people of doors and of what needs them, lets names be no more than names, and shows a PIN to who asks', async () => {
  await using world = await morning();
  const alice = await signIn(world);
  const { code: pin } = world.onlyCode();
  const home = (await alice.get('/')).html;
  expect(textOf(home)).toContain('One thing needs you');
  expect(textOf(home)).toMatch(/Front .* Ready Now Ana .* until 17:00 Show PIN/);
  expect(textOf(home)).toMatch(
    /Back door In trouble 1 thing needs a person Now Back until 17:00 Not on the lock: refused/,
  );
  const codeId = /action="\/codes\/([^/]+)\/pin"/.exec(home)?.[1] ?? '';
  const told = (await alice.post('/schedules/crew/act', { kind: 'skip', date: '2027-03-08', reason: hostile })).html;
  const pages = [
    home,
    told,
    (await alice.get('/?q=Ana+%3Cscript')).html,
    (await alice.get(`/?q=${encodeURIComponent(hostile)}`)).html,
    (await alice.get('/schedules/crew/act')).html,
  ];
  for (const html of pages) {
    expect(html).toContain(escaped);
    expect(html).not.toContain('<script>');
    expect(html).not.toMatch(/ (style|on\w+)=/);
    expect(html).not.toContain(pin);
  }
  expect(home).toContain(`<bdi>Ana ${escaped}</bdi>`);
  expect(textOf((await alice.get('/?q=nothing')).html)).toContain('No door is found by “nothing”.');

  const shown = await alice.post(`/codes/${codeId}/pin`, { to: '/?q=a' });
  expect(shown).toMatchObject({ status: 200, html: expect.stringContaining(pin ?? '?') });
  expect(shown.html).toContain('href="/?q=a"');
  expect(shown.headers.get('cache-control')).toBe('no-store');
  expect(await world.history()).toContainEqual(
    expect.objectContaining({ kind: 'pin.revealed', message: expect.stringContaining('shown to alice') }),
  );
  expect(world.logLines.join('\n')).not.toContain(pin);
  expect((await alice.get('/')).html).not.toContain(pin);
  for (const path of ['/codes/nothing/pin', `/codes/${await alertId(world)}/pin`])
    expect(await alice.post(path)).toMatchObject({ status: 404 });
});

it('puts what is most urgent first, says where nothing goes on, and turns pages by name', async () => {
  await using world = await morning();
  const alice = await signIn(world);
  const { prisma } = world.relatch.deps.db;
  const at = { raisedAt: new Date('2027-03-08T14:00:00Z'), lastSeenAt: new Date('2027-03-08T14:00:00Z') };
  const now = await prisma.accessCode.findFirstOrThrow({ where: { schedule: { key: 'crew' } } });
  const next = await prisma.accessCode.create({
    data: {
      ...{ scheduleId: now.scheduleId, deviceId: frontDoor, marker: 'NEXTONE', nextTryAt: now.windowEndsAt },
      windowStartsAt: new Date('2027-03-09T14:00:00Z'),
      windowEndsAt: new Date('2027-03-09T22:00:00Z'),
    },
  });
  await prisma.alert.deleteMany();
  await prisma.alert.createMany({
    data: [
      { cause: 'a', kind: 'clock.skewed', message: 'Third.', ...at },
      { cause: 'b', kind: 'code.not_ready', message: 'Second.', codeId: next.id, ...at },
      { cause: 'c', kind: 'code.not_ready', message: 'First.', codeId: now.id, ...at },
      { cause: 'd', kind: 'seam.paused', message: 'Before all.', ...at },
      ...Array.from({ length: 60 }, (_, n) => ({
        cause: `e${n}`,
        kind: 'window.missed',
        message: 'Rest.',
        raisedAt: new Date(0),
        lastSeenAt: at.lastSeenAt,
      })),
    ],
  });
  await prisma.seamLine.update({
    where: { id: 1 },
    data: { state: 'silent', probeAt: new Date('2028-01-01T00:00:00Z') },
  });
  await prisma.deadLetter.create({
    data: { eventKey: 'e', errorName: 'Error', errorMessage: 'x', attempts: 9, diedAt: new Date() },
  });
  const { html } = await alice.get('/');
  const text = textOf(html);
  expect(text).toMatch(
    /64 things need you.* Seam has not answered.* Before all\..* First\..* Second\..* Third\..* Rest\..*40 others, less urgent.*And 14 more alerts.*1 job has failed for good/,
  );
  expect(text).not.toContain('only observes');
  // A path that is no URL.
  expect((await alice.get('//?q=Back')).html).toContain('1 door by “Back”');
  const observing = createHttpApp({
    now: world.relatch.deps.now,
    ...{ log: world.relatch.deps.log, webhooks: [], pump: { wake: () => undefined }, parts: () => [] },
    db: world.relatch.deps.db,
    api: { ...world.relatch.deps, mode: 'observe', tokens: world.config.api.tokens },
  });
  expect((await request(observing).get('/').set('cookie', alice.cookie)).text).toContain('Relatch only observes');

  const first = await listDoors(prisma, { text: null, after: null, limit: 1 });
  expect(first).toMatchObject({ total: 2, doors: [{ name: 'Back door', schedules: 1 }] });
  expect(await listDoors(prisma, { text: null, after: backDoor, limit: 1 })).toMatchObject({
    total: 2,
    doors: [{ deviceId: frontDoor }],
  });
  expect(await listDoors(prisma, { text: '%', after: null, limit: 9 })).toEqual({ total: 0, doors: [] });
  expect(await listDoors(prisma, { text: 'ANA <S', after: null, limit: 9 })).toMatchObject({ total: 1 });
});

it('does an action only when it was told and confirmed, and the schedule is still the same', async () => {
  await using world = await morning();
  const alice = await signIn(world);
  const skip = await formOf(alice, { kind: 'skip', date: '2027-03-08', reason: 'ill', to: '/?q=a' });
  expect(skip['version']).toBe('1');
  expect(world.simulator.codes({ device_id: frontDoor })).toHaveLength(1);

  const extended = await alice.post('/schedules/crew/act', await formOf(alice, { kind: 'extend', until: '19:00' }));
  expect(extended).toMatchObject({ status: 303, to: '/schedules/crew/act?to=%2F&done=extend' });
  await world.rest();
  expect(world.onlyCode().ends_at).toBe('2027-03-09T00:00:00.000Z');
  const meanwhile = await alice.post('/schedules/crew/act', skip);
  expect(textOf(meanwhile.html)).toMatch(
    /changed the schedule meanwhile, and nothing was done.*Today 09:00–19:00 would be closed/,
  );
  expect(world.simulator.codes({ device_id: frontDoor })).toHaveLength(1);
  const done = await alice.post('/schedules/crew/act', { ...skip, version: '2' });
  expect(done.to).toBe('/schedules/crew/act?to=%2F%3Fq%3Da&done=skip');
  const after = (await alice.get(done.to ?? '')).html;
  expect(textOf(after)).toMatch(/Skipped\. .*today 09:00–19:00 \(ill\)/);
  expect(after).toContain('href="/?q=a"');
  await world.rest();
  await world.until('2027-03-08T15:05:00Z');
  expect(textOf((await alice.get('/')).html)).toContain('Closed skipped: ill Now Nobody');
  expect(await world.history()).toContainEqual(
    expect.objectContaining({ message: expect.stringContaining('skipped 2027-03-08') }),
  );

  const refused = await alice.post('/schedules/crew/act', { kind: 'extend', until: '08:00' });
  expect(refused).toMatchObject({
    status: 409,
    html: expect.stringContaining('name="until" type="time" required value="08:00"'),
  });
  const mistaken: [Record<string, string>, string][] = [
    [{ kind: 'extend', until: 'soon' }, 'such as 19:30'],
    [{ kind: 'skip', date: '2027-02-30' }, 'Choose the window'],
    [{ kind: 'skip', date: '2027-03-09', reason: 'x'.repeat(5_000) }, 'shorter'],
    [{ kind: 'end' }, 'Choose what'],
  ];
  for (const [form, words] of mistaken)
    expect(await alice.post('/schedules/crew/act', form)).toMatchObject({
      status: 422,
      html: expect.stringContaining(words),
    });

  await alice.post('/schedules/crew/act', await formOf(alice, { kind: 'unskip', date: '2027-03-08' }));
  await alice.post('/schedules/crew/act', await formOf(alice, { kind: 'revoke' }));
  await world.rest();
  expect(textOf((await alice.get('/schedules/crew/act')).html)).toContain('This schedule has ended.');
  expect(await alice.post('/schedules/nobody/act', { kind: 'revoke' })).toMatchObject({ status: 404 });
});

/** What people read of a page. */
function textOf(html: string): string {
  return html
    .replaceAll(/<span class="unseen">.*?<\/span>/g, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ');
}
