// The two kinds of token that the website holds: its own, and one for each member who has signed in.
import * as oidc from 'openid-client';
import { readSettings } from './settings.mjs';

const { issuer, url, client_id: clientId, client_secret: clientSecret } = readSettings('website');
const SIGN_IN_SCOPE = 'openid offline_access directory:read directory:write';
/** A token is replaced so long before its end, since it takes a while until the API looks at it. */
const MARGIN_MS = 10_000;

/** The member has to sign in, or to do so once more. */
export class SignInNeeded extends Error {}

let discovered;

/** Endpoints, and what the server can do; asked again next time if it does not answer now. */
function server() {
  const options = { execute: issuer.startsWith('http:') ? [oidc.allowInsecureRequests] : [] };
  discovered ??= oidc.discovery(new URL(issuer), clientId, undefined, oidc.ClientSecretBasic(clientSecret), options).catch((error) => {
    discovered = undefined;
    throw error;
  });
  return discovered;
}

let own;

/** The website's own token, by the client credentials grant (RFC 6749 §4.4). It asks for no more than reading needs. */
export async function websiteToken() {
  if (!own || own.expiresAt <= Date.now()) own = kept(await oidc.clientCredentialsGrant(await server(), { scope: 'directory:read' }));
  return own.accessToken;
}

/** Where a member signs in, and what has to be remembered until she comes back. */
export async function beginSignIn() {
  const pending = { state: oidc.randomState(), nonce: oidc.randomNonce(), codeVerifier: oidc.randomPKCECodeVerifier() };
  const location = oidc.buildAuthorizationUrl(await server(), {
    redirect_uri: `${url}/callback`,
    scope: SIGN_IN_SCOPE,
    state: pending.state,
    nonce: pending.nonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(pending.codeVerifier),
    code_challenge_method: 'S256',
  });
  return { location, pending };
}

/** Changes the code for the member's tokens (RFC 6749 §4.1.3), once state, nonce and issuer are what they have to be. */
export async function finishSignIn(callbackUrl, { state, nonce, codeVerifier }) {
  const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: codeVerifier, idTokenExpected: true };
  const answer = await oidc.authorizationCodeGrant(await server(), callbackUrl, checks);
  return { sub: answer.claims().sub, idToken: answer.id_token, tokens: kept(answer) };
}

/** Her token, a fresh one if need be (RFC 6749 §6). */
export async function memberToken(session) {
  if (session.tokens.expiresAt <= Date.now()) {
    // Two requests at once share one refresh.
    session.refreshing ??= refresh(session).finally(() => delete session.refreshing);
    await session.refreshing;
  }
  return session.tokens.accessToken;
}

async function refresh(session) {
  const { refreshToken } = session.tokens;
  if (!refreshToken) throw new SignInNeeded();
  try {
    session.tokens = { refreshToken, ...kept(await oidc.refreshTokenGrant(await server(), refreshToken)) };
  } catch (error) {
    if (error.error === 'invalid_grant') throw new SignInNeeded();
    throw error;
  }
}

/** Gives her tokens up, and answers where her browser signs out of the whole house (OpenID Connect RP-Initiated Logout), if anywhere. */
export async function signOut({ idToken, tokens }) {
  const config = await server();
  if (tokens.refreshToken) await oidc.tokenRevocation(config, tokens.refreshToken);
  if (!config.serverMetadata().end_session_endpoint) return undefined;
  return oidc.buildEndSessionUrl(config, { id_token_hint: idToken, post_logout_redirect_uri: `${url}/` });
}

const kept = (answer) => ({
  accessToken: answer.access_token,
  expiresAt: Date.now() + answer.expires_in * 1000 - MARGIN_MS,
  ...(answer.refresh_token ? { refreshToken: answer.refresh_token } : {}),
});
