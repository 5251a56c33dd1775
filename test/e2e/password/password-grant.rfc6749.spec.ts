import { pbkdf2Sync } from 'node:crypto';
import * as openid from 'openid-client';
import { ResourceOwnerPassword } from 'simple-oauth2';
import { DataSource } from 'typeorm';
import { describeOnEachDatabase, describeOnOneDatabase } from '../../support/databases.js';
import { eventually } from '../../support/eventually.js';
import { FakeClock } from '../../support/fake-clock.js';
import { type Answer, type Credentials, decodeJwt, type Form, PASSWORD, type RegisteredUser } from '../../support/oauth-driver.js';
import { expectOAuthError } from '../../support/oauth-errors.js';
import { TestServer } from '../../support/test-server.js';

const INVOICES = 'https://api.example.com/invoices';
const ORDERS = 'https://api.example.com/orders';
const VAULT = 'https://vault.example.com';
const OPEN = 'urn:example:open';
const PASSWORD_GRANT = { grant_types: ['password'] };
const RENEWING = { grant_types: ['password', 'refresh_token'] };

/** What these suites share is not the throttle: it has a suite of its own. */
const UNTHROTTLED = { PASSWORD_ATTEMPT_LIMIT: '10000' };

const claimsOf = (answer: Answer): Record<string, unknown> => {
  expect({ status: answer.status, error: answer.body['error'] }).toEqual({ status: 200 });
  return decodeJwt(answer.body['access_token'] as string).claims;
};

