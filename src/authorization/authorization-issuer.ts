import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Actor } from '../audit/audit-log.js';
import { Config } from '../config/config.js';
import { AuthorizationCodes } from '../grants/authorization-code/authorization-codes.js';
import type { Session } from '../sessions/sessions.js';
import { type OpenIdGrant, PASSWORD_ACR } from '../tokens/openid-grant.js';
import type { Target } from '../tokens/target-resolver.js';
import type { AuthorizationAnswer } from './authorization-answer.js';
import type { AuthorizationRequest } from './authorization-request.js';
import type { CheckedRequest } from './authorize.pipeline.js';
import { ImplicitTokens, type PreparedParams } from './implicit-tokens.js';

/** The answer to a granted request. Nobody may know it before it is stored. */
export interface PreparedAnswer {
  readonly answer: AuthorizationAnswer;
  /** Writes what the answer stands on, in the transaction that uses the request up. */
  store(manager: EntityManager): Promise<void>;
  /** Counts and audits what was committed. */
  note(): void;
}

/** Makes what a granted request is answered with. */
@Injectable()
export class AuthorizationIssuer {
  constructor(
    private readonly config: Config,
    private readonly codes: AuthorizationCodes,
    private readonly implicit: ImplicitTokens,
  ) {}

  /** Makes everything that can fail, and writes nothing: a request is used up only once its answer is there. */
  async prepare(
    { client, request }: CheckedRequest,
    target: Target,
    session: Session,
    actor: Actor,
  ): Promise<PreparedAnswer> {
    const { user, sessionId } = session;
    const { responseType } = request;
    const openid = target.scope.includes('openid') ? { openid: openIdGrant(request, session) } : {};
    const { params, ...prepared } =
      responseType === 'code'
        ? this.prepareCode({ client, request }, target, session, openid)
        : await this.implicit.prepare(responseType, { client, user, ...target, ...openid }, sessionId, actor);
    return { ...prepared, answer: this.answer(request, params) };
  }

  private prepareCode(
    { client, request }: CheckedRequest,
    target: Target,
    { user, sessionId }: Session,
    openid: { openid?: OpenIdGrant },
  ): PreparedParams {
    const { redirectUri, redirectUriSent, codeChallenge } = request;
    const challenge = codeChallenge === undefined ? {} : { codeChallenge };
    const authorization = { client, user, sessionId, redirectUri, redirectUriSent, ...challenge, target, ...openid };
    const { code, row } = this.codes.prepare(authorization);
    return { params: { code }, store: (manager) => this.codes.store(row, manager), note: () => undefined };
  }

  private answer(target: AuthorizationRequest, params: Record<string, string>): AuthorizationAnswer {
    return { target, params: { ...params, ...(target.state === undefined ? {} : { state: target.state }), iss: this.config.issuer } };
  }
}

function openIdGrant({ nonce, claims }: AuthorizationRequest, { sessionId, authenticatedAtMs, amr }: Session): OpenIdGrant {
  return {
    sid: sessionId,
    auth_time: Math.floor(authenticatedAtMs / 1000),
    acr: PASSWORD_ACR,
    amr,
    ...(nonce === undefined ? {} : { nonce }),
    ...(claims === undefined ? {} : { claims }),
  };
}
