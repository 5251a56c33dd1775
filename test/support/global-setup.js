const { chromiumPath } = require('./chromium-path.js');
const { requireFreshBuild } = require('./compiled-app.js');
const { missingGateways } = require('./gateways.js');
const { setUpDatabaseTls } = require('./database-tls.js');
const { startMariadb } = require('./mariadb.js');
const { makeTemplate } = require('./migrated-template.js');
const { promtoolPath } = require('./promtool-path.js');

module.exports = async () => {
  requireFreshBuild();
  if (!chromiumPath()) {
    if (process.env.CI === 'true') throw new Error('Chromium is not in one of the usual places: CI must install it, or say in CHROMIUM_PATH where it is');
    process.stdout.write('\nChromium is not installed: the suites in test/browser do not run.\n');
  }
  const missing = missingGateways().join(', ');
  if (missing !== '') {
    if (process.env.CI === 'true') throw new Error(`not installed, which CI must do: ${missing}`);
    process.stdout.write(`\nNot installed: ${missing}. The suites in test/gateway do not run.\n`);
  }
  if (!promtoolPath()) {
    if (process.env.CI === 'true') throw new Error('promtool is not on the PATH: CI must install it (package prometheus)');
    process.stdout.write('\npromtool is not installed: alert rules are not checked by it.\n');
  }
  setUpDatabaseTls();
  const mariadb = await startMariadb();
  if (!mariadb) {
    if (process.env.CI === 'true') throw new Error('mariadbd is not on the PATH: CI must install it');
    process.stdout.write('\nMariaDB is not installed: the suites run on SQLite only.\n');
  } else {
    globalThis.mintgateMariadb = mariadb;
    process.env.MINTGATE_TEST_MARIADB_PORT = String(mariadb.port);
  }
  globalThis.mintgateTemplate = await makeTemplate(mariadb?.port);
  process.env.MINTGATE_TEST_TEMPLATE = globalThis.mintgateTemplate.folder;
};
