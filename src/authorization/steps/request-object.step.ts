import { invalidRequest, OAuthError } from '../../common/oauth/oauth-error.js';
import type { StepInput } from './step.js';

/** OIDC Core §6 and §7.2.1: what is not supported is refused, and nothing is fetched. A client that must push its requests has to (RFC 9126 §5). */
export function requestObject({ params, client, pushed }: StepInput): Record<string, never> {
  if (params.request !== undefined) throw new OAuthError('request_not_supported', 'This server takes no request objects.');
  if (params.request_uri !== undefined) throw new OAuthError('request_uri_not_supported', 'This server takes no request_uri but those that it gave for pushed requests.');
  if (params.registration !== undefined) throw new OAuthError('registration_not_supported', 'This server takes no registration parameter.');
  if (client.requirePushedAuthorizationRequests && !pushed) throw invalidRequest('This client must push its authorization requests.');
  return {};
}
