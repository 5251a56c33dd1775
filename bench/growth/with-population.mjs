// The services of the server in this process, on the database of the settings.
import { withServices } from '../../dist/src/cli/services.js';
import { SecretBox } from '../../dist/src/common/crypto/secret-box.js';
import { Config } from '../../dist/src/config/config.js';
import { StoredSecrets } from '../../dist/src/keys/stored-secrets.js';
import { RefreshTokenCodec } from '../../dist/src/tokens/refresh-token-codec.js';
import { Population } from './population.mjs';

/** Statements of thousands of rows, on a database that does nothing else, are no cause to give up. */
const DEADLINE_MS = '10000';

/** Works with a population; tells in one line what went wrong. @param readSizes of the command line */
export async function withPopulation(readSizes, work) {
  process.env.DATABASE_DEADLINE_MS ??= DEADLINE_MS;
  try {
    const sizes = readSizes();
    await withServices(async ({ get }) => {
      // A database that no server has started on yet has none.
      await get(StoredSecrets).create();
      await get(StoredSecrets).load();
      await work(new Population(sizes, { codec: get(RefreshTokenCodec), box: get(SecretBox), config: get(Config) }), get);
    });
  } catch (error) {
    console.error(`growth: ${error.message}`);
    process.exitCode = 1;
  }
}
