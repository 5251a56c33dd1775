import * as oauth from 'oauth4webapi';
import { type LibraryUnderTest, type OAuthLibrary, type Registration, type Reply, SCOPE, type Visit } from './oauth-library.js';

/** This library speaks https only, unless told that this is a loopback address. */
const INSECURE = { [oauth.allowInsecureRequests]: true } as const;

/** oauth4webapi as a public client, which has nothing but PKCE. */
class Oauth4webapi implements OAuthLibrary {
  private readonly client: oauth.Client;
  private readonly authentication = oauth.None();
  private readonly verifier = oauth.generateRandomCodeVerifier();
  private readonly state = oauth.generateRandomState();
  private readonly nonce = oauth.generateRandomNonce();
  private tokens: oauth.TokenEndpointResponse;
  private subject: string;

  constructor(
    private readonly as: oauth.AuthorizationServer,
    private readonly registration: Registration,
  ) {
    this.client = { client_id: registration.clientId };
  }

  async signIn(): Promise<Reply> {
    const location = new URL(this.as.authorization_endpoint!);
    location.search = new URLSearchParams({
      client_id: this.client.client_id,
      redirect_uri: this.registration.redirectUri,
      response_type: 'code',
      scope: SCOPE.join(' '),
      code_challenge: await oauth.calculatePKCECodeChallenge(this.verifier),
      code_challenge_method: 'S256',
      state: this.state,
      nonce: this.nonce,
    }).toString();
    return { location };
  }

  async callback({ url }: Visit): Promise<Reply> {
    const parameters = oauth.validateAuthResponse(this.as, this.client, url, this.state);
    const answer = await oauth.authorizationCodeGrantRequest(this.as, this.client, this.authentication, parameters, this.registration.redirectUri, this.verifier, INSECURE);
    this.tokens = await oauth.processAuthorizationCodeResponse(this.as, this.client, answer, { expectedNonce: this.nonce, requireIdToken: true });
    await oauth.validateApplicationLevelSignature(this.as, answer, INSECURE);
    const claims = oauth.getValidatedIdTokenClaims(this.tokens)!;
    this.subject = claims.sub;
    return { shown: claims };
  }

  async userinfo(): Promise<Reply> {
    const answer = await oauth.userInfoRequest(this.as, this.client, this.tokens.access_token, INSECURE);
    return { shown: await oauth.processUserInfoResponse(this.as, this.client, this.subject, answer) };
  }

  async refresh(): Promise<Reply> {
    const answer = await oauth.refreshTokenGrantRequest(this.as, this.client, this.authentication, this.tokens.refresh_token!, INSECURE);
    this.tokens = await oauth.processRefreshTokenResponse(this.as, this.client, answer);
    return { shown: { accessToken: this.tokens.access_token, refreshToken: this.tokens.refresh_token } };
  }

  async signOut(): Promise<Reply> {
    await oauth.processRevocationResponse(await oauth.revocationRequest(this.as, this.client, this.authentication, this.tokens.refresh_token!, INSECURE));
    const location = new URL(this.as.end_session_endpoint!);
    location.search = new URLSearchParams({ id_token_hint: this.tokens.id_token!, post_logout_redirect_uri: this.registration.postLogoutRedirectUri, state: 'bye' }).toString();
    return { location };
  }
}

export const oauth4webapi: LibraryUnderTest = {
  name: 'oauth4webapi',
  metadata: { token_endpoint_auth_method: 'none' },
  async connect(registration) {
    const issuer = new URL(registration.issuer);
    return new Oauth4webapi(await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, INSECURE)), registration);
  },
};
