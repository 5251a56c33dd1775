import { Agent, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ClientsRepository } from '../../src/clients/clients.repository.js';
import { Database } from '../../src/database/database.js';
import { describeOnEachDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { basic, type Credentials } from '../support/oauth-driver.js';
import { TestServer } from '../support/test-server.js';

interface Reply {
  status: number;
  connection: string | undefined;
  body: string;
}

function get(agent: Agent, url: string, options: { method?: string; headers?: Record<string, string>; body?: string } = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const req = request(url, { agent, method: options.method ?? 'GET', headers: options.headers ?? {} }, (res: IncomingMessage) => {
      let body = '';
      res.on('data', (chunk: Buffer) => (body += chunk.toString()));
      res.on('end', () => resolve({ status: res.statusCode!, connection: res.headers.connection, body }));
      res.on('error', reject);
    });
    req.on('error', reject).end(options.body);
  });
}

const tokenRequest = (client: Credentials) => ({ method: 'POST', headers: { authorization: basic(client), 'content-type': 'application/x-www-form-urlencoded' }, body: 'grant_type=client_credentials' });

describe('going out of service', () => {
  let server: TestServer;
  let client: Credentials;

  beforeEach(async () => {
    server = await TestServer.start({ env: { SHUTDOWN_DRAIN_SECONDS: '1' } });
    client = await server.driver.registerClient();
  });

  it('loses no request of clients that keep their connections and leave when they are told to', async () => {
    const tally = { served: 0, told: 0 };
    const leave = async (agent: Agent) => {
      for (;;) {
        const reply = await get(agent, `${server.url}/oauth/token`, tokenRequest(client));
        expect(reply.status).toBe(200);
        tally.served++;
        if (reply.connection === 'close') {
          tally.told++;
          return;
        }
      }
    };
    const agents = Array.from({ length: 10 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
    const running = agents.map(leave);
    await eventually(() => expect(tally.served).toBeGreaterThan(50));
    const stopping = server.stop();
    await Promise.all(running);
    await stopping;
    expect(tally.told).toBe(10);
    for (const agent of agents) agent.destroy();
  });

  it('says so at the readiness probe while it still serves every request, new connections too', async () => {
    const idle = new Agent({ keepAlive: true });
    await get(idle, `${server.url}/health/live`);
    const stopping = server.stop();
    const fresh = new Agent({ keepAlive: false });
    const ready = await get(fresh, `${server.url}/health/ready`);
    expect(ready.status).toBe(503);
    expect(JSON.parse(ready.body)).toMatchObject({ status: 'draining' });
    for (const agent of [idle, fresh, new Agent()]) {
      expect(await get(agent, `${server.url}/oauth/token`, tokenRequest(client))).toMatchObject({ status: 200, connection: 'close' });
      expect(await get(agent, `${server.url}/health/live`)).toMatchObject({ status: 200, connection: 'close' });
    }
    await stopping;
    await expect(get(fresh, `${server.url}/health/live`)).rejects.toThrow('ECONNREFUSED');
  });

  it('serves until the end of the drain a client that asks over a connection it had kept idle', async () => {
    const agents = Array.from({ length: 8 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
    await Promise.all(agents.map((agent) => get(agent, `${server.url}/health/live`)));
    const stopping = server.stop();
    const replies = await Promise.all(agents.map(async (agent, i) => {
      await sleep(i * 110);
      return get(agent, `${server.url}/oauth/token`, tokenRequest(client));
    }));
    expect(replies.map(({ status, connection }) => ({ status, connection }))).toEqual(Array(8).fill({ status: 200, connection: 'close' }));
    await stopping;
    for (const agent of agents) agent.destroy();
  });

  it('finishes a request whose body arrives while it goes', async () => {
    const { port } = new URL(server.url);
    const body = 'grant_type=client_credentials';
    let received = '';
    const socket = connect(Number(port), '127.0.0.1').on('data', (chunk: Buffer) => (received += chunk.toString()));
    socket.write(`POST /oauth/token HTTP/1.1\r\nHost: x\r\nAuthorization: ${basic(client)}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 10)}`);
    await sleep(100);
    const stopping = server.stop();
    await sleep(1200);
    socket.write(body.slice(10));
    await eventually(() => expect(received).toMatch(/^HTTP\/1\.1 200 /));
    await stopping;
    socket.destroy();
  });

  it('is over in time although a client never sends the rest of its request', async () => {
    await server.stop();
    server = await TestServer.start({ env: { SHUTDOWN_DRAIN_SECONDS: '0', SHUTDOWN_TIMEOUT_SECONDS: '1' } });
    const { port } = new URL(server.url);
    const socket = connect(Number(port), '127.0.0.1').on('error', () => undefined);
    socket.write('POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc');
    await sleep(100);
    const began = performance.now();
    await server.stop();
    expect(performance.now() - began).toBeLessThan(3000);
    socket.destroy();
  });

  it('writes what was still to be written: when each secret was used last', async () => {
    const stopped = await TestServer.start({ database: server.database, issuer: server.issuer, env: { LAST_USED_FLUSH_SECONDS: '3600' } });
    await stopped.driver.accessToken(client);
    await stopped.stop();
    const { body } = await server.driver.adminRequest<{ items: { last_used_at: string | null }[] }>('GET', `/clients/${client.clientId}/secrets`);
    expect(body.items.map(({ last_used_at }) => last_used_at)).toEqual([new Date(stopped.clock.nowMs()).toISOString()]);
    await server.stop();
  });
});

describeOnEachDatabase('a request that meets a fault of ours', (kind) => {
  let server: TestServer;
  let client: Credentials;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
    client = await server.driver.registerClient({ access_token_format: 'opaque' });
  });
  afterAll(() => server.stop());

  const LEAK = /\n\s*at |\.[jt]s:\d+:\d+\)|SELECT |INSERT |access_tokens|vanished|QueryFailedError|ER_|SQLITE_|[0-9a-f]{64}/;
  const LOG_LEAK = /\\n\s*at |SELECT |INSERT |VALUES|mg_(at|cs)_|[0-9a-f]{64}/;

  it('a table that is gone: one server_error without SQL or stack in answer and log, and the next request works', async () => {
    const database = server.get(Database);
    const from = server.logLines.length;
    await database.execute('ALTER TABLE access_tokens RENAME TO vanished');
    const failed = await server.driver.token(client);
    const introspected = await server.driver.introspect(client, `mg_at_${'x'.repeat(43)}`);
    await database.execute('ALTER TABLE vanished RENAME TO access_tokens');
    for (const answer of [failed, introspected]) {
      expect(answer.status).toBe(500);
      expect(answer.body).toMatchObject({ error: 'server_error' });
      expect(Object.keys(answer.body)).toEqual(['error', 'error_description']);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.text).not.toMatch(LEAK);
    }
    const lines = server.logLines.slice(from).filter((line) => line.includes('"level":"error"'));
    expect(lines.map((line) => (JSON.parse(line) as { status: number; path: string }).path)).toEqual(['/oauth/token', '/oauth/introspect']);
    expect(lines.join('\n')).not.toMatch(LOG_LEAK);
    expect((await server.driver.token(client)).status).toBe(200);
  });

  it('an exception in a repository: one server_error at OAuth endpoints, one 500 problem in the admin API, and the next request works', async () => {
    const repository = server.get(ClientsRepository);
    const failOnce = (method: 'find' | 'findWithSecrets') => {
      const original = repository[method].bind(repository);
      repository[method] = () => {
        Object.assign(repository, { [method]: original });
        throw new TypeError('SELECT secret FROM vanished');
      };
    };
    const other = await server.driver.registerClient();
    failOnce('findWithSecrets');
    const failed = await server.driver.token(other);
    expect({ status: failed.status, error: failed.body['error'] }).toEqual({ status: 500, error: 'server_error' });
    expect(failed.text).not.toMatch(LEAK);
    expect((await server.driver.token(other)).status).toBe(200);

    failOnce('find');
    const problem = await server.driver.adminRequest('GET', `/clients/${other.clientId}`);
    expect(problem.headers.get('content-type')).toContain('application/problem+json');
    expect(problem.body).toMatchObject({ status: 500, title: 'Internal Server Error' });
    expect(problem.text).not.toMatch(LEAK);
    expect((await server.driver.adminRequest('GET', `/clients/${other.clientId}`)).status).toBe(200);
  });

  it('a client that hangs up in the middle of its request disturbs nobody', async () => {
    const { port } = new URL(server.url);
    for (let i = 0; i < 50; i++) {
      const socket = connect(Number(port), '127.0.0.1').on('error', () => undefined);
      socket.write(`POST /oauth/token HTTP/1.1\r\nHost: x\r\nAuthorization: ${basic(client)}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 29\r\n\r\n${i % 2 ? 'grant_type=client_credentials' : 'grant'}`);
      setTimeout(() => socket.resetAndDestroy(), i % 7);
    }
    await sleep(200);
    const answers = await Promise.all(Array.from({ length: 20 }, () => server.driver.token(client)));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(server.logLines.filter((line) => line.includes('"status":500') && line.includes('broken off'))).toEqual([]);
  });
});
