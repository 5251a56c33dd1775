import { fileURLToPath } from 'node:url';

/** The yardstick: what this runtime can do when nearly nothing is done. */
export const bareHttp = {
  name: 'bare-http',
  file: fileURLToPath(new URL('./bare-http.server.mjs', import.meta.url)),
  paths: { token: '/token', introspection: '/introspect', verification: '/verify' },
  scenarios: ['cc', 'cc-rs256', 'cc-opaque', 'cc-reuse', 'introspect', 'forward-auth', 'memory', 'coldstart', 'workers'],
  environment: ({ credentials, format, workers }) => ({ CLIENT_ID: credentials.id, CLIENT_SECRET: credentials.secret, FORMAT: format, WORKERS: String(workers ?? 1) }),
};
