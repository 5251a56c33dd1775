import type { Client } from '../clients/client.js';
import type { User } from '../users/user.js';
import type { OpenIdGrant } from './openid-grant.js';

/** The lineage of refresh tokens that an access token comes with. */
export interface GrantedFamily {
  readonly familyId: string;
  /** The one that is good now; `undefined` where none is given. */
  readonly refreshToken?: string;
}

/** What a grant decided, before any token exists. */
export interface GrantedAccess {
  readonly client: Client;
  /** Whom the token speaks of; without a user it speaks of the client itself. */
  readonly user?: User;
  readonly scope: readonly string[];
  /** Identifiers of protected resources, or the issuer; never empty. */
  readonly audience: readonly string[];
  readonly format: 'jwt' | 'opaque';
  readonly lifetimeSeconds: number;
  /** For how long a later request for the same may be given the same token; left out where every answer has a new one. */
  readonly reuseSeconds?: number;
  readonly family?: GrantedFamily;
  /** With `openid` in the scope: what the ID token says. */
  readonly openid?: OpenIdGrant;
}

/** A successful token response, RFC 6749 §5.1. `scope` is there whenever there is one to tell (§3.3). */
export interface TokenResponse {
  access_token: string;
  token_type: 'Bearer';
  /** Seconds. */
  expires_in: number;
  refresh_token?: string;
  /** OIDC Core §3.1.3.3. */
  id_token?: string;
  scope?: string;
}

/** What was decided, and the tokens that came of it. */
export interface IssuedTokens {
  readonly access: GrantedAccess;
  readonly response: TokenResponse;
}
