import { ChangeFeed } from '../../../src/database/change-feed.js';
import { describeOnEachDatabase } from '../../support/databases.js';
import { eventually } from '../../support/eventually.js';
import { type Answer, type Credentials, decodeJwt, type Form } from '../../support/oauth-driver.js';
import { expectProblem } from '../../support/problems.js';
import { Scrape } from '../../support/scrape.js';
import { keyIn, kidOf, rotate, wait } from '../../support/signing-keys.js';
import { ADMIN, TestServer } from '../../support/test-server.js';

const INVOICES = 'https://invoices.example.com';
const ORDERS = 'https://orders.example.com';
const REUSE = { access_token_lifetime: 300, access_token_reuse: 120 };

/** An instance hears of its own changes once more and looks again. One read of the feed may have begun before the change, the next has not. */
async function hear(server: TestServer): Promise<void> {
  for (let reads = 0; reads < 2; reads++) await server.get(ChangeFeed).poll();
}

describeOnEachDatabase('access_token_reuse: the client credentials grant gives a fresh JWT again', (kind) => {
  let server: TestServer;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
    await server.driver.registerResource({ identifier: INVOICES, scopes: [{ name: 'invoices:read' }, { name: 'invoices:write' }] });
    await server.driver.registerResource({ identifier: ORDERS, scopes: [{ name: 'orders:read' }], access_token_lifetime: 60 });
  });
  beforeEach(() => server.driver.renewAdminToken());
  afterAll(() => server.stop());

  async function register(metadata: Record<string, unknown> = {}): Promise<Credentials & { metadata: Record<string, unknown> }> {
    const client = await server.driver.registerClient({ scope: 'a b', ...REUSE, ...metadata });
    await hear(server);
    return client;
  }

  const tokenOf = (client: Credentials, form: Form = {}) => server.driver.accessToken(client, form);
  const change = async (client: Credentials, patch: Record<string, unknown>): Promise<void> => {
    expect((await server.driver.adminRequest('PATCH', `/clients/${client.clientId}`, patch)).status).toBe(200);
  };

  /** A client with a token that it was given twice, so that another answer is for what happened since. */
  async function holder(metadata: Record<string, unknown> = {}, form: Form = {}): Promise<{ client: Credentials; token: string }> {
    const client = await register(metadata);
    const token = await tokenOf(client, form);
    expect(await tokenOf(client, form)).toBe(token);
    return { client, token };
  }

  async function expectActive(client: Credentials, token: string): Promise<void> {
    expect((await server.driver.introspect(client, token)).body).toMatchObject({ active: true, client_id: client.clientId });
  }

  describe('the answer', () => {
    it('is the same token with what remains of its lifetime, and otherwise like the first', async () => {
      const client = await register();
      const first = await server.driver.token(client);
      server.clock.advanceSeconds(100);
      const second = await server.driver.token(client);
      expect(second.status).toBe(200);
      expect(second.body).toEqual({ ...first.body, expires_in: 200 });
      expect(first.body['expires_in']).toBe(300);
      for (const header of ['cache-control', 'pragma', 'content-type']) expect(second.headers.get(header)).toBe(first.headers.get(header));
      await expectActive(client, second.body['access_token'] as string);
    });

    it('has a new token from the second on in which the time is over, and that one is given again', async () => {
      const { client, token } = await holder();
      server.clock.advanceSeconds(119);
      expect(await tokenOf(client)).toBe(token);
      server.clock.advanceSeconds(1);
      const answer = await server.driver.token(client);
      expect(answer.body).toMatchObject({ expires_in: 300 });
      expect(answer.body['access_token']).not.toBe(token);
      expect(await tokenOf(client)).toBe(answer.body['access_token']);
      await expectActive(client, token);
    });

    it.each([[299, 1], [1, 300]])('never has a token without anything left: %i seconds of reuse, %i left at least', async (access_token_reuse, left) => {
      const client = await register({ access_token_reuse });
      const { exp } = decodeJwt(await tokenOf(client)).claims as { exp: number };
      for (let second = 0; second < 300; second += 13) {
        server.clock.advanceSeconds(13);
        const { body } = await server.driver.token(client);
        expect(body['expires_in']).toBeGreaterThanOrEqual(left);
        await expectActive(client, body['access_token'] as string);
      }
      expect(decodeJwt(await tokenOf(client)).claims['exp']).toBeGreaterThan(exp);
    });

    it.each([{ access_token_reuse: 0 }, { access_token_reuse: null }, { access_token_reuse: undefined }])('has a new token each time when it is off: %j', async (off) => {
      const client = await register(off);
      expect(client.metadata['access_token_reuse']).toBe(0);
      expect(new Set([await tokenOf(client), await tokenOf(client), await tokenOf(client)]).size).toBe(3);
    });

    it('has a new token when the clock was set back to before the last one', async () => {
      const { client, token } = await holder();
      server.clock.advanceSeconds(-5);
      const answer = await tokenOf(client);
      server.clock.advanceSeconds(5);
      expect(answer).not.toBe(token);
    });
  });

  describe('another token', () => {
    it('for each scope', async () => {
      const client = await register({ default_scope: 'a' });
      const [byDefault, asked, other, both] = [await tokenOf(client), await tokenOf(client, { scope: 'a' }), await tokenOf(client, { scope: 'b' }), await tokenOf(client, { scope: 'a b' })];
      expect(asked).toBe(byDefault);
      expect(new Set([asked, other, both]).size).toBe(3);
      expect([asked, other, both].map((token) => decodeJwt(token).claims['scope'])).toEqual(['a', 'b', 'a b']);
      for (const [scope, token] of [['a', asked], ['b', other], ['a b', both]]) expect(await tokenOf(client, { scope })).toBe(token);
    });

    it('for each audience', async () => {
      const client = await register({ scope: 'invoices:read orders:read', default_scope: 'invoices:read' });
      const forms: Form[] = [{}, { resource: INVOICES }, { resource: ORDERS }, { resource: [INVOICES, ORDERS] }, { resource: [ORDERS, INVOICES] }];
      const tokens: string[] = [];
      for (const form of forms) tokens.push(await tokenOf(client, { scope: form['resource'] === ORDERS ? 'orders:read' : 'invoices:read', ...form }));
      expect(tokens.map((token) => decodeJwt(token).claims['aud'])).toEqual([INVOICES, INVOICES, ORDERS, [INVOICES, ORDERS], [ORDERS, INVOICES]]);
      expect(tokens[1]).toBe(tokens[0]);
      expect(new Set(tokens).size).toBe(4);
    });

    it('for each client, whatever their ids and scopes are put together to', async () => {
      const [one, two] = [await register({ client_id: `x-${kind}`, scope: 'a' }), await register({ client_id: `x-${kind}a`, scope: 'a' })];
      const [first, second] = [await tokenOf(one), await tokenOf(two)];
      expect([first, second].map((token) => decodeJwt(token).claims['sub'])).toEqual([one.clientId, two.clientId]);
      expect([await tokenOf(one), await tokenOf(two)]).toEqual([first, second]);
    });

    it('for what is refused: nothing, though a token for less is there', async () => {
      const { client } = await holder();
      expect((await server.driver.token(client, { scope: 'a c' })).body).toMatchObject({ error: 'invalid_scope' });
      expect((await server.driver.token({ ...client, clientSecret: 'wrong' })).status).toBe(401);
      expect((await server.driver.token(client, { resource: 'https://unknown.example.com' })).body).toMatchObject({ error: 'invalid_target' });
    });
  });

  it('a resource that cuts the lifetime cuts the time in proportion', async () => {
    const client = await register({ scope: 'orders:read' });
    const token = await tokenOf(client);
    server.clock.advanceSeconds(23);
    expect((await server.driver.token(client)).body).toMatchObject({ access_token: token, expires_in: 37 });
    server.clock.advanceSeconds(1);
    expect((await server.driver.token(client)).body).toMatchObject({ access_token: expect.not.stringMatching(token) as string, expires_in: 60 });
  });

  describe('is never given again', () => {
    it('once it was revoked (RFC 7009)', async () => {
      const { client, token } = await holder();
      const other = await tokenOf(client, { scope: 'a' });
      await server.driver.revoke(client, token);
      const fresh = await tokenOf(client);
      expect(fresh).not.toBe(token);
      await expectActive(client, fresh);
      expect(await tokenOf(client)).toBe(fresh);
      expect(await tokenOf(client, { scope: 'a' })).toBe(other);
    });

    it('once all tokens of its client were revoked', async () => {
      const { client, token } = await holder();
      expect((await server.driver.adminRequest('DELETE', `/clients/${client.clientId}/tokens`)).status).toBe(204);
      const fresh = await tokenOf(client);
      expect(fresh).not.toBe(token);
      await expectActive(client, fresh);
    });

    it('once its client was disabled, also when it is enabled again', async () => {
      const { client, token } = await holder();
      await change(client, { enabled: false });
      expect((await server.driver.token(client)).status).toBe(401);
      await change(client, { enabled: true });
      const fresh = await tokenOf(client);
      expect(fresh).not.toBe(token);
      await expectActive(client, fresh);
    });

    it('once its client was deleted, also to another one of its id', async () => {
      const { client, token } = await holder();
      await server.driver.adminRequest('DELETE', `/clients/${client.clientId}`);
      expect((await server.driver.token(client)).status).toBe(401);
      const again = await register({ client_id: client.clientId });
      const fresh = await tokenOf(again);
      expect(fresh).not.toBe(token);
      await expectActive(again, fresh);
    });

    it.each<[string, Record<string, unknown>]>([
      ['the scope', { scope: 'a b c', default_scope: 'a b' }],
      ['the lifetime', { access_token_lifetime: 200 }],
      ['the format', { access_token_format: 'opaque' }],
      ['the time of reuse', { access_token_reuse: 119 }],
      ['reuse off', { access_token_reuse: 0 }],
      ['anything else', { client_name: 'Renamed' }],
    ])('once its client was changed: %s', async (_, patch) => {
      const { client, token } = await holder();
      await change(client, patch);
      const { body } = await server.driver.token(client);
      expect(body).toMatchObject({ expires_in: patch['access_token_lifetime'] ?? 300, scope: 'a b' });
      expect(body['access_token']).not.toBe(token);
    });

    it('once a secret of its client was deleted, and the deleted secret gets nothing', async () => {
      const { client, token } = await holder();
      const path = `/clients/${client.clientId}/secrets`;
      const { body: list } = await server.driver.adminRequest<{ items: { secret_id: string }[] }>('GET', path);
      const { body: added } = await server.driver.adminRequest<{ client_secret: string }>('POST', path, {});
      await server.driver.adminRequest('DELETE', `${path}/${list.items[0].secret_id}`);
      expect((await server.driver.token(client)).status).toBe(401);
      expect(await tokenOf({ ...client, clientSecret: added.client_secret })).not.toBe(token);
    });

    it.each<[string, Record<string, unknown>]>([
      ['a shorter lifetime', { access_token_lifetime: 30 }],
      ['opaque tokens', { access_token_format: 'opaque' }],
      ['another owner of the scope', { scopes: [] }],
    ])('once its resource was changed: %s', async (what, patch) => {
      const identifier = `https://${what.replaceAll(' ', '-')}.example.com`;
      const scope = `scope:${what.replaceAll(' ', '-')}`;
      const resource = await server.driver.registerResource({ identifier, scopes: [{ name: scope }] });
      const { client, token } = await holder({ scope });
      expect((await server.driver.adminRequest('PATCH', `/resources/${String(resource['resource_id'])}`, patch)).status).toBe(200);
      expect(await tokenOf(client)).not.toBe(token);
    });

    it('once another key signs', async () => {
      wait(server);
      const { client, token } = await holder();
      expect((await rotate(server)).status).toBe(200);
      const fresh = await tokenOf(client);
      expect(kidOf(fresh)).not.toBe(kidOf(token));
      expect(await tokenOf(client)).toBe(fresh);
    });

    it('once its key was deleted in an emergency', async () => {
      const { client, token } = await holder();
      expect((await server.driver.adminRequest('DELETE', `/keys/${(await keyIn(server, 'active')).kid}`)).status).toBe(204);
      const fresh = await tokenOf(client);
      expect(kidOf(fresh)).not.toBe(kidOf(token));
      await expectActive(client, fresh);
    });
  });

  it('opaque tokens are new each time: no database holds them, and no memory is to', async () => {
    const client = await register({ access_token_format: 'opaque' });
    expect(await tokenOf(client)).not.toBe(await tokenOf(client));
  });

  it("users' tokens are new each time, also by a client that has this for itself", async () => {
    const client = await register({ grant_types: ['password', 'refresh_token', 'client_credentials'] });
    const user = await server.driver.registerUser({ username: `ada-${kind}` });
    const own = await tokenOf(client);
    const tokens = [await server.driver.signIn(client, user), await server.driver.signIn(client, user)];
    const refreshed = await server.driver.refreshed(client, tokens[1].refreshToken);
    const all = [own, ...tokens.map(({ accessToken }) => accessToken), refreshed.accessToken];
    expect(new Set(all).size).toBe(4);
    expect(await tokenOf(client)).toBe(own);
  });

  it('every answer counts as one, and a metric tells how many held a token that was there', async () => {
    const client = await register();
    const before = await Scrape.of(server.url);
    for (let i = 0; i < 4; i++) await tokenOf(client);
    await tokenOf(await register({ access_token_reuse: 0 }));
    const after = await Scrape.of(server.url);
    expect(after.rise(before, 'mintgate_tokens_issued_total', 'grant="client_credentials",format="jwt"')).toBeGreaterThanOrEqual(5);
    expect(after.rise(before, 'mintgate_cache_hits_total', 'cache="reusable_tokens"')).toBe(3);
    expect(after.rise(before, 'mintgate_cache_misses_total', 'cache="reusable_tokens"')).toBe(1);
    expect(after.value('mintgate_cache_entries', 'cache="reusable_tokens"')).toBeGreaterThan(0);
  });

  describe('the admin API', () => {
    const PATH = '/clients/reused';
    const put = (body: Record<string, unknown>): Promise<Answer> => server.driver.adminRequest('PUT', PATH, body);

    beforeAll(async () => {
      server.driver.renewAdminToken();
      expect((await put(REUSE)).status).toBe(201);
    });

    it.each<[{ access_token_lifetime?: number; access_token_reuse: number }]>([
      [{ access_token_lifetime: 60, access_token_reuse: 60 }],
      [{ access_token_lifetime: 60, access_token_reuse: 61 }],
      [{ access_token_reuse: 300 }],
    ])('refuses a time that is not shorter than the lifetime: %j', async (body) => {
      expectProblem(await put(body), 400, '/access_token_reuse');
      expect((await put({ ...body, access_token_reuse: (body.access_token_lifetime ?? 300) - 1 })).status).toBe(200);
    });

    it.each([['120'], [1.5], [-1], [86_400], [true], [[1]]])('refuses what is no number of seconds: %j', async (access_token_reuse) => {
      expectProblem(await put({ access_token_lifetime: 86_400, access_token_reuse }), 400, '/access_token_reuse');
    });

    it('refuses a lifetime that would become too short for it', async () => {
      await put(REUSE);
      expectProblem(await server.driver.adminRequest('PATCH', PATH, { access_token_lifetime: 120 }), 400, '/access_token_reuse');
      expect((await server.driver.adminRequest('PATCH', PATH, { access_token_lifetime: 121 })).body).toMatchObject({ access_token_lifetime: 121, access_token_reuse: 120 });
    });

    it('shows it, sets it back by null, and leaves it when it is not named', async () => {
      await put(REUSE);
      expect((await server.driver.adminRequest('PATCH', PATH, { client_name: 'Named' })).body).toMatchObject(REUSE);
      expect((await server.driver.adminRequest('GET', PATH)).body).toMatchObject(REUSE);
      expect((await server.driver.adminRequest('PATCH', PATH, { access_token_reuse: null })).body).toMatchObject({ access_token_reuse: 0 });
    });

    it('is served by tokens that are new each time unless an admin asks otherwise for the admin client', async () => {
      expect((await server.driver.adminRequest('GET', `/clients/${ADMIN.clientId}`)).body).toMatchObject({ access_token_reuse: 0 });
    });
  });
});

