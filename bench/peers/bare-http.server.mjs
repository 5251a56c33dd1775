// node:http and node:crypto, and the least that RFC 6749 and RFC 7662 allow: one client, one scope, one key, nothing stored, nothing logged,
// nothing revoked. It is there to be divided by, not to be used.
import { createHash, generateKeyPairSync, randomUUID, sign, timingSafeEqual, verify } from 'node:crypto';
import { createServer } from 'node:http';

const { HOST, PORT, CLIENT_ID, CLIENT_SECRET } = process.env;
const ISSUER = `http://${HOST}:${PORT}`;
const SCOPE = 'api';
const LIFETIME_SECONDS = 3600;

const sha256 = (text) => createHash('sha256').update(text).digest();
const base64url = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

const secretDigest = sha256(CLIENT_SECRET);
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const signingKey = { key: privateKey, dsaEncoding: 'ieee-p1363' };
const verifyingKey = { key: publicKey, dsaEncoding: 'ieee-p1363' };
const jwtHeader = base64url({ alg: 'ES256', typ: 'at+jwt', kid: '1' });

const decode = (part) => decodeURIComponent(part.replaceAll('+', ' '));

function authenticates(header) {
  if (!header?.startsWith('Basic ')) return false;
  const pair = Buffer.from(header.slice(6), 'base64').toString();
  const colon = pair.indexOf(':');
  return colon > 0 && decode(pair.slice(0, colon)) === CLIENT_ID && timingSafeEqual(sha256(decode(pair.slice(colon + 1))), secretDigest);
}

function token(form) {
  const grant = form.get('grant_type');
  if (grant === null) return [400, { error: 'invalid_request' }];
  if (grant !== 'client_credentials') return [400, { error: 'unsupported_grant_type' }];
  if ((form.get('scope') ?? SCOPE) !== SCOPE) return [400, { error: 'invalid_scope' }];
  const iat = Math.floor(Date.now() / 1000);
  const claims = { iss: ISSUER, sub: CLIENT_ID, aud: ISSUER, client_id: CLIENT_ID, scope: SCOPE, iat, exp: iat + LIFETIME_SECONDS, jti: randomUUID() };
  const input = `${jwtHeader}.${base64url(claims)}`;
  const signature = sign('sha256', Buffer.from(input), signingKey).toString('base64url');
  return [200, { access_token: `${input}.${signature}`, token_type: 'Bearer', expires_in: LIFETIME_SECONDS, scope: SCOPE }];
}

function introspect(form) {
  const value = form.get('token');
  if (value === null) return [400, { error: 'invalid_request' }];
  const [header, payload, signature] = value.split('.');
  const signed = header === jwtHeader && signature && verify('sha256', Buffer.from(`${header}.${payload}`), verifyingKey, Buffer.from(signature, 'base64url'));
  if (!signed) return [200, { active: false }];
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
  return [200, claims.exp > Date.now() / 1000 ? { active: true, token_type: 'Bearer', ...claims } : { active: false }];
}

const ENDPOINTS = { '/token': token, '/introspect': introspect };

function answer(req, body) {
  const endpoint = ENDPOINTS[req.url];
  if (!endpoint || req.method !== 'POST') return [404, { error: 'invalid_request' }];
  if (!authenticates(req.headers.authorization)) return [401, { error: 'invalid_client' }];
  return endpoint(new URLSearchParams(body));
}

createServer((req, res) => {
  const chunks = [];
  req.on('data', (chunk) => chunks.push(chunk));
  req.on('end', () => {
    const [status, json] = answer(req, Buffer.concat(chunks).toString());
    const text = JSON.stringify(json);
    if (status === 401) res.setHeader('WWW-Authenticate', 'Basic');
    res.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', 'Content-Length': Buffer.byteLength(text) });
    res.end(text);
  });
}).listen(Number(PORT), HOST);
