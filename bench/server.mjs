// A contestant that runs, with the database that it uses.
import { randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { postForm, TOKEN_FORM } from './http.mjs';
import { startMariadb } from './mariadb.mjs';
import { cpuSeconds, end, freePort, isRunning, launch } from './processes.mjs';

const START_DEADLINE_MS = 60_000;
const POLL_MS = 5;

/** What its access tokens are in a scenario: ES256 or RS256 (the algorithm of a JWT) or opaque. */
export const formatOf = (contestant, { scenario, format }) => (contestant.opaqueIn?.includes(scenario) ? 'opaque' : format);

/** Whether it gets a MariaDB of its own. */
export const isOnMariadb = (contestant, { database }) => (contestant.database ?? (contestant.hasChoiceOfDatabase ? database : undefined)) === 'mariadb';

/**
 * Starts a contestant in an empty folder and waits for its first token.
 * @param entry contestant, node, label; workers: how many processes serve, where that is the question
 * @param options beyond those of the command line: what the scenario demands (format, reuseSeconds, users), folder, packages
 * @returns what runs: label, origin, credentials, users, url(endpoint), process, database, how long the start took (startMs, startCpuMs), stop(), failed(what)
 */
export async function startServer({ contestant, node, label, workers }, options) {
  const { scenario, reuseSeconds, folder: parent, packages, serverCpu, loadCpu, users = [] } = options;
  const database = isOnMariadb(contestant, options) ? await startMariadb({ folder: parent, cpu: loadCpu }) : undefined;
  const port = await freePort();
  const folder = mkdtempSync(join(parent, `${contestant.name}-`));
  const logFile = join(folder, 'server.log');
  const origin = `http://127.0.0.1:${port}`;
  const first = { id: 'bench', secret: randomBytes(32).toString('base64url') };
  const format = formatOf(contestant, options);
  const context = { scenario, format, workers, folder, packages, origin, port, credentials: first, users, database };

  const log = openSync(logFile, 'w');
  const began = performance.now();
  const child = launch(node.path, [contestant.file], {
    cpu: serverCpu,
    cwd: folder,
    env: { NODE_ENV: 'production', HOST: '127.0.0.1', PORT: String(port), ...contestant.environment(context) },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const failed = (what) => new Error(`${label} ${what}\n${readFileSync(logFile, 'utf8').split('\n').slice(-20).join('\n')}`);
  const server = {
    label,
    process: child,
    origin,
    credentials: first,
    format,
    reuseSeconds,
    users,
    database,
    url: (endpoint) => origin + contestant.paths[endpoint],
    async stop() {
      await end(child);
      await database?.stop();
    },
    failed,
  };

  // One of several workers may answer before another one is up.
  const areUp = () => !contestant.readyMark || workers === undefined || readFileSync(logFile, 'utf8').split(contestant.readyMark).length > workers;
  for (let answer; ; await sleep(POLL_MS)) {
    answer = await postForm(server.url('token'), 'grant_type=client_credentials', first).catch(() => undefined);
    if (answer?.status === 200 && typeof answer.body.access_token === 'string' && areUp()) break;
    if (!isRunning(child)) throw failed('ended before its first token');
    if (performance.now() - began > START_DEADLINE_MS) throw failed(`gave no token in ${START_DEADLINE_MS / 1000} s: ${answer?.status ?? 'no answer'} ${answer?.text ?? ''}`);
  }
  server.startMs = performance.now() - began;
  server.startCpuMs = cpuSeconds(child) * 1000;
  if (contestant.register) server.credentials = await contestant.register(server);
  return server;
}

/** One answer by the request that is measured, checked to be what every contestant has to issue: scope api, and a JWT of the algorithm or none. */
export async function issueToken(server, { form = TOKEN_FORM, format = server.format } = {}) {
  const { status, text, body } = await postForm(server.url('token'), form, server.credentials);
  if (status !== 200 || typeof body.access_token !== 'string') throw server.failed(`gave no token: ${status} ${text}`);
  if (!body.scope?.split(' ').includes('api')) throw server.failed(`gave no token of scope api: ${text}`);
  const alg = algorithmOf(body.access_token) ?? 'opaque';
  if (alg !== format) throw server.failed(`gave a token of format ${alg}, not ${format}`);
  return body;
}

function algorithmOf(token) {
  try {
    return JSON.parse(Buffer.from(token.split('.')[0], 'base64url').toString()).alg;
  } catch {
    return undefined;
  }
}
