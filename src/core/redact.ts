// Cuts PINs out of anything that Seam sends before it is stored or logged. It rather cuts a room number than leaves a PIN:
// nothing here decides by names, texts or numbers. What comes out is also what PostgreSQL can hold.

/** A JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** Stands where a PIN, or what may be one, was. */
export const cut = '[cut]';

const pinKeys = new Set(['code', 'pin', 'pin_code', 'pincode', 'access_code', 'backup_code']);
// Needed to find the owner of an event, and made by Seam: digits in them are no PIN.
const idKey = /(^|_)(id|ids)$/;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
// Captured, so that a split keeps them at the odd places.
const uuidInText = /([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/i;
const isoInstant = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})$/;
const digitRun = /(?<!\d)\d{4,12}(?!\d)/g;
// Seam's events nest 4 deep; deeper than this only an attack does, and recursion must end somewhere.
const maxDepth = 32;

/** Replaces each run of 4 to 12 digits in a text: that is what a PIN can be. */
export function cutDigits(text: string): string {
  return text.replace(digitRun, cut);
}

/** As `cutDigits`, for prose that may name things by their UUIDs: those are no PINs and stay. */
export function cutDigitsInText(text: string): string {
  return text
    .split(uuidInText)
    .map((part, index) => (index % 2 === 0 ? cutDigits(part) : part))
    .join('');
}

const secrets = /\b(?:seam|whsec)_[\w+/=-]{4,}|(?<=:\/\/[^\s:/@]*:)[^\s@/]+(?=@)/g;

/** As `cutDigitsInText`, and without API keys, signing secrets and passwords in URLs: for words that were not ours. */
export function cutSecretsInText(text: string): string {
  return storable(cutDigitsInText(text.replace(secrets, cut)));
}

/**
 * A copy of a JSON value without PINs: values under a key that names one, the old and new value of a changed code, numbers
 * and digit runs of a PIN's length anywhere but in ids and instants. U+0000 and lone surrogates, which jsonb refuses, become
 * U+FFFD; what lies too deep is cut. Never throws for a value that JSON.parse returned.
 */
export function redactPins(value: unknown): Json {
  return redact(value, '', 0);
}

function redact(value: unknown, key: string, depth: number): Json {
  if (typeof value === 'string') return redactText(value, key);
  if (typeof value === 'number') return redactNumber(value, key);
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'object' || value === null) return null;
  if (depth >= maxDepth) return cut;
  // The items of a list are named by the list.
  if (Array.isArray(value)) return value.map((entry) => redact(entry, key, depth + 1));
  return redactRecord(value, depth);
}

function redactRecord(record: object, depth: number): Json {
  const entries: [string, unknown][] = Object.entries(record);
  const changesCode = entries.some(
    ([key, entry]) => key === 'property' && typeof entry === 'string' && isPinKey(entry),
  );
  const redacted = entries.map(([key, entry]): [string, Json] => {
    const isPin = isPinKey(key) || (changesCode && (key === 'from' || key === 'to'));
    return [cutDigits(storable(key)), isPin ? cutWhole(entry) : redact(entry, key, depth + 1)];
  });
  // fromEntries defines own properties: a key like __proto__ stays a plain key.
  return Object.fromEntries(redacted);
}

function isPinKey(key: string): boolean {
  return pinKeys.has(key.toLowerCase());
}

// That there is none (null) is worth keeping, and no secret.
function cutWhole(value: unknown): Json {
  return value === null ? null : cut;
}

function redactText(text: string, key: string): string {
  const clean = storable(text);
  return idKey.test(key) || uuid.test(clean) || isoInstant.test(clean) ? clean : cutDigits(clean);
}

function redactNumber(value: number, key: string): Json {
  if (!Number.isFinite(value)) return null;
  const mayBePin = Number.isInteger(value) && Math.abs(value) >= 1_000 && Math.abs(value) < 1e12;
  return mayBePin && !idKey.test(key) ? cut : value;
}

function storable(text: string): string {
  return text.toWellFormed().replaceAll('\u0000', '\uFFFD');
}
