import { basic, type Credentials, type Form } from '../../support/oauth-driver.js';
import { expectOAuthError } from '../../support/oauth-errors.js';
import { TestServer } from '../../support/test-server.js';

describe('RFC 6749 §5.2 error response of the token endpoint', () => {
  let server: TestServer;
  let client: Credentials;
  let postClient: Credentials;
  let codeClient: Credentials;
  let publicClient: Credentials;

  const clients = () => ({ client, postClient, codeClient, publicClient, stranger: { clientId: 'stranger', clientSecret: 'wrong' }, thief: { clientId: client.clientId, clientSecret: 'wrong' } });
  type Who = keyof ReturnType<typeof clients>;

  const ask = (who: Who | undefined, form: Form) => server.driver.form('/oauth/token', form, who && clients()[who]);

  beforeAll(async () => {
    server = await TestServer.start();
    client = await server.driver.registerClient({ scope: 'read write openid offline_access' });
    postClient = await server.driver.registerClient({ scope: 'read', token_endpoint_auth_method: 'client_secret_post' });
    codeClient = await server.driver.registerClient({ grant_types: ['authorization_code'], redirect_uris: ['https://app.example/cb'] });
    publicClient = await server.driver.registerClient({ token_endpoint_auth_method: 'none', grant_types: ['authorization_code'], redirect_uris: ['https://app.example/cb'] });
  });
  afterAll(() => server.stop());

  describe('invalid_request: a parameter is missing, repeated, malformed, or more than one way of authentication is used', () => {
    it.each<[string, Who | undefined, Form]>([
      ['no grant_type', 'client', {}],
      ['an empty grant_type', 'client', { grant_type: '' }],
      ['grant_type twice', 'client', { grant_type: ['client_credentials', 'client_credentials'] }],
      ['scope twice', 'client', { grant_type: 'client_credentials', scope: ['read', 'write'] }],
      ['Basic and client_secret', 'client', { grant_type: 'client_credentials', client_secret: 'x' }],
      ['Basic and client_assertion', 'client', { grant_type: 'client_credentials', client_assertion: 'x.y.z', client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' }],
      ['Basic and another client_id', 'client', { grant_type: 'client_credentials', client_id: 'another' }],
      ['client_secret and client_assertion', undefined, { grant_type: 'client_credentials', client_id: 'x', client_secret: 'x', client_assertion: 'x.y.z' }],
    ])('%s -> 400', async (_, who, form) => {
      expectOAuthError(await ask(who, form), 400, 'invalid_request');
    });
  });

  describe('invalid_client: unknown client, no authentication, or one that is not accepted', () => {
    it.each<[string, Who | undefined, Form]>([
      ['an unknown client by Basic', 'stranger', {}],
      ['a wrong secret by Basic', 'thief', {}],
      ['a client by Basic that is registered for client_secret_post', 'postClient', {}],
      ['an unknown client by client_secret_post', undefined, { client_id: 'stranger', client_secret: 'wrong' }],
      ['an unknown client by client_id alone', undefined, { client_id: 'stranger' }],
      ['no client at all', undefined, {}],
      ['an assertion, which is not a method of this server', undefined, { client_assertion: 'x.y.z', client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' }],
    ])('%s -> 401', async (_, who, form) => {
      const answer = await ask(who, { grant_type: 'client_credentials', ...form });
      expectOAuthError(answer, 401, 'invalid_client');
      if (who !== undefined) expect(answer.headers.get('www-authenticate')).toMatch(/^Basic realm="[^"]+"/);
    });

    it('a wrong secret in the body draws no Basic challenge, which would open a browser dialogue', async () => {
      const answer = await ask(undefined, { grant_type: 'client_credentials', client_id: postClient.clientId, client_secret: 'wrong' });
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate') ?? '').not.toMatch(/basic/i);
    });

    it('is told before anything about the grant is', async () => {
      expectOAuthError(await ask('thief', { grant_type: 'unheard-of' }), 401, 'invalid_client');
      expectOAuthError(await ask('thief', {}), 401, 'invalid_client');
      expectOAuthError(await ask('thief', { grant_type: 'client_credentials', scope: 'a"b', resource: 'https://unknown.example' }), 401, 'invalid_client');
    });
  });

  describe('unauthorized_client: authenticated, but not for this grant', () => {
    it('client_credentials by a client that is registered for another grant -> 400', async () => {
      expectOAuthError(await ask('codeClient', { grant_type: 'client_credentials' }), 400, 'unauthorized_client');
    });

    it('client_credentials by a public client -> 401 invalid_client, since it has not authenticated (§4.4)', async () => {
      expectOAuthError(await ask(undefined, { grant_type: 'client_credentials', client_id: publicClient.clientId }), 401, 'invalid_client');
    });
  });

  describe('unsupported_grant_type', () => {
    it.each(['foo', 'Client_Credentials', 'CLIENT_CREDENTIALS', ' client_credentials', 'client_credentials ', 'client_credentials\n', 'client_credentials,client_credentials', 'implicit', '__proto__', 'constructor', 'toString', 'hasOwnProperty', '🎟️'])(
      '%j -> 400',
      async (grantType) => {
        expectOAuthError(await ask('client', { grant_type: grantType }), 400, 'unsupported_grant_type');
      },
    );

    it('the password grant gives nothing to a client that has not opted in', async () => {
      const answer = await ask('client', { grant_type: 'password', username: 'alice', password: 'alice' });
      expect(answer.status).toBe(400);
      expect(answer.body['error']).toMatch(/^(unsupported_grant_type|unauthorized_client)$/);
    });
  });

  describe('invalid_scope: malformed, unknown, or beyond what the client has', () => {
    it.each(['a"b', 'read  write', 'unknown', 'openid', 'offline_access'])('%j -> 400', async (scope) => {
      expectOAuthError(await ask('client', { grant_type: 'client_credentials', scope }), 400, 'invalid_scope');
    });
  });

  describe('the form of every error', () => {
    const HOSTILE = '"\\<script>alert(1)</script>\r\nSet-Cookie: planted=1\r\n\r\né\u0001';
    const MARKS = /<script|planted|alert/i;

    it.each<[string, Form, number, string]>([
      ['grant_type', { grant_type: HOSTILE }, 400, 'unsupported_grant_type'],
      ['scope', { grant_type: 'client_credentials', scope: HOSTILE }, 400, 'invalid_scope'],
      ['resource', { grant_type: 'client_credentials', resource: HOSTILE }, 400, 'invalid_target'],
      ['client_id beside Basic', { grant_type: 'client_credentials', client_id: HOSTILE }, 400, 'invalid_request'],
      ['the name of a parameter', { grant_type: 'client_credentials', [`scope[${HOSTILE}]`]: 'x' }, 400, 'invalid_request'],
    ])('repeats nothing of %s in its body or headers', async (_, form, status, error) => {
      const answer = await ask('client', form);
      expectOAuthError(answer, status, error);
      expect(answer.text).not.toMatch(MARKS);
      expect([...answer.headers].flat().join('\n')).not.toMatch(MARKS);
      expect(answer.headers.get('set-cookie')).toBeNull();
    });

    it('repeats nothing of a client id that fails to authenticate', async () => {
      const credentials = { clientId: HOSTILE, clientSecret: HOSTILE };
      for (const answer of [await server.driver.token(credentials), await ask(undefined, { grant_type: 'client_credentials', client_id: HOSTILE, client_secret: HOSTILE })]) {
        expectOAuthError(answer, 401, 'invalid_client');
        expect(answer.text + [...answer.headers].flat().join('\n')).not.toMatch(MARKS);
      }
    });

    it('is JSON whatever the caller says that it accepts', async () => {
      for (const accept of ['text/html', 'application/xml', 'image/png', '*/*;q=0', '\t']) {
        expectOAuthError(await server.driver.form('/oauth/token', { grant_type: 'foo' }, client, { accept }), 400, 'unsupported_grant_type');
      }
    });

    it('is named by a request id, and a harmless one of the caller is kept', async () => {
      const ours = await ask('client', {});
      expect(ours.headers.get('x-request-id')).toMatch(/^[\w.:-]{1,64}$/);
      const theirs = await server.driver.form('/oauth/token', {}, client, { 'x-request-id': 'trace-7f' });
      expect(theirs.headers.get('x-request-id')).toBe('trace-7f');
      const hostile = await server.driver.form('/oauth/token', {}, client, { 'x-request-id': '<script>' });
      expect(hostile.headers.get('x-request-id')).not.toContain('<');
    });

    it('says Pragma: no-cache beside Cache-Control: no-store, as a token does (§5.1)', async () => {
      expect((await ask('client', {})).headers.get('pragma')).toBe('no-cache');
    });
  });

  describe('the other endpoints that clients authenticate at answer in the same form', () => {
    it.each(['/oauth/introspect', '/oauth/revoke'])('%s', async (path) => {
      expectOAuthError(await server.driver.form(path, {}, client), 400, 'invalid_request');
      expectOAuthError(await server.driver.form(path, { token: '' }, client), 400, 'invalid_request');
      expectOAuthError(await server.driver.form(path, { token: 'x' }), 401, 'invalid_client');
      expectOAuthError(await server.driver.form(path, { token: 'x' }, { ...client, clientSecret: 'wrong' }), 401, 'invalid_client');
      expectOAuthError(await server.driver.form(path, { token: 'x', client_secret: 'x' }, client), 400, 'invalid_request');
      expectOAuthError(await server.driver.form(path, { token: 'x', client_assertion: 'x.y.z' }, client), 400, 'invalid_request');
      expectOAuthError(await server.driver.form(path, { client_assertion: 'x.y.z', token: 'x' }), 401, 'invalid_client');
    });

    it('/oauth/introspect refuses a public client, which cannot authenticate (RFC 7662 §2.1)', async () => {
      expectOAuthError(await server.driver.introspect(undefined, 'x', { client_id: publicClient.clientId }), 401, 'invalid_client');
    });
  });

  it('logs why, without the secret that was sent', async () => {
    const credentials = { clientId: client.clientId, clientSecret: 'canary-of-the-log' };
    await server.driver.token(credentials);
    await ask(undefined, { grant_type: 'client_credentials', client_id: client.clientId, client_secret: credentials.clientSecret });
    const log = server.logLines.join('\n');
    expect(log).toContain('wrong secret');
    for (const form of [credentials.clientSecret, basic(credentials).slice('Basic '.length)]) expect(log).not.toContain(form);
  });
});
