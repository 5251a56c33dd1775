const { startMariadb } = require('./mariadb.js');

module.exports = async () => {
  const mariadb = await startMariadb();
  if (!mariadb) {
    if (process.env.CI === 'true') throw new Error('mariadbd is not on the PATH: CI must install it');
    process.stdout.write('\nMariaDB is not installed: the suites run on SQLite only.\n');
    return;
  }
  globalThis.mintgateMariadb = mariadb;
  process.env.MINTGATE_TEST_MARIADB_PORT = String(mariadb.port);
};
