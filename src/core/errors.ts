/**
 * A mistake that the person who runs Relatch can mend. The message names the cause and the way out and is safe to show:
 * it never holds a PIN or a secret. The edges map it: the command line to exit code 2, HTTP to a 4xx.
 */
export class UserError extends Error {
  override readonly name = 'UserError';
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Makes the compiler prove that a union was handled whole; throws if untyped data gets here all the same. */
export function unreachable(value: never): never {
  throw new Error(`unhandled case: ${JSON.stringify(value)}`);
}
