import { invalidRequest } from '../../common/oauth/oauth-error.js';
import type { AuthorizationRequest } from '../authorization-request.js';
import type { StepInput } from './step.js';

/** OIDC Core §3.2.2.1: an ID token that comes through the browser needs one. */
export function nonce({ params, request }: StepInput): Partial<AuthorizationRequest> {
  if (params.nonce === undefined && request.responseType!.includes('id_token')) throw invalidRequest('The parameter nonce is missing.');
  return params.nonce === undefined ? {} : { nonce: params.nonce };
}
