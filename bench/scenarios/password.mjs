import { issueToken } from '../server.mjs';
import { makeUsers, passwordForm } from '../users.mjs';
import { columns, run } from './rounds.mjs';
import { A_TOKEN } from './throughput.mjs';

/** Each connection signs in a user of its own. */
async function logins(server, contestant) {
  const forms = server.users.map(passwordForm);
  if (!contestant.issuesNothing) await issueToken(server, { form: forms[0] });
  return { endpoint: 'token', forms, expect: A_TOKEN };
}

export const password = {
  title: 'password grant with a refresh token and a JWT, beside argon2id (19 MiB, 2 passes) by itself',
  run: (contestants, options) => run(contestants, { ...options, users: makeUsers(options.connections) }, logins),
  columns,
};
