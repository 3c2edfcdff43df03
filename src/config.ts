// The only reader of the environment. Everything is checked before anything starts, and every problem is told at once.

import { isIP } from 'node:net';
import { SeamWebhook } from 'seam';
import { z } from 'zod';
import { UserError } from './core/errors.ts';
import { aheadMs, minuteMs } from './core/plan.ts';
import { type Network, readNetwork } from './outgoing/addresses.ts';

/** What every program of Relatch needs. */
export interface ToolConfig {
  readonly database: {
    /** Absent: the embedded PostgreSQL in `dataDir`. */
    readonly url: string | undefined;
    readonly dataDir: string;
  };
  /** The first encrypts; empty only with the embedded PostgreSQL, whose key lies in `dataDir`. */
  readonly pinKeys: readonly Buffer[];
  /** Networks that are not public, to which outgoing webhooks may go. */
  readonly endpoints: { readonly allowedNetworks: readonly Network[] };
  /** Where people reach Relatch, without a slash at its end; absent where that was not said. */
  readonly publicUrl?: string | undefined;
  readonly log: { readonly level: LogLevel };
}

/** What the service needs beside that. */
export interface ServiceConfig extends ToolConfig {
  readonly http: { readonly host: string; readonly port: number };
  readonly clients: {
    /** Whose X-Forwarded-… headers are believed: addresses and networks, or how many proxies there are. */
    readonly trustProxy: readonly string[] | number;
    readonly failuresPerMinute: number;
  };
  /** None: the API is off. */
  readonly api: { readonly tokens: readonly { readonly name: string; readonly token: string }[] };
  readonly seam: {
    readonly apiKey: string;
    /** Absent: Seam's own. */
    readonly endpoint: string | undefined;
    readonly settleMs: number;
    readonly webhookSecrets: readonly string[];
  };
  /** observe: everything but writes to Seam. */
  /** Null: /metrics is not open. */
  readonly metrics: {
    /** Absent: on the main port only. */
    readonly port: number | undefined;
    /** Absent: on its own port only, for whoever can reach that. */
    readonly token: string | undefined;
  } | null;
  /** Null: no traces, and none of OpenTelemetry is loaded. */
  readonly traces: TracesConfig | null;
  readonly mode: Mode;
  readonly retention: { readonly days: number };
  readonly reconcile: { readonly intervalMs: number };
  /** How long before each window its code is looked after, longest first. */
  readonly ladder: { readonly rungsMs: readonly number[] };
  readonly jobs: { readonly concurrency: number };
}

/**
 * What of OpenTelemetry's own variables decides whether and how much is traced. Its libraries read from the environment by
 * themselves, as they document it, whereto, with which headers and under which name.
 */
export interface TracesConfig {
  /** OTEL_TRACES_SAMPLER. Absent: parentbased_always_on. */
  readonly sampler: string | undefined;
  /** OTEL_TRACES_SAMPLER_ARG. */
  readonly samplerArg: string | undefined;
  /** OTEL_EXPORTER_OTLP_TRACES_PROTOCOL, or OTEL_EXPORTER_OTLP_PROTOCOL. */
  readonly protocol: string | undefined;
}

export type Mode = (typeof modes)[number];

const modes = ['active', 'observe'] as const;

