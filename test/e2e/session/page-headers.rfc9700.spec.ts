import { authorizationUrl, CALLBACK } from '../../support/authorization-url.js';
import { Browser, formAction as actionOf, hiddenFields, type PageAnswer } from '../../support/browser.js';
import { describeOnOneDatabase } from '../../support/databases.js';
import { HtmlDocument } from '../../support/html-document.js';
import type { Credentials, RegisteredUser } from '../../support/oauth-driver.js';
import { TestServer } from '../../support/test-server.js';

const ISSUER = 'https://id.example.com';

/** Every page that a user can come to: its name, its status, and where its forms may lead. */
const PAGES: [name: string, status: number, formAction: string][] = [
  ['a sign-in for a client', 200, "'self' https:"],
  ['that sign-in, refused', 400, "'self' https:"],
  ['the consent', 200, "'self' https:"],
  ['an answer by form_post', 200, "'self' https:"],
  ['an error of an authorization request', 400, "'self'"],
  ['a request that is over', 400, "'self'"],
  ['the account', 200, "'self'"],
  ['the account, a change of password refused', 400, "'self'"],
  ['a form of another page', 403, "'self'"],
  ['a form of another type', 400, "'self'"],
  ['a logout that is to be confirmed', 200, "'self' https:"],
  ['an error of a logout request', 400, "'self'"],
  ['the end of a logout', 200, "'self'"],
  ['a sign-in for the account', 200, "'self'"],
  ['that sign-in for the account, refused', 400, "'self'"],
];

describeOnOneDatabase('G14: the pages as they come from the whole server', (kind) => {
  let server: TestServer;
  const pages = new Map<string, PageAnswer>();
  const redirects: PageAnswer[] = [];

  beforeAll(async () => {
    server = await TestServer.start({ kind, env: { ISSUER } });
    const user = await server.driver.registerUser({ username: 'margaret' });
    const client = await server.driver.registerClient({ grant_types: ['authorization_code'], redirect_uris: [CALLBACK], post_logout_redirect_uris: ['https://app.example/bye'], scope: 'openid read' });
    await authorize(client, user);
    await account(client, user);
  });
  afterAll(() => server.stop());

  /** Follows redirects, and keeps them. */
  async function follow(browser: Browser, answer: PageAnswer): Promise<PageAnswer> {
    let current = answer;
    while (current.location) {
      redirects.push(current);
      if (!current.location.href.startsWith(ISSUER)) break;
      current = await browser.get(current.location.href);
    }
    return current;
  }

  const submit = async (browser: Browser, page: PageAnswer, fields: Record<string, string>, action = actionOf(page)) => follow(browser, await browser.post(action, { ...hiddenFields(page.text), ...fields }));

  async function authorize(client: Credentials, { username, password }: RegisteredUser): Promise<void> {
    const browser = new Browser(server.url, ISSUER);
    const login = await follow(browser, await browser.get(authorizationUrl(client, { response_mode: 'form_post' })));
    pages.set('a sign-in for a client', login);
    pages.set('that sign-in, refused', await submit(browser, login, { username, password: 'wrong' }));
    const consent = await submit(browser, login, { username, password });
    pages.set('the consent', consent);
    pages.set('an answer by form_post', await submit(browser, consent, { decision: 'allow' }));
    pages.set('a request that is over', await submit(browser, consent, { decision: 'allow' }));
    pages.set('an error of an authorization request', await browser.get(authorizationUrl(client, { redirect_uri: 'https://evil.example/' })));
    await follow(browser, await browser.get(authorizationUrl(client)));
    await follow(browser, await browser.get(authorizationUrl(client, { scope: 'unknown' })));
  }

  async function account(client: Credentials, { username, password }: RegisteredUser): Promise<void> {
    const browser = new Browser(server.url, ISSUER);
    const login = await browser.get('/account');
    pages.set('a sign-in for the account', login);
    pages.set('that sign-in for the account, refused', await submit(browser, login, { username, password: 'wrong' }));
    const page = await submit(browser, login, { username, password });
    pages.set('the account', page);
    pages.set('the account, a change of password refused', await submit(browser, page, { new_password: 'short', new_password_repeat: 'short' }, '/account/password'));
    pages.set('a form of another page', await browser.post('/account/logout', {}));
    pages.set('a form of another type', await browser.request('POST', '/account/logout', { headers: { 'content-type': 'application/json' }, body: '{}' }));
    pages.set('a logout that is to be confirmed', await browser.get(`/oauth/logout?client_id=${client.clientId}&post_logout_redirect_uri=https://app.example/bye`));
    pages.set('an error of a logout request', await browser.get('/oauth/logout?id_token_hint=x'));
    pages.set('the end of a logout', await submit(browser, page, {}, '/account/logout'));
    await follow(browser, await browser.get(`/oauth/logout?client_id=${client.clientId}&post_logout_redirect_uri=https://app.example/bye`));
  }

  it('are all of them', () => {
    expect([...pages.keys()].sort()).toEqual(PAGES.map(([name]) => name).sort());
  });

  it.each(PAGES)('%s (%d): kept by nobody, framed by nobody, loads nothing from elsewhere, and tells no other site where it was', (name, status, formAction) => {
    const { headers, text, ...page } = pages.get(name)!;
    expect({ name, status: page.status }).toEqual({ name, status });
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store', 'x-frame-options': 'DENY', 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin', 'strict-transport-security': 'max-age=31536000',
    });
    const policy = headers.get('content-security-policy')!;
    expect(policy).toMatch(/^default-src 'none';/);
    expect(policy).toMatch(/frame-ancestors 'none'/);
    expect(/form-action ([^;]*)/.exec(policy)![1]).toBe(formAction);
    expect(policy).not.toMatch(/unsafe|\*|https?:\/\//);
    if (name !== 'an answer by form_post') expect(policy).not.toContain('script-src');
    const addresses = new HtmlDocument(text).all('link', 'img', 'script', 'a', 'iframe').map(({ attributes }) => attributes['href'] ?? attributes['src']);
    for (const address of addresses.filter((each) => each !== undefined)) expect(address).toMatch(/^\/[a-z]/);
  });

  it('and the redirects between them, and to clients: kept by nobody, and no address with a code goes out as a Referer', () => {
    expect(redirects.length).toBeGreaterThanOrEqual(7);
    for (const { status, headers, location } of redirects) {
      expect([status, headers.get('cache-control')]).toEqual([303, 'no-store']);
      if (location!.origin !== ISSUER) expect(headers.get('referrer-policy')).toBe('no-referrer');
    }
    expect(redirects.filter(({ location }) => location!.href.startsWith(CALLBACK))).toHaveLength(2);
  });
});
