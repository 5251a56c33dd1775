import { AuditEvent } from './audit/audit-event.entity.js';
import { ClientSecretEntity } from './clients/client-secret.entity.js';
import { ClientEntity } from './clients/client.entity.js';
import { SigningKeyEntity } from './keys/signing-key.entity.js';
import { ResourceScopeEntity } from './resources/resource-scope.entity.js';
import { ResourceEntity } from './resources/resource.entity.js';
import { AccessTokenEntity } from './tokens/access-token.entity.js';

/** Every entity: the DataSource of the server, the TypeORM CLI and the tests is made with these. */
export const ENTITIES = [AuditEvent, ClientEntity, ClientSecretEntity, SigningKeyEntity, ResourceEntity, ResourceScopeEntity, AccessTokenEntity];
