import { clientAnswer } from './authorization-answers.js';
import { authorizationUrl, CALLBACK, type ParameterChanges, PKCE } from './authorization-url.js';
import { Browser } from './browser.js';
import type { Answer, Credentials, UserCredentials } from './oauth-driver.js';
import type { TestServer } from './test-server.js';

/** The authorization code flow in a browser in which a user is signed in, for clients that do not ask her anything. */
export class CodeFlow {
  private constructor(
    readonly server: TestServer,
    readonly browser: Browser,
  ) {}

  static async signedIn(server: TestServer, user: UserCredentials): Promise<CodeFlow> {
    const browser = new Browser(server.url, server.issuer);
    const page = await browser.signIn(await browser.get('/account'), user);
    if (page.status !== 200) throw new Error(`not signed in: ${page.status} ${page.text}`);
    return new CodeFlow(server, browser);
  }

  /** Lets a client have what it asks for, once. */
  async allow(client: { clientId: string }, user: UserCredentials, changes: ParameterChanges = {}): Promise<void> {
    clientAnswer(await this.browser.authorize(authorizationUrl(client, changes), user), redirectUriOf(changes));
  }

  /** A code that the test takes for granted. @param changes to the authorization request */
  async code(client: { clientId: string }, changes: ParameterChanges = {}): Promise<string> {
    const { params } = clientAnswer(await this.browser.get(authorizationUrl(client, changes)), redirectUriOf(changes));
    if (params['code'] === undefined) throw new Error(`no code: ${JSON.stringify(params)}`);
    return params['code'];
  }

  /** @param changes to the token request */
  redeem(client: Credentials, code: string, changes: ParameterChanges = {}): Promise<Answer> {
    const form = { code, redirect_uri: CALLBACK, code_verifier: PKCE.verifier, ...changes };
    return this.server.driver.redeem(client, Object.fromEntries(Object.entries(form).filter(([, value]) => value !== undefined)));
  }

  /** The answer to a code that the test takes for granted to be good. */
  async tokens(client: Credentials, changes: ParameterChanges = {}, redemption: ParameterChanges = {}): Promise<IssuedTokens> {
    const { status, text, body } = await this.redeem(client, await this.code(client, changes), redemption);
    if (status !== 200) throw new Error(`not redeemed: ${status} ${text}`);
    return body as unknown as IssuedTokens;
  }
}

const redirectUriOf = (changes: ParameterChanges): string => [changes['redirect_uri'] ?? CALLBACK].flat()[0];

/** A token response, RFC 6749 §5.1. */
export interface IssuedTokens {
  access_token: string;
  refresh_token: string;
  id_token: string;
  scope: string;
}
