import { readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { DataSource } from 'typeorm';
import { type DatabaseKind, describeOnEachDatabase } from '../../support/databases.js';
import { type Credentials, decodeJwt } from '../../support/oauth-driver.js';
import { expectOAuthError } from '../../support/oauth-errors.js';
import { TestServer } from '../../support/test-server.js';

/** Everything that the database holds: the rows of every table and, where it is a file, every byte of the folder that it is in. */
async function dump(server: TestServer, kind: DatabaseKind): Promise<string[]> {
  const dataSource = server.get(DataSource);
  const names = await dataSource.query<{ name: string }[]>(
    kind === 'SQLite' ? `SELECT name FROM sqlite_master WHERE type = 'table'` : `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()`,
  );
  const rows: string[] = [];
  for (const { name } of names) rows.push(`${name}: ${JSON.stringify(await dataSource.query(`SELECT * FROM ${name}`))}`);
  if (kind === 'MariaDB') return [rows.join('\n')];
  const folder = dirname(server.database.url.slice('sqlite:'.length));
  return [rows.join('\n'), readdirSync(folder).map((file) => readFileSync(`${folder}/${file}`, 'latin1')).join('\n')];
}

/** The ways in which a value could have been stored so that it can be had back. */
const spellings = (value: string): string[] => {
  const bare = value.replace(/^mg_.._/, '');
  const bytes = Buffer.from(bare, 'base64url');
  return [value, bare, [...value].reverse().join(''), Buffer.from(value).toString('base64').replace(/=+$/, ''), Buffer.from(value).toString('hex'), bytes.toString('hex'), bytes.toString('base64').replace(/=+$/, '')];
};

describeOnEachDatabase('opaque values', (kind) => {
  let server: TestServer;
  let client: Credentials;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
    client = await server.driver.registerClient({ scope: 'read', access_token_format: 'opaque', access_token_lifetime: 90 });
  });
  afterAll(() => server.stop());

  it('an opaque access token answers as a JWT does: type, lifetime, scope', async () => {
    const answer = await server.driver.token(client);
    const { access_token: token, ...rest } = answer.body;
    expect(token).toMatch(/^mg_at_[\w-]{22,}$/);
    expect(rest).toEqual({ token_type: 'Bearer', expires_in: 90, scope: 'read' });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect((await server.driver.introspect(client, token as string)).body).toMatchObject({ active: true, client_id: client.clientId, sub: client.clientId, scope: 'read', aud: server.issuer, iss: server.issuer });
  });

  it('lives as long as it says, to the second', async () => {
    const token = await server.driver.accessToken(client);
    server.clock.advanceSeconds(89);
    expect((await server.driver.introspect(client, token)).body['active']).toBe(true);
    server.clock.advanceSeconds(1);
    expect((await server.driver.introspect(client, token)).text).toBe('{"active":false}');
    server.driver.renewAdminToken();
  });

  it('RFC 6749 §10.10: 2,000 tokens have no two alike, 128 random bits at least, and nothing in common but their prefix', async () => {
    const tokens: string[] = [];
    while (tokens.length < 2000) tokens.push(...(await Promise.all(Array.from({ length: 40 }, () => server.driver.accessToken(client)))));
    expect(new Set(tokens).size).toBe(tokens.length);
    const random = tokens.map((token) => /^mg_at_([\w-]{22,})$/.exec(token)?.[1] ?? '');
    expect(new Set(random.map(({ length }) => length)).size).toBe(1);
    const length = random[0].length;
    expect(length).toBeGreaterThanOrEqual(22);
    // At every place but the last, which may hold fewer bits, nearly all of the 64 characters turn up; no UUID has that.
    for (let at = 0; at < length - 1; at++) expect([at, new Set(random.map((each) => each.charAt(at))).size]).toEqual([at, 64]);
    expect(new Set(random.map((each) => each.slice(0, 11))).size).toBe(tokens.length);
    expect(new Set(random.map((each) => each.slice(-11))).size).toBe(tokens.length);
  });

  it('client secrets: 2^128 at least, with a prefix of their own', async () => {
    const secrets = await Promise.all(Array.from({ length: 20 }, async () => (await server.driver.registerClient({})).clientSecret));
    expect(new Set(secrets.map((secret) => secret.slice(0, 17))).size).toBe(20);
    for (const secret of secrets) expect(secret).toMatch(/^mg_cs_[\w-]{43}$/);
  });

  it('no kind is accepted in place of another', async () => {
    const token = await server.driver.accessToken(client);
    expectOAuthError(await server.driver.token({ clientId: client.clientId, clientSecret: token }), 401, 'invalid_client');
    for (const value of [client.clientSecret, token.replace('mg_at_', 'mg_rt_'), token.replace('mg_at_', 'mg_cs_'), token.replace('mg_at_', ''), token.toLowerCase(), `${token}A`, token.slice(0, -1), ` ${token}`, `${token}\n`]) {
      expect((await server.driver.introspect(client, value)).text).toBe('{"active":false}');
    }
  });

  it('RFC 6749 §10.3: the database holds no token and no client secret, only digests', async () => {
    const jwtClient = await server.driver.registerClient({ scope: 'read', client_id: 'to-be-found-in-the-dump' });
    const added = await server.driver.adminRequest('POST', `/clients/${jwtClient.clientId}/secrets`, {});
    const [opaque, revokedOpaque] = [await server.driver.accessToken(client), await server.driver.accessToken(client)];
    const [jwt, revokedJwt] = [await server.driver.accessToken(jwtClient), await server.driver.accessToken(jwtClient)];
    for (const [who, token] of [[client, revokedOpaque], [jwtClient, revokedJwt]] as const) expect((await server.driver.revoke(who, token)).status).toBe(200);

    const secrets = [client.clientSecret, jwtClient.clientSecret, added.body['client_secret'] as string, opaque, revokedOpaque];
    for (const held of await dump(server, kind)) {
      expect(held).toContain('to-be-found-in-the-dump');
      expect(held).toContain(decodeJwt(revokedJwt).claims['jti']);
      for (const value of secrets.flatMap(spellings)) expect(held.includes(value)).toBe(false);
      for (const value of [jwt, revokedJwt]) expect([held.includes(value), held.includes(value.split('.')[2])]).toEqual([false, false]);
      for (const prefix of ['mg_at_', 'mg_cs_', 'BEGIN PRIVATE KEY', '"d":']) expect([prefix, held.includes(prefix)]).toEqual([prefix, false]);
    }
  });

  it('nor does the log', () => {
    expect(server.logLines.join('\n')).not.toMatch(/mg_at_|mg_cs_|eyJ/);
    expect(server.logLines.join('\n')).not.toContain(client.clientSecret.slice(6));
  });
});
