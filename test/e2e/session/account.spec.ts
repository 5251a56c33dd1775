import { en } from '../../../src/pages/texts/en.js';
import { clientAnswer, expectErrorPage, expectPage } from '../../support/authorization-answers.js';
import { authorizationUrl, CALLBACK } from '../../support/authorization-url.js';
import { Browser, hiddenFields, type PageAnswer } from '../../support/browser.js';
import { CodeFlow, type IssuedTokens } from '../../support/code-flow.js';
import { describeOnOneDatabase } from '../../support/databases.js';
import { eventually } from '../../support/eventually.js';
import { flipCase } from '../../support/forged-tokens.js';
import { HtmlDocument } from '../../support/html-document.js';
import { type Credentials, PASSWORD, type RegisteredUser } from '../../support/oauth-driver.js';
import { expectOAuthError } from '../../support/oauth-errors.js';
import { TestServer } from '../../support/test-server.js';

const SESSION = 'mintgate_session';
const FORM = 'mintgate_form_[\\w-]{22}';
const NEW_PASSWORD = 'nine purple lanterns over the canal';
const ATTEMPT_LIMIT = 5;
const ACTIONS = ['/account/logout', '/account/sessions/end', '/account/sessions/end-others', '/account/consents/revoke', '/account/password'];

describeOnOneDatabase('The account page', (kind) => {
  let server: TestServer;
  let sibling: TestServer;
  let web: Credentials;
  let serial = 0;

  beforeAll(async () => {
    const env = { CHANGE_FEED_INTERVAL_MS: '100', PASSWORD_ATTEMPT_LIMIT: String(ATTEMPT_LIMIT) };
    server = await TestServer.start({ kind, env });
    sibling = await TestServer.start({ database: server.database, issuer: server.issuer, clock: server.clock, env });
    web = await register();
  });
  afterAll(async () => {
    await sibling?.stop();
    await server?.stop();
  });

  const register = (metadata: Record<string, unknown> = {}) =>
    server.driver.registerClient({ client_name: 'The Desk', grant_types: ['authorization_code', 'refresh_token'], redirect_uris: [CALLBACK], scope: 'openid email offline_access read', ...metadata });
  const newUser = (): Promise<RegisteredUser> => server.driver.registerUser({ username: `user-${++serial}`, email: `user-${serial}@example.com`, name: `User ${serial}` });

  async function signedIn(user: RegisteredUser): Promise<Browser> {
    const browser = new Browser(server.url);
    expectAccount(await browser.signIn(await browser.get('/account'), user));
    return browser;
  }

  /** Sends one of the forms of the page. */
  const send = async (browser: Browser, action: string, fields: Record<string, string> = {}, page?: PageAnswer) => browser.post(action, { ...hiddenFields((page ?? (await browser.get('/account'))).text), ...fields });

  function expectAccount(answer: PageAnswer, notice?: keyof typeof en.account.notices): void {
    expect({ status: answer.status, location: answer.location }).toEqual({ status: 200, location: undefined });
    expect(answer.text).toContain(en.account.sessions);
    for (const [name, text] of Object.entries(en.account.notices)) expect(answer.text.includes(text)).toBe(name === notice);
  }

  function expectSignIn(answer: PageAnswer, error?: keyof typeof en.signIn.errors): void {
    expect({ status: answer.status, location: answer.location }).toEqual({ status: error === undefined ? 200 : 400, location: undefined });
    expect(answer.text).toContain(en.signIn.toAccount);
    expect(answer.text.includes(en.signIn.errors.credentials)).toBe(error === 'credentials');
  }

  const expectBack = (answer: PageAnswer, query = '') => expect({ status: answer.status, location: answer.headers.get('location') }).toEqual({ status: 303, location: `${server.issuer}/account${query}` });
  const expectSignedIn = async (browser: Browser) => expectAccount(await browser.get('/account'));

  /** The session of the cookie that the browser had is over, on every instance. */
  async function expectOver(cookie: string): Promise<void> {
    for (const { url } of [server, sibling]) {
      const browser = new Browser(url);
      browser.setCookie(SESSION, cookie);
      expectSignIn(await browser.get('/account'));
    }
  }

  const sessionIdsOf = ({ text }: PageAnswer): string[] => new HtmlDocument(text).all('input').filter(({ attributes }) => attributes['name'] === 'session_id').map(({ attributes }) => attributes['value']);

  describe('signing in', () => {
    let margaret: RegisteredUser;

    beforeAll(async () => {
      margaret = await newUser();
    });

    it('is by a form that a cookie of its own ties to the browser', async () => {
      const browser = new Browser(server.url);
      const page = await browser.get('/account');
      expectSignIn(page);
      expect(page.headers.getSetCookie()).toEqual([expect.stringMatching(new RegExp(`^${FORM}=[\\w-]+; Path=/; HttpOnly; SameSite=Lax; Max-Age=3600$`))]);
      const answer = await browser.post('/account/login', { ...hiddenFields(page.text), username: margaret.username, password: margaret.password });
      expectBack(answer);
      expect(answer.headers.getSetCookie()).toEqual([expect.stringMatching(new RegExp(`^${SESSION}=[\\w-]+; Path=/; HttpOnly; SameSite=Lax$`))]);
      await expectSignedIn(browser);
    });

    it.each<[string, () => { username: string; password: string }]>([
      ['a wrong password', () => ({ ...margaret, password: `${PASSWORD}!` })],
      ['a username that there is not', () => ({ username: 'nobody', password: PASSWORD })],
      ['a username that is HTML', () => ({ username: '"><img src=x onerror=alert(1)>', password: PASSWORD })],
      ['no password', () => ({ ...margaret, password: '' })],
      ['no username', () => ({ username: '', password: PASSWORD })],
    ])('by %s: the same words, and no session', async (_, credentials) => {
      const browser = new Browser(server.url);
      const { username, password } = credentials();
      const page = await browser.submit(await browser.get('/account'), { username, password });
      expectSignIn(page, 'credentials');
      expect(new HtmlDocument(page.text).input('username')!.attributes['value']).toBe(username);
      expect(page.text).not.toContain(PASSWORD);
      expect(browser.cookie(SESSION)).toBeUndefined();
      expectAccount(await browser.signIn(page, margaret));
    });

    it('of a disabled user: the same words', async () => {
      const user = await newUser();
      await server.driver.adminRequest('PATCH', `/users/${user.userId}`, { enabled: false });
      const browser = new Browser(server.url);
      expectSignIn(await browser.signIn(await browser.get('/account'), user), 'credentials');
    });

    it('without a csrf_token, with another browser’s, or without the cookie: 403, and nobody is signed in (L3)', async () => {
      const [mine, other] = [new Browser(server.url), new Browser(server.url)];
      const { csrf_token: own } = hiddenFields((await mine.get('/account')).text);
      const { csrf_token: foreign } = hiddenFields((await other.get('/account')).text);
      const { username, password } = margaret;
      for (const token of [undefined, '', foreign, flipCase(own)]) {
        expectErrorPage(await mine.post('/account/login', { username, password, ...(token === undefined ? {} : { csrf_token: token }) }), 403);
        expect(mine.cookie(SESSION)).toBeUndefined();
      }
      const bare = new Browser(server.url);
      expectErrorPage(await bare.post('/account/login', { username, password, csrf_token: own }), 403);
      expect(bare.cookie(SESSION)).toBeUndefined();
    });

    it('begins a session by a value of the server’s: one that was put there before is worth nothing (L1)', async () => {
      const browser = new Browser(server.url);
      const planted = `mg_ss_${'x'.repeat(43)}`;
      browser.setCookie(SESSION, planted);
      expectAccount(await browser.signIn(await browser.get('/account'), margaret));
      expect(browser.cookie(SESSION)).not.toBe(planted);
      await expectOver(planted);
      const before = browser.cookie(SESSION)!;
      const token = hiddenFields((await browser.get('/account')).text)['csrf_token'];
      const again = new Browser(server.url);
      const page = await again.get('/account');
      again.setCookie(SESSION, before);
      expectAccount(await again.signIn(page, margaret));
      expect(again.cookie(SESSION)).not.toBe(before);
      await expectOver(before);
      expectErrorPage(await again.post('/account/logout', { csrf_token: token }), 403);
    });

    it('as somebody else in the same browser ends the session before', async () => {
      const browser = new Browser(server.url);
      const page = await browser.get('/account');
      await browser.signIn(page, margaret);
      const before = browser.cookie(SESSION)!;
      const grace = await newUser();
      expectBack(await browser.post('/account/login', { ...hiddenFields(page.text), username: grace.username, password: grace.password }));
      expect((await browser.get('/account')).text).toContain(grace.username);
      await expectOver(before);
    });

    it('leads to the account page and nowhere else, whatever an address or a form says (L11)', async () => {
      for (const evil of ['//evil.example', '/\\evil.example', 'https:evil.example', '///evil.example', 'https://evil.example/', '/%09/evil.example']) {
        const browser = new Browser(server.url);
        const names = ['next', 'return', 'return_to', 'redirect', 'redirect_uri', 'url', 'continue'];
        const page = await browser.get(`/account?${new URLSearchParams(names.map((name): [string, string] => [name, evil])).toString()}`);
        expect(page.text).not.toContain('evil.example');
        expectBack(await browser.post('/account/login', { ...hiddenFields(page.text), ...Object.fromEntries(names.map((name) => [name, evil])), username: margaret.username, password: margaret.password }));
      }
    });

    it('is throttled: after so many wrong passwords the right one is refused too, by the same words', async () => {
      const user = await newUser();
      const browser = new Browser(server.url);
      const page = await browser.get('/account');
      for (let i = 0; i < ATTEMPT_LIMIT; i++) expectSignIn(await browser.submit(page, { username: user.username, password: `wrong ${i}` }), 'credentials');
      expectSignIn(await browser.signIn(page, user), 'credentials');
      server.clock.advanceSeconds(15 * 60);
      server.driver.renewAdminToken();
      expectAccount(await browser.signIn(page, user));
    });

    it.each(['application/json', 'multipart/form-data; boundary=x', 'text/plain'])('in a body of %s is refused', async (type) => {
      const browser = new Browser(server.url);
      const fields = { ...hiddenFields((await browser.get('/account')).text), username: margaret.username, password: margaret.password };
      expectErrorPage(await browser.request('POST', '/account/login', { headers: { 'content-type': type }, body: JSON.stringify(fields) }));
      expect(browser.cookie(SESSION)).toBeUndefined();
    });
  });

  describe('a form without the csrf_token of this very session is 403 and changes nothing (L3)', () => {
    it.each(ACTIONS)('%s', async (action) => {
      const [user, somebody] = [await newUser(), await newUser()];
      const [mine, second, other] = [await signedIn(user), await signedIn(user), await signedIn(somebody)];
      await mine.authorize(authorizationUrl(web, { scope: 'read' }), user);
      const page = await mine.get('/account');
      const own = hiddenFields(page.text)['csrf_token'];
      const fields = { session_id: sessionIdsOf(page)[0], client_id: web.clientId, current_password: PASSWORD, new_password: NEW_PASSWORD, new_password_repeat: NEW_PASSWORD };
      const foreign = [hiddenFields((await second.get('/account')).text)['csrf_token'], hiddenFields((await other.get('/account')).text)['csrf_token'], hiddenFields((await new Browser(server.url).get('/account')).text)['csrf_token']];
      for (const token of [undefined, '', 'x', flipCase(own), ...foreign]) expectErrorPage(await mine.post(action, { ...fields, ...(token === undefined ? {} : { csrf_token: token }) }), 403);
      expectErrorPage(await mine.request('POST', `${action}?${new URLSearchParams({ ...fields, csrf_token: own }).toString()}`, { headers: { 'content-type': 'application/x-www-form-urlencoded' } }), 403);
      for (const browser of [mine, second, other]) await expectSignedIn(browser);
      expect((await mine.get('/account')).text).toContain('The Desk');
      await signedIn(user);
    });

    it.each(ACTIONS)('%s of a browser in which nobody is signed in leads to the sign-in', async (action) => {
      const browser = new Browser(server.url);
      expectBack(await browser.post(action, { csrf_token: hiddenFields((await browser.get('/account')).text)['csrf_token'] }));
    });

    it.each([...ACTIONS, '/account/login'])('%s is not for GET', async (action) => {
      const answer = await (await signedIn(await newUser())).get(action);
      expect(answer.status).toBe(405);
      expect(answer.headers.get('allow')).toBe('POST');
    });
  });

  describe('sessions', () => {
    const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';

    it('are listed with what is known of them, the own one marked; those that are over are not', async () => {
      const user = await newUser();
      const mine = await signedIn(user);
      const page = await mine.get('/account', { 'user-agent': FIREFOX });
      expect(new HtmlDocument(page.text).text).toContain('127.0.0.1');
      expect(page.text.split(en.account.thisSession)).toHaveLength(2);
      expect(sessionIdsOf(page)).toEqual([]);
      const phone = new Browser(server.url);
      const signIn = await phone.get('/account');
      await phone.post('/account/login', { ...hiddenFields(signIn.text), username: user.username, password: user.password }, { 'user-agent': FIREFOX });
      const listed = await mine.get('/account');
      expect(sessionIdsOf(listed)).toHaveLength(1);
      expect(new HtmlDocument(listed.text).text).toMatch(/Firefox.*Linux/);
      await send(phone, '/account/logout');
      expect(sessionIdsOf(await mine.get('/account'))).toEqual([]);
    });

    it('can be ended one by one: that browser is signed out everywhere, with its tokens; this one and the others are not', async () => {
      const user = await newUser();
      const mine = await signedIn(user);
      const lost = await CodeFlow.signedIn(server, user);
      const client = await register({ skip_consent: true });
      const { access_token: token } = await lost.tokens(client, { scope: 'openid' });
      const page = await mine.get('/account');
      const third = await signedIn(user);
      const [sessionId] = sessionIdsOf(page);
      const cookie = lost.browser.cookie(SESSION)!;
      const answer = await send(mine, '/account/sessions/end', { session_id: sessionId }, page);
      expectBack(answer, '?notice=session_ended');
      expectAccount(await mine.follow(answer), 'session_ended');
      await expectOver(cookie);
      for (const browser of [mine, third]) await expectSignedIn(browser);
      expect((await server.driver.introspect(client, token)).body).toEqual({ active: false });
      await eventually(async () => expect((await sibling.driver.introspect(client, token)).body).toEqual({ active: false }), { withinMs: 1000 });
    });

    it('of another user are not hers to end, nor is one that there is not', async () => {
      const [mallory, victim] = [await newUser(), await newUser()];
      const [attacker, target, second] = [await signedIn(mallory), await signedIn(victim), await signedIn(victim)];
      const [sessionId] = sessionIdsOf(await target.get('/account'));
      for (const each of [sessionId, 'x', '', `${sessionId} `, '%']) await send(attacker, '/account/sessions/end', { session_id: each });
      for (const browser of [attacker, target, second]) await expectSignedIn(browser);
    });

    it('can all be ended but this one', async () => {
      const [user, somebody] = [await newUser(), await newUser()];
      const [mine, second, third, other] = [await signedIn(user), await signedIn(user), await signedIn(user), await signedIn(somebody)];
      const cookies = [second, third].map((browser) => browser.cookie(SESSION)!);
      expectAccount(await mine.follow(await send(mine, '/account/sessions/end-others')), 'other_sessions_ended');
      for (const cookie of cookies) await expectOver(cookie);
      for (const browser of [mine, other]) await expectSignedIn(browser);
      expect(sessionIdsOf(await mine.get('/account'))).toEqual([]);
    });

    it('that were ended elsewhere do nothing more: the next form leads to the sign-in', async () => {
      const user = await newUser();
      const [mine, other] = [await signedIn(user), await signedIn(user)];
      const page = await other.get('/account');
      await send(mine, '/account/sessions/end-others');
      expectBack(await send(other, '/account/sessions/end-others', {}, page));
      await expectSignedIn(mine);
    });
  });

  describe('consents', () => {
    it.each(['jwt', 'opaque'])('are listed, and end with all that the client holds: the refresh token and the access token too (%s)', async (access_token_format) => {
      const user = await newUser();
      const client = await register({ access_token_format, client_name: `Reports ${access_token_format}` });
      const flow = await CodeFlow.signedIn(server, user);
      await flow.browser.authorize(authorizationUrl(client, { scope: 'openid email offline_access' }), user);
      const tokens = await flow.tokens(client, { scope: 'openid email offline_access' });
      const page = await flow.browser.get('/account');
      expect(new HtmlDocument(page.text).text).toContain(`Reports ${access_token_format}`);
      expect(page.text).toContain(en.scopes.email);
      expectAccount(await flow.browser.follow(await send(flow.browser, '/account/consents/revoke', { client_id: client.clientId }, page)), 'consent_revoked');
      expectOAuthError(await server.driver.refresh(client, tokens.refresh_token), 400, 'invalid_grant');
      expect((await server.driver.introspect(client, tokens.access_token)).body).toEqual({ active: false });
      await eventually(async () => expect((await sibling.driver.introspect(client, tokens.access_token)).body).toEqual({ active: false }), { withinMs: 1000 });
      expectOAuthError(await sibling.driver.refresh(client, tokens.refresh_token), 400, 'invalid_grant');
      expect((await flow.browser.get('/account')).text).toContain(en.account.noConsents);
      expectPage(await flow.browser.follow(await flow.browser.get(authorizationUrl(client, { scope: 'openid' }))), 'consent');
    });

    it('of other users and to other clients stay', async () => {
      const [user, somebody] = [await newUser(), await newUser()];
      const other = await register({ client_name: 'Another' });
      const [mine, hers] = [await signedIn(user), await signedIn(somebody)];
      for (const [browser, each] of [[mine, user], [hers, somebody]] as const) for (const client of [web, other]) await browser.authorize(authorizationUrl(client, { scope: 'read' }), each);
      for (const clientId of [web.clientId, 'nobody', '']) await send(mine, '/account/consents/revoke', { client_id: clientId });
      const silent = async (browser: Browser, client: Credentials) => Object.keys(clientAnswer(await browser.get(authorizationUrl(client, { scope: 'read', prompt: 'none' }))).params);
      expect(await silent(mine, web)).toContain('error');
      for (const [browser, client] of [[mine, other], [hers, web], [hers, other]] as const) expect(await silent(browser, client)).toContain('code');
    });
  });

  describe('ASVS 10.4.9, 10.7.3: clients that hold tokens without a consent that is remembered', () => {
    const APP = 'com.example.app:/cb';
    const OFFLINE = { scope: 'openid email offline_access' };
    const native = { token_endpoint_auth_method: 'none', redirect_uris: [APP] };

    async function tokensOfApp(flow: CodeFlow, client: Credentials): Promise<IssuedTokens> {
      const changes = { redirect_uri: APP, ...OFFLINE };
      const page = await flow.browser.follow(await flow.browser.get(authorizationUrl(client, changes)));
      const { code } = clientAnswer(await flow.browser.submit(page, { decision: 'allow' }), APP).params;
      return (await flow.redeem(client, code, { redirect_uri: APP })).body as unknown as IssuedTokens;
    }

    const holders: [string, Record<string, unknown>, (flow: CodeFlow, client: Credentials, user: RegisteredUser) => Promise<string>][] = [
      ['an app on a device', native, async (flow, client) => (await tokensOfApp(flow, client)).refresh_token],
      ['a client with skip_consent', { skip_consent: true }, async (flow, client) => (await flow.tokens(client, OFFLINE)).refresh_token],
      [
        'a client of the password grant',
        { grant_types: ['password', 'refresh_token'], redirect_uris: [] },
        async (_, client, user) => (await server.driver.signIn(client, user)).refreshToken,
      ],
    ];

    it.each(holders)('%s is listed while it holds tokens, and its access can be ended', async (name, metadata, obtain) => {
      const user = await newUser();
      const flow = await CodeFlow.signedIn(server, user);
      const client = await register({ ...metadata, client_name: `Name of ${name}` });
      expect((await flow.browser.get('/account')).text).toContain(en.account.noConsents);
      const refreshToken = await obtain(flow, client, user);
      const page = await flow.browser.get('/account');
      expect(new HtmlDocument(page.text).text).toContain(`Name of ${name}`);
      expect(page.text).toContain(en.scopes.offline_access);
      const { items } = (await server.driver.adminRequest<{ items: object[] }>('GET', `/users/${user.userId}/consents`)).body;
      expect(items).toEqual([expect.objectContaining({ client_id: client.clientId, consented: false, holds_tokens: true })]);
      await send(flow.browser, '/account/consents/revoke', { client_id: client.clientId }, page);
      expectOAuthError(await server.driver.refresh(client, refreshToken), 400, 'invalid_grant');
      expect((await flow.browser.get('/account')).text).toContain(en.account.noConsents);
    });

    it('one whose tokens were revoked is not listed, nor one that has none yet', async () => {
      const user = await newUser();
      const flow = await CodeFlow.signedIn(server, user);
      const [client, waiting] = [await register({ skip_consent: true }), await register({ skip_consent: true })];
      const { refresh_token: token } = await flow.tokens(client, OFFLINE);
      await flow.code(waiting, OFFLINE);
      await server.driver.revoke(client, token);
      expect((await flow.browser.get('/account')).text).toContain(en.account.noConsents);
    });

    it('after the user has signed out everywhere, none of them is listed', async () => {
      const user = await newUser();
      const client = await register({ skip_consent: true });
      await (await CodeFlow.signedIn(server, user)).tokens(client, OFFLINE);
      await server.driver.adminRequest('DELETE', `/users/${user.userId}/tokens`);
      const { items } = (await server.driver.adminRequest<{ items: object[] }>('GET', `/users/${user.userId}/consents`)).body;
      expect(items).toEqual([]);
      expect((await signedIn(user).then((browser) => browser.get('/account'))).text).toContain(en.account.noConsents);
    });

    it('a client is listed once, however often the user signed in to it, with all that it may have', async () => {
      const user = await newUser();
      const flow = await CodeFlow.signedIn(server, user);
      const client = await register({ skip_consent: true });
      for (const scope of ['read', 'openid offline_access', 'read']) await flow.tokens(client, { scope });
      const { items } = (await server.driver.adminRequest<{ items: { scope: string }[] }>('GET', `/users/${user.userId}/consents`)).body;
      expect(items.map(({ scope }) => scope.split(' ').sort().join(' '))).toEqual(['offline_access openid read']);
    });
  });

  describe('another password', () => {
    const change = (browser: Browser, fields: Record<string, string> = {}) => send(browser, '/account/password', { current_password: PASSWORD, new_password: NEW_PASSWORD, new_password_repeat: fields['new_password'] ?? NEW_PASSWORD, ...fields });

    function expectRefused(answer: PageAnswer, reason: keyof typeof en.account.passwordErrors): void {
      expect(answer.status).toBe(400);
      for (const [name, text] of Object.entries(en.account.passwordErrors)) expect([name, new HtmlDocument(answer.text).text.includes(text)]).toEqual([name, name === reason]);
      expect(answer.text).not.toContain(NEW_PASSWORD);
    }

    let user: RegisteredUser;
    let browser: Browser;

    beforeAll(async () => {
      user = await newUser();
      browser = await signedIn(user);
    });

    it.each<[keyof typeof en.account.passwordErrors, string, Record<string, string>]>([
      ['wrong', 'the current one is another', { current_password: `${PASSWORD}!` }],
      ['wrong', 'the current one is missing', { current_password: '' }],
      ['mismatch', 'the two differ', { new_password_repeat: `${NEW_PASSWORD}!` }],
      ['mismatch', 'it is not repeated', { new_password_repeat: '' }],
      ['short', 'it has 14 characters', { new_password: 'zebra lantern!' }],
      ['short', 'it is missing', { new_password: '', new_password_repeat: '' }],
      ['long', 'it has 2050 characters', { new_password: 'zq'.repeat(1025) }],
      ['run', 'it is a sequence', { new_password: '123456789012345678' }],
      ['context', 'it is the e-mail address', { new_password: 'mintgate-mintgate' }],
      ['common', 'it is made of common ones', { new_password: 'password password' }],
      ['malformed', 'it has a control character', { new_password: `${NEW_PASSWORD}\u0007` }],
    ])('is refused (%s) when %s; nothing has changed', async (reason, _, fields) => {
      expectRefused(await change(browser, fields), reason);
      await expectSignedIn(browser);
    });

    it('after all that the one that she has is good', async () => {
      await signedIn(user);
    });

    it('signs her out everywhere but here, where she goes on by a new cookie; what clients hold is dead, on every instance', async () => {
      const somebody = await newUser();
      const flow = await CodeFlow.signedIn(server, somebody);
      const elsewhere = await signedIn(somebody);
      const client = await register({ skip_consent: true });
      const tokens = await flow.tokens(client, { scope: 'openid offline_access' });
      const cookies = [flow.browser, elsewhere].map((each) => each.cookie(SESSION)!);
      const answer = await change(flow.browser);
      expectBack(answer, '?notice=password_changed');
      expectAccount(await flow.browser.follow(answer), 'password_changed');
      expect(flow.browser.cookie(SESSION)).not.toBe(cookies[0]);
      const atSibling = new Browser(sibling.url);
      atSibling.setCookie(SESSION, flow.browser.cookie(SESSION)!);
      await expectSignedIn(atSibling);
      await eventually(() => Promise.all(cookies.map(expectOver)), { withinMs: 1000 });
      for (const at of [server, sibling]) {
        await eventually(async () => expect((await at.driver.introspect(client, tokens.access_token)).body).toEqual({ active: false }), { withinMs: 1000 });
        expectOAuthError(await at.driver.refresh(client, tokens.refresh_token), 400, 'invalid_grant');
      }
      await expectSignedIn(flow.browser);
      const again = new Browser(server.url);
      const page = await again.get('/account');
      expectSignIn(await again.signIn(page, somebody), 'credentials');
      expectAccount(await again.signIn(page, { ...somebody, password: NEW_PASSWORD }));
      const { items } = (await server.driver.adminRequest<{ items: object[] }>('GET', `/audit-events?type=user.password_set&user_id=${somebody.userId}`)).body;
      expect(items).toHaveLength(1);
    });

    it('shares its throttle with the sign-in: wrong ones here count there, and there here', async () => {
      const [one, other] = [await newUser(), await newUser()];
      const [here, there] = [await signedIn(one), await signedIn(other)];
      for (let i = 0; i < ATTEMPT_LIMIT; i++) expectRefused(await change(here, { current_password: `wrong ${i}` }), 'wrong');
      expectRefused(await change(here), 'wrong');
      const fresh = new Browser(server.url);
      const page = await fresh.get('/account');
      expectSignIn(await fresh.signIn(page, one), 'credentials');
      for (let i = 0; i < ATTEMPT_LIMIT; i++) await fresh.submit(page, { username: other.username, password: `wrong ${i}` });
      expectRefused(await change(there), 'wrong');
      for (const each of [here, there]) await expectSignedIn(each);
    });

    it('is nowhere in a page or a log', () => {
      for (const { logLines } of [server, sibling]) for (const text of [PASSWORD, NEW_PASSWORD]) expect(logLines.join('\n')).not.toContain(text);
    });
  });

  describe('signing out', () => {
    it('ends the session, on every instance; who has kept the cookie has nothing (L8)', async () => {
      const user = await newUser();
      const [browser, other] = [await signedIn(user), await signedIn(user)];
      const cookie = browser.cookie(SESSION)!;
      const answer = await send(browser, '/account/logout');
      expect(answer.status).toBe(200);
      expect(answer.text).toContain(en.logout.doneHeading);
      expect(new HtmlDocument(answer.text).all('a').map(({ attributes }) => attributes['href'])).toEqual(['/account']);
      expect(answer.headers.getSetCookie()).toEqual([`${SESSION}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0`]);
      await expectOver(cookie);
      await expectSignedIn(other);
    });
  });

  it('an address with a notice of something else shows the page without one', async () => {
    const browser = await signedIn(await newUser());
    for (const notice of ['<script>', 'toString', '__proto__', 'session_ended&notice=session_ended']) expectAccount(await browser.get(`/account?notice=${notice}`));
  });

  it('none of this was an unexpected condition', () => {
    expect([server, sibling].flatMap(({ logLines }) => logLines.filter((line) => /"level":"(error|fatal)"/.test(line)))).toEqual([]);
  });
});

