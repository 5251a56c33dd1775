import type { Request } from 'express';
import type { Actor } from '../audit/audit-log.js';
import { Problem } from '../common/http/problem.js';
import { clientAddress, requestId } from '../common/http/request-context.js';
import { isAdminScope } from '../resources/admin-api.js';
import type { AccessToken } from '../tokens/access-token-verifier.js';

export const actorOf = (req: Request, token: AccessToken): Actor => ({ clientId: token.clientId, address: clientAddress(req), requestId: requestId(req) });

/**
 * Nobody hands out, or takes over, rights in the admin API that they do not have themselves: neither in their token, nor
 * any more as a client.
 * @param token as it was verified
 * @param scopes of the client that is managed, before and after
 * @throws {Problem} 403
 */
export function assertNoMoreRightsThan(token: AccessToken, ...scopes: readonly (string | undefined)[]): void {
  const own = new Set(token.scope);
  const beyond = scopes.flatMap((scope) => (scope ?? '').split(' ')).filter((scope) => isAdminScope(scope) && !own.has(scope));
  if (beyond.length > 0) {
    throw new Problem(403, 'The client has, or would get, rights in the admin API that your access token does not have.', undefined, {
      'WWW-Authenticate': `Bearer realm="mintgate", error="insufficient_scope", scope="${[...new Set(beyond)].join(' ')}"`,
    });
  }
}
