import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { launchChromium } from '../support/chromium.js';
import { FakeClock } from '../support/fake-clock.js';
import { freePort } from '../support/mariadb.js';
import { OAuthDriver, type RegisteredUser } from '../support/oauth-driver.js';
import { ADMIN, TestServer } from '../support/test-server.js';
import { badgatewayOauth2Client } from './clients/badgateway-oauth2-client.js';
import type { LibraryUnderTest, ShownTokens } from './clients/oauth-library.js';
import { oauth4webapi } from './clients/oauth4webapi.js';
import { openidClient } from './clients/openid-client.js';
import { passportOpenidconnect } from './clients/passport-openidconnect.js';
import { RelyingParty } from './clients/relying-party.js';

const LIBRARIES = [openidClient(), oauth4webapi, passportOpenidconnect, badgatewayOauth2Client];
const PROFILE = { name: 'Margaret Hamilton', email: 'margaret@example.com', email_verified: true };

/** Nobody can tell a public client on a loopback address from another, so that the user is asked each time. */
const isAskedAgain = ({ metadata }: LibraryUnderTest) => metadata['token_endpoint_auth_method'] === 'none';

describe('Unmodified clients from npm, through the pages in Chromium', () => {
  let chromium: Browser;
  let server: TestServer;
  let user: RegisteredUser;
  let party: RelyingParty;
  let context: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    chromium = await launchChromium();
  });
  afterAll(() => chromium.close());

  async function startServer(issuerPath: string): Promise<OAuthDriver> {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    // The clients look at the real time.
    server = await TestServer.start({ clock: new FakeClock(Date.now()), env: { PORT: String(port), ISSUER: url + issuerPath } });
    const driver = new OAuthDriver(url, ADMIN);
    user = await driver.registerUser({ username: 'margaret', ...PROFILE });
    return driver;
  }

  async function open(library: LibraryUnderTest, driver: OAuthDriver, options: BrowserContextOptions = {}): Promise<void> {
    party = await RelyingParty.start(library, driver, server.issuer);
    context = await chromium.newContext({ locale: 'en-GB', ...options });
    context.setDefaultTimeout(10_000);
    page = await context.newPage();
    await page.goto(`${party.url}/sign-in`);
  }
  afterEach(async () => {
    await context.close();
    await party.stop();
  });

  async function fillIn(): Promise<void> {
    await page.getByLabel('Username').fill(user.username);
    await page.getByLabel('Password').fill(user.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
  }

  async function signIn(): Promise<Record<string, unknown>> {
    await fillIn();
    await page.getByRole('button', { name: 'Allow' }).click();
    return shown();
  }

  /** What the relying party shows, once the browser is there. */
  async function shown<T = Record<string, unknown>>(at = '/callback'): Promise<T> {
    await page.waitForURL((url) => url.href.startsWith(party.url + at));
    return JSON.parse((await page.locator('pre').textContent())!) as T;
  }

  async function visit<T = Record<string, unknown>>(at: string): Promise<T> {
    await page.goto(party.url + at);
    return shown<T>(at);
  }

  describe.each([['an issuer without a path', ''], ['an issuer with a path', '/tenants/t1']])('of %s', (_, issuerPath) => {
    let driver: OAuthDriver;

    beforeAll(async () => {
      driver = await startServer(issuerPath);
    });
    afterAll(() => server.stop());

    it.each(LIBRARIES)('$name signs a user in, reads her claims, refreshes, signs her in again by a click, and signs her out', async (library) => {
      await open(library, driver);
      expect(await signIn()).toMatchObject({ sub: user.userId });
      expect(await visit('/userinfo')).toEqual({ sub: user.userId, preferred_username: 'margaret', updated_at: expect.any(Number) as number, ...PROFILE });

      const first = await visit<ShownTokens>('/refresh');
      const second = await visit<ShownTokens>('/refresh');
      expect(new Set([first.accessToken, first.refreshToken, second.accessToken, second.refreshToken]).size).toBe(4);
      expect(await visit('/userinfo')).toMatchObject({ sub: user.userId });

      await page.goto(`${party.url}/sign-in`);
      if (isAskedAgain(library)) await page.getByRole('button', { name: 'Allow' }).click();
      expect(await shown()).toMatchObject({ sub: user.userId });

      await page.goto(`${party.url}/sign-out`);
      expect(await shown('/signed-out')).toEqual({ path: '/signed-out' });
      expect(new URL(page.url()).search).toBe('?state=bye');
      await page.goto(`${party.url}/sign-in`);
      expect(await page.getByLabel('Password').isVisible()).toBe(true);
    });
  });

  describe('what else may happen', () => {
    let driver: OAuthDriver;

    beforeAll(async () => {
      driver = await startServer('');
    });
    afterAll(() => server.stop());

    it.each(LIBRARIES)('$name hears that the user does not allow it', async (library) => {
      await open(library, driver);
      await fillIn();
      await page.getByRole('button', { name: 'Deny' }).click();
      expect(await shown()).toEqual({ failed: expect.stringMatching(/^access_denied$|^The user did not allow it\.$/) as string });
    });

    it('openid-client gets its answer by a form that sends itself', async () => {
      await open(openidClient({ response_mode: 'form_post' }), driver);
      expect(await signIn()).toMatchObject({ sub: user.userId });
      expect(new URL(page.url()).search).toBe('');
    });

    it('openid-client signs a user in without JavaScript', async () => {
      await open(openidClient(), driver, { javaScriptEnabled: false });
      expect(await signIn()).toMatchObject({ sub: user.userId });
    });
  });
});
