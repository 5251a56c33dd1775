// Mintgate as a contestant: the whole service in production mode, on a database that did not exist before.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { postForm, postJson } from './http.mjs';
import { MAIN } from './machine.mjs';
import { signInAll } from './users.mjs';

/** What differs from the defaults where users sign in: no throttle, and a queue in which every connection finds a place. */
const signingIn = (users) => ({
  PASSWORD_ATTEMPT_LIMIT: '10000',
  PASSWORD_HASH_THREADS: '1',
  PASSWORD_HASH_QUEUE_LIMIT: String(Math.max(100, users.length)),
});

/** Counted and announced as ever, and never reached. */
const beyondLoad = Object.fromEntries(['TOKEN', 'INTROSPECTION', 'ADMIN', 'ACCOUNT_LOGINS', 'ADDRESS_LOGINS'].map((limit) => [`RATE_LIMIT_${limit}_PER_MINUTE`, '100000000']));

const databaseUrl = ({ username, password, host, port, name }) => `mariadb://${username}:${password}@${host}:${port}/${name}`;

export const mintgate = {
  name: 'mintgate',
  file: MAIN,
  hasChoiceOfDatabase: true,
  hasReuse: true,
  /** Of each process, in its log. */
  readyMark: '"msg":"ready"',
  paths: { token: '/oauth/token', introspection: '/oauth/introspect', verification: '/gateway/verify' },

  environment: ({ folder, origin, credentials, format, workers, users, database }) => ({
    ISSUER: origin,
    DATABASE_URL: database ? databaseUrl(database) : `sqlite:${join(folder, 'mintgate.sqlite')}`,
    KEY_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    BOOTSTRAP_CLIENT_ID: credentials.id,
    BOOTSTRAP_CLIENT_SECRET: credentials.secret,
    // No load balancer has to look away first.
    SHUTDOWN_DRAIN_SECONDS: '0',
    ...(format === 'opaque' ? {} : { ACCESS_TOKEN_SIGNING_ALG: format }),
    ...(workers === undefined ? {} : { WORKERS: String(workers) }),
    ...beyondLoad,
    ...(users.length > 0 ? signingIn(users) : {}),
  }),

  /** The client that is measured is an ordinary one, registered the way an admin does it; so are the users. */
  async register(server) {
    const admin = await postForm(server.url('token'), 'grant_type=client_credentials', server.credentials);
    const create = async (path, value) => {
      const { status, text, body } = await postJson(`${server.origin}/admin/v1/${path}`, value, admin.body.access_token);
      if (status !== 201) throw server.failed(`did not register at ${path}: ${status} ${text}`);
      return body;
    };
    for (const { username, password } of server.users) await create('users', { username, password });
    const client = await create('clients', {
      client_name: 'Load',
      grant_types: ['client_credentials', ...(server.users.length > 0 ? ['password', 'refresh_token'] : [])],
      scope: 'api',
      access_token_format: server.format === 'opaque' ? 'opaque' : 'jwt',
      access_token_lifetime: 3600,
      ...(server.reuseSeconds === undefined ? {} : { access_token_reuse: server.reuseSeconds }),
    });
    return { id: client.client_id, secret: client.client_secret };
  },

  refreshTokens: signInAll,
};
