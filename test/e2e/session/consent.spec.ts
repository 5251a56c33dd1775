import { Database } from '../../../src/database/database.js';
import { de } from '../../../src/pages/texts/de.js';
import { en } from '../../../src/pages/texts/en.js';
import { clientAnswer, expectErrorPage, expectPage, expectRefusal } from '../../support/authorization-answers.js';
import { authorizationUrl, CALLBACK, type ParameterChanges } from '../../support/authorization-url.js';
import { type Browser, formAction, hiddenFields, type PageAnswer } from '../../support/browser.js';
import { CodeFlow } from '../../support/code-flow.js';
import { describeOnEachDatabase } from '../../support/databases.js';
import { eventually } from '../../support/eventually.js';
import { type Credentials, PASSWORD, type RegisteredUser } from '../../support/oauth-driver.js';
import { TestServer } from '../../support/test-server.js';

/** What one instance has done, every other one holds to within this time. */
const KNOWN = { withinMs: 1000, everyMs: 50 };
const LOOPBACK = 'http://127.0.0.1:51234/cb';
const APP = 'com.example.app:/cb';
const PUBLIC = { token_endpoint_auth_method: 'none' };
const DAY = 86_400;

describeOnEachDatabase('Consent', (kind) => {
  let a: TestServer;
  let b: TestServer;
  let margaret: RegisteredUser;
  let flow: CodeFlow;
  let browser: Browser;

  beforeAll(async () => {
    a = await TestServer.start({ kind });
    b = await TestServer.start({ database: a.database, issuer: a.issuer, clock: a.clock });
    await a.driver.registerResource({ identifier: 'https://ledger.example.com', scopes: [{ name: 'ledger:read', description: 'See <b>all</b> entries' }, { name: 'ledger:write', required_roles: ['accountant'] }] });
    margaret = await a.driver.registerUser({ username: 'margaret' });
  });
  beforeEach(async () => {
    a.driver.renewAdminToken();
    flow = await CodeFlow.signedIn(a, margaret);
    browser = flow.browser;
  });
  afterAll(async () => {
    await b.stop();
    await a.stop();
  });

  const register = (metadata: Record<string, unknown> = {}) =>
    a.driver.registerClient({ grant_types: ['authorization_code', 'refresh_token'], redirect_uris: [CALLBACK], scope: 'openid email offline_access one two three ledger:read ledger:write', default_scope: 'one', ...metadata });
  const registerNative = (redirectUri: string, metadata: Record<string, unknown> = {}) => register({ ...PUBLIC, redirect_uris: [redirectUri], ...metadata });
  const ask = async (client: { clientId: string }, changes: ParameterChanges = {}, by = browser): Promise<PageAnswer> => by.follow(await by.get(authorizationUrl(client, changes)));
  const allow = (page: PageAnswer, by = browser) => by.submit(page, { decision: 'allow' });

  async function expectAsked(client: { clientId: string }, changes: ParameterChanges = {}, by = browser): Promise<PageAnswer> {
    const page = await ask(client, changes, by);
    expectPage(page, 'consent');
    return page;
  }

  async function expectNotAsked(client: { clientId: string }, changes: ParameterChanges = {}, by = browser): Promise<void> {
    expect(clientAnswer(await by.get(authorizationUrl(client, changes))).params).toHaveProperty('code');
  }

  interface ListedConsent {
    client_id: string;
    scope: string;
    audience: string[];
  }
  const consentsOf = async ({ userId }: RegisteredUser) => (await a.driver.adminRequest<{ items: ListedConsent[] }>('GET', `/users/${userId}/consents`)).body.items;
  const rememberedFor = async ({ clientId }: Credentials, who = margaret) => (await consentsOf(who)).find((consent) => consent.client_id === clientId)?.scope;
  const withdraw = ({ clientId }: Credentials, { userId } = margaret) => a.driver.adminRequest('DELETE', `/users/${userId}/consents/${clientId}`);

  describe('ASVS 10.7.2: the page', () => {
    it('names the client and its id, where the answer goes, what it may do, for how long, and who is asked', async () => {
      const client = await register({ client_name: 'Ledger of the house', refresh_token_lifetime: 7 * DAY, refresh_token_idle_lifetime: DAY });
      const { text } = await expectAsked(client, { scope: 'openid offline_access ledger:read one', resource: 'https://ledger.example.com' });
      for (const part of ['Ledger of the house', client.clientId, 'app.example', 'Recognise you when you sign in', 'Keep its access while you are not using it', 'See &lt;b&gt;all&lt;/b&gt; entries', '<code><bdi>one</bdi></code>', '7 days', 'margaret']) {
        expect(text).toContain(part);
      }
      expect(text).not.toContain('runs on your device');
    });

    it('names the lifetime of the access token where there is no refresh token', async () => {
      expect((await expectAsked(await register({ access_token_lifetime: 120, grant_types: ['authorization_code'] }))).text).toContain('2 minutes');
    });

    it.each([['a loopback address', LOOPBACK, '127.0.0.1:51234'], ['a scheme of its own', APP, 'com.example.app']])('warns of an application on the device: %s', async (_, redirectUri, shown) => {
      const { text } = await expectAsked(await registerNative(redirectUri), { redirect_uri: redirectUri });
      expect(text).toContain(`<dd><bdi>${shown}</bdi></dd>`);
      expect(text).toContain('runs on your device');
    });

    it('shows what roles let the user hand on, and nothing beyond', async () => {
      const { text } = await expectAsked(await register(), { scope: 'ledger:read ledger:write' });
      expect(text).toContain('entries');
      expect(text).not.toContain('ledger:write');
    });

    it.each([
      ['markup', '<img src=x onerror=evil()>', '&lt;img src=x onerror=evil()&gt;'],
      ['quotes', `"'><svg/onload=evil()>`, '&quot;&#39;&gt;&lt;svg/onload=evil()&gt;'],
      ['a template', '<%= it.brand %> {client} ${7*7}', '&lt;%= it.brand %&gt; {client} ${7*7}'],
      ['letters that run from right to left', 'משרד החשבונות', 'משרד החשבונות'],
      ['255 characters', 'W'.repeat(255), 'W'.repeat(255)],
      ['entities', '&lt;b&gt;', '&amp;lt;b&amp;gt;'],
    ])('takes %s in a client’s name for text, set off from our own', async (_, name, written) => {
      const page = await expectAsked(await register({ client_name: name }));
      expect(page.text).toContain(`<bdi>${written}</bdi>`);
      expect(page.text).not.toMatch(/<img[^>]*onerror|<svg|<script/);
      expect(page.headers.get('content-security-policy')).toMatch(/default-src 'none'/);
    });

    it.each([['a right-to-left override', 'Ledger\u202eknab'], ['a line feed', 'Ledger\nhouse'], ['5000 characters', 'W'.repeat(5000)]])('never comes to show %s: no such name is registered', async (_, name) => {
      expect((await a.driver.adminRequest('POST', '/clients', { client_name: name })).status).toBe(400);
    });
  });

  describe('RFC 8252 §8.6, ASVS 10.7.1: consent is remembered for a client that is sure to be the same', () => {
    it.each<[string, Record<string, unknown>]>([
      ['a confidential client', {}],
      ['a public client with an https redirect URI', PUBLIC],
    ])('%s: it is asked for once', async (_, metadata) => {
      const client = await register(metadata);
      clientAnswer(await allow(await expectAsked(client)));
      await expectNotAsked(client);
      await expectNotAsked(client, { prompt: 'none' });
      expect(await rememberedFor(client)).toBe('one');
    });

    it('a confidential client with a loopback redirect URI: it is asked for once, since the client will authenticate', async () => {
      const client = await register({ redirect_uris: [LOOPBACK] });
      clientAnswer(await allow(await expectAsked(client, { redirect_uri: LOOPBACK })), LOOPBACK);
      expect(clientAnswer(await ask(client, { redirect_uri: LOOPBACK }), LOOPBACK).params).toHaveProperty('code');
    });

    it.each([LOOPBACK, APP])('a public client at %s: it is asked for each time, and not remembered', async (redirectUri) => {
      const client = await registerNative(redirectUri);
      for (let i = 0; i < 2; i++) expect(clientAnswer(await allow(await expectAsked(client, { redirect_uri: redirectUri })), redirectUri).params).toHaveProperty('code');
      expectRefusal(await ask(client, { redirect_uri: redirectUri, prompt: 'none' }), 'consent_required', a, { redirectUri });
      expect(await rememberedFor(client)).toBeUndefined();
    });

    it('a public client with both: what was allowed to its web page is not taken for allowed to whoever listens on the device', async () => {
      const client = await register({ ...PUBLIC, redirect_uris: [CALLBACK, LOOPBACK] });
      await allow(await expectAsked(client));
      await expectNotAsked(client);
      await expectAsked(client, { redirect_uri: LOOPBACK });
    });

    it('a client that has no scope at all: it is asked for once as well', async () => {
      const client = await register({ scope: '', default_scope: null });
      clientAnswer(await allow(await expectAsked(client)));
      await expectNotAsked(client, { prompt: 'none' });
    });

    it('of one user alone', async () => {
      const client = await register();
      await allow(await expectAsked(client));
      const other = await a.driver.registerUser({ username: `ada-of-${client.clientId}` });
      await expectAsked(client, {}, (await CodeFlow.signedIn(a, other)).browser);
    });

    it('at every instance', async () => {
      const client = await register();
      await allow(await expectAsked(client));
      await expectNotAsked(client, {}, (await CodeFlow.signedIn(b, margaret)).browser);
    });
  });

  describe('OIDC Core §3.1.2.4: more scope', () => {
    it('is asked for, less is not, and what is remembered is all of it', async () => {
      const client = await register();
      await allow(await expectAsked(client, { scope: 'one two' }));
      await expectNotAsked(client, { scope: 'two' });
      expectRefusal(await ask(client, { scope: 'two three', prompt: 'none' }), 'consent_required', a);
      await allow(await expectAsked(client, { scope: 'two three' }));
      expect(await rememberedFor(client)).toBe('one two three');
      await expectNotAsked(client, { scope: 'three two one' });
    });

    it('by single claims is asked for like the scope that they stand for (§5.5), and shown as it', async () => {
      const client = await register();
      await allow(await expectAsked(client, { scope: 'openid' }));
      const byClaim = { scope: 'openid', claims: JSON.stringify({ userinfo: { email: null } }) };
      const asked = await expectAsked(client, byClaim);
      expect(asked.text).toContain('e-mail');
      expect(clientAnswer(await browser.get(authorizationUrl(client, { ...byClaim, prompt: 'none' }))).params).toMatchObject({ error: 'consent_required' });
      await allow(asked);
      await expectNotAsked(client, byClaim);
      expect(await rememberedFor(client)).toBe('openid email');
    });

    it('that the user denies leaves what she allowed before', async () => {
      const client = await register();
      await allow(await expectAsked(client, { scope: 'one' }));
      expectRefusal(await browser.submit(await expectAsked(client, { scope: 'one two' }), { decision: 'deny' }), 'access_denied', a);
      expect(await rememberedFor(client)).toBe('one');
      await expectNotAsked(client, { scope: 'one' });
    });
  });

  describe('RFC 8707 §3, ASVS 10.7.2: another audience', () => {
    const LEDGER = 'https://ledger.example.com';
    const ARCHIVE = 'https://archive.example.com';
    const AT_LEDGER = { scope: 'ledger:read one', resource: LEDGER };
    const registerReader = () => register({ scope: 'openid email one two ledger:read archive:read' });
    const isSilent = async (client: { clientId: string }, changes: ParameterChanges) =>
      'code' in clientAnswer(await ask(client, { prompt: 'none', ...changes })).params;

    beforeAll(async () => {
      const scopes = [{ name: 'archive:read', description: 'Read what is archived' }];
      await a.driver.registerResource({ identifier: ARCHIVE, name: 'Archive of the house', scopes });
      b.driver.renewAdminToken();
      await eventually(async () => expect((await b.driver.adminRequest('GET', '/resources')).text).toContain(ARCHIVE));
    });

    it('is asked for, though the scope was allowed elsewhere: prompt=none gets consent_required', async () => {
      const client = await registerReader();
      await allow(await expectAsked(client, { scope: 'one' }));
      expect(await isSilent(client, { scope: 'one' })).toBe(true);
      expectRefusal(await ask(client, { prompt: 'none', scope: 'one', resource: LEDGER }), 'consent_required', a);
      await allow(await expectAsked(client, { scope: 'one', resource: LEDGER }));
      expect(await isSilent(client, { scope: 'one', resource: LEDGER })).toBe(true);
      expect(await isSilent(client, { scope: 'one', resource: [LEDGER, ARCHIVE] })).toBe(false);
    });

    it('is not mixed up: what was allowed at one is not allowed at the other', async () => {
      const client = await registerReader();
      await allow(await expectAsked(client, { scope: 'one', resource: LEDGER }));
      await allow(await expectAsked(client, { scope: 'two', resource: ARCHIVE }));
      expect(await isSilent(client, { scope: 'one', resource: LEDGER })).toBe(true);
      expect(await isSilent(client, { scope: 'two', resource: ARCHIVE })).toBe(true);
      expect(await isSilent(client, { scope: 'two', resource: LEDGER })).toBe(false);
      expect(await isSilent(client, { scope: 'one two', resource: [LEDGER, ARCHIVE] })).toBe(false);
    });

    it('does not matter for what the client learns of the user from this server', async () => {
      const client = await registerReader();
      await allow(await expectAsked(client, { scope: 'openid email' }));
      await allow(await expectAsked(client, { scope: 'openid ledger:read', resource: LEDGER }));
      expect(await isSilent(client, { scope: 'openid email ledger:read', resource: LEDGER })).toBe(true);
      expect(await isSilent(client, { scope: 'email' })).toBe(true);
    });

    it('that owns a scope since it was allowed is asked for', async () => {
      const client = await register({ scope: 'owned-later', default_scope: null });
      await allow(await expectAsked(client, { scope: 'owned-later' }));
      await a.driver.registerResource({ identifier: 'https://later.example.com', scopes: [{ name: 'owned-later' }] });
      expect(await isSilent(client, { scope: 'owned-later' })).toBe(false);
    });

    it('is named on the page by the names of the APIs, in the language of the page; this server is not', async () => {
      const client = await registerReader();
      const changes = { scope: 'ledger:read archive:read', resource: [LEDGER, ARCHIVE] };
      const english = await expectAsked(client, changes);
      expect(english.text).toContain(en.consent.resources);
      expect(english.text).toContain(`<bdi>${LEDGER}</bdi>, <bdi>Archive of the house</bdi>`);
      const german = await expectAsked(client, { ...changes, ui_locales: 'de' });
      expect(german.text).toContain(de.consent.resources);
      const { text } = await expectAsked(client, { scope: 'openid email' });
      expect(text).not.toContain(en.consent.resources);
    });

    it('is shown to the user and to admins', async () => {
      const client = await registerReader();
      await allow(await expectAsked(client, { ...AT_LEDGER, scope: 'openid ledger:read' }));
      expect((await browser.get('/account')).text).toContain(`${en.consent.resources}: <bdi>${LEDGER}</bdi>`);
      const listed = (await consentsOf(margaret)).find(({ client_id: clientId }) => clientId === client.clientId);
      expect(listed).toMatchObject({ scope: 'openid ledger:read', audience: [LEDGER, a.issuer] });
    });

    describe('in a consent of the version before, which knew none', () => {
      it.each<[boolean, ParameterChanges]>([
        [true, { scope: 'one' }],
        [true, { scope: 'ledger:read one', resource: LEDGER }],
        [false, { scope: 'one', resource: ARCHIVE }],
        [false, { scope: 'archive:read' }],
      ])('%s: the issuer and the owner of its scope are covered, and nothing else (%j)', async (expected, changes) => {
        const client = await registerReader();
        await allow(await expectAsked(client, AT_LEDGER));
        const sql = 'UPDATE consents SET scope_by_audience = NULL WHERE client_id = ?';
        await a.get(Database).execute(sql, [client.clientId]);
        expect(await isSilent(client, changes)).toBe(expected);
      });

      it('that replaced one of this version, no more counts than it says', async () => {
        const client = await registerReader();
        await allow(await expectAsked(client, { scope: 'one two', resource: LEDGER }));
        await a.get(Database).execute('UPDATE consents SET scope = ? WHERE client_id = ?', ['one', client.clientId]);
        expect(await isSilent(client, { scope: 'one', resource: LEDGER })).toBe(true);
        expect(await isSilent(client, { scope: 'two', resource: LEDGER })).toBe(false);
      });
    });

    it('that a change of an admin brings while the page is open is not allowed with it: the page comes back', async () => {
      const client = await register({ scope: 'moving', default_scope: null });
      const page = await expectAsked(client, { scope: 'moving' });
      await a.driver.registerResource({ identifier: 'https://moved.example.com', scopes: [{ name: 'moving' }] });
      const again = await allow(page);
      expectPage(again, 'consent');
      expect(again.text).toContain('https://moved.example.com');
      expect(await rememberedFor(client)).toBeUndefined();
      expect(clientAnswer(await allow(again)).params).toHaveProperty('code');
    });

    it('that a change of an admin brings after the approval is asked for, too', async () => {
      const client = await registerNative(APP, { scope: 'passing', default_scope: 'passing' });
      const page = await expectAsked(client, { redirect_uri: APP });
      const approved = await browser.post(formAction(page), { ...hiddenFields(page.text), decision: 'allow' });
      await a.driver.registerResource({ identifier: 'https://passed.example.com', scopes: [{ name: 'passing' }] });
      expectPage(await browser.follow(approved), 'consent');
    });
  });

  describe('skip_consent and prompt=consent', () => {
    it('a client of one’s own is not asked for, unless it wants to be', async () => {
      const client = await register({ skip_consent: true });
      await expectNotAsked(client);
      await expectNotAsked(client, { prompt: 'none' });
      await allow(await expectAsked(client, { prompt: 'consent' }));
    });

    it.each([LOOPBACK, APP])('nobody can be sure of a public one at %s: it is asked for', async (redirectUri) => {
      await expectAsked(await registerNative(redirectUri, { skip_consent: true }), { redirect_uri: redirectUri });
    });

    it('prompt=consent asks again, once for a request', async () => {
      const client = await register();
      await allow(await expectAsked(client));
      expect(clientAnswer(await allow(await expectAsked(client, { prompt: 'consent' }))).params).toHaveProperty('code');
      await expectNotAsked(client);
    });
  });

  describe('it ends', () => {
    const remembered = async (metadata: Record<string, unknown> = {}): Promise<Credentials> => {
      const client = await register(metadata);
      await allow(await expectAsked(client));
      await expectNotAsked(client);
      return client;
    };
    const admin = async (method: string, path: string, body?: unknown) => expect([200, 204]).toContain((await a.driver.adminRequest(method, path, body)).status);

    it('with the client: one that is made anew under its id has to ask', async () => {
      const client = await remembered();
      await admin('DELETE', `/clients/${client.clientId}`);
      expect(await rememberedFor(client)).toBeUndefined();
      await expectAsked(await register({ client_id: client.clientId }));
      expect(await rememberedFor(client)).toBeUndefined();
    });

    it('when the client is disabled, or all that it holds is revoked', async () => {
      const [disabled, revoked] = [await remembered(), await remembered()];
      for (const enabled of [false, true]) await admin('PATCH', `/clients/${disabled.clientId}`, { enabled });
      await admin('DELETE', `/clients/${revoked.clientId}/tokens`);
      for (const client of [disabled, revoked]) await expectAsked(client);
    });

    it('not when the client gets another name, or the user another password', async () => {
      const client = await remembered();
      await admin('PATCH', `/clients/${client.clientId}`, { client_name: 'Another name' });
      await expectNotAsked(client);
      await admin('PUT', `/users/${margaret.userId}/password`, { password: PASSWORD });
      await expectNotAsked(client, {}, (await CodeFlow.signedIn(a, margaret)).browser);
    });

    it('a year after it was given last', async () => {
      const client = await remembered();
      a.clock.advanceSeconds(365 * DAY - 1);
      const again = (await CodeFlow.signedIn(a, margaret)).browser;
      await expectNotAsked(client, {}, again);
      a.clock.advanceSeconds(1);
      await expectAsked(client, {}, again);
      a.driver.renewAdminToken();
      expect(await rememberedFor(client)).toBeUndefined();
    });
  });

  describe('ASVS 10.7.3: the user who does not want it', () => {
    it('denies: the client hears access_denied with state and iss, and is asked for the next time', async () => {
      const client = await register();
      for (const fields of [{ decision: 'deny' }, { decision: 'whatever' }, { decision: '' }]) expectRefusal(await browser.submit(await expectAsked(client), fields), 'access_denied', a);
      expectRefusal(await browser.submit(await expectAsked(client, { state: undefined }), { decision: 'deny' }), 'access_denied', a, { state: null });
      await expectAsked(client);
      expect(await rememberedFor(client)).toBeUndefined();
    });

    it('is not the one who is meant: another one signs in, and is asked herself', async () => {
      const client = await register();
      const ada = await a.driver.registerUser({ username: `ada-of-${client.clientId}` });
      const login = await browser.submit(await expectAsked(client), { decision: 'switch_user' });
      expectPage(login, 'login');
      const consent = await browser.signIn(login, ada);
      expectPage(consent, 'consent');
      expect(consent.text).toContain(ada.username);
      await allow(consent);
      expect([await rememberedFor(client), await rememberedFor(client, ada)]).toEqual([undefined, 'one']);
    });
  });

  describe('ASVS 3.5.1: the form', () => {
    it('without its token, with that of another browser, of another request or of the login page: 403, and nothing is allowed', async () => {
      const client = await register();
      const page = await expectAsked(client);
      const elsewhere = (await CodeFlow.signedIn(a, margaret)).browser;
      const login = await browser.get(formAction(page).replace(/consent$/, 'login'));
      const foreign = [await expectAsked(client, {}, elsewhere), await expectAsked(client), login].map(({ text }) => hiddenFields(text)['csrf_token']);
      for (const token of ['', 'x', ...foreign]) {
        expectErrorPage(await browser.post(formAction(page), { csrf_token: token, decision: 'allow' }), 403);
        expectErrorPage(await browser.post(formAction(page), { csrf_token: token, decision: 'deny' }), 403);
      }
      expect(await rememberedFor(client)).toBeUndefined();
      expectRefusal(await ask(client, { prompt: 'none' }), 'consent_required', a);
      expect(clientAnswer(await allow(page)).params).toHaveProperty('code');
    });
  });

  describe('ASVS 10.4.9, 10.7.3: its withdrawal', () => {
    it.each(['jwt', 'opaque'])('ends refresh tokens and access tokens (%s) at every instance within a second, and is asked for anew', async (format) => {
      const [client, other] = [await register({ access_token_format: format }), await register()];
      for (const each of [client, other]) await allow(await expectAsked(each));
      const [first, second, untouched] = [await flow.tokens(client), await flow.tokens(client), await flow.tokens(other)];
      const refreshed = await a.driver.refreshed(client, first.refresh_token);
      expect((await withdraw(client)).status).toBe(204);
      const dead = [first.access_token, refreshed.accessToken, refreshed.refreshToken, second.access_token, second.refresh_token];
      for (const token of dead) expect((await a.driver.introspect(client, token)).text).toBe('{"active":false}');
      await eventually(async () => {
        for (const token of dead) expect((await b.driver.introspect(client, token)).text).toBe('{"active":false}');
      }, KNOWN);
      for (const { driver } of [b, a]) for (const token of [refreshed.refreshToken, second.refresh_token]) expect((await driver.refresh(client, token)).body).toMatchObject({ error: 'invalid_grant' });
      expectRefusal(await ask(client, { prompt: 'none' }), 'consent_required', a);
      await expectAsked(client, {}, (await CodeFlow.signedIn(b, margaret)).browser);
      for (const { driver } of [a, b]) expect((await driver.introspect(other, untouched.access_token)).body['active']).toBe(true);
      await expectNotAsked(other);
    });

    it('by one user leaves what another one allowed', async () => {
      const client = await register();
      const ada = await a.driver.registerUser({ username: `ada-of-${client.clientId}` });
      const hers = await CodeFlow.signedIn(a, ada);
      await allow(await expectAsked(client));
      await allow(await expectAsked(client, {}, hers.browser), hers.browser);
      const tokens = await hers.tokens(client);
      expect((await withdraw(client)).status).toBe(204);
      expect((await a.driver.introspect(client, tokens.refresh_token)).body['active']).toBe(true);
      await expectNotAsked(client, {}, hers.browser);
    });

    it('works on an application on the device, for which nothing is remembered: its tokens end', async () => {
      const client = await registerNative(LOOPBACK);
      const { code } = clientAnswer(await allow(await expectAsked(client, { redirect_uri: LOOPBACK })), LOOPBACK).params;
      const { body } = await flow.redeem(client, code, { redirect_uri: LOOPBACK });
      expect((await withdraw(client)).status).toBe(204);
      expect((await a.driver.refresh(client, body['refresh_token'] as string)).body).toMatchObject({ error: 'invalid_grant' });
      expect((await withdraw(client)).status).toBe(404);
    });
  });
});
