import { ChangeFeed } from '../../src/database/change-feed.js';
import { Database } from '../../src/database/database.js';
import { describeOnEachDatabase } from '../support/databases.js';
import { Scrape } from '../support/scrape.js';
import { TestServer } from '../support/test-server.js';

const CHANGES = 2500;
const STATEMENTS = 'mintgate_database_statement_duration_seconds_count';

describeOnEachDatabase('Thousands of changes that another instance made at once', (kind) => {
  it.each(['client', 'resource', 'signing-key'])('of the topic %s are read with a few statements, and the instance answers on', async (topic) => {
    const server = await TestServer.start({ kind, env: { CHANGE_FEED_INTERVAL_MS: '900' } });
    try {
      const client = await server.driver.registerClient({ scope: 'a' });
      const feed = server.get(ChangeFeed);
      await feed.poll();
      const before = await Scrape.of(server.url);
      const rows = Array.from({ length: CHANGES }, () => `('${topic}', 'another', ${server.clock.nowMs() + 600_000})`);
      await server.get(Database).execute(`INSERT INTO changes (topic, subject, expires_at) VALUES ${rows.join(', ')}`);
      await feed.poll();
      expect((await Scrape.of(server.url)).rise(before, STATEMENTS)).toBeLessThan(50);
      expect((await server.driver.token(client)).status).toBe(200);
    } finally {
      await server.stop();
    }
  });
});
