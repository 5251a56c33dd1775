import type { Browser } from 'playwright-core';
import { authorizationUrl, type ParameterChanges } from '../../support/authorization-url.js';
import type { RegisteredUser } from '../../support/oauth-driver.js';
import type { TestServer } from '../../support/test-server.js';
import type { ClientSite } from './client-site.js';

/** Nothing listens there: it is for pages that are looked at, and not left for the client. */
export const WEB_CALLBACK = 'https://reports.acme.example/callback';
const APP_CALLBACK = 'com.acme.reports:/callback';
/** Nothing in these can be broken at a space. */
export const UNWIELDY = { name: 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft', id: 'x'.repeat(100), callback: `https://${'sub.'.repeat(30)}example/`, scope: `openid ${'y'.repeat(100)}` };
const RESOURCE = {
  identifier: 'https://ledger.acme.example',
  scopes: [{ name: 'invoices:read', description: 'Read your invoices' }, { name: 'invoices:write', description: 'Write invoices in your name, and send them' }],
};

/** What the visits need: a server with clients, and a user of theirs. */
export interface Town {
  server: TestServer;
  chromium: Browser;
  /** Of the web client. */
  site: ClientSite;
  web: { clientId: string };
  app: { clientId: string };
  unwieldy: { clientId: string };
  user: RegisteredUser;
}

export async function settle(server: TestServer, chromium: Browser, site: ClientSite): Promise<Town> {
  const { driver } = server;
  await driver.registerResource(RESOURCE);
  const shared = { grant_types: ['authorization_code', 'refresh_token'], scope: 'openid profile email offline_access invoices:read invoices:write reports', default_scope: 'reports' };
  const web = await driver.registerClient({ ...shared, client_id: 'acme-reports', client_name: 'Acme Reports', redirect_uris: [WEB_CALLBACK, site.callback] });
  const app = await driver.registerClient({ ...shared, client_name: 'Acme Reports for the desktop', token_endpoint_auth_method: 'none', redirect_uris: [APP_CALLBACK] });
  const unwieldy = await driver.registerClient({ grant_types: ['authorization_code'], client_id: UNWIELDY.id, client_name: UNWIELDY.name, redirect_uris: [UNWIELDY.callback], scope: UNWIELDY.scope });
  const user = await driver.registerUser({ username: 'margaret', name: 'Margaret Hamilton' });
  return { server, chromium, site, web, app, unwieldy, user };
}

/** @param changes `redirect_uri`: the site's, if the answer is to arrive somewhere */
export const webRequest = ({ web }: Town, changes: ParameterChanges = {}): string =>
  authorizationUrl(web, { redirect_uri: WEB_CALLBACK, scope: 'openid profile offline_access invoices:read invoices:write reports', resource: RESOURCE.identifier, ...changes });
export const appRequest = ({ app }: Town): string => authorizationUrl(app, { redirect_uri: APP_CALLBACK, scope: 'openid email' });
