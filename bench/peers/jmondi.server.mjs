// @jmondi/oauth2-server on Express, with repositories in memory.
import { randomBytes } from 'node:crypto';
import { GRANT_TYPES, isClient, LIFETIME_SECONDS, REFRESH_LIFETIME_SECONDS, signIn, signJwt, verifyJwt } from './library.mjs';
import { load } from './packages.mjs';

const { HOST, PORT, CLIENT_ID } = process.env;
const { default: express } = await load('express');
const { AuthorizationServer, DateInterval, JwtService } = await load('@jmondi/oauth2-server');
const { handleExpressError, handleExpressResponse, requestFromExpress } = await load('@jmondi/oauth2-server/express');

const client = { id: CLIENT_ID, name: 'Load', secret: 'kept elsewhere', redirectUris: [], allowedGrants: GRANT_TYPES, scopes: [{ name: 'api' }] };
const accessTokens = new Map();
const refreshTokens = new Map();

const identifier = () => randomBytes(32).toString('base64url');
const inSeconds = (seconds) => new Date(Date.now() + seconds * 1000);

const clients = {
  getByIdentifier: async (id) => (id === CLIENT_ID ? client : undefined),
  isClientValid: async (grantType, { id }, secret) => isClient(id, secret),
};

const scopes = {
  getAllByIdentifiers: async (names) => client.scopes.filter(({ name }) => names.includes(name)),
  finalize: async (wanted) => wanted,
};

const tokens = {
  issueToken: async (owner, granted, user) => ({ accessToken: identifier(), accessTokenExpiresAt: inSeconds(LIFETIME_SECONDS), client: owner, scopes: granted, user }),
  async issueRefreshToken(token) {
    Object.assign(token, { refreshToken: identifier(), refreshTokenExpiresAt: inSeconds(REFRESH_LIFETIME_SECONDS) });
    refreshTokens.set(token.refreshToken, token);
    return token;
  },
  persist: async (token) => accessTokens.set(token.accessToken, token),
  async revoke(token) {
    accessTokens.delete(token.accessToken);
    refreshTokens.delete(token.refreshToken);
  },
  isRefreshTokenRevoked: async ({ refreshToken, refreshTokenExpiresAt }) => !refreshTokens.has(refreshToken) || refreshTokenExpiresAt < Date.now(),
  async getByRefreshToken(token) {
    const found = refreshTokens.get(token);
    if (!found) throw new Error('no such refresh token');
    return found;
  },
  getByAccessToken: async (token) => accessTokens.get(token),
};

/** Asked without a password when a refresh token is used. */
const users = { getUserByCredentials: async (id, password) => (password === undefined ? { id } : signIn(id, password)) };

class AsymmetricJwtService extends JwtService {
  sign = async (claims) => signJwt(claims);

  verify = async (token, options) => verifyJwt(token, options);
}

const server = new AuthorizationServer(clients, tokens, scopes, new AsymmetricJwtService('its own methods that use this are replaced'), { issuer: `http://${HOST}:${PORT}` });
const lifetime = new DateInterval(`${LIFETIME_SECONDS}s`);
server.enableGrantTypes(['client_credentials', lifetime], ['refresh_token', lifetime], [{ grant: 'password', userRepository: users }, lifetime]);

const app = express();
app.use(express.urlencoded({ extended: false }));

const endpoint = (respond) => async (req, res) => {
  try {
    handleExpressResponse(res, await respond(requestFromExpress(req)));
  } catch (error) {
    handleExpressError(error, res);
  }
};
app.post('/token', endpoint((request) => server.respondToAccessTokenRequest(request)));
app.post('/introspect', endpoint((request) => server.introspect(request)));

app.listen(Number(PORT), HOST);
