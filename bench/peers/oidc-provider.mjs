import { fileURLToPath } from 'node:url';
import { post, TOKEN_FORM } from '../http.mjs';

const MINT_PATH = '/bench/refresh-tokens';

/**
 * node-oidc-provider with its own in-memory store. JWT access tokens; opaque ones where introspection is measured (it does not introspect JWTs), and where refreshing
 * is, since they are its default. A request that names the resource gets a JWT in any case.
 */
export const oidcProvider = {
  name: 'oidc-provider',
  file: fileURLToPath(new URL('./oidc-provider.server.mjs', import.meta.url)),
  paths: { token: '/token', introspection: '/token/introspection' },
  scenarios: ['cc', 'cc-rs256', 'cc-opaque', 'cc-reuse', 'introspect', 'forward-auth', 'refresh', 'mixed', 'memory', 'coldstart'],
  needsPackages: true,
  opaqueIn: ['introspect', 'forward-auth', 'refresh', 'mixed'],
  jwtForm: `${TOKEN_FORM}&resource=urn:bench:api`,
  environment: ({ format, credentials, packages, users, database }) => ({
    PACKAGES: packages,
    FORMAT: format,
    CLIENT_ID: credentials.id,
    CLIENT_SECRET: credentials.secret,
    ...(database ? { DATABASE: connectionOf(database) } : {}),
    ...(users.length > 0 ? { MINT_PATH } : {}),
  }),

  /** As an authorization code would have left them; the server has a side door for that. */
  async refreshTokens(server) {
    const accounts = JSON.stringify(server.users.map(({ username }) => username));
    const { status, text, body } = await post(server.origin + MINT_PATH, { type: 'application/json', body: accounts, authorization: '' });
    if (status !== 200 || !Array.isArray(body)) throw server.failed(`minted no refresh tokens: ${status} ${text}`);
    return body;
  },
};

/** The same with an adapter for MariaDB, where it has something to keep. */
export const oidcProviderOnMariadb = { ...oidcProvider, name: 'oidc-provider-mariadb', database: 'mariadb', scenarios: ['cc-opaque', 'introspect', 'refresh', 'mixed'] };

const connectionOf = ({ host, port, name, username, password }) => JSON.stringify({ host, port, database: name, user: username, password });
