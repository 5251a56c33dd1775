import { setTimeout as sleep } from 'node:timers/promises';
import libsql from 'libsql';
import { DataSource } from 'typeorm';
import { createDatabase, type DatabaseKind, describeOnEachDatabase, describeOnOneDatabase, mariadbPort, type TestDatabase } from '../../support/databases.js';
import { eventually } from '../../support/eventually.js';
import { type Answer, type Credentials, PASSWORD, type RegisteredUser } from '../../support/oauth-driver.js';
import { expectOAuthError } from '../../support/oauth-errors.js';
import { Scrape } from '../../support/scrape.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { TestServer } from '../../support/test-server.js';

const WINDOW_SECONDS = 15 * 60;
const LIMIT = 2;
/** Addresses from which so many wrong passwords each reach the limit of an account. */
const CROWD = 10;
const PROXIED = { TRUST_PROXY: 'loopback' };

interface AttemptRow {
  attempt_key: string;
  account: string | null;
  pending: number;
  failures: number;
}

interface AuditEvent {
  actor: { client_id: string | null; address: string | null };
  client_id: string | null;
  user_id: string | null;
  detail: Record<string, unknown>;
}

/** Of no password. It takes a thread about a second: two blocks of many iterations each. */
const SLOW_HASH = `$pbkdf2-sha256$i=1500000$${'A'.repeat(22)}$${'A'.repeat(86)}`;

const ALL_ROWS = 'SELECT * FROM password_attempts ORDER BY id';

let serial = 0;

/** A range of addresses that no other test uses: `at(1)` to `at(250)`. */
const network = (): ((host: number) => string) => {
  const subnet = ++serial;
  return (host) => `10.${subnet >> 8}.${subnet & 255}.${host}`;
};

/** One application through which users sign in from many addresses. */
class Application {
  private constructor(
    readonly server: TestServer,
    readonly client: Credentials,
  ) {}

  static async at(server: TestServer, metadata: Record<string, unknown> = {}): Promise<Application> {
    return new Application(server, await server.driver.registerClient({ grant_types: ['password', 'client_credentials'], scope: 'read', ...metadata }));
  }

  /** The same application before another instance. */
  via(server: TestServer): Application {
    return new Application(server, this.client);
  }

  user(profile: Record<string, unknown> = {}): Promise<RegisteredUser> {
    return this.server.driver.registerUser({ username: `user-${++serial}`, ...profile });
  }

  /** @param from the address that the proxy vouches for, or a whole header */
  login(username: string, password: string, from?: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.server.driver.form('/oauth/token', { grant_type: 'password', username, password }, this.client, { ...(from === undefined ? {} : { 'x-forwarded-for': from }), ...headers });
  }

  /** Whether the right password lets her in. Anything but a token and a verdict is a failure of the test. */
  async letsIn({ username, password }: RegisteredUser, from?: string): Promise<boolean> {
    const { status, body } = await this.login(username, password, from);
    if (status !== 200) expect({ status, error: body['error'] }).toEqual({ status: 400, error: 'invalid_grant' });
    return status === 200;
  }

  /** Wrong passwords, one after the other. */
  async guess(username: string, times: number, from?: string): Promise<void> {
    for (let i = 1; i <= times; i++) expectOAuthError(await this.login(username, `wrong password no. ${i}`, from), 400, 'invalid_grant');
  }

  /** Wrong passwords from so many addresses, each within its own limit. */
  async guessFromEverywhere(username: string, addresses: readonly string[], each: number): Promise<void> {
    await Promise.all(addresses.map((address) => this.guess(username, each, address)));
  }

  advance(seconds: number): void {
    this.server.clock.advanceSeconds(seconds);
    this.server.driver.renewAdminToken();
  }

  rows(): Promise<AttemptRow[]> {
    return this.server.get(DataSource).query<AttemptRow[]>(ALL_ROWS);
  }

  /** Counters that were made since, in the order in which a guess makes them. */
  async rowsSince(rows: readonly AttemptRow[]): Promise<{ pending: number; failures: number }[]> {
    return (await this.rows()).slice(rows.length).map(({ pending, failures }) => ({ pending, failures }));
  }

  async throttled(filter: Record<string, string> = {}): Promise<AuditEvent[]> {
    this.server.driver.renewAdminToken();
    return (await this.server.driver.adminRequest<{ items: AuditEvent[] }>('GET', `/audit-events?${new URLSearchParams({ type: 'user.login_throttled', limit: '200', ...filter }).toString()}`)).body.items;
  }

  async lockedUntil({ userId }: RegisteredUser): Promise<unknown> {
    this.server.driver.renewAdminToken();
    return (await this.server.driver.adminRequest('GET', `/users/${userId}`)).body['locked_until'];
  }
}

/** What a caller sees of an answer, but for what differs between any two. */
const seen = ({ status, headers, text }: Answer) => ({ status, text, headers: [...headers].filter(([name]) => name !== 'date' && name !== 'x-request-id') });

const many = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => make(index));

