// The compiled server as a child process that may be killed at any time, and what its clients ask of it.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { postForm, postJson } from '../http.mjs';
import { MAIN } from '../machine.mjs';
import { freePort } from '../processes.mjs';
import { atEnd } from './command.mjs';

const ADMIN = { id: 'reliability-admin', secret: 'reliability-admin-secret-0123456789' };
const KEY_ENCRYPTION_KEY = Buffer.alloc(32, 7).toString('base64');
const READY_MS = 30_000;
/** Of one process; longer than any run keeps one. */
const MAX_LIFE_MS = 3_600_000;

export const digestOf = (token) => createHash('sha256').update(token).digest('hex');

export class Mintgate {
  #child;
  #stderr = '';

  /** @param env beyond the database */
  static async start(databaseUrl, env = {}) {
    if (!existsSync(MAIN)) throw new Error('dist is missing: npm run build');
    const mintgate = new Mintgate();
    mintgate.port = await freePort();
    mintgate.folder = mkdtempSync(join(tmpdir(), 'mintgate-reliability-'));
    mintgate.env = {
      PATH: process.env.PATH, PORT: String(mintgate.port), DATABASE_URL: databaseUrl, KEY_ENCRYPTION_KEY, BOOTSTRAP_CLIENT_ID: ADMIN.id, BOOTSTRAP_CLIENT_SECRET: ADMIN.secret,
      LOG_LEVEL: 'fatal', SHUTDOWN_DRAIN_SECONDS: '0', ...env,
    };
    mintgate.end = atEnd(async () => {
      await mintgate.kill();
      rmSync(mintgate.folder, { recursive: true, force: true });
    });
    await mintgate.restart();
    return mintgate;
  }

  get origin() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts the process and waits until it serves. Answers the milliseconds that took. */
  async restart() {
    const began = performance.now();
    this.#child = spawn(process.execPath, [MAIN], { cwd: this.folder, env: this.env, stdio: ['ignore', 'ignore', 'pipe'], timeout: MAX_LIFE_MS, killSignal: 'SIGKILL' });
    this.#child.stderr.on('data', (chunk) => (this.#stderr += chunk));
    const child = this.#child;
    this.exited = new Promise((resolve) => child.once('close', resolve));
    while (!(await this.#ready())) {
      if (child.exitCode !== null || performance.now() - began > READY_MS) throw new Error(`the server did not become ready: ${this.#stderr}`);
      await sleep(20);
    }
    return performance.now() - began;
  }

  /** At once: as if the power went. */
  strike() {
    this.#child.kill('SIGKILL');
  }

  /** Stops it as an orchestrator does: what runs is finished. */
  async stop() {
    this.#child.kill('SIGTERM');
    await this.exited;
    await this.end();
  }

  async kill() {
    this.strike();
    await this.exited;
  }

  async #ready() {
    return fetch(`${this.origin}/health/ready`).then((answer) => answer.arrayBuffer().then(() => answer.status === 200), () => false);
  }
}

export const USER = { username: 'margaret', password: 'correct horse battery staple' };

/** Makes the user, and a client. @returns the client's credentials */
export async function register(origin, metadata) {
  const admin = (await postForm(`${origin}/oauth/token`, 'grant_type=client_credentials', ADMIN)).body.access_token;
  const create = async (path, body) => {
    const answer = await postJson(`${origin}/admin/v1/${path}`, body, admin);
    if (answer.status !== 201) throw new Error(`${path}: ${answer.status} ${answer.text}`);
    return answer.body;
  };
  await create('users', USER);
  const { client_id: id, client_secret: secret } = await create('clients', metadata);
  return { id, secret };
}

/** A client with as many sessions of one user as there shall be families. @returns the client's credentials, and the first refresh token of each */
export async function signIn(origin, families, grantTypes = ['password', 'refresh_token']) {
  const client = await register(origin, { grant_types: grantTypes, scope: 'read write' });
  const tokens = [];
  while (tokens.length < families) {
    const answer = await postForm(`${origin}/oauth/token`, String(new URLSearchParams({ grant_type: 'password', ...USER })), client);
    if (answer.status !== 200) throw new Error(`not signed in: ${answer.status} ${answer.text}`);
    tokens.push(answer.body.refresh_token);
  }
  return { client, tokens };
}

export const refresh = (origin, client, token) => postForm(`${origin}/oauth/token`, `grant_type=refresh_token&refresh_token=${token}`, client);

/** Asks until the server knows. */
export async function isActive(origin, client, token) {
  for (const end = performance.now() + READY_MS; ; await sleep(50)) {
    const { status, text, body } = await postForm(`${origin}/oauth/introspect`, `token=${token}`, client);
    if (status === 200) return body.active === true;
    if (status !== 503 || performance.now() > end) throw new Error(`introspection: ${status} ${text}`);
  }
}
