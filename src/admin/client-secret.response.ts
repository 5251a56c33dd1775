import { ApiProperty } from '../common/openapi/decorators.js';
import type { ClientSecretEntity } from '../clients/client-secret.entity.js';

/** A secret as admins see it: never the secret itself. */
export class ClientSecretResponse {
  @ApiProperty() secret_id: string;
  @ApiProperty({ format: 'date-time' }) created_at: string;
  @ApiProperty({ type: String, format: 'date-time', nullable: true, description: '`null`: never' }) expires_at: string | null;
  @ApiProperty({ type: String, format: 'date-time', nullable: true, description: 'When it was last used, a few seconds late at most: an older secret that nobody uses is safe to delete.' })
  last_used_at: string | null;
}

/** The answer to the making of one: the only place where the secret ever stands. */
export class NewClientSecretResponse extends ClientSecretResponse {
  @ApiProperty({ description: 'Shown once.' }) client_secret: string;
  @ApiProperty({ type: 'integer', description: 'Seconds since the epoch; 0: never.' }) client_secret_expires_at: number;
}

export function secretResponse(secret: Omit<ClientSecretEntity, 'id'>): ClientSecretResponse {
  const time = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
  return { secret_id: secret.secretId, created_at: new Date(secret.createdAt).toISOString(), expires_at: time(secret.expiresAt), last_used_at: time(secret.lastUsedAt) };
}

export const newClientSecretResponse = (row: Omit<ClientSecretEntity, 'id'>, secret: string): NewClientSecretResponse => ({
  ...secretResponse(row),
  client_secret: secret,
  client_secret_expires_at: row.expiresAt === null ? 0 : Math.floor(row.expiresAt / 1000),
});
