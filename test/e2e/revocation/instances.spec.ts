import { describeOnEachDatabase } from '../../support/databases.js';
import { eventually } from '../../support/eventually.js';
import { type Credentials, decodeJwt } from '../../support/oauth-driver.js';
import { TestServer } from '../../support/test-server.js';

const FORMATS = ['jwt', 'opaque'];

/** What one instance has answered, every other one holds to within this time. */
const KNOWN = { withinMs: 1000 };

describeOnEachDatabase('Two instances on one database', (kind) => {
  let a: TestServer;
  let b: TestServer;
  let api: Credentials;

  beforeAll(async () => {
    a = await TestServer.start({ kind });
    b = await TestServer.start({ database: a.database, issuer: a.issuer, clock: a.clock });
    api = await a.driver.registerClient({ client_id: 'api' });
    await a.driver.registerResource({ identifier: 'https://api.example.com', scopes: [{ name: 'read' }], resource_servers: [api.clientId] });
    await eventually(async () => expect(await statusOfSecret(api)).toBe(200), KNOWN);
  });
  afterAll(async () => {
    await b?.stop();
    await a?.stop();
  });

  const statusOfSecret = async (client: Credentials) => (await b.driver.token(client)).status;
  const introspected = async (token: string, caller = api, at = b) => (await at.driver.introspect(caller, token)).body;
  const kidOf = (token: string) => decodeJwt(token).header['kid'];
  const kidsOf = async (server: TestServer) => (await server.driver.request<{ keys: { kid: string }[] }>('GET', '/.well-known/jwks.json')).body.keys.map(({ kid }) => kid).sort();

  /** A client and its token, which the other instance has seen and may have kept in memory. */
  async function knownHolder(access_token_format: string): Promise<{ client: Credentials; token: string }> {
    const client = await a.driver.registerClient({ scope: 'read', access_token_format });
    const token = await a.driver.accessToken(client);
    await eventually(async () => expect(await introspected(token)).toMatchObject({ active: true }), KNOWN);
    return { client, token };
  }

  const inactiveOnTheOther = (token: string, caller = api) => eventually(async () => expect(await introspected(token, caller)).toEqual({ active: false }), KNOWN);

  describe.each(FORMATS)('a token (%s)', (format) => {
    it('that one issued is known to the other at once', async () => {
      const { client } = await knownHolder(format);
      expect(await introspected(await a.driver.accessToken(client))).toMatchObject({ active: true });
      expect(await introspected(await b.driver.accessToken(client), api, a)).toMatchObject({ active: true });
    });

    it('that one revoked is inactive on the other within one second', async () => {
      const { client, token } = await knownHolder(format);
      const sibling = await a.driver.accessToken(client);
      expect((await a.driver.revoke(client, token)).status).toBe(200);
      await inactiveOnTheOther(token);
      expect(await introspected(sibling)).toMatchObject({ active: true });
    });

    it('that the other issued may be revoked here', async () => {
      const { client } = await knownHolder(format);
      const token = await b.driver.accessToken(client);
      expect((await a.driver.revoke(client, token)).status).toBe(200);
      expect(await introspected(token, api, a)).toEqual({ active: false });
      await inactiveOnTheOther(token);
    });

    it('that both revoke at once is inactive on both, and audited once', async () => {
      const { client, token } = await knownHolder(format);
      const answers = await Promise.all([a, b, a, b].map((each) => each.driver.revoke(client, token)));
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
      expect(await introspected(token, api, a)).toEqual({ active: false });
      expect(await introspected(token)).toEqual({ active: false });
      expect((await a.driver.adminRequest('GET', `/audit-events?type=token.revoked&client_id=${client.clientId}`)).body['items']).toHaveLength(1);
    });

    it('of a client that one disables is inactive on the other within one second, and the client gets no other', async () => {
      const { client, token } = await knownHolder(format);
      await a.driver.adminRequest('PATCH', `/clients/${client.clientId}`, { enabled: false });
      await inactiveOnTheOther(token);
      expect(await statusOfSecret(client)).toBe(401);
    });

    it('of a client that one deletes is inactive on the other within one second, and the client gets no other', async () => {
      const { client, token } = await knownHolder(format);
      await a.driver.adminRequest('DELETE', `/clients/${client.clientId}`);
      await inactiveOnTheOther(token);
      expect(await statusOfSecret(client)).toBe(401);
    });

    it('of a client that was deleted and registered anew stays dead on both, while a new one is active', async () => {
      const { client, token } = await knownHolder(format);
      await a.driver.adminRequest('DELETE', `/clients/${client.clientId}`);
      const again = await a.driver.registerClient({ client_id: client.clientId, scope: 'read', access_token_format: format });
      const fresh = await a.driver.accessToken(again);
      await eventually(async () => expect(await introspected(fresh)).toMatchObject({ active: true }), KNOWN);
      for (const each of [a, b]) expect(await introspected(token, api, each)).toEqual({ active: false });
      expect(await statusOfSecret(client)).toBe(401);
      expect(await statusOfSecret(again)).toBe(200);
    });

    it('of a client whose tokens one revokes is inactive on the other within one second, while a new one is active', async () => {
      const { client, token } = await knownHolder(format);
      await a.driver.adminRequest('DELETE', `/clients/${client.clientId}/tokens`);
      await inactiveOnTheOther(token);
      const fresh = await a.driver.accessToken(client);
      expect(await introspected(fresh)).toMatchObject({ active: true });
      expect(await introspected(await b.driver.accessToken(client), api, a)).toMatchObject({ active: true });
    });

    it('stays revoked on an instance that starts later, however long ago that was', async () => {
      const lifetime = 7200;
      const client = await a.driver.registerClient({ scope: 'read', access_token_format: format, access_token_lifetime: lifetime });
      const [revoked, other] = [await a.driver.accessToken(client), await a.driver.accessToken(client)];
      await a.driver.revoke(client, revoked);
      a.clock.advanceSeconds(lifetime / 2);
      for (const each of [a, b]) each.driver.renewAdminToken();
      const later = await TestServer.start({ database: a.database, issuer: a.issuer, clock: a.clock });
      try {
        expect(await introspected(revoked, api, later)).toEqual({ active: false });
        expect(await introspected(other, api, later)).toMatchObject({ active: true });
      } finally {
        await later.stop();
      }
    });
  });

  describe('a client', () => {
    it('that one registers gets tokens from the other within one second, also after it was unknown there', async () => {
      const clientId = 'early-bird';
      expect(await statusOfSecret({ clientId, clientSecret: 'guess' })).toBe(401);
      const client = await a.driver.registerClient({ client_id: clientId });
      await eventually(async () => expect(await statusOfSecret(client)).toBe(200), KNOWN);
    });

    it('whose secret one deletes is refused by the other within one second, and its new secret taken', async () => {
      const client = await a.driver.registerClient();
      await eventually(async () => expect(await statusOfSecret(client)).toBe(200), KNOWN);
      const { body: list } = await a.driver.adminRequest<{ items: { secret_id: string }[] }>('GET', `/clients/${client.clientId}/secrets`);
      const { body: added } = await a.driver.adminRequest<{ client_secret: string }>('POST', `/clients/${client.clientId}/secrets`, {});
      expect((await a.driver.adminRequest('DELETE', `/clients/${client.clientId}/secrets/${list.items[0].secret_id}`)).status).toBe(204);
      await eventually(async () => expect(await statusOfSecret(client)).toBe(401), KNOWN);
      expect(await statusOfSecret({ clientId: client.clientId, clientSecret: added.client_secret })).toBe(200);
    });

    it('whose scope one narrows gets no more from the other within one second', async () => {
      const client = await a.driver.registerClient({ scope: 'read more' });
      await eventually(async () => expect(await statusOfSecret(client)).toBe(200), KNOWN);
      await a.driver.adminRequest('PATCH', `/clients/${client.clientId}`, { scope: 'read' });
      await eventually(async () => expect((await b.driver.token(client, { scope: 'more' })).body).toMatchObject({ error: 'invalid_scope' }), KNOWN);
    });
  });

  describe('a resource', () => {
    it('that one registers is the audience of the other’s tokens within one second, and its resource server may introspect there', async () => {
      const [client, server] = [await a.driver.registerClient({ scope: 'orders' }), await a.driver.registerClient()];
      await a.driver.registerResource({ identifier: 'https://orders.example.com', scopes: [{ name: 'orders' }], resource_servers: [server.clientId] });
      const answered = performance.now();
      const token = await eventually(async () => {
        const issued = await b.driver.accessToken(client);
        expect(decodeJwt(issued).claims['aud']).toBe('https://orders.example.com');
        return issued;
      }, KNOWN);
      await eventually(async () => expect(await introspected(token, server)).toMatchObject({ active: true }), { withinMs: KNOWN.withinMs - (performance.now() - answered) });
    });

    it('whose list of resource servers one shortens says no more on the other within one second', async () => {
      const [client, server] = [await a.driver.registerClient({ scope: 'parcels' }), await a.driver.registerClient()];
      const resource = await a.driver.registerResource({ identifier: 'https://parcels.example.com', scopes: [{ name: 'parcels' }], resource_servers: [server.clientId] });
      const token = await a.driver.accessToken(client);
      await eventually(async () => expect(await introspected(token, server)).toMatchObject({ active: true }), KNOWN);
      await a.driver.adminRequest('PATCH', `/resources/${String(resource['resource_id'])}`, { resource_servers: [] });
      await inactiveOnTheOther(token, server);
    });
  });

  describe('a signing key', () => {
    it('both publish the same ones', async () => {
      expect(await kidsOf(b)).toEqual(await kidsOf(a));
    });

    it('that one rotates in signs on the other within one second, and the new next one is published there', async () => {
      const { client, token } = await knownHolder('jwt');
      a.clock.advanceSeconds(300);
      a.driver.renewAdminToken();
      expect((await a.driver.adminRequest('POST', '/keys/rotate', {})).status).toBe(200);
      const kid = kidOf(await a.driver.accessToken(client));
      expect(kid).not.toBe(kidOf(token));
      await eventually(async () => {
        expect(await kidsOf(b)).toEqual(await kidsOf(a));
        expect(kidOf(await b.driver.accessToken(client))).toBe(kid);
      }, KNOWN);
    });

    it('that signed on the other before it heard of a rotation is still good on both', async () => {
      const { client } = await knownHolder('jwt');
      a.clock.advanceSeconds(300);
      a.driver.renewAdminToken();
      await a.driver.adminRequest('POST', '/keys/rotate', {});
      const token = await b.driver.accessToken(client);
      for (const each of [a, b]) expect(await introspected(token, api, each)).toMatchObject({ active: true });
    });

    it('that one deletes is gone from the other’s JWKS within one second, and its tokens are inactive there', async () => {
      const { client, token } = await knownHolder('jwt');
      const kid = String(kidOf(token));
      expect((await a.driver.adminRequest('DELETE', `/keys/${kid}`)).status).toBe(204);
      a.driver.renewAdminToken();
      await eventually(async () => {
        expect(await introspected(token)).toEqual({ active: false });
        expect(await kidsOf(b)).not.toContain(kid);
        expect(await kidsOf(b)).toEqual(await kidsOf(a));
        expect(kidOf(await b.driver.accessToken(client))).toBe(kidOf(await a.driver.accessToken(client)));
      }, KNOWN);
    });
  });
});
