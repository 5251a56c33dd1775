import { TemporarilyUnavailableError } from '../common/temporarily-unavailable.error.js';
import type { Config } from '../config/config.js';
import { SessionSetupError } from './mysql-session.js';
import { tlsRefusal } from './mysql-tls.js';

/** Something is wrong for good: another try would not help, and to serve would be wrong. */
export class FatalStartupError extends Error {
  override readonly name = 'FatalStartupError';
}

const ACCESS_DENIED = 1045;

/** MariaDB tells those who come without TLS where it is demanded no more than that they are refused. */
export function hintFor(error: unknown, { database }: Pick<Config, 'database'>): { hint?: string } {
  const { errno, cause } = error as { errno?: number; cause?: { errno?: number } };
  const isRefused = errno === ACCESS_DENIED || cause?.errno === ACCESS_DENIED;
  if (!isRefused || database.type === 'sqlite' || database.tls) return {};
  return { hint: 'a wrong user or password in DATABASE_URL, or a server that demands TLS: see DATABASE_TLS' };
}

/** Makes a {@link FatalStartupError} of a failure to connect that lasts until somebody changes a setting or a file. */
export function asFatal(error: unknown): unknown {
  if (error instanceof SessionSetupError) {
    return new FatalStartupError(`DATABASE_URL: ${error.message}`, { cause: error });
  }
  const refusal = tlsRefusal(error);
  if (refusal !== undefined) return new FatalStartupError(refusal, { cause: error });
  if (error instanceof TemporarilyUnavailableError && error.cause !== undefined) {
    const cause = asFatal(error.cause);
    return cause instanceof FatalStartupError ? cause : error;
  }
  return error;
}
