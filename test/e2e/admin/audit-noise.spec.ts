import { AuditLog } from '../../../src/audit/audit-log.js';
import { describeOnOneDatabase } from '../../support/databases.js';
import type { Answer, Credentials, RegisteredUser } from '../../support/oauth-driver.js';
import { Scrape } from '../../support/scrape.js';
import { TestServer } from '../../support/test-server.js';

interface AuditEvent {
  type: string;
  count: number;
  client_id: string | null;
  user_id: string | null;
  actor: { address: string | null };
  detail: Record<string, unknown>;
}

/** One customer's network. */
const NOISY = '2001:db8:1:2';
const QUIET = '203.0.113.66';
const WITHOUT_TOKEN = 'mintgate_admin_requests_without_token_total';

const from = (address: string) => ({ 'x-forwarded-for': address });

describeOnOneDatabase('P5: the noise of one network hides no failure of another from the audit log', (kind) => {
  let server: TestServer;
  let app: Credentials;
  let user: RegisteredUser;
  let since: string;

  beforeAll(async () => {
    server = await TestServer.start({ kind, env: { LAST_USED_FLUSH_SECONDS: '3600', TRUST_PROXY: 'loopback' } });
    app = await server.driver.registerClient({ grant_types: ['password'], scope: 'a' });
    user = await server.driver.registerUser({ username: 'alice' });
  });
  beforeEach(async () => {
    await server.get(AuditLog).flush();
    server.clock.advanceSeconds(60);
    server.driver.renewAdminToken();
    since = new Date(server.clock.nowMs()).toISOString();
  });
  afterAll(() => server.stop());

  async function events(query: Record<string, string>): Promise<AuditEvent[]> {
    await server.get(AuditLog).flush();
    const path = `/audit-events?${new URLSearchParams({ limit: '200', since, ...query }).toString()}`;
    return (await server.driver.adminRequest<{ items: AuditEvent[] }>('GET', path)).body.items;
  }

  /** Sends 20 at a time. */
  async function send(times: number, request: (i: number) => Promise<Answer>, status: number): Promise<void> {
    for (let i = 0; i < times; i += 20) {
      const answers = await Promise.all(Array.from({ length: 20 }, (_, j) => request(i + j)));
      answers.forEach((answer) => expect(answer.status).toBe(status));
    }
  }

  const signInWrongly = async (address: string) => {
    const form = { grant_type: 'password', username: user.username, password: 'wrong wrong wrong' };
    expect((await server.driver.form('/oauth/token', form, app, from(address))).status).toBe(400);
  };
  const atAdmin = (address: string, headers: Record<string, string> = {}) =>
    server.driver.request('GET', '/admin/v1/clients', { headers: { ...headers, ...from(address) } });
  const authenticateWrongly = (address: string) =>
    server.driver.form(
      '/oauth/token',
      { grant_type: 'client_credentials' },
      { ...app, clientSecret: 'wrong' },
      from(address),
    );

  it('requests to the admin API without a token are counted by a metric and not audited', async () => {
    const before = await Scrape.of(server.url);
    await send(260, (i) => atAdmin(`${NOISY}::${i.toString(16)}`), 401);
    await signInWrongly(QUIET);
    expect(await events({ type: 'user.*', address: QUIET })).toMatchObject([{ user_id: user.userId, count: 1 }]);
    expect(await events({ type: 'admin.*' })).toEqual([]);
    expect((await Scrape.of(server.url)).rise(before, WITHOUT_TOKEN)).toBe(260);
  });

  it('failures of other types from many networks take nothing from those of sign-ins', async () => {
    const wrong = { authorization: 'Bearer wrong' };
    for (let network = 0; network < 6; network++) {
      await send(60, (i) => atAdmin(`2001:db8:2:${network}::${i.toString(16)}`, wrong), 401);
    }
    await signInWrongly(QUIET);
    expect(await events({ type: 'user.*', address: QUIET })).toMatchObject([{ user_id: user.userId, count: 1 }]);
    // Five networks use up what is listed of their type.
    const sums = (await events({ type: 'admin.request_refused' })).filter(({ detail }) => detail['unlisted']);
    expect(sums.map(({ count }) => count).sort()).toEqual([20, 20, 20, 20, 20, 60]);
  });

  it('failures beyond 40 of one network are summed up for it, and those of others are listed', async () => {
    await send(100, (i) => authenticateWrongly(`${NOISY}::${i.toString(16)}`), 401);
    await send(20, () => authenticateWrongly(QUIET), 401);
    const found = await events({ type: 'client.authentication_failed' });
    const sums = found.filter(({ detail }) => detail['unlisted']);
    expect(sums.map(({ count, actor, detail }) => ({ count, address: actor.address, detail }))).toEqual([
      { count: 60, address: null, detail: { unlisted: true, network: `${NOISY}::/64` } },
    ]);
    expect(found.filter(({ actor }) => actor.address?.startsWith(NOISY))).toHaveLength(40);
    expect(found.filter(({ actor }) => actor.address === QUIET).map(({ count }) => count)).toEqual([19, 1]);
  });

  it('the sum of an IPv4 address is found by it', async () => {
    const address = '198.51.100.9';
    const users = await Promise.all(
      Array.from({ length: 45 }, (_, i) => server.driver.registerUser({ username: `user-${i}`, password_hash: HASH })),
    );
    for (const { username } of users) {
      const form = { grant_type: 'password', username, password: 'wrong' };
      expect((await server.driver.form('/oauth/token', form, app, from(address))).status).toBe(400);
    }
    const sums = (await events({ address })).filter(({ detail }) => detail['unlisted']);
    expect(sums).toMatchObject([{ type: 'user.sign_in_failed', count: 5, detail: { network: address } }]);
  });
});

/** Of no password, and quick to compare. */
const HASH = '$2b$04$.pOqfVs6HCpJqDCJshureeE3z4eLaCw91Oc3f7jxqdWW1MDN.2Pgq';