describeOnOneDatabase('password guessing', (kind) => {
  let server: TestServer;
  let app: Application;

  beforeAll(async () => {
    server = await TestServer.start({ kind, env: { ...PROXIED, PASSWORD_ATTEMPT_LIMIT: String(LIMIT) } });
    app = await Application.at(server);
  });
  afterAll(() => server.stop());

  describe('a refusal does not tell why, nor whether there is such a user', () => {
    it('unknown, wrong, disabled, deleted, locked, throttled, without a password, too long for one: status, headers and body are the same', async () => {
      const at = network();
      const [disabled, deleted, locked, throttled] = [await app.user(), await app.user(), await app.user(), await app.user()];
      const without = await app.user({ password: undefined });
      await server.driver.adminRequest('PATCH', `/users/${disabled.userId}`, { enabled: false });
      await server.driver.adminRequest('DELETE', `/users/${deleted.userId}`);
      await app.guessFromEverywhere(locked.username, many(CROWD, (i) => at(100 + i)), LIMIT);
      await app.guess(throttled.username, LIMIT, at(1));
      const refused: [string, username: string, password: string][] = [
        ['an unknown user', 'nobody', PASSWORD],
        ['a name that none can have', ' \u200b\u202e"\n', PASSWORD],
        ['a name too long for any', 'a'.repeat(3000), PASSWORD],
        ['a short password', (await app.user()).username, 'x'],
        ['the password of others', (await app.user({ password: 'quite another long password' })).username, PASSWORD],
        ['a password too long for any', (await app.user()).username, 'p'.repeat(5000)],
        ['a password too long for any, of an unknown user', 'nobody-else', 'p'.repeat(5000)],
        ['a disabled user', disabled.username, disabled.password],
        ['a disabled user with a wrong password', disabled.username, 'wrong'],
        ['a deleted user', deleted.username, deleted.password],
        ['a user without a password', without.username, PASSWORD],
        ['a locked user', locked.username, locked.password],
        ['a locked user with a wrong password', locked.username, 'wrong'],
        ['a user throttled at this address', throttled.username, throttled.password],
      ];
      const expected = seen(await app.login((await app.user()).username, 'wrong', at(1)));
      expect(expected).toMatchObject({ status: 400, text: expect.stringContaining('"error":"invalid_grant"') as string });
      for (const [what, username, password] of refused) expect([what, seen(await app.login(username, password, at(1)))]).toEqual([what, expected]);
      expect(await app.letsIn(await app.user(), at(1))).toBe(true);
    });
  });

  describe('an account from one address', () => {
    it('takes so many wrong passwords as the limit says; then the right one is refused there, and let in from another address', async () => {
      const at = network();
      const user = await app.user();
      await app.guess(user.username, LIMIT - 1, at(1));
      expect(await app.letsIn(user, at(1))).toBe(true);
      await app.guess(user.username, LIMIT, at(1));
      expect([await app.letsIn(user, at(1)), await app.letsIn(user, at(2)), await app.letsIn(user, at(1))]).toEqual([false, true, false]);
    });

    it('the name of an account is one name in any case and width: each spelling counts', async () => {
      const at = network();
      const user = await app.user({ username: `Spelled-${++serial}` });
      for (const username of [user.username.toUpperCase(), user.username.replace('S', 'Ｓ')]) await app.guess(username, 1, at(1));
      expect([await app.letsIn(user, at(1)), await app.letsIn(user, at(2))]).toEqual([false, true]);
    });

    it('is open again 15 minutes after the first wrong password, and not a second before', async () => {
      const at = network();
      const user = await app.user();
      await app.guess(user.username, 1, at(1));
      app.advance(100);
      await app.guess(user.username, LIMIT - 1, at(1));
      app.advance(WINDOW_SECONDS - 101);
      expect(await app.letsIn(user, at(1))).toBe(false);
      app.advance(1);
      await app.guess(user.username, LIMIT - 1, at(1));
      expect(await app.letsIn(user, at(1))).toBe(true);
    });

    it('guesses that are refused do not keep it closed for longer', async () => {
      const at = network();
      const user = await app.user();
      await app.guess(user.username, LIMIT, at(1));
      app.advance(WINDOW_SECONDS - 1);
      await app.guess(user.username, 5, at(1));
      app.advance(1);
      expect(await app.letsIn(user, at(1))).toBe(true);
    });

    it('the right password starts its count anew', async () => {
      const at = network();
      const user = await app.user();
      for (let round = 0; round < 3; round++) {
        await app.guess(user.username, LIMIT - 1, at(1));
        expect(await app.letsIn(user, at(1))).toBe(true);
      }
    });

    it('a guess through another client counts all the same', async () => {
      const at = network();
      const user = await app.user();
      await app.guess(user.username, LIMIT, at(1));
      expect(await (await Application.at(server)).letsIn(user, at(1))).toBe(false);
    });

    it('what is refused before the password is looked at is no guess', async () => {
      const at = network();
      const user = await app.user();
      const before = await app.rows();
      const headers = { 'x-forwarded-for': at(1) };
      for (const [form, client] of [
        [{ scope: 'unknown' }, app.client],
        [{ scope: 'a"b' }, app.client],
        [{}, { ...app.client, clientSecret: 'wrong' }],
        [{}, await server.driver.registerClient({})],
        [{}, await server.driver.registerClient({ grant_types: ['password'], password_grant_sunset: '2020-01-01T00:00:00Z' })],
      ] as const) {
        expect([400, 401]).toContain((await server.driver.form('/oauth/token', { grant_type: 'password', username: user.username, password: 'wrong', ...form }, client, headers)).status);
      }
      expect(await app.rowsSince(before)).toEqual([]);
    });
  });

  describe('what an address is', () => {
    const expectOneBucket = async (guesses: string[], other: string) => {
      const user = await app.user();
      for (const address of guesses.slice(0, LIMIT)) await app.guess(user.username, 1, address);
      for (const address of guesses.slice(LIMIT - 1)) expect([address, await app.letsIn(user, address)]).toEqual([address, false]);
      expect([other, await app.letsIn(user, other)]).toEqual([other, true]);
    };

    it('IPv6: the /64, however it is written', async () => {
      await expectOneBucket(['2001:db8:1:2::1', '2001:DB8:1:2:ffff:ffff:ffff:ffff', '2001:0db8:0001:0002:0:0:0:3', '2001:db8:1:2:aaaa:bbbb:cccc:dddd', '[2001:db8:1:2::5]:443'], '2001:db8:1:3::1');
      await expectOneBucket(['2001:db8::1', '2001:db8:0:0:1::', '2001:db8::ffff:0:0:1', '2001:db8:0::7'], '2001:db8:0:1::1');
    });

    it('IPv4: each one, with or without a port', async () => {
      const at = network();
      await expectOneBucket([at(1), `${at(1)}:51234`, at(1), `${at(1)}:80`], at(2));
    });

    it.each([['with dots', (at: string) => `::ffff:${at}`], ['in capitals', (at: string) => `::FFFF:${at}`], ['in hexadecimal', (at: string) => `::ffff:${at.split('.').map((n) => Number(n).toString(16).padStart(2, '0')).join('').replace(/(?=.{4}$)/, ':')}`]])(
      'IPv4-mapped IPv6 %s is the IPv4 address',
      async (_, mapped) => {
        const at = network();
        await expectOneBucket([at(1), mapped(at(1)), mapped(at(1)), at(1), mapped(at(1))], mapped(at(2)));
      },
    );

    it('what a caller says before its proxy does changes nothing', async () => {
      const at = network();
      await expectOneBucket(many(6, (i) => `${at(100 + i)}, ${at(1)}`), at(2));
    });
  });

  describe('the audit log', () => {
    it('tells once in a window of each limit that was reached, and about whom, without a username or a password', async () => {
      const at = network();
      const user = await app.user();
      await app.guess(user.username, LIMIT + 4, at(1));
      const ofUser = () => app.throttled({ user_id: user.userId });
      expect(await ofUser()).toEqual([expect.objectContaining({ actor: { client_id: app.client.clientId, user_id: null, operator: null, address: at(1) }, user_id: user.userId, detail: { limit: 'account_and_address' } })]);
      app.advance(WINDOW_SECONDS);
      await app.guess(user.username, LIMIT + 4, at(1));
      expect(await ofUser()).toHaveLength(2);
      await app.guessFromEverywhere(user.username, many(CROWD - 1, (i) => at(100 + i)), LIMIT);
      await app.guess(user.username, 2, at(2));
      await app.guess(user.username, 2, at(3));
      const events = await ofUser();
      expect(events.map(({ detail }) => detail['limit'])).toEqual(['account', 'account_and_address', 'account_and_address']);
      expect(JSON.stringify(events)).not.toMatch(new RegExp(`${user.username}|wrong password|${PASSWORD}`, 'i'));
    });

    it('tells of a name that is nobody\'s too, without the name', async () => {
      const at = network();
      await app.guess('canary-of-the-audit-log', LIMIT + 4, at(1));
      const events = (await app.throttled()).filter(({ actor }) => actor.address === at(1));
      expect(events).toEqual([expect.objectContaining({ user_id: null, client_id: null, detail: { limit: 'account_and_address' } })]);
      expect(JSON.stringify(events)).not.toContain('canary');
    });
  });

  describe('an admin', () => {
    it('who sets a password forgets the guesses at the old one', async () => {
      const at = network();
      const user = await app.user();
      await app.guess(user.username, LIMIT, at(1));
      server.driver.renewAdminToken();
      const password = 'quite another long password';
      expect((await server.driver.adminRequest('PUT', `/users/${user.userId}/password`, { password })).status).toBe(204);
      expect(await app.letsIn({ ...user, password }, at(1))).toBe(true);
    });
  });

  describe('nothing of what was guessed is kept', () => {
    it('the counters hold digests: no username in any spelling, no address, no password', async () => {
      const at = network();
      const username = `Canary-${++serial}-ÿ`;
      const before = await app.rows();
      await app.guess(username, 1, at(1));
      const rows = (await app.rows()).slice(before.length);
      expect(rows).toHaveLength(3);
      for (const { attempt_key: key, account } of rows) {
        expect(key).toMatch(/^[0-9a-f]{64}$/);
        expect(account ?? key).toMatch(/^[0-9a-f]{64}$/);
      }
      const text = JSON.stringify(await app.rows());
      for (const clear of ['canary', 'ÿ', at(1), 'wrong', Buffer.from(username).toString('hex'), Buffer.from(username).toString('base64')]) expect([clear, text.toLowerCase().includes(clear.toLowerCase())]).toEqual([clear, false]);
    });

    it('the log holds neither usernames nor passwords, right, wrong or throttled', async () => {
      const at = network();
      const user = await app.user({ username: `log-canary-${++serial}`, password: 'canary of the log, right' });
      expect(await app.letsIn(user, at(1))).toBe(true);
      for (const username of [user.username, 'log-canary-of-nobody']) for (let i = 0; i < LIMIT + 2; i++) await app.login(username, 'canary of the log, wrong', at(1));
      await app.login(`log-canary-${'x'.repeat(4000)}`, 'canary of the log, wrong', at(1));
      const log = server.logLines.join('\n');
      expect(log).toContain(at(1));
      expect(log).not.toMatch(/canary/i);
    });

    it.each([
      ['a newline and JSON', 'a\n{"level":"info","msg":"injected"}'],
      ['a carriage return', 'a\r\n{"level":"info","msg":"injected"}'],
      ['Unicode line ends', 'a\u2028{"level":"injected"}\u2029\u0085'],
      ['ANSI escapes', '\u001b[2J\u001b[31minjected\u001b[0m\u009b1m'],
      ['a quote that ends a text', '","level":"info","msg":"injected'],
      ['a format', 'injected %s %o %j'],
    ])('a username with %s writes no line of its own: one line each, all JSON', async (_, username) => {
      const at = network();
      const mark = server.logLines.length;
      await app.guess(username, 1, at(1));
      const lines = server.logLines.slice(mark);
      expect(lines).toHaveLength(1);
      expect(JSON.parse(lines[0])).toMatchObject({ level: 'info', msg: 'request refused', status: 400, error: 'invalid_grant', address: at(1) });
      expect(lines[0]).not.toMatch(/injected|\P{ASCII}|\\u/u);
    });
  });

  describe('the whole password is looked at', () => {
    const common = 'seventy-two bytes of a beginning that two passwords have in common 12345'.slice(0, 72);

    it('80 bytes that are equal in the first 72: the one does not pass for the other', async () => {
      const at = network();
      const [one, other] = [`${common}-first-1`, `${common}-other-2`];
      expect([common.length, one.length, other.length]).toEqual([72, 80, 80]);
      const user = await app.user({ password: one });
      for (const password of [other, common]) {
        expect(await app.letsIn({ ...user, password }, at(1))).toBe(false);
        expect(await app.letsIn(user, at(1))).toBe(true);
      }
    });

    it('the last of 256 characters counts', async () => {
      const at = network();
      const password = 'zyx wvu '.repeat(32);
      const user = await app.user({ password });
      expect(await app.letsIn({ ...user, password: `${password.slice(0, -1)}x` }, at(1))).toBe(false);
      expect(await app.letsIn(user, at(1))).toBe(true);
    });

    it('a password beyond every bound is wrong, whoever\'s it is, and counts as a guess', async () => {
      const at = network();
      const user = await app.user();
      const before = await app.rows();
      expect(await app.letsIn({ ...user, password: 'p'.repeat(20_000) }, at(1))).toBe(false);
      expect(await app.rowsSince(before)).toEqual(Array(3).fill({ pending: 0, failures: 1 }));
    });

    it('a body of 1 MB is refused at once (413), and is no guess', async () => {
      const at = network();
      const user = await app.user();
      const before = await app.rows();
      const began = performance.now();
      expectOAuthError(await app.login(user.username, 'p'.repeat(1_000_000), at(1)), 413, 'invalid_request');
      expect(performance.now() - began).toBeLessThan(1000);
      expect(await app.rowsSince(before)).toEqual([]);
    });
  });

  it('guesses that a process left behind when it died hold nobody up for longer than a minute', async () => {
    const at = network();
    const user = await app.user();
    await app.guess(user.username, 1, at(1));
    await server.get(DataSource).query(`UPDATE password_attempts SET pending = ${LIMIT} WHERE pending = 0`);
    let answered = false;
    const login = app.letsIn(user, at(1)).finally(() => (answered = true));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(answered).toBe(false);
    app.advance(61);
    expect(await login).toBe(true);
  });
});

