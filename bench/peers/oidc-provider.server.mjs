import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const { HOST, PORT, PACKAGES, FORMAT, CLIENT_ID, CLIENT_SECRET } = process.env;
const LIFETIME_SECONDS = 3600;
const RESOURCE = 'urn:bench:api';

const entry = createRequire(join(PACKAGES, 'package.json')).resolve('oidc-provider');
const { default: Provider } = await import(pathToFileURL(entry).href);

const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });

const provider = new Provider(`http://${HOST}:${PORT}`, {
  clients: [{
    client_id: CLIENT_ID,
    client_secret: CLIENT_SECRET,
    token_endpoint_auth_method: 'client_secret_basic',
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
    scope: 'api',
    id_token_signed_response_alg: 'ES256',
  }],
  scopes: ['api'],
  jwks: { keys: [{ ...jwk, alg: 'ES256', use: 'sig', kid: '1' }] },
  cookies: { keys: [randomBytes(32).toString('base64url')] },
  ttl: { ClientCredentials: LIFETIME_SECONDS },
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
provider.listen(Number(PORT), HOST);
