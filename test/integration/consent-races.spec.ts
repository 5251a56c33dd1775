import { clientAnswer, expectPage, expectRefusal } from '../support/authorization-answers.js';
import { authorizationUrl, CALLBACK } from '../support/authorization-url.js';
import { Browser, formAction, hiddenFields } from '../support/browser.js';
import { CodeFlow } from '../support/code-flow.js';
import { describeOnEachDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { type HeldTransaction, holdNextTransaction } from '../support/held-transaction.js';
import type { Credentials, RegisteredUser } from '../support/oauth-driver.js';
import { TestServer } from '../support/test-server.js';

const APP = 'com.example.app:/cb';
/** The next transaction is that of the next request. */
const NOTHING_BEHIND = { LAST_USED_FLUSH_SECONDS: '3600' };

describeOnEachDatabase('a decision of a user and the change that ends it', (kind) => {
  let server: TestServer;
  /** Another instance on the same database, at which the change is made. */
  let sibling: TestServer;
  let user: RegisteredUser;
  let flow: CodeFlow;
  let held: HeldTransaction | undefined;

  beforeAll(async () => {
    server = await TestServer.start({ kind, env: NOTHING_BEHIND });
    const { database, issuer, clock } = server;
    sibling = await TestServer.start({ database, issuer, clock, env: NOTHING_BEHIND });
    user = await server.driver.registerUser({ username: 'grace' });
  });
  beforeEach(async () => {
    held = undefined;
    flow = await CodeFlow.signedIn(server, user);
  });
  afterEach(() => held?.release());
  afterAll(async () => {
    await sibling.stop();
    await server.stop();
  });

  const register = (metadata: Record<string, unknown> = {}) =>
    server.driver.registerClient({
      grant_types: ['authorization_code', 'refresh_token', 'implicit'],
      redirect_uris: [CALLBACK],
      scope: 'openid one two',
      default_scope: 'one',
      ...metadata,
    });
  const withdraw = async ({ clientId }: Credentials, at = sibling) => {
    const answer = await at.driver.adminRequest('DELETE', `/users/${user.userId}/consents/${clientId}`);
    expect(answer.status).toBe(204);
  };
  const isRemembered = async (client: Credentials, scope: string) =>
    'code' in clientAnswer(await flow.browser.get(authorizationUrl(client, { prompt: 'none', scope }))).params;

  describe('RFC 6749 §4.1.2: a consent that is withdrawn while a request is answered', () => {
    it('does not count any more: prompt=none gets consent_required, and there is no code', async () => {
      const client = await register();
      await flow.allow(client, user);
      held = holdNextTransaction(server);
      const answer = flow.browser.get(authorizationUrl(client, { prompt: 'none' }));
      await held.reached;
      await withdraw(client);
      held.release();
      expectRefusal(await answer, 'consent_required', server);
    });

    it('is asked for again when the client lets the user be asked', async () => {
      const client = await register();
      await flow.allow(client, user);
      held = holdNextTransaction(server);
      const answer = flow.browser.get(authorizationUrl(client));
      await held.reached;
      await withdraw(client);
      held.release();
      expectPage(await flow.browser.follow(await answer), 'consent');
    });

    it('does not count any more when the user has given a narrower one since', async () => {
      const client = await register();
      await flow.allow(client, user, { scope: 'one two' });
      const other = await CodeFlow.signedIn(server, user);
      held = holdNextTransaction(server);
      const answer = flow.browser.get(authorizationUrl(client, { prompt: 'none', scope: 'two' }));
      await held.reached;
      await withdraw(client);
      await other.allow(client, user, { scope: 'one' });
      held.release();
      expectRefusal(await answer, 'consent_required', server);
    });

    it('takes the code with it that is written at the same time', async () => {
      const client = await register();
      await flow.allow(client, user);
      held = holdNextTransaction(server, /authorization_codes/);
      const answer = flow.browser.get(authorizationUrl(client, { prompt: 'none' }));
      await held.reached;
      const withdrawal = holdNextTransaction(sibling, /DELETE FROM consents/);
      const withdrawn = withdraw(client);
      // In the embedded database the second transaction does not begin before the first has ended.
      if (kind === 'MariaDB') await withdrawal.reached;
      withdrawal.release();
      held.release();
      const { code } = clientAnswer(await answer).params;
      await withdrawn;
      expect((await flow.redeem(client, code)).body).toMatchObject({ error: 'invalid_grant' });
    });

    it('takes an approval of one request with it: the user is asked again', async () => {
      const native = { token_endpoint_auth_method: 'none', redirect_uris: [APP] };
      for (const [metadata, redirectUri] of [[native, APP], [{}, CALLBACK]] as const) {
        const client = await register(metadata);
        const changes = { redirect_uri: redirectUri, prompt: 'consent' };
        const page = await flow.browser.follow(await flow.browser.get(authorizationUrl(client, changes)));
        const fields = { ...hiddenFields(page.text), decision: 'allow' };
        const approved = await flow.browser.post(formAction(page), fields);
        await withdraw(client);
        expectPage(await flow.browser.follow(approved), 'consent');
      }
    });

    it('takes an approval with it of a request that is being answered', async () => {
      const client = await register({ token_endpoint_auth_method: 'none', redirect_uris: [APP] });
      const changes = { redirect_uri: APP };
      const page = await flow.browser.follow(await flow.browser.get(authorizationUrl(client, changes)));
      const fields = { ...hiddenFields(page.text), decision: 'allow' };
      const approved = await flow.browser.post(formAction(page), fields);
      held = holdNextTransaction(server);
      const answer = flow.browser.follow(approved);
      await held.reached;
      await withdraw(client);
      held.release();
      expectPage(await answer, 'consent');
    });

    it('leaves what other users allowed, and what the user allowed other clients', async () => {
      const [client, other] = [await register(), await register()];
      const ada = await server.driver.registerUser({ username: `ada-of-${client.clientId}` });
      const hers = await CodeFlow.signedIn(server, ada);
      await flow.allow(client, user);
      await flow.allow(other, user);
      await hers.allow(client, ada);
      const [kept, theirs] = [await flow.tokens(other), await hers.tokens(client)];
      await withdraw(client);
      expect((await server.driver.refresh(other, kept.refresh_token)).status).toBe(200);
      expect((await server.driver.refresh(client, theirs.refresh_token)).status).toBe(200);
      expect(await isRemembered(other, 'one')).toBe(true);
    });
  });

  describe('OIDC Core §3.1.2.3: a session that ends while a request is answered', () => {
    const RESPONSE_TYPES = [
      ['code', 'query'],
      ['token', 'fragment'],
    ] as const;
    const registerOwn = () => register({ skip_consent: true, response_types: ['code', 'token'] });
    const changesOf = (responseType: string) => ({
      response_type: responseType,
      ...(responseType === 'code' ? {} : { code_challenge: undefined, code_challenge_method: undefined }),
    });
    /** Signs out in the browser at the other instance. */
    async function signOut(): Promise<void> {
      const elsewhere = new Browser(sibling.url, sibling.issuer);
      elsewhere.setCookie('mintgate_session', flow.browser.cookie('mintgate_session')!);
      const page = await elsewhere.get('/account');
      expect((await elsewhere.post('/account/logout', hiddenFields(page.text))).status).toBe(200);
    }

    it.each(RESPONSE_TYPES)('response_type=%s: prompt=none gets login_required', async (responseType, mode) => {
      const client = await registerOwn();
      held = holdNextTransaction(server);
      const answer = flow.browser.get(authorizationUrl(client, { prompt: 'none', ...changesOf(responseType) }));
      await held.reached;
      await signOut();
      held.release();
      expectRefusal(await answer, 'login_required', server, { mode });
    });

    it.each(RESPONSE_TYPES)('response_type=%s: the user has to sign in again', async (responseType) => {
      const client = await registerOwn();
      held = holdNextTransaction(server);
      const answer = flow.browser.get(authorizationUrl(client, changesOf(responseType)));
      await held.reached;
      await signOut();
      held.release();
      expectPage(await flow.browser.follow(await answer), 'login');
    });

    it('an implicit token that is written at the same time ends with the session', async () => {
      const client = await registerOwn();
      held = holdNextTransaction(server, /token_families/);
      const answer = flow.browser.get(authorizationUrl(client, { prompt: 'none', ...changesOf('token') }));
      await held.reached;
      const deletion = holdNextTransaction(sibling, /session_id, user_id FROM sessions/);
      const signedOut = signOut();
      if (kind === 'MariaDB') await deletion.reached;
      deletion.release();
      held.release();
      const { access_token: token } = clientAnswer(await answer).params;
      await signedOut;
      await eventually(async () => expect((await server.driver.introspect(client, token)).body['active']).toBe(false));
    });
  });

  describe('a consent that is withdrawn while more is allowed', () => {
    it('stays withdrawn: what was allowed before does not come back', async () => {
      const client = await register();
      await flow.allow(client, user, { scope: 'one' });
      const page = await flow.browser.follow(await flow.browser.get(authorizationUrl(client, { scope: 'two' })));
      held = holdNextTransaction(server, /INSERT .*INTO consents/);
      const allowed = flow.browser.post(formAction(page), { ...hiddenFields(page.text), decision: 'allow' });
      await held.reached;
      const withdrawn = withdraw(client);
      // In the embedded database the withdrawal waits for the transaction.
      if (kind === 'MariaDB') await withdrawn;
      held.release();
      expect((await allowed).status).toBe(303);
      await withdrawn;
      expect(await isRemembered(client, 'one')).toBe(false);
    });
  });
});
