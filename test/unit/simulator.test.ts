import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Seam, type SeamEvent, SeamHttpApiError, SeamHttpInvalidInputError, SeamWebhook } from 'seam';
import { Webhook } from 'svix';
import { afterEach, describe, expect, it } from 'vitest';
import type { SimulatorOptions } from '../../src/simulator/options.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { switchSettings } from '../../src/simulator/switches.ts';

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const start = new Date('2026-03-02T08:00:00Z');
const at = (text: string): Date => new Date(`2026-03-${text}Z`);
const day = { starts_at: '2026-03-06T09:00:00Z', ends_at: '2026-03-06T17:00:00Z' };
const lock = 'front-door';
const plainLock = 'back-door';

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A receiver of webhooks that answers as told. */
class Receiver implements AsyncDisposable {
  readonly received: Received[] = [];
  status = 204;
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      request.on('end', () => {
        this.received.push({ headers: request.headers, body });
        response.writeHead(this.status).end();
      });
    });
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`;
  }

  get types(): string[] {
    return this.received.map(({ body }) => (JSON.parse(body) as SeamEvent).event_type);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

const open: AsyncDisposable[] = [];

afterEach(async () => {
  for (const part of open.splice(0)) await part[Symbol.asyncDispose]();
});

async function simulate(options: SimulatorOptions = {}): Promise<{ sim: Simulator; seam: Seam }> {
  const sim = await startSimulator({
    now: start,
    devices: [{ device_id: lock }, { device_id: plainLock, native_scheduling: false }],
    ...options,
  });
  open.push(sim);
  return { sim, seam: new Seam({ apiKey: sim.apiKey, endpoint: sim.endpoint, timeout: 2000 }) };
}

async function receive(): Promise<{ receiver: Receiver; webhook: { url: string; secret: string } }> {
  const receiver = new Receiver();
  const url = await receiver.listen();
  open.push(receiver);
  return { receiver, webhook: { url, secret } };
}

const told = (sim: Simulator): string[] => sim.events.map((event) => `${event.occurred_at} ${event.event_type}`);
const typesOf = (sim: Simulator): string[] =>
  sim.events.map(({ event_type }) => event_type).filter((type) => type !== 'access_code.mutations_requested');

async function errorOf(request: PromiseLike<unknown>): Promise<SeamHttpApiError> {
  const error: unknown = await request.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof SeamHttpApiError) return error;
  throw new Error('expected an error of the API', { cause: error });
}

describe('the life of a code', () => {
  it('is loaded 72 hours ahead where the lock keeps times itself, and opens from start to end', async () => {
    const { sim, seam } = await simulate();
    const code = await seam.accessCodes.create({ device_id: lock, name: 'Ada', code: '2468', ...day });
    expect(code).toMatchObject({ status: 'unset', type: 'time_bound', starts_at: '2026-03-06T09:00:00.000Z' });
    expect(code.pending_mutations).toMatchObject([
      { mutation_code: 'deferring_creation', scheduled_at: '2026-03-03T09:00:00.000Z' },
    ]);
    await sim.advanceTo(at('03T12:00:00'));
    expect(sim.codes()).toMatchObject([{ status: 'unset', is_scheduled_on_device: true, pending_mutations: [] }]);
    await sim.advanceTo(at('06T12:00:00'));
    expect(await seam.accessCodes.get({ access_code_id: code.access_code_id })).toMatchObject({ status: 'set' });
    await sim.advanceTo(at('06T17:00:01'));
    expect(sim.codes()).toMatchObject([{ status: 'removing' }]);
    await sim.advanceTo(at('07T00:00:00'));
    expect((await errorOf(seam.accessCodes.get({ access_code_id: code.access_code_id }))).statusCode).toBe(404);
    expect(told(sim)).toEqual([
      '2026-03-02T08:00:00.000Z access_code.created',
      '2026-03-02T08:00:00.000Z access_code.mutations_requested',
      '2026-03-03T09:00:02.000Z access_code.scheduled_on_device',
      '2026-03-06T09:00:00.000Z access_code.set_on_device',
      '2026-03-06T17:00:05.000Z access_code.removed_from_device',
    ]);
    expect(sim.intervals(lock)).toMatchObject([
      { code: '2468', name: 'Ada', on_device_from: at('06T09:00:00'), off_device_at: at('06T17:00:00') },
    ]);
  });

  it.each([
    ['starts_at', '06T09:00:00'],
    ['programming', '06T08:00:02'],
  ] as const)('is programmed an hour ahead on another lock, and opens from its %s', async (justInTimeOpensFrom, from) => {
    const { sim, seam } = await simulate({ switches: { justInTimeOpensFrom } });
    await seam.accessCodes.create({ device_id: plainLock, code: '2468', ...day });
    await sim.advanceTo(at('07T00:00:00'));
    expect(told(sim).slice(2)).toEqual([
      '2026-03-06T08:00:02.000Z access_code.set_on_device',
      '2026-03-06T17:00:05.000Z access_code.removed_from_device',
    ]);
    expect(sim.intervals()).toMatchObject([{ on_device_from: at(from), off_device_at: at('06T17:00:05') }]);
  });

  it('keeps Seam’s exact fields: the removal tells no PIN, name or times', async () => {
    const { sim, seam } = await simulate();
    await seam.accessCodes.create({ device_id: lock, code: '2468', ...day });
    await sim.advanceTo(at('07T00:00:00'));
    const fields = (type: string): string[] => Object.keys(sim.events.find((e) => e.event_type === type) ?? {}).sort();
    const common = ['access_code_id', 'connected_account_id', 'created_at', 'device_id', 'event_id', 'event_type'];
    expect(fields('access_code.removed_from_device')).toEqual([...common, 'occurred_at', 'workspace_id']);
    expect(fields('access_code.set_on_device')).toEqual([...common, 'code', 'occurred_at', 'workspace_id'].sort());
  });

  it('stays off an unreachable lock until it is back, and says so', async () => {
    const { sim, seam } = await simulate();
    sim.device(plainLock).goOffline();
    const code = await seam.accessCodes.create({ device_id: plainLock, code: '2468', ...day });
    await sim.advanceTo(at('06T09:30:00'));
    const stuck = await seam.accessCodes.get({ access_code_id: code.access_code_id });
    expect(stuck.status).toBe('setting');
    expect(stuck.errors.map(({ error_code }) => error_code)).toEqual([
      'failed_to_set_on_device',
      'failed_to_issue',
      'device_offline',
    ]);
    expect(stuck.warnings).toMatchObject([{ warning_code: 'delay_in_setting_on_device' }]);
    sim.device(plainLock).goOnline();
    await sim.advanceTo(at('06T10:00:00'));
    expect(sim.codes()).toMatchObject([{ status: 'set', errors: [], warnings: [] }]);
    expect(typesOf(sim)).toEqual([
      'device.disconnected',
      'access_code.created',
      'access_code.delay_in_setting_on_device',
      'access_code.failed_to_set_on_device',
      'device.connected',
      'access_code.set_on_device',
    ]);
  });

  it('stays on an unreachable lock past its end, but a lock that keeps times lets nobody in', async () => {
    const { sim, seam } = await simulate();
    for (const device_id of [lock, plainLock]) await seam.accessCodes.create({ device_id, code: '2468', ...day });
    await sim.advanceTo(at('06T12:00:00'));
    for (const device_id of [lock, plainLock]) sim.device(device_id).goOffline();
    await sim.advanceTo(at('06T20:00:00'));
    expect(sim.codes().map(({ status }) => status)).toEqual(['removing', 'removing']);
    expect(sim.codes({ device_id: lock })[0]?.errors.map((e) => e.error_code)).toContain('failed_to_remove');
    expect(sim.intervals(lock)).toMatchObject([{ off_device_at: at('06T17:00:00') }]);
    expect(sim.intervals(plainLock)).toMatchObject([{ off_device_at: null }]);
    expect((await errorOf(seam.accessCodes.create({ device_id: lock, code: '2468' }))).code).toBe(
      'duplicate_access_code',
    );
    for (const device_id of [lock, plainLock]) sim.device(device_id).goOnline();
    await sim.advanceBy(5000);
    expect(sim.codes()).toEqual([]);
    expect(sim.intervals(plainLock)).toMatchObject([{ off_device_at: at('06T20:00:05') }]);
    expect(typesOf(sim).filter((type) => type === 'access_code.removed_from_device')).toHaveLength(2);
  });

  it('sends nothing when a window passes without its code', async () => {
    const { sim, seam } = await simulate();
    sim.device(lock).goOffline();
    await seam.accessCodes.create({ device_id: lock, code: '2468', ...day });
    await sim.advanceTo(at('08T00:00:00'));
    expect(sim.codes()).toEqual([]);
    expect(typesOf(sim)).not.toContain('access_code.removed_from_device');
    expect(typesOf(sim)).not.toContain('access_code.deleted');
    expect(sim.intervals()).toEqual([]);
    expect(sim.nextTransitionAt()).toBeNull();
  });

  it('is deleted with one event if it was never programmed, with two if it was', async () => {
    const { sim, seam } = await simulate();
    const far = await seam.accessCodes.create({ device_id: lock, code: '2468', ...day });
    const near = await seam.accessCodes.create({ device_id: lock, code: '1357' });
    await sim.advanceBy(60_000);
    await seam.accessCodes.delete({ access_code_id: far.access_code_id });
    await seam.accessCodes.delete({ access_code_id: near.access_code_id });
    const leaving = await seam.accessCodes.get({ access_code_id: near.access_code_id });
    expect(leaving).toMatchObject({ status: 'removing', warnings: [{ warning_code: 'being_deleted' }] });
    expect(leaving.pending_mutations).toMatchObject([{ mutation_code: 'deleting' }]);
    await sim.advanceBy(60_000);
    const endings = sim.events.slice(-3).map((e) => [e.event_type, 'access_code_id' in e && e.access_code_id]);
    expect(endings).toEqual(
      expect.arrayContaining([
        ['access_code.deleted', far.access_code_id],
        ['access_code.removed_from_device', near.access_code_id],
        ['access_code.deleted', near.access_code_id],
      ]),
    );
    expect(sim.codes()).toEqual([]);
  });

  it('moves in place, on the lock a little after in Seam', async () => {
    const { sim, seam } = await simulate();
    const { access_code_id } = await seam.accessCodes.create({ device_id: lock, code: '2468', ...day });
    await sim.advanceTo(at('06T12:00:00'));
    await seam.accessCodes.update({ access_code_id, ...day, ends_at: '2026-03-06T18:00:00Z' });
    expect(sim.codes()).toMatchObject([
      { ends_at: '2026-03-06T18:00:00.000Z', pending_mutations: [{ mutation_code: 'updating_time_frame' }] },
    ]);
    await sim.advanceTo(at('06T12:30:00'));
    expect(sim.codes()).toMatchObject([{ status: 'set', pending_mutations: [] }]);
    await sim.advanceTo(at('07T00:00:00'));
    expect(sim.intervals()).toMatchObject([{ on_device_from: at('06T09:00:00'), off_device_at: at('06T18:00:00') }]);
    expect(typesOf(sim)).toContain('access_code.time_frame_changed');
  });

  it('is set again when somebody takes it off at the lock, unless that was allowed', async () => {
    const { sim, seam } = await simulate();
    const kept = await seam.accessCodes.create({ device_id: lock, code: '2468' });
    const free = await seam.accessCodes.create({
      device_id: lock,
      code: '1357',
      is_external_modification_allowed: true,
    });
    await sim.advanceBy(10_000);
    sim.removeAtLock(kept.access_code_id);
    sim.removeAtLock(free.access_code_id);
    expect(sim.codes()).toMatchObject([
      { status: 'setting', errors: [{ error_code: 'conflicting_external_modification', change_type: 'removed' }] },
      { status: 'unset', warnings: [{ warning_code: 'external_modification_in_effect' }] },
    ]);
    await sim.advanceBy(120_000);
    expect(sim.codes()).toMatchObject([{ status: 'set', errors: [] }, { status: 'unset' }]);
    expect(sim.intervals().filter(({ access_code_id }) => access_code_id === kept.access_code_id)).toHaveLength(2);
  });

  it('gets its PIN back when somebody changes it at the lock', async () => {
    const { sim, seam } = await simulate();
    const { access_code_id } = await seam.accessCodes.create({ device_id: lock, code: '2468' });
    await sim.advanceBy(10_000);
    sim.modifyAtLock(access_code_id, '9753');
    await sim.advanceBy(10_000);
    expect(sim.intervals().map(({ code }) => code)).toEqual(['2468', '9753', '2468']);
  });

  it('waits for space on a full lock', async () => {
    const { sim, seam } = await simulate({ devices: [{ device_id: lock, max_active_codes: 1 }] });
    const first = await seam.accessCodes.create({ device_id: lock, code: '2468' });
    await seam.accessCodes.create({ device_id: lock, code: '1357' });
    await sim.advanceBy(10_000);
    expect(sim.codes()[1]?.errors).toMatchObject([
      { error_code: 'no_space_for_access_code_on_device' },
      { error_code: 'failed_to_set_on_device' },
    ]);
    await seam.accessCodes.delete({ access_code_id: first.access_code_id });
    await sim.advanceBy(10_000);
    expect(sim.codes()).toMatchObject([{ code: '1357', status: 'set', errors: [] }]);
  });

  it('goes without a word when its device is removed, and the device comes back empty', async () => {
    const { sim, seam } = await simulate();
    await seam.accessCodes.create({ device_id: lock, code: '2468' });
    await sim.advanceBy(10_000);
    sim.device(lock).remove();
    expect((await errorOf(seam.devices.get({ device_id: lock }))).code).toBe('device_not_found');
    expect(sim.codes()).toEqual([]);
    expect(sim.intervals()).toMatchObject([{ off_device_at: sim.now() }]);
    sim.device(lock).comeBack();
    expect(await seam.devices.get({ device_id: lock })).toMatchObject({ device_id: lock });
    expect(typesOf(sim).slice(-2)).toEqual(['device.removed', 'device.added']);
  });

  it('is unknown while the account is disconnected', async () => {
    const { sim, seam } = await simulate();
    await seam.accessCodes.create({ device_id: lock, code: '2468', ...day });
    sim.setAccountConnected(false);
    await sim.advanceTo(at('06T12:00:00'));
    expect(sim.codes()).toMatchObject([{ status: 'unknown' }]);
    sim.setAccountConnected(true);
    await sim.advanceBy(10_000);
    expect(sim.codes()).toMatchObject([{ status: 'set' }]);
  });
});

describe('the API', () => {
  it('refuses what Seam refuses, and says which parameter is wrong', async () => {
    const { seam } = await simulate({ limits: false });
    const { starts_at, ends_at } = day;
    const wrong: [string, Parameters<typeof seam.accessCodes.create>[0]][] = [
      ['ends_at', { device_id: lock, starts_at }],
      ['starts_at', { device_id: lock, ends_at }],
      ['ends_at', { device_id: lock, starts_at: ends_at, ends_at: starts_at }],
      ['ends_at', { device_id: lock, starts_at: '2026-03-01T09:00:00Z', ends_at: '2026-03-01T17:00:00Z' }],
      ['starts_at', { device_id: lock, starts_at: '2026-03-06 09:00', ends_at }],
      ['code', { device_id: lock, code: '12a4' }],
      ['code', { device_id: lock, code: '123' }],
      ['code', { device_id: lock, code: '123456789' }],
    ];
    for (const [parameter, request] of wrong) {
      const error = await errorOf(seam.accessCodes.create(request));
      expect(error).toBeInstanceOf(SeamHttpInvalidInputError);
      expect((error as SeamHttpInvalidInputError).getValidationErrorMessages(parameter)).toHaveLength(1);
      expect(error.requestId).not.toBe('');
    }
    expect((await errorOf(seam.accessCodes.create({ device_id: 'nowhere' }))).code).toBe('device_not_found');
  });

  it('holds PINs and names against the constraints of the device', async () => {
    const { seam } = await simulate({
      limits: false,
      devices: [
        {
          device_id: lock,
          supported_code_lengths: [6],
          code_constraints: [
            { constraint_type: 'no_zeros' },
            { constraint_type: 'cannot_start_with_12' },
            { constraint_type: 'no_triple_consecutive_ints' },
            { constraint_type: 'name_length', min_length: 2, max_length: 14 },
          ],
        },
      ],
    });
    for (const code of ['2468', '902468', '129999', '934577']) {
      expect((await errorOf(seam.accessCodes.create({ device_id: lock, code }))).code).toBe('invalid_input');
    }
    expect((await errorOf(seam.accessCodes.create({ device_id: lock, name: 'A' }))).code).toBe('invalid_input');
    const chosen = await seam.accessCodes.create({ device_id: lock, name: 'Ada' });
    expect(chosen.code).toMatch(/^[1-9]{6}$/);
  });

  it('takes one PIN once on a device, and again elsewhere or when it is gone', async () => {
    const { sim, seam } = await simulate();
    await seam.accessCodes.create({ device_id: lock, code: '2468', ...day });
    const disjoint = { starts_at: '2026-03-09T09:00:00Z', ends_at: '2026-03-09T17:00:00Z' };
    const error = await errorOf(seam.accessCodes.create({ device_id: lock, code: '2468', ...disjoint }));
    expect([error.statusCode, error.code]).toEqual([409, 'duplicate_access_code']);
    expect(error.message).not.toContain('2468');
    await seam.accessCodes.create({ device_id: plainLock, code: '2468', ...day });
    await sim.advanceTo(at('06T17:00:05'));
    await seam.accessCodes.create({ device_id: lock, code: '2468', ...disjoint });
    sim.addForeignCode({ device_id: lock, code: '7531', managed: false });
    expect((await errorOf(seam.accessCodes.create({ device_id: lock, code: '7531' }))).statusCode).toBe(409);
    expect(await seam.accessCodes.unmanaged.list({ device_id: lock })).toMatchObject([{ code: '7531' }]);
  });

  it('takes ten creates a minute and device, and says when to come again', async () => {
    const { sim, seam } = await simulate();
    for (let index = 0; index < 10; index++) await seam.accessCodes.create({ device_id: lock });
    await sim.advanceBy(20_000);
    const error = await errorOf(seam.accessCodes.create({ device_id: lock }));
    expect(error.statusCode).toBe(429);
    expect(error.cause).toMatchObject({ response: { headers: { 'retry-after': '40' } } });
    await seam.accessCodes.create({ device_id: plainLock });
    await sim.advanceBy(40_000);
    await seam.accessCodes.create({ device_id: lock });
    expect(sim.requests.map(({ status }) => status).filter((status) => status === 429)).toHaveLength(1);
  });

  it('pages through lists, searches names, and filters events', async () => {
    const { sim, seam } = await simulate({ limits: false });
    for (let index = 0; index < 25; index++) await seam.accessCodes.create({ device_id: lock, name: `n${index}` });
    const pages = seam.createPaginator(seam.accessCodes.list({ device_id: lock, limit: 10 }));
    expect((await pages.flattenToArray()).map(({ name }) => name)).toEqual(
      Array.from({ length: 25 }, (_, index) => `n${index}`),
    );
    const [found, ...others] = await seam.accessCodes.list({ device_id: lock, search: 'N24' });
    expect([found?.name, others]).toEqual(['n24', []]);
    const ids = [found?.access_code_id ?? ''];
    expect(await seam.accessCodes.list({ access_code_ids: ids })).toHaveLength(1);
    const created = { since: start.toISOString(), event_types: ['access_code.created' as const] };
    expect(await seam.events.list(created)).toHaveLength(25);
    expect(await seam.events.list({ ...created, access_code_ids: ids })).toHaveLength(1);
    expect(await seam.events.list({ ...created, limit: 10, unstable_offset: 20 })).toHaveLength(5);
    const [event] = await seam.events.list(created);
    expect(await seam.events.get({ event_id: event?.event_id ?? '' })).toEqual(event);
    await sim.advanceBy(31 * 86_400_000);
    expect(await seam.events.list(created)).toEqual([]);
  });

  it('answers 401 for a wrong key', async () => {
    const { sim } = await simulate();
    const stranger = new Seam({ apiKey: 'seam_test_wrong', endpoint: sim.endpoint });
    expect((await errorOf(stranger.devices.list())).code).toBe('unauthorized');
  });

  it('hands out a backup code where the device has a pool', async () => {
    const { sim, seam } = await simulate({ devices: [{ device_id: lock, backup_access_code_pool: true }] });
    const { access_code_id } = await seam.accessCodes.create({ device_id: lock, code: '2468', ...day });
    const backup = await seam.accessCodes.pullBackupAccessCode({ access_code_id });
    expect(await seam.accessCodes.pullBackupAccessCode({ access_code_id })).toMatchObject({ code: backup.code });
    await sim.advanceTo(at('07T00:00:00'));
    expect(sim.intervals()).toHaveLength(2);
    expect(sim.codes()).toEqual([]);
  });
});

describe('webhooks', () => {
  it('are signed so that the SDK verifies them, and carry the flat event', async () => {
    const { receiver, webhook } = await receive();
    const { sim, seam } = await simulate({ webhook });
    await seam.accessCodes.create({ device_id: lock, code: '2468', ...day });
    await sim.idle();
    const [first] = receiver.received;
    const headers = first?.headers as Record<string, string>;
    expect(new SeamWebhook(secret).verify(first?.body ?? '', headers)).toEqual(sim.events[0]);
    expect(() => new Webhook(secret).verify(first?.body ?? '', headers)).not.toThrow();
    expect(() => new SeamWebhook(secret).verify(`${first?.body} `, headers)).toThrow();
  });

  it('come again in virtual time with the same id until they are taken', async () => {
    const { receiver, webhook } = await receive();
    const { sim } = await simulate({ webhook });
    receiver.status = 503;
    sim.device(lock).goOffline();
    await sim.idle();
    expect([receiver.received.length, sim.pendingDeliveries]).toEqual([1, 1]);
    expect(sim.nextTransitionAt()).toEqual(at('02T08:00:05'));
    await sim.advanceTo(at('02T10:00:00'));
    expect(receiver.received).toHaveLength(4);
    receiver.status = 202;
    await sim.advanceTo(at('05T00:00:00'));
    expect(receiver.received).toHaveLength(5);
    expect(new Set(receiver.received.map(({ headers }) => headers['svix-id'])).size).toBe(1);
    expect(sim.deliveries.map(({ at, outcome }) => [at.toISOString().slice(11, 19), outcome])).toEqual([
      ['08:00:00', 'failed'],
      ['08:00:05', 'failed'],
      ['08:05:05', 'failed'],
      ['08:35:05', 'failed'],
      ['10:35:05', 'delivered'],
    ]);
    expect(sim.pendingDeliveries).toBe(0);
  });

  it('come again at the address of then', async () => {
    const [before, after] = [await receive(), await receive()];
    const { sim } = await simulate({ webhook: before.webhook });
    before.receiver.status = 503;
    sim.device(lock).goOffline();
    await sim.idle();
    sim.setWebhook(after.webhook);
    await sim.advanceTo(at('02T10:00:00'));
    expect(after.receiver.received).toHaveLength(1);
  });

  it('are given up after eight attempts, and can be sent again by hand', async () => {
    const { receiver, webhook } = await receive();
    const { sim } = await simulate({ webhook });
    receiver.status = 302;
    sim.device(lock).goOffline();
    await sim.advanceTo(at('09T00:00:00'));
    expect(sim.deliveries.map(({ outcome }) => outcome)).toEqual([...Array(7).fill('failed'), 'exhausted']);
    receiver.status = 200;
    sim.resend(sim.events[0]?.event_id ?? '');
    await sim.idle();
    expect(new Set(receiver.received.map(({ headers }) => headers['svix-id'])).size).toBe(1);
    expect(sim.deliveries.at(-1)?.outcome).toBe('delivered');
  });

  it('get lost, doubled, delayed and out of order on demand', async () => {
    const { receiver, webhook } = await receive();
    const { sim } = await simulate({ webhook });
    const door = sim.device(lock);
    sim.faults.nextDelivery({ kind: 'lose' });
    door.goOffline();
    sim.faults.nextDelivery({ kind: 'duplicate' });
    door.goOnline();
    await sim.idle();
    expect(receiver.types).toEqual(['device.connected', 'device.connected']);
    expect(receiver.received[0]?.headers['svix-id']).toBe(receiver.received[1]?.headers['svix-id']);
    sim.faults.nextDelivery({ kind: 'delay', delayMs: 60_000 });
    door.remove();
    await sim.idle();
    expect(receiver.received).toHaveLength(2);
    await sim.advanceBy(60_000);
    expect(receiver.types.at(-1)).toBe('device.removed');
    sim.faults.nextDelivery({ kind: 'reorder' }, { times: 2 });
    door.comeBack();
    door.goOffline();
    await sim.idle();
    expect(receiver.types.slice(-2)).toEqual(['device.disconnected', 'device.added']);
  });

  it('can be managed through the API', async () => {
    const { receiver, webhook } = await receive();
    const { sim, seam } = await simulate();
    const made = await seam.webhooks.create({ url: webhook.url, event_types: ['device.connected'] });
    sim.device(lock).goOffline();
    sim.device(lock).goOnline();
    await sim.idle();
    expect(receiver.types).toEqual(['device.connected']);
    const { headers, body } = receiver.received[0] ?? { headers: {}, body: '' };
    const verified = new SeamWebhook(made.secret ?? '').verify(body, headers as Record<string, string>);
    expect(verified.event_type).toBe('device.connected');
    await seam.webhooks.update({ webhook_id: made.webhook_id, event_types: ['*'] });
    expect(await seam.webhooks.list()).toMatchObject([{ event_types: ['*'] }]);
    await seam.webhooks.delete({ webhook_id: made.webhook_id });
    expect((await errorOf(seam.webhooks.get({ webhook_id: made.webhook_id }))).statusCode).toBe(404);
  });
});

describe('faults of the API', () => {
  const create = 'POST /access_codes/create';

  it.each([
    ['answer_lost_after_commit', { kind: 'answer_lost_after_commit' }, 1],
    ['reset_before_commit', { kind: 'reset_before_commit' }, 0],
    ['hang', { kind: 'hang' }, 0],
    ['hang after the commit', { kind: 'hang', afterCommit: true }, 1],
    ['stall_body', { kind: 'stall_body' }, 1],
    ['an empty 503', { kind: 'status', status: 503, body: '' }, 0],
    ['half an answer', { kind: 'status', status: 200, body: '{"access_' }, 0],
    ['500 after the commit', { kind: 'status', status: 500, afterCommit: true }, 1],
  ] as const)('%s leaves the right number of codes', async (_name, fault, left) => {
    const { sim } = await simulate();
    const seam = new Seam({ apiKey: sim.apiKey, endpoint: sim.endpoint, timeout: 200 });
    sim.faults.next(create, fault);
    await expect(Promise.resolve(seam.accessCodes.create({ device_id: lock }))).rejects.toThrow();
    expect(sim.codes()).toHaveLength(left);
    expect(sim.requests).toHaveLength(1);
    await seam.accessCodes.create({ device_id: lock });
    expect(sim.codes()).toHaveLength(left + 1);
  });

  it('a create can land late, in virtual time', async () => {
    const { sim, seam } = await simulate();
    sim.faults.next(create, { kind: 'commit_late', delayMs: 30_000 });
    await expect(Promise.resolve(seam.accessCodes.create({ device_id: lock }))).rejects.toThrow();
    expect(sim.codes()).toEqual([]);
    expect(sim.nextTransitionAt()).toEqual(at('02T08:00:30'));
    await sim.advanceBy(30_000);
    expect(sim.codes()).toHaveLength(1);
  });

  it('strikes as often, and only where, it was told to', async () => {
    const { sim, seam } = await simulate();
    sim.faults.next(create, { kind: 'status', status: 429, retryAfterSeconds: 7 }, { times: 2, device_id: lock });
    await seam.accessCodes.create({ device_id: plainLock });
    for (const _ of [1, 2]) {
      const error = await errorOf(seam.accessCodes.create({ device_id: lock }));
      expect(error.cause).toMatchObject({ response: { status: 429, headers: { 'retry-after': '7' } } });
    }
    await seam.accessCodes.create({ device_id: lock });
    expect(sim.faults.pending).toBe(0);
  });
});

describe('another process', () => {
  it('sets the scene over HTTP', async () => {
    const { receiver, webhook } = await receive();
    const { sim, seam } = await simulate({ devices: [] });
    const ask = async (method: string, path: string, body?: unknown): Promise<Record<string, unknown>> => {
      const json = body === undefined ? {} : { body: JSON.stringify(body) };
      const response = await fetch(`${sim.endpoint}/_simulator${path}`, { method, ...json });
      expect(response.status).toBe(200);
      return (await response.json()) as Record<string, unknown>;
    };
    await ask('POST', '/devices', { device_id: 'gate' });
    await ask('PUT', '/webhook', webhook);
    await ask('POST', '/faults', { route: '/access_codes/create', fault: { kind: 'status', status: 503 } });
    expect((await errorOf(seam.accessCodes.create({ device_id: 'gate' }))).statusCode).toBe(503);
    const { access_code_id } = await seam.accessCodes.create({ device_id: 'gate', code: '2468' });
    expect(await ask('POST', '/advance', { next: true })).toMatchObject({ now: '2026-03-02T08:00:02.000Z' });
    await ask('POST', '/foreign_codes', { device_id: 'gate', code: '1111', managed: false });
    await ask('POST', `/codes/${access_code_id}/delete_by_hand`);
    await ask('POST', '/devices/gate/offline');
    const state = await ask('POST', '/advance', { by_seconds: 60 });
    expect(state).toMatchObject({ device_ids: ['gate'], access_codes: [{ status: 'removing' }] });
    expect(receiver.types).toContain('access_code.set_on_device');
    expect(await ask('GET', '/intervals')).toHaveLength(2);
    const wrong = JSON.stringify({ route: '*', fault: { kind: 'typo' } });
    expect((await fetch(`${sim.endpoint}/_simulator/faults`, { method: 'POST', body: wrong })).status).toBe(400);
  });
});

describe('the switches', () => {
  it('hold each open question once, each with a name of its own', () => {
    const names = switchSettings.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names[0]).toBe('default');
  });

  it.each(switchSettings)('a code comes to its end under $name', async ({ switches }) => {
    const { sim, seam } = await simulate({ switches });
    const code = await seam.accessCodes.create({ device_id: lock, code: '2468', ...day });
    await sim.advanceTo(at('06T18:00:00'));
    const endings = typesOf(sim).filter((type) => /removed|deleted/.test(type));
    const expected = { never: ['removed'], before: ['deleted', 'removed'], after: ['removed', 'deleted'] };
    expect(endings.map((type) => type.replace(/access_code\.|_from_device/g, ''))).toEqual(
      expected[switches.deletedEventAtExpiry ?? 'never'],
    );
    expect(sim.codes()).toHaveLength(switches.afterExpiry === 'retained' ? 1 : 0);
    if (switches.afterExpiry !== 'retained') return;
    const again = seam.accessCodes.update({
      access_code_id: code.access_code_id,
      starts_at: '2026-03-07T09:00:00Z',
      ends_at: '2026-03-07T17:00:00Z',
    });
    if (switches.updateOfExpired !== 'accepted') return void (await errorOf(again));
    await again;
    await sim.advanceTo(at('08T00:00:00'));
    expect(sim.intervals()).toHaveLength(2);
  });
});

describe('a switch turned over', () => {
  const flipped = (switches: NonNullable<SimulatorOptions['switches']>, devices = [{ device_id: lock }]) =>
    simulate({ switches, devices, limits: { create: 2 } });

  it('deleteEvents sends one event, or the other order', async () => {
    for (const [deleteEvents, expected] of [
      ['deleted_only', ['access_code.deleted']],
      ['deleted_then_removed', ['access_code.deleted', 'access_code.removed_from_device']],
    ] as const) {
      const { sim, seam } = await flipped({ deleteEvents });
      const { access_code_id } = await seam.accessCodes.create({ device_id: lock });
      await sim.advanceBy(10_000);
      sim.deleteByHand(access_code_id);
      await sim.advanceBy(10_000);
      expect(typesOf(sim).slice(2)).toEqual(expected);
    }
  });

  it('removedEventOnExternalRemoval tells of a removal that Seam will mend', async () => {
    const { sim, seam } = await flipped({ removedEventOnExternalRemoval: true });
    const { access_code_id } = await seam.accessCodes.create({ device_id: lock });
    await sim.advanceBy(10_000);
    sim.removeAtLock(access_code_id);
    expect(typesOf(sim).at(-1)).toBe('access_code.removed_from_device');
    expect(sim.codes()).toHaveLength(1);
  });

  it('samePinInDisjointWindows allows one PIN on two days, not twice on one', async () => {
    const { seam } = await flipped({ samePinInDisjointWindows: 'allowed' });
    await seam.accessCodes.create({ device_id: lock, code: '2468', ...day });
    expect((await errorOf(seam.accessCodes.create({ device_id: lock, code: '2468', ...day }))).statusCode).toBe(409);
    const later = { starts_at: day.ends_at, ends_at: '2026-03-07T09:00:00Z' };
    const { seam: other } = await flipped({ samePinInDisjointWindows: 'allowed' });
    await other.accessCodes.create({ device_id: lock, code: '2468', ...day });
    await other.accessCodes.create({ device_id: lock, code: '2468', ...later });
  });

  it('pastEndsAtError, retryAfterOn429 and fullLock change what is answered', async () => {
    const { seam } = await flipped(
      { pastEndsAtError: 'invalid_time_frame', retryAfterOn429: false, fullLock: 'refused_at_create' },
      [{ device_id: lock, max_active_codes: 1 } as { device_id: string }, { device_id: plainLock }],
    );
    await seam.accessCodes.create({ device_id: lock });
    expect((await errorOf(seam.accessCodes.create({ device_id: lock }))).code).toBe(
      'no_space_for_access_code_on_device',
    );
    const limited = await errorOf(seam.accessCodes.create({ device_id: lock }));
    expect(limited.statusCode).toBe(429);
    expect(limited.cause).toMatchObject({
      response: { headers: expect.not.objectContaining({ 'retry-after': '60' }) },
    });
    const past = { starts_at: '2026-03-01T09:00:00Z', ends_at: '2026-03-01T10:00:00Z' };
    const error = await errorOf(seam.accessCodes.create({ device_id: plainLock, ...past }));
    expect([error.statusCode, error.code]).toEqual([400, 'invalid_time_frame']);
  });

  it('oneEventManySvixIds and eventsListOrder change what is sent and listed', async () => {
    const { receiver, webhook } = await receive();
    const { sim, seam } = await simulate({
      webhook,
      switches: { oneEventManySvixIds: true, eventsListOrder: 'newest_first' },
    });
    sim.device(lock).goOffline();
    sim.device(lock).goOnline();
    await sim.idle();
    expect(new Set(receiver.received.map(({ headers }) => headers['svix-id'])).size).toBe(4);
    const [newest] = await seam.events.list({ since: start.toISOString() });
    expect(newest?.event_type).toBe('device.connected');
  });
});

it('handles thousands of codes that end in one minute', async () => {
  const { receiver, webhook } = await receive();
  const { sim, seam } = await simulate({ webhook, limits: false });
  const count = 2000;
  const left = Array.from({ length: count }, (_, index) => String(100_000 + index));
  const work = async (): Promise<void> => {
    for (let code = left.pop(); code !== undefined; code = left.pop()) {
      await seam.accessCodes.create({ device_id: lock, code, ...day });
    }
  };
  await Promise.all(Array.from({ length: 16 }, work));
  await sim.advanceTo(at('06T18:00:00'));
  expect(receiver.types.filter((type) => type === 'access_code.removed_from_device')).toHaveLength(count);
  expect(sim.intervals()).toHaveLength(count);
});

it('follows real time when no start is given, and can be pushed ahead', async () => {
  const sim = await startSimulator({ devices: [{ device_id: lock }] });
  open.push(sim);
  const before = Date.now();
  expect(sim.now().getTime()).toBeGreaterThanOrEqual(before);
  await sim.advanceBy(3_600_000);
  expect(sim.now().getTime()).toBeGreaterThanOrEqual(before + 3_600_000);
  await expect(sim.advanceTo(new Date(before))).rejects.toThrow(RangeError);
});
