/** What the API answers instead of success, in Seam's envelope. */
export class ApiFailure extends Error {
  override readonly name = 'ApiFailure';
  readonly status: number;
  readonly type: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    status: number,
    type: string,
    message: string,
    more: { fields?: Record<string, string>; retryAfterSeconds?: number | undefined } = {},
  ) {
    super(message);
    this.status = status;
    this.type = type;
    this.fields = more.fields ?? {};
    this.retryAfterSeconds = more.retryAfterSeconds;
  }
}

/** The body of an error as Seam's SDK reads it. */
export function errorBody(failure: ApiFailure, requestId: string): Record<string, unknown> {
  const fields = Object.entries(failure.fields);
  return {
    ok: false,
    error: {
      type: failure.type,
      message: failure.message,
      request_id: requestId,
      ...(fields.length > 0 && {
        validation_errors: {
          _errors: [],
          ...Object.fromEntries(fields.map(([name, message]) => [name, { _errors: [message] }])),
        },
      }),
    },
  };
}

/** 400 `invalid_input`, naming the parameter that is wrong. */
export function invalidInput(parameter: string, message: string): ApiFailure {
  return new ApiFailure(400, 'invalid_input', message, { fields: { [parameter]: message } });
}

/** 404 for an id that does not exist, or no longer. */
export function notFound(what: 'device' | 'access_code' | 'event' | 'webhook', id: string): ApiFailure {
  return new ApiFailure(404, `${what}_not_found`, `Could not find ${what} with id "${id}"`);
}
