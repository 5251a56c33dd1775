// Mintgate as a contestant: the whole service in production mode, on an embedded database that did not exist before.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { postForm, postJson } from './http.mjs';
import { MAIN } from './machine.mjs';

export const mintgate = {
  name: 'mintgate',
  file: MAIN,
  paths: { token: '/oauth/token', introspection: '/oauth/introspect' },

  environment: ({ folder, origin, credentials }) => ({
    ISSUER: origin,
    DATABASE_URL: `sqlite:${join(folder, 'mintgate.sqlite')}`,
    KEY_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    BOOTSTRAP_CLIENT_ID: credentials.id,
    BOOTSTRAP_CLIENT_SECRET: credentials.secret,
    // No load balancer has to look away first.
    SHUTDOWN_DRAIN_SECONDS: '0',
  }),

  /** The client that is measured is an ordinary one, registered the way an admin does it. */
  async register(server) {
    const admin = await postForm(server.url('token'), 'grant_type=client_credentials', server.credentials);
    const client = { client_name: 'Load', grant_types: ['client_credentials'], scope: 'api', access_token_format: 'jwt', access_token_lifetime: 3600 };
    const { status, text, body } = await postJson(`${server.origin}/admin/v1/clients`, client, admin.body.access_token);
    if (status !== 201) throw server.failed(`did not register the client: ${status} ${text}`);
    return { id: body.client_id, secret: body.client_secret };
  },
};
