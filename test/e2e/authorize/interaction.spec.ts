import { clientAnswer, expectErrorPage, expectPage, expectRefusal } from '../../support/authorization-answers.js';
import { authorizationQuery, authorizationUrl, CALLBACK, type ParameterChanges, PKCE } from '../../support/authorization-url.js';
import { Browser, formAction, hiddenFields, type PageAnswer } from '../../support/browser.js';
import { describeOnEachDatabase } from '../../support/databases.js';
import { type Credentials, decodeJwt, type RegisteredUser } from '../../support/oauth-driver.js';
import { rawAnswer } from '../../support/raw-http.js';
import { TestServer } from '../../support/test-server.js';

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const OTHER_CALLBACK = 'https://other.example/cb';
/** The name of the cookie of a request, by the path of its pages. */
const cookieOf = (path: string) => `mintgate_form_${path.split('/').at(-1)}`;
const SESSION_COOKIE = 'mintgate_session';

describeOnEachDatabase('an authorization request while its user is asked', (kind) => {
  let server: TestServer;
  /** Another instance on the same database. */
  let sibling: TestServer;
  let margaret: RegisteredUser;
  let client: Credentials;
  let other: Credentials;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
    sibling = await TestServer.start({ database: server.database, issuer: server.issuer, clock: server.clock });
    margaret = await server.driver.registerUser({ username: 'margaret' });
    client = await register({ redirect_uris: [CALLBACK, 'https://app.example/second'] });
    other = await register({ redirect_uris: [OTHER_CALLBACK] });
  });
  beforeEach(() => server.driver.renewAdminToken());
  afterAll(async () => {
    await sibling.stop();
    await server.stop();
  });

  const register = (metadata: Record<string, unknown> = {}) => server.driver.registerClient({ grant_types: ['authorization_code'], redirect_uris: [CALLBACK], scope: 'openid api admin', default_scope: 'api', ...metadata });
  const newBrowser = () => new Browser(server.url);
  /** The path of a request that asks for consent, and the login page that the browser was shown. */
  const begin = async (browser: Browser, changes: ParameterChanges = {}, at = client) => {
    const { location } = await browser.get(authorizationUrl(at, { scope: 'api', prompt: 'consent', ...changes }));
    const login = await browser.follow(await browser.get(location!.href));
    expectPage(login, 'login');
    return { path: location!.pathname.replace(/\/login$/, ''), login };
  };
  const formCookie = (browser: Browser) => browser.formCookie()!.value;
  const tokenFor = (answer: PageAnswer) => server.driver.token(client, { grant_type: 'authorization_code', code: clientAnswer(answer).params['code'], redirect_uri: CALLBACK, code_verifier: PKCE.verifier });
  /** Asks for all that there is of a request, as it stands in addresses and forms. */
  const everyPage = async (browser: Browser, path: string, fields: Record<string, string> = {}): Promise<PageAnswer[]> => [
    await browser.get(path),
    await browser.get(`${path}/login`),
    await browser.get(`${path}/consent`),
    await browser.post(`${path}/login`, { ...margaret, decision: 'sign_in', ...fields }),
    await browser.post(`${path}/login`, { decision: 'cancel', ...fields }),
    await browser.post(`${path}/consent`, { decision: 'allow', ...fields }),
    await browser.post(`${path}/consent`, { decision: 'deny', ...fields }),
  ];

  describe('RFC 9700 §4.12: no redirect repeats a form', () => {
    it('each is a 303, whatever was posted', async () => {
      const browser = newBrowser();
      const posted = await browser.post('/oauth/authorize', Object.fromEntries(new URLSearchParams(authorizationQuery(client, { prompt: 'consent' }))));
      const login = await browser.follow(posted);
      const signedIn = await browser.post(formAction(login), { ...hiddenFields(login.text), ...margaret, decision: 'sign_in' });
      const consent = await browser.follow(signedIn);
      const switched = await browser.post(formAction(consent), { ...hiddenFields(consent.text), decision: 'switch_user' });
      const allowed = await browser.post(formAction(consent), { ...hiddenFields(consent.text), decision: 'allow' });
      const answered = await browser.get(allowed.location!.href);
      const { login: toCancel } = await begin(newBrowser());
      for (const answer of [posted, signedIn, switched, allowed, answered]) expect([answer.status, answer.headers.get('cache-control')]).toEqual([303, 'no-store']);
      expect(toCancel.status).toBe(200);
      expect(clientAnswer(answered).params['code']).toMatch(/^mg_ac_/);
    });

    it('refusals by the user are too', async () => {
      const browser = newBrowser();
      const { login } = await begin(browser, { prompt: 'login' });
      expect((await browser.post(formAction(login), { ...hiddenFields(login.text), decision: 'cancel' })).status).toBe(303);
      const consent = await browser.signIn((await begin(browser, { prompt: 'login consent' })).login, margaret);
      expect((await browser.post(formAction(consent), { ...hiddenFields(consent.text), decision: 'deny' })).status).toBe(303);
    });
  });

  describe('what it asks for is fixed (CVE-2026-7571)', () => {
    const TAMPERED: Record<string, string> = {
      client_id: 'test-admin', redirect_uri: 'https://evil.example/cb', response_type: 'token', response_mode: 'fragment', scope: 'admin', state: 'tampered', nonce: 'tampered', resource: 'https://evil.example', prompt: 'none', max_age: '0',
      code_challenge: 'A'.repeat(43), code_challenge_method: 'plain', claims: '{"id_token":{"sub":{"value":"x"}}}', request_uri: 'urn:ietf:params:oauth:request_uri:x', request_id: 'x', approved_by: 'x', return_to: 'https://evil.example', next: '//evil.example', redirect: 'https://evil.example',
    };
    const query = new URLSearchParams(TAMPERED).toString();

    it.each<[string, Record<string, string>, string]>([['fields of the forms', TAMPERED, ''], ['the query of each page', {}, `?${query}`], ['both', TAMPERED, `?${query}`]])('%s change nothing', async (_, fields, search) => {
      const browser = newBrowser();
      const { path, login } = await begin(browser, { state: 'original' });
      const signedIn = await browser.post(`${path}/login${search}`, { ...hiddenFields(login.text), ...fields, ...margaret, decision: 'sign_in' });
      expect(signedIn.location!.href).toBe(server.issuer + path);
      const resumed = await browser.get(path + search);
      expect(resumed.location!.href).toBe(`${server.issuer}${path}/consent`);
      const consent = await browser.get(`${path}/consent${search}`);
      expect(consent.text).not.toMatch(/evil|tampered|<code><bdi>admin/);
      const allowed = await browser.post(`${path}/consent${search}`, { ...hiddenFields(consent.text), ...fields, decision: 'allow' });
      expect(allowed.location!.href).toBe(server.issuer + path);
      const answer = await browser.get(path + search);
      expect(clientAnswer(answer)).toEqual({ mode: 'query', params: { code: expect.any(String) as string, state: 'original', iss: server.issuer } });
      const token = await tokenFor(answer);
      expect(decodeJwt(token.body['access_token'] as string).claims).toMatchObject({ client_id: client.clientId, scope: 'api', aud: server.issuer, sub: margaret.userId });
    });

    it('a form of one request does not fit another, not even in the same browser', async () => {
      const browser = newBrowser();
      const [one, two] = [await begin(browser), await begin(browser, { redirect_uri: OTHER_CALLBACK }, other)];
      const refused = await browser.post(`${two.path}/login`, { ...hiddenFields(one.login.text), ...margaret, decision: 'sign_in' });
      expectErrorPage(refused, 403);
      expect(browser.cookie(SESSION_COOKIE)).toBeUndefined();
    });

    it('a request that is made anew in the middle of another begins at the beginning', async () => {
      const browser = newBrowser();
      const consent = await browser.signIn((await begin(browser)).login, margaret);
      expectPage(consent, 'consent');
      await browser.post(formAction(consent), { ...hiddenFields(consent.text), decision: 'allow' });
      expectPage(await browser.follow(await browser.get(authorizationUrl(client, { scope: 'api admin' }))), 'consent');
      expectPage(await browser.follow(await browser.get(authorizationUrl(client, { scope: 'api', prompt: 'consent' }))), 'consent');
    });

    it('there is no other: an id that was not given is a page', async () => {
      const browser = newBrowser();
      const { path } = await begin(browser);
      const value = formCookie(browser);
      for (const id of ['x', 'A'.repeat(22), `${path.split('/').at(-1)}x`, 'a'.repeat(3000), '__proto__', '%00', '%F0%9F%8E%AB', "'%20OR%201=1--"]) {
        browser.setCookie(cookieOf(id), value);
        for (const page of ['', '/login', '/consent']) {
          const answer = await browser.get(`/oauth/authorize/${id}${page}`);
          expectErrorPage(answer);
          expect(answer.text).not.toContain('OR 1=1');
        }
      }
    });
  });

  describe('it belongs to the browser in which it began', () => {
    it('a browser without its cookie, with another one, with that of another request, or with two of them: a page, and nothing happens', async () => {
      const browser = newBrowser();
      const { path, login } = await begin(browser);
      const cookie = formCookie(browser);
      const another = newBrowser();
      await begin(another);
      const cookies = [undefined, '', 'x', cookie.slice(0, -1), cookie.toUpperCase(), formCookie(another), `${cookie}; ${cookieOf(path)}=${cookie}`, `x; ${cookieOf(path)}=${cookie}`];
      for (const value of cookies) {
        const stranger = newBrowser();
        if (value !== undefined) stranger.setCookie(cookieOf(path), value);
        for (const answer of await everyPage(stranger, path, hiddenFields(login.text))) {
          expectErrorPage(answer);
          expect(answer.headers.get('set-cookie')).toBeNull();
        }
      }
      expectPage(await browser.signIn(login, margaret), 'consent');
    });

    it('the cookie of a session does not stand in for it', async () => {
      const { path } = await begin(newBrowser());
      const browser = newBrowser();
      await browser.authorize(authorizationUrl(client), margaret);
      for (const answer of await everyPage(browser, path)) expectErrorPage(answer);
    });

    it('forms without their token, or with that of another browser: 403, and nothing happens', async () => {
      const browser = newBrowser();
      const [{ path, login }, { login: strange }] = [await begin(browser), await begin(newBrowser())];
      const token = hiddenFields(login.text)['csrf_token'];
      for (const fields of [undefined, { csrf_token: '' }, { csrf_token: token.slice(1) }, { csrf_token: `${token}A` }, hiddenFields(strange.text)]) {
        for (const answer of (await everyPage(browser, path, fields)).slice(3)) expectErrorPage(answer, 403);
      }
      expect(browser.cookie(SESSION_COOKIE)).toBeUndefined();
      const consent = await browser.signIn(login, margaret);
      for (const value of ['', token]) expectErrorPage(await browser.post(`${path}/consent`, { csrf_token: value, decision: 'allow' }), 403);
      expectPage(await browser.follow(await browser.get(path)), 'consent');
      expect(clientAnswer(await browser.submit(consent, { decision: 'allow' })).params['code']).toMatch(/^mg_ac_/);
    });

    it('the cookie is named by the request, ends with it, and is out of the reach of scripts', async () => {
      const browser = newBrowser();
      const answer = await browser.get(authorizationUrl(client, { prompt: 'consent' }));
      const path = answer.location!.pathname.replace(/\/login$/, '');
      expect(answer.headers.getSetCookie()).toEqual([expect.stringMatching(new RegExp(`^${cookieOf(path)}=mg_ar_[\\w-]{43}; Path=/; HttpOnly; SameSite=Lax; Max-Age=3600$`))]);
      const end = await browser.submit(await browser.signIn(answer, margaret), { decision: 'allow' });
      expect(end.headers.getSetCookie()).toEqual([`${cookieOf(path)}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0`]);
    });

    it('goes on at another instance', async () => {
      const browser = newBrowser();
      const { path, login } = await begin(browser);
      const elsewhere = new Browser(sibling.url, server.issuer);
      elsewhere.setCookie(cookieOf(path), formCookie(browser));
      const consent = await elsewhere.signIn(login, margaret);
      expectPage(consent, 'consent');
      expect((await tokenFor(await elsewhere.submit(consent, { decision: 'allow' }))).status).toBe(200);
    });
  });

  describe('it is answered once', () => {
    const reach = async (browser: Browser) => {
      const { path, login } = await begin(browser);
      const cookie = formCookie(browser);
      const consent = await browser.signIn(login, margaret);
      return { path, cookie, consent };
    };

    it('after a code, every page of it is an error', async () => {
      const browser = newBrowser();
      const { path, cookie, consent } = await reach(browser);
      expect((await tokenFor(await browser.submit(consent, { decision: 'allow' }))).status).toBe(200);
      browser.setCookie(cookieOf(path), cookie);
      for (const answer of await everyPage(browser, path, hiddenFields(consent.text))) expectErrorPage(answer);
    });

    it('after a refusal as well', async () => {
      const browser = newBrowser();
      const { path, cookie, consent } = await reach(browser);
      expectRefusal(await browser.submit(consent, { decision: 'deny' }), 'access_denied', server);
      browser.setCookie(cookieOf(path), cookie);
      for (const answer of await everyPage(browser, path, hiddenFields(consent.text))) expectErrorPage(answer);
    });

    it('of ten at once one gets the code, on two instances', async () => {
      const browser = newBrowser();
      const { path, cookie, consent } = await reach(browser);
      await browser.post(formAction(consent), { ...hiddenFields(consent.text), decision: 'allow' });
      const elsewhere = new Browser(sibling.url, server.issuer);
      elsewhere.setCookie(cookieOf(path), cookie);
      elsewhere.setCookie(SESSION_COOKIE, browser.cookie(SESSION_COOKIE)!);
      const headers = { cookie: `${cookieOf(path)}=${cookie}; ${SESSION_COOKIE}=${browser.cookie(SESSION_COOKIE)}` };
      const answers = await Promise.all(Array.from({ length: 10 }, (_, index) => (index % 2 ? browser : elsewhere).get(path, headers)));
      const codes = answers.filter(({ status }) => status === 303);
      expect(codes).toHaveLength(1);
      for (const answer of answers) if (answer.status !== 303) expectErrorPage(answer);
      expect((await tokenFor(codes[0])).status).toBe(200);
    });

    it('of allowing and denying at once, one counts', async () => {
      const browser = newBrowser();
      const { path, consent } = await reach(browser);
      const fields = hiddenFields(consent.text);
      const [allowed, denied] = await Promise.all([browser.post(`${path}/consent`, { ...fields, decision: 'allow' }), browser.post(`${path}/consent`, { ...fields, decision: 'deny' })]);
      expectRefusal(denied, 'access_denied', server);
      expectErrorPage(allowed.status === 303 ? await browser.get(path) : allowed);
    });
  });

  it('it waits for an hour', async () => {
    const browser = newBrowser();
    const { path, login } = await begin(browser);
    server.clock.advanceSeconds(3599);
    expectPage(await browser.get(`${path}/login`), 'login');
    server.clock.advanceSeconds(1);
    for (const answer of await everyPage(browser, path, hiddenFields(login.text))) expectErrorPage(answer);
    expect(browser.cookie(SESSION_COOKIE)).toBeUndefined();
  });

  it('two requests in one browser do not disturb each other', async () => {
    const browser = newBrowser();
    const [one, two] = [await begin(browser, { state: 'one' }), await begin(browser, { state: 'two', redirect_uri: OTHER_CALLBACK }, other)];
    const [fromTwo, fromOne] = [await browser.signIn(two.login, margaret), await browser.follow(await browser.get(one.path))];
    expect(fromTwo.text).toContain('other.example');
    expect(fromOne.text).toContain('app.example');
    expect(clientAnswer(await browser.submit(fromOne, { decision: 'allow' })).params['state']).toBe('one');
    expect(clientAnswer(await browser.submit(fromTwo, { decision: 'allow' }), OTHER_CALLBACK).params['state']).toBe('two');
  });

  it('signing in for one request is enough for another, whose login page is still open', async () => {
    const browser = newBrowser();
    const [one, two] = [await begin(browser), await begin(browser)];
    const consent = await browser.signIn(one.login, margaret);
    expectPage(consent, 'consent');
    const again = await browser.signIn(two.login, margaret);
    expectPage(again, 'consent');
    // The session has another cookie now, which a page from before does not know.
    expectErrorPage(await browser.submit(consent, { decision: 'allow' }), 403);
    expect(clientAnswer(await browser.submit(again, { decision: 'allow' })).params['code']).toMatch(/^mg_ac_/);
  });

  describe('what changes meanwhile counts', () => {
    const patch = (path: string, change: Record<string, unknown>) => server.driver.adminRequest('PATCH', path, change);

    it.each<[string, (clientId: string) => Promise<unknown>]>([
      ['is disabled', (clientId) => patch(`/clients/${clientId}`, { enabled: false })],
      ['is disabled and enabled again', async (clientId) => [await patch(`/clients/${clientId}`, { enabled: false }), await patch(`/clients/${clientId}`, { enabled: true })]],
      ['is deleted', (clientId) => server.driver.adminRequest('DELETE', `/clients/${clientId}`)],
      ['loses all that it holds', (clientId) => server.driver.adminRequest('DELETE', `/clients/${clientId}/tokens`)],
      ['loses the redirect URI', (clientId) => patch(`/clients/${clientId}`, { redirect_uris: ['https://app.example/new'] })],
      ['loses the grant', (clientId) => patch(`/clients/${clientId}`, { grant_types: ['client_credentials'], response_types: [] })],
    ])('a client that %s: a page', async (_, change) => {
      const changing = await register();
      const browser = newBrowser();
      const { path, login } = await begin(browser, {}, changing);
      await change(changing.clientId);
      for (const answer of await everyPage(browser, path, hiddenFields(login.text))) expectErrorPage(answer);
      expect(browser.cookie(SESSION_COOKIE)).toBeUndefined();
    });

    it('a client that loses a scope: the rest of it is asked for and given', async () => {
      const changing = await register();
      const browser = newBrowser();
      const { login } = await begin(browser, { scope: 'api admin' }, changing);
      await patch(`/clients/${changing.clientId}`, { scope: 'api', default_scope: 'api' });
      const consent = await browser.signIn(login, margaret);
      expect(consent.text).not.toContain('<bdi>admin');
      const { code } = clientAnswer(await browser.submit(consent, { decision: 'allow' })).params;
      expect((await server.driver.token(changing, { grant_type: 'authorization_code', code, redirect_uri: CALLBACK, code_verifier: PKCE.verifier })).body['scope']).toBe('api');
    });

    it('a user who is disabled, or signed out everywhere, before she consents: has to sign in again', async () => {
      const grace = await server.driver.registerUser({ username: `grace-${kind}` });
      for (const end of [() => server.driver.adminRequest('DELETE', `/users/${grace.userId}/sessions`), () => patch(`/users/${grace.userId}`, { enabled: false })]) {
        const browser = newBrowser();
        const consent = await browser.signIn((await begin(browser)).login, grace);
        expectPage(consent, 'consent');
        await end();
        expectPage(await browser.submit(consent, { decision: 'allow' }), 'login');
      }
    });
  });

  describe('OIDC Core §3.1.2.1: a form from the page of another site', () => {
    /** What a browser sends then: no cookie that is not for such requests. */
    const CROSS_SITE = { ...FORM, 'sec-fetch-site': 'cross-site', cookie: '' };
    const postFromElsewhere = (browser: Browser, changes: ParameterChanges = {}) => browser.request('POST', '/oauth/authorize', { headers: CROSS_SITE, body: authorizationQuery(client, { scope: 'api', ...changes }) });

    it('is taken up where the session can be seen: a user who is signed in is not asked to sign in', async () => {
      const browser = newBrowser();
      await browser.authorize(authorizationUrl(client, { scope: 'api' }), margaret);
      const posted = await postFromElsewhere(browser);
      expect(posted.status).toBe(303);
      expect(posted.location!.href).toMatch(new RegExp(`^${server.issuer}/oauth/authorize/[\\w-]{22}$`));
      expect(clientAnswer(await browser.follow(posted)).params['code']).toMatch(/^mg_ac_/);
      expect(clientAnswer(await browser.follow(await postFromElsewhere(browser, { prompt: 'none' }))).params['code']).toMatch(/^mg_ac_/);
    });

    it('without a session it comes to the login page, or to login_required', async () => {
      const browser = newBrowser();
      expectPage(await browser.follow(await postFromElsewhere(browser)), 'login');
      expectRefusal(await browser.follow(await postFromElsewhere(browser, { prompt: 'none' })), 'login_required', server);
    });

    it('prompt=login still asks for a login', async () => {
      const browser = newBrowser();
      await browser.authorize(authorizationUrl(client, { scope: 'api' }), margaret);
      server.clock.advanceSeconds(1);
      expectPage(await browser.follow(await postFromElsewhere(browser, { prompt: 'login' })), 'login');
    });

    it('errors are told as ever', async () => {
      expectRefusal(await postFromElsewhere(newBrowser(), { response_type: 'foo' }), 'unsupported_response_type', server);
      expectErrorPage(await postFromElsewhere(newBrowser(), { redirect_uri: 'https://evil.example' }));
    });

    it('from the same site, the login page comes at once', async () => {
      const posted = await newBrowser().request('POST', '/oauth/authorize', { headers: { ...FORM, 'sec-fetch-site': 'same-origin' }, body: authorizationQuery(client) });
      expect(posted.location!.pathname).toMatch(/\/login$/);
    });
  });

  describe('RFC 9700 §4.11.2: it leads nowhere but to this server and to the redirect URI', () => {
    it('an error of a client that an admin registered goes to it at once: its redirect URIs are known to be good', async () => {
      expectRefusal(await newBrowser().get(authorizationUrl(client, { scope: 'unknown' })), 'invalid_scope', server);
    });

    it.each<[string, [string, string][]]>([
      ['Host', [['Host', 'evil.example']]],
      ['X-Forwarded-Host and -Proto', [['X-Forwarded-Host', 'evil.example'], ['X-Forwarded-Proto', 'http']]],
      ['Forwarded', [['Forwarded', 'host=evil.example;proto=http']]],
      ['X-Original-URL', [['X-Original-URL', 'https://evil.example/']]],
      ['Referer', [['Referer', 'https://evil.example/']]],
    ])('%s does not change where it is', async (_, headers) => {
      const { path } = await begin(newBrowser());
      const answer = await rawAnswer(server.url, 'GET', authorizationUrl(client), headers);
      expect(answer.headers.get('location')).toMatch(new RegExp(`^${server.issuer}/oauth/authorize/[\\w-]{22}/login$`));
      const page = await rawAnswer(server.url, 'GET', path, headers);
      expect(page.text + [...page.headers].flat().join('\n')).not.toContain('evil');
    });

    it('pages of it say who may be sent their forms, and can be framed by nobody (RFC 9700 §4.16)', async () => {
      const { login } = await begin(newBrowser());
      expect(login.headers.get('content-security-policy')).toMatch(/^default-src 'none';.*form-action 'self' https:;.*frame-ancestors 'none'/);
      expect(login.headers.get('x-frame-options')).toBe('DENY');
      expect(login.headers.get('referrer-policy')).toBe('no-referrer');
      expect(login.headers.get('cache-control')).toBe('no-store');
      expect(login.text).not.toMatch(/<script|(src|href)="(https?:)?\/\//);
    });
  });

  it('behind https, its cookie is marked for it (RFC 6265bis §4.1.3)', async () => {
    const secure = await TestServer.start({ database: server.database, clock: server.clock, env: { ISSUER: 'https://id.example.com/tenant' } });
    try {
      const answer = await new Browser(secure.url).get(authorizationUrl(client));
      const id = /^https:\/\/id\.example\.com\/tenant\/oauth\/authorize\/([\w-]{22})\/login$/.exec(answer.headers.get('location')!)?.[1];
      expect(answer.headers.getSetCookie()).toEqual([expect.stringMatching(new RegExp(`^__Host-mintgate_form_${id}=mg_ar_[\\w-]{43}; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=3600$`))]);
    } finally {
      await secure.stop();
    }
  });
});
