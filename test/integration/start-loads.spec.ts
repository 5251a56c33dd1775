import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { eventually } from '../support/eventually.js';
import { SpawnedServer } from '../support/spawned-server.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const PRELOAD = resolve(__dirname, '../support/loaded-packages.cjs');
const SECRET = 'a-secret-of-the-first-admin-client-0123456789';
const MIB = 1024 * 1024;

interface Report {
  packages: string[];
  young: number;
}

describe('a server that has given its first token', () => {
  const servers: SpawnedServer[] = [];
  const files: string[] = [];

  afterEach(async () => {
    for (const server of servers.splice(0)) await server.dispose();
    for (const file of files.splice(0)) rmSync(file, { force: true });
  });

  async function start(): Promise<{ server: SpawnedServer; token: string; report: () => Promise<Report> }> {
    const file = join(temporaryFolder(), `mintgate-loaded-${process.pid}-${randomUUID()}.json`);
    files.push(file);
    const env = { NODE_OPTIONS: `--require ${PRELOAD}`, REPORT: file, BOOTSTRAP_CLIENT_ID: 'ops', BOOTSTRAP_CLIENT_SECRET: SECRET, SHUTDOWN_DRAIN_SECONDS: '0' };
    const server = await SpawnedServer.start({ env });
    servers.push(server);
    await server.ready();
    const authorization = `Basic ${Buffer.from(`ops:${SECRET}`).toString('base64')}`;
    const answer = await fetch(`${server.url}/oauth/token`, { method: 'POST', headers: { authorization }, body: new URLSearchParams({ grant_type: 'client_credentials' }) });
    const { access_token: token } = (await answer.json()) as { access_token: string };
    const report = async (): Promise<Report> => {
      rmSync(file, { force: true });
      server.kill('SIGUSR2');
      return eventually(() => JSON.parse(readFileSync(file, 'utf8')) as Report);
    };
    return { server, token, report };
  }

  it('has not loaded the packages that tokens do not need, and does when they are needed', async () => {
    const { server, token, report } = await start();
    expect(token).toMatch(/^eyJ/);
    const { packages } = await report();
    expect(packages).toEqual(expect.arrayContaining(['@nestjs/core', 'typeorm']));
    for (const late of ['@nestjs/swagger', 'prom-client', '@opentelemetry/api', '@zxcvbn-ts/language-common']) expect(packages).not.toContain(late);

    for (const path of ['/openapi.json', '/docs', '/metrics']) expect([path, (await fetch(server.url + path)).status]).toEqual([path, 200]);
    const refused = await fetch(`${server.url}/admin/v1/clients`, { method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: '{"client_name":1}' });
    expect([refused.status, await refused.json()]).toEqual([400, expect.objectContaining({ errors: expect.arrayContaining([{ pointer: '/client_name', detail: 'must be a string' }]) as unknown })]);
    expect((await report()).packages).toEqual(expect.arrayContaining(['@nestjs/swagger', 'prom-client', 'class-validator']));
  });

  it('keeps the young generation of V8 at twice 4 MiB', async () => {
    const { report } = await start();
    expect((await report()).young).toBeLessThanOrEqual(9 * MIB);
  });
});
