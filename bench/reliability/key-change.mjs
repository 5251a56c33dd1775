// KEY_ENCRYPTION_KEY replaced in the midst of token requests, by the procedure of docs/operations/keys.md.
//
//   node bench/reliability/key-change.mjs [--database mariadb|sqlite] [--rate 200] [--families 40] [--pause 3]
//
// Two instances serve; each step replaces them one by one, while `--rate` requests a second (client credentials, refreshes, introspections) go to either. Then
// `mintgate keys rewrap` runs under that load, and instances that know the new key alone take over. Every answer is to be 200 and every session to go on; afterwards
// the old key opens nothing in the database, and an instance with it alone does not start. `--pause` is how many seconds each step lasts. Prints one line of JSON;
// exit status 0 when it was so, 1 when not, 2 when that could not be found out. Needs dist/ (npm run build); for MariaDB mariadbd on the PATH.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { postForm } from '../http.mjs';
import { MAIN } from '../machine.mjs';
import { command, randomBelow, spread } from './command.mjs';
import { openDatabase } from './databases.mjs';
import { Session } from './ledger.mjs';
import { isActive, Mintgate, signIn } from './mintgate.mjs';

const USAGE = 'node bench/reliability/key-change.mjs [--database mariadb|sqlite] [--rate N] [--families N] [--pause SECONDS]';
const CLI = join(MAIN, '../cli/mintgate.js');
const { SecretBox } = createRequire(import.meta.url)('../../dist/src/common/crypto/secret-box.js');

const keyPair = (key, previous) => ({ KEY_ENCRYPTION_KEY: key, ...(previous ? { KEY_ENCRYPTION_KEY_PREVIOUS: previous } : {}) });

/** Requests at a steady rate, whatever the answers take. */
class Load {
  statuses = {};
  latencies = [];
  #inFlight = new Set();
  #token;

  constructor(client, sessions, rate, origins) {
    Object.assign(this, { client, sessions, origins });
    this.busy = new Set();
    this.began = performance.now();
    let sent = 0;
    this.timer = setInterval(() => {
      for (const due = ((performance.now() - this.began) / 1000) * rate; sent < due; sent++) this.#send(sent);
    }, 5);
  }

  async stop() {
    clearInterval(this.timer);
    await Promise.all(this.#inFlight);
  }

  #send(index) {
    const began = performance.now();
    const one = this.#ask(index)
      .catch((error) => error.code ?? error.message)
      .then((status) => {
        this.statuses[status] = (this.statuses[status] ?? 0) + 1;
        this.latencies.push(performance.now() - began);
        this.#inFlight.delete(one);
      });
    this.#inFlight.add(one);
  }

  async #ask(index) {
    const origin = this.origins[randomBelow(this.origins.length)];
    const free = index % 4 === 0 ? this.sessions.find((session) => !this.busy.has(session)) : undefined;
    if (free) {
      this.busy.add(free);
      const status = await free.refresh(origin);
      this.busy.delete(free);
      this.sessions.push(this.sessions.splice(this.sessions.indexOf(free), 1)[0]);
      return status;
    }
    if (index % 4 === 1 && this.#token) {
      const { status, body } = await postForm(`${origin}/oauth/introspect`, `token=${this.#token}`, this.client);
      return status === 200 && body.active !== true ? 'inactive' : status;
    }
    const { status, body } = await postForm(`${origin}/oauth/token`, 'grant_type=client_credentials', this.client);
    // One of the beginning is kept: it has to stay valid through all steps.
    if (status === 200) this.#token ??= body.access_token;
    return status;
  }
}

async function run({ database: kind, rate, families, pause }) {
  const [oldKey, newKey] = [randomBytes(32), randomBytes(32)].map((bytes) => bytes.toString('base64'));
  const database = await openDatabase(kind);
  const first = await Mintgate.start(database.url, keyPair(oldKey));
  const issuer = first.origin;
  const start = (env) => Mintgate.start(database.url, { ISSUER: issuer, ...env });
  const instances = [first, await start(keyPair(oldKey))];
  const { client, tokens } = await signIn(issuer, families, ['password', 'refresh_token', 'client_credentials']);
  const origins = instances.map(({ origin }) => origin);
  const sessions = tokens.map((token) => new Session(client, token));
  const load = new Load(client, [...sessions], rate, origins);
  /** Replaces the instances one by one, as a rolling deployment does. */
  const deploy = async (env) => {
    for (const index of instances.keys()) {
      const next = await start(env);
      const last = instances[index];
      instances[index] = next;
      origins[index] = next.origin;
      // Requests that were sent already are answered.
      await sleep(200);
      await last.stop();
      await sleep(pause * 500);
    }
  };
  await sleep(pause * 1000);
  await deploy(keyPair(oldKey, newKey));
  await deploy(keyPair(newKey, oldKey));
  const before = load.latencies.length;
  const environment = { ...instances[0].env, ...keyPair(newKey, oldKey) };
  const { stdout } = await promisify(execFile)(process.execPath, [CLI, 'keys', 'rewrap', '--json'], { env: environment, cwd: instances[0].folder });
  const duringRewrap = load.latencies.length - before;
  await sleep(pause * 1000);
  await deploy(keyPair(newKey));
  await load.stop();

  const old = new SecretBox(Buffer.from(oldKey, 'base64'));
  const opens = (sealed, context) => {
    try {
      return old.open(sealed, context) !== undefined;
    } catch {
      return false;
    }
  };
  const keys = await database.read('SELECT kid AS id, sealed_private_jwk AS sealed FROM signing_keys');
  const secrets = await database.read('SELECT name AS id, sealed AS sealed FROM stored_secrets');
  const openedByOld = keys.filter(({ id, sealed }) => opens(sealed, `signing-key:${id}`)).length + secrets.filter(({ id, sealed }) => opens(sealed, `stored-secret:${id}`)).length;
  const oldStarts = await start(keyPair(oldKey)).then(() => true, () => false);
  const valid = await Promise.all(sessions.map(({ held }) => isActive(instances[0].origin, client, held)));
  const failures = Object.entries(load.statuses).reduce((sum, [status, count]) => sum + (status === '200' ? 0 : count), 0);
  for (const instance of instances) await instance.end();
  await database.end();
  const lost = valid.filter((active) => !active).length;
  const { rewrapped, values } = JSON.parse(stdout);
  const passed = failures === 0 && lost === 0 && openedByOld === 0 && !oldStarts && rewrapped > 0;
  return { requests: load.latencies.length, statuses: load.statuses, duringRewrap, values, rewrapped, failures, lost, openedByOld, oldStarts, milliseconds: spread(load.latencies), passed };
}

await command(USAGE, { numbers: { rate: [200, 1, 2000], families: [40, 1, 500], pause: [3, 1, 60] }, choices: { database: ['mariadb', 'sqlite'] } }, run, ({ pause }) => 180 + pause * 20);