describeOnEachDatabase('RFC 6749 §4.3 resource owner password credentials grant', (kind) => {
  let server: TestServer;
  let user: RegisteredUser;

  const register = (metadata: Record<string, unknown> = {}) => server.driver.registerClient({ ...PASSWORD_GRANT, scope: 'read write', ...metadata });

  beforeAll(async () => {
    server = await TestServer.start({ kind, env: UNTHROTTLED });
    await server.driver.registerResource({ identifier: INVOICES, scopes: [{ name: 'invoices:read' }], resource_servers: ['invoices-api'] });
    await server.driver.registerClient({ client_id: 'invoices-api' });
    user = await server.driver.registerUser({ username: 'margaret', roles: ['accountant', 'manager'] });
  });
  afterAll(() => server.stop());

  describe('§4.3.2 a token for the right username and password', () => {
    it.each<[string, string, (client: Credentials) => [Form, Credentials?]]>([
      ['a confidential client by Basic', 'client_secret_basic', (client) => [{}, client]],
      ['a confidential client in the body', 'client_secret_post', ({ clientId, clientSecret }) => [{ client_id: clientId, client_secret: clientSecret }]],
      ['a public client by its client_id', 'none', ({ clientId }) => [{ client_id: clientId }]],
    ])('%s -> 200', async (_, method, present) => {
      const client = await register({ token_endpoint_auth_method: method });
      const [form, credentials] = present(client);
      const answer = await server.driver.form('/oauth/token', { grant_type: 'password', username: user.username, password: user.password, ...form }, credentials);
      expect(claimsOf(answer)).toMatchObject({ sub: user.userId, client_id: client.clientId });
    });

    it('the password is a parameter and no other place is looked at: in the query it is missing', async () => {
      const client = await register();
      const answer = await server.driver.form(`/oauth/token?username=${user.username}&password=${encodeURIComponent(user.password)}`, { grant_type: 'password' }, client);
      expectOAuthError(answer, 400, 'invalid_request');
    });
  });

  describe('§5.1 the response', () => {
    it('is access_token, token_type, expires_in and scope, in JSON that no cache keeps', async () => {
      const answer = await server.driver.passwordGrant(await register({ access_token_lifetime: 120 }), user);
      expect(answer.body).toEqual({ access_token: expect.any(String) as string, token_type: 'Bearer', expires_in: 120, scope: 'read write' });
      expect([answer.headers.get('content-type'), answer.headers.get('cache-control'), answer.headers.get('pragma')]).toEqual([expect.stringMatching(/^application\/json/), 'no-store', 'no-cache']);
    });

    it('has a refresh_token when, and only when, refresh_token is among the grant_types of the client, confidential or public', async () => {
      for (const method of ['client_secret_basic', 'none']) {
        const [renewing, plain] = [await register({ ...RENEWING, token_endpoint_auth_method: method }), await register({ token_endpoint_auth_method: method })];
        expect((await server.driver.passwordGrant(renewing, user)).body['refresh_token']).toMatch(/^mg_rt_[\w-]{43,}$/);
        expect((await server.driver.passwordGrant(plain, user)).body).not.toHaveProperty('refresh_token');
        expect((await server.driver.passwordGrant(plain, user, { scope: 'read' })).body).not.toHaveProperty('refresh_token');
      }
    });
  });

  describe('RFC 9068 §2 the JWT of a user', () => {
    it('is typ at+jwt, and its claims are iss, sub = user_id, aud, client_id, scope, roles, iat, exp, jti and nothing else', async () => {
      const client = await register();
      const answer = await server.driver.passwordGrant(client, user);
      const { jti, ...claims } = claimsOf(answer);
      const now = Math.floor(server.clock.nowMs() / 1000);
      expect(claims).toEqual({ iss: server.issuer, sub: user.userId, aud: server.issuer, client_id: client.clientId, scope: 'read write', roles: ['accountant', 'manager'], iat: now, exp: now + 300 });
      expect(jti).toEqual(expect.any(String));
      expect(decodeJwt(answer.body['access_token'] as string).header).toMatchObject({ typ: 'at+jwt', alg: 'ES256' });
    });

    it('has no role for a user who has none', async () => {
      const nobody = await server.driver.registerUser({ username: 'without-roles' });
      expect(claimsOf(await server.driver.passwordGrant(await register(), nobody))['roles'] ?? []).toEqual([]);
    });

    it('§5: a username that is the client\'s own id gives a sub that is not', async () => {
      const client = await register({ grant_types: ['password', 'client_credentials'] });
      const namesake = await server.driver.registerUser({ username: client.clientId });
      const [ofUser, ofClient] = [claimsOf(await server.driver.passwordGrant(client, namesake)), claimsOf(await server.driver.token(client))];
      expect([ofUser['sub'], ofClient['sub']]).toEqual([namesake.userId, client.clientId]);
      expect(namesake.userId).not.toBe(client.clientId);
      expect(ofClient).not.toHaveProperty('roles');
    });
  });

  describe('RFC 7662 introspection of a user\'s token', () => {
    it.each(['jwt', 'opaque'])('%s: its client, and who serves its resource, hear sub, roles and scope', async (format) => {
      const client = await register({ scope: 'invoices:read', access_token_format: format });
      const { accessToken } = await server.driver.signIn(client, user);
      expect(accessToken.startsWith('mg_at_')).toBe(format === 'opaque');
      const now = Math.floor(server.clock.nowMs() / 1000);
      const expected = { active: true, sub: user.userId, client_id: client.clientId, roles: ['accountant', 'manager'], scope: 'invoices:read', token_type: 'Bearer', iss: server.issuer, aud: INVOICES, iat: now, exp: now + 300 };
      const resourceServer = (await server.driver.adminRequest('POST', '/clients/invoices-api/secrets', {})).body['client_secret'] as string;
      for (const caller of [client, { clientId: 'invoices-api', clientSecret: resourceServer }]) expect((await server.driver.introspect(caller, accessToken)).body).toMatchObject(expected);
      expect((await server.driver.introspect(await register(), accessToken)).body).toEqual({ active: false });
    });
  });

  describe('usernames: case and width do not count, accents and spaces do, whatever the database', () => {
    let client: Credentials;
    let weiss: RegisteredUser;

    beforeAll(async () => {
      client = await register();
      weiss = await server.driver.registerUser({ username: 'Jürgen.Weiß' });
    });

    it.each([
      ['as it was registered', 'Jürgen.Weiß'],
      ['lower case', 'jürgen.weiß'],
      ['upper case', 'JÜRGEN.WEISS'],
      ['ß as ss', 'jürgen.weiss'],
      ['full width', 'Ｊürgen．Ｗeiß'],
      ['a letter and its accent apart', 'Ju\u0308rgen.Weiß'],
    ])('%s: the same user', async (_, username) => {
      expect(claimsOf(await server.driver.passwordGrant(client, { ...weiss, username }))['sub']).toBe(weiss.userId);
    });

    it.each([
      ['a trailing space', 'Jürgen.Weiß '],
      ['a leading space', ' Jürgen.Weiß'],
      ['a trailing ideographic space', 'Jürgen.Weiß\u3000'],
      ['a trailing tab', 'Jürgen.Weiß\t'],
      ['a trailing newline', 'Jürgen.Weiß\n'],
      ['no accent', 'Jurgen.Weiß'],
      ['another accent', 'Jûrgen.Weiß'],
      ['one accent more', 'Jürgén.Weiß'],
      ['a combining accent behind it', 'Jürgen.Weiß\u0301'],
      ['a soft hyphen within', 'Jürgen\u00ad.Weiß'],
      ['a joiner of no width behind it', 'Jürgen.Weiß\u200d'],
      ['a letter of another script', 'Jürg\u0435n.Weiß'],
      ['a wildcard of SQL for one character', 'Jürgen_Weiß'],
      ['a wildcard of SQL', 'Jürgen%'],
      ['its beginning', 'Jürgen.Wei'],
      ['an emoji behind it', 'Jürgen.Weiß🙂'],
      ['10,000 characters', 'Jürgen.Weiß'.padEnd(10_000, 'x')],
    ])('%s: another one -> invalid_grant', async (_, username) => {
      expectOAuthError(await server.driver.passwordGrant(client, { ...weiss, username }), 400, 'invalid_grant');
    });

    it('two names that differ by an accent are two users, each with her own password', async () => {
      const [plain, accented] = [await server.driver.registerUser({ username: 'renee', password: 'the first of two passwords' }), await server.driver.registerUser({ username: 'renée', password: 'the other of two passwords' })];
      for (const each of [plain, accented]) expect(claimsOf(await server.driver.passwordGrant(client, each))['sub']).toBe(each.userId);
      expectOAuthError(await server.driver.passwordGrant(client, { ...plain, password: accented.password }), 400, 'invalid_grant');
      expectOAuthError(await server.driver.passwordGrant(client, { ...accented, password: plain.password }), 400, 'invalid_grant');
    });
  });

  describe('passwords: every character counts, whichever way a keyboard composes it', () => {
    const SECRET = ' Zoë’s pässword ﬁve 🔑 ';
    let client: Credentials;
    let zoe: RegisteredUser;

    beforeAll(async () => {
      client = await register();
      zoe = await server.driver.registerUser({ username: 'zoe', password: SECRET });
    });

    it.each([['as it was set', SECRET], ['letters and accents apart (NFD)', SECRET.normalize('NFD')], ['compatibility forms replaced (NFKC)', SECRET.normalize('NFKC')]])('%s -> 200', async (_, password) => {
      expect(claimsOf(await server.driver.passwordGrant(client, { ...zoe, password }))['sub']).toBe(zoe.userId);
    });

    it.each([
      ['without the space before it', SECRET.slice(1)],
      ['without the space behind it', SECRET.trimEnd()],
      ['in upper case', SECRET.toUpperCase()],
      ['without accents', SECRET.normalize('NFD').replace(/\p{M}/gu, '')],
      ['one character more', `${SECRET}x`],
      ['its hash', '$argon2id$v=19$m=19456,t=2,p=1$'],
      ['another user\'s', PASSWORD],
    ])('%s -> invalid_grant', async (_, password) => {
      expectOAuthError(await server.driver.passwordGrant(client, { ...zoe, password }), 400, 'invalid_grant');
    });

    it('64 emoji are a password', async () => {
      const password = Array.from({ length: 64 }, (_, i) => String.fromCodePoint(0x1f600 + i)).join('');
      const sender = await server.driver.registerUser({ username: 'emoji', password });
      expect(claimsOf(await server.driver.passwordGrant(client, sender))['sub']).toBe(sender.userId);
      expectOAuthError(await server.driver.passwordGrant(client, { ...sender, password: password.slice(0, -2) }), 400, 'invalid_grant');
    });
  });

  describe('the state of user and client is that of the moment', () => {
    it('a password that was replaced is wrong, the new one right', async () => {
      const client = await register();
      const changing = await server.driver.registerUser({ username: 'changing' });
      expect((await server.driver.passwordGrant(client, changing)).status).toBe(200);
      expect((await server.driver.adminRequest('PUT', `/users/${changing.userId}/password`, { password: 'quite another long password' })).status).toBe(204);
      expectOAuthError(await server.driver.passwordGrant(client, changing), 400, 'invalid_grant');
      expect((await server.driver.passwordGrant(client, { ...changing, password: 'quite another long password' })).status).toBe(200);
    });

    it('a disabled user is refused, and let in when she is enabled again; a deleted one is refused, and who comes after under her name is another', async () => {
      const client = await register();
      const leaving = await server.driver.registerUser({ username: 'leaving' });
      const patch = (body: Record<string, unknown>) => server.driver.adminRequest('PATCH', `/users/${leaving.userId}`, body);
      expect((await patch({ enabled: false })).status).toBe(200);
      expectOAuthError(await server.driver.passwordGrant(client, leaving), 400, 'invalid_grant');
      expect((await patch({ enabled: true })).status).toBe(200);
      expect((await server.driver.passwordGrant(client, leaving)).status).toBe(200);
      expect((await server.driver.adminRequest('DELETE', `/users/${leaving.userId}`)).status).toBe(204);
      expectOAuthError(await server.driver.passwordGrant(client, leaving), 400, 'invalid_grant');
      const successor = await server.driver.registerUser({ username: 'leaving' });
      expect(claimsOf(await server.driver.passwordGrant(client, successor))['sub']).not.toBe(leaving.userId);
    });

    it('a disabled client -> invalid_client, confidential or public, whether the password is right or wrong', async () => {
      for (const method of ['client_secret_basic', 'none']) {
        const client = await register({ token_endpoint_auth_method: method });
        expect((await server.driver.passwordGrant(client, user)).status).toBe(200);
        expect((await server.driver.adminRequest('PATCH', `/clients/${client.clientId}`, { enabled: false })).status).toBe(200);
        for (const password of [user.password, 'wrong']) expectOAuthError(await server.driver.passwordGrant(client, { ...user, password }), 401, 'invalid_client');
      }
    });

    it('an imported hash lets its password in, before and after it was replaced by one of ours', async () => {
      const client = await register();
      const hash = pbkdf2Sync(PASSWORD, 'salt-of-django', 1000, 32, 'sha256').toString('base64');
      const imported = await server.driver.registerUser({ username: 'imported', password_hash: `pbkdf2_sha256$1000$salt-of-django$${hash}` });
      for (const round of [1, 2]) {
        expectOAuthError(await server.driver.passwordGrant(client, { ...imported, password: `wrong ${round}` }), 400, 'invalid_grant');
        expect(claimsOf(await server.driver.passwordGrant(client, imported))['sub']).toBe(imported.userId);
      }
      const [{ password_hash: stored }] = await server.get(DataSource).query<{ password_hash: string }[]>('SELECT password_hash FROM users WHERE user_id = ?', [imported.userId]);
      expect(stored).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    });
  });
});

