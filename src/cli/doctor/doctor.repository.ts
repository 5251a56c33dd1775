import { TemporarilyUnavailableError } from '../../common/temporarily-unavailable.error.js';
import type { Database } from '../../database/database.js';

const VARIABLES = [
  'version',
  'max_connections',
  'innodb_flush_log_at_trx_commit',
  'sql_mode',
  'transaction_isolation',
  'tx_isolation',
  'wsrep_on',
  'wsrep_sync_wait',
] as const;
export type Variables = Partial<Record<(typeof VARIABLES)[number], string>>;
/** So many are named; the rest is only told of. */
const NAMED = 20;

/** What the doctor asks of a database. Nothing here changes anything. */
export class DoctorRepository {
  constructor(private readonly database: Database) {}

  /** The database's clock against ours, and how long an answer took, all in milliseconds: the shortest of three. */
  async clock(): Promise<{ skewMs: number; roundTripMs: number }> {
    let best = { skewMs: 0, roundTripMs: Number.POSITIVE_INFINITY };
    for (let tries = 0; tries < 3; tries++) {
      const began = performance.now();
      const [row] = await this.database.query<{ now: number | string }>(`SELECT ${this.database.nowMsSql} AS now`);
      const roundTripMs = performance.now() - began;
      if (roundTripMs < best.roundTripMs) best = { skewMs: Number(row.now) - (Date.now() - roundTripMs / 2), roundTripMs };
    }
    return best;
  }

  async sqliteVersion(): Promise<string> {
    const [row] = await this.database.query<{ version: string }>('SELECT sqlite_version() AS version');
    return row.version;
  }

  /** As our own sessions have them. */
  async variables(): Promise<Variables> {
    const rows = await this.database.query<{ Variable_name: string; Value: string }>(`SHOW VARIABLES WHERE Variable_name IN (${VARIABLES.map(() => '?').join(', ')})`, VARIABLES);
    return Object.fromEntries(rows.map((row) => [row.Variable_name, row.Value]));
  }

  /** Tables of ours whose rows would not survive a crash, or whose text is not compared byte by byte. */
  async unfitTables(): Promise<string[]> {
    const rows = await this.database.query<{ name: string; engine: string; collation: string }>(
      'SELECT table_name AS name, engine AS engine, table_collation AS collation FROM information_schema.tables WHERE table_schema = DATABASE()',
    );
    const ours = rows.filter(({ name }) => !['migrations', 'typeorm_metadata'].includes(name));
    return ours.filter(({ engine, collation }) => engine !== 'InnoDB' || !/_bin$/.test(collation)).map(({ name, engine, collation }) => `${name} (${engine}, ${collation})`);
  }

  /** Asks for what a server does all the time, on rows that are not there. @returns why it may not, `undefined` when it may */
  async refusalToWrite(): Promise<unknown> {
    try {
      await this.database.execute('INSERT INTO leases (name, owner, expires_at) SELECT name, owner, expires_at FROM leases WHERE 1 = 0');
      await this.database.execute('UPDATE leases SET expires_at = 0 WHERE 1 = 0');
      await this.database.execute('DELETE FROM leases WHERE 1 = 0');
      return undefined;
    } catch (error) {
      return error instanceof TemporarilyUnavailableError ? (error.cause ?? error) : error;
    }
  }

  /** Enabled clients that hold a valid secret and any of the scopes. */
  async clientsWithAny(scopes: readonly string[], nowMs: number): Promise<{ clientId: string; scope: string }[]> {
    return this.database.query<{ clientId: string; scope: string }>(
      `SELECT client_id AS clientId, scope AS scope FROM clients WHERE enabled = 1 AND (${scopes.map(() => 'scope LIKE ?').join(' OR ')}) AND EXISTS (SELECT 1 FROM client_secrets WHERE client_row_id = clients.id AND (expires_at IS NULL OR expires_at > ?))`,
      [...scopes.map((scope) => `%${scope}%`), nowMs],
    );
  }

  /** Enabled clients whose last secret ends between two times, the first to end first. */
  async clientsWithoutSecretBy(fromMs: number, toMs: number): Promise<string[]> {
    const rows = await this.database.query<{ clientId: string }>(
      `SELECT MIN(c.client_id) AS clientId, MAX(COALESCE(s.expires_at, ?)) AS ends FROM client_secrets s JOIN clients c ON c.id = s.client_row_id WHERE c.enabled = 1 GROUP BY s.client_row_id HAVING ends > ? AND ends <= ? ORDER BY ends LIMIT ${NAMED + 1}`,
      [Number.MAX_SAFE_INTEGER, fromMs, toMs],
    );
    return named(rows);
  }

  /** Enabled clients with a valid secret that is older than a time and was not used since. */
  async clientsWithUnusedSecrets(nowMs: number, beforeMs: number): Promise<string[]> {
    const rows = await this.database.query<{ clientId: string }>(
      `SELECT DISTINCT c.client_id AS clientId FROM client_secrets s JOIN clients c ON c.id = s.client_row_id WHERE c.enabled = 1 AND s.created_at < ? AND (s.last_used_at IS NULL OR s.last_used_at < ?) AND (s.expires_at IS NULL OR s.expires_at > ?) ORDER BY c.client_id LIMIT ${NAMED + 1}`,
      [beforeMs, beforeMs, nowMs],
    );
    return named(rows);
  }

  /** Whether a client exists or was once made by the server, and whether a secret of this digest is valid for it. */
  async credentials(clientId: string, digest: string, nowMs: number): Promise<'unknown client' | 'deleted client' | 'another secret' | 'valid'> {
    const rows = await this.database.query<{ digest: string | null; expiresAt: number | string | null }>(
      'SELECT s.digest AS digest, s.expires_at AS expiresAt FROM clients c LEFT JOIN client_secrets s ON s.client_row_id = c.id WHERE c.client_id = ?',
      [clientId],
    );
    if (rows.length === 0) {
      const made = await this.database.query('SELECT 1 AS one FROM bootstrapped_clients WHERE client_id = ?', [clientId]);
      return made.length > 0 ? 'deleted client' : 'unknown client';
    }
    return rows.some((row) => row.digest === digest && (row.expiresAt === null || Number(row.expiresAt) > nowMs)) ? 'valid' : 'another secret';
  }
}

const named = (rows: readonly { clientId: string }[]): string[] => [...rows.slice(0, NAMED).map(({ clientId }) => clientId), ...(rows.length > NAMED ? ['and more'] : [])];
