import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import Database from 'libsql';
import { createDatabase, createMariadb, databaseKinds, mariadbPort } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/mariadb.js';
import { type SpawnOptions, SpawnedServer } from '../support/spawned-server.js';

const sh = (line: string) => promisify(execFile)('sh', ['-c', line], { timeout: 10_000 });
const SECRET = /mg_cs_[\w-]{43}/;

const started: SpawnedServer[] = [];
async function spawn(options: SpawnOptions = {}): Promise<SpawnedServer> {
  const server = await SpawnedServer.start(options);
  started.push(server);
  return server;
}
afterEach(async () => {
  for (const server of started.splice(0).reverse()) await server.dispose();
});

/** Ends it by SIGTERM and answers how, and in how many milliseconds. */
async function end(server: SpawnedServer): Promise<{ code: number | null; ms: number }> {
  const began = performance.now();
  server.kill('SIGTERM');
  const { code } = await server.exited;
  return { code, ms: performance.now() - began };
}

describe('the first start in an empty folder', () => {
  it('tells issuer, client id, secret and a curl line that gives a token as it stands; the second start tells no secret', async () => {
    const first = await (await spawn()).ready();
    await eventually(() => expect(first.stdout).toMatch(/\n {2}curl .+\n/));
    expect(first.stdout).toContain(`issuer         ${first.url}\n`);
    expect(first.stdout).toMatch(/client id {6}\S+\n/);
    const secret = SECRET.exec(first.stdout)?.[0];
    expect(first.stdout).toContain(`client secret  ${secret}\n`);

    const curl = first.stdout.split('\n').find((line) => line.trimStart().startsWith('curl '))!;
    const answer = JSON.parse((await sh(curl)).stdout) as Record<string, unknown>;
    expect(answer['token_type']).toBe('Bearer');
    expect(answer['scope']).toContain('clients:write');
    const list = await fetch(`${first.url}/admin/v1/clients`, { headers: { authorization: `Bearer ${String(answer['access_token'])}` } });
    expect(list.status).toBe(200);

    expect(statSync(join(first.folder, 'data')).mode & 0o777).toBe(0o700);
    expect(first.log.filter((line) => JSON.stringify(line).includes('mg_cs_'))).toEqual([]);
    expect((await end(first)).code).toBe(0);

    const second = await (await spawn({ folder: first.folder, env: { PORT: String(first.port) } })).ready();
    expect(JSON.parse((await sh(curl)).stdout)).toHaveProperty('access_token');
    expect((await end(second)).code).toBe(0);
    expect(second.stdout).not.toMatch(/mg_cs_|client secret|curl/);
    expect(second.stderr).toBe('');
  });

  it('does not print a secret that was configured', async () => {
    const server = await (await spawn({ env: { BOOTSTRAP_CLIENT_ID: 'ops', BOOTSTRAP_CLIENT_SECRET: 'configured-secret-0123456789' } })).ready();
    const token = await sh(`curl -s -u ops:configured-secret-0123456789 -d grant_type=client_credentials ${server.url}/oauth/token`);
    expect(JSON.parse(token.stdout)).toHaveProperty('access_token');
    await end(server);
    expect(server.stdout).not.toMatch(/configured-secret|client secret/);
  });
});

describe('a signal', () => {
  it('SIGTERM ends it with status 0, also when it comes twice', async () => {
    const server = await (await spawn()).ready();
    server.kill('SIGTERM');
    server.kill('SIGTERM');
    setTimeout(() => server.kill('SIGTERM'), 300);
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(server.stderr).toBe('');
    expect(server.log.filter(({ msg }) => msg === 'stopping')).toHaveLength(1);
  });

  it('SIGINT ends it with status 0', async () => {
    const server = await (await spawn()).ready();
    server.kill('SIGINT');
    expect(await server.exited).toEqual({ code: 0, signal: null });
  });

  it.each<[string, () => Promise<{ port: number; close: () => void }>]>([
    ['refuses connections', async () => ({ port: await freePort(), close: () => undefined })],
    ['accepts connections and never answers', async () => {
      const port = await freePort();
      const silent = createServer((socket) => socket.on('error', () => undefined)).listen(port, '127.0.0.1');
      return { port, close: () => void silent.close() };
    }],
  ])('SIGTERM while it waits for a database that %s ends it promptly with status 0', async (_, database) => {
    const { port, close } = await database();
    try {
      const server = await (await spawn({ env: { DATABASE_URL: `mariadb://u:hunter2@127.0.0.1:${port}/db`, SHUTDOWN_DRAIN_SECONDS: '0' } })).alive();
      await eventually(() => expect(server.log.map(({ msg }) => msg)).toContain('waiting for the database'));
      const { code, ms } = await end(server);
      expect(code).toBe(0);
      expect(ms).toBeLessThan(6000);
      expect(server.stdout + server.stderr).not.toContain('hunter2');
    } finally {
      close();
    }
  });

  it('SIGTERM in the first milliseconds of a start leaves a database on which the next start succeeds', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mintgate-start-'));
    try {
      for (const ms of [0, 300, 600, 900]) {
        const server = await spawn({ folder });
        await new Promise((resolve) => setTimeout(resolve, ms));
        server.kill('SIGTERM');
        await server.exited;
        expect(server.stderr).toBe('');
      }
      await (await spawn({ folder })).ready();
    } finally {
      for (const server of started.splice(0)) await server.dispose();
      rmSync(folder, { recursive: true, force: true });
    }
  }, 60_000);
});