describe('RFC 9700 §2.4: the password grant is off unless an admin opted the client in', () => {
  let server: TestServer;
  let user: RegisteredUser;

  const supported = async (path: string) => (await server.driver.request<{ grant_types_supported: string[] }>('GET', `/.well-known/${path}`)).body.grant_types_supported;

  beforeEach(async () => {
    server = await TestServer.start({ env: UNTHROTTLED });
    user = await server.driver.registerUser({ username: 'margaret' });
  });
  afterEach(() => server.stop());

  it('a client that is registered without grant_types, or with others -> unauthorized_client, whatever else is right or wrong', async () => {
    const clients = [
      await server.driver.registerClient({ scope: 'read' }),
      await server.driver.registerClient({ scope: 'read', grant_types: ['client_credentials', 'refresh_token'] }),
      await server.driver.registerClient({ scope: 'read', grant_types: ['authorization_code'], redirect_uris: ['https://app.example/cb'], token_endpoint_auth_method: 'none' }),
    ];
    for (const client of clients) {
      const forms: Form[] = [{}, { password: 'wrong' }, { username: 'nobody' }, { username: '' }, { password: '' }, { scope: 'a"b' }, { resource: 'https://unknown.example' }];
      for (const form of forms) {
        const answer = await server.driver.passwordGrant(client, user, form);
        expectOAuthError(answer, 400, 'unauthorized_client');
        expect(['deprecation', 'sunset', 'link'].map((name) => answer.headers.get(name))).toEqual([null, null, null]);
      }
    }
  });

  it('opting in and out counts at once, and the metadata name the grant only while some client may use it', async () => {
    const client = await server.driver.registerClient({ scope: 'read' });
    const patch = (body: Record<string, unknown>) => server.driver.adminRequest('PATCH', `/clients/${client.clientId}`, body);
    const expectOffered = (offered: boolean) =>
      eventually(async () => {
        for (const path of ['oauth-authorization-server', 'openid-configuration']) expect((await supported(path)).includes('password')).toBe(offered);
      });
    await expectOffered(false);
    expect((await patch({ grant_types: ['client_credentials', 'password'] })).status).toBe(200);
    expect((await server.driver.passwordGrant(client, user)).status).toBe(200);
    await expectOffered(true);
    expect((await patch({ grant_types: ['client_credentials'] })).status).toBe(200);
    expectOAuthError(await server.driver.passwordGrant(client, user), 400, 'unauthorized_client');
    await expectOffered(false);
  });
});

