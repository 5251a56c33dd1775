import type { OpenAPIObject } from '@nestjs/swagger';
import { clientForm, error, failures, form, json, page } from './path-parts.js';

type Paths = OpenAPIObject['paths'];

/** RFC 6749 section 4.1.1, RFC 7636 section 4.3, OIDC Core section 3.1.2.1. */
const authorizationRequest = {
  response_type: { type: 'string', enum: ['code', 'token', 'id_token', 'id_token token'], description: 'All but code only for clients that an admin has opted in to the implicit grant.' },
  client_id: { type: 'string' },
  redirect_uri: { type: 'string', format: 'uri', description: 'One that is registered, byte by byte; on a loopback address with any port. It may be left out where one alone is registered.' },
  scope: { type: 'string', description: 'openid for an ID token, offline_access for a refresh token with it. Default: the default scope of the client.' },
  state: { type: 'string', description: 'Comes back as it is.' },
  code_challenge: { type: 'string', description: 'Of every client, unless an admin let it go without: the SHA-256 digest of the code_verifier in base64url.' },
  code_challenge_method: { type: 'string', enum: ['S256'] },
  response_mode: { type: 'string', enum: ['query', 'fragment', 'form_post'], description: 'Default: query for a code, else fragment.' },
  nonce: { type: 'string', description: 'Comes back in the ID token.' },
  prompt: { type: 'string', description: 'none, or some of login, consent, select_account, separated by spaces.' },
  max_age: { type: 'integer', minimum: 0, description: 'Seconds that the sign-in may be ago.' },
  login_hint: { type: 'string', description: 'The username to begin with.' },
  id_token_hint: { type: 'string', description: 'An ID token of the user who is expected; an expired one will do.' },
  claims: { type: 'string', description: 'JSON: claims that are asked for one by one (OIDC Core section 5.5).' },
  ui_locales: { type: 'string', description: 'Languages of the pages, the best first.' },
  resource: { type: 'array', items: { type: 'string', format: 'uri' }, description: 'The protected resource that the token is for; may be repeated (RFC 8707).' },
};
const pushedReference = { request_uri: { type: 'string', description: 'Of a pushed request (RFC 9126): nothing but client_id counts beside it.' } };

const logoutRequest = {
  id_token_hint: {
    type: 'string',
    description:
      'The ID token of the session; an expired one will do. Without it, or with that of another session, the user is ' +
      'asked. In a browser without the cookie of that session, only the tokens of the client itself end.',
  },
  client_id: { type: 'string', description: 'That of the ID token, if there is one.' },
  post_logout_redirect_uri: { type: 'string', format: 'uri', description: 'One that the client has registered, byte by byte.' },
  state: { type: 'string', description: 'Comes back as it is.' },
  ui_locales: { type: 'string', description: 'Languages of the pages, the best first.' },
};

const query = (properties: Record<string, { description?: string; type?: string }>, required: string[] = []) =>
  Object.entries(properties).map(([name, { description, ...schema }]) => ({ name, in: 'query', required: required.includes(name), ...(description === undefined ? {} : { description }), schema }));

const example = {
  response_type: 'code', client_id: 'desk', redirect_uri: 'https://desk.example.com/callback', scope: 'openid email', state: 'af0ifjsldkj',
  code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256',
};

const authorize = {
  tags: ['OAuth'],
  security: [],
  responses: {
    200: page('A page that posts the answer to the redirect URI (response_mode form_post)'),
    303: { description: 'To the redirect URI with the answer or with an error (RFC 6749 section 4.1.2), or to the pages on which the user signs in and consents' },
    400: page('An error that the client cannot be told of: it, or the redirect URI, is not known'),
    429: page('More requests come from the address than a limit allows'),
  },
};

const userinfo = {
  tags: ['OpenID Connect'],
  security: [{ user: ['openid'] }],
  responses: {
    200: json('The claims of the scope, and those that were asked for one by one', { type: 'object', required: ['sub'], properties: { sub: { type: 'string' } }, additionalProperties: true }),
    400: error('invalid_request: more than one token'),
    401: error('invalid_token'),
    403: error('insufficient_scope'),
    429: failures[429],
    503: failures[503],
  },
};

const logout = {
  tags: ['OpenID Connect'],
  security: [],
  responses: {
    200: page('The user is signed out, or is asked whether they want to be'),
    303: { description: 'To the post_logout_redirect_uri; from a form of another site, first to this endpoint again' },
    400: page('The ID token, the client or the post_logout_redirect_uri is not good'),
  },
};

/** The endpoints to which browsers are sent, and those that belong with them. */
export const AUTHORIZATION_PATHS = {
  '/oauth/authorize': {
    get: { ...authorize, summary: 'Send a user here (RFC 6749 section 3.1)', operationId: 'authorize', parameters: query({ ...authorizationRequest, ...pushedReference }, ['client_id']) },
    post: { ...authorize, summary: 'The same by a form', operationId: 'authorizeByForm', requestBody: form(['client_id'], { ...authorizationRequest, ...pushedReference }, { code: example }) },
  },
  '/oauth/par': {
    post: {
      tags: ['OAuth'],
      summary: 'Push an authorization request (RFC 9126)',
      description: 'The answer goes to the authorization endpoint as `request_uri`, once, beside `client_id`.',
      operationId: 'pushAuthorizationRequest',
      security: [{ client: [] }],
      requestBody: clientForm(['response_type'], authorizationRequest, { code: example }),
      responses: { 201: json('A reference to it', { type: 'object', required: ['request_uri', 'expires_in'], properties: { request_uri: { type: 'string' }, expires_in: { type: 'integer', description: 'Seconds' } } }), 400: error('What the authorization endpoint would answer'), 401: failures[401], 429: failures[429], 503: failures[503] },
    },
  },
  '/oauth/userinfo': {
    get: { ...userinfo, summary: 'Claims about the user (OIDC Core section 5.3)', operationId: 'userinfo' },
    post: { ...userinfo, summary: 'The same, with the token in the header or in a form', operationId: 'userinfoByForm', requestBody: { ...form([], { access_token: { type: 'string' } }, { token: { access_token: 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.c2ln' } }), required: false } },
  },
  '/oauth/logout': {
    get: { ...logout, summary: 'End the session (OpenID Connect RP-Initiated Logout 1.0)', operationId: 'logout', parameters: query(logoutRequest) },
    post: { ...logout, summary: 'The same by a form', operationId: 'logoutByForm', requestBody: form([], logoutRequest, { client: { client_id: 'desk', post_logout_redirect_uri: 'https://desk.example.com/', state: 'af0ifjsldkj' } }) },
  },
} as unknown as Paths;
