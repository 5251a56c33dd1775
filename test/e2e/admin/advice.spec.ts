import { Database } from '../../../src/database/database.js';
import { GrantUsage } from '../../../src/grants/usage/grant-usage.js';
import { describeOnEachDatabase } from '../../support/databases.js';
import { type Credentials, PASSWORD, type RegisteredUser } from '../../support/oauth-driver.js';
import { expectProblem } from '../../support/problems.js';
import { TestServer } from '../../support/test-server.js';

interface Item {
  client_id: string;
  advice: string;
  section: string;
  detail: string;
  last_used_at?: string | null;
  users?: number;
  password_grant_sunset?: string | null;
}
interface Page {
  items: Item[];
  next_cursor: string | null;
}
interface ClientAdvice {
  client_id: string;
  days: number;
  items: Item[];
  unused_scopes: string[];
}

const DAY = 86_400;
const LEGACY = { grant_types: ['password', 'refresh_token'], scope: 'a' };
const CALLBACK = { redirect_uris: ['https://app.example/cb'] };
/** What is counted is written when a test says so, and not before. */
const ENV = { LAST_USED_FLUSH_SECONDS: '3600', PASSWORD_ATTEMPT_LIMIT: '10000' };

const query = (parameters: Record<string, string>) => `?${new URLSearchParams(parameters).toString()}`;