export type LogLevel = (typeof logLevels)[number];

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** Every setting, in the order in which people read them; .env.example and the README's table are tested against it. */
export const settings = [
  {
    name: 'SEAM_API_KEY',
    default: undefined,
    description: 'API key of your Seam workspace. Required by `npm start`; ignored by tests and demo.',
  },
  {
    name: 'SEAM_WEBHOOK_SECRETS',
    default: undefined,
    description: 'Signing secrets of the Seam webhook, comma separated while one is rotated. Required by `npm start`.',
  },
  { name: 'SEAM_ENDPOINT', default: undefined, description: "Another address than Seam's own, such as the simulator." },
  {
    name: 'SEAM_SETTLE_SECONDS',
    default: '60',
    description: 'How long after a call without an answer its code is looked for before another one is created.',
  },
  {
    name: 'DATABASE_URL',
    default: undefined,
    description: 'PostgreSQL to use. Absent: an embedded one in DATA_DIR, shared by service, seed and migrate.',
  },
  { name: 'DATA_DIR', default: '.relatch', description: 'Folder of the embedded PostgreSQL and of its PIN key.' },
  {
    name: 'PIN_ENCRYPTION_KEYS',
    default: undefined,
    description:
      'Keys of the stored PINs, 32 bytes in base64 each, comma separated; the first one encrypts. Required with DATABASE_URL; else a key is made in DATA_DIR.',
  },
  { name: 'PORT', default: '8080', description: 'Port that the service listens on; 0 takes any free one.' },
  { name: 'HOST', default: '0.0.0.0', description: 'Address that the service listens on.' },
  {
    name: 'TRUST_PROXY',
    default: undefined,
    description:
      'Proxies whose X-Forwarded-For and -Proto are believed: addresses and networks, comma separated, or how many stand in front, 1 to 10. Absent: none.',
  },
  {
    name: 'AUTH_FAILURES_PER_MINUTE',
    default: '30',
    description:
      'Wrong signatures and tokens of one address that are answered one by one; the rest of a minute gets 429.',
  },
  {
    name: 'PUBLIC_URL',
    default: undefined,
    description:
      'Where people reach Relatch, such as https://relatch.example.com: addresses of calendar feeds begin with it.',
  },
  {
    name: 'ADMIN_TOKENS',
    default: undefined,
    description:
      'Tokens of the API and the status page, each TOKEN or NAME:TOKEN (the name stands in the history), comma separated, at least 24 characters. Absent: both are off.',
  },
  {
    name: 'WEBHOOK_ALLOWED_NETWORKS',
    default: undefined,
    description:
      'Networks or addresses of your own, such as 10.0.0.0/8, to which outgoing webhooks may go, with http too; comma separated. Absent: https to public addresses only.',
  },
  {
    name: 'METRICS_PORT',
    default: undefined,
    description:
      'Port of its own for /metrics, which needs no token there unless METRICS_TOKEN is set; keep it off the internet.',
  },
  {
    name: 'METRICS_TOKEN',
    default: undefined,
    description:
      'Bearer token of /metrics, at least 24 characters; opens it on PORT too. Neither of the two: no metrics.',
  },
  {
    name: 'MODE',
    default: 'active',
    description: 'active, or observe: plans, alerts and records, but writes nothing to Seam.',
  },
  {
    name: 'RETENTION_DAYS',
    default: '400',
    description: 'How long history, settled events, final codes and resolved alerts are kept; events at least 30 days.',
  },
  { name: 'RECONCILE_INTERVAL_SECONDS', default: '300', description: 'Time between two passes of the reconciler.' },
  {
    name: 'LADDER',
    default: '24h,2h,15m',
    description: 'How long before each window its code is looked after and people are told: hours (h) or minutes (m).',
  },
  { name: 'WORKER_CONCURRENCY', default: '10', description: 'Doors that are worked on at the same time, 1 to 100.' },
  { name: 'LOG_LEVEL', default: 'info', description: `One of ${logLevels.join(', ')}.` },
] as const;

type SettingName = (typeof settings)[number]['name'];

