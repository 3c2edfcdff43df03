import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, inspectConfig, readConfig } from '../../src/config.ts';
import { UserError } from '../../src/core/errors.ts';
import { loadOrCreateKeyFile } from '../../src/db/pin-key-file.ts';
import { otherWebhookSecret, webhookSecret } from '../support/sign.ts';

const keyA = Buffer.alloc(32, 1).toString('base64');
const keyB = Buffer.alloc(32, 2).toString('base64');
const enough = { SEAM_API_KEY: 'seam_test_key', SEAM_WEBHOOK_SECRETS: webhookSecret };

function problemsOf(env: Record<string, string>, purpose: 'service' | 'tool' = 'service'): readonly string[] {
  try {
    // @ts-expect-error the overloads take one purpose each
    readConfig(env, { for: purpose });
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('readConfig', () => {
  it('takes documented defaults for all but key and secrets', () => {
    expect(readConfig(enough, { for: 'service' })).toEqual({
      database: { url: undefined, dataDir: '.relatch' },
      pinKeys: [],
      endpoints: { allowedNetworks: [] },
      log: { level: 'info' },
      http: { host: '0.0.0.0', port: 8080 },
      clients: { trustProxy: [], failuresPerMinute: 30 },
      api: { tokens: [] },
      seam: { apiKey: 'seam_test_key', endpoint: undefined, settleMs: 60_000, webhookSecrets: [webhookSecret] },
      metrics: null,
      traces: null,
      mode: 'active',
      retention: { days: 400 },
      reconcile: { intervalMs: 300_000 },
      ladder: { rungsMs: [86_400_000, 7_200_000, 900_000] },
      jobs: { concurrency: 10 },
    });
  });

  it('reads every setting', () => {
    const config = readConfig(
      {
        PORT: '0',
        HOST: '::1',
        TRUST_PROXY: '10.0.0.0/8, ::1',
        AUTH_FAILURES_PER_MINUTE: '5',
        DATABASE_URL: 'postgresql://relatch:word@db:5432/relatch',
        DATA_DIR: '/var/lib/relatch',
        SEAM_API_KEY: ' seam_key ',
        SEAM_ENDPOINT: 'http://localhost:4000',
        SEAM_SETTLE_SECONDS: '5',
        SEAM_WEBHOOK_SECRETS: `${webhookSecret}, ${otherWebhookSecret.slice('whsec_'.length)},`,
        ADMIN_TOKENS: 'ana:the-token-of-ana-here-12, a-token-without-any-name',
        METRICS_PORT: '9090',
        METRICS_TOKEN: 'a-token-for-prometheus-12',
        MODE: 'observe',
        RETENTION_DAYS: '90',
        RECONCILE_INTERVAL_SECONDS: '30',
        LADDER: '10m, 6h',
        WEBHOOK_ALLOWED_NETWORKS: '10.0.0.0/8, ::1',
        WORKER_CONCURRENCY: '3',
        PIN_ENCRYPTION_KEYS: `${keyA},${keyB}`,
        LOG_LEVEL: 'debug',
      },
      { for: 'service' },
    );
    expect(config).toEqual({
      database: { url: 'postgresql://relatch:word@db:5432/relatch', dataDir: '/var/lib/relatch' },
      pinKeys: [Buffer.alloc(32, 1), Buffer.alloc(32, 2)],
      endpoints: {
        allowedNetworks: [
          { address: '10.0.0.0', prefix: 8, family: 'ipv4' },
          { address: '::1', prefix: 128, family: 'ipv6' },
        ],
      },
      log: { level: 'debug' },
      http: { host: '::1', port: 0 },
      clients: { trustProxy: ['10.0.0.0/8', '::1'], failuresPerMinute: 5 },
      api: {
        tokens: [
          { name: 'ana', token: 'the-token-of-ana-here-12' },
          { name: 'api', token: 'a-token-without-any-name' },
        ],
      },
      seam: {
        apiKey: 'seam_key',
        endpoint: 'http://localhost:4000',
        settleMs: 5_000,
        webhookSecrets: [webhookSecret, otherWebhookSecret.slice('whsec_'.length)],
      },
      metrics: { port: 9090, token: 'a-token-for-prometheus-12' },
      traces: null,
      mode: 'observe',
      retention: { days: 90 },
      reconcile: { intervalMs: 30_000 },
      ladder: { rungsMs: [21_600_000, 600_000] },
      jobs: { concurrency: 3 },
    });
  });

  it('trusts proxies by number, and no network of everybody, no name and no number that is none', () => {
    const trusted = (TRUST_PROXY: string) =>
      readConfig({ ...enough, TRUST_PROXY }, { for: 'service' }).clients.trustProxy;
    expect(trusted('1')).toBe(1);
    expect(trusted('')).toEqual([]);
    for (const wrong of [
      '0',
      '11',
      'true',
      'proxy.local',
      '10.0.0.0/0',
      '::/0',
      '10.0.0.0/33',
      '10.0.0',
      'fe80::1/',
      ',',
    ]) {
      expect(problemsOf({ ...enough, TRUST_PROXY: wrong }), wrong).toEqual([
        expect.stringMatching(/^TRUST_PROXY: expected addresses and networks such as .*, but it is "/),
      ]);
    }
  });

  it('reports every problem at once, each with the name, what is expected and what is wrong', () => {
    const problems = problemsOf({
      PORT: '80800',
      HOST: 'two words',
      DATABASE_URL: 'mysql://root:hunter2@db/x',
      SEAM_API_KEY: 'sk_live_4711',
      SEAM_ENDPOINT: 'connect.getseam.com',
      SEAM_SETTLE_SECONDS: 'soon',
      SEAM_WEBHOOK_SECRETS: `${webhookSecret},my secret!`,
      ADMIN_TOKENS: 'ana:too-short',
      RECONCILE_INTERVAL_SECONDS: '1.5',
      WORKER_CONCURRENCY: '0',
      WEBHOOK_ALLOWED_NETWORKS: 'n8n.internal',
      PIN_ENCRYPTION_KEYS: `${keyA},c2hvcnQ=`,
      LOG_LEVEL: 'loud',
    });
    expect(problems).toMatchInlineSnapshot(`
      [
        "DATABASE_URL: expected a URL that begins with postgres:// or postgresql://, but it is not one",
        "PIN_ENCRYPTION_KEYS: expected keys of 32 bytes in base64, comma separated, no two alike (openssl rand -base64 32), but number 2 of 2 is no base64 of 32 bytes",
        "WEBHOOK_ALLOWED_NETWORKS: expected networks such as 10.0.0.0/8 or addresses such as ::1, comma separated, but it is "n8n.internal"",
        "LOG_LEVEL: expected one of fatal, error, warn, info, debug, trace, silent, but it is "loud"",
        "PORT: expected a whole number from 0 to 65535, but it is "80800"",
        "HOST: expected an IP address or a host name, but it is "two words"",
        "SEAM_API_KEY: expected an API key of Seam, which begins with seam_ (Seam Console, Developer, API Keys), but it begins otherwise or holds a blank",
        "SEAM_ENDPOINT: expected a URL that begins with https:// or http://, but it is not one",
        "SEAM_SETTLE_SECONDS: expected a whole number from 1 to 3600, but it is "soon"",
        "SEAM_WEBHOOK_SECRETS: expected signing secrets of the Seam webhook (whsec_…), comma separated, but number 2 of 2 is no base64 with or without whsec_ before it",
        "ADMIN_TOKENS: expected tokens of at least 24 letters, digits or ._~+/=- (openssl rand -base64 24), each with or without NAME: before it, comma separated, no two alike, but number 1 of 1 is no such token",
        "RECONCILE_INTERVAL_SECONDS: expected a whole number from 5 to 86400, but it is "1.5"",
        "WORKER_CONCURRENCY: expected a whole number from 1 to 100, but it is "0"",
      ]
    `);
  });

  it('never shows a secret', () => {
    const env = {
      DATABASE_URL: 'mysql://root:hunter2@db/x',
      SEAM_API_KEY: 'hunter3',
      SEAM_WEBHOOK_SECRETS: 'hunter4!',
      PIN_ENCRYPTION_KEYS: 'hunter5',
      METRICS_TOKEN: 'hunter6',
    };
    expect(() => readConfig(env, { for: 'service' })).toThrow(expect.not.objectContaining({ message: /hunter/ }));
    expect(problemsOf(env).join('\n')).not.toMatch(/hunter/);
    expect(problemsOf(env)).toHaveLength(5);
  });

  it.each([
    [{}, null],
    [{ METRICS_PORT: '0' }, { port: 0, token: undefined }],
    [{ METRICS_TOKEN: 'a-token-for-prometheus-12' }, { port: undefined, token: 'a-token-for-prometheus-12' }],
  ])('opens /metrics only where it is asked for: %j', (env, metrics) => {
    expect(readConfig({ ...enough, ...env }, { for: 'service' }).metrics).toEqual(metrics);
  });

  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
  const all = { sampler: undefined, samplerArg: undefined, protocol: undefined };

  it.each([
    [endpoint, all],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://collector:4318/v1/traces' }, all],
    [
      { ...endpoint, OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.1' },
      { ...all, sampler: 'traceidratio', samplerArg: '0.1' },
    ],
    [
      { ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
      { ...all, protocol: 'grpc' },
    ],
    [{ ...endpoint, OTEL_SDK_DISABLED: 'true' }, null],
    [{ ...endpoint, OTEL_TRACES_EXPORTER: 'none' }, null],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: '', OTEL_SERVICE_NAME: 'relatch' }, null],
  ])('traces where the standard variables of OpenTelemetry say so: %j', (env, traces) => {
    expect(readConfig({ ...enough, ...env }, { for: 'service' }).traces).toEqual(traces);
  });

  it('takes an empty variable for an absent one', () => {
    expect(problemsOf({ SEAM_API_KEY: '', SEAM_WEBHOOK_SECRETS: '  ', PORT: '', DATABASE_URL: '' })).toEqual([
      expect.stringMatching(/^SEAM_API_KEY: .*not set/),
      expect.stringMatching(/^SEAM_WEBHOOK_SECRETS: .*not set/),
    ]);
  });

  it('asks a tool for nothing of Seam', () => {
    const config = readConfig({ SEAM_API_KEY: 'broken', PORT: 'broken' }, { for: 'tool' });
    expect(config).toEqual({
      database: { url: undefined, dataDir: '.relatch' },
      pinKeys: [],
      endpoints: { allowedNetworks: [] },
      log: { level: 'info' },
    });
  });

  it('requires a PIN key with a database of its own, and tells so beside other problems', () => {
    const env = { DATABASE_URL: 'postgres://db/relatch', LOG_LEVEL: 'loud' };
    expect(problemsOf(env, 'tool')).toEqual([
      expect.stringMatching(/^PIN_ENCRYPTION_KEYS: .*not set/),
      expect.stringMatching(/^LOG_LEVEL: /),
    ]);
  });

  it.each([
    ['twice the same', `${keyA},${keyA}`],
    ['twice the same in two spellings', `${keyA},${keyA.replace('=', '')}`],
    ['too short', Buffer.alloc(31).toString('base64')],
    ['too long', Buffer.alloc(33).toString('base64')],
    ['no base64', '*'.repeat(44)],
    ['only commas', ',,'],
  ])('refuses PIN keys: %s', (_, keys) => {
    expect(problemsOf({ ...enough, PIN_ENCRYPTION_KEYS: keys })).toEqual([
      expect.stringMatching(/^PIN_ENCRYPTION_KEYS: /),
    ]);
  });

  it('is a mistake of the user', () => {
    expect(() => readConfig({}, { for: 'service' })).toThrow(UserError);
    expect(() => readConfig({}, { for: 'service' })).toThrow(expect.objectContaining({ code: 'configuration' }));
  });
});

describe('loadOrCreateKeyFile', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'relatch-key-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('gives everyone who starts at once the same key, for its owner only', async () => {
    const dataDir = join(folder, 'new', 'data');
    const keys = await Promise.all(Array.from({ length: 20 }, () => loadOrCreateKeyFile(dataDir)));
    expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(1);
    expect(keys[0]).toHaveLength(32);
    expect(await loadOrCreateKeyFile(dataDir)).toEqual(keys[0]);
    expect((await stat(join(dataDir, 'pin-encryption-key'))).mode & 0o777).toBe(0o600);
  });

  it('refuses a file that holds no key instead of making a new one', async () => {
    await writeFile(join(folder, 'pin-encryption-key'), 'half');
    await chmod(join(folder, 'pin-encryption-key'), 0o600);
    await expect(loadOrCreateKeyFile(folder)).rejects.toThrow(expect.objectContaining({ code: 'pin_key_file' }));
  });
});

