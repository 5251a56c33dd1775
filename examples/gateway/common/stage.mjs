// What every gateway example needs around its gateway: Mintgate, an API to protect, a client, a certificate, a folder, and an end to all of it.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { Admin } from './admin.mjs';
import { startApi } from './api.mjs';
import { makeCertificate } from './certificate.mjs';

const MINTGATE = fileURLToPath(new URL('../../../dist/src/main.js', import.meta.url));
const START_MS = 30_000;
/** Of Mintgate's own settings. */
const PASSED_ON = ['DATABASE_URL', 'DATABASE_TLS', 'DATABASE_CA_FILE', 'RATE_LIMIT_ENABLED'];

/** The protected resource, and what one may do there. A user needs a role to write. */
export const AUDIENCE = 'https://api.example.com/orders';
const RESOURCE = { identifier: AUDIENCE, name: 'Orders', scopes: [{ name: 'orders:read' }, { name: 'orders:write', required_roles: ['clerk'] }] };

/** A program's path, also where a user who is not root does not look for it. Ends the example when it is not there. */
export function programPath(program, debianPackage = program) {
  const found = (process.env.PATH ?? '').split(delimiter).concat('/usr/sbin', '/usr/local/sbin').map((folder) => join(folder, program)).find((file) => existsSync(file));
  if (found) return found;
  console.error(`${program} is not installed: apt-get install ${debianPackage}`);
  process.exit(1);
}

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Tries until it succeeds; throws the last failure after {@link START_MS}. */
export async function until(check) {
  for (const end = performance.now() + START_MS; ; await sleep(50)) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > end) throw error;
    }
  }
}

/**
 * Reads the environment: `GATEWAY_PORT` (8443), `ISSUER_PATH` (none; such as `/id`), `DATA_FOLDER` (a temporary one, removed at the end), and of Mintgate's own
 * settings `BOOTSTRAP_CLIENT_SECRET` (a random one), `DATABASE_URL` and `RATE_LIMIT_ENABLED`. Programs that run here end with the example, and it with them.
 */
export class Stage {
  gatewayPort = Number(process.env.GATEWAY_PORT ?? 8443);
  /** What the outside calls the gateway. */
  origin = `https://localhost:${this.gatewayPort}`;
  issuer = this.origin + (process.env.ISSUER_PATH ?? '');
  adminClient = { clientId: 'admin', clientSecret: process.env.BOOTSTRAP_CLIENT_SECRET ?? randomBytes(24).toString('hex') };
  /** `http://127.0.0.1:<port>` of each instance that was started. */
  instances = [];
  #children = [];
  #mintgates = new Map();
  #leaving = new WeakSet();
  #servers = [];
  #ending;
  #keyEncryptionKey = randomBytes(32).toString('base64');

