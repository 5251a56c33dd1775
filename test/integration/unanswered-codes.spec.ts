import { connect } from 'node:net';
import { DataSource } from 'typeorm';
import { digestOf } from '../../src/common/crypto/opaque-value.js';
import { CALLBACK, type ParameterChanges, PKCE } from '../support/authorization-url.js';
import { CodeFlow, type IssuedTokens } from '../support/code-flow.js';
import { type DatabaseKind, databaseKinds, describeOnEachDatabase, type TestDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { type Answer, basic, type Credentials, decodeJwt, type RegisteredUser } from '../support/oauth-driver.js';
import { expectOAuthError } from '../support/oauth-errors.js';
import { PrivateMariadb } from '../support/private-mariadb.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { TestServer } from '../support/test-server.js';

/** Longer than a code whose answer was lost can be repeated. */
const TOO_LATE_SECONDS = 301;
const METADATA = {
  grant_types: ['authorization_code', 'refresh_token'],
  redirect_uris: [CALLBACK],
  scope: 'openid offline_access read',
  default_scope: 'read',
  skip_consent: true,
};

/** Two instances on one database; the first one reaches it through a proxy where that can be. */
class Pair {
  private constructor(
    readonly first: TestServer,
    readonly second: TestServer,
    readonly flow: CodeFlow,
    private readonly user: RegisteredUser,
    readonly proxy: TcpProxy | undefined,
  ) {}

  /** @param readable where the proxy has to read what passes: a database that speaks no TLS */
  static async start(kind: DatabaseKind, readable?: TestDatabase): Promise<Pair> {
    const options = readable ? { database: readable, env: { DATABASE_TLS: 'off' } } : { kind };
    const second = await TestServer.start(options);
    const port = new URL(second.database.url).port;
    const proxy = kind === 'MariaDB' ? await TcpProxy.to(Number(port)) : undefined;
    const url = proxy ? second.database.url.replace(`:${port}/`, `:${proxy.port}/`) : second.database.url;
    const { issuer, clock, driver } = second;
    const first = await TestServer.start({ ...options, database: { ...second.database, url }, issuer, clock });
    const user = await driver.registerUser({ username: 'barbara' });
    return new Pair(first, second, await CodeFlow.signedIn(second, user), user, proxy);
  }

  async stop(): Promise<void> {
    await this.first.stop();
    await this.proxy?.close();
    await this.second.stop();
  }

  /** A client that both instances know. */
  async register(metadata: Record<string, unknown> = {}): Promise<Credentials> {
    const client = await this.second.driver.registerClient({ ...METADATA, ...metadata });
    await eventually(async () => {
      expect((await this.redeemAt(this.first, client, 'mg_ac_none')).body['error']).toBe('invalid_grant');
    });
    return client;
  }

  redeemAt(server: TestServer, client: Credentials, code: string, changes: ParameterChanges = {}): Promise<Answer> {
    const form = { code, redirect_uri: CALLBACK, code_verifier: PKCE.verifier, ...changes } as Record<string, string>;
    return server.driver.redeem(client, form);
  }

  /** Redeems a code over a connection that is gone before the answer, and returns once the code is used. */
  async redeemAndHangUp(client: Credentials, code: string): Promise<void> {
    const form = { grant_type: 'authorization_code', code, redirect_uri: CALLBACK, code_verifier: PKCE.verifier };
    const body = new URLSearchParams(form).toString();
    const head = [
      'POST /oauth/token HTTP/1.1',
      'Host: x',
      `Authorization: ${basic(client)}`,
      'Content-Type: application/x-www-form-urlencoded',
      `Content-Length: ${body.length}`,
    ];
    const { hostname, port } = new URL(this.first.url);
    const socket = connect(Number(port), hostname, () => {
      socket.write(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.resetAndDestroy());
    });
    await eventually(async () => expect(await this.isUsed(code)).toBe(true));
  }

  async replays({ clientId }: Credentials): Promise<number> {
    const path = `/audit-events?type=authorization_code.replayed&client_id=${clientId}`;
    return (await this.second.driver.adminRequest<{ items: object[] }>('GET', path)).body.items.length;
  }

  /** Of the one family of a client. */
  async currentDigest({ clientId }: Credentials): Promise<string> {
    const sql = 'SELECT current_digest FROM token_families WHERE client_id = ?';
    const rows = await this.second.get(DataSource).query<{ current_digest: string }[]>(sql, [clientId]);
    expect(rows).toHaveLength(1);
    return rows[0].current_digest;
  }

  advance(seconds: number): void {
    this.second.clock.advanceSeconds(seconds);
    this.second.driver.renewAdminToken();
  }

  signInAgain(): Promise<CodeFlow> {
    return CodeFlow.signedIn(this.second, this.user);
  }

  private async isUsed(code: string): Promise<boolean> {
    const sql = 'SELECT consumed_at FROM authorization_codes WHERE digest = ?';
    const [row] = await this.second.get(DataSource).query<{ consumed_at: unknown }[]>(sql, [digestOf(code)]);
    return row.consumed_at !== null;
  }
}

const isActive = async ({ driver }: TestServer, client: Credentials, token: string) =>
  (await driver.introspect(client, token)).body['active'];
const familyOf = ({ access_token: token }: IssuedTokens) => (decodeJwt(token).claims['jti'] as string).slice(-22);

describeOnEachDatabase('an authorization code whose answer was lost', (kind) => {
  let pair: Pair;

  beforeAll(async () => {
    pair = await Pair.start(kind);
  });
  afterAll(() => pair.stop());

  it('gives its tokens at another instance to the client that repeats it, once', async () => {
    const { second, flow } = pair;
    const client = await pair.register();
    const code = await flow.code(client, { scope: 'openid offline_access', nonce: 'n-0S6' });
    await pair.redeemAndHangUp(client, code);

    const repeated = await pair.redeemAt(second, client, code);
    expect(repeated.status).toBe(200);
    const tokens = repeated.body as unknown as IssuedTokens;
    expect(decodeJwt(tokens.id_token).claims).toMatchObject({ nonce: 'n-0S6', aud: client.clientId });
    expect(await isActive(second, client, tokens.access_token)).toBe(true);
    expect(await isActive(second, client, tokens.refresh_token)).toBe(true);
    expect(await pair.replays(client)).toBe(0);

    expectOAuthError(await pair.redeemAt(second, client, code), 400, 'invalid_grant');
    expect(await isActive(second, client, tokens.access_token)).toBe(false);
    expect(await isActive(second, client, tokens.refresh_token)).toBe(false);
    expect(await pair.replays(client)).toBe(1);
  });

  it('gives the refresh token that was lost, and no other one, or none where there was none', async () => {
    const { second, flow } = pair;
    const withoutRefresh = { grant_types: ['authorization_code'] };
    await Promise.all(
      [{}, { access_token_format: 'opaque' }, withoutRefresh].map(async (metadata) => {
        const client = await pair.register(metadata);
        const code = await flow.code(client);
        await pair.redeemAndHangUp(client, code);
        const lost = await pair.currentDigest(client);
        const { status, body } = await pair.redeemAt(second, client, code);
        expect(status).toBe(200);
        expect(await pair.currentDigest(client)).toBe(lost);
        expect(await isActive(second, client, body['access_token'] as string)).toBe(true);
        const refreshToken = body['refresh_token'] as string | undefined;
        expect(refreshToken && digestOf(refreshToken)).toBe(metadata === withoutRefresh ? undefined : lost);
        if (refreshToken) expect((await second.driver.refresh(client, refreshToken)).status).toBe(200);
      }),
    );
  });

  it('is refused without the right verifier, redirect URI and client, and loses nothing by it', async () => {
    const { second, flow } = pair;
    const client = await pair.register();
    const code = await flow.code(client);
    await pair.redeemAndHangUp(client, code);
    for (const change of [{ code_verifier: 'w'.repeat(43) }, { redirect_uri: `${CALLBACK}/2` }]) {
      expectOAuthError(await pair.redeemAt(second, client, code, change), 400, 'invalid_grant');
    }
    expectOAuthError(await pair.redeemAt(second, await pair.register(), code), 400, 'invalid_grant');
    expect((await pair.redeemAt(second, client, code)).status).toBe(200);
  });

  it('gives nothing once its session was ended', async () => {
    const { second } = pair;
    const flow = await pair.signInAgain();
    const client = await pair.register();
    const code = await flow.code(client);
    await pair.redeemAndHangUp(client, code);
    const page = await flow.browser.get('/oauth/logout');
    await flow.browser.submit(page, { decision: 'sign_out' }, '/oauth/logout/confirm');
    expectOAuthError(await pair.redeemAt(second, client, code), 400, 'invalid_grant');
  });

  it('gives nothing after five minutes, and that is no replay', async () => {
    const { second, flow } = pair;
    const client = await pair.register();
    const code = await flow.code(client);
    await pair.redeemAndHangUp(client, code);
    pair.advance(TOO_LATE_SECONDS);
    expectOAuthError(await pair.redeemAt(second, client, code), 400, 'invalid_grant');
    expect(await pair.replays(client)).toBe(0);
  });
});

describe.each(databaseKinds().filter((kind) => kind === 'MariaDB'))('a COMMIT whose answer is lost (%s)', (kind) => {
  let mariadb: PrivateMariadb;
  let database: TestDatabase;
  let pair: Pair;

  beforeAll(async () => {
    mariadb = await PrivateMariadb.start(['--require-secure-transport=OFF']);
    database = await mariadb.createDatabase();
    pair = await Pair.start(kind, database);
  });
  afterAll(async () => {
    await pair.stop();
    await database.drop();
    await mariadb.remove();
  });

  it.each([
    ['at the same instance', 'first'],
    ['at another instance', 'second'],
  ] as const)('leaves a code that its client redeems again %s, as the 503 asks it to', async (_, where) => {
    const { first, flow, proxy } = pair;
    const client = await pair.register();
    const code = await flow.code(client);
    proxy!.loseAnswerTo = ['UPDATE authorization_codes SET consumed_at', 'COMMIT'];
    const lost = await pair.redeemAt(first, client, code);
    expect([lost.status, lost.headers.get('retry-after')]).toEqual([503, '1']);

    const again = await pair.redeemAt(pair[where], client, code);
    expect(again.status).toBe(200);
    const tokens = again.body as unknown as IssuedTokens;
    expect(await isActive(pair[where], client, tokens.access_token)).toBe(true);
    const refreshed = await pair[where].driver.refresh(client, tokens.refresh_token);
    expect(familyOf(refreshed.body as unknown as IssuedTokens)).toBe(familyOf(tokens));
    expect(await pair.replays(client)).toBe(0);
  });
});
