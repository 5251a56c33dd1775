import { constants, type KeyObject, sign } from 'node:crypto';
import { KeyRing, type SigningKey } from '../../src/keys/key-ring.js';
import type { TestServer } from './test-server.js';

type Part = string | Record<string, unknown> | null;

/** The server's own signing key: with it a test makes tokens that have one single fault. */
export const ownKey = (server: TestServer, alg: SigningKey['alg'] = 'ES256'): SigningKey => server.get(KeyRing).signer(alg);

/** One part of a JWT; text is taken as it is, anything else as JSON. */
export const segment = (part: Part): string => Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');

/** A JWT of whatever parts, signed right. */
export function signedJwt(header: Part, claims: Part, key: KeyObject, alg = 'ES256'): string {
  const input = `${segment(header)}.${segment(claims)}`;
  return `${input}.${signature(input, key, alg).toString('base64url')}`;
}

export function signature(input: string, key: KeyObject, alg: string): Buffer {
  const bytes = Buffer.from(input);
  if (alg === 'EdDSA') return sign(null, bytes, key);
  if (alg === 'ES256') return sign('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' });
  return sign('sha256', bytes, alg === 'PS256' ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } : { key });
}

/** The token with one of its three segments replaced. */
export function withSegment(token: string, index: 0 | 1 | 2, change: (segment: string) => string): string {
  return token.split('.').map((each, at) => (at === index ? change(each) : each)).join('.');
}

/** The first letter from the middle on in the other case. */
export function flipCase(text: string): string {
  const at = Math.floor(text.length / 2) + text.slice(Math.floor(text.length / 2)).search(/[A-Za-z]/);
  const letter = text[at];
  return text.slice(0, at) + (letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()) + text.slice(at + 1);
}

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** The same bytes in another spelling: the bits of the last character that stand for nothing are set. */
export function nonCanonical(base64url: string): string {
  const other = BASE64URL[BASE64URL.indexOf(base64url.at(-1)!) ^ 1];
  const twin = base64url.slice(0, -1) + other;
  if (!Buffer.from(twin, 'base64url').equals(Buffer.from(base64url, 'base64url'))) throw new Error('every bit of the last character counts');
  return twin;
}

/** The same ECDSA signature by P-256 in its other valid form, (r, n - s). */
export function mirroredEcdsa(base64url: string): string {
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const bytes = Buffer.from(base64url, 'base64url');
  const s = BigInt(`0x${bytes.subarray(32).toString('hex')}`);
  return Buffer.concat([bytes.subarray(0, 32), Buffer.from((order - s).toString(16).padStart(64, '0'), 'hex')]).toString('base64url');
}
