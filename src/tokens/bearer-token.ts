import type { Request } from 'express';
import { isRepeated } from '../common/http/repeated-header.js';
import { invalidRequest, OAuthError } from '../common/oauth/oauth-error.js';

/** Why a request brings no bearer token by its Authorization header. */
export type BearerRefusal = 'missing' | 'repeated' | 'malformed';

/** Reads the bearer token of the Authorization header, RFC 6750 §2.1. Credentials of another scheme are none (§3.1). */
export function bearerTokenOf(req: Request): { token: string } | { refusal: BearerRefusal } {
  const header = req.headers.authorization;
  if (header === undefined) return { refusal: 'missing' };
  if (isRepeated(req.rawHeaders, 'authorization')) return { refusal: 'repeated' };
  const match = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(header);
  if (match) return { token: match[1] };
  return { refusal: /^bearer\b/i.test(header) ? 'malformed' : 'missing' };
}

/** A challenge of RFC 6750 §3; without an error where the caller sent no credentials at all (§3.1). */
export function bearerChallenge(error?: string, description?: string, scope?: string): string {
  const parts = [error && `error="${error}"`, description && `error_description="${description}"`, scope && `scope="${scope}"`].filter(Boolean);
  return ['Bearer realm="mintgate"', ...parts].join(', ');
}

/** A refusal by RFC 6750 §3.1, with its challenge. @param scope what would be needed */
export const bearerRefusal = (status: number, code: 'invalid_token' | 'insufficient_scope', description: string, scope?: string): OAuthError =>
  new OAuthError(code, description, status, { 'WWW-Authenticate': bearerChallenge(code, description, scope) });

/** The refusal of a request that brings no bearer token. */
export function noBearerToken(refusal: BearerRefusal): OAuthError {
  switch (refusal) {
    case 'repeated':
      return invalidRequest('The Authorization header is repeated.', 400, { 'WWW-Authenticate': bearerChallenge('invalid_request') });
    case 'malformed':
      return bearerRefusal(401, 'invalid_token', 'The Authorization header holds no bearer token.');
    case 'missing':
      return new OAuthError('invalid_token', 'An access token is needed.', 401, { 'WWW-Authenticate': bearerChallenge() });
  }
}
