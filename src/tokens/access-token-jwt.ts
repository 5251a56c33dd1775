import { sign, verify } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { Config } from '../config/config.js';
import { KeyRing, type SigningKey } from '../keys/key-ring.js';

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
  private readonly headers = new WeakMap<SigningKey, string>();

  constructor(
    private readonly config: Config,
    private readonly keys: KeyRing,
    private readonly jwt: JwtService,
  ) {}

  sign(claims: AccessTokenClaims): string {
    const key = this.keys.signer(this.config.accessTokenSigningAlg);
    if (key.alg !== 'EdDSA') return this.jwt.sign(claims, { privateKey: key.privateKey as never, algorithm: key.alg, header: headerOf(key) });
    // jsonwebtoken, on which @nestjs/jwt stands, does not know EdDSA (RFC 8037).
    const input = `${this.headerSegment(key)}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`;
    return `${input}.${sign(null, Buffer.from(input), key.privateKey).toString('base64url')}`;
  }

  /**
   * The claims when one of our keys signed exactly these bytes, whether expired or not; `undefined` for anything else.
   *
   * The header must be the one that we write, byte for byte, so that nothing in it (`alg`, `jwk`, `jku`, `crit`, a repeated member) can steer the
   * verification, and the signature must be in its one canonical encoding.
   */
  verify(token: string): AccessTokenClaims | undefined {
    const segments = token.split('.');
    if (segments.length !== 3) return undefined;
    const [header, payload, signature] = segments as [string, string, string];
    const key = this.keyFor(header);
    if (!key || Buffer.from(signature, 'base64url').toString('base64url') !== signature) return undefined;
    return key.alg === 'EdDSA' ? this.verifyEdDsa(key, header, payload, signature) : this.verifyByJsonWebToken(key, key.alg, token);
  }

  private verifyByJsonWebToken(key: SigningKey, alg: 'ES256' | 'RS256' | 'PS256', token: string): AccessTokenClaims | undefined {
    try {
      return asClaims(this.jwt.verify<object>(token, { publicKey: key.publicKey as never, algorithms: [alg], ignoreExpiration: true }));
    } catch {
      return undefined;
    }
  }

  private verifyEdDsa(key: SigningKey, header: string, payload: string, signature: string): AccessTokenClaims | undefined {
    if (!verify(null, Buffer.from(`${header}.${payload}`), key.publicKey, Buffer.from(signature, 'base64url'))) return undefined;
    try {
      return asClaims(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')));
    } catch {
      return undefined;
    }
  }

  private keyFor(header: string): SigningKey | undefined {
    let kid: unknown;
    try {
      kid = (JSON.parse(Buffer.from(header, 'base64url').toString('utf8')) as { kid?: unknown } | null)?.kid;
    } catch {
      return undefined;
    }
    const key = typeof kid === 'string' ? this.keys.find(kid) : undefined;
    return key && this.headerSegment(key) === header ? key : undefined;
  }

  private headerSegment(key: SigningKey): string {
    let segment = this.headers.get(key);
    if (segment === undefined) this.headers.set(key, (segment = Buffer.from(JSON.stringify(headerOf(key))).toString('base64url')));
    return segment;
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

const headerOf = (key: SigningKey) => ({ alg: key.alg, typ: 'at+jwt', kid: key.kid });
