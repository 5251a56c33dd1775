import type { Browser } from 'playwright-core';
import { authorizationQuery } from '../support/authorization-url.js';
import { launchChromium } from '../support/chromium.js';
import type { Credentials, RegisteredUser } from '../support/oauth-driver.js';
import { TestServer } from '../support/test-server.js';
import { ClientSite } from './pages/client-site.js';
import { Visitor } from './pages/visitor.js';

const APP_CALLBACK = 'com.example.desk:/callback';

/** Chromium holds each redirect that follows a form post against the `form-action` of the page with the form. */
describe('From the pages to a client on another origin, which goes on to another host, in Chromium', () => {
  let chromium: Browser;
  let server: TestServer;
  let site: ClientSite;
  let client: Credentials;
  let app: Credentials;
  let user: RegisteredUser;
  let visitor: Visitor;

  beforeAll(async () => {
    chromium = await launchChromium();
    server = await TestServer.start();
    site = await ClientSite.start();
    client = await server.driver.registerClient({ client_name: 'The desk', grant_types: ['authorization_code'], redirect_uris: [site.callback], post_logout_redirect_uris: [site.signedOut], scope: 'openid' });
    app = await server.driver.registerClient({ grant_types: ['authorization_code'], token_endpoint_auth_method: 'none', redirect_uris: [APP_CALLBACK], scope: 'openid' });
    user = await server.driver.registerUser({ username: 'margaret' });
  });
  beforeEach(async () => {
    site.arrivals.length = 0;
    visitor = await Visitor.with(chromium, server);
  });
  afterEach(async () => {
    expect(visitor.complaints).toEqual([]);
    await visitor.leave();
  });
  afterAll(async () => {
    await chromium.close();
    await site.stop();
    await server.stop();
  });

  const query = (changes: Record<string, string> = {}) => authorizationQuery(client, { redirect_uri: site.callback, scope: 'openid', prompt: 'consent', ...changes });
  const ask = (changes?: Record<string, string>) => visitor.visit(`/oauth/authorize?${query(changes)}`);
  const logoutQuery = () => new URLSearchParams({ client_id: client.clientId, post_logout_redirect_uri: site.signedOut, state: 'bye' }).toString();

  async function signIn(): Promise<void> {
    await visitor.signIn(user);
    await visitor.arriveAt('The desk');
  }

  /** The one answer that the client got; and that it was not told from which page. */
  async function arrival(at = '/after/callback') {
    await visitor.arriveAt(at);
    expect(site.arrivals).toHaveLength(1);
    expect(site.arrivals[0].headers.referer).toBeUndefined();
    return site.arrivals[0];
  }

  /** Has another site's page send a form to the server. */
  async function sendFrom(path: string, fields: string): Promise<void> {
    await visitor.page.goto(`${site.home}/?form=${encodeURIComponent(server.issuer + path)}&${fields}`);
    await visitor.press('Send');
  }

  it('a user signs in and allows', async () => {
    await ask();
    await signIn();
    await visitor.press('Allow');
    expect(await arrival()).toMatchObject({ method: 'GET', params: { code: expect.stringMatching(/^mg_ac_/) as string, iss: server.issuer } });
  });

  it('a user denies', async () => {
    await ask();
    await signIn();
    await visitor.press('Deny');
    expect((await arrival()).params).toMatchObject({ error: 'access_denied' });
  });

  it('a user does not sign in', async () => {
    await ask();
    await visitor.press('Cancel');
    expect((await arrival()).params).toMatchObject({ error: 'access_denied' });
  });

  it('prompt=login: a user who is signed in and has consented signs in again, and is there', async () => {
    await ask();
    await signIn();
    await visitor.press('Allow');
    await visitor.arriveAt('/after/callback');
    site.arrivals.length = 0;
    await ask({ prompt: 'login' });
    await visitor.signIn(user);
    expect((await arrival()).params).toHaveProperty('code');
  });

  it('response_mode=form_post: the answer sends itself', async () => {
    await ask({ response_mode: 'form_post' });
    await signIn();
    await visitor.press('Allow');
    expect(await arrival()).toMatchObject({ method: 'POST', params: { code: expect.stringMatching(/^mg_ac_/) as string }, headers: { origin: 'null' } });
  });

  it('an application on the device is called by its scheme', async () => {
    await visitor.visit(`/oauth/authorize?${authorizationQuery(app, { redirect_uri: APP_CALLBACK, scope: 'openid' })}`);
    await visitor.signIn(user);
    const called = visitor.page.waitForEvent('requestfailed', (request) => request.url().startsWith(`${APP_CALLBACK}?code=`));
    await visitor.press('Allow');
    await called;
  });

  it('a request that comes as a form of another site, without the session cookie, finds the session nevertheless', async () => {
    await visitor.signInToAccount(user);
    await sendFrom('/oauth/authorize', query());
    await visitor.arriveAt('The desk');
    await visitor.press('Allow');
    expect((await arrival()).params).toHaveProperty('code');
  });

  describe('logout', () => {
    beforeEach(() => visitor.signInToAccount(user));

    it.each([
      ['asked for by a link', () => visitor.visit(`/oauth/logout?${logoutQuery()}`)],
      ['asked for by a form of another site', () => sendFrom('/oauth/logout', logoutQuery())],
    ])('%s, and confirmed, leads back to the client', async (_, begin) => {
      await begin();
      await visitor.arriveAt('Do you want to sign out?');
      await visitor.press('Sign out');
      expect((await arrival('/after/signed-out')).params).toEqual({ state: 'bye' });
      await visitor.visit('/account');
      await visitor.arriveAt('Sign in');
    });

    it('that is not confirmed leads to the account page', async () => {
      await visitor.visit(`/oauth/logout?${logoutQuery()}`);
      await visitor.press('Stay signed in');
      await visitor.arriveAt('Your account');
    });
  });
});
