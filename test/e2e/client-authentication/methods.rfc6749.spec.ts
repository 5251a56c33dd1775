import { basic, type Credentials, type Form } from '../../support/oauth-driver.js';
import { expectOAuthError } from '../../support/oauth-errors.js';
import { TestServer } from '../../support/test-server.js';

const GRANT = { grant_type: 'client_credentials' };
const ASSERTION = { client_assertion: 'e30.e30.e30', client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' };

describe('RFC 6749 §2.3: a client authenticates by one method, the one that it is registered for', () => {
  let server: TestServer;
  let basicClient: Credentials;
  let postClient: Credentials;
  let publicClient: Credentials;

  const byBody = ({ clientId, clientSecret }: Credentials, form: Form = {}, path = '/oauth/token') => server.driver.form(path, { ...GRANT, token: 'x', client_id: clientId, client_secret: clientSecret, ...form });
  const byId = ({ clientId }: Credentials, form: Form = {}, path = '/oauth/token') => server.driver.form(path, { ...GRANT, token: 'x', client_id: clientId, ...form });

  beforeAll(async () => {
    server = await TestServer.start();
    basicClient = await server.driver.registerClient({ client_id: 'by-basic', scope: 'read' });
    postClient = await server.driver.registerClient({ client_id: 'by-post', scope: 'read', token_endpoint_auth_method: 'client_secret_post' });
    publicClient = await server.driver.registerClient({ client_id: 'public', scope: 'read', token_endpoint_auth_method: 'none', grant_types: ['authorization_code'], redirect_uris: ['https://app.example/cb'] });
  });
  afterAll(() => server.stop());

  describe.each(['/oauth/token', '/oauth/introspect', '/oauth/revoke'])('%s', (path) => {
    it('takes client_secret_basic and client_secret_post, each from a client that is registered for it', async () => {
      expect((await server.driver.form(path, { ...GRANT, token: 'x' }, basicClient)).status).toBe(200);
      expect((await byBody(postClient, {}, path)).status).toBe(200);
    });

    it('refuses the right secret by the other method -> 401', async () => {
      expectOAuthError(await server.driver.form(path, { ...GRANT, token: 'x' }, postClient), 401, 'invalid_client');
      expectOAuthError(await byBody(basicClient, {}, path), 401, 'invalid_client');
    });

    it('refuses a confidential client that only says who it is -> 401', async () => {
      for (const client of [basicClient, postClient]) {
        expectOAuthError(await byId(client, {}, path), 401, 'invalid_client');
        expectOAuthError(await byId(client, { client_secret: '' }, path), 401, 'invalid_client');
      }
    });

    it.each<[string, 'basic' | undefined, Form]>([
      ['Basic and client_secret', 'basic', { client_id: 'by-basic', client_secret: 'x' }],
      ['Basic and client_secret alone', 'basic', { client_secret: 'x' }],
      ['Basic and client_assertion', 'basic', ASSERTION],
      ['Basic and client_assertion_type', 'basic', { client_assertion_type: ASSERTION.client_assertion_type }],
      ['client_secret and client_assertion', undefined, { client_id: 'by-post', client_secret: 'x', ...ASSERTION }],
      ['all three', 'basic', { client_id: 'by-basic', client_secret: 'x', ...ASSERTION }],
      ['two assertions', undefined, { client_assertion: ['e30.e30.e30', 'e30.e30.e31'], client_assertion_type: ASSERTION.client_assertion_type }],
    ])('%s -> invalid_request', async (_, how, form) => {
      expectOAuthError(await server.driver.form(path, { ...GRANT, token: 'x', ...form }, how && basicClient), 400, 'invalid_request');
    });

    it('two methods are refused also when both would succeed', async () => {
      expectOAuthError(await server.driver.form(path, { ...GRANT, token: 'x', client_id: basicClient.clientId, client_secret: basicClient.clientSecret }, basicClient), 400, 'invalid_request');
      expectOAuthError(await server.driver.form(path, { ...GRANT, token: 'x', client_id: postClient.clientId, client_secret: postClient.clientSecret }, basicClient), 400, 'invalid_request');
    });

    it('client_id beside Basic is taken when it is the same, and invalid_request when it is not', async () => {
      expect((await server.driver.form(path, { ...GRANT, token: 'x', client_id: 'by-basic' }, basicClient)).status).toBe(200);
      for (const clientId of ['by-post', 'By-Basic', 'by-basic ', 'nobody', '__proto__']) {
        expectOAuthError(await server.driver.form(path, { ...GRANT, token: 'x', client_id: clientId }, basicClient), 400, 'invalid_request');
      }
    });

    it.each<[string, Form]>([
      ['an assertion', ASSERTION],
      ['an assertion and client_id', { ...ASSERTION, client_id: 'by-post' }],
      ['an assertion without a type', { client_assertion: ASSERTION.client_assertion }],
      ['a type without an assertion', { client_assertion_type: ASSERTION.client_assertion_type, client_id: 'public' }],
      ['an assertion of SAML', { client_assertion: 'PHNhbWw+', client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer' }],
    ])('%s -> 401 or 400: no such method is registered', async (_, form) => {
      const answer = await server.driver.form(path, { ...GRANT, token: 'x', ...form });
      expectOAuthError(answer, answer.status === 400 ? 400 : 401, answer.status === 400 ? 'invalid_request' : 'invalid_client');
    });

    it('a secret without an id -> 401 or 400', async () => {
      const answer = await server.driver.form(path, { ...GRANT, token: 'x', client_secret: postClient.clientSecret });
      expectOAuthError(answer, answer.status === 400 ? 400 : 401, answer.status === 400 ? 'invalid_request' : 'invalid_client');
    });

    it('a client certificate that anybody could claim in a header is no authentication', async () => {
      const headers = { 'x-ssl-client-cert': 'CN=by-post', 'x-forwarded-client-cert': 'Subject="CN=by-post"', 'ssl-client-verify': 'SUCCESS' };
      expectOAuthError(await server.driver.form(path, { ...GRANT, token: 'x', client_id: 'by-post' }, undefined, headers), 401, 'invalid_client');
    });
  });

  describe('a public client (method none)', () => {
    it('may revoke, where it names itself', async () => {
      expect((await byId(publicClient, {}, '/oauth/revoke')).status).toBe(200);
    });

    it('with an empty secret is as one without', async () => {
      expect((await byId(publicClient, { client_secret: '' }, '/oauth/revoke')).status).toBe(200);
    });

    it.each(['x', ' ', '0', 'null', 'mg_cs_', `mg_cs_${'A'.repeat(43)}`])('that sends the secret %j -> 401, by whichever method', async (secret) => {
      const credentials = { clientId: publicClient.clientId, clientSecret: secret };
      for (const path of ['/oauth/token', '/oauth/introspect', '/oauth/revoke']) {
        expectOAuthError(await byBody(credentials, {}, path), 401, 'invalid_client');
        expectOAuthError(await server.driver.form(path, { ...GRANT, token: 'x' }, credentials), 401, 'invalid_client');
      }
    });

    it('by Basic with an empty secret -> 401', async () => {
      expectOAuthError(await server.driver.form('/oauth/revoke', { token: 'x' }, undefined, { authorization: basic({ ...publicClient, clientSecret: '' }) }), 401, 'invalid_client');
    });

    it('gets no token for itself and no word about tokens: client_credentials and introspection -> 401', async () => {
      for (const form of [{}, { client_secret: '' }] as Form[]) {
        expectOAuthError(await byId(publicClient, form), 401, 'invalid_client');
        expectOAuthError(await byId(publicClient, form, '/oauth/introspect'), 401, 'invalid_client');
      }
    });

    it('is told unsupported_grant_type and not unauthorized_client for what nobody may use', async () => {
      expectOAuthError(await byId(publicClient, { grant_type: 'foo' }), 400, 'unsupported_grant_type');
    });
  });

  describe('a client that changes its method', () => {
    it('from client_secret_basic to client_secret_post: the old one is refused at once', async () => {
      const client = await server.driver.registerClient({ scope: 'read' });
      expect((await server.driver.token(client)).status).toBe(200);
      expect((await server.driver.adminRequest('PATCH', `/clients/${client.clientId}`, { token_endpoint_auth_method: 'client_secret_post' })).status).toBe(200);
      expectOAuthError(await server.driver.token(client), 401, 'invalid_client');
      expect((await byBody(client)).status).toBe(200);
    });

    it('to none: the secret that is still stored authenticates nobody', async () => {
      const client = await server.driver.registerClient({ scope: 'read', grant_types: ['authorization_code'], redirect_uris: ['https://app.example/cb'] });
      expect((await server.driver.adminRequest('PATCH', `/clients/${client.clientId}`, { token_endpoint_auth_method: 'none' })).status).toBe(200);
      for (const path of ['/oauth/token', '/oauth/introspect', '/oauth/revoke']) {
        expectOAuthError(await server.driver.form(path, { ...GRANT, token: 'x' }, client), 401, 'invalid_client');
        expectOAuthError(await byBody(client, {}, path), 401, 'invalid_client');
      }
    });
  });
});
