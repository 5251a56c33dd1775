import { fileURLToPath } from 'node:url';

/** node-oidc-provider with its own in-memory store: JWT access tokens, and opaque ones where introspection is measured (it does not introspect JWTs). */
export const oidcProvider = {
  name: 'oidc-provider',
  file: fileURLToPath(new URL('./oidc-provider.server.mjs', import.meta.url)),
  paths: { token: '/token', introspection: '/token/introspection' },
  needsPackages: true,
  opaqueWhenIntrospected: true,
  environment: ({ scenario, credentials, packages }) => ({
    PACKAGES: packages,
    FORMAT: scenario === 'introspect' ? 'opaque' : 'jwt',
    CLIENT_ID: credentials.id,
    CLIENT_SECRET: credentials.secret,
  }),
};