describeOnEachDatabase('advice by RFC 9700', (kind) => {
  let server: TestServer;
  let other: TestServer;
  let margaret: RegisteredUser;
  let grace: RegisteredUser;

  beforeAll(async () => {
    server = await TestServer.start({ kind, env: ENV });
    other = await TestServer.start({ database: server.database, issuer: server.issuer, clock: server.clock, env: ENV });
    margaret = await server.driver.registerUser({ username: 'margaret' });
    grace = await server.driver.registerUser({ username: 'grace' });
  });
  beforeEach(() => server.driver.renewAdminToken());
  afterAll(async () => {
    await other?.stop();
    await server?.stop();
  });

  const list = (parameters: Record<string, string> = {}) => server.driver.adminRequest<Page>('GET', `/advice${query(parameters)}`);
  const items = async (parameters: Record<string, string> = {}) => (await list({ limit: '200', ...parameters })).body.items;
  const ofClient = async (clientId: string, parameters: Record<string, string> = {}) => (await server.driver.adminRequest<ClientAdvice>('GET', `/clients/${clientId}/advice${query(parameters)}`)).body;
  const passwordItem = async (clientId: string, parameters: Record<string, string> = {}) => (await ofClient(clientId, parameters)).items.find(({ advice }) => advice === 'password_grant')!;
  const unused = async (clientId: string, parameters: Record<string, string> = {}) => (await ofClient(clientId, parameters)).unused_scopes;
  const flush = async () => {
    for (const instance of [server, other]) await instance.get(GrantUsage).flush();
  };
  const register = (metadata: Record<string, unknown> = {}) => server.driver.registerClient({ ...LEGACY, ...metadata });
  const iso = (seconds = 0) => new Date(server.clock.nowMs() + seconds * 1000).toISOString();
  /** Time goes by, and the admin token with it. */
  const pass = (seconds: number) => {
    server.clock.advanceSeconds(seconds);
    server.driver.renewAdminToken();
  };

  describe('which clients', () => {
    it('none at first, nor for clients that use no grant of yesterday', async () => {
      await server.driver.registerClient({ scope: 'a' });
      await server.driver.registerClient({ grant_types: ['authorization_code', 'refresh_token'], ...CALLBACK });
      await server.driver.registerClient({ grant_types: ['authorization_code'], require_pkce: false, ...CALLBACK });
      expect((await list()).body).toEqual({ items: [], next_cursor: null });
    });

    it('one with the password grant, before it has used it: never, by nobody, without an end', async () => {
      const { clientId } = await register();
      const item = {
        client_id: clientId, advice: 'password_grant', section: 'RFC 9700 section 2.4', detail: expect.stringMatching(/authorization code grant with PKCE/) as string, last_used_at: null, users: 0, password_grant_sunset: null,
      };
      expect(await items()).toEqual([item]);
      expect(await ofClient(clientId)).toEqual({ client_id: clientId, days: 90, items: [item], unused_scopes: ['a'] });
    });

    it('with the date at which the grant ends for it', async () => {
      const { clientId } = await register({ password_grant_sunset: '2027-06-30T12:00:00+02:00' });
      expect((await passwordItem(clientId)).password_grant_sunset).toBe('2027-06-30T10:00:00.000Z');
    });

    it('one with implicit: never used, and nothing of users', async () => {
      const { clientId } = await server.driver.registerClient({ grant_types: ['implicit'], ...CALLBACK });
      const item = { client_id: clientId, advice: 'implicit_grant', section: 'RFC 9700 section 2.1.2', detail: expect.any(String) as string, last_used_at: null };
      expect((await ofClient(clientId)).items).toEqual([item]);
      expect((await items())[0]).toEqual(item);
    });

    it('a client that does without PKCE is told so, alone, and in the list beside what it is listed for', async () => {
      const pkce = { advice: 'pkce_not_required', section: 'RFC 9700 section 2.1.1', detail: expect.any(String) as string };
      const alone = await server.driver.registerClient({ grant_types: ['authorization_code'], require_pkce: false, ...CALLBACK });
      expect((await ofClient(alone.clientId)).items).toEqual([{ client_id: alone.clientId, ...pkce }]);
      expect((await items()).map(({ client_id: id }) => id)).not.toContain(alone.clientId);
      const all = await register({ grant_types: ['password', 'implicit', 'authorization_code'], require_pkce: false, ...CALLBACK });
      expect((await items()).filter(({ client_id: id }) => id === all.clientId).map(({ advice }) => advice)).toEqual(['password_grant', 'implicit_grant', 'pkce_not_required']);
    });

    it('one that requires PKCE, and one that uses nothing but client_credentials, is told nothing', async () => {
      for (const metadata of [{ grant_types: ['authorization_code'], ...CALLBACK }, { scope: 'a' }]) expect((await ofClient((await server.driver.registerClient(metadata)).clientId)).items).toEqual([]);
    });

    it('no more once it has lost the grant, or was deleted', async () => {
      const [loses, dies] = [await register(), await register()];
      const listed = async () => (await items()).map(({ client_id: id }) => id).filter((id) => id === loses.clientId || id === dies.clientId);
      expect(await listed()).toEqual([dies.clientId, loses.clientId]);
      await server.driver.adminRequest('PATCH', `/clients/${loses.clientId}`, { grant_types: ['client_credentials'] });
      await server.driver.adminRequest('DELETE', `/clients/${dies.clientId}`);
      expect(await listed()).toEqual([]);
      expect((await ofClient(loses.clientId)).items).toEqual([]);
      expectProblem(await server.driver.adminRequest('GET', `/clients/${dies.clientId}/advice`), 404);
    });

    it.each(['nobody', '%00', 'usr_x', '__proto__', 'a'.repeat(200)])('of %s is 404', async (id) => {
      expectProblem(await server.driver.adminRequest('GET', `/clients/${id}/advice`), 404);
    });
  });

  describe('how it is used', () => {
    it('when last, and by how many users, each counted once; not by a refresh, and not by who was not let in', async () => {
      const client = await register();
      await server.driver.signIn(client, margaret);
      const { refreshToken } = await server.driver.signIn(client, margaret);
      pass(10);
      const last = iso();
      await server.driver.signIn(client, grace);
      pass(10);
      await server.driver.refreshed(client, refreshToken);
      expect((await server.driver.passwordGrant(client, { ...(await server.driver.registerUser({ username: 'wrong' })), password: 'not this one' })).status).toBe(400);
      expect((await server.driver.passwordGrant(client, margaret, { scope: 'unknown' })).status).toBe(400);
      expect(await passwordItem(client.clientId)).toMatchObject({ last_used_at: null, users: 0 });
      await flush();
      expect(await passwordItem(client.clientId)).toMatchObject({ last_used_at: last, users: 2 });
      expect((await items()).find(({ client_id: id }) => id === client.clientId)).toMatchObject({ last_used_at: last, users: 2 });
    });

    it('what another client does is not counted', async () => {
      const [used, unusedOne] = [await register(), await register()];
      await server.driver.signIn(used, margaret);
      await flush();
      expect([(await passwordItem(used.clientId)).users, (await passwordItem(unusedOne.clientId)).users]).toEqual([1, 0]);
      expect((await passwordItem(unusedOne.clientId)).last_used_at).toBeNull();
    });

    it('adds up over two instances and two days, and a later time stays', async () => {
      const client = await register();
      await server.driver.signIn(client, margaret);
      await other.driver.signIn(client, margaret);
      await other.driver.signIn(client, grace);
      await Promise.all([server.get(GrantUsage).flush(), other.get(GrantUsage).flush()]);
      expect(await passwordItem(client.clientId)).toMatchObject({ last_used_at: iso(), users: 2 });

      pass(DAY);
      await server.driver.signIn(client, margaret);
      pass(60);
      await other.driver.signIn(client, margaret);
      await other.get(GrantUsage).flush();
      await server.get(GrantUsage).flush();
      expect(await passwordItem(client.clientId)).toMatchObject({ last_used_at: iso(), users: 2 });
      const rows = await server.get(Database).query<{ scope: string; day: number; tokens: number }>('SELECT scope, day, tokens FROM grant_usage WHERE client_id = ? ORDER BY day, scope', [client.clientId]);
      const today = Math.floor(server.clock.nowMs() / (DAY * 1000));
      expect(rows.map(({ scope, day, tokens }) => [scope, Number(day), Number(tokens)])).toEqual([['', today - 1, 3], ['a', today - 1, 3], ['', today, 2], ['a', today, 2]]);
    });

    it('days is how far back users are looked for, to the second; the last use is shown however old', async () => {
      const client = await register();
      await server.driver.signIn(client, margaret);
      const first = iso();
      await flush();
      pass(5 * DAY);
      expect(await passwordItem(client.clientId, { days: '5' })).toMatchObject({ last_used_at: first, users: 1 });
      pass(1);
      expect(await passwordItem(client.clientId, { days: '5' })).toMatchObject({ last_used_at: first, users: 0 });
      expect(await passwordItem(client.clientId, { days: '6' })).toMatchObject({ users: 1 });
      await server.driver.signIn(client, grace);
      await flush();
      expect([(await passwordItem(client.clientId, { days: '5' })).users, (await passwordItem(client.clientId)).users]).toEqual([1, 2]);
      expect((await items({ days: '5' })).find(({ client_id: id }) => id === client.clientId)!.users).toBe(1);
      expect((await ofClient(client.clientId, { days: '5' })).days).toBe(5);
    });

    it('a client that is made anew under an old id has not been used', async () => {
      const client = await register();
      await server.driver.signIn(client, margaret);
      await flush();
      expect((await passwordItem(client.clientId)).users).toBe(1);
      await server.driver.adminRequest('DELETE', `/clients/${client.clientId}`);
      pass(60);
      await register({ client_id: client.clientId });
      expect(await passwordItem(client.clientId)).toMatchObject({ last_used_at: null, users: 0 });
      expect(await unused(client.clientId)).toEqual(['a']);
    });

    it('an orderly stop writes what was counted', async () => {
      const client = await register();
      const short = await TestServer.start({ database: server.database, issuer: server.issuer, clock: server.clock, env: ENV });
      await short.driver.signIn(client, margaret);
      await short.stop();
      expect(await passwordItem(client.clientId)).toMatchObject({ last_used_at: iso(), users: 1 });
    });
  });

  describe('unused scopes', () => {
    const ask = (client: Credentials, scope: string) => server.driver.accessToken(client, { scope });

    it('are those that no token of the last days held, by whichever grant, in the order of the client’s scope', async () => {
      const client = await server.driver.registerClient({ grant_types: ['client_credentials', 'password', 'refresh_token'], scope: 'd c b a' });
      expect(await unused(client.clientId)).toEqual(['d', 'c', 'b', 'a']);
      await ask(client, 'c');
      await flush();
      expect(await unused(client.clientId)).toEqual(['d', 'b', 'a']);
      await server.driver.signIn(client, margaret, { scope: 'a b' });
      await flush();
      expect(await unused(client.clientId)).toEqual(['d']);
    });

    it('are counted by days: one that was used before is unused again', async () => {
      const client = await server.driver.registerClient({ scope: 'a b' });
      await ask(client, 'a');
      await flush();
      pass(3 * DAY);
      await ask(client, 'b');
      await flush();
      expect([await unused(client.clientId, { days: '3' }), await unused(client.clientId, { days: '2' })]).toEqual([[], ['a']]);
    });

    it('differ by the case of a letter, and long ones are told apart from none', async () => {
      const long = 'x'.repeat(300);
      const client = await server.driver.registerClient({ scope: `read READ unused ${long}` });
      await ask(client, `READ ${long}`);
      await flush();
      expect(await unused(client.clientId)).toEqual(['read', 'unused']);
    });

    it('of a client without any are none', async () => {
      const { clientId } = await server.driver.registerClient({ scope: '' });
      expect(await unused(clientId)).toEqual([]);
    });
  });

  it('a token request writes nothing for it: the counts are in memory until they are flushed, and one request costs no more than one row for each scope and day', async () => {
    const client = await server.driver.registerClient({ scope: 'a b' });
    const rows = async () => Number((await server.get(Database).query<{ n: number | string }>('SELECT COUNT(*) AS n FROM grant_usage WHERE client_id = ?', [client.clientId]))[0].n);
    for (let i = 0; i < 10; i++) await server.driver.accessToken(client, { scope: i % 2 ? 'a' : 'a b' });
    expect(await rows()).toBe(0);
    await flush();
    expect(await rows()).toBe(3);
    await server.driver.accessToken(client);
    await flush();
    expect(await rows()).toBe(3);
  });

  describe('the list', () => {
    it('a walk by pages sees every client once, newest first, with all its items on one page', async () => {
      const { clientId } = await register({ client_id: 'three-items', grant_types: ['password', 'implicit', 'authorization_code'], require_pkce: false, ...CALLBACK });
      await register();
      const whole = await items();
      const walked: Item[] = [];
      for (let cursor: string | null = '', pages = 0; cursor !== null && pages < 50; pages++) {
        const { body }: { body: Page } = await list({ limit: '1', ...(cursor === '' ? {} : { cursor }) });
        expect(new Set(body.items.map(({ client_id: id }) => id)).size).toBe(1);
        walked.push(...body.items);
        cursor = body.next_cursor;
        await register({ client_id: `late-${pages}` });
      }
      expect(walked).toEqual(whole);
      expect(walked.filter(({ client_id: id }) => id === clientId)).toHaveLength(3);
    });

    it('a cursor is bound to its list and its days', async () => {
      const cursor = (await list({ limit: '1', days: '30' })).body.next_cursor!;
      expect((await list({ days: '30', cursor })).status).toBe(200);
      for (const days of ['31', '90']) expectProblem(await list({ days, cursor }), 400);
      expectProblem(await list({ cursor }), 400);
      expectProblem(await server.driver.adminRequest('GET', `/clients${query({ cursor })}`), 400);
    });

    it.each(['1', '730'])('days=%s is taken', async (days) => {
      expect((await list({ days })).status).toBe(200);
    });

    it.each(['days=0', 'days=731', 'days=-1', 'days=1.5', 'days=1e2', 'days=', 'days=x', 'days=9999999999', 'days=30&days=30'])('%s is 400, over all clients and for one', async (search) => {
      for (const path of ['/advice', '/clients/test-admin/advice']) expectProblem(await server.driver.adminRequest('GET', `${path}?${search}`), 400, '/days');
    });

    it.each(['limit=0', 'limit=201', 'cursor=1', 'sort=users', 'client_id=x', 'q=x'])('?%s is 400', async (search) => {
      expectProblem(await server.driver.adminRequest('GET', `/advice?${search}`), 400);
    });
  });

  it('holds no secret, no user’s name and no user’s id', async () => {
    const client = await register();
    await server.driver.signIn(client, margaret);
    await flush();
    for (const { text } of [await list({ limit: '200' }), await server.driver.adminRequest('GET', `/clients/${client.clientId}/advice`)]) expect(text).not.toMatch(new RegExp(`${client.clientSecret}|${PASSWORD}|margaret|usr_`));
  });
});