describeOnEachDatabase('an account from many addresses', (kind) => {
  let server: TestServer;
  let app: Application;

  beforeAll(async () => {
    server = await TestServer.start({ kind, env: { ...PROXIED, PASSWORD_ATTEMPT_LIMIT: '1' } });
    app = await Application.at(server);
  });
  afterAll(() => server.stop());

  it('takes ten times the limit, and is then closed to addresses that it does not know, but not to one from which she signed in before', async () => {
    const at = network();
    const user = await app.user();
    expect(await app.letsIn(user, at(1))).toBe(true);
    await app.guessFromEverywhere(user.username, many(10, (i) => at(100 + i)), 1);
    const until = new Date(server.clock.nowMs() + WINDOW_SECONDS * 1000).toISOString();
    expect(await app.lockedUntil(user)).toBe(until);
    expect([await app.letsIn(user, at(2)), await app.letsIn(user, at(1)), await app.letsIn(user, at(3))]).toEqual([false, true, false]);
    // Known or not, no address has more than its own limit.
    await app.guess(user.username, 1, at(1));
    expect(await app.letsIn(user, at(1))).toBe(false);
  });

  it('is open to all again after 15 minutes, and not a second before', async () => {
    const at = network();
    const user = await app.user();
    await app.guessFromEverywhere(user.username, many(10, (i) => at(100 + i)), 1);
    app.advance(WINDOW_SECONDS - 1);
    expect(await app.letsIn(user, at(2))).toBe(false);
    app.advance(1);
    expect(await app.lockedUntil(user)).toBeNull();
    expect(await app.letsIn(user, at(2))).toBe(true);
  });

  it('one guess fewer leaves it open', async () => {
    const at = network();
    const user = await app.user();
    await app.guessFromEverywhere(user.username, many(9, (i) => at(100 + i)), 1);
    expect(await app.lockedUntil(user)).toBeNull();
    expect(await app.letsIn(user, at(2))).toBe(true);
  });

  it('an address at which somebody else signed in is not known', async () => {
    const at = network();
    const [user, other] = [await app.user(), await app.user()];
    expect(await app.letsIn(other, at(1))).toBe(true);
    await app.guessFromEverywhere(user.username, many(10, (i) => at(100 + i)), 1);
    expect([await app.letsIn(user, at(1)), await app.letsIn(other, at(1)), await app.letsIn(other, at(2))]).toEqual([false, true, true]);
  });

  it('an address is forgotten after 30 days without a login', async () => {
    const at = network();
    const user = await app.user();
    expect(await app.letsIn(user, at(1))).toBe(true);
    app.advance(29 * 86_400);
    await app.guessFromEverywhere(user.username, many(10, (i) => at(100 + i)), 1);
    expect(await app.letsIn(user, at(1))).toBe(true);
    app.advance(30 * 86_400);
    await app.guessFromEverywhere(user.username, many(10, (i) => at(100 + i)), 1);
    expect(await app.letsIn(user, at(1))).toBe(false);
  });

  it.each<[string, (userId: string) => Promise<Answer>]>([
    ['was deleted', (userId) => server.driver.adminRequest('DELETE', `/users/${userId}`)],
    ['took another one', (userId) => server.driver.adminRequest('PATCH', `/users/${userId}`, { username: `renamed-${++serial}` })],
  ])('a user who comes under the name of one who %s finds no address known', async (_, leave) => {
    const at = network();
    const first = await app.user();
    expect(await app.letsIn(first, at(1))).toBe(true);
    expect([200, 204]).toContain((await leave(first.userId)).status);
    const second = await app.user({ username: first.username });
    await app.guessFromEverywhere(second.username, many(10, (i) => at(100 + i)), 1);
    expect(await app.letsIn(second, at(1))).toBe(false);
  });

  it('is opened to every address at once by an admin who unlocks it, and other accounts are not', async () => {
    const at = network();
    const [user, other] = [await app.user(), await app.user()];
    await app.guessFromEverywhere(user.username, many(10, (i) => at(100 + i)), 1);
    await app.guess(other.username, 1, at(1));
    expect([await app.letsIn(user, at(1)), await app.letsIn(user, at(100))]).toEqual([false, false]);
    server.driver.renewAdminToken();
    expect((await server.driver.adminRequest('POST', `/users/${user.userId}/unlock`)).status).toBe(204);
    expect(await app.lockedUntil(user)).toBeNull();
    expect([await app.letsIn(user, at(1)), await app.letsIn(user, at(100)), await app.letsIn(other, at(1))]).toEqual([true, true, false]);
  });
});

