import { OAuthError } from '../../common/oauth/oauth-error.js';
import { type ClaimRequest, parseClaimsRequest } from '../../tokens/claims-request.js';
import { PASSWORD_ACR } from '../../tokens/openid-grant.js';
import type { AuthorizationRequest } from '../authorization-request.js';
import type { StepInput, StepParts } from './step.js';

/** The `claims` parameter, OIDC Core §5.5. A request for a certain `sub` is a hint like an ID token; an authentication that cannot be had is told at once (§5.5.1.1). */
export function claims({ params, client, request }: StepInput, { subjects }: StepParts): Partial<AuthorizationRequest> {
  if (params.claims === undefined) return {};
  const parsed = parseClaimsRequest(params.claims);
  const { acr, sub } = parsed.id_token ?? {};
  if (acr?.essential && !accepts(acr, PASSWORD_ACR)) throw new OAuthError('unmet_authentication_requirements', 'The user cannot be authenticated in the way that is asked for.');
  const subject = [sub, parsed.userinfo?.['sub']].find((asked) => asked?.value !== undefined)?.value;
  if (subject === undefined) return { claims: parsed };
  const userId = typeof subject === 'string' ? subjects.userIdOf(client, subject) : undefined;
  if (userId === undefined || (request.hintedUserId ?? userId) !== userId) throw new OAuthError('login_required', 'The user who is asked for cannot be signed in.');
  return { claims: parsed, hintedUserId: userId };
}

function accepts({ value, values }: NonNullable<ClaimRequest>, acr: string): boolean {
  if (value === undefined && values === undefined) return true;
  return value === acr || (values?.includes(acr) ?? false);
}
