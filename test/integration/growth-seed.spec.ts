import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { Cleanup } from '../../src/database/cleanup.js';
import { withDatabaseTls } from '../support/database-tls.js';
import { createDatabase, describeOnEachDatabase, type TestDatabase } from '../support/databases.js';
import { FakeClock } from '../support/fake-clock.js';
import { plant } from '../support/leak-watch.js';
import type { Credentials, UserCredentials } from '../support/oauth-driver.js';
import { KEY_ENCRYPTION_KEY, TestServer } from '../support/test-server.js';

const ISSUER = 'http://127.0.0.1:3997';
const ROOT = resolve(__dirname, '../..');
const CLIENTS = 60;
const USERS = 20;
const FAMILIES = 400;

interface Sample {
  service: { id: string; secret: string };
  application: { id: string; secret: string };
  user: UserCredentials;
  refreshToken: string;
}

describeOnEachDatabase('bench/growth/seed.mjs', (kind) => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createDatabase(kind, 'empty');
  });
  afterAll(() => database?.drop());

  const run = async (file: string, ...args: string[]) => {
    const env = withDatabaseTls({ PATH: process.env.PATH, ISSUER, KEY_ENCRYPTION_KEY, DATABASE_URL: database.url });
    return promisify(execFile)(process.execPath, [resolve(ROOT, file), ...args], { cwd: tmpdir(), env, timeout: 60_000 });
  };
  const seed = () => run('bench/growth/seed.mjs', '--clients', String(CLIENTS), '--users', String(USERS), '--refresh-tokens', String(FAMILIES));
  const credentials = ({ id, secret }: { id: string; secret: string }): Credentials => ({ clientId: id, clientSecret: secret });

  it('refuses a database without tables', async () => {
    await expect(seed()).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(/^growth: .*mintgate migrate/) as string });
  }, 60_000);

  it('fills one with rows as the server writes them: clients, users and families of which it tells a sample', async () => {
    await run('bin/mintgate.cjs', 'migrate');
    const { rows, sample } = JSON.parse((await seed()).stdout) as { rows: number; sample: Sample };
    expect(rows).toBe(2 * CLIENTS + USERS + FAMILIES);
    for (const secret of [sample.service.secret, sample.application.secret, sample.refreshToken]) plant(secret);
    const server = await TestServer.start({ database, issuer: ISSUER, clock: new FakeClock(Date.now()) });
    try {
      const { driver } = server;
      const { service, application, user, refreshToken } = sample;
      expect((await driver.token(credentials(service))).body).toMatchObject({ token_type: 'Bearer', scope: 'api' });
      const { refreshToken: next, accessToken } = await driver.refreshed(credentials(application), refreshToken);
      expect((await driver.introspect(credentials(application), next)).body).toMatchObject({ active: true, scope: 'api' });
      expect((await driver.introspect(credentials(application), accessToken)).body).toMatchObject({ active: true, client_id: application.id });
      await driver.signIn(credentials(application), user);
      const backlog = await server.get(Cleanup).backlog();
      expect(backlog['token_families']).toBeGreaterThan(FAMILIES / 40);
      expect(backlog['token_families']).toBeLessThan(FAMILIES / 3);
    } finally {
      await server.stop();
    }
  }, 60_000);

  it('refuses one that is filled already, and leaves it as it is', async () => {
    await expect(seed()).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(/^growth: the database holds families/) as string });
  }, 60_000);
});
