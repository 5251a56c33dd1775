import type { Config } from '../../config/config.js';
import { OFFSET_PROBLEM_MS, OFFSET_WARNING_MS } from '../../database/database-clock.js';
import type { SchemaState } from '../../database/schema.js';
import { databaseFailure } from '../failure.js';
import type { DoctorRepository, Variables } from './doctor.repository.js';
import { type Finding, ok, problem, warning } from './finding.js';

const SLOW_MS = 50;

const TLS_ADVICE = 'DATABASE_TLS=verify-full, with DATABASE_CA_FILE where the authority is your own';
const THIS_MACHINE = /^(localhost|127(\.\d{1,3}){3}|::1)$/;
/** Of wsrep_sync_wait. */
const SYNC_READS = 1;

/** Tells from the configuration whether others can listen on the way to the database, or answer in its place. */
export function encryptionFinding({ database }: Config): Finding[] {
  if (database.type === 'sqlite') return [];
  const { host, tls } = database;
  const check = 'DATABASE_TLS';
  if (tls?.mode === 'verify-full') return [ok(check, 'verify-full: encrypted, and the server is the named one')];
  if (THIS_MACHINE.test(host)) return [ok(check, 'the database is on this machine')];
  if (!tls) return [problem(check, `is off: whoever is between this machine and ${host} reads it all`, TLS_ADVICE)];
  return [warning(check, `is required: another server can answer in the place of ${host}`, TLS_ADVICE)];
}

/** On a Galera cluster. A session that cannot be set so does not open; a proxy may share it with others afterwards. */
function clusterFinding({ wsrep_on: isCluster, wsrep_sync_wait: syncWait }: Variables): Finding[] {
  if (isCluster !== 'ON') return [];
  if (Number(syncWait) & SYNC_READS) return [ok('cluster', `reads wait for other nodes (wsrep_sync_wait ${syncWait})`)];
  const detail = `wsrep_sync_wait is ${syncWait}: what was revoked at one node may be valid at another`;
  return [problem('cluster', detail, 'wsrep_sync_wait = 1 on every node, or no proxy that resets sessions')];
}

/** On a database that was reached. */
export async function databaseFindings(config: Config, repository: DoctorRepository): Promise<Finding[]> {
  const { skewMs, roundTripMs } = await repository.clock();
  return [
    ...(config.database.type === 'sqlite' ? [ok('database', `SQLite ${await repository.sqliteVersion()} at ${config.database.path}`)] : await serverFindings(config, config.database.type, repository)),
    roundTripMs > SLOW_MS
      ? warning('latency', `a statement takes ${Math.round(roundTripMs)} ms: every request that needs the database takes several times that`, 'a database in the same network')
      : ok('latency', `${roundTripMs.toFixed(1)} ms a statement`),
    ...(config.database.type === 'sqlite' ? [] : [clockFinding(skewMs)]),
  ];
}

export function schemaFinding({ pending, unknown }: SchemaState): Finding {
  if (pending.length > 0) return problem('tables', `are not up to date: ${pending.length} migrations wait`, 'mintgate migrate; a server that starts does it too');
  return unknown.length > 0 ? warning('tables', `were made by a later version (${unknown.join(', ')})`, 'fine during an update; otherwise run the later version') : ok('tables', 'are up to date');
}

/** On tables that are up to date. */
export async function tableFindings(config: Config, repository: DoctorRepository): Promise<Finding[]> {
  const refusal = await repository.refusalToWrite();
  const writing =
    refusal === undefined
      ? ok('writing', 'rows may be inserted, changed and deleted')
      : problem('writing', databaseFailure(refusal) ?? 'is refused', 'a database that is not read-only, and GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX for its user');
  if (config.database.type === 'sqlite') return [writing];
  const unfit = await repository.unfitTables();
  return [
    writing,
    unfit.length === 0 ? ok('table forms', 'InnoDB, and text is compared byte by byte') : problem('table forms', `${unfit.join(', ')}`, 'ENGINE=InnoDB and CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin for each of them'),
  ];
}

async function serverFindings({ databasePoolSize, workers }: Config, type: 'mysql' | 'mariadb', repository: DoctorRepository): Promise<Finding[]> {
  const variables = await repository.variables();
  const isolation = variables.transaction_isolation ?? variables.tx_isolation ?? '';
  const mode = variables.sql_mode ?? '';
  const needed = (databasePoolSize + 1) * workers;
  const most = Number(variables.max_connections);
  return [
    versionFinding(type, variables.version ?? ''),
    isolation === 'READ-COMMITTED' && mode.includes('STRICT_ALL_TABLES')
      ? ok('sessions', `${isolation}, strict SQL mode`)
      : problem('sessions', `have isolation ${isolation} and sql_mode ${mode}, not what they were set to`, 'no proxy in between that resets or pools sessions'),
    ...clusterFinding(variables),
    variables.innodb_flush_log_at_trx_commit === '1'
      ? ok('durability', 'every commit is on disk before it is answered')
      : problem('durability', `innodb_flush_log_at_trx_commit is ${variables.innodb_flush_log_at_trx_commit}: with a crash of the database up to a second of revocations and used codes is forgotten`, 'SET GLOBAL innodb_flush_log_at_trx_commit = 1, and in its configuration file'),
    needed > most
      ? problem('connections', `this instance may need ${needed} ((DATABASE_POOL_SIZE + 1) x WORKERS), and max_connections is ${most}`, 'a higher max_connections, or a smaller DATABASE_POOL_SIZE')
      : needed * 2 > most
        ? warning('connections', `${needed} for each instance ((DATABASE_POOL_SIZE + 1) x WORKERS), and max_connections is ${most}: a second one does not fit`, 'a higher max_connections, or a smaller DATABASE_POOL_SIZE')
        : ok('connections', `${needed} for each instance, of max_connections ${most}`),
  ];
}

function versionFinding(type: 'mysql' | 'mariadb', version: string): Finding {
  const mariadb = /mariadb/i.test(version);
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const supported = mariadb ? major > 10 || (major === 10 && minor >= 6) : major >= 8;
  if (!supported) return problem('database', `${mariadb ? 'MariaDB' : 'MySQL'} ${version} is too old`, 'MySQL 8 or later, or MariaDB 10.6 or later');
  if (mariadb !== (type === 'mariadb')) return warning('database', `DATABASE_URL says ${type}, and the server is ${version}`, `DATABASE_URL=${mariadb ? 'mariadb' : 'mysql'}://...`);
  return ok('database', `${mariadb ? 'MariaDB' : 'MySQL'} ${version}`);
}

function clockFinding(skewMs: number): Finding {
  const seconds = `${(Math.abs(skewMs) / 1000).toFixed(1)} s ${skewMs < 0 ? 'ahead of' : 'behind'} the database’s`;
  if (Math.abs(skewMs) > OFFSET_PROBLEM_MS) return problem('clock', `this machine’s is ${seconds}`, 'NTP on both: the server goes by the database’s, but its logs and the certificates that it checks do not');
  return Math.abs(skewMs) > OFFSET_WARNING_MS ? warning('clock', `this machine’s is ${seconds}`, 'NTP on both') : ok('clock', `agrees with the database’s within ${Math.max(1, Math.round(Math.abs(skewMs)))} ms`);
}
