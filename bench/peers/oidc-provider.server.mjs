import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { mysqlAdapter } from './oidc-provider.adapter.mjs';
import { load } from './packages.mjs';

const { HOST, PORT, FORMAT, CLIENT_ID, CLIENT_SECRET, DATABASE, MINT_PATH } = process.env;
const LIFETIME_SECONDS = 3600;
const SESSION_SECONDS = 86_400;
const RESOURCE = 'urn:bench:api';
const REFRESH_SCOPE = 'offline_access api';

const { default: Provider } = await load('oidc-provider');
const alg = FORMAT === 'RS256' ? 'RS256' : 'ES256';
const { privateKey } = alg === 'RS256' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ec', { namedCurve: 'P-256' });

const provider = new Provider(`http://${HOST}:${PORT}`, {
  ...(DATABASE ? { adapter: await mysqlAdapter((await load('mysql2/promise')).default, JSON.parse(DATABASE)) } : {}),
  clients: [{
    client_id: CLIENT_ID,
    client_secret: CLIENT_SECRET,
    token_endpoint_auth_method: 'client_secret_basic',
    ...(MINT_PATH
      ? { grant_types: ['client_credentials', 'authorization_code', 'refresh_token'], response_types: ['code'], redirect_uris: ['https://client.example/callback'], scope: REFRESH_SCOPE }
      : { grant_types: ['client_credentials'], response_types: [], redirect_uris: [], scope: 'api' }),
    id_token_signed_response_alg: alg,
  }],
  scopes: ['api', 'offline_access'],
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: '1' }] },
  cookies: { keys: [randomBytes(32).toString('base64url')] },
  ttl: { ClientCredentials: LIFETIME_SECONDS, AccessToken: LIFETIME_SECONDS, RefreshToken: SESSION_SECONDS, Grant: SESSION_SECONDS },
  rotateRefreshToken: true,
  findAccount: (_ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    // An access token is a JWT when it is for a resource server that wants it so.
    resourceIndicators: {
      enabled: true,
      defaultResource: () => (FORMAT === 'opaque' ? undefined : RESOURCE),
      getResourceServerInfo: () => ({ scope: 'api', audience: RESOURCE, accessTokenTTL: LIFETIME_SECONDS, accessTokenFormat: 'jwt', jwt: { sign: { alg } } }),
    },
  },
});
provider.on('server_error', (_ctx, error) => console.error(error));

/** The first refresh token of a grant by each account. */
async function mint(accounts) {
  const client = await provider.Client.find(CLIENT_ID);
  return Promise.all(accounts.map(async (accountId) => {
    const grant = new provider.Grant({ accountId, clientId: CLIENT_ID });
    grant.addOIDCScope(REFRESH_SCOPE);
    const grantId = await grant.save();
    return new provider.RefreshToken({ accountId, client, grantId, gty: 'authorization_code', scope: REFRESH_SCOPE }).save();
  }));
}

const answer = provider.callback();

createServer((req, res) => {
  if (req.url !== MINT_PATH) return void answer(req, res);
  json(req).then(mint).then((tokens) => res.end(JSON.stringify(tokens)), (error) => {
    console.error(error);
    res.writeHead(500).end();
  });
}).listen(Number(PORT), HOST);
