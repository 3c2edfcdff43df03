import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { listAlerts } from '../../src/db/alerts.ts';
import { listLetters } from '../../src/db/dead-letters.ts';
import { dropDeadLetter, retryDeadLetter } from '../../src/flows/settle-dead-letter.ts';
import { deliver, deliverEvent, poison, poisonSecrets } from '../support/poison.ts';
import {
  aSchedule,
  backDoor,
  daily,
  frontDoor,
  schedulesFile,
  startWorld,
  type World,
  weekdays,
} from '../support/relatch.ts';
import { anAccessCodeEvent, aRemovedEvent, otherWebhookSecret, sign } from '../support/sign.ts';

const now = '2027-03-08T12:00:00Z';

const letters = (world: World) => listLetters(world.relatch.deps.db.prisma, 100);

const openAlerts = async (world: World) => {
  const alerts = await listAlerts(world.relatch.deps.db.prisma, { withAcknowledged: true, limit: 100 });
  return alerts.filter(({ kind }) => kind === 'job.set_aside');
};

async function inbox(world: World): Promise<Record<string, number>> {
  const { rows } = await world.relatch.deps.db.pool.query<{ state: string; rows: number }>(
    'select state::text, count(*)::int as rows from inbox group by 1',
  );
  return Object.fromEntries(rows.map(({ state, rows: count }) => [state, count]));
}

function noteAbout(world: World, accessCodeId: string) {
  return anAccessCodeEvent('access_code.set_on_device', {
    code: '1234',
    access_code_id: accessCodeId,
    device_id: world.onlyCode().device_id,
  });
}

it('sets a poisoned event aside with its reason and one alert, and handles the good ones beside it', async () => {
  await using world = await startWorld({ now });
  await world.apply(weekdays());
  const { access_code_id } = world.onlyCode();
  const bad = noteAbout(world, access_code_id);
  await poison(world, 'history', `new.event_key = '${bad.event_id}' and new.kind = 'code.ready'`, 2);
  const good = Array.from({ length: 20 }, () => noteAbout(world, access_code_id));
  const before = await inbox(world);
  await Promise.all([bad, ...good].map((event) => deliverEvent(world, event)));
  await world.rest();

  expect(await letters(world)).toMatchObject([
    {
      state: 'open',
      attempts: 2,
      times: 1,
      subject: { eventKey: bad.event_id },
      scheduleKey: 'crew',
      deviceName: 'Front door',
    },
  ]);
  const { handled = 0, dead } = await inbox(world);
  expect([handled - (before['handled'] ?? 0), dead]).toEqual([20, 1]);
  expect(await openAlerts(world)).toMatchObject([{ state: 'open', times: 1 }]);
  const [row] = await letters(world);
  expect(row?.error.message).toContain('poisoned: PIN [cut]');
  const [alert] = await openAlerts(world);
  expect(alert?.message).toMatch(/^Failed twice and is set aside: the event /);
  expect(alert?.message).toMatch(
    new RegExp(`Retry it with relatch dead-letters retry ${row?.id}, or give it up with `),
  );
  const told = JSON.stringify([await letters(world), await world.history(), await openAlerts(world)]);
  for (const secret of poisonSecrets) expect(told).not.toContain(secret);

  // Nothing makes another job of it.
  await world.relatch.deps.db.pool.query("update inbox set due_at = now() - interval '1 hour'");
  await sleep(300);
  await world.rest();
  expect(await letters(world)).toMatchObject([{ attempts: 2, times: 1 }]);
});

it('sets aside an event of nobody’s code that cannot be ignored, and ignores the others without it', async () => {
  await using world = await startWorld({ now });
  const events = Array.from({ length: 20 }, () => aRemovedEvent());
  const [bad] = events;
  await poison(world, 'inbox', `new.key = '${bad!.event_id}' and new.state = 'ignored'`);
  await Promise.all(events.map((event) => deliverEvent(world, event)));
  await world.rest();
  expect(await inbox(world)).toEqual({ ignored: 19, dead: 1 });
  expect(await letters(world)).toMatchObject([{ subject: { eventKey: bad!.event_id } }]);
});