describe('password guessing at the default limit', () => {
  it('100 wrong passwords from one address: it is closed there, and the owner signs in from another', async () => {
    const server = await TestServer.start({ env: PROXIED });
    try {
      const app = await Application.at(server);
      const user = await app.user();
      const before = await app.rows();
      for (let batch = 0; batch < 5; batch++) await Promise.all(many(20, () => app.guess(user.username, 1, '203.0.113.1')));
      expect(await app.rowsSince(before)).toEqual(Array(3).fill({ pending: 0, failures: 10 }));
      expect([await app.letsIn(user, '203.0.113.1'), await app.letsIn(user, '203.0.113.2')]).toEqual([false, true]);
    } finally {
      await server.stop();
    }
  });
});

describeOnEachDatabase('an address over all accounts', (kind) => {
  let server: TestServer;
  let app: Application;

  beforeAll(async () => {
    server = await TestServer.start({ kind, env: { ...PROXIED, PASSWORD_ATTEMPT_LIMIT: '1' } });
    app = await Application.at(server);
  });
  afterAll(() => server.stop());

  it('takes thirty times the limit, and is then closed to all but those who signed in there before; their logins do not make it anew', async () => {
    const at = network();
    const [insider, user, other] = [await app.user(), await app.user(), await app.user()];
    await Promise.all(many(29, () => app.guess(`sprayed-${++serial}`, 1, at(1))));
    expect([await app.letsIn(insider, at(1)), await app.letsIn(insider, at(1))]).toEqual([true, true]);
    await app.guess(`sprayed-${++serial}`, 1, at(1));
    expect([await app.letsIn(user, at(1)), await app.letsIn(other, at(1)), await app.letsIn(user, at(2))]).toEqual([false, false, true]);
    // Where she signed in before she is not shut out by what others do there, but has no more than her own limit.
    expect(await app.letsIn(insider, at(1))).toBe(true);
    await app.guess(insider.username, 1, at(1));
    expect(await app.letsIn(insider, at(1))).toBe(false);
    const events = (await app.throttled()).filter(({ actor }) => actor.address === at(1));
    expect(events.map(({ detail }) => detail['limit'])).toEqual(['account_and_address', 'address']);
    app.advance(WINDOW_SECONDS);
    expect(await app.letsIn(user, at(1))).toBe(true);
  });
});

