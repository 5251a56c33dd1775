import type { OpenIdGrant } from './openid-grant.js';
import type { TokenFamilyEntity } from './token-family.entity.js';

export type FamilyRow = Record<string, string | number | null>;

export const FAMILY_COLUMNS = [
  'family_id', 'client_id', 'client_generation', 'user_id', 'user_generation', 'grant_type', 'scope', 'audience', 'current_digest', 'previous_digest', 'successor_salt',
  'retry_until', 'issued_at', 'expires_at', 'idle_expires_at', 'revoked_at', 'purge_after', 'session_id', 'openid',
];

export function toFamily(row: FamilyRow): TokenFamilyEntity {
  const text = (column: string) => row[column] as string;
  const optionalText = (column: string) => row[column] as string | null;
  // MySQL's driver gives bigint columns as text.
  const time = (column: string) => Number(row[column]);
  const optionalTime = (column: string) => (row[column] === null ? null : Number(row[column]));
  return {
    id: Number(row['id']),
    familyId: text('family_id'),
    clientId: text('client_id'),
    clientGeneration: text('client_generation'),
    userId: text('user_id'),
    userGeneration: text('user_generation'),
    grantType: text('grant_type'),
    scope: text('scope'),
    audience: JSON.parse(text('audience')) as string[],
    currentDigest: text('current_digest'),
    previousDigest: optionalText('previous_digest'),
    successorSalt: optionalText('successor_salt'),
    retryUntil: optionalTime('retry_until'),
    issuedAt: time('issued_at'),
    expiresAt: time('expires_at'),
    idleExpiresAt: time('idle_expires_at'),
    revokedAt: optionalTime('revoked_at'),
    purgeAfter: time('purge_after'),
    sessionId: optionalText('session_id'),
    openid: row['openid'] === null ? null : (JSON.parse(text('openid')) as OpenIdGrant),
  };
}