describe('RFC 6749 §5.2 error response of the password grant', () => {
  let server: TestServer;
  let user: RegisteredUser;
  let client: Credentials;
  let postClient: Credentials;
  let publicClient: Credentials;

  const ask = (form: Form, credentials: Credentials | undefined = client) => server.driver.form('/oauth/token', { grant_type: 'password', ...form }, credentials);
  const right = () => ({ username: user.username, password: user.password });

  beforeAll(async () => {
    server = await TestServer.start({ env: UNTHROTTLED });
    await server.driver.registerResource({ identifier: INVOICES, scopes: [{ name: 'invoices:read' }] });
    user = await server.driver.registerUser({ username: 'margaret' });
    client = await server.driver.registerClient({ ...PASSWORD_GRANT, scope: 'read write' });
    postClient = await server.driver.registerClient({ ...PASSWORD_GRANT, token_endpoint_auth_method: 'client_secret_post' });
    publicClient = await server.driver.registerClient({ ...PASSWORD_GRANT, token_endpoint_auth_method: 'none' });
  });
  afterAll(() => server.stop());

  describe('invalid_request', () => {
    it.each<[string, Form]>([
      ['no username', { password: PASSWORD }],
      ['no password', { username: 'margaret' }],
      ['neither', {}],
      ['an empty username', { username: '', password: PASSWORD }],
      ['an empty password', { username: 'margaret', password: '' }],
      ['username twice', { username: ['margaret', 'margaret'], password: PASSWORD }],
      ['password twice', { username: 'margaret', password: ['wrong', PASSWORD] }],
      ['password twice, once empty', { username: 'margaret', password: ['', PASSWORD] }],
      ['scope twice', { username: 'margaret', password: PASSWORD, scope: ['read', 'write'] }],
      ['grant_type twice', { grant_type: ['password', 'password'], username: 'margaret', password: PASSWORD }],
      ['username as a list', { 'username[]': 'margaret', password: PASSWORD }],
      ['password as an object', { username: 'margaret', 'password[$ne]': 'x' }],
      ['a NUL in the username', { username: 'margaret\0', password: PASSWORD }],
      ['a NUL in the password', { username: 'margaret', password: `${PASSWORD}\0` }],
      ['client_secret beside Basic', { username: 'margaret', password: PASSWORD, client_secret: 'x' }],
      ['another client_id beside Basic', { username: 'margaret', password: PASSWORD, client_id: 'another' }],
    ])('%s -> 400', async (_, form) => {
      expectOAuthError(await ask(form), 400, 'invalid_request');
    });

    it.each([
      ['a username that is no UTF-8', 'username=%ff&password=x'],
      ['a password that is half a surrogate pair', 'username=margaret&password=%ED%A0%BD'],
      ['a broken escape', 'username=margaret&password=%zz'],
    ])('%s -> 400', async (_, pairs) => {
      const { clientId } = publicClient;
      const answer = await server.driver.request('POST', '/oauth/token', { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: `grant_type=password&client_id=${clientId}&${pairs}` });
      expectOAuthError(answer, 400, 'invalid_request');
    });

    it('credentials of the user as JSON -> 400', async () => {
      const body = JSON.stringify({ grant_type: 'password', client_id: publicClient.clientId, ...right() });
      expectOAuthError(await server.driver.request('POST', '/oauth/token', { headers: { 'content-type': 'application/json' }, body }), 400, 'invalid_request');
    });
  });

  describe('invalid_client is told before anything about the user is', () => {
    it.each<[string, () => [Form, Credentials?]]>([
      ['a wrong secret by Basic', () => [{}, { ...client, clientSecret: 'wrong' }]],
      ['a confidential client with its client_id alone', () => [{ client_id: client.clientId }]],
      ['a wrong secret in the body', () => [{ client_id: postClient.clientId, client_secret: 'wrong' }]],
      ['a client by Basic that is registered for client_secret_post', () => [{}, postClient]],
      ['a public client that sends a secret', () => [{ client_id: publicClient.clientId, client_secret: 'x' }]],
      ['a public client that sends a secret by Basic', () => [{}, { ...publicClient, clientSecret: 'x' }]],
      ['an unknown client', () => [{ client_id: 'nobody' }]],
      ['no client', () => [{}]],
      ['the user\'s credentials in place of the client\'s', () => [{}, { clientId: user.username, clientSecret: user.password }]],
    ])('%s -> 401, the same for a right password, a wrong one and none', async (_, present) => {
      const [form, credentials] = present();
      const answers = [];
      for (const given of [right(), { username: user.username, password: 'wrong' }, { username: 'nobody', password: 'wrong' }, {}]) answers.push(await server.driver.form('/oauth/token', { grant_type: 'password', ...given, ...form }, credentials));
      for (const answer of answers) {
        expectOAuthError(answer, 401, 'invalid_client');
        expect(answer.text).toBe(answers[0].text);
        expect(answer.headers.get('deprecation')).toBeNull();
      }
    });
  });

  describe('invalid_scope', () => {
    it.each(['read  write', ' read', 'read ', 'read\twrite', 'a"b', 'a\\b', 'réad', '🎫', 'unknown', 'READ', 'read unknown', 'invoices:read', 'users:read', '__proto__'])('%j -> 400, whether the password is right or wrong', async (scope) => {
      for (const password of [user.password, 'wrong']) expectOAuthError(await ask({ ...right(), password, scope }), 400, 'invalid_scope');
    });
  });

  describe('invalid_target (RFC 8707 §2)', () => {
    it.each(['https://unknown.example', INVOICES, `${INVOICES}/`, 'invoices', '__proto__'])('%s, unknown or not this client\'s -> 400', async (resource) => {
      expectOAuthError(await ask({ ...right(), resource }), 400, 'invalid_target');
    });

    it('is not told to who does not know the password', async () => {
      expectOAuthError(await ask({ ...right(), password: 'wrong', resource: 'https://unknown.example' }), 400, 'invalid_grant');
    });
  });

  describe('unsupported_grant_type', () => {
    it.each(['Password', 'PASSWORD', 'password ', 'passwords', 'urn:ietf:params:oauth:grant-type:password'])('%j -> 400', async (grantType) => {
      expectOAuthError(await ask({ ...right(), grant_type: grantType }), 400, 'unsupported_grant_type');
    });
  });

  it('repeats nothing of username and password', async () => {
    const hostile = '"\\<script>alert(1)</script>\r\nSet-Cookie: planted=1';
    const answer = await ask({ username: hostile, password: hostile });
    expectOAuthError(answer, 400, 'invalid_grant');
    expect(answer.text + [...answer.headers].flat().join('\n')).not.toMatch(/<script|planted/);
  });

  it('parameters that are not defined are ignored', async () => {
    expect((await ask({ ...right(), foo: ['1', '2'], redirect_uri: 'x', code: 'y', 'utm[x]': '1' })).status).toBe(200);
  });
});

