import type { Actor } from '../audit/audit-log.js';
import type { Client } from '../clients/client.js';
import type { GrantType } from '../clients/client-metadata.js';
import type { FormParams } from '../common/oauth/form-params.js';
import type { GrantedAccess, IssuedTokens } from '../tokens/granted-access.js';

/** Tokens that are committed. */
export interface CommittedTokens extends IssuedTokens {
  /** Called once the response has left this server. */
  readonly onAnswered?: () => void;
}

/** One grant type: parameters in, decision or tokens out. */
export interface GrantHandler<Request = unknown> {
  readonly grantType: GrantType;

  /** Whether only clients that authenticate may use it; a public client is then refused as one that failed to. */
  readonly confidentialOnly: boolean;

  /** @throws {OAuthError} `invalid_request` or `invalid_scope` for what is missing or malformed */
  parse(params: FormParams): Request;

  /** Headers of every answer to a client that may use this grant, a refusal as well. */
  headers?(client: Client): Readonly<Record<string, string>>;

  /**
   * Checks everything. A handler that uses nothing up returns what it decided, and the dispatcher issues the token. One
   * that uses something up returns a promise of tokens: it prepares them first, commits, and then returns them, so that
   * no error uses anything up.
   * @param actor the client, from where, in which request
   * @throws {OAuthError}
   */
  authorize(client: Client, request: Request, actor: Actor): GrantedAccess | Promise<CommittedTokens>;
}

/** Injection token of the list of handlers. */
export const GRANT_HANDLERS = Symbol('GRANT_HANDLERS');