  /** @param name of the gateway */
  constructor(name) {
    this.name = name;
    this.folder = process.env.DATA_FOLDER ?? mkdtempSync(join(tmpdir(), `mintgate-${name}-`));
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    this.certificate = makeCertificate(this.folder);
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void this.end(0));
  }

  /** Starts one instance as in production, and waits until it is ready. The gateway is on this machine, so its address is the one to trust. */
  async startMintgate(env = {}) {
    if (!existsSync(MINTGATE)) {
      console.error('Mintgate is not built yet: npm ci && npm run build');
      return this.end(1);
    }
    const [number, port] = [this.instances.length + 1, await freePort()];
    const url = `http://127.0.0.1:${port}`;
    const start = () => this.run(`mintgate-${number}`, process.execPath, [MINTGATE], {
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      PORT: String(port),
      ISSUER: this.issuer,
      TRUST_PROXY: '127.0.0.1',
      KEY_ENCRYPTION_KEY: this.#keyEncryptionKey,
      BOOTSTRAP_CLIENT_ID: this.adminClient.clientId,
      BOOTSTRAP_CLIENT_SECRET: this.adminClient.clientSecret,
      SHUTDOWN_DRAIN_SECONDS: '0',
      ...Object.fromEntries(PASSED_ON.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []))),
      ...env,
    });
    this.#mintgates.set(url, { start, child: start() });
    await this.#untilReady(url);
    this.instances.push(url);
    return url;
  }

  /** Ends an instance as an orchestrator does, and starts it again where it was. */
  async restartMintgate(url) {
    const mintgate = this.#mintgates.get(url);
    this.#leaving.add(mintgate.child);
    const exit = once(mintgate.child, 'exit');
    mintgate.child.kill('SIGTERM');
    await exit;
    if (this.#ending) return;
    mintgate.child = mintgate.start();
    await this.#untilReady(url);
  }

  #untilReady(url) {
    return this.#while(until(async () => {
      if ((await fetch(`${url}/health/ready`)).status !== 200) throw new Error('Mintgate is not ready');
    }));
  }

  /** Mintgate's admin API. */
  get admin() {
    return new Admin(this.instances[0], this.adminClient);
  }

  /** The API as a protected resource, a client that may use it, for itself and for users who sign in, and a user. */
  async register() {
    await this.admin.request('POST', '/resources', RESOURCE);
    const client = await this.admin.request('POST', '/clients', {
      client_id: 'orders-desk',
      grant_types: ['client_credentials', 'authorization_code', 'refresh_token'],
      redirect_uris: ['http://127.0.0.1:8080/callback'],
      scope: 'openid orders:read orders:write',
    });
    this.client = { clientId: client.client_id, clientSecret: client.client_secret };
    this.user = { username: 'margaret', password: randomBytes(12).toString('base64url') };
    await this.admin.request('POST', '/users', { ...this.user, roles: ['clerk', 'night-shift'] });
  }

  /** Answers `127.0.0.1:<port>`. */
  async startApi() {
    const server = await startApi();
    this.#servers.push(server);
    return `127.0.0.1:${server.address().port}`;
  }

  /** Writes a file into the folder, and answers its path. */
  write(name, text) {
    const file = join(this.folder, name);
    writeFileSync(file, text);
    return file;
  }

  /** Runs a program in the folder, in the foreground; what it prints goes into `<name>.log` there. When it ends, so does the example. */
  run(name, program, args, env = {}) {
    const log = openSync(join(this.folder, `${name}.log`), 'a');
    const child = spawn(program, args, { cwd: this.folder, env: { PATH: process.env.PATH, ...env }, stdio: ['ignore', log, log] });
    this.#children.push(child);
    child.on('error', (error) => this.#failed(`${name}: ${error.message}`));
    child.on('exit', (code) => this.#leaving.has(child) || this.#failed(`${name} has ended (${code}): see ${join(this.folder, `${name}.log`)}`));
    return child;
  }

  /** Waits until the gateway shows its certificate, writes `stage.json` for programs, and tells a person how to go on. @param explanation ends the text */
  async ready(explanation = '') {
    const ca = readFileSync(this.certificate.certFile);
    await this.#while(until(async () => {
      const socket = connect({ port: this.gatewayPort, host: '127.0.0.1', servername: 'localhost', ca });
      await once(socket, 'secureConnect');
      socket.destroy();
    }));
    const { issuer, origin, instances, client, user, adminClient, certificate } = this;
    this.write('stage.json', JSON.stringify({ issuer, origin, instances, client, user, adminClient, certFile: certificate.certFile }));
    console.log(`
${this.name} is in front of Mintgate: ${issuer}
Files and logs: ${this.folder}
User for the pages: ${user?.username} ${user?.password}
In another terminal:

curl() { command curl -s --cacert ${certificate.certFile} "$@"; }
TOKEN=$(curl -u '${client?.clientId}:${client?.clientSecret}' -d grant_type=client_credentials -d scope=orders:read ${issuer}/oauth/token | node -p 'JSON.parse(require("fs").readFileSync(0)).access_token')
curl -H "Authorization: Bearer $TOKEN" ${origin}/api/orders
curl -i ${origin}/api/orders
${explanation}
Ctrl-C ends everything.`);
  }

  /** Ends what was started last first, and then this program. */
  end(code) {
    this.#ending ??= this.#end(code);
    return this.#ending;
  }

  async #end(code) {
    for (const child of this.#children.reverse()) {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) continue;
      const exit = once(child, 'exit');
      child.kill();
      await exit;
    }
    for (const server of this.#servers) server.close().closeAllConnections();
    if (!process.env.DATA_FOLDER && code === 0) rmSync(this.folder, { recursive: true, force: true });
    process.exit(code);
  }

  #failed(message) {
    if (this.#ending) return;
    console.error(message);
    void this.end(1);
  }

  /** What cannot come any more is not waited for. */
  async #while(waiting) {
    try {
      return await waiting;
    } catch (error) {
      console.error(error.message);
      return this.end(1);
    }
  }
}
