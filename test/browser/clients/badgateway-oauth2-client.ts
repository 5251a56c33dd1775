import { generateCodeVerifier, OAuth2Client, OAuth2Fetch, type OAuth2Token } from '@badgateway/oauth2-client';
import { decodeJwt } from '../../support/oauth-driver.js';
import { type LibraryUnderTest, type OAuthLibrary, type Registration, type Reply, SCOPE, type Visit } from './oauth-library.js';

const STATE = 'state-of-badgateway';

/** @badgateway/oauth2-client: OAuth 2.0 only, so that it hands on ID tokens without a look at them, and knows nothing of userinfo and sign-out. */
class BadgatewayOauth2Client implements OAuthLibrary {
  private token: OAuth2Token;

  constructor(
    private readonly client: OAuth2Client,
    private readonly metadata: Record<string, string>,
    private readonly registration: Registration,
    private readonly codeVerifier: string,
  ) {}

  async signIn(): Promise<Reply> {
    return { location: await this.client.authorizationCode.getAuthorizeUri({ redirectUri: this.registration.redirectUri, state: STATE, codeVerifier: this.codeVerifier, scope: SCOPE }) };
  }

  async callback({ url }: Visit): Promise<Reply> {
    this.token = await this.client.authorizationCode.getTokenFromCodeRedirect(url, { redirectUri: this.registration.redirectUri, state: STATE, codeVerifier: this.codeVerifier });
    return { shown: decodeJwt(this.token.idToken!).claims };
  }

  async userinfo(): Promise<Reply> {
    const authorized = new OAuth2Fetch({ client: this.client, getNewToken: () => null, getStoredToken: () => this.token, scheduleRefresh: false });
    return { shown: await (await authorized.fetch(this.metadata['userinfo_endpoint'])).json() };
  }

  async refresh(): Promise<Reply> {
    this.token = { ...this.token, ...(await this.client.refreshToken(this.token)) };
    return { shown: { accessToken: this.token.accessToken, refreshToken: this.token.refreshToken } };
  }

  async signOut(): Promise<Reply> {
    await this.client.revoke(this.token, 'refresh_token');
    const location = new URL(this.metadata['end_session_endpoint']);
    location.search = new URLSearchParams({ id_token_hint: this.token.idToken!, post_logout_redirect_uri: this.registration.postLogoutRedirectUri, state: 'bye' }).toString();
    return { location };
  }
}

export const badgatewayOauth2Client: LibraryUnderTest = {
  name: '@badgateway/oauth2-client',
  metadata: { token_endpoint_auth_method: 'client_secret_basic' },
  async connect(registration) {
    const { issuer, clientId, clientSecret } = registration;
    const discoveryEndpoint = `${issuer}/.well-known/openid-configuration`;
    const metadata = (await (await fetch(discoveryEndpoint)).json()) as Record<string, string>;
    return new BadgatewayOauth2Client(new OAuth2Client({ server: issuer, discoveryEndpoint, clientId, clientSecret }), metadata, registration, await generateCodeVerifier());
  },
};
