/** More was asked for than a limit allows: 429 (RFC 6585 §4). Whoever throws it has logged it, once for each caller and window. */
export class RateLimitedError extends Error {
  override readonly name = 'RateLimitedError';

  /** @param headers `Retry-After`, and the limit in the words of draft-ietf-httpapi-ratelimit-headers */
  constructor(
    limit: string,
    readonly headers: Readonly<Record<string, string>>,
  ) {
    super(`the limit ${limit} is reached`);
  }
}