describe('an address that an untrusted peer made up', () => {
  it('counts for nothing: the socket\'s is the one that is throttled', async () => {
    const server = await TestServer.start({ env: { PASSWORD_ATTEMPT_LIMIT: String(LIMIT) } });
    try {
      const app = await Application.at(server);
      const user = await app.user();
      const made = (i: number) => ({ 'x-forwarded-for': `203.0.113.${i}`, forwarded: `for=203.0.113.${i}`, 'x-real-ip': `203.0.113.${i}`, 'x-client-ip': `203.0.113.${i}`, 'cf-connecting-ip': `203.0.113.${i}`, 'true-client-ip': `203.0.113.${i}` });
      for (let i = 1; i <= LIMIT; i++) expectOAuthError(await app.login(user.username, 'wrong', undefined, made(i)), 400, 'invalid_grant');
      expectOAuthError(await app.login(user.username, user.password, undefined, made(99)), 400, 'invalid_grant');
      expect(await app.letsIn(user)).toBe(false);
      expect((await app.throttled()).map(({ actor }) => actor.address)).toEqual(['127.0.0.1']);
    } finally {
      await server.stop();
    }
  });
});

describeOnEachDatabase('guesses at once over two instances', (kind) => {
  let database: TestDatabase;
  let apps: [Application, Application];

  const start = async (limit: number): Promise<void> => {
    database = await createDatabase(kind);
    const env = { ...PROXIED, PASSWORD_ATTEMPT_LIMIT: String(limit) };
    const one = await TestServer.start({ database, env });
    const two = await TestServer.start({ database, env, issuer: one.issuer, clock: one.clock });
    const app = await Application.at(one);
    apps = [app, app.via(two)];
  };
  const stop = async (): Promise<void> => {
    for (const { server } of apps) await server.stop();
    await database.drop();
  };
  /** By turns to the one and the other. Who is told to come again, since the machine is busy, does so until there is a verdict. */
  const race = (count: number, guess: (app: Application, racer: number) => Promise<Answer>): Promise<Answer[]> =>
    Promise.all(
      many(count, (i) =>
        eventually(async () => {
          const answer = await guess(apps[i % 2], i);
          expect([200, 400]).toContain(answer.status);
          return answer;
        }, { withinMs: 40_000, everyMs: 200 }),
      ),
    );
  const expectAll = (answers: Answer[], expected: number): void => expect(answers.filter(({ status }) => status !== expected).map(({ status, text }) => `${status} ${text}`)).toEqual([]);

  describe('with a limit of 10', () => {
    beforeAll(() => start(10));
    afterAll(stop);

    it('100 wrong ones for one account from one address: ten are looked at, the rest and the right one after them are refused, and it is audited once', async () => {
      const at = network();
      const user = await apps[0].user();
      const before = await apps[0].rows();
      expectAll(await race(100, (app, i) => app.login(user.username, `wrong password no. ${i}`, at(1))), 400);
      expect(await apps[0].rowsSince(before)).toEqual(Array(3).fill({ pending: 0, failures: 10 }));
      for (const app of apps) expect(await app.letsIn(user, at(1))).toBe(false);
      expect(await apps[0].throttled({ user_id: user.userId })).toHaveLength(1);
    }, 60_000);

    it('60 right ones of one user from one address all succeed, and leave nothing that counts', async () => {
      const at = network();
      const user = await apps[0].user();
      const before = await apps[0].rows();
      expectAll(await race(60, (app) => app.login(user.username, user.password, at(1))), 200);
      expect(await apps[0].rowsSince(before)).toEqual(Array(3).fill({ pending: 0, failures: 0 }));
    }, 60_000);

    it('20 right ones among 4 wrong ones succeed all the same', async () => {
      const at = network();
      const user = await apps[0].user();
      const answers = await race(24, (app, i) => app.login(user.username, i % 6 === 0 ? 'wrong' : user.password, at(1)));
      expectAll(answers.filter((_, i) => i % 6 === 0), 400);
      expectAll(answers.filter((_, i) => i % 6 !== 0), 200);
    });
  });

  describe('with a limit of 1', () => {
    beforeAll(() => start(1));
    afterAll(stop);

    it('20 wrong ones for one account from 20 addresses: ten are looked at', async () => {
      const at = network();
      const user = await apps[0].user();
      const before = await apps[0].rows();
      expectAll(await race(20, (app, i) => app.login(user.username, 'wrong', at(i))), 400);
      const ofAccount = (await apps[0].rows()).slice(before.length).filter(({ account, attempt_key: key }) => account === key);
      expect(ofAccount.map(({ pending, failures }) => ({ pending, failures }))).toEqual([{ pending: 0, failures: 10 }]);
      expect(await apps[1].letsIn(user, at(99))).toBe(false);
    });

    it('40 wrong ones for 40 accounts from one address: thirty are looked at', async () => {
      const at = network();
      const user = await apps[0].user();
      const before = await apps[0].rows();
      expectAll(await race(40, (app, i) => app.login(`sprayed-${i}`, 'wrong', at(1))), 400);
      const ofAddress = (await apps[0].rows()).slice(before.length).filter(({ account }) => account === null);
      expect(ofAddress.map(({ pending, failures }) => ({ pending, failures }))).toEqual([{ pending: 0, failures: 30 }]);
      expect([await apps[1].letsIn(user, at(1)), await apps[1].letsIn(user, at(2))]).toEqual([false, true]);
    });
  });
});

