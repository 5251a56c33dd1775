import { setTimeout as sleep } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { eventually } from '../support/eventually.js';
import { type Answer, type Credentials, OAuthDriver, type RegisteredUser } from '../support/oauth-driver.js';
import { expectOAuthError } from '../support/oauth-errors.js';
import { Scrape } from '../support/scrape.js';
import { SpawnedServer } from '../support/spawned-server.js';
import { ADMIN, KEY_ENCRYPTION_KEY, TestServer } from '../support/test-server.js';

const LOGINS = 200;
const USERS = 20;

interface Timed {
  status: number;
  ms: number;
}

async function timed(request: Promise<{ status: number }>): Promise<Timed> {
  const began = performance.now();
  const { status } = await request;
  return { status, ms: performance.now() - began };
}

/** Asks again and again, one request after the other, until it is told to stop; that answers how it was answered. */
function keepAsking(request: () => Promise<{ status: number }>): () => Promise<Timed[]> {
  let stopped = false;
  const answers: Timed[] = [];
  const loop = (async () => {
    for (; !stopped; await sleep(10)) answers.push(await timed(request()));
  })();
  return async () => {
    stopped = true;
    await loop;
    return answers;
  };
}

const statusesOf = (answers: readonly { status: number }[]): number[] => [...new Set(answers.map(({ status }) => status))].sort();

function expectUnavailable(answer: Answer): void {
  expectOAuthError(answer, 503, 'temporarily_unavailable');
  expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
}

