import { type ArgumentsHost, Catch, Injectable } from '@nestjs/common';
import { AuditLog } from '../audit/audit-log.js';
import { RequestActor } from '../audit/request-actor.js';
import type { Client } from '../clients/client.js';
import type { FormRequest } from '../common/http/form-body.guard.js';
import { ErrorLog } from '../common/http/error-log.js';
import { asOAuthError, OAuthExceptionFilter } from '../common/oauth/oauth-exception.filter.js';
import { TokenMetrics } from './token-metrics.js';

const AUDITED: ReadonlySet<string> = new Set(['invalid_grant', 'unauthorized_client', 'invalid_client']);

/** Counts the refusals of the token endpoint, and audits those that may be an attack, whoever refuses: the body's guard, the client's, or the grant. */
@Injectable()
@Catch()
export class TokenExceptionFilter extends OAuthExceptionFilter {
  constructor(
    log: ErrorLog,
    private readonly metrics: TokenMetrics,
    private readonly audit: AuditLog,
  ) {
    super(log);
  }

  override catch(thrown: unknown, host: ArgumentsHost): void {
    // Without a body when it could not be read.
    const req = host.switchToHttp().getRequest<FormRequest & { client?: Client }>();
    const body = req.body as FormRequest['body'] | undefined;
    const { code, status, detail, description } = asOAuthError(thrown);
    this.metrics.refused(body?.grant_type, status === 429 ? 'rate_limited' : code);
    // Without a client it is its authentication that failed.
    const clientId = req.client?.clientId;
    if (clientId !== undefined && AUDITED.has(code)) this.audit.note({ type: 'token.refused', actor: new RequestActor(req, clientId), clientId, detail: { error: code, reason: detail ?? description } });
    super.catch(thrown, host);
  }
}
