import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { Request } from 'express';
import { BasicStrategy } from 'passport-http';
import { formDecode } from '../../common/oauth/form-params.js';
import type { PassportAttempt } from './passport-attempt.js';
import { type AuthenticationResult, ClientCredentials } from './client-credentials.js';

type Verify = (clientId: string, clientSecret: string, done: (error: Error | null, result?: AuthenticationResult) => void) => void;

/** passport-http's strategy with a strict reading of the header: its own takes any scheme that contains "basic" and cuts a secret at its first colon. */
class StrictBasicStrategy extends BasicStrategy {
  declare _verify: Verify;

  override authenticate(req: Request): void {
    const attempt = this as unknown as PassportAttempt;
    const credentials = readBasic(req.headers.authorization ?? '');
    if (!credentials) return attempt.success({ refusal: 'wrong secret' });
    this._verify(credentials[0], credentials[1], (error, result) => (error ? attempt.error(error) : attempt.success(result!)));
  }
}

/** `client_secret_basic`: RFC 6749 §2.3.1 over RFC 7617, id and secret form-encoded each (RFC 6749 Appendix B). */
@Injectable()
export class ClientSecretBasicStrategy extends PassportStrategy(StrictBasicStrategy, 'client_secret_basic') {
  constructor(private readonly credentials: ClientCredentials) {
    super();
  }

  validate(clientId: string, clientSecret: string): AuthenticationResult | Promise<AuthenticationResult> {
    return this.credentials.verifySecret(clientId, clientSecret, 'client_secret_basic');
  }
}

/** Id and secret, or `undefined` when the header is no well-formed Basic: exact scheme in any case, canonical base64, split at the first colon. */
export function readBasic(header: string): [string, string] | undefined {
  const match = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header);
  if (!match) return undefined;
  const bytes = Buffer.from(match[1], 'base64');
  if (bytes.toString('base64') !== match[1]) return undefined;
  const text = bytes.toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 1) return undefined;
  try {
    return [formDecode(text.slice(0, colon)), formDecode(text.slice(colon + 1))];
  } catch {
    return undefined;
  }
}
