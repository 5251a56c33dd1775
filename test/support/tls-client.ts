import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket, type TcpNetConnectOpts } from 'node:net';
import { connect, type ConnectionOptions } from 'node:tls';

/** Lets a test speak http to a server that speaks https: whatever comes in on a free port of 127.0.0.1 goes on over TLS, by a certificate that must be this one and for this name. */
export class TlsClient {
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  /** @param localAddress from which it connects */
  static async to(port: number, certificate: { cert: string; servername: string }, localAddress = '127.0.0.1'): Promise<TlsClient> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = new TlsClient(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const target: ConnectionOptions & TcpNetConnectOpts = { host: '127.0.0.1', port, localAddress, ca: certificate.cert, servername: certificate.servername };
    server.on('connection', (socket) => client.join(socket, connect(target)));
    return client;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  private join(socket: Socket, secured: Socket): void {
    socket.pipe(secured).pipe(socket);
    for (const [each, other] of [[socket, secured], [secured, socket]]) {
      this.sockets.add(each);
      each.on('error', () => other.destroy()).on('close', () => (this.sockets.delete(each), other.destroy()));
    }
  }
}
