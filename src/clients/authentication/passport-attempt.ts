import type { Request } from 'express';
import type { AuthenticationResult } from './client-credentials.js';

/** How Passport meets a strategy: it puts these three functions on it, then asks it. */
export interface PassportAttempt {
  success(result: AuthenticationResult): void;
  fail(): void;
  error(error: unknown): void;
  authenticate(req: Request): void;
}
