import type { AuthorizationRequest } from '../authorization-request.js';
import type { StepInput, StepParts } from './step.js';

/** RFC 8707 §2.1: what the client may never have is refused before the user is asked. */
export function resource({ params, client, request }: StepInput, { targets }: StepParts): Partial<AuthorizationRequest> {
  targets.resolve(client, request.scope!, request.scopeSent!, params.resource);
  return params.resource === undefined ? {} : { resource: params.resource };
}
