import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { OAuthDriver } from '../../support/oauth-driver.js';
import { type LibraryUnderTest, type OAuthLibrary, type Reply, SCOPE, type Visit } from './oauth-library.js';

/** A web application that does nothing but sign its one user in and out, with a library of others. Pages are JSON. */
export class RelyingParty {
  private library: OAuthLibrary;

  private constructor(
    readonly url: string,
    private readonly server: Server,
  ) {}

  static async start(library: LibraryUnderTest, driver: OAuthDriver, issuer: string): Promise<RelyingParty> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const [redirectUri, postLogoutRedirectUri] = [`${url}/callback`, `${url}/signed-out`];
    const { clientId, clientSecret } = await driver.registerClient({
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: [redirectUri],
      post_logout_redirect_uris: [postLogoutRedirectUri],
      scope: SCOPE.join(' '),
      ...library.metadata,
    });
    const party = new RelyingParty(url, server);
    party.library = await library.connect({ issuer, clientId, clientSecret, redirectUri, postLogoutRedirectUri });
    server.on('request', (req, res) => {
      const chunks: Buffer[] = [];
      req.on('data', (chunk: Buffer) => chunks.push(chunk));
      req.on('end', () => void party.answer({ req, res, url: new URL(req.url ?? '/', url), form: Buffer.concat(chunks).toString() }));
    });
    return party;
  }

  async stop(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }

  private async answer(visit: Visit): Promise<void> {
    const { res } = visit;
    try {
      const reply = await this.route(visit);
      if (reply === undefined) return;
      if ('location' in reply) res.writeHead(303, { location: String(reply.location) }).end();
      else res.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end(JSON.stringify(reply.shown));
    } catch (error) {
      const { message, error: code } = error as Error & { error?: string };
      res.writeHead(500, { 'content-type': 'text/plain; charset=utf-8' }).end(JSON.stringify({ failed: code ?? message }));
    }
  }

  private async route(visit: Visit): Promise<Reply> {
    switch (visit.url.pathname) {
      case '/sign-in':
        return this.library.signIn(visit);
      case '/callback':
        return this.library.callback(visit);
      case '/userinfo':
        return this.library.userinfo();
      case '/refresh':
        return this.library.refresh();
      case '/sign-out':
        return this.library.signOut();
      default:
        return { shown: { path: visit.url.pathname } };
    }
  }
}
