import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import type { Locale } from '../../../src/config/settings.js';
import { type Texts, TEXTS } from '../../../src/pages/texts/texts.js';
import type { UserCredentials } from '../../support/oauth-driver.js';
import type { TestServer } from '../../support/test-server.js';

const LINUX_CHROME = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36';

/** Somebody at a browser of her own, who sees the pages in her language, and whose browser tells what it does not like about them. */
export class Visitor {
  readonly text: Texts;
  /** Errors in the console, violations of the content security policy among them, and files of a page that were not found. */
  readonly complaints: string[] = [];
  /** Origins of everything that the pages asked for. */
  readonly origins = new Set<string>();

  private constructor(
    readonly page: Page,
    readonly server: TestServer,
    locale: Locale,
  ) {
    this.text = TEXTS[locale];
    page.on('console', (message) => {
      // Chromium reports pages with a status of 400 and more, too; which pages have one is not the browser's business.
      const isStatus = message.location().url === page.url() && message.text().startsWith('Failed to load resource');
      if (['error', 'warning'].includes(message.type()) && !isStatus) this.complaints.push(message.text());
    });
    page.on('pageerror', (error) => this.complaints.push(error.message));
    page.on('request', (request) => void (request.isNavigationRequest() || this.origins.add(new URL(request.url()).origin)));
  }

  static async with(chromium: Browser, server: TestServer, locale: Locale = 'en', options: BrowserContextOptions = {}): Promise<Visitor> {
    const context = await chromium.newContext({ locale, userAgent: LINUX_CHROME, ...options });
    context.setDefaultTimeout(10_000);
    return new Visitor(await context.newPage(), server, locale);
  }

  async visit(path: string): Promise<void> {
    await this.page.goto(this.server.issuer + path);
  }

  async signIn({ username, password }: UserCredentials): Promise<void> {
    await this.page.getByLabel(this.text.signIn.username).fill(username);
    await this.page.getByLabel(this.text.signIn.password).fill(password);
    await this.press(this.text.signIn.submit);
  }

  async signInToAccount(user: UserCredentials): Promise<void> {
    await this.visit('/account');
    await this.signIn(user);
    await this.arriveAt(this.text.account.title);
  }

  async press(button: string, among = this.page.locator('body')): Promise<void> {
    await among.getByRole('button', { name: button, exact: true }).click();
  }

  /** By the form of the account page. */
  async changePassword({ current, wanted }: { current: string; wanted: string }): Promise<void> {
    const { account } = this.text;
    await this.page.getByLabel(account.currentPassword, { exact: true }).fill(current);
    await this.page.getByLabel(account.newPassword, { exact: true }).fill(wanted);
    await this.page.getByLabel(account.newPasswordRepeat, { exact: true }).fill(wanted);
    await this.press(account.changePassword);
  }

  /** Waits for a page, by its first heading. */
  async arriveAt(heading: string): Promise<void> {
    await this.page.getByRole('heading', { level: 1, name: heading }).waitFor();
  }

  /** What has the focus, by its label or its text. */
  focus(): Promise<string> {
    return this.page.evaluate<string>('(document.activeElement.labels?.[0] ?? document.activeElement).textContent.trim()');
  }

  /** Somebody new sits down at the browser. */
  async makeRoom(): Promise<void> {
    await this.page.context().clearCookies();
    await this.page.unrouteAll();
    this.complaints.length = 0;
    this.origins.clear();
  }

  async leave(): Promise<void> {
    await this.page.context().close();
  }
}