describeOnEachDatabase('access_token_reuse on two instances', (kind) => {
  let a: TestServer;
  let b: TestServer;
  let client: Credentials;
  let tokens: { a: string; b: string };

  beforeAll(async () => {
    a = await TestServer.start({ kind });
    b = await TestServer.start({ database: a.database, issuer: a.issuer, clock: a.clock });
  });
  beforeEach(async () => {
    a.driver.renewAdminToken();
    client = await a.driver.registerClient({ scope: 'a', ...REUSE });
    await Promise.all([hear(a), hear(b)]);
    tokens = { a: await a.driver.accessToken(client), b: await b.driver.accessToken(client) };
    expect({ a: await a.driver.accessToken(client), b: await b.driver.accessToken(client) }).toEqual(tokens);
  });
  afterAll(async () => {
    await b?.stop();
    await a?.stop();
  });

  it('each gives a token of its own', () => expect(tokens.a).not.toBe(tokens.b));

  it.each<[string, () => Promise<unknown>]>([
    ['revokes that token', () => a.driver.revoke(client, tokens.b)],
    ["revokes all of the client's tokens", () => a.driver.adminRequest('DELETE', `/clients/${client.clientId}/tokens`)],
    ['changes the client', () => a.driver.adminRequest('PATCH', `/clients/${client.clientId}`, { client_name: 'Changed' })],
    ['deletes the key that signed it', async () => a.driver.adminRequest('DELETE', `/keys/${kidOf(tokens.b)}`)],
  ])('once one %s, the other gives a new one within one second', async (_, happen) => {
    await happen();
    await eventually(async () => expect(await b.driver.accessToken(client)).not.toBe(tokens.b), { withinMs: 1000 });
    const fresh = await b.driver.accessToken(client);
    await eventually(async () => expect((await a.driver.introspect(client, fresh)).body).toMatchObject({ active: true }), { withinMs: 1000 });
  });
});
