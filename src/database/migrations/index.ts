import { CreateChanges1764000001000 } from './1764000001000-create-changes.js';
import { CreateAuditEvents1764000002000 } from './1764000002000-create-audit-events.js';
import { CreateClients1764000003000 } from './1764000003000-create-clients.js';
import { CreateClientSecrets1764000004000 } from './1764000004000-create-client-secrets.js';
import { CreateResources1764000005000 } from './1764000005000-create-resources.js';
import { CreateResourceScopes1764000006000 } from './1764000006000-create-resource-scopes.js';
import { CreateSigningKeys1764000007000 } from './1764000007000-create-signing-keys.js';
import { CreateAccessTokens1764000008000 } from './1764000008000-create-access-tokens.js';
import { CreateUsers1764100001000 } from './1764100001000-create-users.js';
import { CreatePasswordAttempts1764100002000 } from './1764100002000-create-password-attempts.js';
import { CreateTokenFamilies1764100003000 } from './1764100003000-create-token-families.js';
import { AddUserToAccessTokens1764100004000 } from './1764100004000-add-user-to-access-tokens.js';
import { CreateGrantUsage1764100005000 } from './1764100005000-create-grant-usage.js';
import { CreatePasswordGrantUsers1764100006000 } from './1764100006000-create-password-grant-users.js';
import { AddLegacyGrantsToClients1764100007000 } from './1764100007000-add-legacy-grants-to-clients.js';

/** In the order in which they run. What has been released is never changed. */
export const MIGRATIONS = [
  CreateChanges1764000001000,
  CreateAuditEvents1764000002000,
  CreateClients1764000003000,
  CreateClientSecrets1764000004000,
  CreateResources1764000005000,
  CreateResourceScopes1764000006000,
  CreateSigningKeys1764000007000,
  CreateAccessTokens1764000008000,
  CreateUsers1764100001000,
  CreatePasswordAttempts1764100002000,
  CreateTokenFamilies1764100003000,
  AddUserToAccessTokens1764100004000,
  CreateGrantUsage1764100005000,
  CreatePasswordGrantUsers1764100006000,
  AddLegacyGrantsToClients1764100007000,
];
