// Deliveries that come again, out of order, too late, or from somebody else.
import { expect, it, vi } from 'vitest';
import { anAccessCodeEvent, aRemovedEvent, otherWebhookSecret, type SignedDelivery, sign } from '../support/sign.ts';
import { assertSettled } from './settled.ts';
import { deliver, type Instance, noteAcknowledged, type Stage, slowMs, startStage } from './stage.ts';

it.concurrent('takes an event once that comes three times in a row and once more as another message', async () => {
  await using stage = await startStage();
  const service = await chainOf(stage);
  const removed = await stage.outlive();
  const struckAtMs = performance.now();
  const asOther = sign(removed.body);
  const outcomes = [];
  for (const one of [removed, removed, removed, asOther]) outcomes.push(await outcomeOf(service, one));
  expect(outcomes).toEqual(['accepted', 'duplicate', 'duplicate', 'duplicate']);
  await expectReplaced(stage);
  expect((await stage.db.query('select state, run from inbox')).rows).toEqual([{ state: 'handled', run: 1 }]);
  expect((await stage.db.query(`select state from pgboss.job where name = 'event'`)).rows).toHaveLength(1);
  await assertSettled(stage, { scenario: 'one event four times', faults: 3, struckAtMs });
});

it.concurrent('does nothing about older events that come after newer ones', async () => {
  await using stage = await startStage();
  const service = await chainOf(stage);
  const [{ access_code_id, device_id, code } = { access_code_id: '', device_id: '', code: '' }] =
    stage.simulator.codes();
  const removed = await stage.outlive();
  expect(await deliver(service, removed)).toBe(202);
  await expectReplaced(stage);
  const at = { occurred_at: new Date(Date.now() - 3_600_000).toISOString() };
  const ofCode = { access_code_id, device_id, ...at };
  const late = [
    aRemovedEvent(ofCode),
    anAccessCodeEvent('access_code.deleted', { ...ofCode, code: code ?? '' }),
    anAccessCodeEvent('access_code.set_on_device', { ...ofCode, code: code ?? '' }),
    anAccessCodeEvent('access_code.created', ofCode),
  ];
  const struckAtMs = performance.now();
  for (const event of late) expect(await deliver(service, sign(JSON.stringify(event)))).toBe(202);
  await expectReplaced(stage);
  await assertSettled(stage, { scenario: 'older events after newer ones', faults: late.length, struckAtMs });
});

it.concurrent('believes either of two secrets and nobody else, within five minutes of its clock', async () => {
  await using stage = await startStage();
  const service = await chainOf(stage, {
    SEAM_WEBHOOK_SECRETS: `${otherWebhookSecret},${stage.env.SEAM_WEBHOOK_SECRETS}`,
  });
  const removed = await stage.outlive();
  const { body, headers } = removed;
  const ago = (seconds: number): Date => new Date(Date.now() - seconds * 1_000);
  const withheld = ['svix-id', 'svix-timestamp', 'svix-signature'].map((name) => ({
    body,
    headers: Object.fromEntries(Object.entries(headers).filter(([other]) => other !== name)) as typeof headers,
  }));
  const refused: SignedDelivery[] = [
    ...withheld,
    { body: `${body} `, headers },
    sign(body, { secret: `whsec_${btoa('a secret that nobody has')}` }),
    { body, headers: { ...headers, 'svix-id': 'msg_of_another' } },
    // Captured, and replayed when its time is over.
    sign(body, { at: ago(305) }),
    sign(body, { at: ago(-305) }),
  ];
  const struckAtMs = performance.now();
  for (const one of refused) expect(await deliver(service, one)).toBe(401);
  expect((await stage.db.query('select 1 from inbox')).rows).toEqual([]);

  expect(await outcomeOf(service, sign(body, { secret: otherWebhookSecret, at: ago(295) }))).toBe('accepted');
  expect(await outcomeOf(service, sign(body, { at: ago(-295) }))).toBe('duplicate');
  // Captured, and replayed at once.
  expect(await outcomeOf(service, removed)).toBe('duplicate');
  await expectReplaced(stage);
  await assertSettled(stage, {
    scenario: 'forged, altered and replayed deliveries',
    faults: refused.length,
    struckAtMs,
  });
});

/** An instance, and a door whose first code is made. Nothing but what the test delivers comes from Seam. */
async function chainOf(stage: Stage, env: Record<string, string> = {}): Promise<Instance> {
  const service = await stage.startServing(env);
  return service;
}

/** The code of yesterday is gone, and there is one for today. */
async function expectReplaced(stage: Stage): Promise<void> {
  await vi.waitFor(async () => {
    expect((await stage.codes()).map(({ state }) => state)).toEqual(['removed', 'created']);
  }, slowMs);
  await stage.rest();
  expect(stage.simulator.codes()).toHaveLength(1);
  const made = stage.simulator.events.filter(({ event_type }) => event_type === 'access_code.created');
  expect(made).toHaveLength(2);
}

async function outcomeOf(service: Instance, delivery: SignedDelivery): Promise<unknown> {
  const { body, headers } = delivery;
  const response = await fetch(`${service.url}/webhooks/seam`, { method: 'POST', headers, body });
  expect(response.status).toBe(202);
  noteAcknowledged(service, delivery);
  return ((await response.json()) as { outcome: unknown }).outcome;
}
