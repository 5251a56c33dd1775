import { createCipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { Request } from 'express';
import { digestOf } from '../../../src/common/crypto/opaque-value.js';
import { PageCursors } from '../../../src/common/http/page-cursor.js';
import { SecretBox } from '../../../src/common/crypto/secret-box.js';
import { Database } from '../../../src/database/database.js';
import { sealContext } from '../../../src/keys/key-ring.js';
import { SigningKeysRepository } from '../../../src/keys/signing-keys.repository.js';
import { secretContext } from '../../../src/keys/stored-secrets.js';
import { StoredSecretsRepository } from '../../../src/keys/stored-secrets.repository.js';
import { CsrfTokens } from '../../../src/sessions/csrf-tokens.js';
import { RefreshTokenCodec } from '../../../src/tokens/refresh-token-codec.js';
import { mintgate } from '../../support/command-line.js';
import { createDatabase, describeOnEachDatabase, describeOnOneDatabase, type TestDatabase } from '../../support/databases.js';
import { FakeClock } from '../../support/fake-clock.js';
import { type Credentials, decodeJwt, type RegisteredUser, type UserTokens } from '../../support/oauth-driver.js';
import { KEY_ENCRYPTION_KEY, TestServer } from '../../support/test-server.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const OLD = Buffer.from('the key that is to be replaced 1').toString('base64');
const NEW = Buffer.from('the key that takes its place   2').toString('base64');
const bytesOf = (key: string) => Buffer.from(key, 'base64');
const ISSUER = 'http://127.0.0.1:1';
const DAY_SECONDS = 86_400;

describeOnEachDatabase('KEY_ENCRYPTION_KEY is replaced', (kind) => {
  let database: TestDatabase;
  const clock = new FakeClock();
  const servers: TestServer[] = [];
  const start = async (key: string, previous = '') => {
    const env = { KEY_ENCRYPTION_KEY: key, KEY_ENCRYPTION_KEY_PREVIOUS: previous };
    const server = await TestServer.start({ database, clock, issuer: ISSUER, env });
    servers.push(server);
    return server;
  };
  const cli = (args: string[], key: string, previous = '') =>
    mintgate(args, { folder: temporaryFolder(), env: { DATABASE_URL: database.url, ISSUER, KEY_ENCRYPTION_KEY: key, KEY_ENCRYPTION_KEY_PREVIOUS: previous } });

  beforeAll(async () => {
    database = await createDatabase(kind);
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop();
  });
  afterAll(() => database.drop());

  let client: Credentials;
  let user: RegisteredUser;
  let tokens: UserTokens;
  let subject: unknown;

  /** Checks that everything from before is valid at a server, and refreshes. */
  async function expectAllGoesOn(server: TestServer): Promise<void> {
    expect((await server.driver.introspect(client, tokens.accessToken)).body).toMatchObject({ active: true, sub: subject });
    tokens = await server.driver.refreshed(client, tokens.refreshToken);
    expect(decodeJwt(tokens.accessToken).claims['sub']).toBe(subject);
  }

  it('a server with the new key and the previous one accepts every token, and knows users by the same pairwise subjects', async () => {
    const before = await start(OLD);
    client = await before.driver.registerClient({ grant_types: ['password', 'refresh_token'], scope: 'read', subject_type: 'pairwise', refresh_token_idle_lifetime: 30 * DAY_SECONDS });
    user = await before.driver.registerUser({ username: 'ada' });
    tokens = await before.driver.signIn(client, user);
    subject = decodeJwt(tokens.accessToken).claims['sub'];
    expect(subject).not.toBe(user.userId);
    await expectAllGoesOn(await start(NEW, OLD));
  });

  it('servers on either side of the change accept forms, page cursors and new signing keys of each other', async () => {
    const [one, other] = [await start(OLD, NEW), await start(NEW, OLD)];
    const cursors = (server: TestServer) => server.server.app.get(PageCursors, { strict: false });
    const page = cursors(one).page(['list'], { limit: 1 }, [{ id: 2 }, { id: 1 }], (row) => row);
    expect(cursors(other).read(['list'], '1', page.next_cursor!)).toEqual({ limit: 1, before: 2 });
    const form = { headers: {} } as Request;
    const csrf = (server: TestServer) => server.server.app.get(CsrfTokens, { strict: false });
    expect(() => csrf(one).assert(form, csrf(other).of('cookie'), 'cookie')).not.toThrow();
    expect(() => csrf(one).assert(form, csrf(other).of('cookie'), 'another')).toThrow();
    clock.advanceSeconds(3_600);
    expect((await other.driver.adminRequest('POST', '/keys/rotate', {})).status).toBe(200);
    tokens = await one.driver.refreshed(client, tokens.refreshToken);
    await expectAllGoesOn(other);
  });

  it('doctor says that values need the previous key, keys rewrap encrypts each under the new one, and afterwards doctor says that it is not needed', async () => {
    const server = await start(NEW, OLD);
    const previous = async () => {
      const { findings } = (await cli(['doctor', '--json'], NEW, OLD)).json<{ findings: { check: string; level: string; detail: string }[] }>();
      return findings.filter(({ check }) => check === 'KEY_ENCRYPTION_KEY_PREVIOUS').map(({ level, detail }) => [level, detail]);
    };
    const values = (await server.get(SigningKeysRepository).all()).length + (await server.get(StoredSecretsRepository).all()).length;
    expect(await previous()).toEqual([['warning', expect.stringMatching(/^\d of \d values in the database still need it$/)]]);
    const outcome = await cli(['keys', 'rewrap', '--json'], NEW, OLD);
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    const { rewrapped, ...rest } = outcome.json<{ rewrapped: number; values: number }>();
    expect(rest).toEqual({ values });
    // The key that was made by the rotation is under the new key already.
    expect(rewrapped).toBe(values - 1);
    expect((await cli(['keys', 'rewrap', '--json'], NEW, OLD)).json()).toEqual({ values, rewrapped: 0 });
    expect(await previous()).toEqual([['warning', 'no value in the database needs it']]);
    await expectAllGoesOn(server);
    const { body } = await server.driver.adminRequest<{ items: object[] }>('GET', '/audit-events?type=key_encryption_key.rewrapped');
    expect(body.items).toEqual([expect.objectContaining({ detail: { values: rewrapped } })]);
  });

  it('afterwards the old key opens nothing in the database, and the new one alone is enough', async () => {
    const server = await start(NEW);
    const old = new SecretBox(bytesOf(OLD));
    for (const { kid, sealedPrivateJwk } of await server.get(SigningKeysRepository).all()) expect(() => old.open(sealedPrivateJwk, sealContext(kid))).toThrow();
    for (const { name, sealed } of await server.get(StoredSecretsRepository).all()) expect(() => old.open(sealed, secretContext(name))).toThrow();
    await expectAllGoesOn(server);
    expect((await cli(['keys', 'list'], OLD)).code).toBe(78);
    expect((await cli(['keys', 'list', '--json'], NEW)).code).toBe(0);
  });
});

describeOnOneDatabase('Refresh tokens are sealed under a key for each month', (kind) => {
  // In the middle of a month, so that the next one is the first with a key of its own.
  const clock = new FakeClock(Date.parse('2026-11-15T12:00:00.000Z'));
  let server: TestServer;
  let client: Credentials;
  let user: RegisteredUser;
  beforeAll(async () => {
    server = await TestServer.start({ kind, clock });
    client = await server.driver.registerClient({ grant_types: ['password', 'refresh_token'], scope: 'read', refresh_token_lifetime: 90 * DAY_SECONDS, refresh_token_idle_lifetime: 90 * DAY_SECONDS });
    user = await server.driver.registerUser({ username: 'grace' });
  });
  afterAll(() => server.stop());

  const moveTo = (time: string) => clock.advanceSeconds((Date.parse(time) - clock.nowMs()) / 1000);
  const bytesIn = (token: string) => Buffer.from(token.slice('mg_rt_'.length), 'base64url');
  const monthIn = (token: string) => bytesIn(token).readUInt16BE();

  /** The form of earlier versions, written out. */
  function sealedAsBefore(familyId: string, content: Buffer): string {
    const derive = (key: ArrayBuffer | Buffer, purpose: string) => Buffer.from(hkdfSync('sha256', new Uint8Array(key), Buffer.alloc(0), purpose, 32));
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', derive(derive(bytesOf(KEY_ENCRYPTION_KEY), 'refresh-tokens'), 'seal'), nonce);
    const sealed = Buffer.concat([cipher.update(Buffer.concat([Buffer.from(familyId, 'base64url'), randomBytes(20), content])), cipher.final()]);
    return `mg_rt_${Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url')}`;
  }

  it('a token of the form of earlier versions is valid, in the same month and after the month has changed', async () => {
    for (const time of ['2026-11-16T00:00:00Z', '2026-12-01T00:00:00Z']) {
      moveTo(time);
      const { refreshToken } = await server.driver.signIn(client, user);
      const { familyId, content } = server.get(RefreshTokenCodec).open(refreshToken)!;
      const former = sealedAsBefore(familyId, content);
      await server.get(Database).execute('UPDATE token_families SET current_digest = ? WHERE family_id = ?', [digestOf(former), familyId]);
      const { refreshToken: next } = await server.driver.refreshed(client, former);
      await server.driver.refreshed(client, next);
    }
  });

  it('a token carries the month that it was sealed in, is hardly longer for it, and is valid in later months', async () => {
    moveTo('2026-12-15T12:00:00Z');
    const { refreshToken: december } = await server.driver.signIn(client, user);
    moveTo('2027-02-15T12:00:00Z');
    const { refreshToken: february } = await server.driver.refreshed(client, december);
    expect(monthIn(february) - monthIn(december)).toBe(2);
    expect(bytesIn(february)).toHaveLength(bytesIn(sealedAsBefore('A'.repeat(22), server.get(RefreshTokenCodec).open(february)!.content)).length + 2);
    await server.driver.refreshed(client, february);
  });

  it('a token under the key of another month than the one that it names is refused', async () => {
    const { refreshToken } = await server.driver.signIn(client, user);
    const bytes = bytesIn(refreshToken);
    bytes.writeUInt16BE(monthIn(refreshToken) - 1);
    expect((await server.driver.refresh(client, `mg_rt_${bytes.toString('base64url')}`)).status).toBe(400);
    await server.driver.refreshed(client, refreshToken);
  });

  it('a token that is repeated after the turn of the month gets the same successor', async () => {
    moveTo('2027-02-28T23:59:59Z');
    const { refreshToken } = await server.driver.signIn(client, user);
    const first = await server.driver.refreshed(client, refreshToken);
    clock.advanceSeconds(2);
    const again = await server.driver.refreshed(client, refreshToken);
    expect(again.refreshToken).toBe(first.refreshToken);
    expect(monthIn((await server.driver.refreshed(client, first.refreshToken)).refreshToken)).toBe(monthIn(first.refreshToken) + 1);
  });
});
