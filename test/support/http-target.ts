import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

export interface TargetRequest {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface TargetOptions {
  /** 200 without a body by default. */
  answer?: (response: ServerResponse, request: TargetRequest) => void;
  /** Speaks https. */
  tls?: { cert: string; key: string };
}

/** A server of somebody else, on a free port of 127.0.0.1: it keeps what it was sent, and counts who came at all. */
export class HttpTarget {
  readonly requests: TargetRequest[] = [];
  connections = 0;
  port = 0;
  /** The names that were asked for by SNI. */
  readonly serverNames: (string | false)[] = [];
  answer: NonNullable<TargetOptions['answer']>;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  private constructor({ answer, tls }: TargetOptions) {
    this.answer = answer ?? ((response) => response.end());
    this.server = tls ? createTlsServer({ ...tls, SNICallback: (name, done) => (this.serverNames.push(name), done(null)) }, this.listener) : createServer(this.listener);
    this.server.on('connection', (socket: Socket) => {
      this.connections++;
      this.sockets.add(socket.on('error', () => undefined).on('close', () => this.sockets.delete(socket)));
    });
  }

  static async start(options: TargetOptions = {}): Promise<HttpTarget> {
    const target = new HttpTarget(options);
    await target.open();
    return target;
  }

  /** Listens again, on the port that it had, after it was closed. */
  async open(): Promise<void> {
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = (this.server.address() as AddressInfo).port;
  }

  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  async close(): Promise<void> {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    await once(this.server, 'close');
  }

  private readonly listener: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const received = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString() };
      this.requests.push(received);
      this.answer(response, received);
    });
  };
}
