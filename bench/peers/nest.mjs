import { fileURLToPath } from 'node:url';

/** What one gets from Nest on Express before anything is added. Uses the project's own packages. */
export const nest = {
  name: 'nest',
  file: fileURLToPath(new URL('./nest.server.mjs', import.meta.url)),
  paths: { token: '/token' },
  scenarios: ['cc', 'cc-rs256', 'memory', 'coldstart'],
  environment: ({ credentials, format }) => ({ CLIENT_ID: credentials.id, CLIENT_SECRET: credentials.secret, FORMAT: format }),
};
