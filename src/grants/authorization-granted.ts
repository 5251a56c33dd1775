import type { Actor } from '../audit/audit-log.js';
import { formatScope } from '../common/oauth/scope.js';
import type { GrantedAccess } from '../tokens/granted-access.js';
import type { User } from '../users/user.js';

/** What the audit log is told of the first tokens that a client gets for a user. */
export const authorizationGranted = (grantType: string, { client, scope, family }: GrantedAccess, { userId }: User, actor: Actor) => ({
  type: 'authorization.granted' as const,
  actor,
  clientId: client.clientId,
  userId,
  detail: { grant_type: grantType, scope: formatScope(scope), ...(family ? { family_id: family.familyId } : {}) },
});
