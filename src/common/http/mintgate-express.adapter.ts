import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { ExpressAdapter } from '@nestjs/platform-express';
import express, { type Express } from 'express';
import type { HttpMetrics } from './http-metrics.js';
import { nativePrototypes } from './native-prototypes.js';
import { isRepeated } from './repeated-header.js';
import { isManagementPath, originForm } from './request-target.js';
import type { ServerDrain } from './server-drain.js';

export interface AdapterOptions {
  /** PEM texts; without them the server speaks http. */
  tls?: { cert: string; key: string };
  /** As proxy-addr understands it: the addresses of proxies whose forwarded headers count. */
  trustProxy: readonly string[];
  /** The path of the issuer, `''` for none: requests are served with it in front and without, for gateways that pass it on and those that cut it off. */
  issuerPath: string;
  drain: ServerDrain;
  /** Keep what is for management off the first server: {@link MintgateExpressAdapter.managementServer} has it, and nothing else. */
  managementApart: boolean;
  metrics: HttpMetrics;
  /** Called for every answered request when present. */
  onFinish?: (req: IncomingMessage, res: ServerResponse, milliseconds: number) => void;
}

/** A request must be complete in this time, its head sooner: slow senders are cut (Node's defaults are 300 s and 60 s). */
const LIMITS: ServerOptions = { requestTimeout: 15_000, headersTimeout: 10_000, keepAliveTimeout: 65_000, maxHeaderSize: 16 * 1024, connectionsCheckingInterval: 2_000 };

/** A path that no route has. What is asked of the wrong server is answered like it, so that neither tells what the other one has. */
const NOWHERE = '/-';

/** Nest on Express 5, on an http server of our own making: see {@link nativePrototypes} and {@link ServerDrain}. */
export class MintgateExpressAdapter extends ExpressAdapter {
  /** The second server, where there is one; made with the first, by the same rules. */
  managementServer: Server | undefined;

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
    const { tls, managementApart } = this.settings;
    const options = { ...LIMITS, ...nativePrototypes(app) };
    const serverOf = (listener: RequestListener): Server => (tls ? createTlsServer({ ...options, ...tls, minVersion: 'TLSv1.2' }, listener) : createServer(options, listener));
    this.httpServer = serverOf(this.listener(app, false));
    this.managementServer = managementApart ? serverOf(this.listener(app, true)) : undefined;
  }

  private listener(app: Express, forManagement: boolean): RequestListener {
    const { drain, issuerPath, managementApart, metrics, onFinish } = this.settings;
    return (req, res) => {
      const began = performance.now();
      metrics.began();
      // Comes after 'finish', and for a caller that hung up without one.
      res.on('close', () => {
        const milliseconds = performance.now() - began;
        metrics.ended(req, res, milliseconds);
        if (onFinish && res.writableFinished) onFinish(req, res, milliseconds);
      });
      const target = originForm(req.url!);
      // RFC 9112 §3.2: which of two hosts a proxy before us looked at cannot be known, nor how it read a target that is none.
      if (target === undefined || isRepeated(req.rawHeaders, 'host')) {
        res.writeHead(400, { Connection: 'close', 'Content-Length': 0 }).end();
        return;
      }
      req.url = issuerPath !== '' && target.startsWith(`${issuerPath}/`) ? target.slice(issuerPath.length) : target;
      if (managementApart && isManagementPath(req.url) !== forManagement) req.url = NOWHERE;
      if (drain.started) res.setHeader('Connection', 'close');
      app(req as never, res as never);
    };
  }
}
