import type { Client } from '../clients/client.js';

/** What a grant decided, before any token exists. */
export interface GrantedAccess {
  readonly client: Client;
  /** The `sub` of the token; without a user it is the client id (RFC 9068 §2.2). */
  readonly subject: string;
  readonly scope: readonly string[];
  /** Identifiers of protected resources, or the issuer; never empty. */
  readonly audience: readonly string[];
  readonly format: 'jwt' | 'opaque';
  readonly lifetimeSeconds: number;
}

/** A successful token response, RFC 6749 §5.1. `scope` is there whenever there is one to tell (§3.3). */
export interface TokenResponse {
  access_token: string;
  token_type: 'Bearer';
  /** Seconds. */
  expires_in: number;
  scope?: string;
}
