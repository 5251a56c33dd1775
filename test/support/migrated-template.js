require('reflect-metadata');
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const mysql = require('mysql2/promise');
const { clientTls, withDatabaseTls } = require('./database-tls.js');
const { temporaryFolder } = require('./temporary-folder.js');

const TEMPLATE = 'mg_template';

/** Runs the migrations as a start does, on an empty database. */
async function migrate(url) {
  const { ENTITIES } = require('../../dist/src/app.entities.js');
  const { loadConfig } = require('../../dist/src/config/load-config.js');
  const { createDataSource, prepareFolder } = require('../../dist/src/database/data-source.js');
  const { Database } = require('../../dist/src/database/database.js');
  const { Leases } = require('../../dist/src/database/leases.js');
  const config = loadConfig(withDatabaseTls({ NODE_ENV: 'test', DATABASE_URL: url }));
  prepareFolder(config);
  const dataSource = createDataSource(config, ENTITIES);
  await dataSource.initialize();
  try {
    await new Leases(new Database(dataSource)).prepare();
    await dataSource.runMigrations();
    // So that the file alone is the whole database.
    if (url.startsWith('sqlite:')) await dataSource.query('PRAGMA wal_checkpoint(TRUNCATE)');
  } finally {
    await dataSource.destroy();
  }
}

/** The statements that make a MariaDB database what it is now, tables and rows. */
async function dump(connection) {
  const [tables] = await connection.query('SHOW TABLES');
  const statements = ['SET foreign_key_checks = 0'];
  for (const table of tables.map((row) => Object.values(row)[0])) {
    const [[created]] = await connection.query('SHOW CREATE TABLE ??', [table]);
    statements.push(created['Create Table']);
    const [rows] = await connection.query('SELECT * FROM ??', [table]);
    if (rows.length > 0) statements.push(mysql.format('INSERT INTO ?? (??) VALUES ?', [table, Object.keys(rows[0]), rows.map((row) => Object.values(row))]));
  }
  return statements.join(';\n');
}

/**
 * What databases that are migrated already are made of, see databases.ts: some hundred servers start on one, and the migrations are a third of what such a start costs.
 * @param mariadbPort of the instance for all suites, if there is one
 */
module.exports.makeTemplate = async (mariadbPort) => {
  const folder = mkdtempSync(join(temporaryFolder(), 'mintgate-template-'));
  await migrate(`sqlite:${join(folder, 'migrated.sqlite')}`);
  if (mariadbPort !== undefined) {
    const login = { host: '127.0.0.1', port: mariadbPort, user: 'mintgate', password: 'mintgate' };
    const connection = await mysql.createConnection({ ...login, ...clientTls() });
    try {
      await connection.query(`CREATE DATABASE ${TEMPLATE} CHARACTER SET latin1 COLLATE latin1_swedish_ci`);
      await connection.query(`USE ${TEMPLATE}`);
      await migrate(`mariadb://mintgate:mintgate@127.0.0.1:${mariadbPort}/${TEMPLATE}`);
      writeFileSync(join(folder, 'migrated.sql'), await dump(connection));
      await connection.query(`DROP DATABASE ${TEMPLATE}`);
    } finally {
      await connection.end();
    }
  }
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
};
