import { authorizationUrl, CALLBACK } from '../../support/authorization-url.js';
import { Browser, formAction, hiddenFields, type PageAnswer } from '../../support/browser.js';
import { describeOnOneDatabase } from '../../support/databases.js';
import { type Credentials, PASSWORD, type RegisteredUser } from '../../support/oauth-driver.js';
import { TestServer } from '../../support/test-server.js';

const LIMIT = 2;
const WRONG = 'wrong battery staple horse';

describeOnOneDatabase('Guesses at passwords', (kind) => {
  let server: TestServer;
  let client: Credentials;
  let serial = 0;

  beforeAll(async () => {
    server = await TestServer.start({ kind, env: { PASSWORD_ATTEMPT_LIMIT: String(LIMIT) } });
    client = await server.driver.registerClient({ grant_types: ['authorization_code', 'password'], redirect_uris: [CALLBACK], scope: 'read', skip_consent: true });
  });
  afterAll(() => server.stop());

  const user = (profile: Record<string, unknown> = {}) => server.driver.registerUser({ username: `user-${++serial}`, ...profile });

  /** One attempt, in a browser of its own. */
  async function atLoginPage(username: string, password: string): Promise<PageAnswer> {
    const browser = new Browser(server.url);
    const page = await browser.follow(await browser.get(authorizationUrl(client)));
    return browser.post(formAction(page), { ...hiddenFields(page.text), username, password, decision: 'sign_in' });
  }

  async function atAccountPage(username: string, password: string): Promise<PageAnswer> {
    const browser = new Browser(server.url);
    const page = await browser.get('/account');
    return browser.post(formAction(page), { ...hiddenFields(page.text), username, password, decision: 'sign_in' });
  }

  const byPasswordGrant = (username: string, password: string) => server.driver.passwordGrant(client, { username, password });

  /** Whether each way in lets her in. */
  async function waysIn({ username, password }: RegisteredUser): Promise<[login: boolean, account: boolean, grant: boolean]> {
    return [(await atLoginPage(username, password)).status === 303, (await atAccountPage(username, password)).status === 303, (await byPasswordGrant(username, password)).status === 200];
  }

  describe('ASVS 6.3.4: wrong passwords count wherever they are tried', () => {
    it.each<[string, ((username: string, password: string) => Promise<{ status: number }>)[]]>([
      ['at the login page', [atLoginPage, atLoginPage]],
      ['at the account page', [atAccountPage, atAccountPage]],
      ['by the password grant', [byPasswordGrant, byPasswordGrant]],
      ['at the login page and by the password grant', [atLoginPage, byPasswordGrant]],
      ['by the password grant and at the account page', [byPasswordGrant, atAccountPage]],
    ])('%s: then the right one is refused everywhere, until the quarter of an hour is over', async (_, attempts) => {
      const someone = await user();
      for (const attempt of attempts) expect((await attempt(someone.username, WRONG)).status).toBe(400);
      expect(await waysIn(someone)).toEqual([false, false, false]);
      server.clock.advanceSeconds(15 * 60);
      server.driver.renewAdminToken();
      expect(await waysIn(someone)).toEqual([true, true, true]);
    });

    it('one less than the limit, and the right one lets her in, which forgets the wrong ones', async () => {
      const someone = await user();
      for (let round = 0; round < 2; round++) {
        for (let i = 1; i < LIMIT; i++) await atLoginPage(someone.username, WRONG);
        expect((await atLoginPage(someone.username, someone.password)).status).toBe(303);
      }
      expect(await waysIn(someone)).toEqual([true, true, true]);
    });

    it('an admin can unlock her', async () => {
      const someone = await user();
      for (let i = 0; i < LIMIT; i++) await atLoginPage(someone.username, WRONG);
      expect((await server.driver.adminRequest('POST', `/users/${someone.userId}/unlock`)).status).toBe(204);
      expect(await waysIn(someone)).toEqual([true, true, true]);
    });
  });

  describe('ASVS 6.3.8: the page does not tell why nobody is signed in', () => {
    /** What of a page is not of this request alone. */
    const shape = (answer: PageAnswer, username: string): unknown[] => {
      const text = answer.text.replaceAll(hiddenFields(answer.text)['csrf_token'], 'TOKEN').replace(/\/oauth\/authorize\/[\w-]{22}\//g, '/oauth/authorize/ID/').replaceAll(username, 'USERNAME');
      return [answer.status, text, [...answer.headers].filter(([name]) => !['date', 'x-request-id', 'content-length', 'etag'].includes(name)).map(([name, value]) => [name, value.replace(/mintgate_form_[\w-]{22}=mg_ar_[\w-]{43}/, 'COOKIE')])];
    };

    it.each([['login', atLoginPage], ['account', atAccountPage]] as const)('the %s page is the same for users that are unknown, disabled, throttled or without a password, and for a wrong one', async (_, attempt) => {
      const [known, disabled, throttled, without] = [await user(), await user({ enabled: false }), await user(), await user({ password: null })];
      for (let i = 0; i < LIMIT; i++) await attempt(throttled.username, WRONG);
      const expected = shape(await attempt(known.username, WRONG), known.username);
      expect(expected[0]).toBe(400);
      expect(expected[1]).toContain('The username or the password is not right.');
      const cases: [string, string][] = [['nobody-of-this-name', PASSWORD], [disabled.username, disabled.password], [throttled.username, throttled.password], [without.username, PASSWORD], [known.username, PASSWORD.toUpperCase()], [known.username, 'x'.repeat(2000)]];
      for (const [username, password] of cases) expect([username, shape(await attempt(username, password), username)]).toEqual([username, expected]);
    });

    it('a form without username or password is refused in the same way', async () => {
      const expected = shape(await atLoginPage((await user()).username, WRONG), `user-${serial}`);
      for (const [username, password] of [['', WRONG], ['nobody', '']]) {
        const [status, text] = shape(await atLoginPage(username, password), username || 'USERNAME');
        expect([status, String(text).includes('The username or the password is not right.')]).toEqual([expected[0], true]);
      }
    });

    it('a username or a password of markup, of odd bytes or of great length is only a wrong one', async () => {
      for (const odd of ['"><script>evil()</script>', "' OR 1=1 --", '{{7*7}}<%= 1 %>', '\u202egnp.exe', '\u0001\u0007', '🙂'.repeat(50), 'a'.repeat(20_000)]) {
        for (const answer of [await atLoginPage(odd, PASSWORD), await atLoginPage(`user-${serial}`, odd)]) {
          expect(answer.status).toBe(400);
          expect(answer.text).toContain('The username or the password is not right.');
          expect(answer.text).not.toMatch(/<script|value="49/);
        }
      }
    });
  });
});