describe(`${LOGINS} logins at once`, () => {
  let server: SpawnedServer;
  let driver: OAuthDriver;
  let client: Credentials;
  let users: RegisteredUser[];

  const flood = () => Promise.all(Array.from({ length: LOGINS }, (_, i) => driver.passwordGrant(client, users[i % USERS])));

  beforeAll(async () => {
    server = await SpawnedServer.start({ env: { BOOTSTRAP_CLIENT_ID: ADMIN.clientId, BOOTSTRAP_CLIENT_SECRET: ADMIN.clientSecret, KEY_ENCRYPTION_KEY, SHUTDOWN_DRAIN_SECONDS: '0' } });
    await server.ready();
    driver = new OAuthDriver(server.url, ADMIN);
    client = await driver.registerClient({ grant_types: ['password', 'client_credentials'], scope: 'read' });
    users = await Promise.all(Array.from({ length: USERS }, (_, i) => driver.registerUser({ username: `user-${i}` })));
  });
  afterAll(() => server.dispose());

  it('are each a token, or 503 with Retry-After; meanwhile the process answers that it lives, and other grants go on', async () => {
    const stopLive = keepAsking(() => fetch(`${server.url}/health/live`));
    const stopTokens = keepAsking(() => driver.token(client));
    const logins = await flood();
    const [live, tokens] = [await stopLive(), await stopTokens()];
    for (const answer of logins) {
      if (answer.status === 200) expect(answer.body).toMatchObject({ token_type: 'Bearer' });
      else expectUnavailable(answer);
    }
    expect(logins.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
    for (const answers of [live, tokens]) {
      expect(statusesOf(answers)).toEqual([200]);
      expect(answers.length).toBeGreaterThan(2);
      expect(answers.filter(({ ms }) => ms > 1000)).toEqual([]);
    }
  });

  it('are no guesses: whoever was told 503 signs in afterwards, and the log has no error but theirs', async () => {
    await flood();
    for (const user of users) expect((await driver.passwordGrant(client, user)).status).toBe(200);
    expect(server.stderr).toBe('');
    expect(server.log.filter(({ level, status }) => level === 'fatal' || (level === 'error' && status !== 503))).toEqual([]);
  });

  it('without the right password are no more: 400 or 503, and others sign in', async () => {
    const answers = await Promise.all(Array.from({ length: LOGINS }, (_, i) => driver.passwordGrant(client, { username: `nobody-${i % 50}`, password: 'wrong' })));
    for (const answer of answers) {
      if (answer.status === 503) expectUnavailable(answer);
      else expectOAuthError(answer, 400, 'invalid_grant');
    }
    expect((await driver.passwordGrant(client, users[0])).status).toBe(200);
  });
});

describe('a full queue of passwords (one thread, one place)', () => {
  /** Of no password. It takes a thread about a second: two blocks of many iterations each. */
  const SLOW_HASH = `$pbkdf2-sha256$i=1500000$${'A'.repeat(22)}$${'A'.repeat(86)}`;

  it('503 with Retry-After, for a password to be set too; no such login counts as a guess, and all is well when the queue has moved', async () => {
    const server = await TestServer.start({ env: { PASSWORD_HASH_THREADS: '1', PASSWORD_HASH_QUEUE_LIMIT: '1', PASSWORD_ATTEMPT_LIMIT: '2' } });
    try {
      const { driver } = server;
      const client = await driver.registerClient({ grant_types: ['password', 'client_credentials'], scope: 'read' });
      const user = await driver.registerUser({ username: 'margaret' });
      const slow = [await driver.registerUser({ username: 'slow-1', password_hash: SLOW_HASH }), await driver.registerUser({ username: 'slow-2', password_hash: SLOW_HASH })];
      const pending = async () => (await server.get(DataSource).query<{ pending: number; failures: number }[]>('SELECT pending, failures FROM password_attempts WHERE account IS NULL'))[0];

      const busy = slow.map((each) => driver.passwordGrant(client, { ...each, password: 'wrong' }));
      // One is counted before it is in the line: who comes in between is let in.
      await eventually(async () => expect((await Scrape.of(server.url)).value('mintgate_password_hashes_waiting')).toBe(1));
      expect(await pending()).toEqual({ pending: 2, failures: 0 });
      for (const password of ['wrong', 'wrong', 'wrong', 'wrong', user.password]) expectUnavailable(await driver.passwordGrant(client, { ...user, password }));
      const set = await driver.adminRequest('PUT', `/users/${user.userId}/password`, { password: 'quite another long password' });
      expect([set.status, set.headers.get('retry-after')]).toEqual([503, expect.stringMatching(/^[1-9]\d*$/)]);
      expect((await driver.token(client)).status).toBe(200);
      expect(await pending()).toEqual({ pending: 2, failures: 0 });

      for (const answer of await Promise.all(busy)) expectOAuthError(answer, 400, 'invalid_grant');
      expect(await pending()).toEqual({ pending: 0, failures: 2 });
      expect((await driver.passwordGrant(client, user)).status).toBe(200);
    } finally {
      await server.stop();
    }
  });
});

describe('fair shares of the line of passwords (one thread, six places)', () => {
  const from = (address: string) => ({ 'x-forwarded-for': address });
  let server: TestServer;
  let client: Credentials;
  let user: RegisteredUser;

  beforeAll(async () => {
    const env = { PASSWORD_HASH_THREADS: '1', PASSWORD_HASH_QUEUE_LIMIT: '6', TRUST_PROXY: 'loopback' };
    server = await TestServer.start({ env });
    client = await server.driver.registerClient({ grant_types: ['password'], scope: 'read' });
    user = await server.driver.registerUser({ username: 'margaret' });
  });
  afterAll(() => server.stop());

  const signIn = (username: string, password: string, address: string) =>
    server.driver.form('/oauth/token', { grant_type: 'password', username, password }, client, from(address));

  /** Keeps so many wrong passwords from a /64 on their way until it is told to stop. */
  function flood(parallel: number): () => Promise<Answer[]> {
    let stopped = false;
    let serial = 0;
    const answers: Answer[] = [];
    const one = async () => {
      while (!stopped) {
        const address = `2001:db8::${(++serial).toString(16)}`;
        const answer = await signIn(`nobody-${serial}`, 'wrong', address);
        answers.push(answer);
        // Those who flood share the core with the server here: without a rest they would leave it none.
        if (answer.status === 503) await sleep(100);
      }
    };
    const all = Promise.all(Array.from({ length: parallel }, one));
    return async () => {
      stopped = true;
      await all;
      return answers;
    };
  }

  it('M7: a flood from one network is 503 for itself, and never for a right password from elsewhere', async () => {
    const stop = flood(20);
    await eventually(async () => {
      expect((await Scrape.of(server.url)).value('mintgate_password_hashes_shed_total')).toBeGreaterThan(5);
    });
    const statuses = [];
    for (let i = 0; i < 6; i++) statuses.push((await signIn(user.username, user.password, '192.0.2.1')).status);
    const flooded = await stop();
    expect(statuses).toEqual(Array(6).fill(200));
    expect(statusesOf(flooded)).toEqual([400, 503]);
    flooded.filter(({ status }) => status === 503).forEach(expectUnavailable);
  });

  it('M7: several passwords at once from elsewhere get the places that the flood has more than they', async () => {
    const stop = flood(20);
    await eventually(async () => expect((await Scrape.of(server.url)).value('mintgate_password_hashes_waiting')).toBe(6));
    for (let round = 0; round < 2; round++) {
      const others = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.3'];
      const answers = await Promise.all(others.map((address) => signIn(user.username, user.password, address)));
      expect(statusesOf(answers)).toEqual([200]);
    }
    await stop();
  });

  it('who was pushed out of the line was not counted as an attempt', async () => {
    const pending = 'SELECT COALESCE(SUM(pending), 0) AS pending FROM password_attempts';
    await eventually(async () => {
      expect(await server.get(DataSource).query(pending)).toEqual([{ pending: 0 }]);
    });
    expect((await signIn(user.username, user.password, '192.0.2.1')).status).toBe(200);
  });
});
