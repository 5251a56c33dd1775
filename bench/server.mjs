// A contestant that runs, with the database that it uses.
import { randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { postForm } from './http.mjs';
import { startMariadb } from './mariadb.mjs';
import { cpuSeconds, end, freePort, isRunning, launch } from './processes.mjs';

const START_DEADLINE_MS = 60_000;
const POLL_MS = 5;

/**
 * Starts a contestant in an empty folder and waits for its first token.
 * @param options beyond those of the command line: folder, packages; users, whom it shall know; mariadb: whether it gets one of its own, beside the load
 * @returns what runs: name, origin, credentials, users, url(endpoint), process, database, how long the start took (startMs, startCpuMs), stop(), failed(what)
 */
export async function startServer(contestant, { scenario, folder: parent, packages, serverCpu, loadCpu, users = [], mariadb = false }) {
  const database = mariadb ? await startMariadb({ folder: parent, cpu: loadCpu }) : undefined;
  const port = await freePort();
  const folder = mkdtempSync(join(parent, `${contestant.name}-`));
  const logFile = join(folder, 'server.log');
  const origin = `http://127.0.0.1:${port}`;
  const first = { id: 'bench', secret: randomBytes(32).toString('base64url') };
  const context = { scenario, folder, packages, origin, port, credentials: first, users, database };

  const log = openSync(logFile, 'w');
  const began = performance.now();
  const child = launch(process.execPath, [contestant.file], {
    cpu: serverCpu,
    cwd: folder,
    env: { NODE_ENV: 'production', HOST: '127.0.0.1', PORT: String(port), ...contestant.environment(context) },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const failed = (what) => new Error(`${contestant.name} ${what}\n${readFileSync(logFile, 'utf8').split('\n').slice(-20).join('\n')}`);
  const server = {
    name: contestant.name,
    process: child,
    origin,
    credentials: first,
    users,
    database,
    url: (endpoint) => origin + contestant.paths[endpoint],
    async stop() {
      await end(child);
      await database?.stop();
    },
    failed,
  };

  for (let answer; ; await sleep(POLL_MS)) {
    answer = await postForm(server.url('token'), 'grant_type=client_credentials', first).catch(() => undefined);
    if (answer?.status === 200 && typeof answer.body.access_token === 'string') break;
    if (!isRunning(child)) throw failed('ended before its first token');
    if (performance.now() - began > START_DEADLINE_MS) throw failed(`gave no token in ${START_DEADLINE_MS / 1000} s: ${answer?.status ?? 'no answer'} ${answer?.text ?? ''}`);
  }
  server.startMs = performance.now() - began;
  server.startCpuMs = cpuSeconds(child) * 1000;
  if (contestant.register) server.credentials = await contestant.register(server);
  return server;
}

/** One answer by the request that is measured, checked to be what every contestant has to issue: an ES256 JWT of scope api, unless told otherwise. */
export async function issueToken(server, { form = TOKEN_FORM, jwt = true } = {}) {
  const { status, text, body } = await postForm(server.url('token'), form, server.credentials);
  if (status !== 200 || typeof body.access_token !== 'string') throw server.failed(`gave no token: ${status} ${text}`);
  if (!body.scope?.split(' ').includes('api')) throw server.failed(`gave no token of scope api: ${text}`);
  if (jwt && algorithmOf(body.access_token) !== 'ES256') throw server.failed('did not give a JWT signed with ES256');
  return body;
}

export const TOKEN_FORM = 'grant_type=client_credentials&scope=api';

function algorithmOf(token) {
  try {
    return JSON.parse(Buffer.from(token.split('.')[0], 'base64url').toString()).alg;
  } catch {
    return undefined;
  }
}
