import { describeOnEachDatabase } from '../../support/databases.js';
import { type Answer, type Credentials, formEncode } from '../../support/oauth-driver.js';
import { expectOAuthError } from '../../support/oauth-errors.js';
import { TestServer } from '../../support/test-server.js';

const DAY = 86_400;

describeOnEachDatabase('client authentication', (kind) => {
  let server: TestServer;

  const token = (credentials: Credentials) => server.driver.token(credentials);
  const works = async (credentials: Credentials) => (await token(credentials)).status === 200;
  const addSecret = async (clientId: string, body: Record<string, unknown> = {}) => {
    server.driver.renewAdminToken();
    const answer = await server.driver.adminRequest('POST', `/clients/${clientId}/secrets`, body);
    expect(answer.status).toBe(201);
    return { clientId, clientSecret: answer.body['client_secret'] as string, secretId: answer.body['secret_id'] as string };
  };
  const advance = (seconds: number) => {
    server.clock.advanceSeconds(seconds);
    server.driver.renewAdminToken();
  };

  beforeAll(async () => {
    server = await TestServer.start({ kind });
  });
  afterAll(() => server.stop());

  describe('a refusal does not tell why, nor whether there is such a client', () => {
    const METHODS = ['client_secret_basic', 'client_secret_post'] as const;
    const present = ({ clientId, clientSecret }: Credentials, method: (typeof METHODS)[number], path: string) =>
      method === 'client_secret_basic'
        ? server.driver.form(path, { grant_type: 'client_credentials', token: 'x' }, { clientId, clientSecret })
        : server.driver.form(path, { grant_type: 'client_credentials', token: 'x', client_id: clientId, client_secret: clientSecret });
    const seen = ({ status, headers, text }: Answer) => ({ status, text, headers: [...headers].filter(([name]) => name !== 'date' && name !== 'x-request-id') });

    it.each(METHODS)('%s: unknown, disabled, without a secret, wrong, expired and deleted secret, other method, public: the same answer', async (method) => {
      const client = () => server.driver.registerClient({ scope: 'read', token_endpoint_auth_method: method });
      const good = await client();
      const disabled = await client();
      const expired = await client();
      const deleted = await client();
      const gone = await client();
      const soon = await addSecret(expired.clientId, { expires_in: 60 });
      advance(60);
      const removed = await addSecret(deleted.clientId);
      await server.driver.adminRequest('DELETE', `/clients/${deleted.clientId}/secrets/${removed.secretId}`);
      await server.driver.adminRequest('PATCH', `/clients/${disabled.clientId}`, { enabled: false });
      await server.driver.adminRequest('DELETE', `/clients/${gone.clientId}`);
      const otherMethod = await server.driver.registerClient({ token_endpoint_auth_method: METHODS.find((each) => each !== method) });
      const publicClient = await server.driver.registerClient({ token_endpoint_auth_method: 'none', grant_types: ['authorization_code'], redirect_uris: ['https://app.example/cb'] });

      const wrong = good.clientSecret.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));
      const refused: Record<string, Credentials> = {
        'an unknown client': { clientId: 'nobody', clientSecret: good.clientSecret },
        'an id that none can have': { clientId: ' \u00e9"', clientSecret: good.clientSecret },
        'an id too long for any': { clientId: 'a'.repeat(500), clientSecret: good.clientSecret },
        'a wrong secret': { clientId: good.clientId, clientSecret: wrong },
        'a short secret': { clientId: good.clientId, clientSecret: 'x' },
        'the secret of another client': { clientId: good.clientId, clientSecret: disabled.clientSecret },
        'a disabled client': disabled,
        'a disabled client with a wrong secret': { clientId: disabled.clientId, clientSecret: wrong },
        'a deleted client': gone,
        'an expired secret': soon,
        'a deleted secret': removed,
        'a client of another method': otherMethod,
        'a public client': { clientId: publicClient.clientId, clientSecret: 'x' },
      };
      for (const path of ['/oauth/token', '/oauth/introspect', '/oauth/revoke']) {
        expect((await present(good, method, path)).status).toBe(200);
        const expected = seen(await present(refused['a wrong secret'], method, path));
        expect(expected.status).toBe(401);
        // Twice each: from the database, and from memory.
        for (let round = 0; round < 2; round++) {
          for (const [what, credentials] of Object.entries(refused)) expect([what, seen(await present(credentials, method, path))]).toEqual([what, expected]);
        }
      }
    });

    it('client_id alone: an unknown, a disabled and a confidential client look alike', async () => {
      const disabled = await server.driver.registerClient({ token_endpoint_auth_method: 'none', grant_types: ['authorization_code'], redirect_uris: ['https://app.example/cb'], enabled: false });
      const confidential = await server.driver.registerClient({});
      const post = (clientId: string) => server.driver.form('/oauth/revoke', { token: 'x', client_id: clientId });
      const expected = seen(await post('nobody'));
      expect(expected.status).toBe(401);
      for (const { clientId } of [disabled, confidential]) expect(seen(await post(clientId))).toEqual(expected);
    });
  });

  describe('client ids and secrets are compared byte by byte', () => {
    it('an id in another case, with a space or an accent is another id', async () => {
      const client = await server.driver.registerClient({ client_id: 'Strasse-not', scope: 'read' });
      expect(await works(client)).toBe(true);
      const others = ['strasse-not', 'STRASSE-NOT', 'Strasse-not ', ' Strasse-not', 'Strasse-not\t', 'Strasse-not\n', 'Stràsse-not', 'Straße-not', 'Strasse-nöt', 'Strasse-not.', 'Strasse-no', 'Strasse-n_t', 'Strasse%', 'Ｓtrasse-not'];
      for (const clientId of others) {
        const byBasic = await token({ clientId, clientSecret: client.clientSecret });
        expect([clientId, byBasic.status, byBasic.body['error']]).toEqual([clientId, 401, 'invalid_client']);
        const byBody = await server.driver.form('/oauth/token', { grant_type: 'client_credentials', client_id: clientId, client_secret: client.clientSecret });
        expect([clientId, byBody.status, byBody.body['error']]).toEqual([clientId, 401, 'invalid_client']);
      }
    });

    it('ids that differ in case only are two clients', async () => {
      const [lower, upper] = [await server.driver.registerClient({ client_id: 'twin', scope: 'lower' }), await server.driver.registerClient({ client_id: 'TWIN', scope: 'upper' })];
      expect((await token(lower)).body['scope']).toBe('lower');
      expect((await token(upper)).body['scope']).toBe('upper');
      expectOAuthError(await token({ ...lower, clientId: upper.clientId }), 401, 'invalid_client');
    });

    it('a secret with one character of another case, one more, or one less is wrong', async () => {
      const client = await server.driver.registerClient({ scope: 'read' });
      const { clientSecret } = client;
      const at = clientSecret.search(/[a-z](?=[^a-z]*$)/);
      const flipped = clientSecret.slice(0, at) + clientSecret.charAt(at).toUpperCase() + clientSecret.slice(at + 1);
      for (const secret of [flipped, clientSecret.slice(0, -1), `${clientSecret}A`, `${clientSecret} `, ` ${clientSecret}`, `${clientSecret}\n`, clientSecret.replace('mg_cs_', ''), clientSecret.replace('mg_cs_', 'mg_at_'), formEncode(`${clientSecret}%`)]) {
        expectOAuthError(await token({ clientId: client.clientId, clientSecret: secret }), 401, 'invalid_client');
      }
    });
  });

  describe('rotation without an outage', () => {
    it('old and new secret both work until the old one ends, to the second', async () => {
      const old = await server.driver.registerClient({ scope: 'read' });
      const fresh = await addSecret(old.clientId, { previous_expires_in: DAY });
      expect(fresh.clientSecret).not.toBe(old.clientSecret);
      expect([await works(old), await works(fresh)]).toEqual([true, true]);
      advance(DAY - 1);
      expect([await works(old), await works(fresh)]).toEqual([true, true]);
      advance(1);
      expect([await works(old), await works(fresh)]).toEqual([false, true]);
      advance(30 * DAY);
      expect([await works(old), await works(fresh)]).toEqual([false, true]);
    });

    it('without previous_expires_in the old one stays; with 0 it ends at once', async () => {
      const old = await server.driver.registerClient({ scope: 'read' });
      const second = await addSecret(old.clientId);
      expect([await works(old), await works(second)]).toEqual([true, true]);
      const third = await addSecret(old.clientId, { previous_expires_in: 0 });
      expect([await works(old), await works(second), await works(third)]).toEqual([false, false, true]);
    });

    it('a further rotation does not prolong what was about to end', async () => {
      const first = await server.driver.registerClient({ scope: 'read' });
      const second = await addSecret(first.clientId, { previous_expires_in: 60 });
      const third = await addSecret(first.clientId, { previous_expires_in: DAY });
      advance(60);
      expect([await works(first), await works(second), await works(third)]).toEqual([false, true, true]);
    });

    it('a new secret may have an end of its own', async () => {
      const first = await server.driver.registerClient({ scope: 'read' });
      const second = await addSecret(first.clientId, { expires_in: 120 });
      advance(119);
      expect([await works(first), await works(second)]).toEqual([true, true]);
      advance(1);
      expect([await works(first), await works(second)]).toEqual([true, false]);
    });

    it('a deleted secret is dead at once, the other lives', async () => {
      const first = await server.driver.registerClient({ scope: 'read' });
      const second = await addSecret(first.clientId);
      expect(await works(second)).toBe(true);
      expect((await server.driver.adminRequest('DELETE', `/clients/${first.clientId}/secrets/${second.secretId}`)).status).toBe(204);
      expect([await works(first), await works(second)]).toEqual([true, false]);
    });

    it('a client that is disabled and enabled again has its secrets still', async () => {
      const client = await server.driver.registerClient({ scope: 'read' });
      await server.driver.adminRequest('PATCH', `/clients/${client.clientId}`, { enabled: false });
      expectOAuthError(await token(client), 401, 'invalid_client');
      await server.driver.adminRequest('PATCH', `/clients/${client.clientId}`, { enabled: true });
      expect(await works(client)).toBe(true);
    });

    it('a client that was deleted and made anew does not know the secrets of the old one', async () => {
      const before = await server.driver.registerClient({ client_id: 'phoenix', scope: 'read' });
      expect(await works(before)).toBe(true);
      expect((await server.driver.adminRequest('DELETE', '/clients/phoenix')).status).toBe(204);
      const after = await server.driver.registerClient({ client_id: 'phoenix', scope: 'read' });
      expect([await works(before), await works(after)]).toEqual([false, true]);
    });
  });
});
