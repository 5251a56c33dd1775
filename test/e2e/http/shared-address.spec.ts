import { ChangeFeed } from '../../../src/database/change-feed.js';
import { RATE_LIMIT_NAMES } from '../../../src/config/rate-limits.js';
import { CALLBACK } from '../../support/authorization-url.js';
import { CodeFlow } from '../../support/code-flow.js';
import { describeOnEachDatabase, describeOnOneDatabase } from '../../support/databases.js';
import type { Answer, Credentials } from '../../support/oauth-driver.js';
import { expectOAuthError } from '../../support/oauth-errors.js';
import { expectProblem } from '../../support/problems.js';
import { StatementLog } from '../../support/statement-log.js';
import { TestServer } from '../../support/test-server.js';

const SHARED = '198.51.100.5';
const FAILURES = 12;
const LOOKUPS_PER_SECOND = 10;
const CACHE_ENTRIES = 30;

const settingOf = (limit: string) =>
  `RATE_LIMIT_${limit.toUpperCase()}_PER_${limit.endsWith('failures') ? '5_MINUTES' : 'MINUTE'}`;

const ENV = {
  ...Object.fromEntries(RATE_LIMIT_NAMES.map((limit) => [settingOf(limit), '0'])),
  RATE_LIMIT_ENABLED: 'true',
  RATE_LIMIT_ADDRESS_FAILURES_PER_5_MINUTES: String(FAILURES),
  TRUST_PROXY: 'loopback',
  CLIENT_CACHE_ENTRIES: String(CACHE_ENTRIES),
};

const from = (address: string) => ({ 'x-forwarded-for': address });
let serial = 0;

