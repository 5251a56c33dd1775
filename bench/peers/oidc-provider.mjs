import { fileURLToPath } from 'node:url';
import { post } from '../http.mjs';

const MINT_PATH = '/bench/refresh-tokens';

/**
 * node-oidc-provider with its own in-memory store: JWT access tokens, and opaque ones where introspection is measured (it does not introspect JWTs).
 * Where refreshing is measured, with an adapter for MariaDB and with opaque access tokens, which are its default.
 */
export const oidcProvider = {
  name: 'oidc-provider',
  file: fileURLToPath(new URL('./oidc-provider.server.mjs', import.meta.url)),
  paths: { token: '/token', introspection: '/token/introspection' },
  scenarios: ['cc', 'introspect', 'refresh', 'memory', 'coldstart'],
  needsPackages: true,
  opaqueIn: ['introspect', 'refresh'],
  environment: ({ scenario, credentials, packages, database }) => ({
    PACKAGES: packages,
    FORMAT: oidcProvider.opaqueIn.includes(scenario) ? 'opaque' : 'jwt',
    CLIENT_ID: credentials.id,
    CLIENT_SECRET: credentials.secret,
    ...(database ? { DATABASE: connectionOf(database), MINT_PATH } : {}),
  }),

  /** As an authorization code would have left them; the server has a side door for that. */
  async refreshTokens(server) {
    const accounts = JSON.stringify(server.users.map(({ username }) => username));
    const { status, text, body } = await post(server.origin + MINT_PATH, { type: 'application/json', body: accounts, authorization: '' });
    if (status !== 200 || !Array.isArray(body)) throw server.failed(`minted no refresh tokens: ${status} ${text}`);
    return body;
  },
};

const connectionOf = ({ host, port, name, username, password }) => JSON.stringify({ host, port, database: name, user: username, password });
