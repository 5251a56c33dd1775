import { once } from 'node:events';
import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';

/**
 * Takes servers out of service without losing a request. `server.close()` alone cuts idle kept-alive connections, and a request that is on
 * its way over one of them is lost; so first every answer tells its client to leave (`Connection: close`), while readiness is off and
 * new connections are still served, and only what is left idle after that is cut.
 */
@Injectable()
export class ServerDrain {
  private draining = false;

  /** True from the first moment of the shutdown: readiness answers 503, every answer carries `Connection: close`. */
  get started(): boolean {
    return this.draining;
  }

  /**
   * @param drainMs how long new connections are still accepted, so that load balancers see the readiness probe fail
   * @param timeoutMs after this, counted from the start, what still runs is cut off
   */
  async run(servers: readonly Server[], drainMs: number, timeoutMs: number): Promise<void> {
    this.draining = true;
    await Promise.all(servers.map((server) => this.drain(server, drainMs, timeoutMs)));
  }

  private async drain(server: Server, drainMs: number, timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    await sleep(Math.min(drainMs, timeoutMs));
    const closed = once(server, 'close');
    // Not server.close() of http, which would cut the idle connections at this very moment.
    NetServer.prototype.close.call(server);
    await Promise.race([closed, sleep(Math.min(1000, drainMs))]);
    server.closeIdleConnections();
    await Promise.race([closed, sleep(Math.max(0, deadline - performance.now()), undefined, { ref: false })]);
    server.closeAllConnections();
  }
}
