import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { withDatabaseTls } from './database-tls.js';
import { eventually } from './eventually.js';
import { freePort } from './mariadb.js';
import { type Credentials, OAuthDriver, type UserCredentials } from './oauth-driver.js';
import { temporaryFolder } from './temporary-folder.js';
import { TlsClient } from './tls-client.js';

const ROOT = resolve(__dirname, '../..');
const MAX_LIFE_MS = 120_000;

/** What an example tells programs, in its `stage.json`. */
interface Stage {
  issuer: string;
  /** Of the gateway. */
  origin: string;
  /** Mintgate's, past the gateway. */
  instances: string[];
  client: Credentials;
  user: UserCredentials;
  adminClient: Credentials;
  certFile: string;
}

/** An example of examples/gateway, started by the command of its README, on a free port and in a temporary folder. */
export class GatewayExample {
  private readonly clients: TlsClient[] = [];

  private constructor(
    readonly stage: Stage,
    readonly folder: string,
    readonly port: number,
    private readonly child: ChildProcess,
  ) {}

  /** @param env over that of the tests */
  static async start(name: string, env: Record<string, string> = {}): Promise<GatewayExample> {
    const [port, folder] = [await freePort(), mkdtempSync(join(temporaryFolder(), `mintgate-gateway-${name}-`))];
    const [program, ...args] = commandsOf(name)[1].split(' ');
    const place = { PATH: process.env['PATH'], GATEWAY_PORT: String(port), DATA_FOLDER: folder };
    const child = spawn(program, args, {
      cwd: ROOT,
      env: withDatabaseTls({ ...place, RATE_LIMIT_ENABLED: 'false', ...env }),
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: MAX_LIFE_MS,
    });
    let complaints = '';
    child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
    const stage = await eventually(() => (child.exitCode === null ? (JSON.parse(readFileSync(join(folder, 'stage.json'), 'utf8')) as Stage) : undefined), { withinMs: 60_000, everyMs: 50 });
    if (!stage) throw new Error(`${name} has ended: ${complaints}`);
    return new GatewayExample(stage, folder, port, child);
  }

  /** The gateway by plain http, for a caller at an address of this machine's own: certificate and name are checked on the way. */
  async from(localAddress: string): Promise<string> {
    const client = await TlsClient.to(this.port, { cert: readFileSync(this.stage.certFile, 'utf8'), servername: 'localhost' }, localAddress);
    this.clients.push(client);
    return client.url.replace('127.0.0.1', 'localhost');
  }

  /** Mintgate past the gateway: for the admin API. */
  get driver(): OAuthDriver {
    return new OAuthDriver(this.stage.instances[0], this.stage.adminClient);
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Answers the exit code. */
  async stop(): Promise<number | null> {
    for (const client of this.clients) await client.close();
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exit = once(this.child, 'exit');
      this.child.kill();
      await exit;
    }
    rmSync(this.folder, { recursive: true, force: true });
    return this.child.exitCode;
  }
}

/** The commands by which the README of an example runs it. */
export function commandsOf(name: string): string[] {
  const readme = readFileSync(join(ROOT, 'examples/gateway', name, 'README.md'), 'utf8');
  return /## Run it[\s\S]*?```sh\n([\s\S]*?)```/.exec(readme)![1].trim().split('\n').map((line) => line.replace(/ +#.*/, ''));
}