describeOnOneDatabase('RFC 6749 §3.3 scope of a user\'s token: requested, of the client\'s, that her roles allow', (kind) => {
  let server: TestServer;
  let client: Credentials;
  let clerk: RegisteredUser;
  let manager: RegisteredUser;
  let stranger: RegisteredUser;

  const register = (metadata: Record<string, unknown>) => server.driver.registerClient({ ...PASSWORD_GRANT, ...metadata });
  const granted = async (user: RegisteredUser, form: Form = {}, by = client) => {
    const answer = await server.driver.passwordGrant(by, user, form);
    expect(claimsOf(answer)['scope']).toBe(answer.body['scope']);
    return answer.body['scope'];
  };
  const audience = async (user: RegisteredUser, form: Form = {}, by = client) => claimsOf(await server.driver.passwordGrant(by, user, form))['aud'];

  beforeAll(async () => {
    server = await TestServer.start({ kind, env: UNTHROTTLED });
    await server.driver.registerResource({ identifier: INVOICES, scopes: [{ name: 'invoices:read', required_roles: ['clerk', 'manager'] }, { name: 'invoices:write', required_roles: ['manager'] }], access_token_lifetime: 60 });
    await server.driver.registerResource({ identifier: ORDERS, scopes: [{ name: 'orders:read', required_roles: ['manager'] }] });
    await server.driver.registerResource({ identifier: VAULT, scopes: [{ name: 'vault:open', required_roles: ['manager'] }], access_token_format: 'opaque' });
    await server.driver.registerResource({ identifier: OPEN });
    client = await register({ scope: 'free invoices:read invoices:write orders:read vault:open', default_scope: 'free invoices:read invoices:write', resources: [OPEN], access_token_lifetime: 600 });
    clerk = await server.driver.registerUser({ username: 'clerk', roles: ['clerk'] });
    manager = await server.driver.registerUser({ username: 'manager', roles: ['staff', 'manager'] });
    stranger = await server.driver.registerUser({ username: 'stranger', roles: ['Manager', 'CLERK', 'manager2', 'invoices:read', 'users:read'] });
  });
  afterAll(() => server.stop());

  it('all of it may be had -> all of it, and it is told', async () => {
    expect(await granted(manager, { scope: 'invoices:write invoices:read' })).toBe('invoices:write invoices:read');
    expect(await granted(clerk, { scope: 'invoices:read' })).toBe('invoices:read');
  });

  it('a part may be had -> the part, and it is told', async () => {
    expect(await granted(clerk, { scope: 'invoices:read invoices:write free' })).toBe('invoices:read free');
    expect(await granted(stranger, { scope: 'invoices:read free invoices:write' })).toBe('free');
  });

  it('none is asked for -> what of the default may be had, and it is told', async () => {
    expect(await granted(manager)).toBe('free invoices:read invoices:write');
    expect(await granted(clerk)).toBe('free invoices:read');
    expect(await granted(stranger, { scope: '' })).toBe('free');
  });

  it('nothing may be had -> invalid_scope, asked for or by default', async () => {
    expectOAuthError(await server.driver.passwordGrant(client, clerk, { scope: 'invoices:write' }), 400, 'invalid_scope');
    expectOAuthError(await server.driver.passwordGrant(client, stranger, { scope: 'invoices:read invoices:write' }), 400, 'invalid_scope');
    const strict = await register({ scope: 'invoices:write' });
    expectOAuthError(await server.driver.passwordGrant(strict, clerk), 400, 'invalid_scope');
  });

  it('nothing is asked for, and there is no default -> a token without scope', async () => {
    const answer = await server.driver.passwordGrant(await register({}), clerk);
    expect(claimsOf(answer)).not.toHaveProperty('scope');
    expect(answer.body).not.toHaveProperty('scope');
  });

  it('what the client has not -> invalid_scope, though her roles allow it', async () => {
    const reader = await register({ scope: 'invoices:read' });
    expectOAuthError(await server.driver.passwordGrant(reader, manager, { scope: 'invoices:read invoices:write' }), 400, 'invalid_scope');
  });

  it('no role at all -> only scopes that need none', async () => {
    expect(await granted(await server.driver.registerUser({ username: 'no-roles' }))).toBe('free');
  });

  it('a change of her roles, or of the roles that a scope needs, counts at the next login', async () => {
    const riser = await server.driver.registerUser({ username: 'riser', roles: ['clerk'] });
    const { resource_id: id } = await server.driver.registerResource({ identifier: 'https://rise.example', scopes: [{ name: 'rise', required_roles: ['chief'] }] });
    const by = await register({ scope: 'free rise' });
    expect(await granted(riser, {}, by)).toBe('free');
    expect((await server.driver.adminRequest('PATCH', `/users/${riser.userId}`, { roles: ['chief'] })).status).toBe(200);
    expect(await granted(riser, {}, by)).toBe('free rise');
    expect((await server.driver.adminRequest('PATCH', `/resources/${String(id)}`, { scopes: [{ name: 'rise', required_roles: ['king'] }] })).status).toBe(200);
    expect(await granted(riser, {}, by)).toBe('free');
  });

  describe('scopes that no user can have', () => {
    it('those of the admin API are never granted, whatever her roles are called', async () => {
      const by = await register({ scope: 'free users:read clients:write' });
      const admin = await server.driver.registerUser({ username: 'admin', roles: ['admin', 'users:read', 'clients:write'] });
      expect(await granted(admin, {}, by)).toBe('free');
      expect(await granted(admin, { scope: 'users:read free' }, by)).toBe('free');
      expectOAuthError(await server.driver.passwordGrant(by, admin, { scope: 'users:read clients:write' }), 400, 'invalid_scope');
      expectOAuthError(await server.driver.passwordGrant(by, admin, { scope: 'users:read', resource: `${server.issuer}/admin` }), 400, 'invalid_scope');
      const forAdminApi = await server.driver.passwordGrant(by, admin, { resource: `${server.issuer}/admin` });
      const tokens = [await server.driver.passwordGrant(by, admin), forAdminApi].filter(({ status }) => status === 200).map(({ body }) => body['access_token'] as string);
      expect(tokens.length).toBeGreaterThan(0);
      for (const token of tokens) for (const path of ['/users', '/clients']) expect([401, 403]).toContain((await server.driver.adminRequest('GET', path, undefined, { token })).status);
    });

    it('those that promise an ID token or claims about her: invalid_scope when asked for, left out of a default', async () => {
      const by = await register({ scope: 'openid profile email address phone free' });
      for (const scope of ['openid', 'profile', 'email', 'address', 'phone', 'openid free']) expectOAuthError(await server.driver.passwordGrant(by, clerk, { scope }), 400, 'invalid_scope');
      expect(await granted(clerk, {}, by)).toBe('free');
      expect((await server.driver.passwordGrant(by, clerk)).body).not.toHaveProperty('id_token');
    });
  });

  describe('RFC 8707 §2 and RFC 9068 §3: the audience', () => {
    it('is the owner of the scope that remains, the issuer when there is none', async () => {
      expect(await audience(clerk)).toBe(INVOICES);
      expect(await audience(manager, { scope: 'orders:read free' })).toBe(ORDERS);
      expect(await audience(stranger)).toBe(server.issuer);
    });

    it('two owners of what remains -> invalid_scope; of one that her roles took away nothing is left to be an owner', async () => {
      const scope = 'invoices:read orders:read';
      expectOAuthError(await server.driver.passwordGrant(client, manager, { scope }), 400, 'invalid_scope');
      expect(await audience(clerk, { scope })).toBe(INVOICES);
    });

    it('is the named resource, with what of the default fits it', async () => {
      expect(await audience(manager, { resource: INVOICES })).toBe(INVOICES);
      expect(await granted(clerk, { resource: INVOICES })).toBe('free invoices:read');
      expect(await granted(manager, { resource: ORDERS })).toBe('free');
      expect(await audience(stranger, { resource: OPEN })).toBe(OPEN);
    });

    it('several are an array', async () => {
      expect(await audience(manager, { resource: [INVOICES, ORDERS], scope: 'invoices:read orders:read' })).toEqual([INVOICES, ORDERS]);
    });

    it('an explicit scope of another resource -> invalid_scope', async () => {
      expectOAuthError(await server.driver.passwordGrant(client, manager, { resource: ORDERS, scope: 'invoices:read' }), 400, 'invalid_scope');
    });

    it('a resource\'s lifetime and format count', async () => {
      expect((await server.driver.passwordGrant(client, clerk, { scope: 'invoices:read' })).body['expires_in']).toBe(60);
      expect((await server.driver.passwordGrant(client, clerk, { scope: 'free' })).body['expires_in']).toBe(600);
      const opaque = await server.driver.passwordGrant(client, manager, { scope: 'vault:open' });
      expect(opaque.body['access_token']).toMatch(/^mg_at_/);
      expect((await server.driver.introspect(client, opaque.body['access_token'] as string)).body).toMatchObject({ active: true, sub: manager.userId, aud: VAULT, scope: 'vault:open', roles: ['staff', 'manager'] });
    });
  });
});

