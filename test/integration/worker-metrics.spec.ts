import { basic } from '../support/oauth-driver.js';
import { eventually } from '../support/eventually.js';
import { Scrape } from '../support/scrape.js';
import { SpawnedServer } from '../support/spawned-server.js';

const ADMIN = { clientId: 'admin', clientSecret: 'worker-metrics-secret-0123456789' };
const WORKERS = 2;
const ISSUED = 'mintgate_tokens_issued_total';
const LABELS = 'grant="client_credentials",format="jwt"';

describe('a scrape of several workers', () => {
  let server: SpawnedServer;

  beforeAll(async () => {
    server = await SpawnedServer.start({ env: { WORKERS: String(WORKERS), BOOTSTRAP_CLIENT_ID: ADMIN.clientId, BOOTSTRAP_CLIENT_SECRET: ADMIN.clientSecret, SHUTDOWN_DRAIN_SECONDS: '0' } });
    await eventually(async () => expect((await scrape()).value('mintgate_workers')).toBe(WORKERS), { withinMs: 20_000 });
    await eventually(async () => expect((await scrape()).value('mintgate_ready')).toBe(1), { withinMs: 20_000 });
    await eventually(() => expect(workers()).toHaveLength(WORKERS));
  });
  afterAll(() => server.dispose());

  // On a connection of its own, so that each of them may meet another worker.
  const scrape = () => Scrape.of(server.url, { connection: 'close' });
  const takeToken = async () => {
    const res = await fetch(`${server.url}/oauth/token`, { method: 'POST', headers: { authorization: basic(ADMIN), 'content-type': 'application/x-www-form-urlencoded', connection: 'close' }, body: 'grant_type=client_credentials' });
    expect(res.status).toBe(200);
    await res.text();
  };
  const workers = () => server.log.filter(({ msg }) => msg === 'ready').map(({ pid }) => pid as number);
  /** Takes so many tokens, and answers how many are counted in all. */
  const counted = async (tokens: number) => {
    const before = (await scrape()).value(ISSUED, LABELS);
    await Promise.all(Array.from({ length: tokens }, takeToken));
    expect((await scrape()).value(ISSUED, LABELS)).toBe(before + tokens);
    return before + tokens;
  };

  it('adds up what all of them counted, whichever answers, and takes the right one of each gauge', async () => {
    const tokens = await counted(30);
    const scrapes: Scrape[] = [];
    for (let i = 0; i < 12; i++) scrapes.push(await scrape());
    expect(scrapes.map((each) => each.value(ISSUED, LABELS))).toEqual(scrapes.map(() => tokens));
    const [last] = scrapes.slice(-1);
    expect(last.value('mintgate_signing_keys', 'alg="ES256",status="active"')).toBe(1);
    expect(last.value('mintgate_change_feed_fresh')).toBe(1);
    expect(last.value('mintgate_password_hash_queue_limit')).toBe(WORKERS * 100);
    expect(last.sum('mintgate_build_info')).toBe(1);
  });

  it('keeps what a worker counted when it dies, and speaks of its successor as soon as that is there', async () => {
    const tokens = await counted(30);
    process.kill(workers().at(-1)!, 'SIGKILL');
    await eventually(async () => expect((await scrape()).value('mintgate_workers')).toBe(WORKERS - 1));
    expect((await scrape()).value(ISSUED, LABELS)).toBe(tokens);
    await eventually(async () => expect((await scrape()).value('mintgate_workers')).toBe(WORKERS), { withinMs: 20_000 });
    await takeToken();
    expect((await scrape()).value(ISSUED, LABELS)).toBe(tokens + 1);
    await eventually(() => expect(workers()).toHaveLength(WORKERS + 1), { withinMs: 20_000 });
  });

  it('is answered within two seconds while a worker hangs, with what that one said before', async () => {
    const tokens = await counted(30);
    const hanging = workers().at(-1)!;
    process.kill(hanging, 'SIGSTOP');
    try {
      // The kernel may hand a connection to the one that hangs: then another is tried.
      const answer = await eventually(() => Scrape.of(server.url, { connection: 'close' }, 3_000), { withinMs: 20_000 });
      expect(answer.value(ISSUED, LABELS)).toBe(tokens);
      expect(answer.value('mintgate_workers')).toBe(WORKERS);
    } finally {
      process.kill(hanging, 'SIGCONT');
    }
  });
});
