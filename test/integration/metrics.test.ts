import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDb, type Db } from '../../src/db/client.ts';
import { createHttpApp } from '../../src/http/app.ts';
import { createMetricsApp, type MetricsDeps } from '../../src/http/metrics-route.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { HttpAppUnderTest, startProxy } from '../support/http-app.ts';

const token = 'token-of-whoever-may-see-metrics';

let under: HttpAppUnderTest;
const metrics = createMetrics({ version: '1.2.3' });

beforeAll(async () => {
  under = await HttpAppUnderTest.start();
});
afterAll(() => under.close());

function depsWith(changes: Partial<MetricsDeps> = {}): MetricsDeps {
  const { db } = under;
  const log = createLog({ level: 'silent' });
  const parts = () => [{ name: 'inbox pump', running: false }];
  return { db, log, now: () => new Date(), mode: 'active', parts, metrics, token, ...changes };
}

function mainPort(deps: MetricsDeps | undefined) {
  const { db } = under;
  const log = createLog({ level: 'silent' });
  const pump = { wake: () => undefined };
  return request(
    createHttpApp({ db, log, now: () => new Date(), webhooks: [], pump, parts: () => [], api: null, metrics: deps }),
  );
}

const bearer = { authorization: `Bearer ${token}` };

describe('/metrics on the main port', () => {
  it('is not there unless it is asked for, and says how that is done', async () => {
    const { status, body } = await mainPort(undefined).get('/metrics').set(bearer);
    expect(status).toBe(404);
    expect(body).toMatchObject({ code: 'metrics_off', detail: expect.stringMatching(/METRICS_TOKEN.*METRICS_PORT/) });
  });

  it('answers nobody without the token', async () => {
    const app = mainPort(depsWith());
    for (const headers of [{}, { authorization: 'Bearer another-token-of-somebody-else' }]) {
      const { status, body, text } = await app.get('/metrics').set(headers);
      expect(status).toBe(401);
      expect(body.detail).toContain('METRICS_TOKEN');
      expect(text).not.toMatch(/relatch_|ADMIN_TOKENS/);
    }
    expect((await app.get('/metrics').set(bearer)).status).toBe(200);
  });
});

describe('the page', () => {
  it('tells which parts run and what the database says, each metric with help and type', async () => {
    const { text, headers } = await request(createMetricsApp(depsWith({ token: null }))).get('/metrics');
    expect(headers).toMatchObject({ 'content-type': metrics.contentType, 'cache-control': 'no-store' });
    expect(text).toContain('\nrelatch_part_running{part="inbox pump"} 0\n');
    expect(text).toContain('\nrelatch_database_up 1\n');
    expect(text).toContain('\nrelatch_queue_jobs{queue="plan",state="waiting"} 0\n');
    expect(text).toContain('\nrelatch_build_info{version="1.2.3"');
    const helps = [...text.matchAll(/^# HELP (\S+) \S.*$/gm)].map(([, name]) => name);
    const types = [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name);
    expect(helps).toEqual(types);
    expect(new Set(helps).size).toBe(helps.length);
    // Left out where there is none: 0 would be the most urgent of all.
    expect(text).not.toMatch(/^relatch_next_unready_window_seconds/m);
  });

  it('tells nothing of readiness where MODE=observe makes nothing ready', async () => {
    const { text } = await request(createMetricsApp(depsWith({ token: null, mode: 'observe' }))).get('/metrics');
    expect(text).toContain('relatch_queue_jobs');
    expect(text).not.toContain('relatch_windows');
  });

  it('asks the database once for all who ask at a time, and for who asks soon after', async () => {
    let asked = 0;
    const query = (...args: Parameters<Db['pool']['query']>) => {
      asked += 1;
      return under.db.pool.query(...args);
    };
    const db = { ...under.db, pool: { query } as unknown as Db['pool'] };
    const app = createMetricsApp(depsWith({ token: null, db }));
    const pages = await Promise.all(Array.from({ length: 10 }, () => request(app).get('/metrics')));
    expect(pages.map(({ text }) => text.includes('relatch_windows_begun'))).toEqual(pages.map(() => true));
    await request(app).get('/metrics');
    expect(asked).toBe(2);
  });

  it('comes without what is read, and soon, while the database hangs', async () => {
    await using proxy = await startProxy(under.database.url);
    const db = createDb({ url: proxy.url });
    try {
      await db.pool.query('select 1');
      proxy.hang();
      const { status, text } = await request(createMetricsApp(depsWith({ token: null, db }))).get('/metrics');
      expect(status).toBe(200);
      expect(text).toContain('\nrelatch_database_up 0\n');
      expect(text).toContain('relatch_deliveries_total{outcome="accepted"} 0');
      expect(text).not.toMatch(/relatch_(queue|alerts|windows|schedules)/);
    } finally {
      proxy.resume();
      await db.close();
    }
  });
});