describe('every refusal costs a hash', () => {
  it('while the one thread is taken and the queue is full, each is told 503: unknown, wrong, disabled, without a password, locked, throttled', async () => {
    const server = await TestServer.start({ env: { ...PROXIED, PASSWORD_ATTEMPT_LIMIT: '1', PASSWORD_HASH_THREADS: '1', PASSWORD_HASH_QUEUE_LIMIT: '1' } });
    try {
      const app = await Application.at(server);
      const at = network();
      const [wrong, disabled, without, locked, throttled] = [await app.user(), await app.user(), await app.user({ password: undefined }), await app.user(), await app.user()];
      const slow = [await app.user({ password_hash: SLOW_HASH }), await app.user({ password_hash: SLOW_HASH })];
      await server.driver.adminRequest('PATCH', `/users/${disabled.userId}`, { enabled: false });
      for (let i = 0; i < 10; i++) await app.guess(locked.username, 1, at(100 + i));
      await app.guess(throttled.username, 1, at(1));

      const busy = slow.map(({ username }) => app.login(username, 'wrong', at(2)));
      // One is counted before it is in the line: who comes in between is let in.
      await eventually(async () => expect((await Scrape.of(server.url)).value('mintgate_password_hashes_waiting')).toBe(1));
      expect((await app.login('nobody', 'wrong', at(3))).status).toBe(503);
      const kinds = { 'an unknown user': 'nobody-else', 'a wrong password': wrong.username, 'a disabled user': disabled.username, 'a user without a password': without.username, 'a locked user': locked.username, 'a throttled user': throttled.username };
      const answers = await Promise.all(Object.entries(kinds).map(async ([what, username]) => [what, await app.login(username, PASSWORD, at(1))] as const));
      expect(answers.map(([what, { status }]) => [what, status])).toEqual(Object.keys(kinds).map((what) => [what, 503]));
      for (const [, answer] of answers) expect(seen(answer)).toEqual(seen(answers[0][1]));
      for (const answer of await Promise.all(busy)) expectOAuthError(answer, 400, 'invalid_grant');
    } finally {
      await server.stop();
    }
  });
});

