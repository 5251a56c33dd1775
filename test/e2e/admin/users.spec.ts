import { Database } from '../../../src/database/database.js';
import { UserLogins } from '../../../src/users/user-logins.js';
import { PASSWORD_PROBLEM } from '../../../src/users/passwords/password-policy.js';
import { describeOnEachDatabase } from '../../support/databases.js';
import { eventually } from '../../support/eventually.js';
import { flipCase } from '../../support/forged-tokens.js';
import { type Answer, type Credentials, decodeJwt, PASSWORD, type RegisteredUser, type UserCredentials, type UserTokens } from '../../support/oauth-driver.js';
import { expectOAuthError } from '../../support/oauth-errors.js';
import { expectProblem, pointersOf, type ProblemDetails } from '../../support/problems.js';
import { ADMIN, TestServer } from '../../support/test-server.js';

type User = Record<string, unknown> & { user_id: string };

interface Page {
  items: User[];
  next_cursor: string | null;
}

interface AuditEvent {
  type: string;
  actor: { client_id: string | null; address: string | null };
  client_id: string | null;
  user_id: string | null;
  request_id: string | null;
  detail: Record<string, unknown>;
}

/** Wrong passwords from one address; an account takes ten times as many in all. */
const ATTEMPT_LIMIT = 1;
const ACCOUNT_LIMIT = 10 * ATTEMPT_LIMIT;
const WINDOW_SECONDS = 15 * 60;
const ENV = { TRUST_PROXY: 'loopback', PASSWORD_ATTEMPT_LIMIT: String(ATTEMPT_LIMIT), LOG_LEVEL: 'debug' };

/** What one instance has answered, every other one holds to within this time. */
const KNOWN = { withinMs: 1000 };

const NEW_PASSWORD = 'lantern otter gravel umbrella';
const IMPORTED = { password: 'sürfboard under the pier', password_hash: '$2a$05$nlX8ICzzns5PqoN3cbcu8e9xat4EUP.Dkx9rYL/b/DCNew/ZFCQuW' };

const etagOf = (answer: Answer<unknown>): string => answer.headers.get('etag')!;
const query = (parameters: Record<string, string>) => `?${new URLSearchParams(parameters).toString()}`;
const detailsOf = (answer: Answer<unknown>) => (answer.body as ProblemDetails).errors?.map(({ detail }) => detail);