describeOnOneDatabase('an address that failed too often', (kind) => {
  const statements = new StatementLog();
  let server: TestServer;

  beforeAll(() => statements.open());
  afterAll(() => statements.close());
  beforeEach(async () => {
    server = await TestServer.start({ kind, env: ENV });
  });
  afterEach(() => server.stop());

  const askedFor = (table: RegExp) => [...statements.take().keys()].filter((sql) => table.test(sql));
  const register = async (metadata: Record<string, unknown> = {}) => {
    const client = await server.driver.registerClient({ client_id: `client-${++serial}`, scope: 'read', ...metadata });
    // The notice of it, which would drop it from memory once more.
    await server.get(ChangeFeed).poll();
    return client;
  };
  const ask = (client: Credentials, address = SHARED) =>
    server.driver.form('/oauth/token', { grant_type: 'client_credentials' }, client, from(address));
  const askAsNobody = (address = SHARED) => ask({ clientId: `nobody-${++serial}`, clientSecret: 'x' }, address);
  const failTooOften = async () => {
    for (let i = 0; i < FAILURES; i++) expect((await askAsNobody()).status).toBe(401);
  };

  describe('P16: bearer tokens', () => {
    const guess = () => `mg_at_${String(++serial).padStart(43, 'x')}`;
    const atAdmin = (token: string) =>
      server.driver.adminRequest('GET', '/clients', undefined, { token, headers: from(SHARED) });
    const atUserinfo = (token: string) =>
      server.driver.request('GET', '/oauth/userinfo', { headers: { authorization: `Bearer ${token}`, ...from(SHARED) } });
    const refuse = async (send: (token: string) => Promise<Answer>) => {
      for (let i = 0; i < LOOKUPS_PER_SECOND; i++) expect((await send(guess())).status).toBe(429);
      statements.take();
      for (let i = 0; i < 50; i++) expect((await send(guess())).status).toBe(429);
    };

    it.each([['the admin API', atAdmin], ['userinfo', atUserinfo]])(
      'at %s the 429 comes before the query that it protects',
      async (_, send) => {
        for (let i = 0; i < FAILURES; i++) expect((await send(guess())).status).toBe(401);
        await refuse(send);
        expect(askedFor(/access_tokens/)).toEqual([]);
        const refused = await send(guess());
        expect(refused.headers.get('ratelimit-policy')).toBe(`"address_failures";q=${FAILURES};w=300`);
        expect(refused.headers.get('retry-after')).toBe('1');
      },
    );

    it.each(['jwt', 'opaque'])('a %s token that was valid there before is served all the while', async (format) => {
      const admin = await register({ scope: 'clients:read', access_token_format: format });
      const known = await server.driver.accessToken(admin);
      const unseen = await server.driver.accessToken(admin);
      expect((await atAdmin(known)).status).toBe(200);
      await failTooOften();
      await refuse(atAdmin);
      for (let i = 0; i < 3; i++) expect((await atAdmin(known)).status).toBe(200);
      expectProblem(await atAdmin(unseen), 429);
      server.clock.advanceSeconds(1);
      expect((await atAdmin(unseen)).status).toBe(200);
    });

    it('a token that was valid before is not known once it is revoked', async () => {
      const admin = await register({ scope: 'clients:read', access_token_format: 'opaque' });
      const token = await server.driver.accessToken(admin);
      expect((await atAdmin(token)).status).toBe(200);
      await server.driver.revoke(admin, token);
      await failTooOften();
      expect((await atAdmin(token)).status).toBe(429);
      for (let i = 0; i < LOOKUPS_PER_SECOND; i++) await atAdmin(guess());
      statements.take();
      expect((await atAdmin(token)).status).toBe(429);
      expect(askedFor(/access_tokens/)).toEqual([]);
    });

    it('userinfo serves a user there whose token was not seen before', async () => {
      const user = await server.driver.registerUser({ username: 'margaret' });
      const flow = await CodeFlow.signedIn(server, user);
      const web = { grant_types: ['authorization_code'], redirect_uris: [CALLBACK], skip_consent: true };
      const { access_token: token } = await flow.tokens(await register({ ...web, scope: 'openid' }), { scope: 'openid' });
      await failTooOften();
      expect((await atUserinfo(token)).status).toBe(200);
    });
  });

  describe('P8: clients', () => {
    it('ids that nobody has push no client out of memory: it is served there all the while', async () => {
      const client = await register();
      expect((await ask(client)).status).toBe(200);
      await failTooOften();
      for (let i = 0; i < 3 * CACHE_ENTRIES; i++) await askAsNobody(`203.0.113.${i}`);
      for (let i = 0; i < LOOKUPS_PER_SECOND; i++) await askAsNobody();
      statements.take();
      expect((await ask(client)).status).toBe(200);
      expect(askedFor(/clients|client_secrets/)).toEqual([]);
    });

    it('a client that was not seen yet is looked up; after too many others it waits for a second', async () => {
      const [first, second] = [await register(), await register()];
      await failTooOften();
      expect((await ask(first)).status).toBe(200);
      const answers = [];
      for (let i = 0; i < LOOKUPS_PER_SECOND; i++) answers.push(await askAsNobody());
      answers.forEach((answer) => expectOAuthError(answer, 429, 'temporarily_unavailable'));
      statements.take();
      const refused = await ask(second);
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
      expect(askedFor(/clients|client_secrets/)).toEqual([]);
      server.clock.advanceSeconds(1);
      expect((await ask(second)).status).toBe(200);
    });

    it('a client that existed is served there although memory has to read it again', async () => {
      const client = await register();
      expect((await ask(client)).status).toBe(200);
      server.clock.advanceSeconds(80);
      await failTooOften();
      for (let i = 0; i < LOOKUPS_PER_SECOND; i++) await askAsNobody();
      expect((await ask(client)).status).toBe(200);
      await server.driver.adminRequest('PATCH', `/clients/${client.clientId}`, { client_name: 'Changed' });
      expect((await ask(client)).status).toBe(200);
    });

    it('a client that is registered under an id that was asked for before is served', async () => {
      const early = await ask({ clientId: 'later', clientSecret: 'x' });
      expectOAuthError(early, 401, 'invalid_client');
      const later = await server.driver.registerClient({ client_id: 'later', scope: 'read' });
      expect((await ask(later)).status).toBe(200);
    });
  });
});

