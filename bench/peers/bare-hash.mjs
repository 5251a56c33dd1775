import { fileURLToPath } from 'node:url';

/** The yardstick for passwords: the hash, and nothing else. */
export const bareHash = {
  name: 'bare-hash',
  file: fileURLToPath(new URL('./bare-hash.server.mjs', import.meta.url)),
  paths: { token: '/token' },
  scenarios: ['password'],
  issuesNothing: true,
  environment: () => ({}),
};