it('retries a dead event, twice if it must be, as the same letter with the same alert, and settles both in the end', async () => {
  await using world = await startWorld({ now });
  await world.apply(weekdays());
  const event = noteAbout(world, world.onlyCode().access_code_id);
  const cure = await poison(world, 'history', `new.event_key = '${event.event_id}' and new.kind = 'code.ready'`);
  await deliverEvent(world, event);
  await world.rest();
  const { deps } = world.relatch;
  const [letter] = await letters(world);
  const id = letter?.id ?? '';
  const runs = [];
  for (const times of [2, 3]) {
    expect(await retryDeadLetter(deps, id)).toBe(true);
    expect(await retryDeadLetter(deps, id)).toBe(false);
    await world.rest();
    expect(await letters(world)).toMatchObject([{ id, state: 'open', times, attempts: times }]);
    expect(await openAlerts(world)).toMatchObject([{ state: 'open', times }]);
    runs.push((await deps.db.prisma.inboxEvent.findUniqueOrThrow({ where: { key: event.event_id } })).run);
  }
  expect(runs).toEqual([2, 3]);
  await cure();
  expect(await retryDeadLetter(deps, id)).toBe(true);
  await settled(world);
  expect(await openAlerts(world)).toEqual([]);
  expect(await deps.db.prisma.inboxEvent.findUnique({ where: { key: event.event_id } })).toMatchObject({
    state: 'handled',
  });
  const kinds = (await world.history()).flatMap(({ kind }) => (kind.startsWith('job.') ? [kind] : []));
  const again = ['job.retried', 'job.set_aside'];
  expect(kinds).toEqual(['job.set_aside', ...again, ...again, 'job.retried', 'job.recovered']);
});

it('drops a dead event with the reason that somebody gave, and never touches it again', async () => {
  await using world = await startWorld({ now });
  await world.apply(weekdays());
  const event = noteAbout(world, world.onlyCode().access_code_id);
  await poison(world, 'history', `new.event_key = '${event.event_id}' and new.kind = 'code.ready'`);
  await deliverEvent(world, event);
  await world.rest();
  const { deps } = world.relatch;
  const [letter] = await letters(world);
  expect(await dropDeadLetter(deps, letter?.id ?? '', 'a duplicate, PIN 4711')).toBe(true);
  expect(await dropDeadLetter(deps, letter?.id ?? '', 'again')).toBe(false);
  expect(await deliverEvent(world, event)).toBe(202);
  await world.rest();
  expect(await letters(world)).toEqual([]);
  expect(await openAlerts(world)).toEqual([]);
  expect(await deps.db.prisma.inboxEvent.findUnique({ where: { key: event.event_id } })).toMatchObject({
    state: 'ignored',
    reason: 'dropped: a duplicate, PIN [cut]',
  });
});

it('leaves a door whose plan died alone, serves the others, and plans it again when it is retried', async () => {
  await using world = await startWorld({ now });
  const cure = await poison(world, 'access_codes', `new.device_id = '${backDoor}'`, 2);
  await world.apply(schedulesFile([aSchedule({ devices: [frontDoor, backDoor], windows: daily('09:00', '17:00') })]));
  expect(await letters(world)).toMatchObject([
    { state: 'open', attempts: 2, subject: { deviceId: backDoor }, scheduleKey: 'crew' },
  ]);
  expect(await openAlerts(world)).toMatchObject([{ scheduleKey: 'crew', deviceId: backDoor }]);
  await world.sweep();
  await world.until('2027-03-10T12:00:00Z');
  expect(world.opened(frontDoor)).toHaveLength(2);
  expect(world.opened(backDoor)).toEqual([]);
  expect(await letters(world)).toMatchObject([{ attempts: 2, times: 1 }]);

  await cure();
  const [letter] = await letters(world);
  expect(await retryDeadLetter(world.relatch.deps, letter?.id ?? '')).toBe(true);
  await settled(world);
  await world.rest();
  expect(await openAlerts(world)).toEqual([]);
  expect(world.simulator.codes({ device_id: backDoor })).toHaveLength(1);
  await world.until('2027-03-11T12:00:00Z');
  expect(world.opened(backDoor)).toEqual(['2027-03-10T14:00Z/2027-03-10T22:00Z']);
});

it('wakes no door with due codes whose plan died, until its schedule is changed', async () => {
  await using world = await startWorld({ now, delivers: false });
  await world.apply(weekdays());
  const { deps } = world.relatch;
  const cure = await poison(world, 'access_codes', 'true');
  await world.until('2027-03-08T23:00:00Z');
  expect(await letters(world)).toMatchObject([{ state: 'open', subject: { deviceId: frontDoor } }]);
  const jobs = async () => {
    const { rows } = await deps.db.pool.query("select count(*)::int as jobs from pgboss.job where name = 'plan'");
    return rows;
  };
  const before = await jobs();
  await sleep(1_000);
  expect(await jobs()).toEqual(before);
  await cure();
  await world.apply(weekdays({ windows: daily('10:00', '17:00') }));
  await settled(world);
  expect(await openAlerts(world)).toEqual([]);
  expect(world.onlyCode().starts_at).toBe('2027-03-09T15:00:00.000Z');
});

