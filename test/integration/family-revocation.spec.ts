import type { EntityManager } from 'typeorm';
import { SERVER } from '../../src/audit/audit-log.js';
import { randomId } from '../../src/common/crypto/random-id.js';
import { Database } from '../../src/database/database.js';
import { Transactions } from '../../src/database/transactions.js';
import { RevokedTokens } from '../../src/tokens/revoked-tokens.js';
import { TokenFamiliesRepository } from '../../src/tokens/token-families.repository.js';
import type { TokenFamilyEntity } from '../../src/tokens/token-family.entity.js';
import { type RevokedFamilies, TokenFamilyRevocation } from '../../src/tokens/token-family-revocation.js';
import { CALLBACK } from '../support/authorization-url.js';
import { CodeFlow, type IssuedTokens } from '../support/code-flow.js';
import { describeOnEachDatabase } from '../support/databases.js';
import type { Credentials, RegisteredUser } from '../support/oauth-driver.js';
import { TestServer } from '../support/test-server.js';

const DAY_MS = 86_400_000;
/** More than two batches. */
const MANY = 1_100;

describeOnEachDatabase('many token families are revoked in the transaction of another change', (kind) => {
  let server: TestServer;
  let families: TokenFamiliesRepository;
  let client: Credentials;
  let other: Credentials;
  let user: RegisteredUser;
  let flow: CodeFlow;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
    families = server.get(TokenFamiliesRepository);
    [client, other] = [await register(), await register()];
    user = await server.driver.registerUser({ username: 'barbara' });
  });
  beforeEach(async () => {
    flow = await CodeFlow.signedIn(server, user);
  });
  afterAll(() => server.stop());

  const register = () =>
    server.driver.registerClient({
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: [CALLBACK],
      scope: 'openid offline_access read',
      default_scope: 'read',
      skip_consent: true,
    });

  const familyOf = async ({ access_token: token }: IssuedTokens): Promise<TokenFamilyEntity> => {
    const { jti } = JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString()) as { jti: string };
    return (await families.find(jti.slice(-22)))!;
  };
  const isActive = async ({ access_token: token }: IssuedTokens, by = client) =>
    (await server.driver.introspect(by, token)).body['active'];
  const revoke = async (
    ...[selection, type]: [Parameters<TokenFamilyRevocation['revokeWithin']>[1], 'session.ended' | 'consent.revoked']
  ): Promise<RevokedFamilies & { statements: number }> => {
    let statements = 0;
    const revoked = await server.get(Transactions).run((manager) => {
      statements = 0;
      const counted = countStatements(manager, () => statements++);
      return server.get(TokenFamilyRevocation).revokeWithin(counted, selection, type, SERVER);
    });
    return { ...revoked, statements };
  };

  async function addCopies(family: TokenFamilyEntity, count: number, changes: Partial<TokenFamilyEntity> = {}) {
    const copies = Array.from({ length: count }, () => ({ ...family, ...changes, familyId: randomId() }));
    await server.get(Transactions).run(async (manager) => {
      for (const copy of copies) await families.insert(copy, manager);
    });
  }

  it('all families of a session end in a few statements, but those for when the user is not there', async () => {
    const [given, elsewhere] = [await flow.tokens(client), await flow.tokens(other)];
    const offline = await flow.tokens(client, { scope: 'openid offline_access' });
    const family = await familyOf(given);
    await addCopies(family, MANY);

    const revoked = await revoke({ sessionId: family.sessionId! }, 'session.ended');
    expect(revoked.count).toBe(MANY + 2);
    expect(revoked.statements).toBeLessThan(60);
    revoked.takeEffect();
    expect([await isActive(given), await isActive(elsewhere, other), await isActive(offline)]).toEqual([
      false,
      false,
      true,
    ]);
    const audited = await server.driver.adminRequest<{ items: { detail: unknown; user_id: string }[] }>(
      'GET',
      '/audit-events?type=session.ended&limit=200',
    );
    expect(audited.body.items).toHaveLength(200);
    expect(audited.body.items[0]).toMatchObject({ user_id: user.userId, detail: { family_id: expect.any(String) as string } });
    expect((await revoke({ sessionId: family.sessionId! }, 'session.ended')).count).toBe(0);
  });

  it('of one client in a session, or of one user and client, only the families of that client end', async () => {
    const [given, elsewhere] = [await flow.tokens(client), await flow.tokens(other)];
    const { sessionId, userId } = await familyOf(given);
    (await revoke({ sessionId: sessionId!, clientId: client.clientId }, 'session.ended')).takeEffect();
    expect([await isActive(given), await isActive(elsewhere, other)]).toEqual([false, true]);

    const offline = await flow.tokens(other, { scope: 'openid offline_access' });
    (await revoke({ userId, clientId: other.clientId }, 'consent.revoked')).takeEffect();
    expect([await isActive(elsewhere, other), await isActive(offline, other)]).toEqual([false, false]);
  });

  it('families that can have no valid token any more are left alone', async () => {
    const family = await familyOf(await flow.tokens(client));
    const nowMs = server.clock.nowMs();
    await addCopies(family, 3, { idleExpiresAt: nowMs - DAY_MS - 1 });
    await addCopies(family, 1, { idleExpiresAt: nowMs - DAY_MS + 60_000 });
    expect((await revoke({ sessionId: family.sessionId! }, 'session.ended')).count).toBe(2);
  });

  it('a family is not called reused by what was read before its token was used', async () => {
    const given = await flow.tokens(client);
    const readByALaggingNode = await familyOf(given);
    const { refreshToken } = await server.driver.refreshed(client, given.refresh_token);
    const revocation = server.get(TokenFamilyRevocation);
    expect(await revocation.revokeUnchanged(readByALaggingNode, 'refresh_token.reused', SERVER)).toBe(false);
    expect((await server.driver.refresh(client, refreshToken)).status).toBe(200);
    expect(await revocation.revokeUnchanged(await familyOf(given), 'refresh_token.reused', SERVER)).toBe(true);
    expect((await server.driver.refresh(client, refreshToken)).status).toBe(400);
  });

  it('nothing is revoked when the transaction is rolled back', async () => {
    const given = await flow.tokens(client);
    const { sessionId } = await familyOf(given);
    const broken = server.get(Transactions).run(async (manager) => {
      await server.get(TokenFamilyRevocation).revokeWithin(manager, { sessionId: sessionId! }, 'session.ended', SERVER);
      throw new Error('the other change failed');
    });
    await expect(broken).rejects.toThrow('the other change failed');
    expect(await isActive(given)).toBe(true);
    expect((await server.driver.refresh(client, given.refresh_token)).status).toBe(200);
  });
});

