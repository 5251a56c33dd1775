import { type ArgumentsHost, Catch, Injectable } from '@nestjs/common';
import { AuditLog } from '../audit/audit-log.js';
import { RequestActor } from '../audit/request-actor.js';
import { ClientExistsError } from '../clients/client-registry.js';
import { MAX_CLIENT_SECRETS, TooManySecretsError } from '../clients/client-secret-registry.js';
import { ErrorLog } from '../common/http/error-log.js';
import { Problem } from '../common/http/problem.js';
import { ProblemFilter } from '../common/http/problem.filter.js';
import { OvertakenError } from '../database/optimistic.js';
import { ResourceConflictError } from '../resources/resource-registry.js';
import { type BearerRequest, NoTokenProblem } from '../tokens/bearer.guard.js';
import { UserExistsError } from '../users/user-registry.js';
import { AdminMetrics } from './admin-metrics.js';

/** Tells the conflicts of the domain in the words of HTTP, and audits who is refused for want of rights. */
@Injectable()
@Catch()
export class AdminExceptionFilter extends ProblemFilter {
  constructor(
    log: ErrorLog,
    private readonly audit: AuditLog,
    private readonly metrics: AdminMetrics,
  ) {
    super(log);
  }

  override catch(thrown: unknown, host: ArgumentsHost): void {
    if (thrown instanceof NoTokenProblem) this.metrics.countWithoutToken();
    else if (thrown instanceof Problem && (thrown.status === 401 || thrown.status === 403)) {
      this.noteRefusal(thrown, host.switchToHttp().getRequest<BearerRequest>());
    }
    super.catch(asConflict(thrown), host);
  }

  private noteRefusal({ status, detail: reason }: Problem, req: BearerRequest): void {
    const { accessToken: token } = req;
    // The route's pattern: what stands in the path may be anything.
    const { path: route } = req.route as { path: string };
    this.audit.note({ type: 'admin.request_refused', actor: new RequestActor(req, token?.clientId, token?.userId), detail: { status, reason, method: req.method, route } });
  }
}

/** The problem that an error of the domain is; any other error as it is. */
export function asConflict(thrown: unknown): unknown {
  if (thrown instanceof ClientExistsError) return new Problem(409, 'A client with this id exists already.');
  if (thrown instanceof TooManySecretsError) return new Problem(409, `A client has ${MAX_CLIENT_SECRETS} valid secrets at most: delete one first.`);
  if (thrown instanceof ResourceConflictError) return new Problem(409, 'The identifier, or one of the scopes, belongs to another resource.');
  if (thrown instanceof UserExistsError) return new Problem(409, 'The username, or the e-mail address, belongs to another user.');
  if (thrown instanceof OvertakenError) return new Problem(409, 'The item was changed at the same moment. Read it again.');
  return thrown;
}