it('sets aside what a lost worker leaves, in the queue’s own words', async () => {
  await using world = await startWorld({ now });
  await world.apply(weekdays());
  const { pool } = world.relatch.deps.db;
  // As of a process that was killed while it had the job for the last time.
  await pool.query(`insert into pgboss.job (name, data, state, retry_limit, retry_count, started_on, expire_seconds, dead_letter, singleton_key, policy)
    select 'plan', jsonb_build_object('scheduleId', schedule_id, 'deviceId', device_id), 'active', 8, 8, now() - interval '1 hour', 60,
           'plan.dead', schedule_id::text || ':' || device_id, 'singleton' from schedule_devices`);
  await expect
    .poll(() => letters(world), { timeout: 20_000 })
    .toMatchObject([{ state: 'open', attempts: 9, error: { name: 'WorkerLost' } }]);
});

it('drops a dead job whose data nobody can read, with an alert that says so, and sets the next one aside', async () => {
  await using world = await startWorld({ now });
  await world.apply(weekdays());
  const { pool } = world.relatch.deps.db;
  for (const data of ['{"scheduleId": "crew", "pin": "482913"}', '[]']) {
    await pool.query(`insert into pgboss.job (name, data) values ('plan.dead', $1), ('event.dead', $1)`, [data]);
  }
  await pool.query(`insert into pgboss.job (name, data)
    select 'plan.dead', jsonb_build_object('scheduleId', schedule_id, 'deviceId', device_id) from schedule_devices`);
  await expect.poll(() => letters(world), { timeout: 10_000 }).toMatchObject([{ scheduleKey: 'crew' }]);
  const alerts = await listAlerts(world.relatch.deps.db.prisma, { withAcknowledged: true, limit: 100 });
  expect(
    alerts.filter(({ kind }) => kind === 'job.dropped').sort((a, b) => (a.message < b.message ? -1 : 1)),
  ).toMatchObject([
    { times: 2, message: expect.stringMatching(/^Dropped a job of the queue event .*: its data name no event/) },
    { times: 2, message: expect.stringMatching(/^Dropped a job of the queue plan .*: its data name no door/) },
  ]);
  expect(JSON.stringify(await world.history())).not.toContain('482913');
});

it('accounts for every event after a noisy run: handled, ignored with a reason, dead, or still received', async () => {
  await using world = await startWorld({ now, delivers: false });
  await world.apply(weekdays());
  const { access_code_id } = world.onlyCode();
  const poisoned = Array.from({ length: 5 }, () => noteAbout(world, access_code_id));
  const keys = poisoned.map(({ event_id }) => `'${event_id}'`).join(',');
  await poison(world, 'history', `new.event_key in (${keys}) and new.kind = 'code.ready'`);
  const ours = Array.from({ length: 40 }, () => noteAbout(world, access_code_id));
  const others = Array.from({ length: 15 }, () => aRemovedEvent());
  const odd = Array.from({ length: 10 }, (_, index) => ({ ...aRemovedEvent(), event_type: `unheard.of_${index}` }));
  const sent = [...poisoned, ...ours, ...others, ...odd].map((event) => sign(JSON.stringify(event)));
  const broken = Array.from({ length: 5 }, (_, index) => sign(`no JSON ${index}`));
  const lost = sent.filter((_, index) => index % 7 === 3);
  const arrived = [...sent.filter((_, index) => index % 7 !== 3), ...broken];
  const forged = Array.from({ length: 10 }, () =>
    sign(JSON.stringify(aRemovedEvent()), { secret: otherWebhookSecret }),
  );
  const noise = [...arrived, ...arrived.filter((_, index) => index % 2 === 0), ...forged];
  const statuses = await Promise.all(noise.map((delivery) => deliver(world, delivery)));
  expect(statuses.filter((status) => status === 401)).toHaveLength(forged.length);
  expect(statuses.filter((status) => status === 202)).toHaveLength(noise.length - forged.length);
  await world.rest();

  const { handled = 0, ignored = 0, dead = 0, received = 0 } = await inbox(world);
  expect(handled + ignored + dead + received).toBe(arrived.length);
  expect(lost.length + arrived.length).toBe(sent.length + broken.length);
  expect(received).toBe(0);
  const open = await letters(world);
  expect(open).toHaveLength(dead);
  expect(dead).toBeGreaterThan(0);
  expect(await openAlerts(world)).toHaveLength(dead);
  const { rows } = await world.relatch.deps.db.pool.query(
    "select 1 from inbox where state <> 'handled' and reason is null",
  );
  expect(rows).toEqual([]);
  for (const { id } of open) await dropDeadLetter(world.relatch.deps, id, 'seen');
  const after = await inbox(world);
  expect((after['handled'] ?? 0) + (after['ignored'] ?? 0)).toBe(arrived.length);
});

/** Waits until no letter needs anybody. */
async function settled(world: World): Promise<void> {
  await expect.poll(() => letters(world), { timeout: 20_000 }).toEqual([]);
  await world.rest();
}
