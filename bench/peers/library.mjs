// What the servers that are built on a library have in common: the one client, the users, the key, and JWTs by jsonwebtoken, which is what people use.
import { createHash, generateKeyPairSync, timingSafeEqual } from 'node:crypto';
import { load } from './packages.mjs';

const { CLIENT_ID, CLIENT_SECRET, FORMAT, USERS } = process.env;

export const LIFETIME_SECONDS = 3600;
export const REFRESH_LIFETIME_SECONDS = 86_400;
export const GRANT_TYPES = ['client_credentials', 'password', 'refresh_token'];

const sha256 = (text) => createHash('sha256').update(text).digest();
const secretDigest = sha256(CLIENT_SECRET);

export const isClient = (id, secret) => id === CLIENT_ID && typeof secret === 'string' && timingSafeEqual(sha256(secret), secretDigest);

/** Their passwords are made by the harness and long: they need no slow hash. */
const users = new Map(JSON.parse(USERS).map(({ username, password }) => [username, sha256(password)]));

export function signIn(username, password) {
  const digest = users.get(username);
  return digest && timingSafeEqual(sha256(password), digest) ? { id: username } : undefined;
}

const { default: jsonwebtoken } = await load('jsonwebtoken');
const { privateKey, publicKey } = FORMAT === 'RS256' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ec', { namedCurve: 'P-256' });

export const signJwt = (claims) => jsonwebtoken.sign(claims, privateKey, { algorithm: FORMAT });
export const verifyJwt = (token, options) => jsonwebtoken.verify(token, publicKey, { ...options, algorithms: [FORMAT] });