describe('WORKERS=2', () => {
  const request = async (server: SpawnedServer, path = '/health/live'): Promise<void> => {
    const answer = await fetch(server.url + path, { headers: { connection: 'close' }, signal: AbortSignal.timeout(2000) });
    expect(answer.status).toBe(200);
    await answer.text();
  };
  const pids = (server: SpawnedServer, from: number) => [...new Set(server.log.slice(from).filter(({ msg }) => msg === 'request').map(({ pid }) => pid as number))];

  it('serves from two processes, survives the end of one, for which the next one takes no request before it is ready, tells the first secret once, and ends as a whole', async () => {
    const server = await (await spawn({ env: { WORKERS: '2', LOG_LEVEL: 'debug' } })).ready();
    const both = await eventually(async () => {
      await request(server);
      const found = pids(server, 0);
      expect(found).toHaveLength(2);
      return found;
    }, { withinMs: 15_000 });
    expect(both).not.toContain(server.child.pid);
    expect(server.stdout.match(/client secret/g)).toHaveLength(1);
    const readyLines = (count: number) => eventually(() => expect(server.log.filter(({ msg }) => msg === 'ready')).toHaveLength(count), { withinMs: 15_000 });
    await readyLines(2);

    process.kill(both[0], 'SIGKILL');
    const mark = server.log.length;
    const refused: Error[] = [];
    let over = false;
    const asking = Array.from({ length: 4 }, async () => {
      // One that was on its way to the dead one is broken off.
      while (!over) await request(server, '/health/ready').catch((error: Error) => error.name === 'TypeError' || refused.push(error));
    });
    try {
      await readyLines(3);
    } finally {
      over = true;
      await Promise.all(asking);
    }
    expect(refused).toEqual([]);
    await eventually(async () => {
      await request(server);
      const found = pids(server, mark).filter((pid) => pid !== both[0]);
      expect(found).toHaveLength(2);
      expect(found).toContain(both[1]);
    }, { withinMs: 15_000 });
    for (let i = 0; i < 20; i++) await request(server);

    expect((await end(server)).code).toBe(0);
    await expect(fetch(`${server.url}/health/live`)).rejects.toThrow();
  }, 60_000);

  it('the end of one in the midst of requests leaves none of them without an end: each is answered or broken off', async () => {
    const server = await (await spawn({ env: { WORKERS: '2', LOG_LEVEL: 'debug' } })).ready();
    const outcomes: string[] = [];
    for (let round = 0; round < 3; round++) {
      const mark = server.log.length;
      const [victim] = await eventually(async () => {
        await request(server);
        const found = pids(server, mark);
        expect(found).toHaveLength(2);
        return found;
      }, { withinMs: 15_000 });
      let over = false;
      const asking = Array.from({ length: 8 }, async () => {
        while (!over) outcomes.push(await request(server).then(() => 'answered', (error: Error) => (error.name === 'TimeoutError' ? 'no end' : 'broken off')));
      });
      await new Promise((resolve) => setTimeout(resolve, 100));
      process.kill(victim, 'SIGKILL');
      await new Promise((resolve) => setTimeout(resolve, 300));
      over = true;
      await Promise.all(asking);
    }
    expect(outcomes.filter((outcome) => outcome === 'no end')).toEqual([]);
    expect(outcomes).toContain('answered');
  }, 60_000);

  it('the death of one worker beside a wrong .env stops nothing, and its replacement has the configuration of the start', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mintgate-start-'));
    try {
      writeFileSync(join(folder, '.env'), 'JWKS_MAX_AGE_SECONDS=300\nWORKERS=2\n');
      const server = await (await spawn({ folder })).ready();
      const ready = () => server.log.filter(({ msg }) => msg === 'ready');
      await eventually(() => expect(ready()).toHaveLength(2), { withinMs: 15_000 });
      writeFileSync(join(folder, '.env'), 'JWKS_MAX_AGE_SECONDS=60\nWORKERS=2\nLOG_LEVEL=verbose\n');
      process.kill(ready()[0]['pid'] as number, 'SIGKILL');
      await eventually(() => expect(ready()).toHaveLength(3), { withinMs: 15_000 });
      const headers = { connection: 'close' };
      for (let i = 0; i < 20; i++) {
        const answer = await fetch(`${server.url}/.well-known/jwks.json`, { headers });
        const age = Number(/max-age=(\d+)/.exec(answer.headers.get('cache-control') ?? '')?.[1]);
        expect(age).toBeGreaterThan(60);
      }
      expect((await end(server)).code).toBe(0);
    } finally {
      for (const server of started.splice(0)) await server.dispose();
      rmSync(folder, { recursive: true, force: true });
    }
  }, 60_000);

  it('a replacement that cannot start is tried again after growing pauses while another worker serves', async () => {
    const server = await (await spawn({ env: { WORKERS: '2' } })).ready();
    const lines = (msg: string) => server.log.filter((line) => line['msg'] === msg);
    await eventually(() => expect(lines('ready')).toHaveLength(2), { withinMs: 15_000 });
    const database = new Database(join(server.folder, 'data/mintgate.sqlite'));
    database.exec("UPDATE signing_keys SET sealed_private_jwk = 'x' || sealed_private_jwk");
    process.kill(lines('ready')[0]['pid'] as number, 'SIGKILL');
    await eventually(() => expect(lines('a worker ended, and is replaced').length).toBeGreaterThanOrEqual(3), { withinMs: 20_000 });
    const [, first, second] = lines('a worker ended, and is replaced');
    expect([first['ended'], second['ended']]).toEqual([78, 78]);
    expect(second['restart_in_ms']).toBe(2 * Number(first['restart_in_ms']));
    await request(server, '/health/ready');
    database.exec('UPDATE signing_keys SET sealed_private_jwk = substr(sealed_private_jwk, 2)');
    database.close();
    await eventually(() => expect(lines('ready')).toHaveLength(3), { withinMs: 20_000 });
    expect((await end(server)).code).toBe(0);
  }, 60_000);

  it('lets one worker apply what the other changed: a token revoked at one is dead at both within a second', async () => {
    // SQLite is for one process; with two of them one may have to wait for the other.
    const database = mariadbPort() === undefined ? undefined : await createDatabase('MariaDB');
    const server = await (await spawn({ env: { WORKERS: '2', BOOTSTRAP_CLIENT_ID: 'ops', BOOTSTRAP_CLIENT_SECRET: 'configured-secret-0123456789', ...(database ? { DATABASE_URL: database.url } : {}) } })).ready();
    const post = async (path: string, form: Record<string, string>) => {
      const headers = { authorization: `Basic ${Buffer.from('ops:configured-secret-0123456789').toString('base64')}`, connection: 'close' };
      const answer = await fetch(server.url + path, { method: 'POST', headers, body: new URLSearchParams(form) });
      return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
    };
    // One that is ready may have answered for both.
    await eventually(() => expect(server.log.filter(({ msg }) => msg === 'ready')).toHaveLength(2), { withinMs: 15_000 });
    const token = (await post('/oauth/token', { grant_type: 'client_credentials' })).body['access_token'] as string;
    for (let i = 0; i < 6; i++) expect((await post('/oauth/introspect', { token })).body).toMatchObject({ active: true });
    expect((await post('/oauth/revoke', { token })).status).toBe(200);
    await eventually(async () => {
      for (let i = 0; i < 6; i++) expect((await post('/oauth/introspect', { token })).body).toEqual({ active: false });
    }, { withinMs: 1000 });
    for (let i = 0; i < 20; i++) expect((await post('/oauth/introspect', { token })).body).toEqual({ active: false });
    await end(server);
    await database?.drop();
  });
});

describe.each(databaseKinds().filter((kind) => kind === 'MariaDB'))('a start on a shared database (%s)', () => {
  it('SIGTERM while another instance holds the start-up lease ends it promptly with status 0', async () => {
    const database = await createMariadb('empty');
    try {
      await database.sql('CREATE TABLE leases (name varchar(64) NOT NULL PRIMARY KEY, owner varchar(64) NOT NULL, expires_at bigint NOT NULL) ENGINE=InnoDB');
      await database.sql(`INSERT INTO leases VALUES ('startup', 'another', (UNIX_TIMESTAMP() + 60) * 1000)`);
      const server = await (await spawn({ env: { DATABASE_URL: database.url, SHUTDOWN_DRAIN_SECONDS: '0' } })).alive();
      expect((await fetch(`${server.url}/health/ready`)).status).toBe(503);
      const { code, ms } = await end(server);
      expect(code).toBe(0);
      expect(ms).toBeLessThan(5000);
      expect(await database.sql('SHOW TABLES')).toHaveLength(1);
    } finally {
      await database.drop();
    }
  });
});