describeOnOneDatabase('announced as deprecated, and ended at the client\'s sunset date', (kind) => {
  const DEPRECATION_LINK = /^<https:\/\/[^>]+>; rel="?deprecation"?(;|$)/;
  let server: TestServer;
  let user: RegisteredUser;

  const register = (metadata: Record<string, unknown> = {}) => server.driver.registerClient({ grant_types: ['password', 'refresh_token', 'client_credentials'], scope: 'read', ...metadata });
  const inSeconds = (seconds: number) => new Date(server.clock.nowMs() + seconds * 1000).toISOString();
  const announced = ({ headers }: Answer) => ({ deprecation: headers.get('deprecation'), link: headers.get('link'), sunset: headers.get('sunset') });
  const silent = { deprecation: null, link: null, sunset: null };

  /** Every way in which the grant is answered to a client that may use it. */
  const everyAnswer = async (client: Credentials): Promise<[string, Answer][]> => [
    ['a token', await server.driver.passwordGrant(client, user)],
    ['invalid_grant', await server.driver.passwordGrant(client, { ...user, password: 'wrong' })],
    ['invalid_request', await server.driver.passwordGrant(client, { ...user, password: '' })],
    ['invalid_scope', await server.driver.passwordGrant(client, user, { scope: 'unknown' })],
    ['invalid_target', await server.driver.passwordGrant(client, user, { resource: 'https://unknown.example' })],
  ];

  beforeAll(async () => {
    server = await TestServer.start({ kind, env: UNTHROTTLED });
    user = await server.driver.registerUser({ username: 'margaret' });
  });
  afterAll(() => server.stop());

  it('RFC 9745: every answer has Deprecation, a structured date that is past, and a Link that says why; without a date no Sunset', async () => {
    for (const [what, answer] of await everyAnswer(await register())) {
      expect([what, announced(answer)]).toEqual([what, { deprecation: expect.stringMatching(/^@\d+$/) as string, link: expect.stringMatching(DEPRECATION_LINK) as string, sunset: null }]);
      expect(Number(answer.headers.get('deprecation')!.slice(1)) * 1000).toBeLessThan(server.clock.nowMs());
    }
  });

  it.each([
    ['2027-03-01T00:00:00Z', 'Mon, 01 Mar 2027 00:00:00 GMT'],
    ['2027-03-01T01:30:00+02:00', 'Sun, 28 Feb 2027 23:30:00 GMT'],
    ['2027-12-31T23:59:59.999Z', 'Fri, 31 Dec 2027 23:59:59 GMT'],
  ])('RFC 8594: with password_grant_sunset %s every answer has Sunset: %s beside them', async (sunset, date) => {
    for (const [what, answer] of await everyAnswer(await register({ password_grant_sunset: sunset }))) {
      expect([what, announced(answer)]).toEqual([what, { deprecation: expect.stringMatching(/^@\d+$/) as string, link: expect.stringMatching(DEPRECATION_LINK) as string, sunset: date }]);
      // RFC 9745 §4: never earlier than the deprecation.
      expect(Date.parse(date) / 1000).toBeGreaterThanOrEqual(Number(answer.headers.get('deprecation')!.slice(1)));
    }
  });

  it('no other grant of that client is announced as deprecated', async () => {
    const client = await register({ password_grant_sunset: inSeconds(86_400) });
    const { refreshToken } = await server.driver.signIn(client, user);
    const others = [await server.driver.token(client), await server.driver.refresh(client, refreshToken), await server.driver.token(client, { scope: 'unknown' }), await server.driver.form('/oauth/token', { grant_type: 'foo' }, client)];
    expect(others.map(({ status }) => status)).toEqual([200, 200, 400, 400]);
    for (const answer of others) expect(announced(answer)).toEqual(silent);
  });

  it('until the last second before the date it works; from the date on it is unauthorized_client, with the date, while refresh tokens and other grants go on', async () => {
    const client = await register({ password_grant_sunset: inSeconds(120) });
    const untouched = await register();
    const { refreshToken } = await server.driver.signIn(client, user);
    server.clock.advanceSeconds(119);
    expect((await server.driver.passwordGrant(client, user)).status).toBe(200);
    server.clock.advanceSeconds(1);
    const date = new Date(server.clock.nowMs()).toUTCString();
    for (const seconds of [0, 1, 86_400]) {
      server.clock.advanceSeconds(seconds);
      for (const password of [user.password, 'wrong']) {
        const answer = await server.driver.passwordGrant(client, { ...user, password });
        expectOAuthError(answer, 400, 'unauthorized_client');
        expect(announced(answer)).toMatchObject({ deprecation: expect.stringMatching(/^@\d+$/) as string, sunset: date });
      }
    }
    const refreshed = await server.driver.refreshed(client, refreshToken);
    expect((await server.driver.refresh(client, refreshed.refreshToken)).status).toBe(200);
    expect((await server.driver.token(client)).status).toBe(200);
    expect((await server.driver.passwordGrant(untouched, user)).status).toBe(200);
  });

  it('a date that is moved or taken away counts at once', async () => {
    server.driver.renewAdminToken();
    const client = await register({ password_grant_sunset: inSeconds(-1) });
    const patch = (sunset: string | null) => server.driver.adminRequest('PATCH', `/clients/${client.clientId}`, { password_grant_sunset: sunset });
    expectOAuthError(await server.driver.passwordGrant(client, user), 400, 'unauthorized_client');
    for (const [sunset, status] of [[inSeconds(60), 200], [inSeconds(0), 400], [null, 200]] as const) {
      expect((await patch(sunset)).status).toBe(200);
      expect((await server.driver.passwordGrant(client, user)).status).toBe(status);
    }
  });
});