describeOnEachDatabase('RFC 7009 §2: a revoked family', (kind) => {
  const LIFETIME_SECONDS = 60;
  let server: TestServer;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
  });
  afterAll(() => server.stop());

  it('stays revoked until its last access token has expired, however late that was issued', async () => {
    const { driver, clock } = server;
    const user = await driver.registerUser({ username: 'radia' });
    const client = await driver.registerClient({
      grant_types: ['password', 'refresh_token'],
      scope: 'read',
      access_token_lifetime: LIFETIME_SECONDS,
    });
    const { refreshToken } = await driver.signIn(client, user);
    const { refreshToken: successor } = await driver.refreshed(client, refreshToken);
    // As after an outage: the token before may be sent again for five minutes.
    const sql = 'UPDATE token_families SET retry_until = ? WHERE client_id = ?';
    await server.get(Database).execute(sql, [clock.nowMs() + 300_000, client.clientId]);
    clock.advanceSeconds(LIFETIME_SECONDS - 2);
    const { accessToken } = await driver.refreshed(client, refreshToken);
    await driver.revoke(client, successor);

    const other = await TestServer.start({ database: server.database, issuer: server.issuer, clock });
    try {
      for (const seconds of [0, 17, LIFETIME_SECONDS - 20]) {
        clock.advanceSeconds(seconds);
        for (const instance of [server, other]) {
          instance.get(RevokedTokens).prune();
          expect((await instance.driver.introspect(client, accessToken)).body).toEqual({ active: false });
        }
      }
    } finally {
      await other.stop();
    }
  });
});

/** The same manager, with a query runner that counts. */
function countStatements(manager: EntityManager, count: () => void): EntityManager {
  const runner = manager.queryRunner!;
  const query = runner.query.bind(runner) as (...args: unknown[]) => Promise<never>;
  Object.assign(runner, {
    query: (...args: unknown[]) => {
      count();
      return query(...args);
    },
  });
  return manager;
}
