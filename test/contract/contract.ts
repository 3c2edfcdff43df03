import { randomInt, randomUUID } from 'node:crypto';
import {
  type AccessCode,
  type Seam,
  SeamHttpApiError,
  SeamHttpInvalidInputError,
  SeamHttpUnauthorizedError,
} from 'seam';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

/** What the service relies on, and what one of the targets may not have. */
export type Part =
  | 'duplicate'
  | 'events'
  | 'one device per list'
  | 'pagination'
  | 'past windows'
  | 'PIN length'
  | 'removal'
  | 'search'
  | 'webhooks';

export interface Running {
  readonly seam: Seam;
  readonly stranger: Seam;
  readonly deviceId: string;
  /** Lets the target get on with its work: moves its clock, or gives it time. */
  readonly settle: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

export interface Target {
  readonly start: () => Promise<Running>;
  /** The time at which the target believes to be. */
  readonly now: () => Date;
  /** Parts that the target does not have, each with the reason. */
  readonly lacks: Partial<Record<Part, string>>;
  readonly patienceMs: number;
}

const hourMs = 3_600_000;

async function failureOf(request: PromiseLike<unknown>): Promise<unknown> {
  return await request.then(
    () => null,
    (error: unknown) => error,
  );
}

/** One suite for everything that calls itself Seam, through the real SDK. It deletes what it made. */
export function contract(name: string, target: Target): void {
  describe(name, () => {
    let running: Running;
    const made: string[] = [];
    // Sandboxes are shared: names and PINs must not meet those of another run.
    const run = randomUUID().slice(0, 8);
    let count = 0;

    beforeAll(async () => {
      running = await target.start();
    });

    afterAll(async () => {
      for (const access_code_id of made) await failureOf(running.seam.accessCodes.delete({ access_code_id }));
      await running.stop();
    });

    const window = (inHours = 200) => ({
      starts_at: new Date(target.now().getTime() + inHours * hourMs).toISOString(),
      ends_at: new Date(target.now().getTime() + (inHours + 2) * hourMs).toISOString(),
    });

    /** Creates, and waits its turn where the device takes only so many creates a minute. */
    async function create(more: Partial<Parameters<Seam['accessCodes']['create']>[0]> = {}): Promise<AccessCode> {
      const request = { device_id: running.deviceId, name: `ct ${run} ${count++}`, ...window(), ...more };
      for (const giveUpAt = Date.now() + target.patienceMs; ; ) {
        try {
          const code = await running.seam.accessCodes.create(request);
          made.push(code.access_code_id);
          return code;
        } catch (error) {
          const isTooSoon = error instanceof SeamHttpApiError && error.statusCode === 429;
          if (!isTooSoon || Date.now() > giveUpAt) throw error;
          await running.settle();
        }
      }
    }

    const test = (part: Part | null, title: string, body: () => Promise<void>): void => {
      const reason = part === null ? undefined : target.lacks[part];
      // What a target has not got is told with its reason in the title, not passed over in silence.
      if (reason === undefined) it(title, body, target.patienceMs + 10_000);
      // Skipped because the target lacks what the test is about: `reason` says what.
      else it.skip(`${title} (left out: ${reason})`, body);
    };

    const eventually = (check: () => Promise<void>): Promise<void> =>
      vi.waitFor(
        async () => {
          await running.settle();
          await check();
        },
        { timeout: target.patienceMs, interval: Math.min(2_000, target.patienceMs / 10) },
      );

    test(null, 'creates a code for a window, with the times in UTC', async () => {
      const { starts_at, ends_at } = window();
      const code = await create({ name: `ct ${run} offset` });
      expect(code).toMatchObject({ device_id: running.deviceId, name: `ct ${run} offset`, type: 'time_bound' });
      expect(code.access_code_id).not.toBe('');
      expect(code.code).toMatch(/^\d{4,12}$/);
      const near = (a: string | null | undefined, b: string): boolean =>
        Math.abs(Date.parse(a ?? '') - Date.parse(b)) < 60_000;
      expect([near(code.starts_at, starts_at), near(code.ends_at, ends_at)]).toEqual([true, true]);
      expect(code.starts_at).toMatch(/Z$/);
    });

    test(null, 'finds it by id and in the list of its device', async () => {
      const code = await create();
      const { access_code_id } = code;
      expect(await running.seam.accessCodes.get({ access_code_id })).toMatchObject({ access_code_id, name: code.name });
      const listed = await running.seam.accessCodes.list({ device_id: running.deviceId });
      expect(listed.map((item) => item.access_code_id)).toContain(access_code_id);
    });

    test('search', 'finds it by a part of its name', async () => {
      const code = await create({ name: `ct ${run} findme` });
      const found = await running.seam.accessCodes.list({ device_id: running.deviceId, search: `${run} find` });
      expect(found.map(({ access_code_id }) => access_code_id)).toEqual([code.access_code_id]);
    });

    test('one device per list', 'lists nothing of other devices', async () => {
      await create();
      const listed = await running.seam.accessCodes.list({ device_id: running.deviceId });
      expect(new Set(listed.map(({ device_id }) => device_id))).toEqual(new Set([running.deviceId]));
    });

    test('pagination', 'pages through a list', async () => {
      await create();
      await create();
      const pages = running.seam.createPaginator(
        running.seam.accessCodes.list({ device_id: running.deviceId, limit: 1 }),
      );
      const [page, { hasNextPage }] = await pages.firstPage();
      expect([page.length, hasNextPage]).toEqual([1, true]);
      expect((await pages.flattenToArray()).length).toBeGreaterThanOrEqual(2);
    });

    test(null, 'takes a PIN that was asked for', async () => {
      const code = String(randomInt(1000, 10_000));
      expect(await create({ code })).toMatchObject({ code });
    });

    test(null, 'moves an upcoming code in place', async () => {
      const { access_code_id } = await create();
      const { starts_at, ends_at } = window(300);
      await running.seam.accessCodes.update({ access_code_id, starts_at, ends_at });
      await eventually(async () => {
        const moved = await running.seam.accessCodes.get({ access_code_id });
        expect(Math.abs(Date.parse(moved.starts_at ?? '') - Date.parse(starts_at))).toBeLessThan(60_000);
      });
    });

    test(null, 'deletes a code, after which it is gone', async () => {
      const { access_code_id } = await create();
      await running.seam.accessCodes.delete({ access_code_id });
      await eventually(async () => {
        const error = await failureOf(running.seam.accessCodes.get({ access_code_id }));
        expect(error).toBeInstanceOf(SeamHttpApiError);
        expect((error as SeamHttpApiError).statusCode).toBe(404);
      });
    });

    test('duplicate', 'refuses a PIN that the device has', async () => {
      const code = String(randomInt(1000, 10_000));
      await create({ code });
      const error = await failureOf(create({ code }));
      expect(error).toMatchObject({ statusCode: 409, code: 'duplicate_access_code' });
    });

    test(null, 'refuses one time without the other', async () => {
      const { starts_at } = window();
      const error = await failureOf(create({ starts_at, ends_at: undefined }));
      expect(error).toBeInstanceOf(SeamHttpInvalidInputError);
      expect((error as SeamHttpInvalidInputError).requestId).not.toBe('');
    });

    test('past windows', 'refuses a window that is over', async () => {
      const error = await failureOf(create(window(-4)));
      expect(error).toMatchObject({ statusCode: 400 });
    });

    test('PIN length', 'refuses a PIN that is too short', async () => {
      expect(await failureOf(create({ code: '12' }))).toMatchObject({ statusCode: 400, code: 'invalid_input' });
    });

    test(null, 'answers 404 for what it does not know, and 401 for a stranger', async () => {
      const unknown = randomUUID();
      const { accessCodes, devices } = running.seam;
      expect(await failureOf(create({ device_id: unknown }))).toMatchObject({
        statusCode: 404,
        code: 'device_not_found',
      });
      expect(await failureOf(accessCodes.get({ access_code_id: unknown }))).toMatchObject({ statusCode: 404 });
      expect(await failureOf(devices.get({ device_id: unknown }))).toMatchObject({ statusCode: 404 });
      expect(await failureOf(running.stranger.devices.list())).toBeInstanceOf(SeamHttpUnauthorizedError);
    });

    test(null, 'tells of its devices what the service asks', async () => {
      const device = await running.seam.devices.get({ device_id: running.deviceId });
      expect(device.properties.online).toBe(true);
      expect(device.can_program_online_access_codes ?? true).toBe(true);
      expect((await running.seam.devices.list()).map(({ device_id }) => device_id)).toContain(running.deviceId);
    });

    test('events', 'lists the event of a creation, flat and with its ids', async () => {
      const since = new Date(target.now().getTime() - hourMs).toISOString();
      const { access_code_id } = await create();
      await eventually(async () => {
        const [event] = await running.seam.events.list({
          since,
          event_types: ['access_code.created'],
          access_code_ids: [access_code_id],
        });
        expect(event).toMatchObject({ event_type: 'access_code.created', access_code_id, device_id: running.deviceId });
        expect(await running.seam.events.get({ event_id: event?.event_id ?? '' })).toEqual(event);
      });
    });

    test('webhooks', 'keeps webhooks', async () => {
      const { webhooks } = running.seam;
      const { webhook_id, url } = await webhooks.create({ url: 'https://example.com/seam' });
      expect(await webhooks.get({ webhook_id })).toMatchObject({ webhook_id, url });
      expect((await webhooks.list()).map((webhook) => webhook.webhook_id)).toContain(webhook_id);
      await webhooks.delete({ webhook_id });
      expect((await webhooks.list()).map((webhook) => webhook.webhook_id)).not.toContain(webhook_id);
    });

    test('removal', 'takes a live code off the lock when it is deleted, and says so', async () => {
      const since = new Date(target.now().getTime() - hourMs).toISOString();
      const { access_code_id } = await create(window(-1));
      const typesOf = async (): Promise<string[]> =>
        (await running.seam.events.list({ since, access_code_ids: [access_code_id] })).map((e) => e.event_type);
      await eventually(async () => expect(await typesOf()).toContain('access_code.set_on_device'));
      await running.seam.accessCodes.delete({ access_code_id });
      await eventually(async () => expect(await typesOf()).toContain('access_code.removed_from_device'));
    });
  });
}
