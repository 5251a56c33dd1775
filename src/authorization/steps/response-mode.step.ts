import { invalidRequest } from '../../common/oauth/oauth-error.js';
import { RESPONSE_MODES, type ResponseMode } from '../authorization-request.js';
import type { StepInput } from './step.js';

const isResponseMode = (text: string | undefined): text is ResponseMode => (RESPONSE_MODES as readonly (string | undefined)[]).includes(text);

/** Tokens and ID tokens are never put into a query (OAuth 2.0 Multiple Response Type Encoding Practices §3). */
const mayUseQuery = (responseType: string | undefined): boolean => !/\b(token|id_token)\b/.test(responseType ?? '');

/** In which mode an error is told, as long as nothing else is known of the request. */
export function provisionalResponseMode({ response_mode: mode, response_type: responseType }: StepInput['params']): ResponseMode {
  const byDefault = mayUseQuery(responseType) ? 'query' : 'fragment';
  return isResponseMode(mode) && (mode !== 'query' || byDefault === 'query') ? mode : byDefault;
}

export function responseMode({ params }: StepInput): { responseMode: ResponseMode } {
  const { response_mode: mode } = params;
  if (mode !== undefined && !isResponseMode(mode)) throw invalidRequest('The response_mode is not one that this server knows.');
  if (mode === 'query' && !mayUseQuery(params.response_type)) throw invalidRequest('Tokens are not sent in the query.');
  return { responseMode: provisionalResponseMode(params) };
}
