import { clientAnswer, expectPage, expectRefusal } from '../../support/authorization-answers.js';
import { authorizationQuery, authorizationUrl, CALLBACK, type ParameterChanges, PKCE } from '../../support/authorization-url.js';
import { Browser, newPkce } from '../../support/browser.js';
import { describeOnOneDatabase } from '../../support/databases.js';
import { expectOAuthError } from '../../support/oauth-errors.js';
import type { Credentials, RegisteredUser } from '../../support/oauth-driver.js';
import { TestServer } from '../../support/test-server.js';

const NO_CHALLENGE = { code_challenge: undefined, code_challenge_method: undefined };

describeOnOneDatabase('PKCE at the authorization endpoint', (kind) => {
  let server: TestServer;
  let margaret: RegisteredUser;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
    margaret = await server.driver.registerUser({ username: 'margaret' });
  });
  afterAll(() => server.stop());

  const register = (metadata: Record<string, unknown> = {}) => server.driver.registerClient({ grant_types: ['authorization_code'], redirect_uris: [CALLBACK], scope: 'api', ...metadata });
  const codeFor = async (client: Credentials, changes: ParameterChanges) => clientAnswer(await new Browser(server.url).authorize(authorizationUrl(client, changes), margaret)).params['code'];
  const redeem = (client: Credentials, code: string, verifier?: string) =>
    server.driver.token(client.clientSecret === '' ? undefined : client, {
      grant_type: 'authorization_code', code, redirect_uri: CALLBACK, ...(client.clientSecret === '' ? { client_id: client.clientId } : {}), ...(verifier === undefined ? {} : { code_verifier: verifier }),
    });
  const expectRefusedByEitherMethod = async (client: Credentials, changes: ParameterChanges) => {
    expectRefusal(await new Browser(server.url).get(authorizationUrl(client, changes)), 'invalid_request', server);
    const body = authorizationQuery(client, changes);
    expectRefusal(await new Browser(server.url).request('POST', '/oauth/authorize', { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body }), 'invalid_request', server);
  };

  describe.each<[string, Record<string, unknown>]>([
    ['a public client', { token_endpoint_auth_method: 'none' }],
    ['a confidential client', {}],
    ['a confidential client that need not use it', { require_pkce: false }],
  ])('RFC 7636 §4.3: %s', (_, metadata) => {
    let client: Credentials;

    beforeAll(async () => {
      client = await register(metadata);
    });

    it('with an S256 challenge gets a code that its verifier redeems, and none but it', async () => {
      const { verifier, challenge } = newPkce();
      expect((await redeem(client, await codeFor(client, { code_challenge: challenge }), verifier)).status).toBe(200);
      expectOAuthError(await redeem(client, await codeFor(client, { code_challenge: challenge }), newPkce().verifier), 400, 'invalid_grant');
    });

    it('gets no token for such a code without a verifier: a challenge that was sent always counts', async () => {
      expectOAuthError(await redeem(client, await codeFor(client, {})), 400, 'invalid_grant');
    });

    it.each<[string, ParameterChanges]>([
      ['plain', { code_challenge: PKCE.verifier, code_challenge_method: 'plain' }],
      ['plain, by leaving the method out', { code_challenge_method: undefined }],
      ['plain, by an empty method', { code_challenge_method: '' }],
      ['the method in another case', { code_challenge_method: 's256' }],
      ['an unknown method', { code_challenge_method: 'S512' }],
      ['a member of every object', { code_challenge_method: 'constructor' }],
      ['a method without a challenge', { code_challenge: undefined }],
      ['a method with an empty challenge', { code_challenge: '' }],
      ['a challenge of 42 characters', { code_challenge: PKCE.challenge.slice(1) }],
      ['a challenge of 44 characters', { code_challenge: `${PKCE.challenge}A` }],
      ['a padded challenge', { code_challenge: `${PKCE.challenge}=` }],
      ['a challenge in base64', { code_challenge: `+/${PKCE.challenge.slice(2)}` }],
      ['a challenge in hex', { code_challenge: '13d31e961a1ad8ec2f16b10c4c982e0876a878ad6df144566ee1894acb70f9c3' }],
      ['a challenge with a line end', { code_challenge: `${PKCE.challenge}\n` }],
      ['a challenge of other letters', { code_challenge: 'é'.repeat(43) }],
      ['a challenge of tildes and dots', { code_challenge: '~.'.repeat(21) + '~' }],
    ])('%s -> invalid_request (RFC 9700 §2.1.1)', async (_case, changes) => {
      await expectRefusedByEitherMethod(client, changes);
    });
  });

  describe('RFC 7636 §4.4.1: a request without a challenge', () => {
    it.each<[string, Record<string, unknown>]>([['a public client', { token_endpoint_auth_method: 'none' }], ['a confidential client', {}]])('%s -> invalid_request', async (_, metadata) => {
      const client = await register(metadata);
      await expectRefusedByEitherMethod(client, NO_CHALLENGE);
      await expectRefusedByEitherMethod(client, { code_challenge: '', code_challenge_method: '' });
    });

    it('is refused before anyone is asked, signed in or not', async () => {
      const client = await register();
      const browser = new Browser(server.url);
      await browser.authorize(authorizationUrl(client), margaret);
      expectRefusal(await browser.get(authorizationUrl(client, NO_CHALLENGE)), 'invalid_request', server);
    });

    it('a confidential client that an admin let go without gets a code, and a verifier for it is refused (RFC 9700 §4.8.2)', async () => {
      const client = await register({ require_pkce: false });
      expect((await redeem(client, await codeFor(client, NO_CHALLENGE))).status).toBe(200);
      expectOAuthError(await redeem(client, await codeFor(client, NO_CHALLENGE), PKCE.verifier), 400, 'invalid_request');
    });

    it('a public client cannot be let go without, nor become one that was', async () => {
      expect((await server.driver.adminRequest('POST', '/clients', { grant_types: ['authorization_code'], redirect_uris: [CALLBACK], token_endpoint_auth_method: 'none', require_pkce: false })).status).toBe(400);
      const { clientId } = await register({ require_pkce: false });
      expect((await server.driver.adminRequest('PATCH', `/clients/${clientId}`, { token_endpoint_auth_method: 'none' })).status).toBe(400);
    });
  });

  it('the challenge stays that of the request, whatever the browser sends with the login form', async () => {
    const client = await register();
    const browser = new Browser(server.url);
    const { challenge, verifier } = newPkce();
    const login = await browser.follow(await browser.get(authorizationUrl(client, { code_challenge: challenge })));
    expectPage(login, 'login');
    const consent = await browser.submit(login, { ...margaret, decision: 'sign_in', code_challenge: PKCE.challenge, code_challenge_method: 'plain' });
    const { code } = clientAnswer(await browser.submit(consent, { decision: 'allow', code_challenge: '', code_challenge_method: '' })).params;
    expect((await redeem(client, code, verifier)).status).toBe(200);
  });
});
