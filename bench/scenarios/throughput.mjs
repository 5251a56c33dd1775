import { issueToken, TOKEN_FORM } from '../server.mjs';
import { columns, run } from './rounds.mjs';

/** In every answer that holds an access token. */
export const A_TOKEN = '"access_token"%s*:%s*"';

/** Checks one token, and asks for such tokens. */
export async function tokenRequest(server) {
  await issueToken(server);
  return { endpoint: 'token', forms: [TOKEN_FORM], expect: A_TOKEN };
}

/** A token that is fresh each time, so that it is alive however long the rounds take. */
async function introspectionRequest(server, contestant) {
  const { access_token: token } = await issueToken(server, { jwt: !contestant.opaqueIn?.includes('introspect') });
  return { endpoint: 'introspection', forms: [new URLSearchParams({ token }).toString()], expect: '"active"%s*:%s*true' };
}

export const clientCredentials = {
  title: 'client_credentials with client_secret_basic, a JWT signed with ES256 each time',
  run: (contestants, options) => run(contestants, options, tokenRequest),
  columns,
};

export const introspection = {
  title: 'introspection of one live access token (a JWT; oidc-provider: an opaque token)',
  run: (contestants, options) => run(contestants, options, introspectionRequest),
  columns,
};
