import { setTimeout as sleep } from 'node:timers/promises';
import { TOKEN_FORM } from '../http.mjs';
import { issueToken } from '../server.mjs';
import { columns, estimate, run } from './rounds.mjs';

/** In every answer that holds an access token. */
export const A_TOKEN = '"access_token"%s*:%s*"';

export const newToken = { endpoint: 'token', forms: [TOKEN_FORM], expect: A_TOKEN };

const REUSE_SECONDS = 60;
const REUSE_TRIES = 20;
const REUSE_PAUSE_MS = 100;

/**
 * Whether the second of two tokens is the first once more, as it must be where that is what is measured, and nowhere else. A server hears of the registration of its
 * client a little later once more, and begins anew then.
 */
async function assertReuse(server, expected) {
  for (let tries = 1; ; tries++, await sleep(REUSE_PAUSE_MS)) {
    const [first, second] = [await issueToken(server), await issueToken(server)];
    if ((first.access_token === second.access_token) === expected) return;
    if (!expected || tries === REUSE_TRIES) throw server.failed(expected ? 'did not give its token out again' : 'gave the same token twice');
  }
}

/** Checks what tokens are issued, and asks for such tokens. */
export async function tokenRequest(server, contestant) {
  await assertReuse(server, server.reuseSeconds !== undefined && contestant.hasReuse === true);
  return [newToken];
}

export const introspectionOf = (token) => ({ endpoint: 'introspection', forms: [new URLSearchParams({ token }).toString()], expect: '"active"%s*:%s*true' });

/** A token that is fresh each time, so that it is alive however long the rounds take. */
async function introspectionRequest(server) {
  const { access_token: token } = await issueToken(server);
  return [introspectionOf(token)];
}

/** What a gateway asks for each request that passes it. A server that has nothing made for that is asked to introspect. */
async function verificationRequest(server, contestant) {
  const { access_token: token } = await issueToken(server);
  if (!contestant.paths.verification) return [introspectionOf(token)];
  return [{ endpoint: 'verification', method: 'GET', authorization: `Bearer ${token}`, status: 204, expect: '' }];
}

const throughput = (title, prepare, more = {}) => ({ title, format: 'ES256', run: (entries, options) => run(entries, options, prepare), columns, estimate, ...more });

export const clientCredentials = throughput('client_credentials with client_secret_basic, a JWT signed with ES256 each time', tokenRequest);
export const clientCredentialsRs256 = throughput('client_credentials with client_secret_basic, a JWT signed with RS256 (2048 bits) each time', tokenRequest, { format: 'RS256' });
export const clientCredentialsOpaque = throughput('client_credentials with client_secret_basic, a new opaque token each time, kept in MariaDB where the name of the peer says so', tokenRequest, { format: 'opaque', database: 'mariadb' });
export const clientCredentialsReuse = throughput(`client_credentials with client_secret_basic; Mintgate gives a token out again for ${REUSE_SECONDS} seconds`, tokenRequest, { reuseSeconds: REUSE_SECONDS });
export const introspection = throughput('introspection of one live access token (a JWT; oidc-provider: an opaque token)', introspectionRequest);
export const forwardAuth = throughput('a gateway asks whether an access token is alive (Mintgate: /gateway/verify; oidc-provider: introspection of an opaque token)', verificationRequest);
