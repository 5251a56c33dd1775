import type { Browser, BrowserContextOptions } from 'playwright-core';
import { launchChromium } from '../support/chromium.js';
import { TestServer } from '../support/test-server.js';
import { ClientSite } from './pages/client-site.js';
import { brokenRules, keepPictures, overhangingParts } from './pages/page-findings.js';
import { settle, type Town, webRequest } from './pages/town.js';
import { Visitor } from './pages/visitor.js';
import { WAYS } from './pages/ways.js';

describe('The pages in Chromium', () => {
  let chromium: Browser;
  let server: TestServer;
  let site: ClientSite;
  let town: Town;
  let visitor: Visitor;

  beforeAll(async () => {
    chromium = await launchChromium();
    server = await TestServer.start();
    site = await ClientSite.start();
    town = await settle(server, chromium, site);
  });
  afterAll(async () => {
    await chromium.close();
    await site.stop();
    await server.stop();
  });

  /** Nothing that the browser would warn of, and nothing from anywhere but the issuer. */
  function expectQuiet(): void {
    expect(visitor.complaints).toEqual([]);
    expect([...visitor.origins]).toEqual([server.issuer]);
  }

  async function enter(options?: BrowserContextOptions): Promise<void> {
    visitor = await Visitor.with(chromium, server, 'en', options);
  }

  describe('WCAG 2.2 AA: light, dark and on a telephone, in the narrowest window, and with spaced out letters', () => {
    beforeAll(() => enter());
    beforeEach(() => visitor.makeRoom());
    afterAll(() => visitor.leave());

    it.each(WAYS)('$page keeps every rule, and no part of it stands out', async (way) => {
      await way.go(town, visitor);
      await keepPictures(visitor.page, `en-${way.page}`);
      expect(await brokenRules(visitor.page)).toEqual([]);
      expect(await overhangingParts(visitor.page)).toEqual([]);
      expectQuiet();
    });
  });

  describe('With the longer words of German', () => {
    beforeAll(async () => {
      visitor = await Visitor.with(chromium, server, 'de');
    });
    beforeEach(() => visitor.makeRoom());
    afterAll(() => visitor.leave());

    it.each(WAYS)('no part of $page stands out', async (way) => {
      await way.go(town, visitor);
      await keepPictures(visitor.page, `de-${way.page}`);
      expect(await overhangingParts(visitor.page)).toEqual([]);
      expectQuiet();
    });
  });

  describe('WCAG 2.2 §2.1.1, §2.4.3, §2.4.7: by the keyboard', () => {
    afterEach(() => visitor.leave());

    /** What gets the focus by that many more strokes of Tab, one after the other, and shows that it has it. */
    async function tabs(strokes: number): Promise<string[]> {
      const order: string[] = [];
      while (order.length < strokes) {
        await visitor.page.keyboard.press('Tab');
        expect(await visitor.page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');
        order.push(await visitor.focus());
      }
      return order;
    }

    it('a user signs in and consents', async () => {
      await enter();
      const { keyboard } = visitor.page;
      await visitor.visit(webRequest(town, { redirect_uri: site.callback }));
      expect(await visitor.focus()).toBe('Username');
      await keyboard.type(town.user.username);
      expect(await tabs(1)).toEqual(['Password']);
      await keyboard.type(town.user.password);
      await keyboard.press('Enter');
      await visitor.arriveAt('Acme Reports');
      expect(await tabs(3)).toEqual(['Not you?', 'Deny', 'Allow']);
      await keyboard.press('Enter');
      await visitor.arriveAt('/after/callback');
    });

    it('a mistake is read first, and the fields are next; what was entered is still there, but for the password', async () => {
      await enter();
      await visitor.visit(webRequest(town));
      await visitor.signIn({ ...town.user, password: 'not this one' });
      await visitor.page.getByRole('alert').waitFor();
      expect(await visitor.focus()).toBe(visitor.text.signIn.errors.credentials);
      expect(await tabs(4)).toEqual(['Username', 'Password', 'Sign in', 'Cancel']);
      expect(await visitor.page.getByLabel('Username').inputValue()).toBe(town.user.username);
      expect(await visitor.page.getByLabel('Password').inputValue()).toBe('');
    });

    it('a mistake far down on the account page is where the reader is taken to', async () => {
      await enter({ viewport: { width: 360, height: 500 } });
      await visitor.signInToAccount(town.user);
      await visitor.changePassword({ current: town.user.password, wanted: 'too short' });
      await visitor.page.getByRole('alert').waitFor();
      expect(await visitor.focus()).toBe(visitor.text.account.passwordErrors.short);
      const box = (await visitor.page.getByRole('alert').boundingBox())!;
      expect(box.y).toBeGreaterThanOrEqual(0);
      expect(box.y + box.height).toBeLessThanOrEqual(500);
      expect(await tabs(1)).toEqual(['Current password']);
    });

    it('what has been done on the account page is read first', async () => {
      const elsewhere = await Visitor.with(chromium, server);
      await elsewhere.signInToAccount(town.user);
      await enter();
      await visitor.signInToAccount(town.user);
      await visitor.press('Sign out everywhere else');
      await visitor.page.getByRole('status').waitFor();
      expect(await visitor.focus()).toBe(visitor.text.account.notices.other_sessions_ended);
      await elsewhere.visit('/account');
      await elsewhere.arriveAt('Sign in');
      await elsewhere.leave();
    });
  });

  describe('without JavaScript', () => {
    beforeEach(() => enter({ javaScriptEnabled: false }));
    afterEach(() => visitor.leave());

    it('a user ends a consent, changes her password, and signs out', async () => {
      server.driver.renewAdminToken();
      const user = await server.driver.registerUser({ username: 'ada' });
      await visitor.visit(webRequest(town, { redirect_uri: site.callback, response_mode: 'form_post' }));
      await visitor.signIn(user);
      await visitor.press('Allow');
      await visitor.press('Continue');
      await visitor.arriveAt('/after/callback');

      await visitor.visit('/account');
      await visitor.press('Remove access (Acme Reports)');
      await visitor.page.getByText(visitor.text.account.notices.consent_revoked).waitFor();
      await visitor.changePassword({ current: user.password, wanted: 'nine purple lanterns over the canal' });
      await visitor.page.getByText(visitor.text.account.notices.password_changed).waitFor();
      await visitor.press('Sign out');
      await visitor.page.getByRole('link', { name: 'Sign in again' }).click();
      await visitor.signIn({ ...user, password: 'nine purple lanterns over the canal' });
      await visitor.arriveAt('Your account');
      expectQuiet();
    });
  });
});
