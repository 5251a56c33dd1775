import type { Client } from '../../clients/client.js';
import { type GrantType, RESPONSE_TYPES, type ResponseType } from '../../clients/client-metadata.js';
import { invalidRequest, OAuthError } from '../../common/oauth/oauth-error.js';
import type { StepInput, StepParts } from './step.js';

const inOrder = (text: string): string => text.split(' ').sort().join(' ');
const BY_PARTS: ReadonlyMap<string, ResponseType> = new Map(RESPONSE_TYPES.map((type) => [inOrder(type), type]));

/** RFC 6749 §3.1.1: the order of the parts means nothing. */
export function responseType({ params, client }: StepInput, { legacyGrants }: StepParts): { responseType: ResponseType } {
  if (params.response_type === undefined) throw invalidRequest('The parameter response_type is missing.');
  const type = BY_PARTS.get(inOrder(params.response_type));
  if (type && mayUse(client, type)) return { responseType: type };
  // RFC 9700 §2.1.2: unless an admin opted some client in, this server does not know the implicit grant.
  if (!type || !legacyGrants.isOffered(grantTypeOf(type))) throw new OAuthError('unsupported_response_type', 'This server does not know that response_type.');
  throw new OAuthError('unauthorized_client', 'This client may not use that response_type.');
}

/** Whether the client is registered for it, and for the grant that it belongs to. */
export const mayUse = (client: Client, type: ResponseType): boolean => client.grantTypes.has(grantTypeOf(type)) && client.responseTypes.has(type);

const grantTypeOf = (type: ResponseType): GrantType => (type === 'code' ? 'authorization_code' : 'implicit');
