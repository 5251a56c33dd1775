import { type ArgumentsHost, Catch, Injectable } from '@nestjs/common';
import { ClientExistsError, MAX_CLIENT_SECRETS, TooManySecretsError } from '../clients/client-registry.js';
import { Problem } from '../common/http/problem.js';
import { ProblemFilter } from '../common/http/problem.filter.js';
import { OvertakenError } from '../database/optimistic.js';
import { ResourceConflictError } from '../resources/resource-registry.js';
import { UserExistsError } from '../users/user-registry.js';

/** Tells the conflicts of the domain in the words of HTTP. */
@Injectable()
@Catch()
export class AdminExceptionFilter extends ProblemFilter {
  override catch(thrown: unknown, host: ArgumentsHost): void {
    super.catch(asConflict(thrown), host);
  }
}

function asConflict(thrown: unknown): unknown {
  if (thrown instanceof ClientExistsError) return new Problem(409, 'A client with this id exists already.');
  if (thrown instanceof TooManySecretsError) return new Problem(409, `A client has ${MAX_CLIENT_SECRETS} secrets at most: delete one first.`);
  if (thrown instanceof ResourceConflictError) return new Problem(409, 'The identifier, or one of the scopes, belongs to another resource.');
  if (thrown instanceof UserExistsError) return new Problem(409, 'The username, or the e-mail address, belongs to another user.');
  if (thrown instanceof OvertakenError) return new Problem(409, 'The item was changed at the same moment. Read it again.');
  return thrown;
}
