// The pages of one schedule and of one door, over HTTP, in a world that has gone through a week's beginning.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { act } from '../support/crew-at-work.ts';
import { signIn, type Visitor } from '../support/page.ts';
import { aSchedule, backDoor, daily, frontDoor, schedulesFile, startWorld, type World } from '../support/relatch.ts';

const hostile = '<script>alert("x")</script>';
let world: World;
let alice: Visitor;

beforeAll(async () => {
  world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  await world.apply(
    schedulesFile([
      aSchedule({ holder: hostile, devices: [frontDoor, backDoor], except: { dates: ['2027-03-12'] } }),
      aSchedule({ key: 'night', name: `Night & ${hostile}`, windows: daily('22:00', '06:00') }),
    ]),
  );
  await world.until('2027-03-08T22:30:00Z');
  await act(world, { kind: 'skip', date: '2027-03-09', reason: hostile }, { by: 'alice' });
  await act(world, { kind: 'pause' }, { by: 'alice' });
  await act(world, { kind: 'resume', revive: false }, { by: 'bob' });
  alice = await signIn(world);
}, 60_000);
afterAll(() => world?.[Symbol.asyncDispose]());

/** The text of a page as it is read, with a line break for each tag. */
async function read(path: string): Promise<string> {
  const { status, html } = await alice.get(path);
  expect(status).toBe(200);
  const main = /<main[^>]*>(.*)<\/main>/s.exec(html)?.[1] ?? '';
  return main
    .replaceAll(/<[^>]+>/g, '')
    .replaceAll(/\n\s*/g, '\n')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"');
}

describe('the page of a schedule', () => {
  it('says what it is, what comes, its week at each door and its story', async () => {
    const text = await read('/schedules/crew');
    for (const words of [
      'Back door, Front door',
      'Mon, Tue, Wed, Thu, Fri 09:00–17:00',
      'one PIN for every window',
      'Wed 10 Mar 09:00–17:00',
      'This week: 8 to 14 March 2027',
      '09:00–17:00: Was open (rule 1).',
      '09:00–17:00: Code on the lock, and it opens the door.',
      `09:00–17:00: Closed: skipped, ${hostile}.`,
      '09:00–17:00: Closed: exception date.',
      'The clocks go forward from 02:00 to 03:00 (UTC-05:00 to UTC-04:00): this day has 23 hours.',
      'Back door, Front door: the code for Mon 8 Mar 09:00–17:00 was planned, made by Seam and stored on the lock ahead of its time at 07:00; set on the lock at 09:00; taken off the lock at 17:00.',
      'Schedule crew was paused, by alice.',
      'Schedule crew was resumed, by bob.',
    ])
      expect(text).toContain(words);
  });

  it('shows another week, by any of its days, and leads to those beside it', async () => {
    const { html } = await alice.get('/schedules/crew?week=2027-11-03');
    expect(html).toContain('Week: 1 to 7 November 2027');
    expect(html).toContain('/schedules/crew?week=2027-10-25');
    expect(html).toContain('/schedules/crew?week=2027-11-08');
    expect(html).toContain('this day has 25 hours');
    expect(html).not.toContain('data-updates');
  });

  it.each(['2027-02-30', 'soon', '1900-01-01', '2500-01-01', hostile])('answers the week %s in words', async (week) => {
    const { status, html } = await alice.get(`/schedules/crew?${new URLSearchParams({ week })}`);
    expect(status).toBe(400);
    expect(html).toContain('There is no such week');
    expect(html).not.toContain('<script>alert');
  });

  it('answers a schedule, a door and a part of a story that are not there in words', async () => {
    expect(await alice.get('/schedules/nobody')).toMatchObject({
      status: 404,
      html: expect.stringContaining('There is no such schedule'),
    });
    expect(await alice.get('/doors/nowhere')).toMatchObject({
      status: 404,
      html: expect.stringContaining('There is no such door'),
    });
    expect(await alice.get('/schedules/crew?before=x')).toMatchObject({
      status: 400,
      html: expect.stringContaining('There is no such page'),
    });
  });

  it('tells its story in pages that lead to each other and leave nothing out', async () => {
    const { prisma } = world.relatch.deps.db;
    const { id: scheduleId } = await prisma.schedule.findUniqueOrThrow({ where: { key: 'night' } });
    const at = new Date('2027-03-08T22:40:00Z');
    const notes = Array.from({ length: 450 }, (_, index) => ({
      at,
      kind: 'job.retried',
      message: `Note ${index}.`,
      scheduleId,
      detail: { by: 'alice' },
    }));
    await prisma.historyEntry.createMany({ data: notes });
    const seen: string[] = [];
    let path = '/schedules/night';
    let newer = '';
    for (let page = 0; page < 5; page++) {
      const { html } = await alice.get(path);
      seen.push(...(html.match(/Note \d+/g) ?? []));
      newer = /rel="prev" href="([^"#]+after[^"#]+)/.exec(html)?.[1] ?? '';
      const older = /rel="next" href="([^"#]+before[^"#]+)/.exec(html)?.[1];
      if (older === undefined) break;
      path = older.replaceAll('&amp;', '&');
    }
    expect(seen).toHaveLength(450);
    expect(new Set(seen).size).toBe(450);
    expect((await alice.get(newer)).html).toContain('Note 60,');
    await prisma.historyEntry.deleteMany({ where: { kind: 'job.retried' } });
  });
});

