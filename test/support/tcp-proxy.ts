import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP proxy on a free port of 127.0.0.1 that can be made to misbehave as networks do. */
export class TcpProxy {
  /** Every chunk of the target's answers waits for so long. */
  delayMs = 0;
  /** A connection is cut when its target has sent so much. */
  cutAfterBytes = Number.POSITIVE_INFINITY;
  /** Nothing passes, in either direction, and nobody is told: what a cable that was pulled looks like. */
  blackhole = false;
  /** Texts that a client sends over one connection, in this order. The answer to the last one is lost with it, once. */
  loseAnswerTo: readonly string[] = [];
  private readonly sockets = new Set<Socket>();
  private readonly clients = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async to(targetPort: number): Promise<TcpProxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const proxy = new TcpProxy(server, (server.address() as AddressInfo).port);
    server.on('connection', (client) => proxy.join(client, connect(targetPort, '127.0.0.1')));
    return proxy;
  }

  /** Connections that its clients hold now. In a blackhole the target does not learn that one was closed. */
  get connections(): number {
    return this.clients.size;
  }

  /** Cuts every connection with a RST. */
  reset(): void {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  private join(client: Socket, target: Socket): void {
    this.clients.add(client);
    client.once('close', () => this.clients.delete(client));
    let seen = 0;
    let losing = false;
    client.on('data', (chunk: Buffer) => {
      if (seen < this.loseAnswerTo.length && chunk.includes(this.loseAnswerTo[seen])) seen++;
      if (seen === 0 || seen < this.loseAnswerTo.length) return;
      [losing, this.loseAnswerTo] = [true, []];
    });
    for (const [socket, other] of [[client, target], [target, client]] as const) {
      this.sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('data', (chunk): unknown => {
        if (this.blackhole) return;
        if (socket === target && target.bytesRead > this.cutAfterBytes) return other.resetAndDestroy();
        if (losing && socket === target) {
          client.resetAndDestroy();
          return;
        }
        if (this.delayMs > 0 && socket === target) setTimeout(() => other.write(chunk), this.delayMs);
        else other.write(chunk);
      });
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.sockets.delete(socket);
        if (!this.blackhole) other.destroy();
      });
    }
  }
}
