import { isSeamHttpApiError, isSeamHttpInvalidInputError } from 'seam';
import { z } from 'zod';
import { cutDigitsInText } from '../core/redact.ts';

/**
 * Why a call to Seam did not succeed, said as the answer to "did it happen?".
 * `unknown` means perhaps; every other kind means no. `held_back` comes from our own gate: Seam was not asked.
 */
export type SeamFailure =
  | { readonly kind: 'rejected'; readonly code: string; readonly message: string }
  | { readonly kind: 'unauthorized'; readonly message: string }
  | { readonly kind: 'device_not_found'; readonly message: string }
  | { readonly kind: 'code_not_found'; readonly message: string }
  | { readonly kind: 'duplicate'; readonly message: string }
  | { readonly kind: 'rate_limited'; readonly message: string; readonly retryAfterMs: number | null }
  | {
      readonly kind: 'held_back';
      readonly by: 'line' | 'slot';
      readonly message: string;
      readonly retryAfterMs: number;
    }
  | { readonly kind: 'unknown'; readonly message: string };

/** The caller decides on every failure, so a failure is returned and not thrown. */
export type SeamResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: SeamFailure };

// What axios leaves on an error; the SDK passes it through where the answer is not Seam's own envelope.
const HttpFailure = z.object({
  code: z.string().optional(),
  response: z.object({ status: z.number(), headers: z.unknown() }).optional(),
});

/**
 * Maps whatever the SDK throws; the only place that knows its errors. Messages are cleared of anything like a PIN.
 * @param subject what a 404 of that call says is not there: Seam's error types are not documented and do not tell for sure
 */
export function toSeamFailure(error: unknown, subject: 'device' | 'code'): SeamFailure {
  if (isSeamHttpApiError(error)) {
    const failure = fromStatus(error.statusCode, error.code, describe(error), retryAfterMs(error.cause), true);
    return failure.kind === 'code_not_found' && subject === 'device'
      ? { ...failure, kind: 'device_not_found' }
      : failure;
  }
  const http = HttpFailure.safeParse(error);
  const status = http.success ? http.data.response?.status : undefined;
  if (status !== undefined) {
    // An answer without Seam's envelope comes from something in between: only what it cannot have passed on is sure.
    return fromStatus(status, `http_${status}`, `HTTP ${status} without Seam's envelope`, retryAfterMs(error), false);
  }
  const reason = (http.success ? http.data.code : undefined) ?? (error instanceof Error ? error.name : 'error');
  return { kind: 'unknown', message: `no answer from Seam (${reason})` };
}

function fromStatus(
  status: number,
  code: string,
  message: string,
  retryAfter: number | null,
  isSeamsOwn: boolean,
): SeamFailure {
  if (status === 429) return { kind: 'rate_limited', message, retryAfterMs: retryAfter };
  if (status === 401 || status === 403) return { kind: 'unauthorized', message };
  if (!isSeamsOwn || status >= 500 || status === 408 || status === 425) return { kind: 'unknown', message };
  if (status === 404) return { kind: 'code_not_found', message };
  if (status === 409 || code.startsWith('duplicate')) return { kind: 'duplicate', message };
  return { kind: 'rejected', code, message };
}

function describe(error: { code: string; message: string; statusCode: number }): string {
  const details = isSeamHttpInvalidInputError(error)
    ? error.validationErrors.map(({ parameterName, errorMessages }) => `${parameterName}: ${errorMessages.join(', ')}`)
    : [];
  return withoutSecrets([`${error.code} (HTTP ${error.statusCode}): ${error.message}`, ...details].join('; '));
}

/** Seam's messages may quote the PIN that was refused, or whatever else was sent. */
function withoutSecrets(text: string): string {
  return cutDigitsInText(text).replaceAll(/\bseam_\w{4,}/g, '[cut]');
}

const Caused = z.object({ response: z.object({ headers: z.looseObject({ 'retry-after': z.string().optional() }) }) });

function retryAfterMs(error: unknown): number | null {
  const parsed = Caused.safeParse(error);
  const header = parsed.success ? parsed.data.response.headers['retry-after'] : undefined;
  if (header === undefined) return null;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1_000);
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : Math.max(0, at - Date.now());
}
