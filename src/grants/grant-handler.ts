import type { Client } from '../clients/client.js';
import type { GrantType } from '../clients/client-metadata.js';
import type { FormParams } from '../common/oauth/form-params.js';
import type { GrantedAccess } from '../tokens/granted-access.js';

/** One grant type: parameters in, decision out. No token exists before {@link authorize} has returned. */
export interface GrantHandler<Request = unknown> {
  readonly grantType: GrantType;

  /** Whether only clients that authenticate may use it; a public client is then refused as one that failed to. */
  readonly confidentialOnly: boolean;

  /** @throws {OAuthError} `invalid_request` or `invalid_scope` for what is missing or malformed */
  parse(params: FormParams): Request;

  /** Checks everything. @throws {OAuthError} */
  authorize(client: Client, request: Request): GrantedAccess | Promise<GrantedAccess>;
}

/** Injection token of the list of handlers. */
export const GRANT_HANDLERS = Symbol('GRANT_HANDLERS');
