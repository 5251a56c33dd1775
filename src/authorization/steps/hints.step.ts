import { invalidRequest } from '../../common/oauth/oauth-error.js';
import type { AuthorizationRequest } from '../authorization-request.js';
import type { StepInput, StepParts } from './step.js';

const MAX_LOGIN_HINT_LENGTH = 254;

/** Who is expected, and in which language (OIDC Core §3.1.2.1). An ID token that is given as a hint is one of ours for this client, expired or not; it proves nothing. */
export function hints({ params, client }: StepInput, { config, jwt, subjects }: StepParts): Partial<AuthorizationRequest> {
  const { login_hint: loginHint, ui_locales: uiLocales, id_token_hint: hint } = params;
  const found = {
    ...(loginHint === undefined || loginHint.length > MAX_LOGIN_HINT_LENGTH ? {} : { loginHint }),
    ...(uiLocales === undefined ? {} : { uiLocales }),
  };
  if (hint === undefined) return found;
  const { iss, aud, sub } = (jwt.verify('JWT', hint) ?? {}) as Readonly<Record<string, unknown>>;
  const hintedUserId = iss === config.issuer && aud === client.clientId && typeof sub === 'string' ? subjects.userIdOf(client, sub) : undefined;
  if (hintedUserId === undefined) throw invalidRequest('The id_token_hint is not an ID token of this server for this client.');
  return { ...found, hintedUserId };
}
