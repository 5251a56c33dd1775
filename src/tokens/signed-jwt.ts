import { sign, verify } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { annotate, InSpan } from '../common/tracing/tracing.js';
import type { SigningAlgorithm } from '../config/settings.js';
import { KeyRing, type SigningKey } from '../keys/key-ring.js';

/** The `typ` of each kind of JWT that this server signs: none is taken for another (RFC 8725 §3.11). */
export type JwtType = 'at+jwt' | 'JWT' | 'logout+jwt';

/** Signs and verifies JWTs with this server's keys: `alg`, `typ` and `kid` in the header and nothing else. */
@Injectable()
export class SignedJwt {
  /** The first segments of tokens, by key and type. */
  private readonly headers = new WeakMap<SigningKey, Map<JwtType, string>>();

  constructor(
    private readonly keys: KeyRing,
    private readonly jwt: JwtService,
  ) {}

  /** @throws {TemporarilyUnavailableError} before the keys were loaded */
  sign(type: JwtType, alg: SigningAlgorithm, claims: object): string {
    return this.signText(type, alg, JSON.stringify(claims));
  }

  /** As {@link sign}. @param claims the JSON text of an object */
  @InSpan('signing')
  signText(type: JwtType, alg: SigningAlgorithm, claims: string): string {
    const key = this.keys.signer(alg);
    annotate('mintgate.jwt.typ', type);
    annotate('mintgate.jwt.alg', key.alg);
    annotate('mintgate.jwt.kid', key.kid);
    if (key.alg === 'RS256' || key.alg === 'PS256') return this.jwt.sign(Buffer.from(claims), { privateKey: key.privateKey as never, algorithm: key.alg, header: headerOf(key, type) });
    // Not by jsonwebtoken, on which @nestjs/jwt stands: it does not know EdDSA (RFC 8037), and beside an ES256 signature its own work shows.
    const input = `${this.headerSegment(key, type)}.${Buffer.from(claims).toString('base64url')}`;
    return `${input}.${sign(digestFor(key), Buffer.from(input, 'latin1'), { key: key.privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  }

  /**
   * The payload when one of our keys signed exactly these bytes as this type, whether expired or not; `undefined` for anything else.
   *
   * The header must be the one that we write, byte for byte, so that nothing in it (`alg`, `jwk`, `jku`, `crit`, a repeated member) can steer the
   * verification, and the signature must be in its one canonical encoding.
   */
  verify(type: JwtType, token: string): unknown {
    const segments = token.split('.');
    if (segments.length !== 3) return undefined;
    const [header, payload, signature] = segments as [string, string, string];
    const key = this.keyFor(header, type);
    if (!key || Buffer.from(signature, 'base64url').toString('base64url') !== signature) return undefined;
    return key.alg === 'EdDSA' ? this.verifyEdDsa(key, header, payload, signature) : this.verifyByJsonWebToken(key, key.alg, token);
  }

  private verifyByJsonWebToken(key: SigningKey, alg: 'ES256' | 'RS256' | 'PS256', token: string): unknown {
    try {
      return this.jwt.verify<object>(token, { publicKey: key.publicKey as never, algorithms: [alg], ignoreExpiration: true });
    } catch {
      return undefined;
    }
  }

  private verifyEdDsa(key: SigningKey, header: string, payload: string, signature: string): unknown {
    if (!verify(null, Buffer.from(`${header}.${payload}`), key.publicKey, Buffer.from(signature, 'base64url'))) return undefined;
    try {
      return JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    } catch {
      return undefined;
    }
  }

  private keyFor(header: string, type: JwtType): SigningKey | undefined {
    let kid: unknown;
    try {
      kid = (JSON.parse(Buffer.from(header, 'base64url').toString('utf8')) as { kid?: unknown } | null)?.kid;
    } catch {
      return undefined;
    }
    const key = typeof kid === 'string' ? this.keys.find(kid) : undefined;
    return key && this.headerSegment(key, type) === header ? key : undefined;
  }

  private headerSegment(key: SigningKey, type: JwtType): string {
    let segments = this.headers.get(key);
    if (!segments) this.headers.set(key, (segments = new Map<JwtType, string>()));
    let segment = segments.get(type);
    if (segment === undefined) segments.set(type, (segment = Buffer.from(JSON.stringify(headerOf(key, type))).toString('base64url')));
    return segment;
  }
}

const headerOf = ({ alg, kid }: SigningKey, typ: JwtType) => ({ alg, typ, kid });
const digestFor = ({ alg }: SigningKey): 'sha256' | null => (alg === 'EdDSA' ? null : 'sha256');
