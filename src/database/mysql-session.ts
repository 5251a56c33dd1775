import { TemporarilyUnavailableError } from '../common/temporarily-unavailable.error.js';
import { asAvailability } from './database-errors.js';
import { lockWaitSeconds } from './mysql-conflicts.js';

/** A session cannot be what our statements need. As long as that is so, to serve would be wrong. */
export class SessionSetupError extends TemporarilyUnavailableError {}

type Done = (error: (Error & { code?: string; errno?: number }) | null, result?: unknown) => void;

export interface SessionConnection {
  query(sql: string, done: Done): void;
}

interface SessionVariable {
  readonly name: string;
  /** Its name where the server does not know `name`. */
  readonly formerName?: string;
  /** What `SET` says. Absent: a statement of its own sets it. */
  readonly set?: string;
  /** What `SHOW VARIABLES` then says. */
  readonly shown: string;
}

/** Everything that statements of ours depend on, whatever the defaults of the server and its `init_connect` are. */
const sessionVariables = (lockWaitS: number): readonly SessionVariable[] => [
  // Names are stored and read back as they are. A server may disregard the character set of the handshake.
  { name: 'character_set_client', shown: 'utf8mb4' },
  { name: 'character_set_connection', shown: 'utf8mb4' },
  { name: 'character_set_results', shown: 'utf8mb4' },
  { name: 'collation_connection', shown: 'utf8mb4_bin' },
  // Nothing is cut off in silence, and text is escaped as mysql2 escapes it.
  {
    name: 'sql_mode',
    set: `'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'`,
    shown: 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION',
  },
  // A statement is committed when it is answered, a transaction by COMMIT, and the next one begins by our word only.
  { name: 'autocommit', set: '1', shown: 'ON' },
  { name: 'completion_type', set: `'NO_CHAIN'`, shown: 'NO_CHAIN' },
  // Few gap locks. MySQL dropped the former names, MariaDB before 11.1 lacks the others.
  { name: 'transaction_isolation', formerName: 'tx_isolation', shown: 'READ-COMMITTED' },
  { name: 'transaction_read_only', formerName: 'tx_read_only', shown: 'OFF' },
  // A wait for a row or for a table ends before our deadline does.
  { name: 'innodb_lock_wait_timeout', set: `${lockWaitS}`, shown: `${lockWaitS}` },
  { name: 'lock_wait_timeout', set: `${lockWaitS}`, shown: `${lockWaitS}` },
  // NOW() is read as a time without a zone; in one with summer time an hour comes twice.
  { name: 'time_zone', set: `'+00:00'`, shown: '+00:00' },
  // Statements do what they say: all rows, no key asked for, NULL is NULL, keys are checked.
  { name: 'sql_select_limit', set: '18446744073709551615', shown: '18446744073709551615' },
  { name: 'sql_big_selects', set: '1', shown: 'ON' },
  { name: 'sql_safe_updates', set: '0', shown: 'OFF' },
  { name: 'sql_auto_is_null', set: '0', shown: 'OFF' },
  { name: 'foreign_key_checks', set: '1', shown: 'ON' },
  { name: 'unique_checks', set: '1', shown: 'ON' },
  // TypeORM's own table names no engine.
  { name: 'default_storage_engine', set: 'InnoDB', shown: 'InnoDB' },
];

/** Set on a Galera cluster only, where other servers do not know them. */
const GALERA_VARIABLES = ['wsrep_on', 'wsrep_sync_wait', 'wsrep_dirty_reads'] as const;
/** The bit of `wsrep_sync_wait` for reads and START TRANSACTION: they see what other nodes have committed before. */
const SYNC_READS = 1;

const PRIVILEGE_NEEDED = 1227;

/** Sets isolation and access mode under whatever name the server has for them. */
const TRANSACTION_SQL = 'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE';

/** Makes of a new connection a session that our statements can rely on. */
export class MysqlSession {
  private readonly variables: readonly SessionVariable[];
  private readonly setSql: string;
  private readonly showSql: string;

  constructor(deadlineMs: number) {
    this.variables = sessionVariables(lockWaitSeconds(deadlineMs));
    const assignments = this.variables.flatMap(({ name, set }) => (set === undefined ? [] : [`${name} = ${set}`]));
    this.setSql = `SET NAMES utf8mb4 COLLATE utf8mb4_bin, ${assignments.join(', ')}`;
    const names = [
      ...this.variables.flatMap(({ name, formerName }) => [name, formerName ?? name]),
      ...GALERA_VARIABLES,
    ];
    this.showSql = `SHOW SESSION VARIABLES WHERE Variable_name IN (${names.map((name) => `'${name}'`).join(', ')})`;
  }

  /**
   * Sets everything and reads it back: a proxy in between may have kept it for itself. SHOW, since to SELECT a variable
   * that a server does not have is an error.
   * @throws {SessionSetupError} when the session is another one than it was told to be
   */
  async setUp(connection: SessionConnection): Promise<void> {
    await run(connection, this.setSql);
    await run(connection, TRANSACTION_SQL);
    let shown = await this.read(connection);
    if (shown.get('wsrep_on') === 'ON' && !isGaleraFit(shown)) {
      const syncWait = Number(shown.get('wsrep_sync_wait') ?? 0) | SYNC_READS;
      await run(connection, `SET SESSION wsrep_sync_wait = ${syncWait}, wsrep_dirty_reads = 0`);
      shown = await this.read(connection);
      if (!isGaleraFit(shown)) throw refusal('wsrep_sync_wait', shown.get('wsrep_sync_wait'), `${syncWait}`);
    }
    this.check(shown);
  }

  private async read(connection: SessionConnection): Promise<ReadonlyMap<string, string>> {
    const rows = (await run(connection, this.showSql)) as { Variable_name: string; Value: string }[];
    return new Map(rows.map((row) => [row.Variable_name, row.Value]));
  }

  private check(shown: ReadonlyMap<string, string>): void {
    for (const { name, formerName, shown: wanted } of this.variables) {
      const actual = shown.get(name) ?? shown.get(formerName ?? name);
      if (asSet(actual) !== asSet(wanted)) throw refusal(name, actual, wanted);
    }
  }
}

const isGaleraFit = (shown: ReadonlyMap<string, string>): boolean =>
  (Number(shown.get('wsrep_sync_wait') ?? 0) & SYNC_READS) !== 0 && shown.get('wsrep_dirty_reads') !== 'ON';

const asSet = (value: string | undefined): string | undefined => value?.toUpperCase().split(',').sort().join();

const refusal = (name: string, actual: string | undefined, wanted: string): SessionSetupError =>
  new SessionSetupError(
    `the server leaves a session ${name} = ${actual ?? '(unknown)'} where ${wanted} was set; ` +
      'take away what caps or fixes it, or the proxy in between that resets or shares sessions',
  );

/** @throws {SessionSetupError} when the server does not take the statement; the error itself when it is away */
function run(connection: SessionConnection, sql: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    connection.query(sql, (error, result) => {
      if (!error) return resolve(result);
      if (asAvailability(error) !== error && error.errno !== PRIVILEGE_NEEDED) return reject(error);
      const code = error.code ?? error.errno ?? error.message;
      reject(new SessionSetupError(`the server refuses the settings of a session (${code})`));
    });
  });
}
