import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { readEnvironment } from '../config/environment.js';
import { loadConfig } from '../config/load-config.js';

const TIMEOUT_MS = 5000;

/**
 * `node dist/src/cli/probe.js [live|ready]`: asks the server of this machine, as its configuration says where it listens, for container engines that run a command
 * instead of a request. Ends with 0 when the answer is 200, otherwise with 1.
 */
async function probe(name = 'live'): Promise<number> {
  if (name !== 'live' && name !== 'ready') throw new Error('usage: probe [live|ready]');
  const { port, host, management, tls } = loadConfig(readEnvironment(), () => Buffer.alloc(0));
  const { port: at, host: address } = management ?? { port, host };
  const status = await new Promise<number | undefined>((resolve, reject) => {
    // Itself, and nothing secret is sent: whose name its certificate holds makes no difference.
    const asked = (tls ? requestHttps : requestHttp)({ host: ANY[address] ?? address, port: at, path: `/health/${name}`, timeout: TIMEOUT_MS, ...(tls ? { rejectUnauthorized: false } : {}) }, (res) => resolve(res.resume().statusCode));
    asked.on('timeout', () => asked.destroy(new Error('no answer'))).on('error', reject).end();
  });
  if (status === 200) return 0;
  throw new Error(`${name}: ${status}`);
}

const ANY: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

void probe(process.argv[2]).then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`probe: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
