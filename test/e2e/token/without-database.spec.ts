import { DataSource, type QueryRunner } from 'typeorm';
import { ChangeFeed } from '../../../src/database/change-feed.js';
import { statementsOf } from '../../../src/database/statements.js';
import { describeOnEachDatabase } from '../../support/databases.js';
import { type Credentials, decodeJwt } from '../../support/oauth-driver.js';
import { TestServer } from '../../support/test-server.js';

/** Notes every statement that the application sends from now on, but for the reading of the change feed, which goes on by itself. */
function noteStatements(dataSource: DataSource): string[] {
  const statements: string[] = [];
  const note = (sql: string) => {
    if (!/^SELECT\b.+\bFROM changes\b/i.test(sql)) statements.push(sql);
  };
  const single = statementsOf(dataSource);
  const run = single.run.bind(single);
  single.run = (sql, parameters) => {
    note(sql);
    return run(sql, parameters);
  };
  const { driver } = dataSource;
  const create = driver.createQueryRunner.bind(driver);
  driver.createQueryRunner = (mode) => {
    const runner: QueryRunner = create(mode);
    const query = runner.query.bind(runner);
    runner.query = ((sql: string, parameters?: unknown[], structured?: boolean) => {
      note(sql);
      return query(sql, parameters as never, structured as never);
    }) as QueryRunner['query'];
    return runner;
  };
  return statements;
}

describeOnEachDatabase('a JWT for client_credentials and the database', (kind) => {
  let server: TestServer;
  let statements: string[];

  beforeAll(async () => {
    server = await TestServer.start({ kind, env: { CHANGE_FEED_INTERVAL_MS: '900', LAST_USED_FLUSH_SECONDS: '3600' } });
    await server.driver.registerResource({ identifier: 'https://api.example', scopes: [{ name: 'api' }] });
    statements = noteStatements(server.get(DataSource));
  });
  afterAll(() => server.stop());

  /** Registers, and lets the feed bring back the news of it: after that there is none. */
  const register = async (metadata: Record<string, unknown>) => {
    const client = await server.driver.registerClient(metadata);
    await server.get(ChangeFeed).poll();
    return client;
  };

  const issue = async (credentials: Credentials, times: number): Promise<Set<unknown>> => {
    const ids = new Set<unknown>();
    for (let done = 0; done < times; done += 20) {
      const tokens = await Promise.all(Array.from({ length: 20 }, (_, i) => server.driver.accessToken(credentials, i % 2 ? { scope: 'api' } : { resource: 'https://api.example' })));
      for (const token of tokens) ids.add(decodeJwt(token).claims['jti']);
    }
    return ids;
  };

  it.each(['client_secret_basic', 'client_secret_post'])('200 tokens of a client in memory (%s) neither read nor write it', async (method) => {
    const client = await register({ scope: 'api free', token_endpoint_auth_method: method });
    const ask = () => server.driver.form('/oauth/token', { grant_type: 'client_credentials', scope: 'api', ...(method === 'client_secret_post' ? { client_id: client.clientId, client_secret: client.clientSecret } : {}) }, method === 'client_secret_basic' ? client : undefined);
    statements.length = 0;
    expect((await ask()).status).toBe(200);
    // The first request reads the client: so the statements are seen.
    expect(statements.join('\n')).toMatch(/clients/);
    expect(statements.every((sql) => /^SELECT/i.test(sql))).toBe(true);

    statements.length = 0;
    if (method === 'client_secret_basic') expect((await issue(client, 200)).size).toBe(200);
    else for (let i = 0; i < 200; i++) expect((await ask()).status).toBe(200);
    expect(statements).toEqual([]);
  });

  it('nor do refusals: a wrong secret, an unknown client asked for again, a wrong scope', async () => {
    const client = await register({ scope: 'api' });
    const refusals = () =>
      Promise.all([
        server.driver.token({ ...client, clientSecret: 'wrong' }),
        server.driver.token({ clientId: 'nobody', clientSecret: 'wrong' }),
        server.driver.token(client, { scope: 'unknown' }),
        server.driver.token(client, { resource: 'https://unknown.example' }),
      ]);
    await refusals();
    statements.length = 0;
    for (let i = 0; i < 20; i++) expect((await refusals()).map(({ status }) => status)).toEqual([401, 401, 400, 400]);
    expect(statements).toEqual([]);
  });

  it('nor does the verification of such a token: introspection by its client', async () => {
    const client = await register({ scope: 'api' });
    const token = await server.driver.accessToken(client);
    statements.length = 0;
    for (let i = 0; i < 20; i++) expect((await server.driver.introspect(client, token)).body['active']).toBe(true);
    expect(statements).toEqual([]);
  });

  it('a burst for a client that is not in memory reads it once', async () => {
    const client = await register({ scope: 'api' });
    statements.length = 0;
    await issue(client, 100);
    expect(statements.filter((sql) => /FROM [`"]?clients\b/i.test(sql))).toHaveLength(1);
    expect(statements.filter((sql) => !/^SELECT/i.test(sql))).toEqual([]);
  });

  it('an opaque token is one insert', async () => {
    const client = await register({ scope: 'api', access_token_format: 'opaque' });
    await server.driver.accessToken(client);
    statements.length = 0;
    await server.driver.accessToken(client);
    expect(statements.filter((sql) => !/^(START TRANSACTION|BEGIN|COMMIT)/i.test(sql))).toEqual([expect.stringMatching(/^INSERT INTO [`"]?access_tokens\b/i)]);
  });
});
