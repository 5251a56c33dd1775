// How the API checks an access token, by RFC 9068 §4, and how it says that one is not enough, by RFC 6750 §3.
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import { readSettings } from './settings.mjs';

const { issuer, audience } = readSettings('api');

/** jose could not get the keys: that says nothing about the token. */
const KEYS_OUT_OF_REACH = ['ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID', 'ERR_JOSE_GENERIC'];

/** An answer that refuses a request. */
export class Refusal extends Error {
  constructor(status, error, description, challenge) {
    super(description);
    Object.assign(this, { status, error, challenge });
  }

  /** 401: there is no token, or none that is good here. */
  static unauthorized(description) {
    return new Refusal(401, 'invalid_token', description, `Bearer realm="${audience}", error="invalid_token", error_description="${description}"`);
  }

  /** 403: the token is good, but not for this. @param scope that would be needed, if that is what it lacks */
  static forbidden(description, scope) {
    return new Refusal(403, 'insufficient_scope', description, `Bearer realm="${audience}", error="insufficient_scope", error_description="${description}"${scope ? `, scope="${scope}"` : ''}`);
  }
}

/** The claims of the request's access token. */
export async function authenticate({ headers: { authorization = '' } }) {
  const token = /^Bearer +([\w.~+/-]+=*)$/i.exec(authorization)?.[1];
  // Whoever sent no token is told how to, and of no error.
  if (!token) throw new Refusal(401, 'unauthorized', 'An access token is needed.', `Bearer realm="${audience}"`);
  try {
    const { payload } = await jwtVerify(token, await keys(), { issuer, audience, typ: 'at+jwt', algorithms: ['ES256'], requiredClaims: ['exp', 'sub', 'client_id'] });
    return payload;
  } catch (error) {
    if (error instanceof errors.JOSEError && !KEYS_OUT_OF_REACH.includes(error.code)) throw Refusal.unauthorized('The access token is not valid.');
    console.error(error);
    throw new Refusal(503, 'temporarily_unavailable', 'Access tokens cannot be checked at the moment.');
  }
}

export function requireScope(claims, scope) {
  if (!(claims.scope ?? '').split(' ').includes(scope)) throw Refusal.forbidden(`This needs the scope ${scope}.`, scope);
}

/** Whether a client acts for itself: then `sub` is the client, and no user is ever called so (RFC 9068 §5). */
export const isClientItself = ({ sub, client_id: clientId }) => sub === clientId;

let keySet;

/** Found where the issuer says; asked again next time if it does not answer now. */
async function keys() {
  keySet ??= discover().catch((error) => {
    keySet = undefined;
    throw error;
  });
  return keySet;
}

async function discover() {
  const res = await fetch(`${issuer}/.well-known/openid-configuration`, { signal: AbortSignal.timeout(5000) });
  if (!res.ok) throw new Error(`discovery: ${res.status}`);
  const metadata = await res.json();
  if (metadata.issuer !== issuer) throw new Error(`discovery: ${metadata.issuer} is another issuer`);
  return createRemoteJWKSet(new URL(metadata.jwks_uri));
}
