import { describeOnEachDatabase } from '../../support/databases.js';
import { flipCase, withSegment } from '../../support/forged-tokens.js';
import type { Answer, Credentials } from '../../support/oauth-driver.js';
import { TestServer } from '../../support/test-server.js';

interface AuditEvents {
  items: { type: string; client_id: string | null; actor: { client_id: string | null; address: string | null } }[];
}

describeOnEachDatabase('RFC 7009 token revocation', (kind) => {
  let server: TestServer;
  const tokens: string[] = [];

  beforeAll(async () => {
    server = await TestServer.start({ kind, env: { LOG_LEVEL: 'debug' } });
  });
  afterAll(() => server.stop());

  async function holder(metadata: Record<string, unknown> = {}): Promise<{ client: Credentials; token: string }> {
    const client = await server.driver.registerClient(metadata);
    const token = await server.driver.accessToken(client);
    tokens.push(token, client.clientSecret);
    return { client, token };
  }

  const isActive = async (client: Credentials, token: string) => (await server.driver.introspect(client, token)).body['active'];

  const audited = async (clientId: string) => (await server.driver.adminRequest<AuditEvents>('GET', `/audit-events?type=token.revoked&client_id=${clientId}`)).body.items;

  function expectDone(answer: Answer): void {
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({});
    expect(answer.headers.get('cache-control')).toBe('no-store');
  }

  describe.each(['jwt', 'opaque'])('§2.1 a client’s own access token (%s)', (access_token_format) => {
    it('is revoked, and only this one', async () => {
      const { client, token } = await holder({ access_token_format });
      const sibling = await server.driver.accessToken(client);
      expect(await isActive(client, token)).toBe(true);
      expectDone(await server.driver.revoke(client, token));
      expect(await isActive(client, token)).toBe(false);
      expect(await isActive(client, sibling)).toBe(true);
    });

    it('is revoked by a client that authenticates in the body', async () => {
      const client = await server.driver.registerClient({ access_token_format, token_endpoint_auth_method: 'client_secret_post' });
      const form = { client_id: client.clientId, client_secret: client.clientSecret };
      const token = (await server.driver.token(undefined, form)).body['access_token'] as string;
      expectDone(await server.driver.revoke(undefined, token, form));
      expect((await server.driver.introspect(undefined, token, form)).body).toEqual({ active: false });
    });

    it.each(['access_token', 'refresh_token', 'id_token', 'urn:example:unknown', ''])('is revoked whatever the hint says: token_type_hint=%p', async (hint) => {
      const { client, token } = await holder({ access_token_format });
      expectDone(await server.driver.revoke(client, token, { token_type_hint: hint }));
      expect(await isActive(client, token)).toBe(false);
    });

    it('may be revoked again, one after another and at once, and is audited once, without the token', async () => {
      const { client, token } = await holder({ access_token_format });
      expectDone(await server.driver.revoke(client, token));
      for (const answer of await Promise.all(Array.from({ length: 5 }, () => server.driver.revoke(client, token)))) expectDone(answer);
      expect(await isActive(client, token)).toBe(false);
      const events = await audited(client.clientId);
      expect(events).toEqual([expect.objectContaining({ type: 'token.revoked', client_id: client.clientId, actor: { client_id: client.clientId, user_id: null, operator: null, address: '127.0.0.1' } })]);
      for (const part of token.split('.')) expect(JSON.stringify(events)).not.toContain(part);
    });

    it('that is revoked ten times at once is audited once', async () => {
      const { client, token } = await holder({ access_token_format });
      for (const answer of await Promise.all(Array.from({ length: 10 }, () => server.driver.revoke(client, token)))) expectDone(answer);
      expect(await audited(client.clientId)).toHaveLength(1);
    });

    it('that has expired is revoked without a word', async () => {
      const { client, token } = await holder({ access_token_format, access_token_lifetime: 30 });
      server.clock.advanceSeconds(30);
      expectDone(await server.driver.revoke(client, token));
      expect(await audited(client.clientId)).toEqual([]);
    });

    it('that died with all the others of its client is revoked without a word', async () => {
      const { client, token } = await holder({ access_token_format });
      await server.driver.adminRequest('DELETE', `/clients/${client.clientId}/tokens`);
      expectDone(await server.driver.revoke(client, token));
      expect(await isActive(client, token)).toBe(false);
    });

    it('of another client is unauthorized_client and stays active', async () => {
      const { client, token } = await holder({ access_token_format });
      const stranger = await server.driver.registerClient();
      const answer = await server.driver.revoke(stranger, token);
      expect(answer.status).toBe(400);
      expect(answer.body).toEqual({ error: 'unauthorized_client', error_description: expect.any(String) as string });
      expect(await isActive(client, token)).toBe(true);
      expect(await audited(client.clientId)).toEqual([]);
    });

    it('stays active when only something like it is revoked', async () => {
      const { client, token } = await holder({ access_token_format });
      for (const like of [token.slice(0, -1), `${token}A`, ` ${token}`, flipCase(token), token.toUpperCase()]) expectDone(await server.driver.revoke(client, like));
      expect(await isActive(client, token)).toBe(true);
    });

    it('of a client that was deleted and registered anew is none of the new one’s concern', async () => {
      const { client, token } = await holder({ access_token_format });
      await server.driver.adminRequest('DELETE', `/clients/${client.clientId}`);
      const again = await server.driver.registerClient({ client_id: client.clientId, access_token_format });
      const fresh = await server.driver.accessToken(again);
      expectDone(await server.driver.revoke(again, token));
      expect(await isActive(again, fresh)).toBe(true);
    });

    it('of a public client is revoked by its client_id alone, and not by that of another', async () => {
      const { client, token } = await holder({ access_token_format, scope: 'a' });
      const api = await server.driver.registerClient();
      const identifier = `https://${client.clientId}.example.com`;
      await server.driver.registerResource({ identifier, scopes: [{ name: `read:${client.clientId}` }], resource_servers: [api.clientId] });
      await server.driver.adminRequest('PATCH', `/clients/${client.clientId}`, { scope: `read:${client.clientId}` });
      const own = await server.driver.accessToken(client);
      const asPublic = { token_endpoint_auth_method: 'none', grant_types: ['authorization_code'], response_types: ['code'], redirect_uris: ['https://app.example.com/cb'] };
      expect((await server.driver.adminRequest('PATCH', `/clients/${client.clientId}`, asPublic)).status).toBe(200);
      const other = await server.driver.registerClient(asPublic);
      expect(await isActive(api, own)).toBe(true);

      expect((await server.driver.revoke(undefined, own, { client_id: other.clientId })).body).toMatchObject({ error: 'unauthorized_client' });
      expect((await server.driver.revoke(client, own)).status).toBe(401);
      expect(await isActive(api, own)).toBe(true);
      expectDone(await server.driver.revoke(undefined, own, { client_id: client.clientId }));
      expectDone(await server.driver.revoke(undefined, token, { client_id: client.clientId }));
      expect(await isActive(api, own)).toBe(false);
    });
  });

  describe('§2.2 what is no token', () => {
    it.each([
      ['a word', 'garbage'],
      ['an unknown opaque token', `mg_at_${'A'.repeat(43)}`],
      ['the prefix of a refresh token', `mg_rt_${'A'.repeat(43)}`],
      ['dots', '..'],
      ['an unsigned JWT', 'eyJhbGciOiJub25lIn0.e30.'],
      ['a header of null', `${Buffer.from('null').toString('base64url')}.e30.AA`],
      ['SQL', "' OR '1'='1"],
      ['emoji', '🔑'],
      ['9 KB', 'x'.repeat(9 * 1024)],
    ])('%s is answered as if it were revoked', async (_, value) => {
      expectDone(await server.driver.revoke(await server.driver.registerClient(), value));
    });

    it('a token whose signature is wrong is answered so too, also when it names another client', async () => {
      const { token } = await holder();
      expectDone(await server.driver.revoke(await server.driver.registerClient(), withSegment(token, 2, flipCase)));
    });
  });

  describe('§2.1 the request', () => {
    it.each<[string, Record<string, string | string[]>]>([
      ['no token', {}],
      ['an empty token', { token: '' }],
      ['a repeated token', { token: ['a', 'b'] }],
    ])('%s is invalid_request', async (_, form) => {
      const answer = await server.driver.form('/oauth/revoke', form, await server.driver.registerClient());
      expect(answer.status).toBe(400);
      expect(answer.body).toMatchObject({ error: 'invalid_request' });
    });

    it('GET is refused with Allow: POST', async () => {
      const { client, token } = await holder();
      const answer = await server.driver.request('GET', `/oauth/revoke?token=${token}&client_id=${client.clientId}&client_secret=${client.clientSecret}`);
      expect(answer.status).toBe(405);
      expect(answer.headers.get('allow')).toBe('POST');
      expect(await isActive(client, token)).toBe(true);
    });

    it.each<[string, (client: Credentials) => [Credentials | undefined, Record<string, string>]]>([
      ['no client authentication', () => [undefined, {}]],
      ['a wrong secret', ({ clientId }) => [{ clientId, clientSecret: 'wrong' }, {}]],
      ['the client_id of a confidential client alone', ({ clientId }) => [undefined, { client_id: clientId }]],
      ['the client_id of a confidential client and an empty secret', ({ clientId }) => [undefined, { client_id: clientId, client_secret: '' }]],
      ['a secret in the body of a client registered for Basic', ({ clientId, clientSecret }) => [undefined, { client_id: clientId, client_secret: clientSecret }]],
    ])('%s is invalid_client, and the token stays active', async (_, by) => {
      const { client, token } = await holder();
      const [credentials, form] = by(client);
      const answer = await server.driver.revoke(credentials, token, form);
      expect(answer.status).toBe(401);
      expect(answer.body).toMatchObject({ error: 'invalid_client' });
      expect(await isActive(client, token)).toBe(true);
    });
  });

  it('the log of all of this holds neither a token nor a secret, and every line is JSON', () => {
    const log = server.logLines.join('\n');
    expect(server.logLines.length).toBeGreaterThan(100);
    for (const secret of tokens.flatMap((token) => token.split('.').slice(-2))) expect(log).not.toContain(secret);
    for (const line of server.logLines) expect(JSON.parse(line)).toMatchObject({ level: expect.stringMatching(/^(debug|info)$/) as string });
  });
});
