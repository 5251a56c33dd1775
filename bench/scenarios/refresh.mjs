import { issueToken } from '../server.mjs';
import { makeUsers } from '../users.mjs';
import { columns, estimate, run } from './rounds.mjs';
import { A_TOKEN } from './throughput.mjs';

const formFor = (token) => new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token }).toString();

/** A chain of refresh tokens for each connection, begun anew each time: at the end of a burst nobody knows how far the last answers got. */
export async function chains(server, contestant) {
  const tokens = await contestant.refreshTokens(server);
  const { refresh_token: next } = await issueToken(server, { form: formFor(tokens[0]) });
  if (typeof next !== 'string' || next === tokens[0]) throw server.failed('did not rotate the refresh token');
  return { endpoint: 'token', forms: [next, ...tokens.slice(1)].map(formFor), expect: A_TOKEN, chain: true };
}

export const refresh = {
  title: 'refresh with rotation, on MariaDB with commits on disk where the name of the peer says so (Mintgate: a JWT signed with ES256 each time; oidc-provider: opaque access tokens)',
  format: 'ES256',
  database: 'mariadb',
  run: (entries, options) => run(entries, { ...options, users: makeUsers(options.connections) }, async (...server) => [await chains(...server)]),
  columns,
  estimate,
};
