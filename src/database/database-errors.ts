import { TemporarilyUnavailableError } from '../common/temporarily-unavailable.error.js';
import { DeadlinePassedError } from './deadline.js';

interface DriverError {
  code?: string | number;
  errno?: number;
  fatal?: boolean;
  message?: string;
}

/**
 * Nothing was written, so the whole can be tried again: deadlock, lock wait timeout, a row that changed after the
 * snapshot (MariaDB), and a transaction that Group Replication rolled back at COMMIT.
 */
const CONFLICTS: ReadonlySet<number> = new Set([1213, 1205, 1020, 3101]);

/**
 * Numbers that blame our statement: it would fail on every server, so the caller gets 500 and we get a bug to fix.
 * Every other number tells of the server, the cluster, a proxy in between or the account: the caller gets 503.
 */
const OWN_FAULTS: ReadonlySet<number> = new Set([
  // Syntax, and clauses that do not go together.
  1056, 1055, 1064, 1065, 1066, 1093, 1111, 1140, 1149, 1221, 1222, 1235, 1241, 1242, 1248,
  // Tables, columns, indexes, functions, variables, character sets that do not exist, or exist twice.
  1050, 1051, 1052, 1054, 1060, 1061, 1072, 1091, 1109, 1115, 1146, 1193, 1273, 1305, 1630,
  // Values: too many or too few, of a wrong kind, in character sets that do not mix.
  1058, 1136, 1210, 1231, 1232, 1238, 1253, 1267, 1270, 1271, 1295, 1318, 1390, 1582, 1583, 1835,
  // Data: too long, out of range, malformed, missing.
  1048, 1118, 1264, 1265, 1292, 1300, 1364, 1365, 1366, 1367, 1406, 1411, 1441, 1690, 3140, 3854, 3988,
  // Constraints: unique keys, foreign keys, checks (MySQL, MariaDB).
  1022, 1062, 1216, 1217, 1451, 1452, 1586, 3819, 4025,
]);

/**
 * The server takes no writes, though it may answer queries: read-only, demoted by a failover, out of its replication
 * group, or a Galera node without a quorum.
 */
const REFUSALS_TO_WRITE: ReadonlySet<number> = new Set([1047, 1290, 1792, 1836, 1874, 3100]);

const DUPLICATES: ReadonlySet<number> = new Set([1022, 1062, 1586]);

const UNAVAILABLE_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
  'PROTOCOL_CONNECTION_LOST',
  'PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR',
  'PROTOCOL_ENQUEUE_AFTER_QUIT',
  'POOL_CLOSED',
  'POOL_NOEXIST',
]);

/** Errors of mysql2's pool that have no code. */
const UNAVAILABLE_MESSAGES: ReadonlySet<string> = new Set([
  'Queue limit reached.',
  'Pool is closed.',
  'No connections available.',
]);

/** SQLite's codes that blame our statement, as {@link OWN_FAULTS} does. */
const SQLITE_OWN_FAULT = /^SQLITE_(ERROR|CONSTRAINT|MISMATCH|MISUSE|RANGE|TOOBIG)/;

const driverError = (error: unknown): DriverError =>
  (error as { driverError?: DriverError } | null)?.driverError ?? error ?? {};

/** What a failure of the database is to those who watch it. */
export const ERROR_CLASSES = ['deadline', 'conflict', 'connection', 'unavailable', 'other'] as const;
type ErrorClass = (typeof ERROR_CLASSES)[number];

export const isConflict = (error: unknown): boolean => CONFLICTS.has(driverError(error).errno ?? 0);

export const isRefusalToWrite = (error: unknown): boolean => REFUSALS_TO_WRITE.has(driverError(error).errno ?? 0);

export const isSqliteBusy = (error: unknown): boolean =>
  /^SQLITE_(BUSY|LOCKED)/.test(String(driverError(error).code ?? ''));

/** A unique key is taken. */
export function isDuplicate(error: unknown): boolean {
  const { errno, code, message } = driverError(error);
  if (DUPLICATES.has(errno ?? 0)) return true;
  return (
    String(code ?? '').startsWith('SQLITE_CONSTRAINT') && /UNIQUE|PRIMARY/.test(`${String(code)} ${message ?? ''}`)
  );
}

function isUnavailable({ code, errno = 0, fatal, message }: DriverError): boolean {
  if (fatal === true) return true;
  // The system's numbers are negative; what a database server says has a positive one.
  if (errno > 0) return !OWN_FAULTS.has(errno);
  const name = String(code);
  if (name.startsWith('SQLITE_')) return !SQLITE_OWN_FAULT.test(name);
  return UNAVAILABLE_CODES.has(name) || UNAVAILABLE_MESSAGES.has(message ?? '');
}

/**
 * Makes of a database failure what callers see: {@link TemporarilyUnavailableError} when the database could not be
 * asked, could not do its work, or kept conflicting. Returns an error that is a fault of ours as it is.
 */
export function asAvailability(error: unknown): unknown {
  if (error instanceof TemporarilyUnavailableError || !isUnavailable(driverError(error))) return error;
  return new TemporarilyUnavailableError('the database is not available', 1, { cause: error });
}

/** `undefined` for a key that is taken, which is an answer and not a failure. */
export function errorClassOf(error: unknown): ErrorClass | undefined {
  if (error instanceof DeadlinePassedError) return 'deadline';
  if (error instanceof TemporarilyUnavailableError)
    return error.cause === undefined ? 'unavailable' : errorClassOf(error.cause);
  if (isConflict(error) || isSqliteBusy(error)) return 'conflict';
  if (isDuplicate(error)) return undefined;
  const { code, errno, fatal } = driverError(error);
  if (fatal === true || errno === 2006 || errno === 2013 || UNAVAILABLE_CODES.has(String(code))) return 'connection';
  return asAvailability(error) instanceof TemporarilyUnavailableError ? 'unavailable' : 'other';
}
