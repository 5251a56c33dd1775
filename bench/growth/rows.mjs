// Many rows at once, as the server's own mapping of columns writes them.

/** Below what SQLite (32,766) and MySQL (65,535) take. */
const VALUES_A_STATEMENT = 20_000;

/** Rows of one table on their way into it. */
export class Rows {
  #columns;
  #insert;
  #driver;
  #most;
  #table;
  #values = [];
  #count = 0;

  /** @param write takes a statement and its values */
  constructor(dataSource, entity, { withId = false, write }) {
    const { tableName, columns } = dataSource.getMetadata(entity);
    this.#driver = dataSource.driver;
    this.#table = tableName;
    // A column that the server never writes has a default.
    this.#columns = columns.filter((column) => column.isInsert && (withId || !column.isPrimary));
    this.#most = Math.floor(VALUES_A_STATEMENT / this.#columns.length);
    this.#insert = `INSERT INTO ${tableName} (${this.#columns.map(({ databaseName }) => databaseName).join(', ')}) VALUES `;
    this.write = write;
  }

  /** @param row of all columns, by the names of the entity */
  async add(row) {
    for (const column of this.#columns) {
      const value = row[column.propertyName];
      if (value === undefined) throw new Error(`the table ${this.#table} has a column ${column.databaseName}, of which nothing is known here`);
      this.#values.push(this.#driver.preparePersistentValue(value, column));
    }
    if (++this.#count === this.#most) await this.flush();
  }

  async flush() {
    const [values, count] = [this.#values, this.#count];
    if (count === 0) return;
    [this.#values, this.#count] = [[], 0];
    const places = `(${this.#columns.map(() => '?').join(', ')})`;
    await this.write(this.#insert + Array(count).fill(places).join(', '), values);
  }
}
