// How a database takes millions of rows.
const CONNECTIONS = 2;

const SECONDARY_INDEXES = `SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN`;

/**
 * Lets `fill` write, then waits for all of it.
 * @param tables which it writes
 * @param fill takes the function that writes a statement
 */
export const writing = (dataSource, tables, fill) => (dataSource.options.type === 'better-sqlite3' ? inOneTransaction(dataSource, tables, fill) : overSomeConnections(dataSource, fill));

/** All or nothing, with the indexes of the tables made anew at the end: sorting millions of keys once takes minutes less than finding the place of each. */
async function inOneTransaction(dataSource, tables, fill) {
  const runner = dataSource.createQueryRunner();
  try {
    await runner.query('PRAGMA cache_size = -262144');
    await runner.startTransaction();
    const indexes = await runner.query(`${SECONDARY_INDEXES} (${tables.map(() => '?').join(', ')})`, tables);
    for (const { name } of indexes) await runner.query(`DROP INDEX ${name}`);
    await fill((sql, values) => runner.query(sql, values));
    for (const { sql } of indexes) await runner.query(sql);
    await runner.commitTransaction();
  } finally {
    await runner.release();
  }
}

/** Each statement commits by itself; while some are on their way the next ones are made. */
async function overSomeConnections(dataSource, fill) {
  const underWay = new Set();
  await fill(async (sql, values) => {
    while (underWay.size >= CONNECTIONS) await Promise.race(underWay);
    const runner = dataSource.createQueryRunner();
    const writing = runner.query(sql, values).finally(() => runner.release());
    underWay.add(writing);
    writing.then(() => underWay.delete(writing), () => undefined);
  });
  await Promise.all(underWay);
}