describe('the page of a door', () => {
  it('shows all schedules on it together, who opens it now, and its story', async () => {
    const text = await read(`/doors/${frontDoor}`);
    for (const words of [
      'Front door',
      'Nobody is to open it now.',
      `Crew, 09:00–17:00: Was open (rule 1).`,
      `Night &amp; ${hostile}, 22:00 to Tue 9 Mar 06:00: To come; its code is on the lock already (rule 1).`,
      'Crew: the code for Mon 8 Mar 09:00–17:00 was planned',
    ])
      expect(text).toContain(words);
    expect(text).not.toContain('Back door');
  });

  it('shows many schedules in pages', async () => {
    const { prisma } = world.relatch.deps.db;
    const keys = Array.from({ length: 60 }, (_, index) => `many-${String(index).padStart(2, '0')}`);
    await prisma.schedule.createMany({
      data: keys.map((key) => ({
        id: crypto.randomUUID(),
        key,
        name: key,
        timezone: 'UTC',
        startsOn: new Date('2027-03-01'),
        createdAt: new Date('2027-03-08'),
      })),
    });
    const rows = await prisma.schedule.findMany({ where: { key: { in: keys } } });
    await prisma.scheduleRule.createMany({
      data: rows.map(({ id }) => ({
        scheduleId: id,
        position: 0,
        rrule: 'FREQ=DAILY',
        fromLocal: '10:00',
        toLocal: '12:00',
      })),
    });
    await prisma.scheduleDevice.createMany({ data: rows.map(({ id }) => ({ scheduleId: id, deviceId: backDoor })) });
    const first = (await alice.get(`/doors/${backDoor}`)).html;
    expect(first).toContain('more schedules: see the words below');
    for (const key of keys.slice(0, 20)) expect(first).toContain(`<bdi>${key}</bdi>, 10:00–12:00`);
    const seen = new Set<string>();
    for (let path: string | undefined = `/doors/${backDoor}`; path !== undefined; ) {
      const { html } = await alice.get(path);
      for (const [, key = ''] of html.matchAll(/href="\/schedules\/(many-\d+)"/g)) seen.add(key);
      path = /rel="next" href="([^"]+from=[^"]+)#week"/.exec(html)?.[1]?.replaceAll('&amp;', '&');
    }
    expect(seen).toEqual(new Set(keys));
    await prisma.schedule.deleteMany({ where: { key: { in: keys } } });
  });
});

it('no PIN, and nothing that is not escaped, is on either page', async () => {
  const pins = new Set(world.simulator.intervals(frontDoor).flatMap(({ code }) => code ?? []));
  expect(pins.size).toBeGreaterThan(0);
  for (const path of ['/schedules/crew', '/schedules/night', `/doors/${frontDoor}`]) {
    const { html } = await alice.get(path);
    expect(html).not.toContain(hostile);
    expect(html).not.toMatch(/ style="/);
    for (const pin of pins) expect(html).not.toMatch(new RegExp(`\\b${pin}\\b`));
  }
});
