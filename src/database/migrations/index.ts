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
import { CreateSessions1764200001000 } from './1764200001000-create-sessions.js';
import { CreateConsents1764200002000 } from './1764200002000-create-consents.js';
import { CreateAuthorizationRequests1764200003000 } from './1764200003000-create-authorization-requests.js';
import { CreateAuthorizationCodes1764200004000 } from './1764200004000-create-authorization-codes.js';
import { AddSessionToTokenFamilies1764200005000 } from './1764200005000-add-session-to-token-families.js';
import { CreatePushedAuthorizationRequests1764200006000 } from './1764200006000-create-pushed-authorization-requests.js';
import { AddPushedRequestsToClients1764200007000 } from './1764200007000-add-pushed-requests-to-clients.js';
import { AddClaimsToUsers1764200011000 } from './1764200011000-add-claims-to-users.js';
import { AddBackchannelLogoutToClients1764200021000 } from './1764200021000-add-backchannel-logout-to-clients.js';
import { CreateBackchannelLogouts1764200022000 } from './1764200022000-create-backchannel-logouts.js';
import { CreateClientOrigins1764200031000 } from './1764200031000-create-client-origins.js';
import { AddResultsToAuditEvents1764300001000 } from './1764300001000-add-results-to-audit-events.js';
import { AddActorsToAuditEvents1764300002000 } from './1764300002000-add-actors-to-audit-events.js';
import { IndexAuditEvents1764300003000 } from './1764300003000-index-audit-events.js';
import { CreateRateLimitCounts1764300011000 } from './1764300011000-create-rate-limit-counts.js';
import { AddTokenReuseToClients1764400010000 } from './1764400010000-add-token-reuse-to-clients.js';
import { AddAnswersToAuthorizationCodes1764520001000 } from './1764520001000-add-answers-to-authorization-codes.js';
import { GiveAccessExpiresAtADefault1764520002000 } from './1764520002000-give-access-expires-at-a-default.js';
import { IndexApprovedRequests1764530001000 } from './1764530001000-index-approved-requests.js';
import { AddAudienceToConsents1764530002000 } from './1764530002000-add-audience-to-consents.js';
import { AddResourcesToClients1764530003000 } from './1764530003000-add-resources-to-clients.js';
import { CreateBootstrappedClients1764570001000 } from './1764570001000-create-bootstrapped-clients.js';
import { CreateStoredSecrets1764580001000 } from './1764580001000-create-stored-secrets.js';

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
  CreateSessions1764200001000,
  CreateConsents1764200002000,
  CreateAuthorizationRequests1764200003000,
  CreateAuthorizationCodes1764200004000,
  AddSessionToTokenFamilies1764200005000,
  CreatePushedAuthorizationRequests1764200006000,
  AddPushedRequestsToClients1764200007000,
  AddClaimsToUsers1764200011000,
  AddBackchannelLogoutToClients1764200021000,
  CreateBackchannelLogouts1764200022000,
  CreateClientOrigins1764200031000,
  AddResultsToAuditEvents1764300001000,
  AddActorsToAuditEvents1764300002000,
  IndexAuditEvents1764300003000,
  CreateRateLimitCounts1764300011000,
  AddTokenReuseToClients1764400010000,
  AddAnswersToAuthorizationCodes1764520001000,
  GiveAccessExpiresAtADefault1764520002000,
  IndexApprovedRequests1764530001000,
  AddAudienceToConsents1764530002000,
  AddResourcesToClients1764530003000,
  CreateBootstrappedClients1764570001000,
  CreateStoredSecrets1764580001000,
];
