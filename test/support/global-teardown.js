const { tearDownDatabaseTls } = require('./database-tls.js');

module.exports = async () => {
  globalThis.mintgateTemplate?.remove();
  await globalThis.mintgateMariadb?.remove();
  tearDownDatabaseTls();
};
