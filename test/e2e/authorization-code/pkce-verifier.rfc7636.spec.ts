import { createHash } from 'node:crypto';
import { CALLBACK, PKCE } from '../../support/authorization-url.js';
import { newPkce } from '../../support/browser.js';
import { CodeFlow } from '../../support/code-flow.js';
import { describeOnEachDatabase } from '../../support/databases.js';
import type { Answer, Credentials } from '../../support/oauth-driver.js';
import { expectOAuthError } from '../../support/oauth-errors.js';
import { TestServer } from '../../support/test-server.js';

const WITHOUT_CHALLENGE = { code_challenge: undefined, code_challenge_method: undefined };
const WRONG = 'w'.repeat(43);
const CHARACTERS = '-._~ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

describeOnEachDatabase('The code verifier', (kind) => {
  let server: TestServer;
  let flow: CodeFlow;
  let web: Credentials;
  let app: Credentials;
  /** An admin let it go without PKCE. */
  let lax: Credentials;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
    flow = await CodeFlow.signedIn(server, await server.driver.registerUser({ username: 'margaret' }));
    web = await register();
    app = await register({ token_endpoint_auth_method: 'none' });
    lax = await register({ require_pkce: false });
  });
  afterAll(() => server.stop());

  const register = (metadata: Record<string, unknown> = {}) => server.driver.registerClient({ grant_types: ['authorization_code'], redirect_uris: [CALLBACK], scope: 'read', skip_consent: true, ...metadata });
  const redeem = (client: Credentials, code: string, verifier: string | undefined): Promise<Answer> => flow.redeem(client, code, { code_verifier: verifier });
  const expectGood = async (client: Credentials, code: string, verifier?: string) => expect((await redeem(client, code, verifier)).status).toBe(200);
  const expectInvalidGrant = async (client: Credentials, code: string, verifier?: string) => expectOAuthError(await redeem(client, code, verifier), 400, 'invalid_grant');

  describe.each<[string, () => Credentials]>([
    ['a public client', () => app],
    ['a confidential client', () => web],
    ['a confidential client that may go without', () => lax],
  ])('RFC 7636 §4.5 and §4.6: a code with a challenge, of %s', (_, client) => {
    it('without a verifier, or with an empty one: invalid_grant; with the right one: 200', async () => {
      const code = await flow.code(client());
      for (const verifier of [undefined, '']) await expectInvalidGrant(client(), code, verifier);
      await expectGood(client(), code, PKCE.verifier);
    });

    it('with another verifier, the challenge itself, or the right one in another case: invalid_grant', async () => {
      for (const verifier of [newPkce().verifier, PKCE.challenge, PKCE.verifier.toUpperCase()]) await expectInvalidGrant(client(), await flow.code(client()), verifier);
    });

    it('is void after the third wrong verifier, for the right one too', async () => {
      const [twice, thrice] = [await flow.code(client()), await flow.code(client())];
      for (let i = 0; i < 2; i++) await expectInvalidGrant(client(), twice, WRONG);
      for (let i = 0; i < 3; i++) await expectInvalidGrant(client(), thrice, WRONG);
      await expectGood(client(), twice, PKCE.verifier);
      await expectInvalidGrant(client(), thrice, PKCE.verifier);
    });

    it('does not wear out by what another client tries', async () => {
      const code = await flow.code(client());
      const other = await register({ token_endpoint_auth_method: 'none' });
      for (let i = 0; i < 4; i++) await expectInvalidGrant(other, code, WRONG);
      await expectGood(client(), code, PKCE.verifier);
    });
  });

  describe('RFC 7636 §4.1: the form of a verifier', () => {
    it.each([
      ['one character', 'w'],
      ['42 characters', 'w'.repeat(42)],
      ['129 characters', 'w'.repeat(129)],
      ['a space', `${'w'.repeat(42)} `],
      ['a plus sign', `${'w'.repeat(42)}+`],
      ['a slash', `${'w'.repeat(42)}/`],
      ['padding', `${'w'.repeat(42)}=`],
      ['a letter with an accent', `${'w'.repeat(42)}é`],
      ['a line feed at the end', `${'w'.repeat(43)}\n`],
      ['a digit of another script', `${'w'.repeat(42)}٣`],
    ])('%s: invalid_request, and the code is as good as before', async (_, verifier) => {
      const code = await flow.code(web);
      for (let i = 0; i < 4; i++) expectOAuthError(await redeem(web, code, verifier), 400, 'invalid_request');
      await expectGood(web, code, PKCE.verifier);
    });

    it('is repeated: invalid_request', async () => {
      const code = await flow.code(web);
      expectOAuthError(await flow.redeem(web, code, { code_verifier: [PKCE.verifier, PKCE.verifier] }), 400, 'invalid_request');
      await expectGood(web, code, PKCE.verifier);
    });

    it('every character that is allowed, and the greatest length, are taken', async () => {
      for (const verifier of [CHARACTERS, CHARACTERS.padEnd(128, '~')]) {
        const code = await flow.code(web, { code_challenge: createHash('sha256').update(verifier).digest('base64url') });
        await expectGood(web, code, verifier);
      }
    });
  });

  describe('RFC 9700 §4.8.2: a code without a challenge', () => {
    it('is redeemed without a verifier', async () => {
      await expectGood(lax, await flow.code(lax, WITHOUT_CHALLENGE));
    });

    it('with a verifier: invalid_request, since it may have been put in the place of another one', async () => {
      const code = await flow.code(lax, WITHOUT_CHALLENGE);
      expectOAuthError(await redeem(lax, code, PKCE.verifier), 400, 'invalid_request');
      await expectGood(lax, code);
    });
  });

  it('wrong verifiers that come at the same time: each is refused, and the code is void', async () => {
    const code = await flow.code(web);
    for (const answer of await Promise.all(Array.from({ length: 10 }, () => redeem(web, code, WRONG)))) expectOAuthError(answer, 400, 'invalid_grant');
    await expectInvalidGrant(web, code, PKCE.verifier);
  });
});
