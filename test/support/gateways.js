const { existsSync } = require('node:fs');
const { onPath } = require('./mariadb.js');

const APACHE_MODULE = '/usr/lib/apache2/modules/mod_auth_openidc.so';

/** What the suites in test/gateway need and this machine does not have. */
const missingGateways = () => [...['nginx', 'caddy', 'haproxy', 'apache2', 'openssl'].filter((program) => !onPath(program)), ...(existsSync(APACHE_MODULE) ? [] : ['mod_auth_openidc'])];

module.exports = { missingGateways };
