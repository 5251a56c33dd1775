import { ApiProperty } from '../common/openapi/decorators.js';
import type { SigningKeyEntity } from '../keys/signing-key.entity.js';

/** A signing key as admins see it: never its private part. */
export class SigningKeyResponse {
  @ApiProperty() kid: string;
  @ApiProperty() alg: string;
  @ApiProperty({ enum: ['next', 'active', 'retired'] }) status: string;
  @ApiProperty({ format: 'date-time' }) published_at: string;
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) activated_at: string | null;
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) retired_at: string | null;
  @ApiProperty({ type: String, format: 'date-time', nullable: true, description: 'When a retired key leaves the JWKS.' }) expires_at: string | null;
}

export class SigningKeysResponse {
  @ApiProperty({ type: [SigningKeyResponse] }) items: SigningKeyResponse[];
  @ApiProperty({ type: String, nullable: true, example: null }) next_cursor: null;
}

export const signingKeysResponse = (keys: readonly SigningKeyEntity[]): SigningKeysResponse => ({ items: keys.map(keyResponse), next_cursor: null });

function keyResponse(key: SigningKeyEntity): SigningKeyResponse {
  const time = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
  return {
    kid: key.kid,
    alg: key.alg,
    status: key.status,
    published_at: new Date(key.publishedAt).toISOString(),
    activated_at: time(key.activatedAt),
    retired_at: time(key.retiredAt),
    expires_at: time(key.expiresAt),
  };
}
