// The API behind the gateway. It checks no token: it shows whom the gateway says it is called by, and what else the gateway sends.
import { createServer } from 'node:http';
import { once } from 'node:events';

/** Listens on a free port of 127.0.0.1. */
export async function startApi() {
  const server = createServer((req, res) => {
    const { authorization, ...headers } = req.headers;
    req.resume().on('end', () => {
      const text = `${JSON.stringify({ method: req.method, path: req.url, token: authorization !== undefined, headers }, null, 2)}\n`;
      res.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }).end(text);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
