import { clientAnswer, expectErrorPage, expectPage } from '../../support/authorization-answers.js';
import { authorizationUrl, CALLBACK, PKCE } from '../../support/authorization-url.js';
import { Browser, formAction, hiddenFields, type PageAnswer } from '../../support/browser.js';
import { CodeFlow, type IssuedTokens } from '../../support/code-flow.js';
import { describeOnOneDatabase } from '../../support/databases.js';
import { eventually } from '../../support/eventually.js';
import { flipCase } from '../../support/forged-tokens.js';
import { type Credentials, PASSWORD, type RegisteredUser } from '../../support/oauth-driver.js';
import { TestServer } from '../../support/test-server.js';

/** What one instance has done, every other one holds to within this time. */
const KNOWN = { withinMs: 1000, everyMs: 50 };
const COOKIE = 'mintgate_session';
const HOUR = 3600;

describeOnOneDatabase('Sessions', (kind) => {
  let a: TestServer;
  let b: TestServer;
  let margaret: RegisteredUser;
  let client: Credentials;
  let serial = 0;

  beforeAll(async () => {
    a = await TestServer.start({ kind });
    b = await TestServer.start({ database: a.database, issuer: a.issuer, clock: a.clock });
    margaret = await user();
    client = await a.driver.registerClient({ grant_types: ['authorization_code', 'refresh_token'], redirect_uris: [CALLBACK], scope: 'read', skip_consent: true });
  });
  afterAll(async () => {
    await b.stop();
    await a.stop();
  });
  afterEach(() => a.driver.renewAdminToken());

  const user = () => a.driver.registerUser({ username: `user-${++serial}` });
  const signedIn = async (who = margaret): Promise<Browser> => (await CodeFlow.signedIn(a, who)).browser;
  const sessionOf = (browser: Browser): string => browser.cookie(COOKIE)!;

  /** A browser that holds this session cookie and nothing else. */
  function holding(cookie: string, server = a): Browser {
    const browser = new Browser(server.url, server.issuer);
    browser.setCookie(COOKIE, cookie);
    return browser;
  }

  /** Whose session a cookie is, without asking anybody (OIDC Core §3.1.2.1, prompt=none). */
  async function isSignedIn(browser: Browser): Promise<boolean> {
    const { code, error } = clientAnswer(await browser.get(authorizationUrl(client, { prompt: 'none' }))).params;
    if (code === undefined) expect(error).toBe('login_required');
    return code !== undefined;
  }

  async function loginPage(browser = new Browser(a.url)): Promise<PageAnswer> {
    const page = await browser.follow(await browser.get(authorizationUrl(client, { prompt: 'login' })));
    expectPage(page, 'login');
    return page;
  }

  const logIn = (browser: Browser, page: PageAnswer, { username, password } = margaret, fields = {}) => browser.post(formAction(page), { ...hiddenFields(page.text), username, password, decision: 'sign_in', ...fields });

  describe('ASVS 7.2.4: a sign-in begins with a cookie that nobody has seen', () => {
    it('in the place of one that was there before, whatever that was', async () => {
      for (const planted of [`mg_ss_${'A'.repeat(43)}`, 'planted', '']) {
        const browser = holding(planted);
        await logIn(browser, await loginPage(browser));
        expect(sessionOf(browser)).toMatch(/^mg_ss_[\w-]{43}$/);
        expect(sessionOf(browser)).not.toBe(planted);
        expect([await isSignedIn(browser), await isSignedIn(holding(planted))]).toEqual([true, false]);
      }
    });

    it('in the place of the session of somebody else, which ends', async () => {
      const planted = sessionOf(await signedIn(await user()));
      const browser = holding(planted);
      await logIn(browser, await loginPage(browser));
      expect(sessionOf(browser)).not.toBe(planted);
      expect([await isSignedIn(browser), await isSignedIn(holding(planted))]).toEqual([true, false]);
    });

    it('when the same user signs in once more: the old cookie is void', async () => {
      const browser = await signedIn();
      const before = sessionOf(browser);
      await logIn(browser, await loginPage(browser));
      expect(sessionOf(browser)).not.toBe(before);
      expect([await isSignedIn(browser), await isSignedIn(holding(before)), await isSignedIn(holding(before, b))]).toEqual([true, false, false]);
    });

    it('so does the token of the forms: the one from before is refused', async () => {
      const asking = await a.driver.registerClient({ grant_types: ['authorization_code'], redirect_uris: [CALLBACK], scope: 'read' });
      const browser = await signedIn();
      const consent = await browser.follow(await browser.get(authorizationUrl(asking)));
      await logIn(browser, await loginPage(browser));
      const again = await browser.get(formAction(consent));
      expect(hiddenFields(again.text)['csrf_token']).not.toBe(hiddenFields(consent.text)['csrf_token']);
      expectErrorPage(await browser.submit(consent, { decision: 'allow' }), 403);
      expect(clientAnswer(await browser.submit(again, { decision: 'allow' })).params).toHaveProperty('code');
    });

    it('a sign-in that fails sets none, and leaves the one that is there', async () => {
      const browser = await signedIn();
      const before = sessionOf(browser);
      const page = await logIn(browser, await loginPage(browser), { ...margaret, password: 'wrong' });
      expect([page.status, page.headers.getSetCookie()]).toEqual([400, []]);
      expect([sessionOf(browser), await isSignedIn(browser)]).toEqual([before, true]);
    });
  });

  describe('RFC 6265bis §4.1.3, ASVS 3.3: the cookies', () => {
    const setCookies = async (server: TestServer) => {
      const browser = new Browser(server.url, server.issuer);
      const begun = await browser.get('/account');
      const answer = await browser.post('/account/login', { ...hiddenFields(begun.text), username: margaret.username, password: margaret.password, decision: 'sign_in' });
      const asking = await new Browser(server.url, server.issuer).get(authorizationUrl(client));
      return { session: answer.headers.getSetCookie(), form: asking.headers.getSetCookie(), path: asking.location!.pathname };
    };

    it('on http, which is for loopback: out of the reach of scripts, not sent from other sites, without a domain', async () => {
      const { session, form, path } = await setCookies(a);
      expect(session).toEqual([expect.stringMatching(/^mintgate_session=mg_ss_[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/)]);
      expect(form).toEqual([expect.stringMatching(/^mintgate_form_[\w-]{22}=mg_ar_[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=3600$/)]);
      expect(path).toBe(`/oauth/authorize/${/mintgate_form_([^=]*)/.exec(form[0])![1]}/login`);
    });

    it('behind https: Secure, by names that no other host and no http page can set', async () => {
      const behindTls = await TestServer.start({ database: a.database, issuer: 'https://id.example', clock: a.clock });
      try {
        const { session, form } = await setCookies(behindTls);
        expect(session).toEqual([expect.stringMatching(/^__Host-mintgate_session=mg_ss_[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Secure$/)]);
        expect(form).toEqual([expect.stringMatching(/^__Host-mintgate_form_[\w-]{22}=mg_ar_[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Secure; Max-Age=3600$/)]);
        const [value] = session[0].slice('__Host-mintgate_session='.length).split(';');
        const unmarked = new Browser(behindTls.url, behindTls.issuer);
        unmarked.setCookie(COOKIE, value);
        expect(await isSignedIn(unmarked)).toBe(false);
        unmarked.setCookie(`__Host-${COOKIE}`, value);
        expect(await isSignedIn(unmarked)).toBe(true);
      } finally {
        await behindTls.stop();
      }
    });

    it('one character changed, cut off or added, or two of the name: nobody', async () => {
      const cookie = sessionOf(await signedIn());
      for (const other of [flipCase(cookie), cookie.slice(0, -1), `${cookie}A`, `${cookie}%20`, cookie.slice('mg_ss_'.length), `${cookie}; ${COOKIE}=${cookie}`, `x; ${COOKIE}=${cookie}`]) {
        expect([other, await isSignedIn(holding(other))]).toEqual([other, false]);
      }
      expect(await isSignedIn(holding(cookie))).toBe(true);
    });

    it('good at every instance', async () => {
      expect(await isSignedIn(holding(sessionOf(await signedIn()), b))).toBe(true);
    });
  });

  describe('ASVS 3.5.1: the login form', () => {
    it('without its token, with one of another browser, or with one of another request: 403, and nobody is signed in', async () => {
      const browser = new Browser(a.url);
      const page = await loginPage(browser);
      const stranger = await loginPage();
      const sibling = hiddenFields((await loginPage(browser)).text)['csrf_token'];
      for (const token of ['', 'x', hiddenFields(stranger.text)['csrf_token'], sibling, `${hiddenFields(page.text)['csrf_token']}x`]) {
        const answer = await logIn(browser, page, margaret, { csrf_token: token });
        expectErrorPage(answer, 403);
        expect(answer.headers.getSetCookie()).toEqual([]);
        expect(await isSignedIn(browser)).toBe(false);
      }
      expect((await logIn(browser, page)).status).toBe(303);
      expect(await isSignedIn(browser)).toBe(true);
    });

    it('a form that was refused so is no guess at the password', async () => {
      const [someone, browser] = [await user(), new Browser(a.url)];
      const page = await loginPage(browser);
      for (let i = 0; i < 12; i++) expectErrorPage(await logIn(browser, page, { ...someone, password: 'wrong' }, { csrf_token: 'x' }), 403);
      expect((await logIn(browser, page, someone)).status).toBe(303);
    });
  });

  describe('ASVS 7.4.1: signing out', () => {
    it('ends the session for whoever kept its cookie, at every instance, and with it the tokens of the session', async () => {
      const flow = await CodeFlow.signedIn(a, margaret);
      const [cookie, tokens] = [sessionOf(flow.browser), await flow.tokens(client)];
      const page = await flow.browser.get('/oauth/logout');
      expect(await isSignedIn(flow.browser)).toBe(true);
      const end = await flow.browser.submit(page, { decision: 'sign_out' });
      expect([end.status, flow.browser.cookie(COOKIE)]).toEqual([200, undefined]);
      for (const server of [a, b]) {
        expectPage(await loginPageOf(holding(cookie, server)), 'login');
        await eventually(async () => expect((await server.driver.introspect(client, tokens.access_token)).text).toBe('{"active":false}'), KNOWN);
        expect((await server.driver.refresh(client, tokens.refresh_token)).body).toMatchObject({ error: 'invalid_grant' });
      }
    });

    it('in one browser leaves the others, and their tokens, alone', async () => {
      const [one, other] = [await CodeFlow.signedIn(a, margaret), await CodeFlow.signedIn(a, margaret)];
      const tokens = await other.tokens(client);
      await one.browser.submit(await one.browser.get('/oauth/logout'), { decision: 'sign_out' });
      expect([await isSignedIn(one.browser), await isSignedIn(other.browser)]).toEqual([false, true]);
      expect((await a.driver.introspect(client, tokens.access_token)).body['active']).toBe(true);
    });

    const loginPageOf = async (browser: Browser) => browser.follow(await browser.get(authorizationUrl(client)));
  });

  describe('ASVS 7.3: a session ends by itself', () => {
    it('after four hours without a use', async () => {
      const browser = await signedIn();
      a.clock.advanceSeconds(4 * HOUR - 1);
      expect(await isSignedIn(browser)).toBe(true);
      a.clock.advanceSeconds(4 * HOUR - 1);
      expect(await isSignedIn(browser)).toBe(true);
      a.clock.advanceSeconds(4 * HOUR);
      expect(await isSignedIn(browser)).toBe(false);
      expect(await isSignedIn(browser)).toBe(false);
    });

    it('a day after the sign-in, whatever was done in between', async () => {
      const browser = await signedIn();
      for (let hour = 3; hour < 24; hour += 3) {
        a.clock.advanceSeconds(3 * HOUR);
        expect(await isSignedIn(browser)).toBe(true);
      }
      a.clock.advanceSeconds(3 * HOUR - 1);
      expect(await isSignedIn(browser)).toBe(true);
      a.clock.advanceSeconds(1);
      expect(await isSignedIn(browser)).toBe(false);
    });

    it('a day after the last sign-in, when the user signed in once more', async () => {
      const browser = await signedIn();
      a.clock.advanceSeconds(3 * HOUR);
      await logIn(browser, await loginPage(browser));
      for (let hour = 3; hour < 24; hour += 3) {
        a.clock.advanceSeconds(3 * HOUR);
        expect(await isSignedIn(browser)).toBe(true);
      }
      a.clock.advanceSeconds(3 * HOUR);
      expect(await isSignedIn(browser)).toBe(false);
    });
  });

  it('a sign-in by a new password is good at an instance that has not heard of that password yet: session, code and tokens', async () => {
    const late = await TestServer.start({ database: a.database, issuer: a.issuer, clock: a.clock, env: { CHANGE_FEED_INTERVAL_MS: '900' } });
    try {
      const someone = await user();
      // So that it has her in memory as she was.
      expect(await isSignedIn(holding(sessionOf(await signedIn(someone)), late))).toBe(true);
      expect((await a.driver.adminRequest('PUT', `/users/${someone.userId}/password`, { password: PASSWORD })).status).toBe(204);
      const flow = await CodeFlow.signedIn(a, someone);
      const code = await flow.code(client);
      const { status, body } = await late.driver.redeem(client, { code, redirect_uri: CALLBACK, code_verifier: PKCE.verifier });
      expect(status).toBe(200);
      expect((await late.driver.refresh(client, body['refresh_token'] as string)).status).toBe(200);
      expect(await isSignedIn(holding(sessionOf(flow.browser), late))).toBe(true);
    } finally {
      await late.stop();
    }
  });

  describe('ASVS 7.4.2, 7.4.3: within a second at every instance, sessions and tokens end when the user', () => {
    it.each<[string, string, string, unknown]>([
      ['is disabled', 'PATCH', '', { enabled: false }],
      ['is deleted', 'DELETE', '', undefined],
      ['is given a password', 'PUT', '/password', { password: PASSWORD }],
      ['is signed out everywhere', 'DELETE', '/sessions', undefined],
      ['has all tokens revoked', 'DELETE', '/tokens', undefined],
    ])('%s', async (_, method, path, body) => {
      const someone = await user();
      const [one, other] = [await CodeFlow.signedIn(a, someone), await CodeFlow.signedIn(a, someone)];
      const held: [string, IssuedTokens][] = [];
      for (const flow of [one, other]) held.push([sessionOf(flow.browser), await flow.tokens(client)]);
      for (const [cookie, tokens] of held) for (const server of [a, b]) expect([await isSignedIn(holding(cookie, server)), (await server.driver.introspect(client, tokens.refresh_token)).body['active']]).toEqual([true, true]);
      const { status } = await a.driver.adminRequest(method, `/users/${someone.userId}${path}`, body);
      expect([200, 204]).toContain(status);
      for (const [cookie] of held) expect(await isSignedIn(holding(cookie))).toBe(false);
      await eventually(async () => {
        for (const [cookie, tokens] of held) {
          expect(await isSignedIn(holding(cookie, b))).toBe(false);
          for (const token of [tokens.access_token, tokens.refresh_token]) expect((await b.driver.introspect(client, token)).text).toBe('{"active":false}');
        }
      }, KNOWN);
      for (const [, tokens] of held) for (const { driver } of [a, b]) expect((await driver.refresh(client, tokens.refresh_token)).body).toMatchObject({ error: 'invalid_grant' });
    });
  });
});
