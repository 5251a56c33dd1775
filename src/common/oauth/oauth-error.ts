/** The error codes of RFC 6749 §5.2 and §4.1.2.1, RFC 7009 §2.2.1, RFC 8707 §2, RFC 9126, RFC 6750 §3.1, OIDC Core §3.1.2.6, and OpenID Connect Core Unmet Authentication Requirements. */
export type OAuthErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'invalid_scope'
  | 'invalid_target'
  | 'invalid_token'
  | 'insufficient_scope'
  | 'access_denied'
  | 'unsupported_response_type'
  | 'login_required'
  | 'consent_required'
  | 'interaction_required'
  | 'unmet_authentication_requirements'
  | 'request_not_supported'
  | 'request_uri_not_supported'
  | 'registration_not_supported'
  | 'invalid_request_uri'
  | 'server_error'
  | 'temporarily_unavailable';

/** The challenge of RFC 6749 §5.2 and RFC 7617 §2. */
export const BASIC_CHALLENGE = 'Basic realm="mintgate", charset="UTF-8"';

/**
 * A refusal in the form of RFC 6749 §5.2. `description` is read by strangers: a fixed text in the character set of §5.2, which never repeats
 * what the caller sent. `detail` goes to the log only.
 */
export class OAuthError extends Error {
  override readonly name = 'OAuthError';

  constructor(
    readonly code: OAuthErrorCode,
    readonly description: string,
    readonly status = 400,
    readonly headers: Readonly<Record<string, string>> = {},
    readonly detail?: string,
  ) {
    super(`${code}: ${description}`);
  }
}

export const invalidRequest = (description: string, status = 400, headers: Record<string, string> = {}) =>
  new OAuthError('invalid_request', description, status, headers);

/** @param detail the real reason, for the log */
export const invalidGrant = (description: string, detail: string) => new OAuthError('invalid_grant', description, 400, {}, detail);

/**
 * One answer for an unknown, a disabled and an expired client, a wrong secret and a wrong method: nobody learns which clients exist.
 * @param challenge whether the caller may answer a Basic challenge: it tried Basic, or nothing at all
 * @param detail the real reason, for the log
 */
export const invalidClient = (challenge: boolean, detail: string) =>
  new OAuthError('invalid_client', 'Client authentication failed.', 401, challenge ? { 'WWW-Authenticate': BASIC_CHALLENGE } : {}, detail);