describe('The account page of a server that has no thread left for another password', () => {
  it('says so: 503, and nothing has changed', async () => {
    const server = await TestServer.start({ env: { PASSWORD_HASH_THREADS: '1', PASSWORD_HASH_QUEUE_LIMIT: '1' } });
    try {
      const user = await server.driver.registerUser({ username: 'margaret' });
      const browser = new Browser(server.url);
      const signIn = await browser.get('/account');
      const page = await browser.signIn(signIn, user);
      const change = { ...hiddenFields(page.text), current_password: `${PASSWORD}!`, new_password: NEW_PASSWORD, new_password_repeat: NEW_PASSWORD };
      const fresh = new Browser(server.url);
      const fields = { ...hiddenFields((await fresh.get('/account')).text), username: user.username, password: `${PASSWORD}!` };
      const logins = Array.from({ length: 6 }, () => fresh.post('/account/login', fields));
      const changes = Array.from({ length: 6 }, () => browser.post('/account/password', change));
      const refused = (await Promise.all([...logins, ...changes])).filter(({ status }) => status === 503);
      const texts = new Set(refused.map(({ text }) => [en.signIn.errors.busy, en.account.passwordErrors.busy].find((busy) => text.includes(busy))));
      expect(texts).toEqual(new Set([en.signIn.errors.busy, en.account.passwordErrors.busy]));
      expect((await browser.get('/account')).text).toContain(en.account.sessions);
    } finally {
      await server.stop();
    }
  });
});
