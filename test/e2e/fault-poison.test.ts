// Events that nothing can be done with, and one that a handler dies of: none blocks another, and each is accounted for.
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { expect, it, vi } from 'vitest';
import { poisonDatabase } from '../support/poison.ts';
import { runScript } from '../support/processes.ts';
import { anAccessCodeEvent, aRemovedEvent, otherWebhookSecret, sign } from '../support/sign.ts';
import { assertSettled } from './settled.ts';
import { deliver, type Stage, slowMs, startStage } from './stage.ts';

const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

it('accounts for every event: handled, ignored with a reason, or a dead letter that is retried, twice, until it recovers', async () => {
  await using stage = await startStage();
  const { simulator, db } = stage;
  const service = await stage.startServing();
  const { access_code_id, device_id } = simulator.codes()[0]!;
  const note = () => anAccessCodeEvent('access_code.set_on_device', { access_code_id, device_id, code: '12345678' });
  const poisoned = note();
  const cure = await poisonDatabase(
    db,
    'history',
    `new.event_key = '${poisoned.event_id}' and new.kind = 'code.ready'`,
    2,
  );
  const ours = Array.from({ length: 10 }, note);
  const { access_code_id: _, ...withoutCode } = aRemovedEvent();
  const useless: string[] = [
    'no JSON at all',
    '',
    '"a string"',
    '[]',
    '{}',
    JSON.stringify({ ...aRemovedEvent(), event_type: 'access_code.invented_next_year' }),
    JSON.stringify({ ...aRemovedEvent(), event_type: 'lock.unlocked' }),
    JSON.stringify(withoutCode),
    JSON.stringify({ event_id: randomUUID() }),
    JSON.stringify(aRemovedEvent({ occurred_at: 'yesterday' })),
    JSON.stringify(aRemovedEvent()),
  ].filter((body) => body !== '');
  const events = [poisoned, ...ours].map((event) => JSON.stringify(event));
  const before = await total(stage);
  const struckAtMs = performance.now();
  const statuses = await Promise.all([...events, ...useless].map((body) => deliver(service, sign(body))));
  expect(statuses).toEqual(statuses.map(() => 202));
  expect(await deliver(service, sign(events[0]!, { secret: otherWebhookSecret }))).toBe(401);

  const dead = { handled: ours.length, ignored: useless.length, dead: 1 };
  await vi.waitFor(async () => expect(await deliveredBy(stage)).toEqual(dead), slowMs);
  expect((await total(stage)) - before).toBe(events.length + useless.length);
  expect((await db.query(`select 1 from inbox where state <> 'handled' and reason is null`)).rows).toEqual([]);
  const letter = await vi.waitFor(async () => {
    const [only, ...others] = await listed(stage);
    expect([only?.times, others]).toEqual([1, []]);
    return only!;
  }, slowMs);
  expect(await openAlerts(stage)).toBe(1);

  await assertSettled(stage, {
    scenario: 'useless events, and one that kills its handler',
    faults: 1 + useless.length,
    struckAtMs,
  });

  await relatch(stage, 'dead-letters', 'retry', letter.id);
  await vi.waitFor(async () => expect(await listed(stage)).toMatchObject([{ id: letter.id, times: 2 }]), slowMs);
  expect(await openAlerts(stage)).toBe(1);
  await cure();
  await relatch(stage, 'dead-letters', 'retry', '--all');
  await vi.waitFor(async () => expect(await listed(stage)).toEqual([]), slowMs);
  await vi.waitFor(async () => expect(await openAlerts(stage)).toBe(0), slowMs);
  await stage.rest();
  expect(await deliveredBy(stage)).toEqual({ handled: ours.length + 1, ignored: useless.length });
  expect(simulator.codes()).toHaveLength(1);
  await assertSettled(stage, { scenario: 'the dead letter, retried twice', faults: 2, struckAtMs });
});

/** Rows that deliveries made, by their state. */
async function deliveredBy({ db }: Stage): Promise<Record<string, number>> {
  const { rows } = await db.query<{ state: string; rows: number }>(
    'select state::text, count(*)::int as rows from inbox where svix_id is not null group by 1',
  );
  return Object.fromEntries(rows.map(({ state, rows: count }) => [state, count]));
}

async function total({ db }: Stage): Promise<number> {
  const { rows } = await db.query<{ rows: number }>(
    'select count(*)::int as rows from inbox where svix_id is not null',
  );
  return rows[0]!.rows;
}

async function openAlerts({ db }: Stage): Promise<number> {
  const { rows } = await db.query<{ rows: number }>(
    `select count(*)::int as rows from alerts where kind = 'job.set_aside' and state <> 'resolved'`,
  );
  return rows[0]!.rows;
}

async function listed(stage: Stage): Promise<{ id: string; times: number }[]> {
  const lines = (await relatch(stage, 'dead-letters', 'list', '--json')).trim().split('\n');
  const letters = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  return letters.filter(({ state }) => state === 'open');
}

/** The command line as people run it, from the bundle. */
async function relatch(stage: Stage, ...args: string[]): Promise<string> {
  const { code, output } = await runScript(cli, { args, env: stage.env });
  stage.heard(output);
  expect(code, output).toBe(0);
  return output;
}
