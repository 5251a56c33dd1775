import { describeOnEachDatabase } from '../../support/databases.js';
import { decodeJwt } from '../../support/oauth-driver.js';
import { TestServer } from '../../support/test-server.js';

describeOnEachDatabase('RFC 6749 §4.4 client credentials grant', (kind) => {
  let server: TestServer;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
  });
  afterAll(() => server.stop());

  it('gives a bearer token with the default scope when none is asked for', async () => {
    const client = await server.driver.registerClient({ scope: 'a b c', default_scope: 'a b' });
    const answer = await server.driver.token(client);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ token_type: 'Bearer', expires_in: 300, scope: 'a b' });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('pragma')).toBe('no-cache');
    expect(decodeJwt(answer.body['access_token'] as string).claims).toMatchObject({ iss: server.issuer, sub: client.clientId, client_id: client.clientId, aud: server.issuer, scope: 'a b' });
  });

  it('gives no refresh token and no ID token', async () => {
    const client = await server.driver.registerClient({ scope: 'a' });
    const { body } = await server.driver.token(client);
    expect(Object.keys(body).sort()).toEqual(['access_token', 'expires_in', 'scope', 'token_type']);
  });
});
