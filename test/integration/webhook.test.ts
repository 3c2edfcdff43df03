import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { SeamEvent } from 'seam';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { HttpAppUnderTest } from '../support/http-app.ts';
import { anAccessCodeEvent, aRemovedEvent, otherWebhookSecret, type SignedDelivery, sign } from '../support/sign.ts';

const pin = '471108';

let app: HttpAppUnderTest;
beforeAll(async () => {
  app = await HttpAppUnderTest.start();
});
beforeEach(() => app.reset());
afterAll(() => app.close());

describe('a signed event', () => {
  it('is stored before it is accepted, and app.wakes the pump', async () => {
    const event = aRemovedEvent();
    const delivery = sign(JSON.stringify(event));
    const response = await app.deliver(delivery);
    expect(response.status).toBe(202);
    expect(response.body).toEqual({ outcome: 'accepted' });
    expect(response.headers).not.toHaveProperty('x-powered-by');
    expect(await app.inbox()).toEqual([
      expect.objectContaining({
        key: event.event_id,
        svixId: delivery.headers['svix-id'],
        eventType: 'access_code.removed_from_device',
        accessCodeId: event.access_code_id,
        deviceId: event.device_id,
        occurredAt: new Date(event.occurred_at),
        payload: event,
        state: 'received',
        reason: null,
        doneAt: null,
      }),
    ]);
    expect(app.wakes).toBe(1);
    expect(app.logged()).toEqual([
      expect.objectContaining({
        level: 'info',
        event: 'webhook.received',
        outcome: 'accepted',
        message_id: delivery.headers['svix-id'],
        seam_event_id: event.event_id,
        event_type: 'access_code.removed_from_device',
        duration_ms: expect.any(Number),
      }),
    ]);
  });

  it.each([
    ['the same message again', (first: SignedDelivery) => first],
    ['another message with the same event', (first: SignedDelivery) => sign(first.body)],
  ])('is a success once more when it is a duplicate: %s', async (_, repeat) => {
    const first = sign(JSON.stringify(aRemovedEvent()));
    await app.deliver(first);
    const second = await app.deliver(repeat(first));
    expect(second.status).toBe(202);
    expect(second.body).toEqual({ outcome: 'duplicate' });
    expect(await app.inbox()).toHaveLength(1);
    expect(app.wakes).toBe(1);
  });

  it('is stored once when it comes 20 times at once', async () => {
    const event = aRemovedEvent();
    const deliveries = Array.from({ length: 20 }, () => sign(JSON.stringify(event)));
    const responses = await Promise.all(deliveries.map((delivery) => app.deliver(delivery)));
    expect(responses.map(({ status }) => status)).toEqual(Array(20).fill(202));
    expect(responses.filter(({ body }) => body.outcome === 'accepted')).toHaveLength(1);
    expect(await app.inbox()).toHaveLength(1);
    expect(app.wakes).toBe(1);
  });

  it('is believed with any of the secrets, under both header names, of any content type', async () => {
    const old = sign(JSON.stringify(aRemovedEvent()), { secret: otherWebhookSecret });
    expect((await app.deliver(old)).status).toBe(202);
    const { body, headers } = sign(JSON.stringify(aRemovedEvent()));
    const renamed = {
      'webhook-id': headers['svix-id'],
      'webhook-timestamp': headers['svix-timestamp'],
      'webhook-signature': `v1,bm90IHRoaXM= ${headers['svix-signature']}`,
    };
    expect(
      (await app.deliver({ body, headers: { ...renamed, 'content-type': 'text/plain; charset=odd' } })).status,
    ).toBe(202);
    expect(await app.inbox()).toHaveLength(2);
  });

  it('is believed when it is nearly five minutes old', async () => {
    const at = new Date(Date.now() - 295_000);
    expect((await app.deliver(sign(JSON.stringify(aRemovedEvent()), { at }))).status).toBe(202);
  });

  it('leaves no PIN in the inbox or in the log', async () => {
    const events: SeamEvent[] = [
      anAccessCodeEvent('access_code.set_on_device', { code: pin, event_description: `Code ${pin} was set.` }),
      anAccessCodeEvent('access_code.code_changed', {
        description: `now ${pin}`,
        from: { code: pin },
        to: { code: pin },
      }),
      anAccessCodeEvent('access_code.changed', { changed_properties: [{ property: 'code', from: pin, to: pin }] }),
      anAccessCodeEvent('access_code.mutations_requested', {
        requested_mutations: [{ mutation_code: 'updating_code', from: { code: pin }, to: { code: pin } }],
      }),
    ];
    const bodies = [
      ...events,
      [pin],
      { event: events[0] },
      pin,
      Number(pin),
      { ...aRemovedEvent(), event_type: pin },
      { [pin]: 1 },
    ];
    for (const body of bodies) expect((await app.deliver(sign(JSON.stringify(body)))).status).toBe(202);
    expect((await app.deliver(sign(`no JSON, but ${pin}`))).status).toBe(202);
    const { rows } = await app.db.pool.query('select inbox::text as row from inbox');
    expect(rows).toHaveLength(bodies.length + 1);
    expect(rows.map(({ row }) => row).join('\n')).not.toContain(pin);
    expect(app.lines.join('')).not.toContain(pin);
  });
});

