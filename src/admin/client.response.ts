import { ApiProperty, ApiPropertyOptional } from '../common/openapi/decorators.js';
import type { ClientEntity } from '../clients/client.entity.js';
import { metadataOf } from '../clients/client-metadata.js';
import { adminScopesIn } from '../resources/admin-api.js';
import { NewClientDto } from './dto/client.dto.js';

/** The names of these scopes look like those of a business API. */
export const ADMIN_RIGHTS = 'a right in the admin API of this server';

/** What an admin should know of what was written, although it is allowed. */
class ClientWarning {
  @ApiProperty({ example: '/scope' }) pointer: string;
  @ApiProperty({ example: `users:read is ${ADMIN_RIGHTS}` }) detail: string;
}

/** A client as admins see it. */
export class ClientResponse extends NewClientDto {
  @ApiPropertyOptional({ type: [ClientWarning], description: 'Only in the answer to a write, and only when there is something to know. Ignored when it is sent back.' })
  warnings?: ClientWarning[];

  @ApiProperty({ format: 'date-time' }) created_at: string;
  @ApiProperty({ format: 'date-time' }) updated_at: string;
}

/** The answer to a registration: the only place where the secret ever stands. */
export class RegisteredClientResponse extends ClientResponse {
  @ApiPropertyOptional({ description: 'Shown once. Absent for a public client.' }) client_secret?: string;
  @ApiPropertyOptional({ type: 'integer', description: 'Seconds since the epoch; 0: never.' }) client_secret_expires_at?: number;
}

export function clientResponse(client: ClientEntity): ClientResponse {
  const metadata = metadataOf(client);
  return {
    client_id: client.clientId,
    ...metadata,
    default_scope: metadata.default_scope ?? metadata.scope,
    created_at: new Date(client.createdAt).toISOString(),
    updated_at: new Date(client.updatedAt).toISOString(),
  };
}

/** Says what an admin should know of a client that was written. */
export function writtenClientResponse(client: ClientEntity): ClientResponse {
  const rights = adminScopesIn(client.scope);
  const warnings = rights.map((right) => ({ pointer: '/scope', detail: `${right} is ${ADMIN_RIGHTS}` }));
  return { ...clientResponse(client), ...(warnings.length > 0 ? { warnings } : {}) };
}

/** @param secret of a client that authenticates by one */
export const registeredClientResponse = (client: ClientEntity, secret: string | undefined): RegisteredClientResponse => ({ ...writtenClientResponse(client), ...(secret === undefined ? {} : { client_secret: secret, client_secret_expires_at: 0 }) });