interface Outage {
  database: TestDatabase;
  begin(): void;
  end(): void;
  /** The counters as another process sees them. */
  rows(): Promise<AttemptRow[]>;
  dispose(): Promise<void>;
}

/** A database that cannot be written: another process holds the file's lock, or nothing passes through the network. */
const OUTAGES: Record<DatabaseKind, () => Promise<Outage>> = {
  SQLite: async () => {
    const database = await createDatabase('SQLite');
    const file = database.url.replace('sqlite:', '');
    let holder: libsql.Database | undefined;
    const end = () => {
      holder?.close();
      holder = undefined;
    };
    return {
      database,
      begin: () => void (holder = new libsql(file)).exec('BEGIN IMMEDIATE'),
      end,
      rows: async () => {
        const other = new libsql(file);
        try {
          return other.prepare(ALL_ROWS).all() as AttemptRow[];
        } finally {
          other.close();
        }
      },
      dispose: () => database.drop(),
    };
  },
  MariaDB: async () => {
    const database = await createDatabase('MariaDB');
    const proxy = await TcpProxy.to(mariadbPort()!);
    const url = new URL(database.url);
    url.port = String(proxy.port);
    return {
      database: { ...database, url: url.href },
      begin: () => void (proxy.blackhole = true),
      end: () => void (proxy.blackhole = false),
      rows: async () => (await database.sql(ALL_ROWS)) as AttemptRow[],
      dispose: async () => {
        await proxy.close();
        await database.drop();
      },
    };
  },
};

describeOnEachDatabase('a database that is away', (kind) => {
  let outage: Outage;
  let server: TestServer;
  let app: Application;

  beforeEach(async () => {
    outage = await OUTAGES[kind]();
    server = await TestServer.start({ database: outage.database, env: { ...PROXIED, PASSWORD_ATTEMPT_LIMIT: '1', DATABASE_DEADLINE_MS: '300' } });
    app = await Application.at(server);
  });
  afterEach(async () => {
    outage.end();
    await server.stop();
    await outage.dispose();
  });

  const expectUnavailable = (answer: Answer): void => {
    expectOAuthError(answer, 503, 'temporarily_unavailable');
    expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
  };

  it('503 with Retry-After for the right, a wrong and nobody\'s password, never a verdict; none of them was a guess', async () => {
    const at = network();
    const user = await app.user();
    expect(await app.letsIn(user, at(1))).toBe(true);
    outage.begin();
    const answers = await Promise.all([app.login(user.username, user.password, at(1)), app.login(user.username, 'wrong', at(1)), app.login(user.username, 'wrong', at(2)), app.login('nobody', 'wrong', at(1))]);
    for (const answer of answers) expectUnavailable(answer);
    outage.end();
    await eventually(async () => expect((await app.login(user.username, user.password, at(1))).status).toBe(200));
    expect(await app.letsIn(user, at(2))).toBe(true);
    const written = (await outage.rows()).map(({ pending, failures }) => ({ pending, failures }));
    expect(written).toEqual(Array(5).fill({ pending: 0, failures: 0 }));
  });

  it('a password whose verdict cannot be written is told 503, and is held against nobody for longer than a minute', async () => {
    const at = network();
    const user = await app.user({ password_hash: SLOW_HASH });
    const other = await app.user();
    const login = app.login(user.username, 'wrong', at(1));
    await eventually(async () => expect((await app.rows()).map(({ pending }) => pending)).toEqual([1, 1, 1]), { everyMs: 1 });
    outage.begin();
    expectUnavailable(await login);
    outage.end();
    await eventually(async () => expect((await app.login(other.username, other.password, at(1))).status).toBe(200));
    // What was answered is written, for every process to see.
    expect((await outage.rows()).map(({ pending }) => pending)).toEqual([1, 1, 1, 0, 0]);
    app.advance(61);
    expectOAuthError(await app.login(user.username, 'wrong', at(1)), 400, 'invalid_grant');
    expect((await outage.rows()).map(({ pending, failures }) => ({ pending, failures }))).toEqual([...Array<object>(3).fill({ pending: 0, failures: 1 }), ...Array<object>(2).fill({ pending: 0, failures: 0 })]);
  });
});

