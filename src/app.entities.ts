import { AuditEvent } from './audit/audit-event.entity.js';
import { AuthorizationRequestEntity } from './authorization/interactions/authorization-request.entity.js';
import { PushedAuthorizationRequestEntity } from './authorization/pushed/pushed-authorization-request.entity.js';
import { ClientSecretEntity } from './clients/client-secret.entity.js';
import { BootstrappedClientEntity } from './clients/bootstrapped-client.entity.js';
import { ClientOriginEntity } from './clients/client-origin.entity.js';
import { ClientEntity } from './clients/client.entity.js';
import { ConsentEntity } from './consents/consent.entity.js';
import { AuthorizationCodeEntity } from './grants/authorization-code/authorization-code.entity.js';
import { GrantUsageEntity } from './grants/usage/grant-usage.entity.js';
import { PasswordGrantUserEntity } from './grants/usage/password-grant-user.entity.js';
import { SigningKeyEntity } from './keys/signing-key.entity.js';
import { StoredSecretEntity } from './keys/stored-secret.entity.js';
import { BackchannelLogoutEntity } from './logout/backchannel-logout.entity.js';
import { RateLimitCountEntity } from './rate-limits/rate-limit-count.entity.js';
import { ResourceScopeEntity } from './resources/resource-scope.entity.js';
import { ResourceEntity } from './resources/resource.entity.js';
import { SessionEntity } from './sessions/session.entity.js';
import { AccessTokenEntity } from './tokens/access-token.entity.js';
import { TokenFamilyEntity } from './tokens/token-family.entity.js';
import { PasswordAttemptEntity } from './users/password-attempt.entity.js';
import { UserEntity } from './users/user.entity.js';

/** Every entity: the DataSource of the server, the TypeORM CLI and the tests is made with these. */
export const ENTITIES = [
  AuditEvent,
  ClientEntity,
  ClientSecretEntity,
  BootstrappedClientEntity,
  ClientOriginEntity,
  UserEntity,
  PasswordAttemptEntity,
  SigningKeyEntity,
  StoredSecretEntity,
  ResourceEntity,
  ResourceScopeEntity,
  AccessTokenEntity,
  TokenFamilyEntity,
  SessionEntity,
  ConsentEntity,
  AuthorizationCodeEntity,
  AuthorizationRequestEntity,
  PushedAuthorizationRequestEntity,
  GrantUsageEntity,
  PasswordGrantUserEntity,
  BackchannelLogoutEntity,
  RateLimitCountEntity,
];