describe('users: what is refused', () => {
  let server: TestServer;
  let id: string;
  let serial = 0;

  beforeAll(async () => {
    server = await TestServer.start();
    id = (await server.driver.registerUser({ username: 'margaret', email: 'margaret@example.com', email_verified: true })).userId;
  });
  afterAll(() => server.stop());

  const fresh = () => `user-${++serial}`;
  const create = (body: unknown) => server.driver.adminRequest<User>('POST', '/users', body);
  const get = (userId: string) => server.driver.adminRequest<User>('GET', `/users/${userId}`);
  const patch = (userId: string, body: unknown) => server.driver.adminRequest('PATCH', `/users/${userId}`, body);
  const setPassword = (userId: string, body: unknown) => server.driver.adminRequest('PUT', `/users/${userId}/password`, body);

  describe('in a new user', () => {
    it.each<[string, unknown, string]>([
      ['no username', {}, '/username'],
      ['an empty username', { username: '' }, '/username'],
      ['a username that is null', { username: null }, '/username'],
      ['a username that is a number', { username: 7 }, '/username'],
      ['a username that is a list', { username: ['margaret'] }, '/username'],
      ['a username of 129 characters', { username: 'x'.repeat(129) }, '/username'],
      ['a username that becomes too long by normalization', { username: '\ufdfa'.repeat(128) }, '/username'],
      ['a username of a space', { username: ' ' }, '/username'],
      ['a space in front of a username', { username: ' margaret' }, '/username'],
      ['a space behind a username', { username: 'margaret ' }, '/username'],
      ['a no-break space behind a username', { username: 'margaret\u00a0' }, '/username'],
      ['a NUL in a username', { username: 'marga\u0000ret' }, '/username'],
      ['a line break in a username', { username: 'marga\nret' }, '/username'],
      ['a line separator in a username', { username: 'marga\u2028ret' }, '/username'],
      ['a zero-width space in a username', { username: 'marga\u200bret' }, '/username'],
      ['a soft hyphen in a username', { username: 'marga\u00adret' }, '/username'],
      ['a change of direction in a username', { username: 'marga\u202eret' }, '/username'],
      ['half a character in a username', { username: 'marga\ud83dret' }, '/username'],
      ['an e-mail address that is none', { username: 'u', email: 'margaret' }, '/email'],
      ['two e-mail addresses', { username: 'u', email: 'a@example.com, b@example.com' }, '/email'],
      ['an e-mail address with a name', { username: 'u', email: 'M <m@example.com>' }, '/email'],
      ['an e-mail address with a line break', { username: 'u', email: 'm@example.com\nbcc: x@example.com' }, '/email'],
      ['an empty e-mail address', { username: 'u', email: '' }, '/email'],
      ['an e-mail address that is too long', { username: 'u', email: `m@${'x.'.repeat(130)}example.com` }, '/email'],
      ['an e-mail address that is a number', { username: 'u', email: 7 }, '/email'],
      ['a verified e-mail address that is not there', { username: 'u', email_verified: true }, '/email_verified'],
      ['a text for email_verified', { username: 'u', email: 'm@example.com', email_verified: 'true' }, '/email_verified'],
      ['an empty name', { username: 'u', name: '' }, '/name'],
      ['a name of 256 characters', { username: 'u', name: 'x'.repeat(256) }, '/name'],
      ['a line break in a name', { username: 'u', name: 'a\nb' }, '/name'],
      ['roles that are a text', { username: 'u', roles: 'admin' }, '/roles'],
      ['roles that are an object', { username: 'u', roles: { 0: 'admin' } }, '/roles'],
      ['a role that is no text', { username: 'u', roles: ['a', 7] }, '/roles'],
      ['an empty role', { username: 'u', roles: [''] }, '/roles'],
      ['a role with a space', { username: 'u', roles: ['a b'] }, '/roles'],
      ['a role beyond ASCII', { username: 'u', roles: ['größe'] }, '/roles'],
      ['a role of 101 characters', { username: 'u', roles: ['x'.repeat(101)] }, '/roles'],
      ['101 roles', { username: 'u', roles: Array.from({ length: 101 }, (_, i) => `r${i}`) }, '/roles'],
      ['a text for enabled', { username: 'u', enabled: 'false' }, '/enabled'],
      ['a number for enabled', { username: 'u', enabled: 1 }, '/enabled'],
    ])('%s is 400', async (_, body, pointer) => {
      const answer = await create(body);
      expectProblem(answer, 400);
      expect(pointersOf(answer)).toContain(pointer);
    });

    it.each(['id', 'user_id', 'userId', 'sub', 'isAdmin', 'is_admin', 'scope', 'client_id', 'passwordHash', 'tokenGeneration', 'token_generation', 'tokenVersion', 'version', 'username_key', 'usernameKey', 'email_key', 'search_text', 'locked_until', 'last_login_at', 'created_at', 'createdAt', 'updated_at', 'tenantId', 'toString', 'hasOwnProperty'])(
      'the member %s is refused, not dropped',
      async (member) => {
        const username = fresh();
        expectProblem(await create({ username, [member]: 'x' }), 400, `/${member}`);
        expect((await server.driver.adminRequest<Page>('GET', `/users${query({ q: username })}`)).body.items).toEqual([]);
      },
    );

    it.each([
      ['{"username":"u","__proto__":{"isAdmin":true}}', '/__proto__'], ['{"username":"u","__proto__":null}', '/__proto__'], ['{"username":"u","constructor":{"prototype":{"isAdmin":true}}}', '/constructor'],
      ['{"username":"u","roles":{"__proto__":["admin"]}}', '/roles/__proto__'], ['{"username":"u","password_hash":{"__proto__":{"type":"password"}}}', '/password_hash/__proto__'],
    ])('%s is 400, and no prototype has changed', async (body, pointer) => {
      const answer = await create(body);
      expectProblem(answer, 400);
      expect(pointersOf(answer)).toContain(pointer);
      expect(({} as Record<string, unknown>)['isAdmin']).toBeUndefined();
    });
  });

  describe('in a merge patch', () => {
    it.each<[unknown, string]>([
      [{ username: null }, '/username'], [{ username: '' }, '/username'], [{ username: ' x' }, '/username'], [{ email: 'x' }, '/email'], [{ roles: [7] }, '/roles/0'], [{ enabled: 'no' }, '/enabled'],
      [{ name: { a: 'b' } }, '/name'], [{ password: PASSWORD }, '/password'], [{ password: null }, '/password'], [{ password_hash: IMPORTED.password_hash }, '/password_hash'], [{ id: 1 }, '/id'], [{ userId: 'x' }, '/userId'], [{ isAdmin: true }, '/isAdmin'],
      [{ isAdmin: null }, '/isAdmin'], [{ passwordHash: 'x' }, '/passwordHash'], [{ token_generation: 'x' }, '/token_generation'], [{ version: 1 }, '/version'], [{ user_id: 'usr_AAAAAAAAAAAAAAAAAAAAAA' }, '/user_id'], [{ user_id: null }, '/user_id'],
      [{ created_at: '2020-01-01T00:00:00.000Z' }, '/created_at'], [{ updated_at: null }, '/updated_at'], ['{"__proto__":{"enabled":false}}', '/__proto__'], ['{"constructor":{"prototype":{}}}', '/constructor'],
      ['{"roles":{"__proto__":[]}}', '/roles/__proto__'],
    ])('%j is 400 and changes nothing', async (body, pointer) => {
      const was = await get(id);
      const answer = await patch(id, body);
      expectProblem(answer, 400);
      expect(pointersOf(answer)).toContain(pointer);
      const is = await get(id);
      expect([is.body, etagOf(is)]).toEqual([was.body, etagOf(was)]);
    });

    it.each(['[]', 'null', '"x"', '{'])('the body %s is 400', async (body) => {
      expectProblem(await patch(id, body), 400);
    });
  });

  describe('as a password', () => {
    it.each<[string, string, string]>([
      ['of 14 characters', 'vq7 kelp onion', PASSWORD_PROBLEM.short],
      ['that is empty', '', PASSWORD_PROBLEM.short],
      ['of 257 characters', `${'kelp onion vq7 '.repeat(17)}xy`, PASSWORD_PROBLEM.long],
      ['with a control character', 'lantern otter\ngravel', PASSWORD_PROBLEM.control],
      ['that is common', 'Password1234567', PASSWORD_PROBLEM.common],
      ['that is a sequence', '123456789012345', PASSWORD_PROBLEM.run],
      ['built on the username', 'gwendolyn-gwendolyn', PASSWORD_PROBLEM.context],
      ['built on the e-mail address', 'postbox@quillfeather', PASSWORD_PROBLEM.context],
      ['built on the name', 'ApplewhiteApplewhite!', PASSWORD_PROBLEM.context],
      ['built on this service', 'mintgate mintgate 1', PASSWORD_PROBLEM.context],
    ])('one %s is refused with the reason, for a new user and for one that is there', async (_, password, reason) => {
      const profile = { username: `gwendolyn.${++serial}`, email: `postbox@quillfeather.${serial}.example`, name: 'Gwen Applewhite' };
      const made = await create({ ...profile, password });
      expectProblem(made, 400, '/password');
      expect(detailsOf(made)).toEqual([reason]);
      const { user_id: id } = (await create(profile)).body;
      const set = await setPassword(id, { password });
      expectProblem(set, 400, '/password');
      expect(detailsOf(set)).toEqual([reason]);
      if (password !== '') expect(made.text + set.text).not.toContain(JSON.stringify(password).slice(1, -1));
    });

    it.each<[string, unknown, string]>([
      ['no password at all', {}, '/password'], ['null', { password: null }, '/password'], ['a number', { password: 123456789012345 }, '/password'], ['a list', { password: [PASSWORD] }, '/password'],
      ['both a password and a hash', { password: PASSWORD, password_hash: IMPORTED.password_hash }, '/password_hash'], ['a hash of no known form', { password_hash: '5f4dcc3b5aa765d61d8327deb882cf99' }, '/password_hash'],
      ['an empty hash', { password_hash: '' }, '/password_hash'], ['a hash that is a number', { password_hash: 7 }, '/password_hash'], ['a hash that is a list', { password_hash: [IMPORTED.password_hash] }, '/password_hash'], ['a hash that is an empty object', { password_hash: {} }, '/password_hash'],
      ['a hash that would take too long', { password_hash: '$2a$31$nlX8ICzzns5PqoN3cbcu8e9xat4EUP.Dkx9rYL/b/DCNew/ZFCQuW' }, '/password_hash'],
      ['an unknown member', { password: PASSWORD, temporary: true }, '/temporary'], ['an old password', { password: PASSWORD, old_password: 'x' }, '/old_password'],
    ])('PUT of %s as a password is 400 and changes nothing', async (_, body, pointer) => {
      const was = await get(id);
      expectProblem(await setPassword(id, body), 400, pointer);
      expect(etagOf(await get(id))).toBe(etagOf(was));
    });
  });

  describe('in a path or a query', () => {
    it.each([
      'margaret', 'usr_', `usr_${'A'.repeat(22)}`, `usr_${'A'.repeat(21)}`, `usr_${'A'.repeat(23)}`, `USR_${'A'.repeat(22)}`, '%00', '1', 'undefined', 'null', '__proto__', 'constructor', '[object%20Object]', '%2e%2e', '..%2fclients', '%2f', '%ff', '%', '*', "'%20OR%20'1'='1",
      '%F0%9F%92%A9', 'a'.repeat(300),
    ])('/users/%s is 404 or 400', async (id) => {
      for (const [method, path, body] of [['GET', ''], ['PATCH', '', {}], ['DELETE', ''], ['PUT', '/password', { password: PASSWORD }], ['POST', '/unlock'], ['DELETE', '/tokens'], ['DELETE', '/sessions']] as const) {
        const answer = await server.driver.adminRequest(method, `/users/${id}${path}`, body);
        expect([400, 404]).toContain(answer.status);
        expectProblem(answer, answer.status);
      }
    });

    it.each(['limit=0', 'limit=201', 'limit=x', 'enabled=1', 'enabled=TRUE', 'q=a%00', 'sort=id', 'username=x', 'password=x', 'q=a&q=b', '__proto__=1', 'cursor=', 'cursor=1', 'cursor=1.AAAAAAAAAAAAAAAAAAAAAA'])('GET /users?%s is 400', async (search) => {
      expectProblem(await server.driver.adminRequest('GET', `/users?${search}`), 400);
    });
  });
});

