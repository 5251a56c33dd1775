import { Injectable } from '@nestjs/common';
import { AuditLog } from '../../audit/audit-log.js';
import { RequestActor } from '../../audit/request-actor.js';
import type { FormRequest } from '../../common/http/form-body.guard.js';
import { RateLimits } from '../../rate-limits/rate-limits.js';
import { ClientDirectory } from '../client-directory.js';
import type { TokenEndpointAuthMethod } from '../client-metadata.js';
import type { Refused } from './client-credentials.js';
import { readBasic } from './client-secret-basic.strategy.js';

/** Audits failed attempts of clients to authenticate, and limits them (RFC 6749 §2.3.1), of clients that there are and of those that there are not by the same rules. Both methods throw {@link RateLimitedError}. */
@Injectable()
export class ClientFailures {
  constructor(
    private readonly limits: RateLimits,
    private readonly directory: ClientDirectory,
    private readonly audit: AuditLog,
  ) {}

  /** Before the credentials are looked at. */
  check(req: FormRequest, method: TokenEndpointAuthMethod): void {
    if (!this.limits.refusesClients) return;
    const clientId = claimedId(req, method);
    this.limits.checkClient(clientId, this.directory.knowsOf(clientId), new RequestActor(req));
  }

  /** The attempt failed. */
  note(req: FormRequest, method: TokenEndpointAuthMethod, { refusal, clientId }: Refused): void {
    const actor = new RequestActor(req);
    this.audit.note({ type: 'client.authentication_failed', actor, ...(clientId === undefined ? {} : { clientId }), detail: { reason: refusal.replaceAll(' ', '_'), method } });
    this.limits.clientFailed(claimedId(req, method), actor, clientId);
  }
}

/** Empty for a header from which none can be read. */
function claimedId({ headers, body }: FormRequest, method: TokenEndpointAuthMethod): string {
  return (method === 'client_secret_basic' ? readBasic(headers.authorization!)?.[0] : body.client_id) ?? '';
}
