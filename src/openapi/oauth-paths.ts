import type { OpenAPIObject } from '@nestjs/swagger';
import { clientForm, error, failures, json, limitHeaders, ref } from './path-parts.js';

type Paths = OpenAPIObject['paths'];
type Schemas = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>;

/** The endpoints that clients call by themselves, and what anyone may read. */
export const OAUTH_PATHS = {
  '/oauth/token': {
    post: {
      tags: ['OAuth'],
      summary: 'Get a token (RFC 6749 section 3.2)',
      operationId: 'token',
      security: [{ client: [] }],
      requestBody: clientForm(
        ['grant_type'],
        {
          grant_type: { type: 'string', enum: ['authorization_code', 'client_credentials', 'password', 'refresh_token'], description: 'password only for clients that an admin has opted in; its answers carry Deprecation, and Sunset where the client has a date.' },
          code: { type: 'string', description: 'With the authorization_code grant. It is used once, within 60 seconds; a second use ends all that the first one gave.' },
          redirect_uri: { type: 'string', format: 'uri', description: 'With the authorization_code grant: the same as in the authorization request, if that named one.' },
          code_verifier: { type: 'string', minLength: 43, maxLength: 128, description: 'With the authorization_code grant: what the code_challenge was made of (RFC 7636).' },
          scope: { type: 'string', description: 'Not with a code, which has its scope. Default: the default scope of the client; of a refresh token, what was granted, which it may only narrow.' },
          username: { type: 'string', description: 'With the password grant.' },
          password: { type: 'string', format: 'password', description: 'With the password grant.' },
          refresh_token: { type: 'string', description: 'With the refresh_token grant. Each answer holds the next one; the one that was used last may be sent again for a few seconds when its answer was lost.' },
          resource: { type: 'array', items: { type: 'string', format: 'uri' }, description: 'The protected resource that the token is for; may be repeated (RFC 8707).' },
        },
        {
          client_credentials: { grant_type: 'client_credentials' },
          authorization_code: { grant_type: 'authorization_code', code: 'mg_ac_the-code-of-the-redirect', redirect_uri: 'https://desk.example.com/callback', code_verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk' },
        },
      ),
      responses: { 200: { ...json('A token', ref('TokenResponse')), headers: limitHeaders }, ...failures },
    },
  },
  '/oauth/introspect': {
    post: {
      tags: ['OAuth'],
      summary: 'Ask about a token (RFC 7662)',
      description: 'For tokens of the client itself, and access tokens of resources that list it in `resource_servers`. About any other token the answer is `{"active": false}`.',
      operationId: 'introspect',
      security: [{ client: [] }],
      requestBody: clientForm(['token'], { token: { type: 'string' }, token_type_hint: { type: 'string' } }, { token: { token: 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.c2ln' } }),
      responses: { 200: { ...json('What it says', ref('IntrospectionResponse')), headers: limitHeaders }, 400: error('invalid_request'), 401: failures[401], 429: failures[429], 503: failures[503] },
    },
  },
  '/oauth/revoke': {
    post: {
      tags: ['OAuth'],
      summary: 'Revoke a token (RFC 7009)',
      description: 'With a refresh token go all tokens of the same authorization.',
      operationId: 'revoke',
      security: [{ client: [] }],
      requestBody: clientForm(['token'], { token: { type: 'string' }, token_type_hint: { type: 'string' } }, { token: { token: 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.c2ln' } }),
      responses: { 200: json('It is not valid now, whatever it was', { type: 'object' }), 400: error('invalid_request; unauthorized_client for a token of another client'), 401: failures[401], 429: failures[429], 503: failures[503] },
    },
  },
  '/.well-known/oauth-authorization-server': { get: { tags: ['Metadata'], summary: 'Server metadata (RFC 8414)', operationId: 'metadata', responses: { 200: json('The metadata', { type: 'object' }) } } },
  '/.well-known/openid-configuration': { get: { tags: ['Metadata'], summary: 'The same, where OpenID Connect Discovery looks for it', operationId: 'openidConfiguration', responses: { 200: json('The metadata', { type: 'object' }) } } },
  '/.well-known/jwks.json': { get: { tags: ['Metadata'], summary: 'Public signing keys (RFC 7517)', operationId: 'jwks', responses: { 200: { description: 'A JWK Set', content: { 'application/jwk-set+json': { schema: { type: 'object' } } } } } } },
  '/health/live': { get: { tags: ['Health'], summary: 'The process answers', operationId: 'live', responses: { 200: json('It does', { type: 'object' }) } } },
  '/health/ready': { get: { tags: ['Health'], summary: 'It can serve', operationId: 'ready', responses: { 200: json('It can', { type: 'object' }), 503: json('It cannot', { type: 'object' }) } } },
  '/metrics': {
    get: {
      tags: ['Metrics'],
      summary: 'Metrics for Prometheus',
      description: 'With METRICS_TOKEN that token is needed, as a bearer token.',
      operationId: 'metrics',
      responses: { 200: { description: 'The text format', content: { 'text/plain': { schema: { type: 'string' } } } }, 401: { description: 'Without the token' }, 503: { description: 'The other workers cannot be asked now' } },
    },
  },
} as unknown as Paths;

export const OAUTH_SCHEMAS = {
  TokenResponse: {
    type: 'object',
    required: ['access_token', 'token_type', 'expires_in'],
    properties: { access_token: { type: 'string' }, token_type: { type: 'string', enum: ['Bearer'] }, expires_in: { type: 'integer', description: 'Seconds' }, refresh_token: { type: 'string' }, scope: { type: 'string' }, id_token: { type: 'string', description: 'With the scope openid (OIDC Core section 2)' } },
  },
  IntrospectionResponse: {
    type: 'object',
    required: ['active'],
    properties: {
      active: { type: 'boolean' },
      client_id: { type: 'string' },
      sub: { type: 'string' },
      scope: { type: 'string', description: 'What client and user may still have of the scope of the token' },
      token_type: { type: 'string' },
      iss: { type: 'string' },
      aud: { oneOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] },
      iat: { type: 'integer', description: 'Seconds since the epoch' },
      exp: { type: 'integer', description: 'Seconds since the epoch' },
      jti: { type: 'string' },
      roles: { type: 'array', items: { type: 'string' }, description: 'Of the user, as they are now' },
    },
  },
  OAuthError: { type: 'object', required: ['error'], properties: { error: { type: 'string' }, error_description: { type: 'string' } } },
} as unknown as Schemas;
