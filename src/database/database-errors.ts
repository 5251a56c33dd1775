import { TemporarilyUnavailableError } from '../common/temporarily-unavailable.error.js';
import { DeadlinePassedError } from './deadline.js';

interface DriverError {
  code?: string | number;
  errno?: number;
  fatal?: boolean;
  message?: string;
}

/** Deadlock, lock wait timeout, and a row that changed after the snapshot (MariaDB): nothing was written, the whole can be tried again. */
const CONFLICTS: ReadonlySet<number> = new Set([1213, 1205, 1020]);

/** The server refuses writes now, is full, stops, or has no quorum: read-only, tables full, cluster without a majority, too many connections. */
const UNAVAILABLE_ERRNOS: ReadonlySet<number> = new Set([1040, 1203, 1047, 1053, 1114, 1129, 1180, 1290, 1317, 1792, 1836, 1874, 1927, 2006, 2013, 4031]);

const UNAVAILABLE_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOENT',
  'PROTOCOL_CONNECTION_LOST', 'PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR', 'PROTOCOL_ENQUEUE_AFTER_QUIT', 'POOL_CLOSED', 'POOL_NOEXIST',
]);

/** What mysql2's pool says without a code. */
const UNAVAILABLE_MESSAGES: ReadonlySet<string> = new Set(['Queue limit reached.', 'Pool is closed.', 'No connections available.']);

const SQLITE_UNAVAILABLE = /^SQLITE_(BUSY|LOCKED|FULL|IOERR|READONLY|CANTOPEN)/;

const driverError = (error: unknown): DriverError => ((error as { driverError?: DriverError } | null)?.driverError ?? error ?? {});

/** What a failure of the database is to those who watch it. */
export const ERROR_CLASSES = ['deadline', 'conflict', 'connection', 'unavailable', 'other'] as const;
type ErrorClass = (typeof ERROR_CLASSES)[number];

export const isConflict = (error: unknown): boolean => CONFLICTS.has(driverError(error).errno ?? 0);

export const isSqliteBusy = (error: unknown): boolean => /^SQLITE_(BUSY|LOCKED)/.test(String(driverError(error).code ?? ''));

/** A unique key is taken: MySQL's 1062, SQLite's constraint. */
export function isDuplicate(error: unknown): boolean {
  const { errno, code, message } = driverError(error);
  return errno === 1062 || (String(code ?? '').startsWith('SQLITE_CONSTRAINT') && /UNIQUE|PRIMARY/.test(`${String(code)} ${message ?? ''}`));
}

/**
 * What callers see of a database failure: {@link TemporarilyUnavailableError} when the database could not be asked, could not write, or kept
 * conflicting; otherwise the error itself, which is a fault of ours.
 */
export function asAvailability(error: unknown): unknown {
  if (error instanceof TemporarilyUnavailableError) return error;
  const { code, errno, fatal, message } = driverError(error);
  const unavailable =
    isConflict(error) || fatal === true || UNAVAILABLE_ERRNOS.has(errno ?? 0) || UNAVAILABLE_CODES.has(String(code)) || UNAVAILABLE_MESSAGES.has(message ?? '') || SQLITE_UNAVAILABLE.test(String(code));
  return unavailable ? new TemporarilyUnavailableError('the database is not available', 1, { cause: error }) : error;
}

/** `undefined` for a key that is taken, which is an answer and not a failure. */
export function errorClassOf(error: unknown): ErrorClass | undefined {
  if (error instanceof DeadlinePassedError) return 'deadline';
  if (error instanceof TemporarilyUnavailableError) return error.cause === undefined ? 'unavailable' : errorClassOf(error.cause);
  if (isConflict(error) || isSqliteBusy(error)) return 'conflict';
  if (isDuplicate(error)) return undefined;
  const { code, errno, fatal } = driverError(error);
  if (fatal === true || errno === 2006 || errno === 2013 || UNAVAILABLE_CODES.has(String(code))) return 'connection';
  return asAvailability(error) instanceof TemporarilyUnavailableError ? 'unavailable' : 'other';
}
