import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { JWK } from 'jose';
import { calculateJwkThumbprint } from 'jose/jwk/thumbprint';
import type { SigningAlgorithm } from '../config/settings.js';

const generate = promisify(generateKeyPair) as (type: string, options: object) => Promise<{ privateKey: KeyObject; publicKey: KeyObject }>;

const PARAMETERS: Readonly<Record<SigningAlgorithm, [type: string, options: object]>> = {
  ES256: ['ec', { namedCurve: 'P-256' }],
  RS256: ['rsa', { modulusLength: 2048 }],
  PS256: ['rsa', { modulusLength: 2048 }],
  EdDSA: ['ed25519', {}],
};

/** A fresh key pair as JWKs (RFC 7517): its `kid` is its thumbprint (RFC 7638). */
export async function newKeyPair(alg: SigningAlgorithm): Promise<{ kid: string; publicJwk: JWK; privateJwk: JWK }> {
  const { privateKey, publicKey } = await generate(...PARAMETERS[alg]);
  const bare = publicKey.export({ format: 'jwk' }) as JWK;
  const kid = await calculateJwkThumbprint(bare);
  return { kid, publicJwk: { ...bare, kid, alg, use: 'sig' }, privateJwk: privateKey.export({ format: 'jwk' }) };
}

export const importPrivate = (jwk: JWK): KeyObject => createPrivateKey({ key: jwk as never, format: 'jwk' });

export const importPublic = (jwk: JWK): KeyObject => createPublicKey({ key: jwk as never, format: 'jwk' });
