import { hash, randomBytes } from 'node:crypto';

/**
 * What an opaque value is shows in its prefix, so that a secret scanner recognises a leaked one and none is ever taken for another kind.
 */
export const OPAQUE_PREFIX = {
  clientSecret: 'mg_cs_',
  accessToken: 'mg_at_',
  refreshToken: 'mg_rt_',
  authorizationCode: 'mg_ac_',
  session: 'mg_ss_',
  authorizationRequest: 'mg_ar_',
} as const;

export const isRefreshToken = (value: string): boolean => value.startsWith(OPAQUE_PREFIX.refreshToken);

/** A fresh value: the kind's prefix and 256 random bits in base64url (43 characters). RFC 6749 §10.10. */
export function newOpaqueValue(kind: Exclude<keyof typeof OPAQUE_PREFIX, 'refreshToken' | 'session'>): string {
  return OPAQUE_PREFIX[kind] + randomBytes(32).toString('base64url');
}

/** SHA-256 in hex: the only form in which a secret or token is stored. A slow hash adds nothing to 256 random bits. */
export function digestOf(value: string): string {
  return hash('sha256', value);
}
