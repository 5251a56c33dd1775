import type { ClaimsRequest } from './claims-request.js';

/** What the ID tokens of one authorization say beside who the user is (OIDC Core §2). */
export interface OpenIdGrant {
  /** The session in which it was authorized: of it comes the `sid` of OpenID Connect Back-Channel Logout 1.0 §2.1. */
  readonly sid: string;
  /** Seconds since the epoch. */
  readonly auth_time: number;
  readonly acr: string;
  /** RFC 8176. */
  readonly amr: readonly string[];
  /** Of the authorization request; refreshed ID tokens have none (OIDC Core §12.2). */
  readonly nonce?: string;
  readonly claims?: ClaimsRequest;
}

/** The one class of authentication there is: by a password, over a protected connection. */
export const PASSWORD_ACR = 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport';
