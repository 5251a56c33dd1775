import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** All of a chunk passes. */
export const PASS = undefined;

/**
 * A TCP relay on a free port of 127.0.0.1 that shows every chunk to its watchers before it passes. A watcher answers the bytes that may pass, or
 * PASS for all of them; the others are dropped. Once it is frozen, nothing passes any more on the connections that there are.
 */
export class Relay {
  /** Chunks on the way to the target. */
  onRequest = () => PASS;
  /** Chunks on the way back. */
  onAnswer = () => PASS;
  #pairs = new Set();

  static async to(targetPort) {
    const relay = new Relay();
    relay.server = createServer((client) => relay.#join(client, connect(targetPort, '127.0.0.1'))).listen(0, '127.0.0.1');
    await once(relay.server, 'listening');
    relay.port = relay.server.address().port;
    return relay;
  }

  freeze() {
    for (const pair of this.#pairs) pair.frozen = true;
  }

  /** Cuts every connection. */
  cut() {
    for (const { client, target } of this.#pairs) for (const socket of [client, target]) socket.destroy();
  }

  async close() {
    this.cut();
    this.server.close();
    await once(this.server, 'close');
  }

  #join(client, target) {
    // What a watcher learns of a connection it may note on it.
    const pair = { client, target, frozen: false, notes: {} };
    this.#pairs.add(pair);
    const forward = (from, to, watch) => {
      from.setNoDelay(true);
      from.on('data', (chunk) => {
        if (pair.frozen) return;
        const bytes = watch(chunk, pair);
        to.write(bytes ?? chunk);
      });
      from.on('error', () => undefined);
      from.on('close', () => {
        this.#pairs.delete(pair);
        to.destroy();
      });
    };
    forward(client, target, (chunk) => this.onRequest(chunk, pair));
    forward(target, client, (chunk) => this.onAnswer(chunk, pair));
  }
}
