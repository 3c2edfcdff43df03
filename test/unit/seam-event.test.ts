import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classifyEvent, readEvent, redactEvent } from '../../src/core/seam-event.ts';
import { runs } from '../support/runs.ts';
import { aRemovedEvent } from '../support/sign.ts';

const pin = '4711';
const newPin = '081500';

describe('redactEvent', () => {
  const folder = new URL('../fixtures/events/', import.meta.url);

  it.each(readdirSync(folder))('cuts every PIN out of %s and leaves the rest', (name) => {
    const { event, stored } = JSON.parse(readFileSync(new URL(name, folder), 'utf8'));
    expect(redactEvent(event)).toEqual(stored);
  });

  it('keeps an event without a PIN as it is', () => {
    const event = aRemovedEvent({ device_custom_metadata: { floor: '3', kitchen: true } });
    expect(redactEvent(event)).toEqual(event);
  });

  it('keeps ids and instants, of which an event is nothing without', () => {
    const event = {
      device_id: '12345678',
      device_ids: ['1234'],
      occurred_at: '2026-03-02T16:00:00.000+01:00',
      battery: 0.98765,
    };
    expect(redactEvent(event)).toEqual(event);
  });

  it.each([
    ['a text', `Code ${pin} was changed to ${newPin}.`],
    ['a list', [pin, [Number(pin)], { any: newPin }]],
    ['a number', 4711],
    ['a key', { [pin]: true }],
    ['an instant that is none', { occurred_at: pin }],
    ['a changed property', { changed_properties: [{ property: 'code', from: { is: pin }, to: newPin }] }],
    ['a key in capitals', { CODE: 'a4711b', Pin: 'x' }],
  ])('finds it in %s', (_, value) => {
    expect(JSON.stringify(redactEvent(value))).not.toMatch(/4711|0815/);
  });

  it('never leaves a PIN under a key that names one, whatever it looks like', () => {
    expect(redactEvent({ code: '12', pin: { a: '1' }, access_code: 7, pin_code: ['1'] })).toEqual({
      code: '[cut]',
      pin: '[cut]',
      access_code: '[cut]',
      pin_code: '[cut]',
    });
    expect(redactEvent({ code: null })).toEqual({ code: null });
  });

  it('makes something that can be stored of any JSON', () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: 'binary', maxDepth: 6 }), (text) => {
        const stored = JSON.stringify(redactEvent(JSON.parse(text)));
        expect(stored).not.toMatch(/\\u0000|\\ud[89a-f]/);
        expect(redactEvent(JSON.parse(stored))).toEqual(JSON.parse(stored));
      }),
      { numRuns: runs(100) },
    );
  });

  it('ends at any depth', () => {
    const deep = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000));
    expect(JSON.stringify(redactEvent(deep)).length).toBeLessThan(200);
  });

  it('takes no key for more than a key', () => {
    const redacted = redactEvent(JSON.parse('{"__proto__":{"polluted":true},"constructor":1}'));
    expect(JSON.stringify(redacted)).toBe('{"__proto__":{"polluted":true},"constructor":1}');
    expect(Object.getPrototypeOf(redacted)).toBe(Object.prototype);
  });
});

