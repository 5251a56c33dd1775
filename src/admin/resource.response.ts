import { ApiProperty } from '../common/openapi/decorators.js';
import type { ResourceEntity } from '../resources/resource.entity.js';
import { ResourceDto } from './dto/resource.dto.js';

/** A protected resource as admins see it. */
export class ResourceResponse extends ResourceDto {
  @ApiProperty() resource_id: string;
  @ApiProperty({ format: 'date-time' }) created_at: string;
  @ApiProperty({ format: 'date-time' }) updated_at: string;
}

export function resourceResponse(resource: ResourceEntity): ResourceResponse {
  return {
    resource_id: resource.resourceId,
    ...resourceDescription(resource),
    created_at: new Date(resource.createdAt).toISOString(),
    updated_at: new Date(resource.updatedAt).toISOString(),
  };
}

/** What of a resource can be changed, as the body that would set it. */
export function resourceDescription(resource: ResourceEntity): Required<ResourceDto> {
  return {
    identifier: resource.identifier,
    name: resource.name,
    scopes: resource.scopes,
    resource_servers: resource.resourceServers,
    access_token_format: resource.accessTokenFormat as 'jwt' | 'opaque' | null,
    access_token_lifetime: resource.accessTokenLifetime,
  };
}
