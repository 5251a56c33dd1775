import { clientAnswer, expectErrorPage, expectPage, expectRefusal } from '../../support/authorization-answers.js';
import { authorizationQuery, authorizationUrl, CALLBACK, type ParameterChanges } from '../../support/authorization-url.js';
import { Browser, type PageAnswer } from '../../support/browser.js';
import { describeOnOneDatabase } from '../../support/databases.js';
import type { Credentials, RegisteredUser } from '../../support/oauth-driver.js';
import { TestServer } from '../../support/test-server.js';

const WITH_QUERY = 'https://app.example/cb?b=2&a=1';
const LOOPBACK = 'http://127.0.0.1/cb';
const LOOPBACK_6 = 'http://[::1]/cb';
const LOOPBACK_WITH_PORT = 'http://127.0.0.1:8080/cb?x=1';
const APP = 'com.example.app:/cb';

describeOnOneDatabase('whom the authorization endpoint answers', (kind) => {
  let server: TestServer;
  let margaret: RegisteredUser;
  let web: Credentials;
  let several: Credentials;
  let native: Credentials;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
    margaret = await server.driver.registerUser({ username: 'margaret' });
    web = await register({ redirect_uris: [CALLBACK] });
    several = await register({ redirect_uris: [CALLBACK, WITH_QUERY] });
    native = await register({ redirect_uris: [LOOPBACK, LOOPBACK_6, LOOPBACK_WITH_PORT, APP], token_endpoint_auth_method: 'none' });
  });
  afterAll(() => server.stop());

  const register = (metadata: Record<string, unknown>) => server.driver.registerClient({ grant_types: ['authorization_code'], scope: 'openid api', default_scope: 'api', ...metadata });
  const get = (client: { clientId: string }, changes: ParameterChanges = {}) => new Browser(server.url).get(authorizationUrl(client, changes));
  const post = (client: { clientId: string }, changes: ParameterChanges = {}) =>
    new Browser(server.url).request('POST', '/oauth/authorize', { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: authorizationQuery(client, changes) });
  /** Whether the request is taken, with an error that a client would hear of in it, and without. */
  const expectTaken = async (client: Credentials, redirectUri: string) => {
    const browser = new Browser(server.url);
    expectPage(await browser.follow(await browser.get(authorizationUrl(client, { redirect_uri: redirectUri }))), 'login');
    expectRefusal(await get(client, { redirect_uri: redirectUri, prompt: 'none' }), 'login_required', server, { redirectUri });
  };
  /** Refused whatever else the request says, and by either method. */
  const expectRefusedOnPage = async (client: { clientId: string }, changes: ParameterChanges) => {
    const answers: PageAnswer[] = [await get(client, changes), await post(client, changes), await get(client, { ...changes, prompt: 'none', response_mode: 'form_post' }), await get(client, { ...changes, response_type: 'foo' })];
    for (const answer of answers) {
      expectErrorPage(answer);
      expect(answer.text).not.toMatch(/evil|app\.example/);
    }
  };

  describe('RFC 6749 §4.1.2.1: the client', () => {
    it.each<[string, ParameterChanges]>([
      ['missing', { client_id: undefined }],
      ['empty', { client_id: '' }],
      ['unknown', { client_id: 'nobody' }],
      ['of a user', { client_id: 'usr_BTx5H7CKqJFbzJRQ-0oGXw' }],
      ['a member of every object', { client_id: '__proto__' }],
      ['too long', { client_id: 'a'.repeat(2000) }],
      ['markup', { client_id: '"><script>evil()</script>' }],
    ])('is %s: a page, and no redirect', async (_, changes) => {
      await expectRefusedOnPage(web, changes);
    });

    it('is known, but for the case of a letter or a space: a page', async () => {
      const { clientId } = await register({ client_id: 'Exact-Name', redirect_uris: [CALLBACK] });
      expect((await get({ clientId })).status).toBe(303);
      for (const other of ['exact-name', 'EXACT-NAME', 'Exact-Name ', ' Exact-Name', 'Exact-Näme']) await expectRefusedOnPage({ clientId: other }, {});
    });

    it('is named twice, with the same name and another: a page', async () => {
      for (const other of [web.clientId, several.clientId, '']) await expectRefusedOnPage(web, { client_id: [web.clientId, other] });
    });

    it('is named by a nested parameter: a page', async () => {
      for (const name of ['client_id[]', 'client_id[x]', '__proto__[client_id]', 'constructor[prototype][client_id]']) {
        await expectRefusedOnPage(web, { client_id: undefined, [name]: web.clientId });
        await expectRefusedOnPage(web, { [name]: web.clientId });
      }
      expect((await get(web)).status).toBe(303);
    });

    it('is disabled or deleted: the page that unknown ones get', async () => {
      const [disabled, deleted] = [await register({ redirect_uris: [CALLBACK] }), await register({ redirect_uris: [CALLBACK] })];
      for (const client of [disabled, deleted]) expect((await get(client)).status).toBe(303);
      await server.driver.adminRequest('PATCH', `/clients/${disabled.clientId}`, { enabled: false });
      await server.driver.adminRequest('DELETE', `/clients/${deleted.clientId}`);
      const withoutReference = (answer: PageAnswer) => answer.text.replace(answer.headers.get('x-request-id')!, '');
      const unknown = withoutReference(await get({ clientId: 'nobody' }));
      for (const client of [disabled, deleted]) {
        await expectRefusedOnPage(client, {});
        expect(withoutReference(await get(client))).toBe(unknown);
      }
    });
  });

  describe('RFC 9700 §2.1 and §4.1.3: the redirect URI is compared byte by byte', () => {
    it('the registered one is taken', async () => {
      await expectTaken(web, CALLBACK);
      await expectTaken(several, CALLBACK);
    });

    it.each([
      'https://app.example.evil.com/cb', 'https://app.example@evil.example/cb', 'https://user@app.example/cb', 'https://evil.example/https://app.example/cb', 'https://evil.example/cb', 'https://evilapp.example/cb',
      'https://sub.app.example/cb', 'https://app-example/cb', 'https://app.example./cb', 'https://APP.example/cb', 'HTTPS://app.example/cb', 'https://app.example/CB', 'https://app.example/Cb',
      'https://app.example/cb/', 'https://app.example//cb', 'https://app.example/cb/x', 'https://app.example/', 'https://app.example', 'https://app.example/c', 'https://app.example/cbx',
      'https://app.example/x/../cb', 'https://app.example/./cb', 'https://app.example/cb/..', 'https://app.example/cb/../evil', 'https://app.example/%2e%2e/cb', 'https://app.example/cb/%2e%2e/evil', 'https://app.example/cb/..;/evil', 'https://app.example/cb;x',
      'https://app.example/%63b', 'https://app.example/%2563b', 'https://app.example/cb%00', 'https://app.example%2fcb', 'https://app.example/cb%2f', 'https://app.example/cb%0d%0aLocation:%20https://evil.example',
      'https://app.example/cb?', 'https://app.example/cb?x=1', 'https://app.example/cb?a=1&b=2', 'https://app.example/cb&x=1', 'https://app.example/cb#', 'https://app.example/cb#f', 'https://app.example/cb?#f',
      'https://app.example:443/cb', 'https://app.example:8443/cb', 'https://app.example:/cb', 'http://app.example/cb', 'http://127.0.0.1/cb', 'com.example.app:/cb',
      'https:\\\\app.example\\cb', 'https://app.example\\cb', 'https://evil.example\\@app.example/cb', 'https://app.example\\@evil.example/cb', 'https:/app.example/cb', 'https:app.example/cb', '//app.example/cb', '/cb', 'app.example/cb',
      'https://app.example/cb\t', '\thttps://app.example/cb', 'https://app.example/c\tb', ' https://app.example/cb', 'https://app.example/cb ', 'https://app.example/cb\n', 'https://app.example/cb\r\nX: evil', 'https://app.example/cb\u00a0', 'https://app.example/cb\u200b',
      'https://аpp.example/cb', 'https://xn--pp-6kc.example/cb', 'https://app。example/cb', 'https://ａpp.example/cb', 'https://*.example/cb', '*', 'null', 'undefined',
      'javascript:evil()', 'data:text/html,evil', 'urn:ietf:wg:oauth:2.0:oob', 'https://app.example/cb https://evil.example/', 'https://app.example/cb,https://evil.example/', '["https://app.example/cb"]',
    ])('%j is not: a page, and no redirect', async (redirectUri) => {
      await expectRefusedOnPage(web, { redirect_uri: redirectUri });
    });

    it('a registered query is part of it, in its order', async () => {
      await expectTaken(several, WITH_QUERY);
      for (const other of ['https://app.example/cb?a=1&b=2', 'https://app.example/cb?b=2', 'https://app.example/cb?b=2&a=1&c=3', 'https://app.example/cb?b=2&a=1&', 'https://app.example/cb?b=2&amp;a=1', 'https://app.example/cb?b=2&A=1', 'https://app.example/cb?b=%32&a=1']) {
        await expectRefusedOnPage(several, { redirect_uri: other });
      }
    });

    it('what is added for the client stands behind a registered query', async () => {
      expect((await get(several, { redirect_uri: WITH_QUERY, prompt: 'none', state: 's' })).headers.get('location')).toMatch(/^https:\/\/app\.example\/cb\?b=2&a=1&error=login_required&[^?#]*&state=s&iss=/);
    });

    it('that of another client is not taken', async () => {
      await expectRefusedOnPage(web, { redirect_uri: WITH_QUERY });
      await expectRefusedOnPage(native, { redirect_uri: CALLBACK });
    });

    it('one that is not registered any more is not taken', async () => {
      const client = await register({ redirect_uris: [CALLBACK, WITH_QUERY] });
      await expectTaken(client, WITH_QUERY);
      await server.driver.adminRequest('PATCH', `/clients/${client.clientId}`, { redirect_uris: [CALLBACK] });
      await expectRefusedOnPage(client, { redirect_uri: WITH_QUERY });
    });

    it('named twice, or by a nested parameter: a page', async () => {
      for (const other of [CALLBACK, 'https://evil.example/cb', '']) {
        await expectRefusedOnPage(web, { redirect_uri: [CALLBACK, other] });
        await expectRefusedOnPage(web, { redirect_uri: [other, CALLBACK] });
      }
      for (const name of ['redirect_uri[]', 'redirect_uri[0]']) await expectRefusedOnPage(web, { redirect_uri: undefined, [name]: CALLBACK });
    });
  });

  describe('RFC 8252 §7.3: on a loopback address', () => {
    it.each([LOOPBACK, 'http://127.0.0.1:51234/cb', 'http://127.0.0.1:80/cb', 'http://127.0.0.1:65535/cb', LOOPBACK_6, 'http://[::1]:51234/cb', LOOPBACK_WITH_PORT, 'http://127.0.0.1/cb?x=1', 'http://127.0.0.1:9090/cb?x=1', APP])('%s is taken: the port may be any', async (redirectUri) => {
      await expectTaken(native, redirectUri);
    });

    it('the code goes to the port that was asked for', async () => {
      const end = await new Browser(server.url).authorize(authorizationUrl(native, { redirect_uri: 'http://127.0.0.1:51234/cb' }), margaret);
      expect(clientAnswer(end, 'http://127.0.0.1:51234/cb').params['code']).toMatch(/^mg_ac_/);
    });

    it.each([
      'http://127.0.0.1:51234/cb2', 'http://127.0.0.1:51234/CB', 'http://127.0.0.1:51234/cb/', 'http://127.0.0.1:51234/', 'http://127.0.0.1:51234', 'http://127.0.0.1:51234/cb?x=2', 'http://[::1]:51234/cb?x=1', 'http://127.0.0.1:51234/cb?', 'http://127.0.0.1:51234/cb#f',
      'https://127.0.0.1/cb', 'https://127.0.0.1:51234/cb', 'HTTP://127.0.0.1/cb', 'http://localhost/cb', 'http://localhost:51234/cb', 'http://127.0.0.2/cb', 'http://127.0.0.1./cb', 'http://127.1/cb', 'http://127.0.0.01/cb', 'http://0x7f.0.0.1/cb', 'http://2130706433/cb', 'http://0.0.0.0/cb',
      'http://[::]/cb', 'http://[0:0:0:0:0:0:0:1]/cb', 'http://[::ffff:127.0.0.1]/cb', 'http://[::1%25lo]/cb', 'http://::1/cb',
      'http://127.0.0.1.evil.example/cb', 'http://127.0.0.1@evil.example/cb', 'http://127.0.0.1:51234@evil.example/cb', 'http://evil.example@127.0.0.1/cb', 'http://127.0.0.1:@evil.example/cb', 'http://127.0.0.1\\@evil.example/cb',
      'http://127.0.0.1:/cb', 'http://127.0.0.1:x/cb', 'http://127.0.0.1:-1/cb', 'http://127.0.0.1: 80/cb', 'http://127.0.0.1:99999/cb', 'http://127.0.0.1:65536/cb', 'http://127.0.0.1:123456/cb', 'http://127.0.0.1:1:2/cb',
      'com.example.app:/cb2', 'com.example.app://cb', 'com.example.app:/CB', 'com.example.app:51234/cb', 'com.example.APP:/cb',
    ])('%s is not: a page, nothing else may vary', async (redirectUri) => {
      await expectRefusedOnPage(native, { redirect_uri: redirectUri });
    });

    it('a client that has registered none may not use one', async () => {
      for (const redirectUri of [LOOPBACK, 'http://127.0.0.1:51234/cb', LOOPBACK_6]) await expectRefusedOnPage(web, { redirect_uri: redirectUri });
    });
  });

  describe('RFC 6749 §3.1.2.3: without a redirect URI', () => {
    it('the only registered one is meant', async () => {
      for (const changes of [{ redirect_uri: undefined }, { redirect_uri: '' }]) {
        expectRefusal(await get(web, { ...changes, prompt: 'none' }), 'login_required', server);
      }
      const end = await new Browser(server.url).authorize(authorizationUrl(web, { redirect_uri: undefined }), margaret);
      expect(clientAnswer(end).params['code']).toMatch(/^mg_ac_/);
    });

    it('a client that has registered several must say which one: a page', async () => {
      for (const changes of [{ redirect_uri: undefined }, { redirect_uri: '' }]) await expectRefusedOnPage(several, changes);
    });

    it('with openid in the scope it is missing: a page (OIDC Core §3.1.2.1)', async () => {
      for (const scope of ['openid', 'api openid']) await expectRefusedOnPage(web, { redirect_uri: undefined, scope });
    });

    it('a client that has registered none cannot be answered: a page', async () => {
      await expectRefusedOnPage(await server.driver.registerClient(), { redirect_uri: undefined });
    });
  });
});
