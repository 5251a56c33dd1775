import { TOKEN_FORM } from '../http.mjs';
import { issueToken } from '../server.mjs';
import { makeUsers } from '../users.mjs';
import { chains } from './refresh.mjs';
import { columns, estimate, run } from './rounds.mjs';
import { introspectionOf, newToken } from './throughput.mjs';

/** Percent of the requests. Sign-ins by password are left out: each costs as much as a hundred others, and the figure would be theirs. */
const SHARES = { clientCredentials: 70, introspection: 20, refresh: 10 };

async function requests(server, contestant) {
  const form = contestant.jwtForm ?? TOKEN_FORM;
  await issueToken(server, { form, format: 'ES256' });
  const { access_token: token } = await issueToken(server);
  return [
    { ...newToken, forms: [form], weight: SHARES.clientCredentials },
    { ...introspectionOf(token), weight: SHARES.introspection },
    { ...(await chains(server, contestant)), weight: SHARES.refresh },
  ];
}

export const mixed = {
  title: `${SHARES.clientCredentials} % client_credentials (a JWT), ${SHARES.introspection} % introspection, ${SHARES.refresh} % refresh with rotation, on MariaDB where the name of the peer says so (oidc-provider: the latter two with opaque access tokens)`,
  format: 'ES256',
  database: 'mariadb',
  run: (entries, options) => run(entries, { ...options, users: makeUsers(options.connections) }, requests),
  columns,
  estimate,
};
