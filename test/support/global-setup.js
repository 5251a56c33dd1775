const { chromiumPath } = require('./chromium-path.js');
const { startMariadb } = require('./mariadb.js');

module.exports = async () => {
  if (!chromiumPath()) {
    if (process.env.CI === 'true') throw new Error('Chromium is not in one of the usual places: CI must install it, or say in CHROMIUM_PATH where it is');
    process.stdout.write('\nChromium is not installed: the suites in test/browser do not run.\n');
  }
  const mariadb = await startMariadb();
  if (!mariadb) {
    if (process.env.CI === 'true') throw new Error('mariadbd is not on the PATH: CI must install it');
    process.stdout.write('\nMariaDB is not installed: the suites run on SQLite only.\n');
    return;
  }
  globalThis.mintgateMariadb = mariadb;
  process.env.MINTGATE_TEST_MARIADB_PORT = String(mariadb.port);
};
