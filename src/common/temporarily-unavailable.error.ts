/**
 * A dependency (the database) cannot be asked now. No verdict may be given in its place: every endpoint answers 503 with Retry-After.
 * The message and the cause are for the log alone.
 */
export class TemporarilyUnavailableError extends Error {
  override readonly name = 'TemporarilyUnavailableError';

  constructor(
    detail: string,
    readonly retryAfterSeconds = 1,
    options?: ErrorOptions,
  ) {
    super(detail, options);
  }
}
