import passport from 'passport';
import OpenIDConnectStrategy from 'passport-openidconnect';
import { type LibraryUnderTest, type OAuthLibrary, type Registration, type Reply, SCOPE, type ShownTokens, type Visit } from './oauth-library.js';

interface SignedIn {
  readonly claims: object;
  readonly idToken: string;
  readonly tokens: ShownTokens;
}

/** node-oauth hands on the body of an answer that is an error. */
const failure = (error: Error | { data?: string }): Error => (error instanceof Error ? error : new Error(error.data));

/** As packages for refreshing do it: what the strategy holds for its subclasses is all that there is. */
class RefreshingStrategy extends OpenIDConnectStrategy {
  refresh(refreshToken: string): Promise<ShownTokens> {
    return new Promise((resolve, reject) => {
      this._oauth2.getOAuthAccessToken(refreshToken, { grant_type: 'refresh_token' }, (error, accessToken, next) => {
        if (error) reject(failure(error));
        else resolve({ accessToken: accessToken!, refreshToken: next! });
      });
    });
  }

  userinfo(url: string, accessToken: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this._oauth2.get(url, accessToken, (error, body) => {
        if (error) reject(failure(error));
        else resolve(JSON.parse(String(body)));
      });
    });
  }
}

/** passport-openidconnect: sends no PKCE, and its secret in the body. It knows neither discovery nor sign-out: people write these themselves. */
class PassportOpenidconnect implements OAuthLibrary {
  private readonly authenticator = new passport.Passport();
  private readonly strategy: RefreshingStrategy;
  /** Stands in for the session of a framework. */
  private readonly session = {};
  private user: SignedIn;

  constructor(
    private readonly metadata: Record<string, string>,
    private readonly registration: Registration,
  ) {
    const options = {
      issuer: metadata['issuer'],
      authorizationURL: metadata['authorization_endpoint'],
      tokenURL: metadata['token_endpoint'],
      userInfoURL: metadata['userinfo_endpoint'],
      clientID: registration.clientId,
      clientSecret: registration.clientSecret,
      callbackURL: registration.redirectUri,
      scope: SCOPE.filter((scope) => scope !== 'openid'),
      nonce: 'random',
      skipUserProfile: false,
    };
    this.strategy = new RefreshingStrategy(options, (_issuer: string, profile: object, _context: object, idToken: string | object, accessToken: string | object, refreshToken: string, _params: unknown, done: OpenIDConnectStrategy.VerifyCallback) => {
      const user: SignedIn = { claims: profile, idToken: idToken as string, tokens: { accessToken: accessToken as string, refreshToken } };
      done(null, user);
    });
    this.authenticator.use(this.strategy);
  }

  signIn(visit: Visit): Promise<Reply> {
    return this.authenticate(visit);
  }

  callback(visit: Visit): Promise<Reply> {
    return this.authenticate(visit);
  }

  async userinfo(): Promise<Reply> {
    return { shown: await this.strategy.userinfo(this.metadata['userinfo_endpoint'], this.user.tokens.accessToken) };
  }

  async refresh(): Promise<Reply> {
    const tokens = await this.strategy.refresh(this.user.tokens.refreshToken);
    this.user = { ...this.user, tokens };
    return { shown: tokens };
  }

  async signOut(): Promise<Reply> {
    const location = new URL(this.metadata['end_session_endpoint']);
    location.search = new URLSearchParams({ id_token_hint: this.user.idToken, post_logout_redirect_uri: this.registration.postLogoutRedirectUri, state: 'bye' }).toString();
    return { location };
  }

  /** The strategy redirects by itself when there is no answer in the request yet. */
  private authenticate({ req, res, url }: Visit): Promise<Reply> {
    return new Promise((resolve, reject) => {
      res.once('finish', () => resolve(undefined));
      const middleware = this.authenticator.authenticate('openidconnect', { session: false }, (error: Error | null, user: SignedIn | false, info: { message?: string } | undefined) => {
        if (error || !user) return reject(error ?? new Error(info?.message));
        this.user = user;
        resolve({ shown: { ...user.claims, sub: (user.claims as { id: string }).id } });
      }) as (req: unknown, res: unknown, next: (error: Error) => void) => void;
      middleware(Object.assign(req, { query: Object.fromEntries(url.searchParams), session: this.session }), res, reject);
    });
  }
}

export const passportOpenidconnect: LibraryUnderTest = {
  name: 'passport-openidconnect',
  metadata: { token_endpoint_auth_method: 'client_secret_post', require_pkce: false },
  async connect(registration) {
    const metadata = (await (await fetch(`${registration.issuer}/.well-known/openid-configuration`)).json()) as Record<string, string>;
    return new PassportOpenidconnect(metadata, registration);
  },
};
