import { clientAnswer, expectErrorPage, expectPage } from '../../support/authorization-answers.js';
import { authorizationUrl, CALLBACK } from '../../support/authorization-url.js';
import { Browser, formAction, hiddenFields, type PageAnswer } from '../../support/browser.js';
import { CodeFlow } from '../../support/code-flow.js';
import { describeOnOneDatabase } from '../../support/databases.js';
import { type Credentials, PASSWORD, type RegisteredUser } from '../../support/oauth-driver.js';
import { TestServer } from '../../support/test-server.js';

const SESSION = 'mintgate_session';
const MAX_FORMS = 16;
const NEW_PASSWORD = 'nine purple lanterns over the canal';

describeOnOneDatabase('Forms of our own pages are sent from our own pages (RFC 9700 §4.7, RFC 6265bis §4.1.3)', (kind) => {
  let server: TestServer;
  let user: RegisteredUser;
  let client: Credentials;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
    user = await server.driver.registerUser({ username: 'margaret' });
    client = await server.driver.registerClient({
      grant_types: ['authorization_code'],
      redirect_uris: [CALLBACK],
      scope: 'read',
    });
  });
  afterAll(() => server.stop());

  const newBrowser = () => new Browser(server.url, server.issuer);
  const credentials = () => ({ username: user.username, password: user.password, decision: 'sign_in' });
  const signInAt = (browser: Browser, page: PageAnswer, headers: Record<string, string> = {}) =>
    browser.post(formAction(page), { ...hiddenFields(page.text), ...credentials() }, headers);
  const loginPage = async (browser: Browser) => browser.follow(await browser.get(authorizationUrl(client)));
  /** The names of the form cookies that a response sets. */
  const formNames = ({ headers }: PageAnswer): string[] =>
    headers.getSetCookie().flatMap((line) => (/Max-Age=0/.test(line) ? [] : (/^mintgate_form_[\w-]{22}/.exec(line) ?? [])));

  describe('the sign-in of the account page', () => {
    it('takes no value for its cookie that came with the request', async () => {
      const [name] = formNames(await newBrowser().get('/account'));
      for (const each of [name, 'mintgate_form', '__Host-mintgate_form', 'mintgate_form_', 'mintgate_form_x']) {
        const victim = newBrowser();
        victim.setCookie(each, 'attacker-chosen');
        const page = await victim.get('/account');
        expect(page.headers.getSetCookie().join()).not.toContain('attacker-chosen');
        expect(formNames(page)).not.toContain(each);
        const attacker = newBrowser();
        attacker.setCookie(each, 'attacker-chosen');
        const { csrf_token: token } = hiddenFields(page.text);
        expectErrorPage(await attacker.post('/account/login', { csrf_token: token, ...credentials() }), 403);
        expect(attacker.cookie(SESSION)).toBeUndefined();
      }
    });

    it('has a cookie for each rendering: two tabs, a reload and the back button do not disturb each other', async () => {
      const browser = newBrowser();
      const [one, two, reloaded] = [
        await browser.get('/account'),
        await browser.get('/account'),
        await browser.get('/account'),
      ];
      expect(new Set([one, two, reloaded].flatMap(formNames)).size).toBe(3);
      const wrong = { ...hiddenFields(two.text), ...credentials(), password: 'wrong' };
      expect((await browser.post('/account/login', wrong)).status).toBe(400);
      for (const page of [one, reloaded, two]) expect((await signInAt(browser, page)).status).toBe(303);
    });
  });

  it('a login page that is rendered again in the same browser works in both places', async () => {
    const browser = newBrowser();
    const page = await loginPage(browser);
    const again = await browser.get(formAction(page));
    expect(hiddenFields(again.text)).toEqual(hiddenFields(page.text));
    for (const each of [page, again]) expect((await signInAt(browser, each)).status).toBe(303);
    const consent = await browser.follow(await signInAt(browser, page));
    expect(clientAnswer(await browser.submit(consent, { decision: 'allow' })).params['code']).toMatch(/^mg_ac_/);
  });

  it(`a browser keeps the cookies of ${MAX_FORMS} forms, and the oldest one goes`, async () => {
    const browser = newBrowser();
    const pages: PageAnswer[] = [];
    for (let i = 0; i < MAX_FORMS; i++) pages.push(await loginPage(browser));
    expectPage(await browser.get(formAction(pages[0])), 'login');
    const beyond = await browser.get('/account');
    expect(beyond.headers.getSetCookie()).toHaveLength(2);
    expectErrorPage(await browser.get(formAction(pages[0])));
    for (const page of pages.slice(1)) expectPage(await browser.get(formAction(page)), 'login');
    expect((await signInAt(browser, beyond)).status).toBe(303);
  });

  describe('a form that comes from elsewhere, as the browser says, is refused although its token is right', () => {
    const ELSEWHERE = ['cross-site', 'same-site', 'none', 'Same-Origin'];
    const SAME = { 'sec-fetch-site': 'same-origin' };

    /** Refused from elsewhere without any effect, and then taken from our own page. */
    async function expectOwnOnly(send: (headers: Record<string, string>) => Promise<PageAnswer>, status = 303): Promise<void> {
      for (const site of ELSEWHERE) {
        expectErrorPage(await send({ 'sec-fetch-site': site, origin: 'https://evil.example' }), 403);
      }
      expect((await send(SAME)).status).toBe(status);
    }

    it('login', async () => {
      const browser = newBrowser();
      const page = await loginPage(browser);
      await expectOwnOnly((headers) => {
        expect(browser.cookie(SESSION)).toBeUndefined();
        return signInAt(browser, page, headers);
      });
    });

    it('consent', async () => {
      const browser = newBrowser();
      const asking = await browser.get(authorizationUrl(client, { prompt: 'consent' }));
      const consent = await browser.signIn(asking, user);
      const fields = { ...hiddenFields(consent.text), decision: 'allow' };
      await expectOwnOnly((headers) => browser.post(formAction(consent), fields, headers));
    });

    it('sign-in of the account page', async () => {
      const browser = newBrowser();
      const page = await browser.get('/account');
      await expectOwnOnly((headers) => signInAt(browser, page, headers));
    });

    it.each<[string, number, Record<string, string>]>([
      ['/account/sessions/end', 303, { session_id: 'x' }],
      ['/account/sessions/end-others', 303, {}],
      ['/account/consents/revoke', 303, { client_id: 'x' }],
      ['/account/password', 400, { current_password: PASSWORD, new_password: NEW_PASSWORD, new_password_repeat: 'x' }],
      ['/account/logout', 200, {}],
      ['/oauth/logout/confirm', 200, { decision: 'sign_out' }],
    ])('%s', async (action, status, fields) => {
      const { browser } = await CodeFlow.signedIn(server, user);
      const { csrf_token: token } = hiddenFields((await browser.get('/oauth/logout')).text);
      await expectOwnOnly((headers) => browser.post(action, { csrf_token: token, ...fields }, headers), status);
    });
  });
});
