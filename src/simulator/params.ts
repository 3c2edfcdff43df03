import type { Frame } from './access-code.ts';
import { ApiFailure, invalidInput } from './failure.ts';

/** Parameters as they came: in the query string (all strings) or in a JSON body. */
export type Params = Readonly<Record<string, unknown>>;

/**
 * Reads a query string as Seam's SDK writes it: a repeated key is an array, an empty value is an empty array or null.
 * `_strict` only says that the client writes so.
 */
export function paramsFromQuery(query: URLSearchParams): Record<string, unknown> {
  const params: Record<string, unknown> = {};
  for (const key of new Set(query.keys())) {
    if (key === '_strict') continue;
    const values = query.getAll(key);
    params[key] = values.length > 1 ? values : values[0];
  }
  return params;
}

export function optionalString(params: Params, key: string): string | undefined {
  const value = params[key];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string') throw invalidInput(key, 'Expected string');
  return value;
}

export function requiredString(params: Params, key: string): string {
  const value = optionalString(params, key);
  if (value === undefined) throw invalidInput(key, 'Required');
  return value;
}

/** An array, or one value that stands for an array of one. */
export function optionalStrings(params: Params, key: string): string[] | undefined {
  const value = params[key];
  if (value === undefined || value === null) return undefined;
  if (value === '') return [];
  const values: unknown[] = Array.isArray(value) ? value : [value];
  if (!values.every((item) => typeof item === 'string')) throw invalidInput(key, 'Expected array of strings');
  return values;
}

export function optionalNumber(params: Params, key: string): number | undefined {
  const value = params[key];
  if (value === undefined || value === null || value === '') return undefined;
  const number = Number(value);
  if (!Number.isFinite(number)) throw invalidInput(key, 'Expected number');
  return number;
}

export function optionalBoolean(params: Params, key: string): boolean | undefined {
  const value = params[key];
  if (value === undefined || value === null || value === '') return undefined;
  if (value === true || value === 'true') return true;
  if (value === false || value === 'false') return false;
  throw invalidInput(key, 'Expected boolean');
}

const instantPattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/;

/** An instant with its offset from UTC. A time without one would mean another instant in each place. */
export function optionalInstant(params: Params, key: string): number | undefined {
  const value = optionalString(params, key);
  return value === undefined ? undefined : instant(key, value);
}

export function instant(key: string, value: string): number {
  const at = instantPattern.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(at)) throw invalidInput(key, 'Expected an ISO 8601 date and time with its offset');
  return at;
}

/** `starts_at` and `ends_at`: both or neither, and in order. */
export function optionalFrame(params: Params): Frame | undefined {
  const startsAt = optionalInstant(params, 'starts_at');
  const endsAt = optionalInstant(params, 'ends_at');
  if (startsAt === undefined && endsAt === undefined) return undefined;
  if (startsAt === undefined || endsAt === undefined) {
    const message = 'Both starts_at and ends_at must be provided together';
    throw new ApiFailure(400, 'invalid_input', message, {
      fields: { [startsAt === undefined ? 'starts_at' : 'ends_at']: message },
    });
  }
  if (endsAt <= startsAt) throw invalidInput('ends_at', 'ends_at must be after starts_at');
  return { startsAt, endsAt };
}