describe('inspectConfig', () => {
  it('takes what is right and tells what is not', () => {
    const inspected = inspectConfig({
      SEAM_API_KEY: 'seam_test_key',
      SEAM_WEBHOOK_SECRETS: 'secret!',
      DATABASE_URL: 'postgresql://db/relatch',
      PIN_ENCRYPTION_KEYS: keyA,
      PORT: 'http',
    });
    expect(inspected).toMatchObject({
      seam: { apiKey: 'seam_test_key', endpoint: undefined },
      database: { url: 'postgresql://db/relatch', dataDir: '.relatch' },
      pinKeys: [Buffer.alloc(32, 1)],
      webhookSecrets: [],
    });
    expect(inspected.problems.map((one) => one.split(':')[0])).toEqual(['PORT', 'SEAM_WEBHOOK_SECRETS']);
    expect(inspected.problems.join()).not.toContain('secret!');
  });

  it.each([
    ['DATABASE_URL', { DATABASE_URL: 'mysql://db' }, { database: null, pinKeys: null }],
    ['PIN_ENCRYPTION_KEYS', { PIN_ENCRYPTION_KEYS: 'short' }, { pinKeys: null }],
    ['SEAM_ENDPOINT', { SEAM_ENDPOINT: 'seam' }, { seam: null }],
    ['SEAM_API_KEY', { SEAM_API_KEY: 'key' }, { seam: null }],
  ])('puts nothing in the place of a wrong %s', (name, env, expected) => {
    const { problems, ...rest } = inspectConfig({ ...enough, ...env });
    expect(rest).toMatchObject(expected);
    expect(problems.join()).toContain(name);
  });

  it('finds no problem in what the service starts with', () => {
    expect(inspectConfig(enough)).toMatchObject({ problems: [], database: { url: undefined }, pinKeys: [] });
  });
});
