import { describeOnOneDatabase } from '../../support/databases.js';
import { type Credentials, decodeJwt, PASSWORD, type RegisteredUser } from '../../support/oauth-driver.js';
import { expectOAuthError } from '../../support/oauth-errors.js';
import { expectProblem } from '../../support/problems.js';
import { TestServer } from '../../support/test-server.js';

const SUBJECT = /^usr_[\w-]{22}$/;
const FORMATS = ['jwt', 'opaque'];
const SHOP = ['https://shop.example.com/cb'];
const BANK = ['https://bank.example.com/cb'];

/** The longest text that stands in both. */
function commonPart(one: string, other: string): string {
  let longest = '';
  for (let at = 0; at < one.length; at++) while (at + longest.length < one.length && other.includes(one.slice(at, at + longest.length + 1))) longest = one.slice(at, at + longest.length + 1);
  return longest;
}

describeOnOneDatabase('OIDC Core §8 pairwise subjects', (kind) => {
  let server: TestServer;
  let margaret: RegisteredUser;
  let api: Credentials;
  let serial = 0;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
    margaret = await server.driver.registerUser({ username: 'margaret', roles: ['accountant'] });
    api = await server.driver.registerClient({ client_id: 'api' });
    await server.driver.registerResource({ identifier: 'https://api.example.com', scopes: [{ name: 'read', required_roles: ['accountant'] }], resource_servers: [api.clientId] });
  });
  afterAll(() => server.stop());

  const register = (metadata: Record<string, unknown> = {}) =>
    server.driver.registerClient({ grant_types: ['client_credentials', 'password', 'refresh_token'], scope: 'read', subject_type: 'pairwise', redirect_uris: SHOP, ...metadata });
  const patchClient = (client: Credentials, patch: Record<string, unknown>) => server.driver.adminRequest('PATCH', `/clients/${client.clientId}`, patch);
  const introspected = async (client: Credentials, token: string) => (await server.driver.introspect(client, token)).body;

  /** The subject in the user's token for a client, as the client's introspection tells it. */
  async function subjectFor(client: Credentials, user = margaret): Promise<unknown> {
    return (await introspected(client, (await server.driver.signIn(client, user)).accessToken))['sub'];
  }

  describe('§8.1 the subject', () => {
    it('is another one for clients of different hosts, and for neither the id of the user', async () => {
      const subjects = [await subjectFor(await register()), await subjectFor(await register({ redirect_uris: BANK })), margaret.userId];
      expect(new Set(subjects).size).toBe(3);
      for (const subject of subjects) expect(subject).toMatch(SUBJECT);
    });

    it.each([
      ['another path', ['https://shop.example.com/other?a=b']],
      ['another port', ['https://shop.example.com:8443/cb']],
      ['several of them', ['https://shop.example.com/a', 'https://shop.example.com:8443/b']],
      ['a loopback address beside it', ['https://shop.example.com/cb', 'http://127.0.0.1:3001/cb']],
      ['a private-use scheme beside it', ['com.example.shop:/cb', 'https://shop.example.com/cb']],
    ])('is the same one for clients of the same host: %s', async (_, redirectUris) => {
      expect(await subjectFor(await register({ redirect_uris: redirectUris }))).toBe(await subjectFor(await register()));
    });

    it.each([
      ['no redirect URI', []],
      ['a loopback address', ['http://127.0.0.1/cb', 'http://[::1]/cb']],
      ['a private-use scheme', ['com.example.shop://callback/cb']],
    ])('is of one client alone that has no host: %s', async (_, redirectUris) => {
      const subjects = [await subjectFor(await register({ redirect_uris: redirectUris })), await subjectFor(await register({ redirect_uris: redirectUris }))];
      expect(new Set([...subjects, margaret.userId]).size).toBe(3);
    });

    it('is not that of a host which a client without one has for an id', async () => {
      expect(await subjectFor(await register({ client_id: 'shop.example.com', redirect_uris: [] }))).not.toBe(await subjectFor(await register()));
    });

    it('is another one for each user', async () => {
      const client = await register();
      expect(await subjectFor(client, await server.driver.registerUser({ username: 'grace', roles: ['accountant'] }))).not.toBe(await subjectFor(client));
    });

    it('stays the same: at the next sign-in, in a refreshed token, with another instance', async () => {
      const client = await register();
      const subject = await subjectFor(client);
      const { refreshToken } = await server.driver.signIn(client, margaret);
      expect(decodeJwt((await server.driver.refreshed(client, refreshToken)).accessToken).claims['sub']).toBe(subject);
      const other = await TestServer.start({ database: server.database, issuer: server.issuer, clock: server.clock });
      try {
        expect(decodeJwt((await other.driver.signIn(client, margaret)).accessToken).claims['sub']).toBe(subject);
      } finally {
        await other.stop();
      }
    });

    it('is the id of the user for a public one, and the id of the client in a token of its own', async () => {
      expect(await subjectFor(await register({ subject_type: 'public' }))).toBe(margaret.userId);
      const client = await register();
      expect((await introspected(client, await server.driver.accessToken(client)))['sub']).toBe(client.clientId);
    });

    it('is all that a token says of who the user is: nothing else is alike in those of two hosts', async () => {
      const [one, other] = [await register(), await register({ redirect_uris: BANK })];
      const claims = await Promise.all([one, other].map(async (client) => decodeJwt((await server.driver.signIn(client, margaret)).accessToken).claims));
      expect(claims.map((each) => Object.keys(each).sort())).toEqual([1, 2].map(() => ['aud', 'client_id', 'exp', 'iat', 'iss', 'jti', 'roles', 'scope', 'sub']));
      const [ids, subjects] = [claims.map(({ jti }) => jti as string), claims.map(({ sub }) => (sub as string).slice(4))];
      expect(commonPart(ids[0], ids[1]).length).toBeLessThan(6);
      expect(commonPart(subjects[0], subjects[1]).length).toBeLessThan(6);
      expect(JSON.stringify(claims)).not.toContain(margaret.userId.slice(4, 12));
    });
  });

  describe.each(FORMATS)('tokens with one (%s)', (access_token_format) => {
    async function signedIn(user = margaret) {
      const client = await register({ access_token_format });
      return { client, ...(await server.driver.signIn(client, user)) };
    }

    it('RFC 7662 are described with it, to the client and to the API, the refresh token too', async () => {
      const { client, accessToken, refreshToken } = await signedIn();
      const subject = await subjectFor(client);
      expect(await introspected(client, accessToken)).toMatchObject({ active: true, sub: subject, client_id: client.clientId, roles: ['accountant'], aud: 'https://api.example.com' });
      expect(await introspected(api, accessToken)).toMatchObject({ active: true, sub: subject });
      expect(await introspected(client, refreshToken)).toMatchObject({ active: true, sub: subject });
    });

    it('RFC 7009 are revoked: an access token alone, with the refresh token everything', async () => {
      const { client, accessToken, refreshToken } = await signedIn();
      expect((await server.driver.revoke(client, accessToken)).status).toBe(200);
      expect(await introspected(client, accessToken)).toEqual({ active: false });
      const next = await server.driver.refreshed(client, refreshToken);
      expect(await introspected(client, next.accessToken)).toMatchObject({ active: true });
      expect((await server.driver.revoke(client, next.refreshToken)).status).toBe(200);
      expect(await introspected(client, next.accessToken)).toEqual({ active: false });
    });

    it.each<[string, (userId: string) => Promise<{ status: number }>]>([
      ['disabled', (userId) => server.driver.adminRequest('PATCH', `/users/${userId}`, { enabled: false })],
      ['deleted', (userId) => server.driver.adminRequest('DELETE', `/users/${userId}`)],
      ['signed out', (userId) => server.driver.adminRequest('DELETE', `/users/${userId}/tokens`)],
      ['given another password', (userId) => server.driver.adminRequest('PUT', `/users/${userId}/password`, { password: `${PASSWORD} 2` })],
    ])('are dead when the user is %s', async (_, change) => {
      const user = await server.driver.registerUser({ username: `user-${++serial}`, roles: ['accountant'] });
      const { client, accessToken, refreshToken } = await signedIn(user);
      expect(await introspected(client, accessToken)).toMatchObject({ active: true });
      expect((await change(user.userId)).status).toBeLessThan(300);
      expect(await introspected(client, accessToken)).toEqual({ active: false });
      expect(await introspected(client, refreshToken)).toEqual({ active: false });
      expectOAuthError(await server.driver.refresh(client, refreshToken), 400, 'invalid_grant');
    });

    it('follow the roles of the user', async () => {
      const user = await server.driver.registerUser({ username: `user-${++serial}`, roles: ['accountant'] });
      const { client, accessToken } = await signedIn(user);
      await server.driver.adminRequest('PATCH', `/users/${user.userId}`, { roles: ['manager'] });
      expect(await introspected(client, accessToken)).toMatchObject({ active: true, roles: ['manager'] });
    });

    it.each<[string, Record<string, unknown>, Record<string, unknown>]>([
      ['becomes public', {}, { subject_type: 'public' }],
      ['becomes pairwise', { subject_type: 'public' }, { subject_type: 'pairwise' }],
      ['moves to another host', {}, { redirect_uris: BANK }],
    ])('end when the client %s; who is signed in stays so, under her new subject', async (_, metadata, patch) => {
      const client = await register({ access_token_format, ...metadata });
      const { accessToken, refreshToken } = await server.driver.signIn(client, margaret);
      const { sub } = await introspected(client, accessToken);
      expect((await patchClient(client, patch)).status).toBe(200);
      expect(await introspected(client, accessToken)).toEqual({ active: false });
      const next = await introspected(client, (await server.driver.refreshed(client, refreshToken)).accessToken);
      expect(next).toMatchObject({ active: true, sub: await subjectFor(client) });
      expect(next['sub']).not.toBe(sub);
    });
  });

  describe('§8.1 without a sector_identifier_uri the redirect URIs have one host', () => {
    const TWO_HOSTS = [...SHOP, ...BANK];

    it('a client with two is refused as pairwise, new or changed', async () => {
      expectProblem(await server.driver.adminRequest('POST', '/clients', { subject_type: 'pairwise', redirect_uris: TWO_HOSTS }), 400, '/subject_type');
      expectProblem(await patchClient(await register(), { redirect_uris: TWO_HOSTS }), 400, '/subject_type');
      expectProblem(await patchClient(await register({ subject_type: 'public', redirect_uris: TWO_HOSTS }), { subject_type: 'pairwise' }), 400, '/subject_type');
    });

    it('a name within a name is another host', async () => {
      expectProblem(await server.driver.adminRequest('POST', '/clients', { subject_type: 'pairwise', redirect_uris: [...SHOP, 'https://example.com/cb'] }), 400, '/subject_type');
    });

    it('redirect URIs that are none are what is refused, and nothing else', async () => {
      expectProblem(await server.driver.adminRequest('POST', '/clients', { subject_type: 'pairwise', redirect_uris: ['https://', 'x'] }), 400, '/redirect_uris/0', '/redirect_uris/1');
    });
  });
});
