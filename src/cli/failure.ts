import { asConflict } from '../admin/admin-exception.filter.js';
import { Problem } from '../common/http/problem.js';
import { describeError } from '../common/logging/logger.js';
import { TemporarilyUnavailableError } from '../common/temporarily-unavailable.error.js';
import { ConfigurationError } from '../config/configuration-error.js';
import { asAvailability } from '../database/database-errors.js';
import { asFatal, FatalStartupError } from '../database/fatal-startup.error.js';
import { EX_CONFIG } from '../workers.js';

/** The command line, or what it leads to, is wrong. */
export class UsageError extends Error {}

/** Something failed, and the message says all that there is to say. */
export class CommandFailure extends Error {}

/** A service has said already what failed. */
export class ReportedFailure extends Error {}

/** Says on standard error why a command failed, in a line for each thing, without a stack or SQL. Answers the exit code. */
export function explainFailure(thrown: unknown, json: boolean): number {
  const error = asConflict(thrown);
  if (error instanceof ReportedFailure) return 1;
  if (error instanceof Problem && json) process.stderr.write(`${JSON.stringify(error.toBody())}\n`);
  else for (const line of linesOf(error)) process.stderr.write(`mintgate: ${line}\n`);
  if (error instanceof ConfigurationError || error instanceof FatalStartupError) return EX_CONFIG;
  return error instanceof UsageError ? 2 : 1;
}

function linesOf(error: unknown): readonly string[] {
  if (error instanceof ConfigurationError) return error.problems;
  if (error instanceof Problem) return error.errors ? error.errors.map(({ pointer, detail }) => `${pointer} ${detail}`) : [error.detail];
  if (error instanceof UsageError || error instanceof CommandFailure || error instanceof FatalStartupError) return [error.message];
  return [databaseFailure(error) ?? unexpected(error)];
}

const REFUSED: Readonly<Record<string, string>> = {
  ER_ACCESS_DENIED_ERROR:
    'it refuses the login: check the user and the password in DATABASE_URL, and DATABASE_TLS if it demands TLS',
  ER_DBACCESS_DENIED_ERROR: 'the user in DATABASE_URL may not use this database',
  ER_BAD_DB_ERROR: 'there is no database of the name in DATABASE_URL',
  SQLITE_NOTADB: 'the file in DATABASE_URL is not a database',
  SQLITE_CORRUPT: 'its file is damaged: put a backup back',
};

/** Why the database could not be asked; `undefined` when the error is another one. */
export function databaseFailure(thrown: unknown): string | undefined {
  const fatal = asFatal(thrown);
  if (fatal instanceof FatalStartupError) return `the database cannot be used: ${fatal.message}`;
  const { code = '', driverError } = (thrown ?? {}) as { code?: unknown; driverError?: unknown };
  if (driverError !== undefined) return databaseFailure(driverError);
  if (typeof code === 'string' && code in REFUSED) return `the database cannot be used: ${REFUSED[code]}`;
  const error = asAvailability(thrown);
  if (!(error instanceof TemporarilyUnavailableError)) return undefined;
  const cause = describeError(error).cause?.code;
  return `the database cannot be used: ${cause === undefined ? error.message : `it does not answer (${cause})`}`;
}

function unexpected(error: unknown): string {
  const { type, code, message } = describeError(error);
  return [type, code, message].filter((part) => part !== undefined).join(': ');
}