describe('guesses that wait for the one thread, in the embedded database', () => {
  let outage: Outage;
  let server: TestServer;
  let app: Application;

  beforeEach(async () => {
    outage = await OUTAGES.SQLite();
    server = await TestServer.start({ database: outage.database, env: { ...PROXIED, PASSWORD_HASH_THREADS: '1', DATABASE_DEADLINE_MS: '1000' } });
    app = await Application.at(server);
  });
  afterEach(async () => {
    outage.end();
    await server.stop();
    await outage.dispose();
  });

  const pendingAtAddress = async () => (await app.rows()).find(({ account }) => account === null)?.pending;

  /** Two wrong guesses from an address, each of which takes the thread a second: one at which it is, and one after it. */
  async function takeTheThread(address: string): Promise<Promise<Answer>[]> {
    const taken: Promise<Answer>[] = [];
    for (const user of [await app.user({ password_hash: SLOW_HASH }), await app.user({ password_hash: SLOW_HASH })]) {
      taken.push(app.login(user.username, 'wrong', address));
      // The account's own counter is the last that a new one takes.
      await eventually(async () => expect((await app.rows()).filter(({ account, attempt_key }) => account === attempt_key).reduce((sum, { pending }) => sum + pending, 0)).toBe(taken.length), { everyMs: 5 });
    }
    return taken;
  }

  it('a third one is counted with the outcome of the first, before it is looked at', async () => {
    const address = network()(1);
    const user = await app.user();
    expect(await app.letsIn(user, address)).toBe(true);
    const [first, second] = await takeTheThread(address);
    const third = app.login(user.username, user.password, address);
    let answered = false;
    void first.then(() => (answered = true));
    const mostPending = async () => {
      let most = 0;
      for (; !answered; await sleep(20)) most = Math.max(most, (await pendingAtAddress()) ?? 0);
      return most;
    };
    expect(await mostPending()).toBe(2);
    for (const answer of [await first, await second]) expectOAuthError(answer, 400, 'invalid_grant');
    expect((await third).status).toBe(200);
    expect((await app.rows()).map(({ pending, failures }) => [pending, failures]).filter(([pending]) => pending > 0)).toEqual([]);
    expect((await app.rows()).find(({ account }) => account === null)?.failures).toBe(2);
  });

  it('right ones, wrong ones, and right ones for what is refused, all at once: each gets its own answer, and only the wrong ones count', async () => {
    const address = network()(1);
    const users = await Promise.all(many(12, () => app.user()));
    for (const user of users) expect(await app.letsIn(user, address)).toBe(true);
    const answers = await Promise.all(
      many(36, (i) => {
        const { username, password } = users[i % 12];
        const differs: Record<string, string> = [{}, { password: 'wrong' }, { resource: 'https://unknown.example' }][i % 3];
        return server.driver.form('/oauth/token', { grant_type: 'password', username, password, ...differs }, app.client, { 'x-forwarded-for': address });
      }),
    );
    expect(answers.map(({ status, body }) => (status === 200 ? 'token' : body['error']))).toEqual(many(36, (i) => ['token', 'invalid_grant', 'invalid_target'][i % 3]));
    const rows = await app.rows();
    expect(rows.filter(({ pending }) => pending !== 0)).toEqual([]);
    expect(rows.find(({ account }) => account === null)?.failures).toBe(12);
  });

  it('the outcome of the first cannot be written: 503 for it and for who waits, who is not counted; afterwards all sign in', async () => {
    const address = network()(1);
    const user = await app.user();
    expect(await app.letsIn(user, address)).toBe(true);
    const taken = await takeTheThread(address);
    const third = app.login(user.username, user.password, address);
    outage.begin();
    for (const answer of [await taken[0], await third]) {
      expectOAuthError(answer, 503, 'temporarily_unavailable');
      expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    }
    outage.end();
    await taken[1];
    for (let i = 0; i < 4; i++) expect(await app.letsIn(user, address)).toBe(true);
    expect((await outage.rows()).filter(({ account }) => account !== null).slice(0, 2).map(({ pending, failures }) => ({ pending, failures }))).toEqual(Array(2).fill({ pending: 0, failures: 0 }));
  });
});
