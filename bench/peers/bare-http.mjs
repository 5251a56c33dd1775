import { fileURLToPath } from 'node:url';

/** The yardstick: what this runtime can do when nearly nothing is done. */
export const bareHttp = {
  name: 'bare-http',
  file: fileURLToPath(new URL('./bare-http.server.mjs', import.meta.url)),
  paths: { token: '/token', introspection: '/introspect' },
  scenarios: ['cc', 'introspect', 'memory', 'coldstart'],
  environment: ({ credentials }) => ({ CLIENT_ID: credentials.id, CLIENT_SECRET: credentials.secret }),
};