/** Problems with the environment, each on a line of its own; never the value of a secret. Exit code 2. */
export class ConfigError extends UserError {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(
      'configuration',
      `These environment variables must be mended (see .env.example):\n  ${problems.join('\n  ')}`,
    );
    this.problems = problems;
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the environment for the service, or for a tool (migrate, seed) that asks nothing of Seam and opens no port. An
 * empty variable counts as absent. Throws a ConfigError that lists every problem.
 */
export function readConfig(env: Environment, options: { for: 'service' }): ServiceConfig;
export function readConfig(env: Environment, options: { for: 'tool' }): ToolConfig;
export function readConfig(env: Environment, options: { for: 'service' | 'tool' }): ServiceConfig | ToolConfig {
  const given = givenSettings(env);
  const toolSchema = z.object(toolFields(given));
  if (options.for === 'tool') return toolConfig(parse(toolSchema, given));
  const values = parse(toolSchema.extend(serviceFields), given);
  return {
    ...toolConfig(values),
    http: { host: values.HOST, port: values.PORT },
    clients: { trustProxy: values.TRUST_PROXY, failuresPerMinute: values.AUTH_FAILURES_PER_MINUTE },
    api: { tokens: values.ADMIN_TOKENS },
    seam: {
      apiKey: values.SEAM_API_KEY,
      endpoint: values.SEAM_ENDPOINT,
      settleMs: values.SEAM_SETTLE_SECONDS * 1_000,
      webhookSecrets: values.SEAM_WEBHOOK_SECRETS,
    },
    metrics:
      values.METRICS_PORT === undefined && values.METRICS_TOKEN === undefined
        ? null
        : { port: values.METRICS_PORT, token: values.METRICS_TOKEN },
    traces: tracesConfig(env),
    mode: values.MODE,
    retention: { days: values.RETENTION_DAYS },
    reconcile: { intervalMs: values.RECONCILE_INTERVAL_SECONDS * 1_000 },
    ladder: { rungsMs: values.LADDER },
    jobs: { concurrency: values.WORKER_CONCURRENCY },
  };
}

/** https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ */
function tracesConfig(env: Environment): TracesConfig | null {
  const given = (name: string): string | undefined => env[name]?.trim() || undefined;
  const isWanted =
    (given('OTEL_EXPORTER_OTLP_ENDPOINT') ?? given('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT')) !== undefined &&
    given('OTEL_SDK_DISABLED')?.toLowerCase() !== 'true' &&
    given('OTEL_TRACES_EXPORTER') !== 'none';
  if (!isWanted) return null;
  return {
    sampler: given('OTEL_TRACES_SAMPLER'),
    samplerArg: given('OTEL_TRACES_SAMPLER_ARG'),
    protocol: given('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL') ?? given('OTEL_EXPORTER_OTLP_PROTOCOL'),
  };
}

/** What of the environment can be used; null where a setting that it needs is wrong or absent. */
export interface InspectedConfig {
  readonly problems: readonly string[];
  readonly seam: { readonly apiKey: string; readonly endpoint: string | undefined } | null;
  readonly database: ToolConfig['database'] | null;
  /** Empty with the embedded PostgreSQL, whose key lies in its folder. */
  readonly pinKeys: readonly Buffer[] | null;
  readonly webhookSecrets: readonly string[];
  readonly publicUrl: string | null;
}

/** Reads as much of the environment as there is: for what has to work where the service would not start. */
export function inspectConfig(env: Environment): InspectedConfig {
  const given = givenSettings(env);
  const schema = z.object(toolFields(given)).extend(serviceFields);
  const whole = schema.safeParse(given);
  const issues = whole.success ? [] : whole.error.issues;
  const wrong = new Set(issues.map(({ path }) => path[0]));
  const right = Object.fromEntries(Object.entries(given).filter(([name]) => !wrong.has(name)));
  const values = schema.partial().parse(right);
  const { SEAM_API_KEY: apiKey, SEAM_ENDPOINT: endpoint, DATA_DIR: dataDir } = values;
  const isDatabaseWrong = wrong.has('DATABASE_URL') || dataDir === undefined;
  return {
    problems: issues.map(problemLine),
    seam: apiKey === undefined || wrong.has('SEAM_ENDPOINT') ? null : { apiKey, endpoint },
    database: isDatabaseWrong ? null : { url: values.DATABASE_URL, dataDir },
    pinKeys: wrong.has('PIN_ENCRYPTION_KEYS') ? null : (values.PIN_ENCRYPTION_KEYS ?? []),
    webhookSecrets: values.SEAM_WEBHOOK_SECRETS ?? [],
    publicUrl: values.PUBLIC_URL ?? null,
  };
}

function problemLine({ path, message }: { path: PropertyKey[]; message: string }): string {
  return `${path.join('.')}: ${message}`;
}

function toolConfig(values: z.infer<z.ZodObject<ReturnType<typeof toolFields>>>): ToolConfig {
  return {
    database: { url: values.DATABASE_URL, dataDir: values.DATA_DIR },
    pinKeys: values.PIN_ENCRYPTION_KEYS,
    endpoints: { allowedNetworks: values.WEBHOOK_ALLOWED_NETWORKS },
    publicUrl: values.PUBLIC_URL,
    log: { level: values.LOG_LEVEL },
  };
}

/** The settings that are set, trimmed, and the defaults of the others. */
function givenSettings(env: Environment): Partial<Record<SettingName, string>> {
  const values = settings.map(({ name, default: fallback }) => [name, env[name]?.trim() || fallback] as const);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}

function parse<S extends z.ZodObject>(schema: S, given: object): z.infer<S> {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  throw new ConfigError(result.error.issues.map(problemLine));
}

// A problem tells what is expected and what is wrong; what was given is shown only where it cannot be a secret.
function problem(
  expected: string,
  found: (input: unknown) => string,
): { error: (issue: { input?: unknown }) => string } {
  return {
    error: ({ input }) => `expected ${expected}, ${input === undefined ? 'but it is not set' : found(input)}`,
  };
}

const shown = (input: unknown) => `but it is ${JSON.stringify(input)}`;

function text(expected: string, isRight: (value: string) => boolean, found = shown) {
  const words = problem(expected, found);
  return z.string(words).refine(isRight, words);
}

function wholeNumber(min: number, max: number) {
  const isRight = (value: string) => /^\d+$/.test(value) && Number(value) >= min && Number(value) <= max;
  return text(`a whole number from ${min} to ${max}`, isRight).transform(Number);
}

const listOf = (value: string) => value.split(',').flatMap((part) => part.trim() || []);

function secretList(expected: string, wrongWith: (parts: readonly string[]) => string | undefined) {
  const words = problem(expected, (value) => `but ${wrongWith(listOf(String(value))) ?? 'it is empty'}`);
  const isRight = (value: string) => listOf(value).length > 0 && wrongWith(listOf(value)) === undefined;
  return z.string(words).refine(isRight, words).transform(listOf);
}

/** "number 2 is …" of the first part that is wrong: says where without saying what. */
function firstWrong(
  parts: readonly string[],
  fault: string,
  isRight: (part: string, index: number) => boolean,
): string | undefined {
  const index = parts.findIndex((part, at) => !isRight(part, at));
  return index < 0 ? undefined : `number ${index + 1} of ${parts.length} ${fault}`;
}

function toolFields(given: { DATABASE_URL?: string }) {
  const keys = secretList(
    'keys of 32 bytes in base64, comma separated, no two alike (openssl rand -base64 32)',
    (parts) => {
      const wrong = firstWrong(parts, 'is no base64 of 32 bytes', (part) => decodeKey(part).length === 32);
      return wrong ?? firstWrong(parts, 'is there twice', (part, index) => isFirst(part, index, parts));
    },
  ).transform((parts) => parts.map(decodeKey));
  const isDatabaseUrl = (value: string) => /^postgres(ql)?:\/\//.test(value) && URL.canParse(value);
  return {
    DATABASE_URL: text(
      'a URL that begins with postgres:// or postgresql://',
      isDatabaseUrl,
      () => 'but it is not one',
    ).optional(),
    DATA_DIR: text('a folder', (value) => !value.includes('\0')),
    // A key that is made in a container's own file system is lost with it, and with it every PIN in the database.
    PIN_ENCRYPTION_KEYS: given.DATABASE_URL === undefined ? keys.default([]) : keys,
    WEBHOOK_ALLOWED_NETWORKS: text('networks such as 10.0.0.0/8 or addresses such as ::1, comma separated', (value) =>
      listOf(value).every((part) => readNetwork(part) !== null),
    )
      .transform((value) => listOf(value).flatMap((part) => readNetwork(part) ?? []))
      .default([]),
    PUBLIC_URL: text(
      'a URL that begins with https:// or http://, without ? and #',
      (value) => /^https?:\/\/[^?#]+$/.test(value) && URL.canParse(value),
      () => 'but it is not one',
    )
      .transform((value) => value.replace(/\/+$/, ''))
      .optional(),
    LOG_LEVEL: z.enum(logLevels, problem(`one of ${logLevels.join(', ')}`, shown)),
  };
}

function decodeKey(part: string): Buffer {
  return /^[A-Za-z0-9+/_-]+={0,2}$/.test(part) ? Buffer.from(part, 'base64') : Buffer.alloc(0);
}

// Compared as bytes: one key can be written in more than one way.
function isFirst(part: string, index: number, parts: readonly string[]): boolean {
  return parts.findIndex((other) => decodeKey(other).equals(decodeKey(part))) === index;
}

const serviceFields = {
  PORT: wholeNumber(0, 65_535),
  // All interfaces: in a container, 127.0.0.1 cannot be reached from outside, and :: fails where IPv6 is off.
  HOST: text(
    'an IP address or a host name',
    (value) => isIP(value) !== 0 || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(value),
  ),
  TRUST_PROXY: text(
    'addresses and networks such as 10.0.0.0/8,::1 (no network of all addresses), or a number of proxies from 1 to 10',
    (value) => proxyCount.test(value) || (listOf(value).length > 0 && listOf(value).every(isProxy)),
  )
    .transform((value) => (proxyCount.test(value) ? Number(value) : listOf(value)))
    .default([]),
  AUTH_FAILURES_PER_MINUTE: wholeNumber(1, 1_000_000),
  SEAM_API_KEY: text(
    'an API key of Seam, which begins with seam_ (Seam Console, Developer, API Keys)',
    (value) => /^seam_\S+$/.test(value),
    () => 'but it begins otherwise or holds a blank',
  ),
  SEAM_ENDPOINT: text(
    'a URL that begins with https:// or http://',
    (value) => /^https?:\/\//.test(value) && URL.canParse(value),
    () => 'but it is not one',
  ).optional(),
  SEAM_SETTLE_SECONDS: wholeNumber(1, 3_600),
  SEAM_WEBHOOK_SECRETS: secretList('signing secrets of the Seam webhook (whsec_…), comma separated', (parts) =>
    firstWrong(parts, 'is no base64 with or without whsec_ before it', isWebhookSecret),
  ),
  ADMIN_TOKENS: secretList(
    'tokens of at least 24 letters, digits or ._~+/=- (openssl rand -base64 24), each with or without NAME: before it, comma separated, no two alike',
    (parts) => {
      const wrong = firstWrong(parts, 'is no such token', (part) => adminToken.test(part));
      return wrong ?? firstWrong(parts, 'is there twice', (part, index) => isFirstToken(part, index, parts));
    },
  )
    .transform((parts) => parts.map(readToken))
    .default([]),
  METRICS_PORT: wholeNumber(0, 65_535).optional(),
  METRICS_TOKEN: text(
    'at least 24 letters, digits or ._~+/=- (openssl rand -base64 24)',
    (value) => /^[A-Za-z0-9._~+/=-]{24,500}$/.test(value),
    () => 'but it is no such token',
  ).optional(),
  MODE: z.enum(modes, problem('active or observe', shown)),
  RETENTION_DAYS: wholeNumber(1, 36_500),
  RECONCILE_INTERVAL_SECONDS: wholeNumber(5, 86_400),
  LADDER: text('times such as 24h,2h,15m, each from 1m to 336h', (value) =>
    listOf(value).every((rung) => /^[1-9]\d{0,4}[hm]$/.test(rung) && rungMs(rung) <= aheadMs),
  ).transform((value) => [...new Set(listOf(value).map(rungMs))].sort((a, b) => b - a)),
  WORKER_CONCURRENCY: wholeNumber(1, 100),
};

const proxyCount = /^([1-9]|10)$/;

// Whoever trusts everybody believes the address that an attacker makes up.
function isProxy(part: string): boolean {
  const [, address = '', bits] = /^([^/]+)(?:\/([1-9]\d{0,2}))?$/.exec(part) ?? [];
  const bitsMax = { 4: 32, 6: 128 }[isIP(address)];
  return bitsMax !== undefined && Number(bits ?? bitsMax) <= bitsMax;
}

const adminToken = /^(?:[A-Za-z0-9][A-Za-z0-9._@-]{0,49}:)?[A-Za-z0-9._~+/=-]{24,500}$/;

function readToken(part: string): { name: string; token: string } {
  const colon = part.indexOf(':');
  return colon < 0 ? { name: 'api', token: part } : { name: part.slice(0, colon), token: part.slice(colon + 1) };
}

function isFirstToken(part: string, index: number, parts: readonly string[]): boolean {
  return parts.findIndex((other) => readToken(other).token === readToken(part).token) === index;
}

function rungMs(rung: string): number {
  return Number.parseInt(rung, 10) * (rung.endsWith('h') ? 3_600_000 : minuteMs);
}

function isWebhookSecret(secret: string): boolean {
  try {
    return Boolean(new SeamWebhook(secret));
  } catch {
    return false;
  }
}
