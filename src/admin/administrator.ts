import type { Request } from 'express';
import type { Actor } from '../audit/audit-log.js';
import { assertIfMatch, assertIfNoneMatch } from '../common/http/entity-tag.js';
import type { AccessToken } from '../tokens/access-token-verifier.js';
import { actorOf, assertNoMoreRightsThan } from './admin-request.js';

/** Who manages something, and on what terms. */
export interface Administrator {
  readonly actor: Actor;

  /** @param current entity tag; `undefined` = nothing is there. @throws {Problem} 412 when another state is expected */
  assertMatch(current: string | undefined): void;

  /** @throws {Problem} 412 when nothing is expected to be there */
  assertNoneMatch(current: string): void;

  /** @param scopes of the client that is managed, before and after. @throws {Problem} 403 when they hold more rights than his own */
  assertRights(...scopes: readonly (string | undefined)[]): void;
}

/** The holder of an access token; the terms are the preconditions of his request. */
export const administratorOf = (req: Request, token: AccessToken): Administrator => ({
  actor: actorOf(req, token),
  assertMatch: (current) => assertIfMatch(req, current),
  assertNoneMatch: (current) => assertIfNoneMatch(req, current),
  assertRights: (...scopes) => assertNoMoreRightsThan(token, ...scopes),
});
