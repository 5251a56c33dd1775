import { Writable } from 'node:stream';
import { Logger } from '../../src/common/logging/logger.js';
import { WriteBehind } from '../../src/database/write-behind.js';
import { GrantUsage } from '../../src/grants/usage/grant-usage.js';
import { describeOnEachDatabase, describeOnOneDatabase } from '../support/databases.js';
import type { Credentials } from '../support/oauth-driver.js';
import { Scrape } from '../support/scrape.js';
import { TestServer } from '../support/test-server.js';

const PENDING = 'mintgate_write_behind_pending';
const DROPPED = 'mintgate_write_behind_dropped_total';
const USAGE = 'notes="grant_usage"';
/** What {@link WriteBehind} keeps while the database is away. */
const MAX_PENDING = 50_000;

describeOnEachDatabase('counting the scopes of a client', (kind) => {
  const names = Array.from({ length: 12 }, (_, index) => `scope:${index}`);
  let server: TestServer;
  let client: Credentials;

  beforeAll(async () => {
    server = await TestServer.start({ kind, env: { LAST_USED_FLUSH_SECONDS: '3600' } });
    client = await server.driver.registerClient({ scope: names.join(' ') });
    await server.driver.accessToken(client);
    await server.get(GrantUsage).flush();
  });
  afterAll(() => server.stop());

  it('takes one note for all tokens and one for each scope, however the client orders and chooses its scopes', async () => {
    for (let turn = 0; turn < names.length; turn++) {
      const turned = [...names.slice(turn), ...names.slice(0, turn)];
      for (const asked of [turned, turned.slice(turn)]) await server.driver.accessToken(client, { scope: asked.join(' ') });
    }
    expect((await Scrape.of(server.url)).value(PENDING, USAGE)).toBe(1 + names.length);
  });
});

describeOnOneDatabase('what waits for the database', (kind) => {
  let server: TestServer;

  beforeAll(async () => {
    server = await TestServer.start({ kind, env: { LAST_USED_FLUSH_SECONDS: '3600' } });
  });
  afterAll(() => server.stop());

  it('is bounded: further notes are dropped and counted, and a known key is still updated', async () => {
    const usage = server.get(GrantUsage);
    await usage.flush();
    const noteOf = (clientId: string, scope: string[]) =>
      usage.note('client_credentials', { client: { clientId }, scope } as unknown as Parameters<GrantUsage['note']>[1]);
    const scopes = Array.from({ length: MAX_PENDING }, (_, index) => `s${index}`);
    noteOf('busy', scopes);
    noteOf('busy', scopes.slice(0, 10));
    const scrape = await Scrape.of(server.url);
    expect(scrape.value(PENDING, USAGE)).toBe(MAX_PENDING);
    expect(scrape.value(DROPPED, USAGE)).toBe(1);
  });
});

describe('a batch of notes that cannot be written', () => {
  const logger = new Logger('fatal', new Writable({ write: (_chunk, _encoding, done) => done() }));
  const sum = (one: number, other: number) => one + other;

  it('is kept and written later, and what the batches before it wrote is not written again', async () => {
    const written = new Map<number, number>();
    let failsAt = 2;
    const notes = new WriteBehind<number, number>({
      what: 'notes', intervalMs: 3_600_000, merge: sum, logger,
      write: async (batch) => {
        if (--failsAt === 0) throw new Error('the database is away');
        for (const [key, value] of batch) written.set(key, (written.get(key) ?? 0) + value);
      },
    });
    for (let key = 0; key < 250; key++) notes.note(key, 1);
    await notes.flush();
    expect(written.size).toBe(100);
    expect(notes.size).toBe(150);
    notes.note(249, 1);
    await notes.close();
    expect(notes.size).toBe(0);
    expect([...written.keys()].sort((one, other) => one - other)).toEqual(Array.from({ length: 250 }, (_, key) => key));
    expect([...written.values()].filter((value) => value !== 1)).toEqual([2]);
  });

  it('lets the event loop turn after each batch', async () => {
    let turns = 0;
    let turning = true;
    const turn = (): void => {
      turns++;
      if (turning) setImmediate(turn);
    };
    const notes = new WriteBehind<number, number>({ what: 'notes', intervalMs: 3_600_000, merge: sum, logger, write: async () => undefined });
    for (let key = 0; key < 5000; key++) notes.note(key, 1);
    setImmediate(turn);
    await notes.close();
    turning = false;
    expect(turns).toBeGreaterThanOrEqual(45);
  });
});
