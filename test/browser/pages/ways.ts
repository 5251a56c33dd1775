import { authorizationUrl } from '../../support/authorization-url.js';
import { Browser as HttpBrowser } from '../../support/browser.js';
import { appRequest, type Town, UNWIELDY, WEB_CALLBACK, webRequest } from './town.js';
import { Visitor } from './visitor.js';

const WINDOWS_FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0';
const IPHONE_SAFARI = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1';

export interface Way {
  page: string;
  go(town: Town, visitor: Visitor): Promise<void>;
}

/** Another of the user's devices, from which she has allowed a client something. */
async function elsewhere(town: Town, userAgent: string, scope: string): Promise<void> {
  const { chromium, server, site } = town;
  const visitor = await Visitor.with(chromium, server, 'en', { userAgent });
  await visitor.signInToAccount(town.user);
  await visitor.visit(webRequest(town, { redirect_uri: site.callback, scope, prompt: 'consent' }));
  await visitor.press(visitor.text.consent.allow);
  await visitor.arriveAt('/after/callback');
  await visitor.leave();
  server.clock.advanceSeconds(100);
}

/** To every page, in the ways in which users come there. */
export const WAYS: readonly Way[] = [
  {
    page: 'login',
    async go(town, visitor) {
      await visitor.visit(webRequest(town));
      await visitor.arriveAt(visitor.text.signIn.title);
    },
  },
  {
    page: 'login-error',
    async go(town, visitor) {
      await visitor.visit(webRequest(town));
      await visitor.signIn({ ...town.user, password: 'not this one' });
      await visitor.page.getByRole('alert').waitFor();
    },
  },
  {
    page: 'consent',
    async go(town, visitor) {
      await visitor.visit(webRequest(town));
      await visitor.signIn(town.user);
      await visitor.arriveAt('Acme Reports');
    },
  },
  {
    page: 'consent-app',
    async go(town, visitor) {
      await visitor.visit(appRequest(town));
      await visitor.signIn(town.user);
      await visitor.arriveAt('Acme Reports for the desktop');
    },
  },
  {
    page: 'consent-unwieldy',
    async go({ unwieldy, user }, visitor) {
      await visitor.visit(authorizationUrl(unwieldy, { redirect_uri: UNWIELDY.callback, scope: UNWIELDY.scope }));
      await visitor.signIn(user);
      await visitor.arriveAt(UNWIELDY.name);
    },
  },
  {
    page: 'error',
    async go({ web }, visitor) {
      await visitor.visit(authorizationUrl(web, { redirect_uri: 'https://elsewhere.example/' }));
      await visitor.arriveAt(visitor.text.error.heading);
    },
  },
  {
    page: 'error-details',
    async go({ web }, visitor) {
      await visitor.visit(authorizationUrl(web, { redirect_uri: 'https://elsewhere.example/' }));
      await visitor.page.getByText(visitor.text.error.details).click();
    },
  },
  {
    page: 'account-login',
    async go(_town, visitor) {
      await visitor.visit('/account');
      await visitor.arriveAt(visitor.text.signIn.title);
    },
  },
  {
    page: 'account',
    async go(town, visitor) {
      town.server.driver.renewAdminToken();
      await town.server.driver.adminRequest('DELETE', `/users/${town.user.userId}/sessions`);
      await elsewhere(town, IPHONE_SAFARI, 'openid profile offline_access invoices:read reports');
      await elsewhere(town, WINDOWS_FIREFOX, 'openid email');
      await visitor.signInToAccount(town.user);
    },
  },
  {
    page: 'account-password-error',
    async go(town, visitor) {
      await visitor.signInToAccount(town.user);
      await visitor.changePassword({ current: town.user.password, wanted: 'too short' });
      await visitor.page.getByRole('alert').waitFor();
    },
  },
  {
    page: 'account-notice',
    async go(town, visitor) {
      const elsewhere = new HttpBrowser(town.server.url);
      await elsewhere.signIn(await elsewhere.get('/account'), town.user);
      await visitor.signInToAccount(town.user);
      await visitor.press(visitor.text.account.endOtherSessions);
      await visitor.page.getByRole('status').waitFor();
    },
  },
  {
    page: 'account-signed-out',
    async go(town, visitor) {
      await visitor.signInToAccount(town.user);
      await visitor.press(visitor.text.account.signOut, visitor.page.locator('.page-head'));
      await visitor.arriveAt(visitor.text.logout.doneHeading);
    },
  },
  {
    page: 'logout-confirm',
    async go(town, visitor) {
      await visitor.signInToAccount(town.user);
      await visitor.visit(`/oauth/logout?client_id=${town.web.clientId}`);
      await visitor.arriveAt(visitor.text.logout.heading);
    },
  },
  {
    page: 'logged-out',
    async go(_town, visitor) {
      await visitor.visit('/oauth/logout');
      await visitor.arriveAt(visitor.text.logout.doneHeading);
    },
  },
  {
    page: 'form-post',
    async go(town, visitor) {
      // No content: the page that sends itself stays.
      await visitor.page.route(WEB_CALLBACK, (route) => route.fulfill({ status: 204 }));
      await visitor.visit(authorizationUrl(town.web, { redirect_uri: WEB_CALLBACK, scope: 'openid', response_mode: 'form_post' }));
      await visitor.signIn(town.user);
      await visitor.arriveAt(visitor.text.formPost.heading);
    },
  },
];
