import * as openid from 'openid-client';
import { type LibraryUnderTest, type OAuthLibrary, type Registration, type Reply, SCOPE, type Visit } from './oauth-library.js';

/** openid-client: the whole of OpenID Connect, ID tokens checked to their signature. */
class OpenidClient implements OAuthLibrary {
  private readonly verifier = openid.randomPKCECodeVerifier();
  private readonly state = openid.randomState();
  private readonly nonce = openid.randomNonce();
  private tokens: openid.TokenEndpointResponse & openid.TokenEndpointResponseHelpers;
  private subject: string;

  constructor(
    private readonly config: openid.Configuration,
    private readonly registration: Registration,
    private readonly parameters: Record<string, string>,
  ) {}

  async signIn(): Promise<Reply> {
    const location = openid.buildAuthorizationUrl(this.config, {
      redirect_uri: this.registration.redirectUri,
      scope: SCOPE.join(' '),
      code_challenge: await openid.calculatePKCECodeChallenge(this.verifier),
      code_challenge_method: 'S256',
      state: this.state,
      nonce: this.nonce,
      ...this.parameters,
    });
    return { location };
  }

  async callback({ req, url, form }: Visit): Promise<Reply> {
    const answer = req.method === 'POST' ? new Request(url, { method: 'POST', headers: { 'content-type': req.headers['content-type']! }, body: form }) : url;
    this.tokens = await openid.authorizationCodeGrant(this.config, answer, { pkceCodeVerifier: this.verifier, expectedState: this.state, expectedNonce: this.nonce });
    const claims = this.tokens.claims()!;
    this.subject = claims.sub;
    return { shown: claims };
  }

  async userinfo(): Promise<Reply> {
    return { shown: await openid.fetchUserInfo(this.config, this.tokens.access_token, this.subject) };
  }

  async refresh(): Promise<Reply> {
    this.tokens = await openid.refreshTokenGrant(this.config, this.tokens.refresh_token!);
    return { shown: { accessToken: this.tokens.access_token, refreshToken: this.tokens.refresh_token } };
  }

  async signOut(): Promise<Reply> {
    await openid.tokenRevocation(this.config, this.tokens.refresh_token!, { token_type_hint: 'refresh_token' });
    return { location: openid.buildEndSessionUrl(this.config, { id_token_hint: this.tokens.id_token!, post_logout_redirect_uri: this.registration.postLogoutRedirectUri, state: 'bye' }) };
  }
}

/** @param parameters of the authorization request, over the usual ones */
export const openidClient = (parameters: Record<string, string> = {}): LibraryUnderTest => ({
  name: 'openid-client',
  metadata: { token_endpoint_auth_method: 'client_secret_basic' },
  async connect(registration) {
    const { issuer, clientId, clientSecret } = registration;
    const config = await openid.discovery(new URL(issuer), clientId, undefined, openid.ClientSecretBasic(clientSecret), { execute: [openid.allowInsecureRequests, openid.enableNonRepudiationChecks] });
    return new OpenidClient(config, registration, parameters);
  },
});
