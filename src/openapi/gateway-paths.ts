import type { OpenAPIObject } from '@nestjs/swagger';
import { error, failures } from './path-parts.js';

const header = (description: string) => ({ description, required: true, schema: { type: 'string' } });

/** What gateways call. */
export const GATEWAY_PATHS = {
  '/gateway/verify': {
    get: {
      tags: ['Gateway'],
      summary: "Forward-auth: is this caller's bearer token enough?",
      description:
        "For nginx auth_request, Caddy and Traefik forward auth, and Envoy ext_authz. The query is the gateway's own configuration; a parameter that is unknown, empty or malformed is refused, so that no condition is left out by mistake. All headers of the answer are present, empty ones too. Envoy appends the path and the query of its caller: there the configured query ends in `envoy=`, every method is served, and a yes is 200.",
      operationId: 'verify',
      security: [{ token: [] }],
      parameters: [
        { name: 'scope', in: 'query', schema: { type: 'string' }, description: 'All of these words, separated by spaces, must be in the token.' },
        { name: 'audience', in: 'query', schema: { type: 'array', items: { type: 'string' } }, description: 'One of these must be an audience of the token. Default: the resources that own the scope; the issuer where none does.' },
        { name: 'subject', in: 'query', schema: { type: 'string', enum: ['user', 'client'] }, description: 'Whom the token must speak of: a user, or a client that acts for itself.' },
      ],
      responses: {
        204: {
          description: 'It is',
          headers: {
            'X-Auth-Client-Id': header('The client that the token was issued to'),
            'X-Auth-Subject': header('`sub`: the user as the client knows her, or the client itself'),
            'X-Auth-Scope': header('The scope of the token, separated by spaces, without what its client or user may no longer have'),
            'X-Auth-Roles': header("The user's roles as they are now, separated by spaces; empty for a client"),
            'X-Auth-Token-Id': header('`jti` of a JWT, the digest of an opaque token'),
          },
        },
        400: error('invalid_request: the query is wrong, or the Authorization header is repeated'),
        401: error('No token, or invalid_token, with a challenge (RFC 6750)'),
        403: error('insufficient_scope, with a challenge (RFC 6750)'),
        503: failures[503],
      },
    },
  },
} as unknown as OpenAPIObject['paths'];
