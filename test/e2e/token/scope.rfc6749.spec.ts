import { type Credentials, decodeJwt } from '../../support/oauth-driver.js';
import { expectOAuthError } from '../../support/oauth-errors.js';
import { TestServer } from '../../support/test-server.js';

describe('RFC 6749 §3.3 scope of a client credentials token', () => {
  let server: TestServer;
  let client: Credentials;

  const grantedTo = async (credentials: Credentials, scope?: string) => {
    const answer = await server.driver.token(credentials, scope === undefined ? {} : { scope });
    expect(answer).toMatchObject({ status: 200 });
    const { claims } = decodeJwt(answer.body['access_token'] as string);
    expect(claims['scope']).toBe(answer.body['scope']);
    return answer.body['scope'];
  };

  beforeAll(async () => {
    server = await TestServer.start();
    client = await server.driver.registerClient({ scope: 'read write admin:all READ urn:x:y ~!#[]^', default_scope: 'read write' });
  });
  afterAll(() => server.stop());

  describe('what is granted is told', () => {
    it('none asked for -> the default scope', async () => {
      expect(await grantedTo(client)).toBe('read write');
    });

    it('none asked for by a client without a default -> its whole scope', async () => {
      expect(await grantedTo(await server.driver.registerClient({ scope: 'c a b' }))).toBe('c a b');
      expect(await grantedTo(await server.driver.registerClient({ scope: 'c a b', default_scope: null }))).toBe('c a b');
    });

    it('less than the default asked for -> only that', async () => {
      expect(await grantedTo(client, 'read')).toBe('read');
    });

    it('beyond the default, within the client\'s scope -> that', async () => {
      expect(await grantedTo(client, 'admin:all')).toBe('admin:all');
    });

    it('the order does not matter', async () => {
      expect(String(await grantedTo(client, 'write read')).split(' ').sort()).toEqual(['read', 'write']);
    });

    it('a token that is asked for twice is granted once', async () => {
      expect(await grantedTo(client, 'read read')).toBe('read');
    });

    it('every character of the grammar may stand in it', async () => {
      expect(await grantedTo(client, '~!#[]^ urn:x:y')).toBe('~!#[]^ urn:x:y');
      const all = [...Array(0x7f - 0x21).keys()].map((i) => String.fromCharCode(0x21 + i)).filter((each) => each !== '"' && each !== '\\').join('');
      expect(await grantedTo(await server.driver.registerClient({ scope: all }), all)).toBe(all);
    });

    it('a client without any scope gets a token without scope', async () => {
      const answer = await server.driver.token(await server.driver.registerClient({}));
      expect(answer.status).toBe(200);
      expect(answer.body).not.toHaveProperty('scope');
      expect(decodeJwt(answer.body['access_token'] as string).claims).not.toHaveProperty('scope');
    });

    it('an empty default gives none, though more may be asked for', async () => {
      const frugal = await server.driver.registerClient({ scope: 'read', default_scope: '' });
      expect((await server.driver.token(frugal)).body).not.toHaveProperty('scope');
      expect(await grantedTo(frugal, 'read')).toBe('read');
    });

    it('200 scopes are no more trouble than one', async () => {
      const many = [...Array(200).keys()].map((i) => `scope-number-${i}`).join(' ');
      expect(await grantedTo(await server.driver.registerClient({ scope: many }), many)).toBe(many);
    });
  });

  describe('what breaks the grammar -> invalid_scope', () => {
    it.each(['read  write', ' read', 'read ', ' ', 'read\twrite', '\tread', 'read\nwrite', 'read\n', 'read\r\nwrite', 'read,write "', 'a"b', 'a\\b', 'réad', 'read\u00a0write', 'read\u2003write', 'read\u007f', '\u001f', '🎫'])('%j', async (scope) => {
      expectOAuthError(await server.driver.token(client, { scope }), 400, 'invalid_scope');
    });
  });

  describe('what is unknown or not the client\'s -> invalid_scope, and nothing is granted instead', () => {
    it.each(['unknown', 'Read', 'WRITE', 'rea', 'reads', 'read write unknown', 'unknown read', 'read,write', '*', '.*', 'read|write', 'admin', 'admin:', 'clients:write', '__proto__', 'constructor', 'undefined', 'null', 'a'.repeat(5000)])('%s', async (scope) => {
      expectOAuthError(await server.driver.token(client, { scope }), 400, 'invalid_scope');
    });

    it('the case counts: READ is another scope than read', async () => {
      expect(await grantedTo(client, 'READ')).toBe('READ');
      const lower = await server.driver.registerClient({ scope: 'read' });
      expectOAuthError(await server.driver.token(lower, { scope: 'READ' }), 400, 'invalid_scope');
    });

    it('what another client may ask for', async () => {
      await server.driver.registerClient({ scope: 'theirs' });
      expectOAuthError(await server.driver.token(client, { scope: 'theirs' }), 400, 'invalid_scope');
    });

    it('what the client no longer has', async () => {
      const shrinking = await server.driver.registerClient({ scope: 'read write', default_scope: 'read' });
      expect(await grantedTo(shrinking, 'write')).toBe('write');
      expect((await server.driver.adminRequest('PATCH', `/clients/${shrinking.clientId}`, { scope: 'read' })).status).toBe(200);
      expectOAuthError(await server.driver.token(shrinking, { scope: 'write' }), 400, 'invalid_scope');
    });
  });

  describe('§4.4: a client that acts for itself has no user', () => {
    it.each(['openid', 'offline_access', 'openid read', 'read offline_access'])('%s -> invalid_scope, though the client has it for other grants', async (scope) => {
      const both = await server.driver.registerClient({ scope: 'openid offline_access profile read', grant_types: ['client_credentials', 'authorization_code', 'refresh_token'], redirect_uris: ['https://app.example/cb'] });
      expectOAuthError(await server.driver.token(both, { scope }), 400, 'invalid_scope');
    });

    it('by default it gets what remains without them, and neither a refresh token nor an ID token', async () => {
      const both = await server.driver.registerClient({ scope: 'openid read offline_access', grant_types: ['client_credentials', 'authorization_code', 'refresh_token'], redirect_uris: ['https://app.example/cb'] });
      const { body } = await server.driver.token(both);
      expect(body['scope']).toBe('read');
      expect(Object.keys(body).sort()).toEqual(['access_token', 'expires_in', 'scope', 'token_type']);
    });
  });
});
