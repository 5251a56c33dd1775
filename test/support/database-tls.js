const { execFileSync } = require('node:child_process');
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { temporaryFolder } = require('./temporary-folder.js');

/** Where the certificates of the run are, once there are some. Workers inherit it. */
const FOLDER = 'MINTGATE_TEST_DATABASE_TLS_FOLDER';

const openssl = (folder, ...args) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });

/**
 * Makes an authority, and a certificate of it for a database server.
 * @param altName such as `IP:127.0.0.1`
 */
function makeCertificates(folder, altName = 'IP:127.0.0.1') {
  const file = (name) => join(folder, name);
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl(
    folder,
    'req',
    '-x509',
    ...newKey,
    '-days',
    '2',
    '-subj',
    '/CN=authority',
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
  );
  openssl(folder, 'req', ...newKey, '-subj', '/CN=database', '-keyout', 'server.key', '-out', 'server.csr');
  writeFileSync(file('extensions'), `subjectAltName=${altName}\n`);
  const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'extensions'];
  openssl(folder, 'x509', '-req', '-in', 'server.csr', ...signed, '-out', 'server.pem');
  return { ca: file('ca.pem'), cert: file('server.pem'), key: file('server.key') };
}

/** With MINTGATE_TEST_DATABASE_TLS=1 every MariaDB of the tests demands TLS. Called once for a run. */
function setUpDatabaseTls() {
  if (process.env.MINTGATE_TEST_DATABASE_TLS !== '1') return;
  process.env[FOLDER] = mkdtempSync(join(temporaryFolder(), 'mintgate-database-tls-'));
  makeCertificates(process.env[FOLDER]);
}

function tearDownDatabaseTls() {
  if (process.env[FOLDER]) rmSync(process.env[FOLDER], { recursive: true, force: true });
}

const certificate = (name) => (process.env[FOLDER] ? join(process.env[FOLDER], name) : undefined);

const serverOptions = ({ ca, cert, key }) => [
  `--ssl-ca=${ca}`,
  `--ssl-cert=${cert}`,
  `--ssl-key=${key}`,
  '--require-secure-transport=ON',
];

/** For a MariaDB. */
const databaseTlsOptions = () =>
  process.env[FOLDER]
    ? serverOptions({ ca: certificate('ca.pem'), cert: certificate('server.pem'), key: certificate('server.key') })
    : [];

/** For a connection of a test's own. */
const clientTls = (caFile = certificate('ca.pem')) => (caFile ? { ssl: { ca: readFileSync(caFile) } } : {});

/** The environment of a server, with what it needs for its database unless it says something about TLS itself. */
function withDatabaseTls(env) {
  if (!process.env[FOLDER]) return env;
  const url = env.DATABASE_URL_FILE ? readFileSync(env.DATABASE_URL_FILE, 'utf8') : (env.DATABASE_URL ?? '');
  const isServer = /^(mysql|mariadb):/.test(url);
  const isSaid = Object.keys(env).some((name) => /^DATABASE_(TLS|CA_FILE)$/.test(name));
  if (!isServer || isSaid) return env;
  return { ...env, DATABASE_TLS: 'verify-full', DATABASE_CA_FILE: certificate('ca.pem') };
}

module.exports = {
  clientTls,
  databaseTlsOptions,
  makeCertificates,
  serverOptions,
  setUpDatabaseTls,
  tearDownDatabaseTls,
  withDatabaseTls,
};
