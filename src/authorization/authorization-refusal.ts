import type { ResponseTarget } from './authorization-request.js';

/** An error that the client hears of, by way of its redirect URI (RFC 6749 §4.1.2.1). */
export class AuthorizationRefusal extends Error {
  override readonly name = 'AuthorizationRefusal';

  /** @param cause an `OAuthError`, or whatever went wrong */
  constructor(
    readonly target: ResponseTarget,
    override readonly cause: unknown,
  ) {
    super('the authorization request is refused', { cause });
  }
}
