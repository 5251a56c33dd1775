import { invalidRequest } from '../../common/oauth/oauth-error.js';
import { parseRequestedScope, scopeFor } from '../../grants/requested-scope.js';
import type { StepInput } from './step.js';

/** RFC 6749 §3.3. What the user may not hand on is left out later, when it is known who she is. */
export function scope({ params, client, request }: StepInput): { scope: readonly string[]; scopeSent: boolean } {
  const requested = scopeFor(client, parseRequestedScope(params.scope), () => true);
  if (request.responseType?.includes('id_token') && !requested.includes('openid')) throw invalidRequest('An ID token needs openid in the scope.');
  return { scope: requested, scopeSent: params.scope !== undefined };
}
