import { invalidRequest } from '../../common/oauth/oauth-error.js';
import type { AuthorizationRequest } from '../authorization-request.js';
import type { StepInput } from './step.js';

/** A SHA-256 digest in base64url. */
const CODE_CHALLENGE = /^[A-Za-z0-9_-]{43}$/;

/** RFC 7636 §4.3 with S256 alone (RFC 9700 §2.1.1): for every client, unless an admin let one that authenticates go without. A challenge that was sent always counts. */
export function pkce({ params, client, request }: StepInput): Partial<AuthorizationRequest> {
  if (request.responseType !== 'code') return {};
  const { code_challenge: challenge, code_challenge_method: method } = params;
  if (challenge === undefined) {
    if (method !== undefined) throw invalidRequest('A code_challenge_method was sent without a code_challenge.');
    if (client.needsPkce) throw invalidRequest('The parameter code_challenge is missing: this client must use PKCE.');
    return {};
  }
  if (method !== 'S256') throw invalidRequest('The code_challenge_method must be S256.');
  if (!CODE_CHALLENGE.test(challenge)) throw invalidRequest('The code_challenge is malformed.');
  return { codeChallenge: challenge };
}