describeOnEachDatabase('lookups', (kind) => {
  const statements = new StatementLog();
  let server: TestServer;

  beforeAll(async () => {
    statements.open();
    server = await TestServer.start({ kind });
  });
  afterAll(async () => {
    await server.stop();
    statements.close();
  });
  const askedFor = (table: RegExp) => [...statements.take().keys()].filter((sql) => table.test(sql));

  it('S9: of an unknown client cost the same statements as of a known one', async () => {
    const known = await server.driver.registerClient({ client_id: 'known' });
    await server.driver.adminRequest('POST', '/clients/known/secrets', {});
    const unknown = { clientId: 'unknown', clientSecret: known.clientSecret };
    await server.get(ChangeFeed).poll();
    const asked = [];
    for (const client of [known, unknown, { ...known, clientId: 'known ' }]) {
      statements.take();
      await server.driver.introspect(client, 'x');
      asked.push(askedFor(/FROM .?client/));
    }
    expect(asked[0]).toHaveLength(1);
    expect(asked[1]).toEqual(asked[0]);
    expect((await server.driver.introspect(known, 'x')).status).toBe(200);
  });

  it('S8: of the user of a token that has ended happen once, and leave the user in memory', async () => {
    const client = await server.driver.registerClient({ grant_types: ['password', 'refresh_token'], scope: 'read' });
    const user = await server.driver.registerUser({ username: 'margaret' });
    const { refreshToken: ended } = await server.driver.signIn(client, user);
    expect((await server.driver.adminRequest('DELETE', `/users/${user.userId}/tokens`)).status).toBe(204);
    const current = await server.driver.signIn(client, user);
    await server.get(ChangeFeed).poll();
    expectOAuthError(await server.driver.refresh(client, ended), 400, 'invalid_grant');
    statements.take();
    for (let i = 0; i < 5; i++) expectOAuthError(await server.driver.refresh(client, ended), 400, 'invalid_grant');
    expect(askedFor(/FROM .?users/)).toEqual([]);
    const refreshed = await server.driver.refreshed(client, current.refreshToken);
    expect((await server.driver.introspect(client, refreshed.accessToken)).body).toMatchObject({ active: true });
    expect(askedFor(/FROM .?users/)).toEqual([]);

    await server.driver.adminRequest('DELETE', `/users/${user.userId}`);
    await server.get(ChangeFeed).poll();
    await server.driver.refresh(client, ended);
    statements.take();
    expectOAuthError(await server.driver.refresh(client, refreshed.refreshToken), 400, 'invalid_grant');
    expectOAuthError(await server.driver.refresh(client, ended), 400, 'invalid_grant');
    statements.take();
    expectOAuthError(await server.driver.refresh(client, refreshed.refreshToken), 400, 'invalid_grant');
    expect(askedFor(/FROM .?users/)).toEqual([]);
  });

  it('a client that memory reads again unchanged stays the one whose tokens are reused', async () => {
    const reusing = { scope: 'read', access_token_lifetime: 3600, access_token_reuse: 1800 };
    const client = await server.driver.registerClient(reusing);
    await server.get(ChangeFeed).poll();
    const first = await server.driver.accessToken(client);
    server.clock.advanceSeconds(200);
    server.driver.renewAdminToken();
    statements.take();
    expect(await server.driver.accessToken(client)).toBe(first);
    expect(askedFor(/client_secrets/)).toHaveLength(1);
    const added = await server.driver.adminRequest('POST', `/clients/${client.clientId}/secrets`, {});
    expect(added.status).toBe(201);
    server.clock.advanceSeconds(200);
    expect(await server.driver.accessToken(client)).not.toBe(first);
  });
});
