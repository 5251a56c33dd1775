import { issueToken } from '../server.mjs';
import { makeUsers } from '../users.mjs';
import { columns, run } from './rounds.mjs';
import { A_TOKEN } from './throughput.mjs';

const formFor = (token) => new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token }).toString();

/** A chain of refresh tokens for each connection, begun anew each time: at the end of a burst nobody knows how far the last answers got. */
async function chains(server, contestant) {
  const tokens = await contestant.refreshTokens(server);
  const { refresh_token: next } = await issueToken(server, { form: formFor(tokens[0]), jwt: !contestant.opaqueIn?.includes('refresh') });
  if (typeof next !== 'string' || next === tokens[0]) throw server.failed('did not rotate the refresh token');
  return { endpoint: 'token', forms: [next, ...tokens.slice(1)].map(formFor), expect: A_TOKEN, chain: true };
}

export const refresh = {
  title: 'refresh with rotation on MariaDB, commits on disk (Mintgate: a JWT signed with ES256 each time; oidc-provider: opaque access tokens)',
  mariadb: true,
  run: (contestants, options) => run(contestants, { ...options, mariadb: true, users: makeUsers(options.connections) }, chains),
  columns,
};
