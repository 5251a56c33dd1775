import { TemporarilyUnavailableError } from '../common/temporarily-unavailable.error.js';
import { SessionSetupError } from './mysql-session.js';

/** Something is wrong for good: another try would not help, and to serve would be wrong. */
export class FatalStartupError extends Error {
  override readonly name = 'FatalStartupError';
}

/** Makes a {@link FatalStartupError} of a failure to connect that lasts until somebody changes a setting or a file. */
export function asFatal(error: unknown): unknown {
  if (error instanceof SessionSetupError) {
    return new FatalStartupError(`DATABASE_URL: ${error.message}`, { cause: error });
  }
  if (error instanceof TemporarilyUnavailableError && error.cause !== undefined) {
    const cause = asFatal(error.cause);
    return cause instanceof FatalStartupError ? cause : error;
  }
  return error;
}
