// One JSON line per unit of work, on standard output. What may be secret is cut by its name at any depth, because a line
// that was written cannot be taken back.

import pino from 'pino';
import { cut, cutDigits } from '../core/redact.ts';
import { currentUnit } from './unit.ts';

/** Writes one line per call; bindings of children and fields are snake_case. */
export type Log = pino.Logger;

const secretKeys = new Set([
  'code',
  'pin',
  'pinciphertext',
  'authorization',
  'cookie',
  'setcookie',
  'svixsignature',
  'webhooksignature',
  'apikey',
  'seamapikey',
  'secret',
  'secrets',
  'webhooksecrets',
  'password',
  'token',
  'tokens',
  'admintokens',
  'databaseurl',
]);
const maxDepth = 8;

/** @param options.destination where lines go instead of standard output: a test, or a file. */
export function createLog(options: { level: string; destination?: pino.DestinationStream }): Log {
  const log = pino(
    {
      level: options.level,
      base: { service: 'relatch', process_id: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      messageKey: 'message',
      mixin: () => currentUnit()?.ids ?? noIds,
      mixinMergeStrategy: withIds,
      formatters: {
        level: (level) => ({ level }),
        log: cutSecrets,
      },
      hooks: {
        logMethod(args, method) {
          const [fields] = args;
          const error: unknown = fields instanceof Error ? fields : Reflect.get(Object(fields), 'err');
          // Left alone, pino takes the error's own words for a line that has none.
          if (args.length === 1 && error instanceof Error) method.apply(this, [fields, safeWords(error)]);
          else method.apply(this, args);
        },
      },
      // The default one copies every property of an error, and an error of the SDK holds its request with our API key.
      serializers: { err: (error: unknown) => describeError(error, 0) },
    },
    options.destination ?? pino.destination({ dest: 1, sync: true }),
  );
  // No formatter sees what a child is bound to.
  const { child } = log;
  log.child = function bind(this: Log, bindings, options) {
    return child.call(this, cutSecrets(bindings), options);
  } as Log['child'];
  return log;
}

const noIds = {};

/** Every line of a unit of work bears its ids; what the line says itself comes first. */
function withIds(line: object, ids: object): object {
  if (ids === noIds) return line;
  const missing = Object.entries(ids).filter(([name]) => Reflect.get(line, name) === undefined);
  return { ...line, ...Object.fromEntries(missing) };
}

function cutSecrets(fields: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(fields).map(([key, value]) => [key, cutValue(key, value, 0)]);
  return Object.fromEntries(entries);
}

function cutValue(key: string, value: unknown, depth: number): unknown {
  if (value !== null && value !== undefined && isSecret(key)) return cut;
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (value instanceof Error) return describeError(value, depth);
  if (depth >= maxDepth || ArrayBuffer.isView(value)) return cut;
  if (Array.isArray(value)) return value.map((entry) => cutValue(key, entry, depth + 1));
  // As JSON.stringify would see it: URL and the like are not their properties.
  if ('toJSON' in value && typeof value.toJSON === 'function') return cutValue(key, value.toJSON(), depth + 1);
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, cutValue(name, entry, depth + 1)]));
}

function isSecret(key: string): boolean {
  return secretKeys.has(key) || secretKeys.has(key.toLowerCase().replaceAll(/[^a-z]/g, ''));
}

/** What an error says, and its causes, without anything that it merely carries (request, headers, config, rows). */
function describeError(error: unknown, depth: number): unknown {
  if (!(error instanceof Error)) return cutValue('err', error, depth + 1);
  const words = safeWords(error);
  return {
    type: error.constructor.name,
    message: words,
    // Only the part that repeats the message may hold a secret; the rest is places in the code.
    stack: error.stack?.replace(error.message, () => words),
    ...(hasText(error, 'code') && { error_code: error.code }),
    ...(hasNumber(error, 'statusCode') && { status_code: error.statusCode }),
    ...(hasText(error, 'requestId') && { seam_request_id: error.requestId }),
    ...(error.cause !== undefined && depth < maxDepth && { cause: describeError(error.cause, depth + 1) }),
    ...(error instanceof AggregateError &&
      depth < maxDepth && { errors: error.errors.map((one: unknown) => describeError(one, depth + 1)) }),
  };
}

// Seam repeats the PIN that it refuses.
function safeWords(error: Error): string {
  return [error.name, error.constructor.name].some((name) => /^(Seam|Axios)/.test(name))
    ? cutDigits(error.message)
    : error.message;
}

function hasText<K extends string>(error: Error, key: K): error is Error & Record<K, string> {
  return typeof Reflect.get(error, key) === 'string';
}

function hasNumber<K extends string>(error: Error, key: K): error is Error & Record<K, number> {
  return typeof Reflect.get(error, key) === 'number';
}
