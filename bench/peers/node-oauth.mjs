import { fileURLToPath } from 'node:url';
import { signInAll } from '../users.mjs';

/** @node-oauth/oauth2-server on Express, all in memory. It keeps JWTs as it keeps opaque tokens. */
export const nodeOauth = {
  name: 'node-oauth',
  file: fileURLToPath(new URL('./node-oauth.server.mjs', import.meta.url)),
  paths: { token: '/token', introspection: '/introspect' },
  scenarios: ['cc', 'cc-rs256', 'cc-opaque', 'introspect', 'refresh', 'memory', 'coldstart'],
  needsPackages: true,
  environment: ({ credentials, format, packages, users }) => ({
    PACKAGES: packages,
    FORMAT: format,
    CLIENT_ID: credentials.id,
    CLIENT_SECRET: credentials.secret,
    USERS: JSON.stringify(users),
  }),
  refreshTokens: signInAll,
};
