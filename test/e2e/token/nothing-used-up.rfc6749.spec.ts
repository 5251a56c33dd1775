import { Database } from '../../../src/database/database.js';
import { clientAnswer } from '../../support/authorization-answers.js';
import { authorizationUrl, CALLBACK } from '../../support/authorization-url.js';
import { CodeFlow } from '../../support/code-flow.js';
import { describeOnEachDatabase } from '../../support/databases.js';
import { eventually } from '../../support/eventually.js';
import type { Answer, Credentials, RegisteredUser } from '../../support/oauth-driver.js';
import { expectOAuthError } from '../../support/oauth-errors.js';
import { TestServer } from '../../support/test-server.js';

/** More than an access token has room for. */
const TOO_MANY_ROLES = Array.from({ length: 100 }, (_, i) => `role-${i}-`.padEnd(96, 'x'));
const OPENID_CLAIMS = JSON.stringify({ id_token: { email: null } });

describeOnEachDatabase('RFC 6749 §5.2 and §6: a request that gets no tokens uses nothing up', (kind) => {
  let server: TestServer;
  let user: RegisteredUser;
  let flow: CodeFlow;

  beforeAll(async () => {
    server = await TestServer.start({ kind });
    user = await server.driver.registerUser({ username: 'grace', email: 'grace@example.com' });
    flow = await CodeFlow.signedIn(server, user);
  });
  afterAll(() => server.stop());

  const register = (metadata: Record<string, unknown> = {}) =>
    server.driver.registerClient({
      grant_types: ['authorization_code', 'refresh_token', 'password'],
      redirect_uris: [CALLBACK],
      scope: 'openid email offline_access read',
      default_scope: 'read',
      skip_consent: true,
      ...metadata,
    });

  const isActive = async (client: Credentials, token: string) =>
    (await server.driver.introspect(client, token)).body['active'];

  async function setRoles(roles: readonly string[]): Promise<void> {
    expect((await server.driver.adminRequest('PATCH', `/users/${user.userId}`, { roles })).status).toBe(200);
  }

  /** While their roles make every access token too long. */
  async function withTooManyRoles(request: () => Promise<Answer>): Promise<void> {
    await setRoles(TOO_MANY_ROLES);
    try {
      expectOAuthError(await request(), 400, 'invalid_scope');
    } finally {
      await setRoles([]);
    }
  }

  /** While a table cannot be written to or read. */
  async function without(table: string, request: () => Promise<Answer>): Promise<void> {
    const database = server.get(Database);
    await database.execute(`ALTER TABLE ${table} RENAME TO ${table}_away`);
    try {
      expect((await request()).status).toBeGreaterThanOrEqual(500);
    } finally {
      await database.execute(`ALTER TABLE ${table}_away RENAME TO ${table}`);
    }
  }

  const rowsOf = async (table: string): Promise<number> => server.get(Database).countAll(table);
  const audited = async (type: string) =>
    (await server.driver.adminRequest<{ items: object[] }>('GET', `/audit-events?type=${type}`)).body.items;

  it.each(['jwt', 'opaque'])('a refresh token stays valid when no access token can be made (%s)', async (format) => {
    const client = await register({ access_token_format: format });
    const { refresh_token: token } = await flow.tokens(client);
    if (format === 'jwt') await withTooManyRoles(() => server.driver.refresh(client, token));
    else await without('access_tokens', () => server.driver.refresh(client, token));
    expect(await isActive(client, token)).toBe(true);
    server.clock.advanceSeconds(30);
    server.driver.renewAdminToken();
    expect((await server.driver.refresh(client, token)).status).toBe(200);
    expect(await audited('refresh_token.reused')).toEqual([]);
  });

  it.each(['jwt', 'opaque'])('an authorization code stays valid when no access token can be made (%s)', async (format) => {
    const client = await register({ access_token_format: format });
    const code = await flow.code(client);
    const families = await rowsOf('token_families');
    if (format === 'jwt') await withTooManyRoles(() => flow.redeem(client, code));
    else await without('access_tokens', () => flow.redeem(client, code));
    expect(await rowsOf('token_families')).toBe(families);
    expect((await flow.redeem(client, code)).status).toBe(200);
    expect(await audited('authorization_code.replayed')).toEqual([]);
  });

  it('an authorization code and a refresh token survive that no ID token can be made', async () => {
    const client = await register();
    const changes = { scope: 'openid email offline_access', claims: OPENID_CLAIMS };
    const code = await flow.code(client, changes);
    await without('users', () => flow.redeem(client, code));
    const redeemed = await flow.redeem(client, code);
    expect(redeemed.status).toBe(200);
    const token = redeemed.body['refresh_token'] as string;
    await without('users', () => server.driver.refresh(client, token));
    expect(await isActive(client, token)).toBe(true);
    expect((await server.driver.refresh(client, token)).body).toHaveProperty('id_token');
  });

  it.each(['jwt', 'opaque'])('a password begins nothing when no access token can be made (%s)', async (format) => {
    const client = await register({ access_token_format: format });
    const families = await rowsOf('token_families');
    if (format === 'jwt') await withTooManyRoles(() => server.driver.passwordGrant(client, user));
    else await without('access_tokens', () => server.driver.passwordGrant(client, user));
    expect(await rowsOf('token_families')).toBe(families);
    expect((await server.driver.passwordGrant(client, user)).status).toBe(200);
    expect(await rowsOf('token_families')).toBe(families + 1);
  });

  it('an implicit answer that cannot be made begins nothing', async () => {
    const client = await register({
      grant_types: ['implicit'],
      response_types: ['token', 'id_token token'],
      token_endpoint_auth_method: 'none',
    });
    const families = await rowsOf('token_families');
    const changes = { response_type: 'token', code_challenge: undefined, code_challenge_method: undefined };
    await setRoles(TOO_MANY_ROLES);
    // The session's own copy of the user may be a moment old.
    await eventually(async () => {
      const { params } = clientAnswer(await flow.browser.get(authorizationUrl(client, changes)));
      expect(params['error']).toBe('invalid_scope');
    });
    await setRoles([]);
    expect(await rowsOf('token_families')).toBe(families);
    const { params } = clientAnswer(await flow.browser.get(authorizationUrl(client, changes)));
    expect(params).toHaveProperty('access_token');
    expect(await rowsOf('token_families')).toBe(families + 1);
  });
});
