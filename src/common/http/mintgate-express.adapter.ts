import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { ExpressAdapter } from '@nestjs/platform-express';
import express, { type Express } from 'express';
import { nativePrototypes } from './native-prototypes.js';
import type { ServerDrain } from './server-drain.js';

export interface AdapterOptions {
  /** PEM texts; without them the server speaks http. */
  tls?: { cert: string; key: string };
  /** As proxy-addr understands it: the addresses of proxies whose forwarded headers count. */
  trustProxy: readonly string[];
  /** The path of the issuer, `''` for none: requests are served with it in front and without, for gateways that pass it on and those that cut it off. */
  issuerPath: string;
  drain: ServerDrain;
  /** Called for every answered request when present. */
  onFinish?: (req: IncomingMessage, res: ServerResponse, milliseconds: number) => void;
}

/** A request must be complete in this time, its head sooner: slow senders are cut (Node's defaults are 300 s and 60 s). */
const LIMITS: ServerOptions = { requestTimeout: 15_000, headersTimeout: 10_000, keepAliveTimeout: 65_000, maxHeaderSize: 16 * 1024, connectionsCheckingInterval: 2_000 };

/** Nest on Express 5, on an http server of our own making: see {@link nativePrototypes} and {@link ServerDrain}. */
export class MintgateExpressAdapter extends ExpressAdapter {
  constructor(private readonly settings: AdapterOptions) {
    const app = express();
    app.disable('x-powered-by');
    app.disable('etag');
    app.enable('case sensitive routing');
    app.enable('strict routing');
    app.set('query parser', 'simple');
    app.set('trust proxy', settings.trustProxy.length > 0 ? [...settings.trustProxy] : false);
    super(app);
  }

  override initHttpServer(): void {
    const app = this.getInstance<Express>();
    const options = { ...LIMITS, ...nativePrototypes(app) };
    const listener = this.listener(app);
    const server: Server = this.settings.tls ? createTlsServer({ ...options, ...this.settings.tls, minVersion: 'TLSv1.2' }, listener) : createServer(options, listener);
    this.httpServer = server;
  }

  private listener(app: Express): RequestListener {
    const { drain, issuerPath, onFinish } = this.settings;
    return (req, res) => {
      if (hasTwoHosts(req.rawHeaders)) {
        // RFC 9112 §3.2: which of the two a proxy before us looked at cannot be known.
        res.writeHead(400, { Connection: 'close', 'Content-Length': 0 }).end();
        return;
      }
      if (issuerPath !== '' && req.url!.startsWith(`${issuerPath}/`)) req.url = req.url!.slice(issuerPath.length);
      if (drain.started) res.setHeader('Connection', 'close');
      if (onFinish) {
        const began = performance.now();
        res.on('finish', () => onFinish(req, res, performance.now() - began));
      }
      app(req as never, res as never);
    };
  }
}

function hasTwoHosts(rawHeaders: readonly string[]): boolean {
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i];
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++;
  }
  return hosts > 1;
}
