import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An authorization response, as a client sees it arrive. */
export interface Arrival {
  method: string;
  headers: IncomingHttpHeaders;
  params: Record<string, string>;
}

/**
 * A client on another origin that keeps what arrives at its callback, and sends the browser on to another host of its own, as many do. Any other path is a page that says where it is; with `form` in the
 * query, one with a form to that address, which holds the rest of the query.
 */
export class ClientSite {
  readonly arrivals: Arrival[] = [];

  private constructor(
    private readonly server: Server,
    private readonly port: number,
  ) {}

  static async start(): Promise<ClientSite> {
    const server = createServer().listen(0);
    await once(server, 'listening');
    const site = new ClientSite(server, (server.address() as AddressInfo).port);
    server.on('request', (req, res) => {
      const chunks: Buffer[] = [];
      const url = new URL(req.url ?? '/', site.home);
      req.on('data', (chunk: Buffer) => chunks.push(chunk));
      req.on('end', () => {
        if (!['/callback', '/signed-out'].includes(url.pathname)) return void res.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(pageAt(url));
        const params = new URLSearchParams(req.method === 'POST' ? Buffer.concat(chunks).toString() : url.search);
        site.arrivals.push({ method: req.method ?? '', headers: req.headers, params: Object.fromEntries(params) });
        res.writeHead(303, { location: `${site.home}/after${url.pathname}` }).end();
      });
    });
    return site;
  }

  get callback(): string {
    return `http://127.0.0.1:${this.port}/callback`;
  }

  get signedOut(): string {
    return `http://127.0.0.1:${this.port}/signed-out`;
  }

  /** To the browser it is another site than the server and the callback are. */
  get home(): string {
    return `http://localhost:${this.port}`;
  }

  async stop(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }
}

function pageAt({ pathname, searchParams }: URL): string {
  const { form, ...fields } = Object.fromEntries(searchParams);
  const quoted = (text: string) => `"${text.replaceAll('&', '&amp;').replaceAll('"', '&quot;')}"`;
  const inputs = Object.entries(fields).map(([name, value]) => `<input type="hidden" name=${quoted(name)} value=${quoted(value)}>`);
  return `<!doctype html><link rel="icon" href="data:,"><h1>${pathname}</h1>${form === undefined ? '' : `<form method="post" action=${quoted(form)}>${inputs.join('')}<button>Send</button></form>`}`;
}
