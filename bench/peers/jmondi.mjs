import { fileURLToPath } from 'node:url';
import { signInAll } from '../users.mjs';

/** @jmondi/oauth2-server on Express, all in memory. Its access tokens are JWTs always, and so are its refresh tokens. */
export const jmondi = {
  name: 'jmondi',
  file: fileURLToPath(new URL('./jmondi.server.mjs', import.meta.url)),
  paths: { token: '/token', introspection: '/introspect' },
  scenarios: ['cc', 'cc-rs256', 'introspect', 'refresh', 'memory', 'coldstart'],
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