describe('unmodified clients from npm', () => {
  const username = 'zoë+%20&=?#"\\ß';
  const password = ' p:q r+%20é~/=&?#"\\ß€🔑 ';
  let server: TestServer;
  let user: RegisteredUser;

  const register = (method: string, metadata = {}) => server.driver.registerClient({ ...RENEWING, scope: 'read write', token_endpoint_auth_method: method, ...metadata });

  beforeAll(async () => {
    // The clients look at the real time.
    server = await TestServer.start({ clock: new FakeClock(Date.now()), env: { ...UNTHROTTLED, REFRESH_RETRY_WINDOW_SECONDS: '0' } });
    user = await server.driver.registerUser({ username, password, roles: ['clerk'] });
  });
  afterAll(() => server.stop());

  describe('simple-oauth2, ResourceOwnerPassword', () => {
    const open = ({ clientId, clientSecret }: Credentials, method: string) =>
      new ResourceOwnerPassword({ client: { id: clientId, secret: clientSecret }, auth: { tokenHost: server.url }, options: { authorizationMethod: method === 'client_secret_basic' ? 'header' : 'body' } });

    it.each(['client_secret_basic', 'client_secret_post'])('gets a token by %s, refreshes it with rotation, and revokes it', async (method) => {
      const client = await register(method);
      const grant = open(client, method);
      const first = await grant.getToken({ username, password, scope: ['read', 'write'] });
      expect(first.expired()).toBe(false);
      expect(first.token).toMatchObject({ token_type: 'Bearer', scope: 'read write', expires_in: 300 });
      expect(decodeJwt(first.token['access_token'] as string).claims).toMatchObject({ sub: user.userId, roles: ['clerk'] });

      const second = await first.refresh({ scope: ['read'] });
      expect(second.token).toMatchObject({ scope: 'read', refresh_token: expect.stringMatching(/^mg_rt_/) as string });
      expect(second.token['refresh_token']).not.toBe(first.token['refresh_token']);
      const third = await second.refresh();
      expect(third.token).toMatchObject({ scope: 'read write' });

      const introspect = async () => (await server.driver.form('/oauth/introspect', { token: third.token['access_token'] as string, ...(method === 'client_secret_post' ? { client_id: client.clientId, client_secret: client.clientSecret } : {}) }, method === 'client_secret_post' ? undefined : client)).body['active'];
      expect(await introspect()).toBe(true);
      await third.revokeAll();
      expect(await introspect()).toBe(false);
      await expect(third.refresh()).rejects.toMatchObject({ output: { statusCode: 400 }, data: { payload: { error: 'invalid_grant' } } });
    });

    it('tells a wrong password by its code', async () => {
      const grant = open(await register('client_secret_basic'), 'client_secret_basic');
      await expect(grant.getToken({ username, password: 'wrong' })).rejects.toMatchObject({ output: { statusCode: 400 }, data: { payload: { error: 'invalid_grant' } } });
    });
  });

  describe('openid-client, genericGrantRequest', () => {
    it.each<[string, (secret: string) => openid.ClientAuth]>([
      ['client_secret_basic', (secret) => openid.ClientSecretBasic(secret)],
      ['client_secret_post', (secret) => openid.ClientSecretPost(secret)],
      ['none', () => openid.None()],
    ])('gets a token by %s, refreshes it with rotation, and revokes it', async (method, authentication) => {
      const { clientId, clientSecret } = await register(method);
      const config = await eventually(async () => {
        const discovered = await openid.discovery(new URL(server.issuer), clientId, undefined, authentication(clientSecret), { execute: [openid.allowInsecureRequests] });
        expect(discovered.serverMetadata().grant_types_supported).toEqual(expect.arrayContaining(['password', 'refresh_token']));
        return discovered;
      });
      const first = await openid.genericGrantRequest(config, 'password', { username, password, scope: 'read' });
      expect(first).toMatchObject({ token_type: 'bearer', scope: 'read', expires_in: 300 });
      expect(decodeJwt(first.access_token).claims).toMatchObject({ sub: user.userId, client_id: clientId, roles: ['clerk'] });

      const second = await openid.refreshTokenGrant(config, first.refresh_token!);
      expect(second.refresh_token).toMatch(/^mg_rt_/);
      expect(second.refresh_token).not.toBe(first.refresh_token);
      await openid.tokenRevocation(config, second.refresh_token!, { token_type_hint: 'refresh_token' });
      await expect(openid.refreshTokenGrant(config, second.refresh_token!)).rejects.toMatchObject({ status: 400, error: 'invalid_grant' });
    });

    it('tells a wrong password by its code', async () => {
      const { clientId } = await register('none');
      const config = await openid.discovery(new URL(server.issuer), clientId, undefined, openid.None(), { execute: [openid.allowInsecureRequests] });
      await expect(openid.genericGrantRequest(config, 'password', { username, password: 'wrong' })).rejects.toMatchObject({ status: 400, error: 'invalid_grant' });
    });
  });
});
