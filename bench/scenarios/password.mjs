import { meanwhile } from '../load.mjs';
import { issueToken } from '../server.mjs';
import { makeUsers, passwordForm } from '../users.mjs';
import { columns, estimate, run } from './rounds.mjs';
import { A_TOKEN, newToken } from './throughput.mjs';

/** Each connection signs in a user of its own. */
async function logins(server, contestant) {
  const forms = server.users.map(passwordForm);
  if (!contestant.issuesNothing) await issueToken(server, { form: forms[0] });
  return [{ endpoint: 'token', forms, expect: A_TOKEN }];
}

/** How long client_credentials takes in the meantime, in a burst of its own that is as long as all the rounds. */
async function othersMeanwhile(server, contestant, options) {
  if (contestant.issuesNothing) return {};
  const { good: answers, errors, p50Ms, p99Ms, p999Ms } = await meanwhile(server, await logins(server, contestant), newToken, { ...options, seconds: options.rounds * options.seconds });
  return { meanwhile: { p50Ms, p99Ms, p999Ms, answers }, errors };
}

export const password = {
  title: 'password grant with a refresh token and a JWT, beside argon2id (19 MiB, 2 passes) by itself; cc: client_credentials of others in the meantime',
  format: 'ES256',
  run: (entries, options) => run(entries, { ...options, users: makeUsers(options.connections) }, logins, othersMeanwhile),
  columns,
  estimate: (contestants, options) => estimate(contestants, options) + options.rounds * options.seconds,
};
