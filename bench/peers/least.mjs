// The least that RFC 6749, RFC 7662 and RFC 6750 allow: one client, one scope, one key, nothing written, nothing logged, nothing revoked. The yardsticks share it,
// and differ in what carries it.
import { createHash, generateKeyPairSync, randomBytes, randomUUID, sign, timingSafeEqual, verify } from 'node:crypto';

const { HOST, PORT, CLIENT_ID, CLIENT_SECRET, FORMAT } = process.env;
const ISSUER = `http://${HOST}:${PORT}`;
const SCOPE = 'api';
const LIFETIME_SECONDS = 3600;

const sha256 = (text) => createHash('sha256').update(text).digest();
const base64url = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const nowSeconds = () => Math.floor(Date.now() / 1000);

const secretDigest = sha256(CLIENT_SECRET);
const { privateKey, publicKey } = FORMAT === 'RS256' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ec', { namedCurve: 'P-256' });
const signingKey = { key: privateKey, dsaEncoding: 'ieee-p1363' };
const verifyingKey = { key: publicKey, dsaEncoding: 'ieee-p1363' };
const jwtHeader = base64url({ alg: FORMAT, typ: 'at+jwt', kid: '1' });

/** Claims of opaque tokens by the digest of the token. */
const opaqueTokens = new Map();

const decode = (part) => decodeURIComponent(part.replaceAll('+', ' '));

const isSecret = (secret) => timingSafeEqual(sha256(secret), secretDigest);

/** Whether an Authorization header proves to be the client (RFC 6749 §2.3.1). */
export function authenticates(header) {
  if (!header?.startsWith('Basic ')) return false;
  const pair = Buffer.from(header.slice(6), 'base64').toString();
  const colon = pair.indexOf(':');
  return colon > 0 && decode(pair.slice(0, colon)) === CLIENT_ID && isSecret(decode(pair.slice(colon + 1)));
}

function signed(claims) {
  const input = `${jwtHeader}.${base64url(claims)}`;
  return `${input}.${sign('sha256', Buffer.from(input), signingKey).toString('base64url')}`;
}

function stored(claims) {
  const token = randomBytes(32).toString('base64url');
  opaqueTokens.set(sha256(token).toString('base64url'), claims);
  return token;
}

/** @returns status and JSON of an answer to a token request (RFC 6749 §5) whose client has been authenticated */
export function issue(grantType, scope) {
  if (!grantType) return [400, { error: 'invalid_request' }];
  if (grantType !== 'client_credentials') return [400, { error: 'unsupported_grant_type' }];
  if ((scope ?? SCOPE) !== SCOPE) return [400, { error: 'invalid_scope' }];
  const iat = nowSeconds();
  const claims = { iss: ISSUER, sub: CLIENT_ID, aud: ISSUER, client_id: CLIENT_ID, scope: SCOPE, iat, exp: iat + LIFETIME_SECONDS, jti: randomUUID() };
  return [200, { access_token: FORMAT === 'opaque' ? stored(claims) : signed(claims), token_type: 'Bearer', expires_in: LIFETIME_SECONDS, scope: SCOPE }];
}

/** The claims of a live access token. Each signature is verified anew. */
export function claimsOf(token) {
  if (FORMAT === 'opaque') return opaqueTokens.get(sha256(token).toString('base64url'));
  const [header, payload, signature] = token.split('.');
  const genuine = header === jwtHeader && signature && verify('sha256', Buffer.from(`${header}.${payload}`), verifyingKey, Buffer.from(signature, 'base64url'));
  if (!genuine) return undefined;
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
  return claims.exp > Date.now() / 1000 ? claims : undefined;
}

/** @returns status and JSON of an answer to an introspection request (RFC 7662 §2.2) whose client has been authenticated */
export function introspect(token) {
  if (!token) return [400, { error: 'invalid_request' }];
  const claims = claimsOf(token);
  return [200, claims ? { active: true, token_type: 'Bearer', ...claims } : { active: false }];
}