describeOnEachDatabase('users', (kind) => {
  let server: TestServer;
  let other: TestServer;
  let app: Credentials;
  let serial = 0;

  beforeAll(async () => {
    server = await TestServer.start({ kind, env: ENV });
    other = await TestServer.start({ database: server.database, issuer: server.issuer, clock: server.clock, env: ENV });
    app = await server.driver.registerClient({ client_id: 'app', grant_types: ['password', 'refresh_token'], scope: 'a' });
    await eventually(async () => expect((await introspect(other, 'mg_at_unknown')).status).toBe(200), KNOWN);
  });
  beforeEach(() => {
    server.driver.renewAdminToken();
    other.driver.renewAdminToken();
  });
  afterAll(async () => {
    await other?.stop();
    await server?.stop();
  });

  const fresh = (name = 'user') => `${name}-${++serial}`;
  const address = () => `10.${++serial >> 8}.${serial & 255}.1`;
  const create = (body: unknown, headers: Record<string, string> = {}) => server.driver.adminRequest<User>('POST', '/users', body, { headers });
  const list = (parameters: Record<string, string> = {}) => server.driver.adminRequest<Page>('GET', `/users${query(parameters)}`);
  const of = (userId: string) => ({
    get: (headers: Record<string, string> = {}) => server.driver.adminRequest<User>('GET', `/users/${userId}`, undefined, { headers }),
    patch: (body: unknown, headers: Record<string, string> = {}) => server.driver.adminRequest<User>('PATCH', `/users/${userId}`, body, { headers: { 'content-type': 'application/merge-patch+json', ...headers } }),
    delete: (headers: Record<string, string> = {}) => server.driver.adminRequest('DELETE', `/users/${userId}`, undefined, { headers }),
    setPassword: (body: unknown, headers: Record<string, string> = {}) => server.driver.adminRequest('PUT', `/users/${userId}/password`, body, { headers }),
    unlock: () => server.driver.adminRequest('POST', `/users/${userId}/unlock`),
  });

  /** A sign-in from an address from which nobody came before, unless one is given. */
  const signInFrom = (user: UserCredentials, from = address(), at = server) =>
    at.driver.form('/oauth/token', { grant_type: 'password', username: user.username, password: user.password }, app, { 'x-forwarded-for': from });
  const introspect = (at: TestServer, token: string) => at.driver.introspect(app, token);

  /** What a user holds, which the other instance has seen and may have kept in memory. */
  async function signedIn(user: UserCredentials): Promise<UserTokens> {
    const tokens = await server.driver.signIn(app, user);
    for (const at of [server, other]) {
      await eventually(async () => {
        for (const token of [tokens.accessToken, tokens.refreshToken]) expect((await introspect(at, token)).body).toMatchObject({ active: true });
      }, KNOWN);
    }
    return tokens;
  }

  async function expectDeadAt(at: TestServer, { accessToken, refreshToken }: UserTokens): Promise<void> {
    expect((await introspect(at, accessToken)).body).toEqual({ active: false });
    expect((await introspect(at, refreshToken)).body).toEqual({ active: false });
    expectOAuthError(await at.driver.refresh(app, refreshToken), 400, 'invalid_grant');
  }

  /** At once where the change was made, and within a second on the other instance. */
  async function expectDeadEverywhere(tokens: UserTokens): Promise<void> {
    await expectDeadAt(server, tokens);
    await eventually(() => expectDeadAt(other, tokens), KNOWN);
  }

  const expectLive = async (tokens: UserTokens) => expect((await introspect(server, tokens.accessToken)).body).toMatchObject({ active: true });

  describe('making one', () => {
    it('needs a username only: then she has no roles and no password, and is enabled', async () => {
      const username = fresh();
      const answer = await create({ username });
      const now = new Date(server.clock.nowMs()).toISOString();
      expect(answer.status).toBe(201);
      expect(answer.body).toEqual({
        user_id: expect.stringMatching(/^usr_[\w-]{22}$/) as string, username, email: null, email_verified: false, name: null, roles: [], enabled: true, locked_until: null, last_login_at: null, created_at: now, updated_at: now,
      });
      expect(answer.headers.get('location')).toBe(`${server.issuer}/admin/v1/users/${answer.body.user_id}`);
      expect(etagOf(answer)).toMatch(/^"[^"]+"$/);
      for (const password of ['null', 'undefined', ' ', username, PASSWORD]) expectOAuthError(await signInFrom({ username, password }), 400, 'invalid_grant');
    });

    it('takes every member, shows them again alone and in the list, and each role once', async () => {
      const profile = { username: `Ægir Ørsted ${fresh('🦦')}`, email: `aegir-${++serial}@example.com`, email_verified: true, name: 'Ægir “the sea” Ørsted', roles: ['accountant', 'urn:example:role/1'], enabled: false, nickname: 'Ægir 🌊', phone_number: '+4512345678', phone_number_verified: true, address: { locality: 'København', country: 'DK' } };
      const { user_id: id } = (await create({ ...profile, roles: [...profile.roles, 'accountant'], password: PASSWORD })).body;
      const shown = (await of(id).get()).body;
      expect(shown).toMatchObject(profile);
      expect((await list({ limit: '1' })).body.items).toEqual([shown]);
    });

    it('many have ids that are all different, and none that is like a client’s', async () => {
      const ids = (await Promise.all(Array.from({ length: 10 }, () => create({ username: fresh() })))).map(({ body }) => body.user_id);
      expect(new Set(ids).size).toBe(10);
      for (const clientId of [ids[0], 'usr_', 'usr_x', `usr_${'A'.repeat(22)}`]) {
        expectProblem(await server.driver.adminRequest('POST', '/clients', { client_id: clientId }), 400, '/client_id');
        expect((await server.driver.adminRequest('PUT', `/clients/${clientId}`, {})).status).toBe(404);
      }
    });

    it('names of the most that is allowed are kept whole', async () => {
      const profile = { username: '🦦'.repeat(120) + fresh('x'), name: 'ß'.repeat(255), email: `${'m'.repeat(64)}@${'x'.repeat(60)}.${'y'.repeat(60)}.example`, roles: Array.from({ length: 90 }, (_, i) => `${'r'.repeat(98)}${i + 10}`) };
      const { status, body } = await create(profile);
      expect(status).toBe(201);
      expect((await of(body.user_id).get()).body).toMatchObject(profile);
    });

  });

  describe('usernames and e-mail addresses are compared without regard to case and width, accents count', () => {
    const pairs: [one: string, other: string, same: boolean][] = [
      ['margaret', 'margaret', true], ['margaret', 'MARGARET', true], ['margaret', 'Margaret', true], ['margaret', 'ＭＡＲＧＡＲＥＴ', true], ['ｍargaret', 'margaret', true], ['straße', 'STRASSE', true], ['STRASSE', 'Straße', true],
      ['straße', 'STRAẞE', true], ['ΜΑΡΙΟΣ', 'μαριος', true], ['ﬁnn', 'FINN', true], ['Ångström', 'Å\u006egstro\u0308m', true], ['K', '\u212a', true],
      ['margaret', 'márgaret', false], ['margaret', 'margaret1', false], ['margaret', 'mаrgaret', false], ['strasse', 'strase', false], ['ångström', 'angstrom', false], ['o', 'ø', false], ['a b', 'ab', false], ['a', 'a.', false],
    ];

    it.each(pairs)('the usernames %s and %s: the same? %s', async (one, another, same) => {
      const suffix = `.${++serial}`;
      expect((await create({ username: one + suffix })).status).toBe(201);
      const answer = await create({ username: another + suffix });
      if (same) expectProblem(answer, 409);
      else expect(answer.status).toBe(201);
    });

    it('and so she is found at sign-in, in any spelling of her own name and by none of another’s', async () => {
      const [plain, accented] = [await server.driver.registerUser({ username: fresh('margaret') }), await server.driver.registerUser({ username: `márgaret-${serial}`, password: NEW_PASSWORD })];
      for (const username of [plain.username.toUpperCase(), plain.username.replace('margaret', 'ｍａｒｇａｒｅｔ')]) expect(decodeJwt((await server.driver.signIn(app, { ...plain, username })).accessToken).claims['sub']).toBe(plain.userId);
      expect(decodeJwt((await server.driver.signIn(app, accented)).accessToken).claims['sub']).toBe(accented.userId);
      expectOAuthError(await signInFrom({ ...plain, username: accented.username }), 400, 'invalid_grant');
    });

    it.each([['margaret@example.com', 'MARGARET@EXAMPLE.COM', true], ['margaret@example.com', 'ＭＡＲＧＡＲＥＴ@example.com', true], ['margaret@example.com', 'márgaret@example.com', false], ['margaret@example.com', 'margaret@example.co', false]])(
      'the e-mail addresses %s and %s: the same? %s',
      async (one, another, same) => {
        const prefix = `p${++serial}`;
        await server.driver.registerUser({ username: fresh(), email: prefix + one });
        const answer = await create({ username: fresh(), email: prefix + another });
        if (same) expectProblem(answer, 409);
        else expect(answer.status).toBe(201);
      },
    );

    it('an answer of 409 does not say whose it is', async () => {
      const { userId, username } = await server.driver.registerUser({ username: fresh() });
      const answer = await create({ username, password: NEW_PASSWORD });
      expectProblem(answer, 409);
      expect(answer.text).not.toMatch(new RegExp(`${userId}|${username}|argon2`));
    });

    it('a username may be the e-mail address of another user: they are two namespaces', async () => {
      const email = `${fresh()}@example.com`;
      const { userId } = await server.driver.registerUser({ username: fresh(), email });
      const namesake = await server.driver.registerUser({ username: email, password: NEW_PASSWORD });
      expect(namesake.userId).not.toBe(userId);
      expectOAuthError(await signInFrom({ username: email, password: PASSWORD }), 400, 'invalid_grant');
    });

    it('a space behind a username is another name, at sign-in too', async () => {
      const user = await server.driver.registerUser({ username: fresh() });
      expectOAuthError(await signInFrom({ ...user, username: `${user.username} ` }), 400, 'invalid_grant');
      expect((await signInFrom(user)).status).toBe(200);
    });

    it('of ten at once with one name in many spellings, one is made and nine are 409', async () => {
      const name = fresh('racer');
      const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => create({ username: i % 2 ? name : name.toUpperCase(), password: PASSWORD })));
      expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array.from({ length: 9 }, () => 409)]);
      expect((await list({ q: name })).body.items).toHaveLength(1);
    });

    it('T6 a user whose name is a client’s id is nobody but herself', async () => {
      const client = await server.driver.registerClient({ client_id: fresh('service'), grant_types: ['client_credentials', 'password', 'refresh_token'], scope: 'a' });
      const user = await server.driver.registerUser({ username: client.clientId });
      const [ofClient, ofUser] = [await server.driver.accessToken(client), (await server.driver.signIn(client, user)).accessToken];
      expect(decodeJwt(ofClient).claims).toMatchObject({ sub: client.clientId, client_id: client.clientId });
      expect(decodeJwt(ofClient).claims).not.toHaveProperty('roles');
      expect(decodeJwt(ofUser).claims).toMatchObject({ sub: user.userId, client_id: client.clientId, roles: [] });
      for (const method of ['GET', 'PATCH', 'DELETE']) expectProblem(await server.driver.adminRequest(method, `/users/${client.clientId}`, method === 'PATCH' ? {} : undefined), 404);
      expect((await server.driver.adminRequest('GET', `/clients/${user.userId}`)).status).toBe(404);
      expect((await server.driver.adminRequest('DELETE', `/clients/${user.userId}/tokens`)).status).toBe(404);
      await server.driver.adminRequest('DELETE', `/users/${user.userId}/tokens`);
      expect([(await server.driver.introspect(client, ofClient)).body['active'], (await server.driver.introspect(client, ofUser)).body['active']]).toEqual([true, false]);
      expect((await of(user.userId).delete()).status).toBe(204);
      expect((await server.driver.introspect(client, ofClient)).body).toMatchObject({ active: true, sub: client.clientId });
    });

    it('T6 a user whose name is the id of another one does not stand for her', async () => {
      const { userId } = await server.driver.registerUser({ username: fresh() });
      const impostor = await server.driver.registerUser({ username: userId, password: NEW_PASSWORD });
      expect(decodeJwt((await server.driver.signIn(app, impostor)).accessToken).claims['sub']).toBe(impostor.userId);
      expect((await of(userId).get()).body['username']).not.toBe(userId);
    });
  });

  describe('the list', () => {
    let made: string[];
    const tag = 'walk';

    beforeAll(async () => {
      made = [];
      for (let i = 0; i < 9; i++) made.unshift((await create({ username: `${tag}-${i}`, email: `${tag}.${i}@mail.example`, name: i === 3 ? 'O’Brien 50%_off! ÉCOLE \\ back' : `Nobody ${i}`, roles: ['rare-role'], enabled: i !== 5 })).body.user_id);
    });

    const ids = async (parameters: Record<string, string>) => (await list(parameters)).body.items.map((user) => user.user_id);

    it('is newest first, and each user is as she is alone', async () => {
      const { status, body } = await list({ q: tag });
      expect(status).toBe(200);
      expect(body.items.map((user) => user.user_id)).toEqual(made);
      expect(body.next_cursor).toBeNull();
      expect(body.items[2]).toEqual((await of(made[2]).get()).body);
      expect(await ids({ q: made[2] })).toEqual([]);
    });

    it('a walk by pages sees every user once, in order, while others are added and deleted', async () => {
      const seen: string[] = [];
      let pages = 0;
      for (let cursor: string | null = ''; cursor !== null && pages < 20; pages++) {
        const { status, body }: Answer<Page> = await list({ q: tag, limit: '2', ...(cursor === '' ? {} : { cursor }) });
        expect(status).toBe(200);
        seen.push(...body.items.map((user) => user.user_id));
        cursor = body.next_cursor;
        const late = await create({ username: `${tag}-late-${pages}` });
        if (pages % 2) await of(late.body.user_id).delete();
      }
      expect(seen).toEqual(made);
      expect(pages).toBe(5);
    });

    it.each<[string, number[]]>([
      ['walk-3', [3]], ['WALK-3', [3]], ['walk.3@', [3]], ['.3@MAIL.example', [3]], ['o’brien', [3]], ['50%', [3]], ['%_off', [3]], ['école', [3]], ['\\ BACK', [3]], ['ecole', []], ['walk_3', []], ['w%3', []], ['rare-role', []], ["' OR '1'='1", []],
    ])('q=%s is taken literally, in any case', async (q, expected) => {
      expect(await ids({ q })).toEqual(expected.map((i) => made[8 - i]));
    });

    it('enabled', async () => {
      expect(await ids({ q: 'walk-5', enabled: 'false' })).toEqual([made[3]]);
      expect(await ids({ q: 'walk-5', enabled: 'true' })).toEqual([]);
      expect((await list({ enabled: 'false', limit: '200' })).body.items.every((user) => user['enabled'] === false)).toBe(true);
    });

    it('a cursor is bound to its list and its filters', async () => {
      const cursor = (await list({ q: tag, limit: '2' })).body.next_cursor!;
      expect((await list({ q: tag, cursor })).status).toBe(200);
      for (const filter of [{}, { q: 'wal' }, { q: tag, enabled: 'true' }] as Record<string, string>[]) expectProblem(await list({ ...filter, cursor }), 400);
      expectProblem(await server.driver.adminRequest('GET', `/clients${query({ q: tag, cursor })}`), 400);
    });
  });

  describe('changing one by a merge patch (RFC 7396)', () => {
    let id: string;
    const before = { email: '', email_verified: true, name: 'Before', roles: ['accountant'] };

    beforeEach(async () => {
      before.email = `${fresh()}@example.com`;
      id = (await create({ username: fresh(), ...before })).body.user_id;
    });

    it('replaces the members that it names, arrays whole, and leaves the others', async () => {
      const was = (await of(id).get()).body;
      server.clock.advanceSeconds(1);
      const answer = await of(id).patch({ name: 'After', roles: ['manager'] });
      expect([answer.status, answer.body]).toEqual([200, { ...was, name: 'After', roles: ['manager'], updated_at: new Date(server.clock.nowMs()).toISOString() }]);
      expect((await of(id).get()).body).toEqual(answer.body);
    });

    it('null sets a member back to its default', async () => {
      expect((await of(id).patch({ email: null, email_verified: null, name: null, roles: null, enabled: null })).body).toMatchObject({ email: null, email_verified: false, name: null, roles: [], enabled: true });
    });

    it('what was read may be sent back whole, also when she has signed in since: nothing changes', async () => {
      const user = await server.driver.registerUser({ username: fresh() });
      const read = await of(user.userId).get();
      server.clock.advanceSeconds(1);
      await server.driver.signIn(app, user);
      await server.get(UserLogins).flush();
      for (const body of [read.body, {}]) {
        const answer = await of(user.userId).patch(body, { 'if-match': etagOf(read) });
        expect([answer.status, etagOf(answer), answer.body['updated_at']]).toEqual([200, etagOf(read), read.body['updated_at']]);
      }
    });

    it('to a name or an address of another user is 409 and changes nothing; to another spelling of her own is not', async () => {
      const another = (await create({ username: fresh(), email: `${fresh()}@example.com` })).body;
      const was = (await of(id).get()).body;
      expectProblem(await of(id).patch({ username: String(another['username']).toUpperCase() }), 409);
      expectProblem(await of(id).patch({ email: String(another['email']).toUpperCase() }), 409);
      expect((await of(id).get()).body).toEqual(was);
      expect((await of(id).patch({ username: String(was['username']).toUpperCase() })).body['username']).toBe(String(was['username']).toUpperCase());
    });

    it('a new name signs her in and the old one does not, and what she holds stays', async () => {
      const user = await server.driver.registerUser({ username: fresh() });
      const tokens = await signedIn(user);
      const renamed = { ...user, username: fresh() };
      expect((await of(user.userId).patch({ username: renamed.username })).status).toBe(200);
      expectOAuthError(await signInFrom(user), 400, 'invalid_grant');
      expect(decodeJwt((await server.driver.signIn(app, renamed)).accessToken).claims['sub']).toBe(user.userId);
      await expectLive(tokens);
    });

    it('of members of their own all survive, however many come at once', async () => {
      const patches = [{ name: 'After' }, { roles: ['manager'] }, { email_verified: false }, { username: fresh() }];
      expect((await Promise.all(patches.map((body) => of(id).patch(body)))).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
      expect((await of(id).get()).body).toMatchObject(Object.assign({}, ...patches) as object);
    });

    it.each<[string, (headers: Record<string, string>) => Promise<Answer<unknown>>, number]>([
      ['PATCH', (headers) => of(id).patch({ name: 'Mine' }, headers), 200],
      ['PUT password', (headers) => of(id).setPassword({ password: NEW_PASSWORD }, headers), 204],
      ['DELETE', (headers) => of(id).delete(headers), 204],
    ])('%s with If-Match that holds works, and with one that does not is 412 and changes nothing', async (_, write, good) => {
      const stale = etagOf(await of(id).get());
      const now = await of(id).patch({ name: 'After' });
      expect(etagOf(now)).not.toBe(stale);
      for (const match of [stale, '"x"', `W/${etagOf(now)}`, '']) expectProblem(await write({ 'if-match': match }), 412);
      const is = await of(id).get();
      expect([is.body, etagOf(is)]).toEqual([now.body, etagOf(now)]);
      expect((await write({ 'if-match': `"x", ${etagOf(now)}` })).status).toBe(good);
    });

    it('of ten at once with the same entity tag one wins and nine are 412', async () => {
      const headers = { 'if-match': etagOf(await of(id).get()) };
      const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => of(id).patch({ name: `n${i}` }, headers)));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 9 }, () => 412)]);
      expect((await of(id).get()).body['name']).toBe(answers.find(({ status }) => status === 200)!.body['name']);
    });
  });

  describe('passwords', () => {
    it('a new one is in force at once: the old one is refused, and whoever was signed in by it is signed out everywhere', async () => {
      const user = await server.driver.registerUser({ username: fresh() });
      const tokens = await signedIn(user);
      const answer = await of(user.userId).setPassword({ password: NEW_PASSWORD });
      expect([answer.status, answer.text]).toEqual([204, '']);
      await expectDeadEverywhere(tokens);
      for (const at of [server, other]) {
        expectOAuthError(await signInFrom(user, address(), at), 400, 'invalid_grant');
        expect((await signInFrom({ ...user, password: NEW_PASSWORD }, address(), at)).status).toBe(200);
      }
    });

    it('the same one again signs her out too', async () => {
      const user = await server.driver.registerUser({ username: fresh() });
      const tokens = await signedIn(user);
      expect((await of(user.userId).setPassword({ password: user.password })).status).toBe(204);
      await expectDeadEverywhere(tokens);
      await expectLive(await signedIn(user));
    });

    it('of one user changes nothing for another', async () => {
      const [one, another] = [await server.driver.registerUser({ username: fresh() }), await server.driver.registerUser({ username: fresh() })];
      const tokens = await signedIn(another);
      await of(one.userId).setPassword({ password: NEW_PASSWORD });
      await expectLive(tokens);
      expect((await signInFrom(another)).status).toBe(200);
    });

    it('a first one lets a user in who had none', async () => {
      const { username, user_id: id } = (await create({ username: fresh() })).body;
      expect((await of(id).setPassword({ password: NEW_PASSWORD })).status).toBe(204);
      expect((await signInFrom({ username: String(username), password: NEW_PASSWORD })).status).toBe(200);
    });

    const hashOf = async (userId: string) => (await server.get(Database).query<{ password_hash: string }>('SELECT password_hash FROM users WHERE user_id = ?', [userId]))[0].password_hash;

    it('none is stored as it is', async () => {
      const { userId } = await server.driver.registerUser({ username: fresh() });
      expect(await hashOf(userId)).toMatch(/^\$argon2id\$v=19\$m=\d+,t=\d+,p=\d+\$/);
    });

    it.each(['POST', 'PUT'])('a hash of another system, given by %s, lets her in, and is replaced by one of ours then: not by a wrong password, and seen by nobody', async (method) => {
      const username = fresh();
      const { user_id: id } = (await create(method === 'POST' ? { username, password_hash: IMPORTED.password_hash } : { username, password: NEW_PASSWORD })).body;
      if (method === 'PUT') expect((await of(id).setPassword({ password_hash: IMPORTED.password_hash })).status).toBe(204);
      const was = await of(id).get();
      expectOAuthError(await signInFrom({ username, password: NEW_PASSWORD }), 400, 'invalid_grant');
      expect(await hashOf(id)).not.toMatch(/^\$argon2id\$/);
      const tokens = await signedIn({ username, password: IMPORTED.password });
      const replaced = await hashOf(id);
      expect(replaced).toMatch(/^\$argon2id\$v=19\$/);
      await expectLive(await signedIn({ username, password: IMPORTED.password }));
      expect(await hashOf(id)).toBe(replaced);
      await expectLive(tokens);
      const is = await of(id).get();
      expect([etagOf(is), is.body['updated_at']]).toEqual([etagOf(was), was.body['updated_at']]);
    });
  });

  describe('a user on whom too many passwords were tried', () => {
    let user: RegisteredUser;

    beforeEach(async () => {
      user = await server.driver.registerUser({ username: fresh() });
    });

    /** Wrong passwords, each from another address. */
    async function tryMany(howMany = ACCOUNT_LIMIT): Promise<string[]> {
      const from = Array.from({ length: howMany }, address);
      for (const each of from) expectOAuthError(await signInFrom({ ...user, password: 'not this one' }, each), 400, 'invalid_grant');
      return from;
    }

    it('is shown as locked from the last that is allowed on, alone and in the list, without a new entity tag, and by itself no longer when the time is over', async () => {
      const was = await of(user.userId).get();
      const until = new Date(server.clock.nowMs() + WINDOW_SECONDS * 1000).toISOString();
      const [first] = await tryMany(ACCOUNT_LIMIT - 1);
      expect((await of(user.userId).get()).body['locked_until']).toBeNull();
      expectOAuthError(await signInFrom(user, first), 400, 'invalid_grant');
      await tryMany(1);
      const is = await of(user.userId).get();
      expect([is.body, etagOf(is)]).toEqual([{ ...was.body, locked_until: until }, etagOf(was)]);
      expect((await list({ q: user.username })).body.items).toEqual([is.body]);
      expect((await of(user.userId).patch({ locked_until: null })).body['locked_until']).toBe(until);
      expectOAuthError(await signInFrom(user), 400, 'invalid_grant');
      server.clock.advanceSeconds(WINDOW_SECONDS);
      server.driver.renewAdminToken();
      expect((await of(user.userId).get()).body['locked_until']).toBeNull();
      expect((await signInFrom(user)).status).toBe(200);
    });

    it.each<[string, () => Promise<Answer<unknown>>, boolean]>([
      ['an unlocking, which does not sign her out', () => of(user.userId).unlock(), true],
      ['a new password, which does', () => of(user.userId).setPassword({ password: PASSWORD }), false],
    ])('may sign in again after %s, also from where they were tried', async (_, act, live) => {
      const { accessToken } = await server.driver.signIn(app, user);
      const [first] = await tryMany();
      expectOAuthError(await signInFrom(user), 400, 'invalid_grant');
      const answer = await act();
      expect([answer.status, answer.text]).toEqual([204, '']);
      expect((await of(user.userId).get()).body['locked_until']).toBeNull();
      expect((await introspect(server, accessToken)).body['active']).toBe(live);
      expect((await signInFrom(user, address(), other)).status).toBe(200);
      expect((await signInFrom(user, first)).status).toBe(200);
    });

    it('leaves no lock to another one who gets her name after she was deleted', async () => {
      await tryMany();
      await of(user.userId).delete();
      const successor = await server.driver.registerUser({ username: user.username });
      expect((await of(successor.userId).get()).body['locked_until']).toBeNull();
      expect((await signInFrom(successor)).status).toBe(200);
    });

    it('leaves no lock to another one who gets her name after she was renamed', async () => {
      await tryMany();
      await of(user.userId).patch({ username: fresh() });
      const successor = await server.driver.registerUser({ username: user.username });
      expect((await of(successor.userId).get()).body['locked_until']).toBeNull();
      expect((await signInFrom(successor)).status).toBe(200);
    });

    it('an unlocking of one who is not locked is 204 and changes nothing', async () => {
      const was = await of(user.userId).get();
      expect((await of(user.userId).unlock()).status).toBe(204);
      const is = await of(user.userId).get();
      expect([is.body, etagOf(is)]).toEqual([was.body, etagOf(was)]);
    });
  });

  describe('last_login_at', () => {
    const lastLogin = async (userId: string) => (await of(userId).get()).body['last_login_at'];
    const now = () => new Date(server.clock.nowMs()).toISOString();

    it('is the time of the last sign-in, on whichever instance, and of nothing else', async () => {
      const user = await server.driver.registerUser({ username: fresh() });
      const was = await of(user.userId).get();
      server.clock.advanceSeconds(1);
      expectOAuthError(await signInFrom({ ...user, password: 'not this one' }), 400, 'invalid_grant');
      await server.get(UserLogins).flush();
      expect(await lastLogin(user.userId)).toBeNull();

      const { refreshToken } = await server.driver.signIn(app, user);
      const first = now();
      server.clock.advanceSeconds(5);
      await other.driver.signIn(app, user);
      const second = now();
      await other.get(UserLogins).flush();
      expect(await lastLogin(user.userId)).toBe(second);
      await server.get(UserLogins).flush();
      expect([await lastLogin(user.userId), first < second]).toEqual([second, true]);

      server.clock.advanceSeconds(5);
      await server.driver.refreshed(app, refreshToken);
      await server.get(UserLogins).flush();
      expect(await lastLogin(user.userId)).toBe(second);
      expect(etagOf(await of(user.userId).get())).toBe(etagOf(was));
    });
  });

  describe('signing out, disabling and deleting', () => {
    let user: RegisteredUser;
    let tokens: UserTokens;

    beforeEach(async () => {
      user = await server.driver.registerUser({ username: fresh(), email: `${fresh()}@example.com` });
      tokens = await signedIn(user);
    });

    it.each(['tokens', 'sessions'])('DELETE …/%s ends all that she holds, at every client, and nothing of anybody else; she may sign in again', async (what) => {
      const opaque = await server.driver.registerClient({ grant_types: ['password'], scope: 'a', access_token_format: 'opaque' });
      const { accessToken: elsewhere } = await server.driver.signIn(opaque, user);
      const bystander = await signedIn(await server.driver.registerUser({ username: fresh() }));
      const answer = await server.driver.adminRequest('DELETE', `/users/${user.userId}/${what}`);
      expect([answer.status, answer.text]).toEqual([204, '']);
      expect((await server.driver.introspect(opaque, elsewhere)).body).toEqual({ active: false });
      await expectDeadEverywhere(tokens);
      await expectLive(bystander);
      await expectLive(await server.driver.signIn(app, user));
    });

    it('of ten sign-outs at once each is 204, or 409 when it was overtaken too often, and all that she held is dead', async () => {
      const statuses = (await Promise.all(Array.from({ length: 10 }, () => server.driver.adminRequest('DELETE', `/users/${user.userId}/tokens`)))).map(({ status }) => status);
      expect(statuses).toContain(204);
      expect(statuses.filter((status) => status !== 204 && status !== 409)).toEqual([]);
      await expectDeadEverywhere(tokens);
    });

    it('a disabled user cannot sign in, and what she holds is dead; enabled again she signs in anew, and nothing of it revives', async () => {
      expect((await of(user.userId).patch({ enabled: false })).body['enabled']).toBe(false);
      await expectDeadEverywhere(tokens);
      for (const at of [server, other]) expectOAuthError(await signInFrom(user, address(), at), 400, 'invalid_grant');
      expect((await of(user.userId).patch({ enabled: true })).status).toBe(200);
      await expectDeadEverywhere(tokens);
      await signedIn(user);
      await expectDeadEverywhere(tokens);
    });

    it('a new password does not let a disabled user in', async () => {
      await of(user.userId).patch({ enabled: false });
      expect((await of(user.userId).setPassword({ password: NEW_PASSWORD })).status).toBe(204);
      expectOAuthError(await signInFrom({ ...user, password: NEW_PASSWORD }), 400, 'invalid_grant');
    });

    it('a deleted user is gone: what she holds is dead, and everything below her is 404', async () => {
      const answer = await of(user.userId).delete();
      expect([answer.status, answer.text]).toEqual([204, '']);
      await expectDeadEverywhere(tokens);
      expectOAuthError(await signInFrom(user), 400, 'invalid_grant');
      expect((await list({ q: user.username })).body.items).toEqual([]);
      for (const [method, path, body] of [['GET', ''], ['PATCH', '', {}], ['DELETE', ''], ['PUT', '/password', { password: NEW_PASSWORD }], ['POST', '/unlock'], ['DELETE', '/tokens'], ['DELETE', '/sessions']] as const) {
        expectProblem(await server.driver.adminRequest(method, `/users/${user.userId}${path}`, body), 404);
      }
    });

    it('of ten deletions at once one is 204 and nine are 404', async () => {
      const statuses = (await Promise.all(Array.from({ length: 10 }, () => of(user.userId).delete()))).map(({ status }) => status).sort();
      expect(statuses).toEqual([204, ...Array.from({ length: 9 }, () => 404)]);
    });

    it('her name and address may be another one’s then, who gets another id and nothing of what she had', async () => {
      const { email } = (await of(user.userId).get()).body;
      await of(user.userId).delete();
      const successor = await server.driver.registerUser({ username: user.username, email, password: NEW_PASSWORD });
      expect(successor.userId).not.toBe(user.userId);
      await expectDeadEverywhere(tokens);
      expectOAuthError(await signInFrom(user), 400, 'invalid_grant');
      const anew = await signedIn(successor);
      expect(decodeJwt(anew.accessToken).claims['sub']).toBe(successor.userId);
      expectProblem(await of(user.userId).get(), 404);
      await expectDeadEverywhere(tokens);
    });
  });

  describe('every write is audited', () => {
    let id: string;
    const writes: [type: string, write: (headers: Record<string, string>) => Promise<Answer<unknown>>, detail?: Record<string, unknown>][] = [
      ['user.created', async (headers) => {
        const answer = await create({ username: fresh(), email: `${fresh()}@example.com`, password: PASSWORD }, headers);
        id = answer.body.user_id;
        return answer;
      }],
      ['user.updated', (headers) => of(id).patch({ name: 'After', roles: ['manager'] }, headers), { changed: ['name', 'roles'] }],
      ['user.updated', (headers) => of(id).patch({ enabled: false }, headers), { changed: ['enabled'] }],
      ['user.password_set', (headers) => of(id).setPassword({ password: NEW_PASSWORD }, headers)],
      ['user.password_set', (headers) => of(id).setPassword({ password_hash: IMPORTED.password_hash }, headers)],
      ['user.unlocked', (headers) => server.driver.adminRequest('POST', `/users/${id}/unlock`, undefined, { headers })],
      ['user.signed_out', (headers) => server.driver.adminRequest('DELETE', `/users/${id}/tokens`, undefined, { headers })],
      ['user.signed_out', (headers) => server.driver.adminRequest('DELETE', `/users/${id}/sessions`, undefined, { headers })],
      ['user.deleted', (headers) => of(id).delete(headers)],
    ];
    const events = async (parameters: Record<string, string> = {}) => (await server.driver.adminRequest<{ items: AuditEvent[] }>('GET', `/audit-events${query({ limit: '200', ...parameters })}`)).body.items;

    it.each(writes)('%s: one event, with who, about whom, in which request', async (type, write, detail = {}) => {
      const requestId = `users-${++serial}`;
      const [before] = await events({ limit: '1' });
      expect((await write({ 'x-request-id': requestId })).status).toBeLessThan(300);
      const [event, next] = await events({ limit: '2' });
      expect(event).toMatchObject({ type, actor: { client_id: ADMIN.clientId, address: '127.0.0.1' }, client_id: null, user_id: id, request_id: requestId, detail });
      expect(next).toEqual(before);
    });

    it('and found by her id, also after she was deleted', async () => {
      expect((await events({ user_id: id })).map(({ type }) => type).reverse()).toEqual(writes.map(([type]) => type));
    });

    it('a write that is refused, or changes nothing, leaves none', async () => {
      const user = await server.driver.registerUser({ username: fresh() });
      const [before] = await events({ limit: '1' });
      await create({ username: user.username });
      await create({ username: fresh(), password: 'short' });
      await of(user.userId).patch({ name: 'x' }, { 'if-match': '"stale"' });
      await of(user.userId).patch({ username: user.username });
      await of(user.userId).setPassword({ password: 'short' });
      await of(user.userId).setPassword({ password: NEW_PASSWORD }, { 'if-match': '"stale"' });
      await server.driver.adminRequest('DELETE', `/users/usr_${'A'.repeat(22)}/tokens`);
      expect(await events({ limit: '1' })).toEqual([before]);
    });
  });

  describe('ids in a path', () => {
    it('are compared byte by byte', async () => {
      const { userId } = await server.driver.registerUser({ username: fresh() });
      for (const id of [`usr_${flipCase(userId.slice(4))}`, `${userId}%20`, `%20${userId}`, `${userId}%00`]) expect([id, (await of(id).get()).status]).toEqual([id, 404]);
      expect((await of(encodeURIComponent(userId)).get()).status).toBe(200);
    });
  });

  it('no password and no hash stands in any answer, audit event or log line', async () => {
    const secret = { password: 'zebra quartz violin harvest', hash: IMPORTED.password_hash };
    const user = await server.driver.registerUser({ username: fresh(), password: secret.password });
    const tokens = await server.driver.signIn(app, user);
    const answers: Answer<unknown>[] = [
      await create({ username: user.username, password: secret.password }), await create({ username: fresh(), password_hash: secret.hash }), await create(`{"password":"${secret.password}"`),
      await of(user.userId).get(), await of(user.userId).patch({ name: 'After' }), await of(user.userId).patch({ password: secret.password }), await of(user.userId).setPassword({ password: secret.password }), await list({ limit: '200' }),
      await server.driver.adminRequest('GET', `/users${query({ password: secret.password })}`), await server.driver.adminRequest('GET', '/audit-events?limit=200'), await server.driver.adminRequest('PUT', `/users/x/password`, { password: secret.password }),
      await signInFrom({ ...user, password: secret.password }, address(), other), await signInFrom({ username: fresh(), password: secret.password }),
    ];
    // Where a name is wrong the answer points at it; the log must not.
    await create({ username: fresh(), [secret.password]: secret.password });
    const told = answers.map(({ text }) => text);
    const logged = [...server.logLines, ...other.logLines];
    expect(logged.length).toBeGreaterThan(100);
    for (const text of [...told, ...logged]) expect(text).not.toMatch(new RegExp(`${secret.password.replaceAll(' ', '(?: |%20|\\+)')}|\\$argon2|\\$2[ab]\\$|pass_?word_?hash"?:|token_?generation`, 'i'));
    for (const text of logged) expect(text).not.toMatch(new RegExp(`${PASSWORD}|${NEW_PASSWORD}|${IMPORTED.password}|${tokens.accessToken}|${tokens.refreshToken}|mg_rt_|eyJ`));
  });
});
