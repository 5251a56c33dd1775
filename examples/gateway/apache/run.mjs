// Apache with mod_auth_openidc in front of Mintgate, an API and a site, until Ctrl-C.
import { randomBytes } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AUDIENCE, programPath, Stage } from '../common/stage.mjs';

const apache = programPath('apache2');
if (!existsSync('/usr/lib/apache2/modules/mod_auth_openidc.so')) {
  console.error('mod_auth_openidc is not installed: apt-get install libapache2-mod-auth-openidc');
  process.exit(1);
}
const stage = new Stage('apache');
const site = `https://localhost:${process.env.SITE_PORT ?? 8444}`;
const mintgate = await stage.startMintgate();
await stage.register();

// The API is a client itself, of those that may ask about tokens for it.
const { items } = await stage.admin.request('GET', '/resources');
const { resource_id: resourceId } = items.find(({ identifier }) => identifier === AUDIENCE);
const apiClient = await stage.admin.request('POST', '/clients', { client_id: 'orders-api' });
await stage.admin.request('PATCH', `/resources/${resourceId}`, { resource_servers: [apiClient.client_id] });
const siteClient = await stage.admin.request('POST', '/clients', {
  client_id: 'orders-site',
  client_name: 'Orders',
  grant_types: ['authorization_code'],
  redirect_uris: [`${site}/callback`],
  post_logout_redirect_uris: [`${site}/signed-out`],
  scope: 'openid email',
});

// Where root starts Apache, it works as another user, who does not get into our folder: but this file it has to read.
const open = mkdtempSync(join(tmpdir(), 'mintgate-apache-ca-'));
process.on('exit', () => rmSync(open, { recursive: true, force: true }));
chmodSync(open, 0o755);
copyFileSync(stage.certificate.certFile, join(open, 'ca.pem'));
chmodSync(join(open, 'ca.pem'), 0o644);

stage.run('apache', apache, ['-D', 'FOREGROUND', '-f', fileURLToPath(new URL('httpd.conf', import.meta.url))], {
  FOLDER: stage.folder,
  EXAMPLE: fileURLToPath(new URL('.', import.meta.url)).replace(/\/$/, ''),
  CA_FILE: join(open, 'ca.pem'),
  GATEWAY_PORT: String(stage.gatewayPort),
  SITE_PORT: new URL(site).port,
  MINTGATE: new URL(mintgate).host,
  API: await stage.startApi(),
  ISSUER: stage.issuer,
  AUDIENCE,
  API_CLIENT_ID: apiClient.client_id,
  API_CLIENT_SECRET: apiClient.client_secret,
  SITE_CLIENT_ID: siteClient.client_id,
  SITE_CLIENT_SECRET: siteClient.client_secret,
  SITE_PASSPHRASE: randomBytes(24).toString('base64url'),
});
await stage.ready(`The site, to sign in at: ${site}/`);
