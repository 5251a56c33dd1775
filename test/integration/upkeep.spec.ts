import { copyFileSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MintgateServer } from '../../src/app.setup.js';
import { Logger } from '../../src/common/logging/logger.js';
import { loadConfig } from '../../src/config/load-config.js';
import { ChangeFeed } from '../../src/database/change-feed.js';
import { Cleanup } from '../../src/database/cleanup.js';
import { Database } from '../../src/database/database.js';
import { Leases } from '../../src/database/leases.js';
import { withDatabaseTls } from '../support/database-tls.js';
import { createDatabase, describeOnEachDatabase } from '../support/databases.js';
import { freePort } from '../support/mariadb.js';
import { TestServer } from '../support/test-server.js';

const count = async (server: TestServer, table: string, where = '1 = 1'): Promise<number> =>
  Number((await server.get(Database).query<{ n: number | string }>(`SELECT COUNT(*) AS n FROM ${table} WHERE ${where}`))[0].n);

describeOnEachDatabase('The clean-up of expired rows', (kind) => {
  let server: TestServer;

  beforeEach(async () => {
    server = await TestServer.start({ kind });
  });
  afterEach(() => server.stop());

  it('deletes opaque tokens when they have expired, and no sooner', async () => {
    const client = await server.driver.registerClient({ scope: 'a', access_token_format: 'opaque', access_token_lifetime: 300 });
    await server.driver.accessToken(client);
    server.clock.advanceSeconds(200);
    const later = await server.driver.accessToken(client);
    server.clock.advanceSeconds(101);
    await server.get(Cleanup).run();
    expect(await count(server, 'access_tokens')).toBe(1);
    expect((await server.driver.introspect(client, later)).body).toMatchObject({ active: true });
    server.clock.advanceSeconds(300);
    await server.get(Cleanup).run();
    expect(await count(server, 'access_tokens')).toBe(0);
  });

  it('keeps what is known of a revoked JWT until the JWT has expired', async () => {
    const client = await server.driver.registerClient({ access_token_lifetime: 3600 });
    await server.driver.revoke(client, await server.driver.accessToken(client));
    server.clock.advanceSeconds(3599);
    await server.get(Cleanup).run();
    expect(await count(server, 'changes', `topic = 'revoked-token'`)).toBe(1);
    server.clock.advanceSeconds(2);
    await server.get(Cleanup).run();
    expect(await count(server, 'changes', `topic = 'revoked-token'`)).toBe(0);
  });

  it('deletes more than one batch in a round', async () => {
    const rows = Array.from({ length: 2500 }, (_, i) => `('client', 'c${i}', 1)`);
    for (let at = 0; at < rows.length; at += 500) await server.get(Database).execute(`INSERT INTO changes (topic, subject, expires_at) VALUES ${rows.slice(at, at + 500).join(', ')}`);
    await server.get(Cleanup).run();
    expect(await count(server, 'changes', 'expires_at = 1')).toBe(0);
  });

  it('goes on while there is a backlog, of every kind in turn, and says so', async () => {
    const rows = 10_050;
    const digits = '(SELECT 0 AS d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9)';
    const numbers = `(SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d AS i FROM ${digits} a, ${digits} b, ${digits} c, ${digits} e, ${digits} f) AS numbers`;
    await server.get(Database).execute(`INSERT INTO changes (topic, subject, expires_at) SELECT 'client', 'another', 1 FROM ${numbers} WHERE i < ${rows}`);
    expect(await server.get(Cleanup).run()).toMatchObject({ changes: rows });
    expect(await count(server, 'changes', 'expires_at = 1')).toBe(0);
    const told = server.logLines.filter((line) => line.includes('more expired rows wait')).map((line) => JSON.parse(line) as object);
    expect(told).toMatchObject([{ deleted: { changes: 10_000 }, backlog: { changes: 50 } }]);
  });

  it('ends with the batch that is under way when its lease is lost or the server stops', async () => {
    const tenThousand = Array.from({ length: 10_000 }, () => `('client', 'another', 1)`).join(', ');
    const loses: (() => Promise<unknown>)[] = [
      () => server.get(Database).execute(`UPDATE leases SET owner = 'another' WHERE name = 'cleanup'`),
      () => server.get(Cleanup).onApplicationShutdown(),
    ];
    for (const lose of loses) {
      await server.get(Database).execute(`INSERT INTO changes (topic, subject, expires_at) VALUES ${tenThousand}`);
      let lost: Promise<unknown> | undefined;
      // Slower than the renewal of the lease, which tells of the loss.
      const deleted = await server.get(Cleanup).run(() => {
        lost ??= lose();
        for (const until = performance.now() + 50; performance.now() < until; );
      });
      await lost;
      expect(deleted['changes']).toBeGreaterThan(0);
      expect(deleted['changes']).toBeLessThan(10_000);
      await server.get(Database).execute(`UPDATE leases SET expires_at = 0 WHERE name = 'cleanup'`);
    }
    expect(server.logLines.filter((line) => line.includes('was lost: another took it'))).toHaveLength(1);
  });

  it('leaves the round to another instance that is at it', async () => {
    const other = await TestServer.start({ database: server.database, issuer: server.issuer, clock: server.clock });
    try {
      await server.get(Database).execute(`INSERT INTO changes (topic, subject, expires_at) VALUES ('client', 'c', 1)`);
      await other.get(Leases).hold('cleanup', () => server.get(Cleanup).run());
      expect(await count(server, 'changes', 'expires_at = 1')).toBe(1);
    } finally {
      await other.stop();
    }
  });
});

