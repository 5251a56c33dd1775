import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { mysqlAdapter } from './oidc-provider.adapter.mjs';

const { HOST, PORT, PACKAGES, FORMAT, CLIENT_ID, CLIENT_SECRET, DATABASE, MINT_PATH } = process.env;
const LIFETIME_SECONDS = 3600;
const SESSION_SECONDS = 86_400;
const RESOURCE = 'urn:bench:api';
const REFRESH_SCOPE = 'offline_access api';

const packages = createRequire(join(PACKAGES, 'package.json'));
const load = async (name) => (await import(pathToFileURL(packages.resolve(name)).href)).default;

const Provider = await load('oidc-provider');
const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });

const provider = new Provider(`http://${HOST}:${PORT}`, {
  ...(DATABASE ? { adapter: await mysqlAdapter(await load('mysql2/promise'), JSON.parse(DATABASE)) } : {}),
  clients: [{
    client_id: CLIENT_ID,
    client_secret: CLIENT_SECRET,
    token_endpoint_auth_method: 'client_secret_basic',
    ...(MINT_PATH
      ? { grant_types: ['client_credentials', 'authorization_code', 'refresh_token'], response_types: ['code'], redirect_uris: ['https://client.example/callback'], scope: REFRESH_SCOPE }
      : { grant_types: ['client_credentials'], response_types: [], redirect_uris: [], scope: 'api' }),
    id_token_signed_response_alg: 'ES256',
  }],
  scopes: ['api', 'offline_access'],
  jwks: { keys: [{ ...jwk, alg: 'ES256', use: 'sig', kid: '1' }] },
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
      defaultResource: () => (FORMAT === 'jwt' ? RESOURCE : undefined),
      getResourceServerInfo: () => ({ scope: 'api', audience: RESOURCE, accessTokenTTL: LIFETIME_SECONDS, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } }),
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
