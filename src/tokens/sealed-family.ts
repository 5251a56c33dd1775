import type { TokenFamilyEntity } from './token-family.entity.js';

/** What is granted to a family when it begins, and stays. */
export type GrantedToFamily = Pick<TokenFamilyEntity, 'familyId' | 'userId' | 'userGeneration' | 'grantType' | 'scope' | 'audience' | 'expiresAt' | 'openid'>;

/** Of this form; what has another one is read from the family's row. */
const FORM = 1;
/** A token of 700 characters at most: a family with more to say (many resources, a long `nonce` or `claims`) is read from its row. */
const MAX_BYTES = 448;

const NOTHING = Buffer.alloc(0);

/** For {@link RefreshTokenCodec}. Nothing where it would make the token too long. */
export function sealable({ userId, userGeneration, grantType, scope, audience, expiresAt, openid }: GrantedToFamily): Buffer {
  const bytes = Buffer.from(JSON.stringify([FORM, userId, userGeneration, grantType, scope, audience, expiresAt, openid ?? 0]));
  return bytes.length <= MAX_BYTES ? bytes : NOTHING;
}

/** @param bytes that this server sealed; `undefined` where there are none, or of a form that this version does not know */
export function unsealed(familyId: string, bytes: Buffer): GrantedToFamily | undefined {
  if (bytes.length === 0) return undefined;
  const [form, userId, userGeneration, grantType, scope, audience, expiresAt, openid] = JSON.parse(bytes.toString()) as [number, string, string, string, string, string[], number, TokenFamilyEntity['openid'] | 0];
  return form === FORM ? { familyId, userId, userGeneration, grantType, scope, audience, expiresAt, openid: openid || null } : undefined;
}