describe('a signed message that is of no use', () => {
  const removed = aRemovedEvent();

  it.each([
    ['no JSON', 'hello', 'not_json'],
    ['half a JSON', '{"event_id":', 'not_json'],
    ['an array', JSON.stringify([removed]), 'not_an_event'],
    ['a wrapped event', JSON.stringify({ event: removed }), 'not_an_event'],
    ['a text', '"event"', 'not_an_event'],
    ['a number', '7', 'not_an_event'],
    ['null', 'null', 'not_an_event'],
    ['an id that is no text', JSON.stringify({ ...removed, event_id: 7 }), 'not_an_event'],
    ['bytes that are no UTF-8', Buffer.from([0xff, 0xfe]).toString(), 'not_json'],
  ])('is stored as ignored: %s', async (_, body, reason) => {
    const delivery = sign(body);
    const response = await app.deliver(delivery);
    expect(response.status).toBe(202);
    expect(response.body).toEqual({ outcome: 'ignored', reason });
    expect(await app.inbox()).toEqual([
      expect.objectContaining({
        key: `svix:${delivery.headers['svix-id']}`,
        svixId: delivery.headers['svix-id'],
        eventType: null,
        state: 'ignored',
        reason,
        doneAt: expect.any(Date),
        payload: reason === 'not_json' ? null : JSON.parse(body),
      }),
    ]);
    expect((await app.deliver(delivery)).body).toEqual({ outcome: 'duplicate' });
    expect(app.wakes).toBe(0);
    expect(app.received()).toMatchObject({ outcome: 'ignored', reason });
  });

  it.each([
    ['access_code.from_the_future', 'unknown_event_type'],
    ['device.low_battery', 'event_type_not_used'],
  ])('is stored as ignored: an event of type %s', async (event_type, reason) => {
    const event = { ...aRemovedEvent(), event_type };
    const response = await app.deliver(sign(JSON.stringify(event)));
    expect(response.status).toBe(202);
    expect(response.body).toEqual({ outcome: 'ignored', reason });
    expect(await app.inbox()).toEqual([
      expect.objectContaining({
        key: event.event_id,
        state: 'ignored',
        reason,
        payload: event,
        doneAt: expect.any(Date),
      }),
    ]);
    expect(app.wakes).toBe(0);
  });

  it('accepts an event about a code that nobody knows: its owner may be about to be recorded', async () => {
    const response = await app.deliver(sign(JSON.stringify(aRemovedEvent({ access_code_id: randomUUID() }))));
    expect(response.body).toEqual({ outcome: 'accepted' });
  });

  it('never answers 5xx to a signed body, whatever is in it', async () => {
    const field = fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.jsonValue({ stringUnit: 'binary' }));
    const odd = fc.record(
      { access_code_id: field, device_id: field, occurred_at: field, more: field },
      { requiredKeys: [] },
    );
    const id = fc.string({ unit: 'binary', maxLength: 4_000 });
    const type = fc.oneof(fc.constant('access_code.deleted'), fc.string({ unit: 'binary' }));
    const event = fc
      .tuple(id, type, odd)
      .map(([event_id, event_type, fields]) => ({ event_id, event_type, ...fields }));
    await fc.assert(
      fc.asyncProperty(fc.oneof(event, fc.jsonValue({ stringUnit: 'binary' })), async (body) => {
        const { status } = await app.deliver(sign(JSON.stringify(body), { messageId: randomUUID().repeat(20) }));
        expect(status).toBe(202);
      }),
      { numRuns: 150 },
    );
  });

  it('survives a body that is nested as deep as it can be', async () => {
    const body = `{"event_id":"x","event_type":"access_code.deleted","deep":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    expect((await app.deliver(sign(body))).status).toBe(202);
  });
});
