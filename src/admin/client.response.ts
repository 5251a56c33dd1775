import { ApiProperty, ApiPropertyOptional } from '../common/openapi/decorators.js';
import type { ClientEntity } from '../clients/client.entity.js';
import { metadataOf } from '../clients/client-metadata.js';
import { NewClientDto } from './dto/client.dto.js';

/** A client as admins see it. */
export class ClientResponse extends NewClientDto {
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

/** @param secret of a client that authenticates by one */
export const registeredClientResponse = (client: ClientEntity, secret: string | undefined): RegisteredClientResponse => ({ ...clientResponse(client), ...(secret === undefined ? {} : { client_secret: secret, client_secret_expires_at: 0 }) });
