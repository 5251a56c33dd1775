// @node-oauth/oauth2-server on Express, with a model in memory as its documentation outlines it.
import { randomUUID } from 'node:crypto';
import { GRANT_TYPES, isClient, LIFETIME_SECONDS, REFRESH_LIFETIME_SECONDS, signIn, signJwt } from './library.mjs';
import { load } from './packages.mjs';

const { HOST, PORT, FORMAT } = process.env;
const ISSUER = `http://${HOST}:${PORT}`;
const { default: express } = await load('express');
const { default: OAuth2Server } = await load('@node-oauth/oauth2-server');

const accessTokens = new Map();
const refreshTokens = new Map();

function jwt(client, user, scope) {
  const iat = Math.floor(Date.now() / 1000);
  return signJwt({ iss: ISSUER, sub: user.id, aud: ISSUER, client_id: client.id, scope: scope.join(' '), iat, exp: iat + LIFETIME_SECONDS, jti: randomUUID() });
}

const oauth = new OAuth2Server({
  accessTokenLifetime: LIFETIME_SECONDS,
  refreshTokenLifetime: REFRESH_LIFETIME_SECONDS,
  model: {
    getClient: async (id, secret) => isClient(id, secret) && { id, grants: GRANT_TYPES },
    getUserFromClient: async (client) => ({ id: client.id }),
    getUser: async (username, password) => signIn(username, password),
    validateScope: async (user, client, scope) => (scope ?? ['api']).every((each) => each === 'api') && (scope ?? ['api']),
    ...(FORMAT === 'opaque' ? {} : { generateAccessToken: async (client, user, scope) => jwt(client, user, scope) }),
    async saveToken(token, client, user) {
      const saved = { ...token, client, user };
      accessTokens.set(saved.accessToken, saved);
      if (saved.refreshToken) refreshTokens.set(saved.refreshToken, saved);
      return saved;
    },
    getAccessToken: async (token) => accessTokens.get(token),
    getRefreshToken: async (token) => refreshTokens.get(token),
    revokeToken: async ({ refreshToken }) => refreshTokens.delete(refreshToken),
  },
});

const app = express();
app.use(express.urlencoded({ extended: false }));

app.post('/token', async (req, res) => {
  const response = new OAuth2Server.Response(res);
  try {
    await oauth.token(new OAuth2Server.Request(req), response);
    res.set(response.headers).status(response.status).json(response.body);
  } catch (error) {
    res.status(error.code ?? 500).json({ error: error.name });
  }
});

/** It has no introspection endpoint: one is made of what it has for resource servers. */
app.post('/introspect', async (req, res) => {
  const [id, secret] = Buffer.from((req.headers.authorization ?? '').slice('Basic '.length), 'base64').toString().split(':', 2);
  if (!isClient(id, secret)) return void res.status(401).json({ error: 'invalid_client' });
  const request = new OAuth2Server.Request({ method: 'GET', query: {}, headers: { authorization: `Bearer ${req.body.token}` } });
  try {
    const token = await oauth.authenticate(request, new OAuth2Server.Response());
    res.json({ active: true, token_type: 'Bearer', client_id: token.client.id, sub: token.user.id, scope: token.scope.join(' '), exp: Math.floor(token.accessTokenExpiresAt / 1000) });
  } catch {
    res.json({ active: false });
  }
});

app.listen(Number(PORT), HOST);
