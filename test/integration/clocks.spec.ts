import { Clock } from '../../src/common/time/clock.js';
import { ChangeFeed } from '../../src/database/change-feed.js';
import { Cleanup } from '../../src/database/cleanup.js';
import { Database } from '../../src/database/database.js';
import { databaseKinds, describeOnOneDatabase } from '../support/databases.js';
import { FakeClock } from '../support/fake-clock.js';
import { expectOAuthError } from '../support/oauth-errors.js';
import { Scrape } from '../support/scrape.js';
import { SkewedClock } from '../support/skewed-clock.js';
import { TestServer } from '../support/test-server.js';

const MARIADB = databaseKinds().filter((kind) => kind === 'MariaDB');
const OFFSET = 'mintgate_clock_offset_seconds';

const claimsOf = (jwt: string) =>
  JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url').toString()) as { iat: number; exp: number };
const nowSeconds = () => Math.floor(Date.now() / 1000);

describe.each(MARIADB)('Two instances on %s, of which one machine’s clock', (kind) => {
  describe.each([300, -300, 20])('is off by %i seconds', (skewSeconds) => {
    let right: TestServer;
    let skewed: TestServer;
    let clock: SkewedClock;

    beforeAll(async () => {
      right = await TestServer.start({ kind, runningClock: new Clock() });
      clock = new SkewedClock(skewSeconds * 1000);
      skewed = await TestServer.start({ database: right.database, issuer: right.issuer, runningClock: clock });
    });
    afterAll(async () => {
      await skewed?.stop();
      await right?.stop();
    });

    it('agree on when a token was issued and when it expires', async () => {
      const client = await right.driver.registerClient({ scope: 'a', access_token_lifetime: 300 });
      const tokens = [await right.driver.accessToken(client), await skewed.driver.accessToken(client)];
      for (const token of tokens) {
        expect(Math.abs(claimsOf(token).iat - nowSeconds())).toBeLessThanOrEqual(2);
        for (const { driver } of [right, skewed]) {
          expect((await driver.introspect(client, token)).body).toMatchObject({ active: true });
        }
      }
    });

    it('agree on how long the last refresh token may be sent again', async () => {
      const client = await right.driver.registerClient({ grant_types: ['password', 'refresh_token'], scope: 'a' });
      const user = await right.driver.registerUser({ username: 'margaret' });
      for (const [one, other] of [[right, skewed], [skewed, right]]) {
        const { refreshToken } = await right.driver.signIn(client, user);
        const { refreshToken: successor } = await one.driver.refreshed(client, refreshToken);
        expect((await other.driver.refreshed(client, refreshToken)).refreshToken).toBe(successor);
      }
      const { refreshToken } = await right.driver.signIn(client, user);
      await right.driver.refreshed(client, refreshToken);
      const endWindow = 'UPDATE token_families SET retry_until = retry_until - 11000 WHERE retry_until IS NOT NULL';
      await right.get(Database).execute(endWindow);
      expectOAuthError(await skewed.driver.refresh(client, refreshToken), 400, 'invalid_grant');
    });

    it('agree on which key has not been published for long enough', async () => {
      const statuses: number[] = [];
      for (const { driver } of [right, right, skewed]) {
        statuses.push((await driver.adminRequest('POST', '/keys/rotate', {})).status);
      }
      expect(statuses).toEqual([200, 409, 409]);
    });

    it('clean up nothing that has not expired', async () => {
      const client = await right.driver.registerClient({ access_token_format: 'opaque', access_token_lifetime: 240 });
      const token = await right.driver.accessToken(client);
      await skewed.get(Cleanup).run();
      expect((await right.driver.introspect(client, token)).body).toMatchObject({ active: true });
    });

    it('say how far that is, in a metric and in the log, and serve', async () => {
      expect((await Scrape.of(skewed.url)).value(OFFSET)).toBeCloseTo(-skewSeconds, 0);
      expect(Math.abs((await Scrape.of(right.url)).value(OFFSET))).toBeLessThan(1);
      const warned = ({ logLines }: TestServer) => logLines.filter((line) => line.includes('clock differs')).length;
      expect([warned(right), warned(skewed)]).toEqual([0, 1]);
      expect((await skewed.driver.request('GET', '/health/ready')).status).toBe(200);
    });

    it('notice a step of that clock, and do not follow it', async () => {
      clock.skewMs -= 3_600_000;
      const before = clock.nowMs();
      await skewed.get(ChangeFeed).poll();
      expect(clock.nowMs() - before).toBeLessThan(2000);
      expect(clock.nowMs()).toBeGreaterThanOrEqual(before);
      expect((await Scrape.of(skewed.url)).value(OFFSET)).toBeCloseTo(3600 - skewSeconds, 0);
    });
  });
});

describe('A clock that follows the database’s', () => {
  const reading = (offsetMs: number, roundTripMs: number) => {
    const receivedAt = performance.now();
    const sentAt = receivedAt - roundTripMs;
    return { databaseMs: Math.round(Date.now() - roundTripMs / 2 + offsetMs), sentAt, receivedAt };
  };
  const clockAt = (offsetMs: number, roundTripMs = 2) => {
    const clock = new Clock();
    clock.follow(reading(offsetMs, roundTripMs));
    return clock;
  };
  const expectOffset = (clock: Clock, ms: number) => expect(Math.abs(clock.offsetMs - ms)).toBeLessThan(5);

  it('goes by the reading with the shortest round trip, not by the last one', () => {
    const clock = clockAt(10_000);
    clock.follow(reading(10_150, 400));
    expectOffset(clock, 10_000);
    clock.follow(reading(10_001, 1));
    expectOffset(clock, 10_001);
  });

  it('takes a better reading after a bad one', () => {
    const clock = clockAt(10_150, 400);
    clock.follow(reading(10_000, 2));
    expectOffset(clock, 10_000);
  });

  it.each([60_000, -60_000])('follows a database whose clock was set by %i ms at once', (stepMs) => {
    const clock = clockAt(0);
    clock.nowMs();
    clock.follow(reading(stepMs, 50));
    expect(Math.abs(clock.nowMs() - Date.now() - stepMs)).toBeLessThan(50);
  });

  it('stands still rather than go back when it is corrected by less than a second', () => {
    const clock = clockAt(500);
    const before = clock.nowMs();
    clock.follow(reading(0, 2));
    expect(clock.nowMs()).toBe(before);
    expectOffset(clock, 0);
  });

  it('tells the machine’s own time before it has read the database’s', () => {
    expect(Math.abs(new Clock().nowMs() - Date.now())).toBeLessThan(50);
  });
});

describeOnOneDatabase('A token from the future', (kind) => {
  it.each(['jwt', 'opaque'])('is accepted up to 30 seconds ahead, and no further (%s)', async (format) => {
    const clock = new FakeClock();
    const server = await TestServer.start({ kind, clock });
    try {
      const client = await server.driver.registerClient({ scope: 'a', access_token_format: format });
      const token = await server.driver.accessToken(client);
      clock.advanceSeconds(-30);
      expect((await server.driver.introspect(client, token)).body).toMatchObject({ active: true });
      clock.advanceSeconds(-1);
      expect((await server.driver.introspect(client, token)).body).toEqual({ active: false });
      clock.advanceSeconds(31);
      expect((await server.driver.introspect(client, token)).body).toMatchObject({ active: true });
    } finally {
      await server.stop();
    }
  });
});
