import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { JWK } from 'jose';
import { MintgateServer } from '../../../src/app.setup.js';
import { Logger } from '../../../src/common/logging/logger.js';
import { loadConfig } from '../../../src/config/load-config.js';
import { withDatabaseTls } from '../../support/database-tls.js';
import { describeOnEachDatabase, type TestDatabase } from '../../support/databases.js';
import { ownKey } from '../../support/forged-tokens.js';
import { freePort } from '../../support/mariadb.js';
import { ADMIN, TestServer } from '../../support/test-server.js';

/** All that the database holds on disk: of SQLite the files as they are, of MariaDB the table of keys and what else names one. */
async function dump(database: TestDatabase): Promise<string> {
  if (!database.url.startsWith('sqlite:')) {
    const rows = await Promise.all(['signing_keys', 'audit_events', 'changes'].map((table) => database.sql(`SELECT * FROM ${table}`)));
    return rows.map((each) => JSON.stringify(each)).join('\n').replaceAll('\\"', '"');
  }
  const folder = dirname(database.url.slice('sqlite:'.length));
  return readdirSync(folder).map((file) => readFileSync(join(folder, file)).toString('latin1')).join('\n');
}

describeOnEachDatabase('Private keys', (kind) => {
  let server: TestServer;

  beforeAll(async () => {
    server = await TestServer.start({ kind, env: { LOG_LEVEL: 'debug', ACCESS_TOKEN_SIGNING_ALG: 'RS256' } });
    const client = await server.driver.registerClient();
    await server.driver.introspect(client, await server.driver.accessToken(client));
  });
  afterAll(() => server.stop());

  /** Every secret number of a key, and the marks of a key that was written out. */
  function secrets(): string[] {
    const jwk = ownKey(server, 'RS256').privateKey.export({ format: 'jwk' }) as JWK;
    return [jwk.d!, jwk.p!, jwk.q!, jwk.dp!, jwk.dq!, jwk.qi!, '"d":', 'PRIVATE KEY'];
  }

  it('are encrypted in the database', async () => {
    const content = await dump(server.database);
    expect(content).toContain(ownKey(server, 'RS256').kid);
    expect(content).toContain((ownKey(server, 'RS256').publicKey.export({ format: 'jwk' }) as JWK).n);
    for (const secret of secrets()) expect(content).not.toContain(secret);
  });

  it('are in no answer of the admin API, with everything that is said of a key', async () => {
    const list = await server.driver.adminRequest<{ items: Record<string, unknown>[] }>('GET', '/keys');
    const rotated = await server.driver.adminRequest<{ items: Record<string, unknown>[] }>('POST', '/keys/rotate', {});
    const events = await server.driver.adminRequest('GET', '/audit-events');
    expect([list.status, rotated.status, events.status]).toEqual([200, 200, 200]);
    for (const item of [...list.body.items, ...rotated.body.items]) {
      expect(Object.keys(item).sort()).toEqual(['activated_at', 'alg', 'expires_at', 'kid', 'published_at', 'retired_at', 'status']);
    }
    for (const secret of secrets()) for (const { text } of [list, rotated, events]) expect(text).not.toContain(secret);
  });

  it('are in no line of the log, nor is the key that encrypts them', async () => {
    await server.driver.adminRequest('DELETE', `/keys/${ownKey(server, 'RS256').kid}`);
    const log = server.logLines.join('\n');
    expect(log).not.toBe('');
    for (const secret of [...secrets(), Buffer.alloc(32, 7).toString('base64')]) expect(log).not.toContain(secret);
  });

  it('are of no use under another KEY_ENCRYPTION_KEY: the server says so and does not become ready', async () => {
    const port = await freePort();
    const wrong = Buffer.alloc(32, 8).toString('base64');
    const other = await MintgateServer.create(
      loadConfig(withDatabaseTls({
        NODE_ENV: 'test', PORT: String(port), ISSUER: server.issuer, DATABASE_URL: server.database.url, KEY_ENCRYPTION_KEY: wrong, SHUTDOWN_DRAIN_SECONDS: '0',
        BOOTSTRAP_CLIENT_ID: ADMIN.clientId, BOOTSTRAP_CLIENT_SECRET: ADMIN.clientSecret, ACCESS_TOKEN_SIGNING_ALG: 'RS256',
      })),
      new Logger('silent'),
      server.clock,
    );
    try {
      await other.listen();
      const failure = await other.ready().then(() => new Error('it is ready'), (error: Error) => error);
      expect(failure.message).toMatch(/^KEY_ENCRYPTION_KEY: /);
      expect(failure.message).not.toContain(wrong);
      const ready = await fetch(`http://127.0.0.1:${port}/health/ready`);
      expect(ready.status).toBe(503);
      const jwks = await fetch(`http://127.0.0.1:${port}/.well-known/jwks.json`);
      expect(jwks.status).toBe(503);
    } finally {
      await other.stop();
    }
    server.driver.renewAdminToken();
    expect((await server.driver.adminRequest('GET', '/keys')).status).toBe(200);
  });
});