describeOnEachDatabase('An instance that was cut off for longer than notices are kept', (kind) => {
  it('learns anew what it has in memory before it answers again', async () => {
    const server = await TestServer.start({ kind });
    try {
      const client = await server.driver.registerClient({ scope: 'a' });
      await server.get(ChangeFeed).poll();
      await server.driver.accessToken(client);
      // What another instance changed, and whose notice was cleaned away before this one could read it.
      await server.get(Database).execute('UPDATE clients SET enabled = 0 WHERE client_id = ?', [client.clientId]);
      await server.get(ChangeFeed).poll();
      expect((await server.driver.token(client)).status).toBe(200);
      server.clock.advanceSeconds(600);
      await server.get(ChangeFeed).poll();
      expect((await server.driver.token(client)).status).toBe(401);
    } finally {
      await server.stop();
    }
  });
});

describeOnEachDatabase('An instance with another KEY_ENCRYPTION_KEY', (kind) => {
  it('does not start, and leaves no key behind that the others could not open', async () => {
    const first = await TestServer.start({ kind });
    try {
      const before = await count(first, 'signing_keys');
      const port = await freePort();
      const config = loadConfig(withDatabaseTls({
        PORT: String(port), ISSUER: first.issuer, DATABASE_URL: first.database.url, KEY_ENCRYPTION_KEY: Buffer.alloc(32, 9).toString('base64'),
        ACCESS_TOKEN_SIGNING_ALG: 'RS256', LOG_LEVEL: 'silent',
      }));
      const second = await MintgateServer.create(config, new Logger('silent'));
      await expect(second.ready()).rejects.toThrow(/KEY_ENCRYPTION_KEY/);
      await second.stop();
      expect(await count(first, 'signing_keys')).toBe(before);
      const client = await first.driver.registerClient();
      expect((await first.driver.token(client)).status).toBe(200);
    } finally {
      await first.stop();
    }
  });
});

describe('A JWT that would be too long to be asked about', () => {
  it('is not issued: invalid_scope; one that is just short enough is, and can be introspected and revoked', async () => {
    const server = await TestServer.start();
    try {
      const scope = Array.from({ length: 400 }, (_, i) => `scope-of-a-name-${String(i).padStart(3, '0')}`).join(' ');
      const client = await server.driver.registerClient({ scope });
      const token = await server.driver.accessToken(client);
      expect(token.length).toBeGreaterThan(10_000);
      expect((await server.driver.introspect(client, token)).body).toMatchObject({ active: true });
      await server.driver.revoke(client, token);
      expect((await server.driver.introspect(client, token)).body).toEqual({ active: false });

      const identifiers = Array.from({ length: 10 }, (_, i) => `https://api.example/${String(i)}/${'x'.repeat(400)}`);
      for (const identifier of identifiers) await server.driver.registerResource({ identifier });
      const caller = await server.driver.registerClient({ scope, resources: identifiers });
      const answer = await server.driver.token(caller, { resource: identifiers });
      expect(answer.status).toBe(400);
      expect(answer.body).toMatchObject({ error: 'invalid_scope' });
    } finally {
      await server.stop();
    }
  });
});

describe('The embedded database after an orderly stop', () => {
  it('is whole in its one file, readable by its owner only', async () => {
    const database = await createDatabase('SQLite', 'empty');
    const copies = mkdtempSync(join(tmpdir(), 'mintgate-copy-'));
    try {
      const first = await TestServer.start({ database });
      const client = await first.driver.registerClient({ scope: 'a' });
      await first.stop();
      expect(statSync(database.url.slice('sqlite:'.length)).mode & 0o077).toBe(0);
      const copy = join(copies, 'copy.sqlite');
      copyFileSync(database.url.slice('sqlite:'.length), copy);
      const second = await TestServer.start({ database: { ...database, url: `sqlite:${copy}` }, issuer: first.issuer });
      expect((await second.driver.token(client)).status).toBe(200);
      await second.stop();
    } finally {
      rmSync(copies, { recursive: true });
      await database.drop();
    }
  });
});
