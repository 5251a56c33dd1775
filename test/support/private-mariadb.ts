import mysql from 'mysql2/promise';
import { type Contents, createMariadb, type TestDatabase } from './databases.js';
import { eventually } from './eventually.js';
import { type Mariadb, startMariadb } from './mariadb.js';

/** A MariaDB of one suite's own, to be stopped, frozen and reconfigured while the suites' shared one is left alone. */
export class PrivateMariadb {
  private constructor(private readonly instance: Mariadb & { socket?: string }) {}

  static async start(options: string[] = []): Promise<PrivateMariadb> {
    // A COMMIT that was answered survives the end of the process.
    const instance = await startMariadb(['--innodb-flush-log-at-trx-commit=2', ...options]);
    if (!instance) throw new Error('MariaDB is not installed');
    return new PrivateMariadb(instance);
  }

  get port(): number {
    return this.instance.port;
  }

  /**
   * A database whose URL names a user with rights in it and no others, as the server's should be.
   * @param caFile of an instance with a certificate of its own
   */
  async createDatabase(contents?: Contents, caFile?: string): Promise<TestDatabase> {
    const database = await createMariadb(contents, this.port, caFile);
    const url = new URL(database.url);
    const name = url.pathname.slice(1);
    await this.asRoot(`CREATE USER ${name}@'127.0.0.1' IDENTIFIED BY 'plain'`, `GRANT ALL ON ${name}.* TO ${name}@'127.0.0.1'`);
    url.username = name;
    url.password = 'plain';
    return { ...database, url: url.href };
  }

  /** Runs statements as root, who is above read_only and for whom a connection is kept free. */
  async asRoot(...statements: string[]): Promise<unknown> {
    // A connection that was just ended may hold its place for a moment yet.
    const connection = await eventually(() => mysql.createConnection({ user: 'root', socketPath: this.instance.socket! }), { withinMs: 2000 });
    try {
      let result: unknown;
      for (const statement of statements) [result] = await connection.query(statement);
      return result;
    } finally {
      await connection.end();
    }
  }

  /** The process ends at once, as in a crash; the data stay. */
  crash(): Promise<void> {
    return this.instance.kill('SIGKILL');
  }

  restart(): Promise<void> {
    return this.instance.start();
  }

  /** It keeps its connections and answers nothing, until {@link thaw}. */
  freeze(): void {
    this.instance.child.kill('SIGSTOP');
  }

  thaw(): void {
    this.instance.child.kill('SIGCONT');
  }

  async remove(): Promise<void> {
    await this.instance.remove();
  }
}
