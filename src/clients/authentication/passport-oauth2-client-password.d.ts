declare module 'passport-oauth2-client-password' {
  import type { Request } from 'express';

  export class Strategy {
    constructor(verify?: (clientId: string, clientSecret: string, done: (error: Error | null, client?: unknown) => void) => void);
    authenticate(req: Request): void;
  }
}
