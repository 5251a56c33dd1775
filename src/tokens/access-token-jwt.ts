import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { SignedJwt } from './signed-jwt.js';

/** The claims of a JWT access token, RFC 9068 §2.2. */
export interface AccessTokenClaims {
  iss: string;
  sub: string;
  aud: string | string[];
  client_id: string;
  iat: number;
  exp: number;
  jti: string;
  /** Left out when it is empty. */
  scope?: string;
  /** Of the user that the token speaks of (§2.2.3.1). */
  roles?: readonly string[];
}

/** No token is longer, so that each fits into an Authorization header and back into a form that asks about it. */
export const MAX_ACCESS_TOKEN_LENGTH = 12_000;

/** Signs and verifies JWT access tokens: `typ` `at+jwt`, `alg` and `kid` of one of our keys, nothing else in the header (RFC 9068 §2.1). */
@Injectable()
export class AccessTokenJwt {
  constructor(
    private readonly config: Config,
    private readonly jwt: SignedJwt,
  ) {}

  /** @param claims the JSON text of {@link AccessTokenClaims} */
  sign(claims: string): string {
    return this.jwt.signText('at+jwt', this.config.accessTokenSigningAlg, claims);
  }

  /** The claims when one of our keys signed exactly these bytes as an access token, whether expired or not; `undefined` for anything else. */
  verify(token: string): AccessTokenClaims | undefined {
    return asClaims(this.jwt.verify('at+jwt', token));
  }
}

/** Only what has the shape that we sign is taken for ours, whatever else a key of ours may have signed (RFC 8725 §3.11). */
function asClaims(value: unknown): AccessTokenClaims | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { iss, sub, aud, client_id: clientId, iat, exp, jti, scope, roles } = value as Record<string, unknown>;
  const texts = [iss, sub, clientId, jti, scope ?? ''].every((claim) => typeof claim === 'string');
  const times = Number.isSafeInteger(iat) && Number.isSafeInteger(exp);
  const audience = typeof aud === 'string' || (Array.isArray(aud) && aud.every((each) => typeof each === 'string'));
  const roleNames = roles === undefined || (Array.isArray(roles) && roles.every((each) => typeof each === 'string'));
  return texts && times && audience && roleNames ? (value as AccessTokenClaims) : undefined;
}