describe('classifyEvent', () => {
  it.each(['access_code.removed_from_device', 'access_code.deleted'])('%s: the code is gone', (event_type) => {
    const event = aRemovedEvent();
    expect(classifyEvent({ ...event, event_type })).toEqual({
      kind: 'code',
      news: 'gone',
      accessCodeId: event.access_code_id,
      deviceId: event.device_id,
      occurredAt: new Date('2026-03-02T16:00:00.000Z'),
      backupAccessCodeId: undefined,
    });
  });

  it.each([
    ['access_code.set_on_device', 'ready'],
    ['access_code.scheduled_on_device', 'ready'],
    ['access_code.delay_in_setting_on_device', 'setting_trouble'],
    ['access_code.failed_to_set_on_device', 'setting_trouble'],
    ['access_code.delay_in_removing_from_device', 'removing_trouble'],
    ['access_code.failed_to_remove_from_device', 'removing_trouble'],
    ['access_code.time_frame_changed', 'changed'],
    ['access_code.modified_external_to_seam', 'changed'],
    ['access_code.deleted_external_to_seam', 'taken_off'],
    ['access_code.mutations_requested', 'note'],
  ])('%s: %s', (event_type, news) => {
    expect(classifyEvent({ ...aRemovedEvent(), event_type })).toMatchObject({ kind: 'code', news });
  });

  it.each([
    ['device.disconnected', 'disconnected', false],
    ['device.removed', 'removed', true],
    ['device.deleted', 'removed', true],
    ['device.converted_to_unmanaged', 'removed', true],
    ['device.connected', null, false],
    ['device.added', null, true],
    ['device.unmanaged.converted_to_managed', null, true],
  ])('%s: the device is away (%s), and what was on it is lost (%s)', (event_type, awayBecause, lostCodes) => {
    const { device_id } = aRemovedEvent();
    expect(classifyEvent({ event_type, device_id })).toMatchObject({
      kind: 'reach',
      about: { deviceId: device_id },
      awayBecause,
      lostCodes,
    });
    expect(classifyEvent({ event_type })).toEqual({ kind: 'ignored', reason: 'no_device_id' });
  });

  it.each([
    ['connected_account.disconnected', 'disconnected', false],
    ['connected_account.deleted', 'removed', true],
    ['connected_account.connected', null, false],
    ['connected_account.completed_first_sync_after_reconnection', null, false],
  ])('%s: its devices are away (%s), and what was on them is lost (%s)', (event_type, awayBecause, lostCodes) => {
    const { connected_account_id } = aRemovedEvent();
    expect(classifyEvent({ event_type, connected_account_id })).toMatchObject({
      kind: 'reach',
      about: { connectedAccountId: connected_account_id },
      awayBecause,
      lostCodes,
    });
    expect(classifyEvent({ event_type })).toEqual({ kind: 'ignored', reason: 'no_device_id' });
  });

  it.each([
    ['access_code.from_the_future', 'unknown_event_type'],
    ['toString', 'unknown_event_type'],
    ['4711', 'unknown_event_type'],
    ['device.low_battery', 'event_type_not_used'],
    ['access_code.unmanaged.created', 'event_type_not_used'],
  ])('ignores %s: %s', (event_type, reason) => {
    expect(classifyEvent({ ...aRemovedEvent(), event_type })).toEqual({ kind: 'ignored', reason });
  });

  it.each([
    undefined,
    null,
    7,
    '',
    'blank inside',
    'x'.repeat(129),
    { id: 'x' },
  ])('ignores an event about the code %j', (access_code_id) => {
    expect(classifyEvent({ ...aRemovedEvent(), access_code_id })).toEqual({
      kind: 'ignored',
      reason: 'no_access_code_id',
    });
  });

  it('has an answer for any JSON', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => classifyEvent(value).kind === 'ignored'));
  });
});

describe('readEvent', () => {
  it('loses nothing but the field that is wrong', () => {
    const { event_id, event_type } = aRemovedEvent();
    expect(readEvent({ event_id, event_type, device_id: 5, access_code_id: null, occurred_at: 'yesterday' })).toEqual({
      eventId: event_id,
      eventType: event_type,
      accessCodeId: undefined,
      deviceId: undefined,
      connectedAccountId: undefined,
      backupAccessCodeId: undefined,
      occurredAt: undefined,
    });
  });

  it.each([
    ['1999-12-31T23:59:59.999Z', undefined],
    ['2000-01-01T00:00:00Z', new Date('2000-01-01T00:00:00Z')],
    ['2026-03-02T17:00:00+01:00', new Date('2026-03-02T16:00:00Z')],
    ['2999-12-31T23:59:59.999Z', new Date('2999-12-31T23:59:59.999Z')],
    ['3000-01-01T00:00:00Z', undefined],
  ])('reads the instant %s as %j', (occurred_at, expected) => {
    expect(readEvent({ ...aRemovedEvent(), created_at: undefined, occurred_at }).occurredAt).toEqual(expected);
  });

  it('takes the time of creation where the time of the event is missing or absurd', () => {
    const event = { ...aRemovedEvent({ created_at: '2026-03-02T16:00:05.000Z' }), occurred_at: '0001-01-01T00:00:00Z' };
    expect(readEvent(event).occurredAt).toEqual(new Date('2026-03-02T16:00:05.000Z'));
  });
});
