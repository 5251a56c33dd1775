import { Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { EntityManager } from 'typeorm';
import { RequestActor } from '../../audit/request-actor.js';
import type { Client } from '../../clients/client.js';
import { isRegistered } from '../../clients/registered-redirect-uri.js';
import { ClientDirectory } from '../../clients/client-directory.js';
import { digestOf, newOpaqueValue } from '../../common/crypto/opaque-value.js';
import { randomId } from '../../common/crypto/random-id.js';
import { OAuthError } from '../../common/oauth/oauth-error.js';
import { Clock } from '../../common/time/clock.js';
import { RateLimits } from '../../rate-limits/rate-limits.js';
import { BrowserCookies } from '../../sessions/browser-cookies.js';
import type { AuthorizationRequest } from '../authorization-request.js';
import { PushedAuthorizationRequests } from '../pushed/pushed-authorization-requests.js';
import { mayUse } from '../steps/response-type.step.js';
import { AuthorizationRequestsRepository } from './authorization-requests.repository.js';

const LIFETIME_SECONDS = 3600;

/** An authorization request while its user is asked. */
export interface Interaction {
  readonly requestId: string;
  readonly client: Client;
  readonly request: AuthorizationRequest;
  /** The session of the last sign-in at its pages. */
  readonly signedInSession: string | null;
  /** The user who consented to this request. */
  readonly approvedBy: string | null;
  /** Of what they were asked. */
  readonly approvedDigest: string | null;
  /** By which its browser is known: forms of its pages are bound to it. */
  readonly cookie: string;
  readonly rowId: number;
}

const gone = (detail: string) => new OAuthError('invalid_request', 'This sign-in has ended, or was begun in another browser. Go back to the application and start again.', 400, {}, detail);

/** The pages of a request are below it. */
export const pathOf = (requestId: string): string => `/oauth/authorize/${requestId}`;

/** Authorization requests that wait for a user. What they ask for is kept at the server: nothing that a browser sends later changes it. */
@Injectable()
export class Interactions {
  constructor(
    private readonly repository: AuthorizationRequestsRepository,
    private readonly pushed: PushedAuthorizationRequests,
    private readonly clients: ClientDirectory,
    private readonly limits: RateLimits,
    private readonly cookies: BrowserCookies,
    private readonly clock: Clock,
  ) {}

  /**
   * Keeps the request, and ties it to the browser that gets the answer.
   * @returns its id
   * @throws {RateLimitedError} when an address stores too much
   */
  async begin(res: Response, client: Client, request: AuthorizationRequest): Promise<string> {
    const requestId = randomId();
    const cookie = newOpaqueValue('authorizationRequest');
    const expiresAt = this.clock.nowMs() + LIFETIME_SECONDS * 1000;
    const stored = JSON.stringify(request);
    this.limits.takeAuthorizationStorage(Buffer.byteLength(stored), new RequestActor(res.req));
    if (request.pushedId !== undefined) await this.pushed.keepUntil(request.pushedId, expiresAt);
    await this.repository.insert({
      requestId,
      browserDigest: digestOf(cookie),
      clientId: client.clientId,
      clientGeneration: client.tokenGeneration,
      request: stored,
      signedInSession: null,
      approvedBy: null,
      approvedDigest: null,
      createdAt: this.clock.nowMs(),
      consumedAt: null,
      expiresAt,
    });
    this.cookies.setForm(res, requestId, cookie, LIFETIME_SECONDS);
    return requestId;
  }

  /** The request of a page. @throws {OAuthError} when it does not wait in this browser, or its client may not go on */
  async open(req: Request, requestId: string): Promise<Interaction> {
    const cookie = this.cookies.form(req, requestId);
    const row = await this.repository.find(requestId);
    if (!row || cookie === undefined || digestOf(cookie) !== row.browserDigest) throw gone(row ? 'another browser' : 'unknown');
    if (row.consumedAt !== null) throw gone('answered');
    if (row.expiresAt <= this.clock.nowMs()) throw gone('expired');
    const client = await this.clients.find(row.clientId);
    const request = JSON.parse(row.request) as AuthorizationRequest;
    if (!client?.enabled || client.tokenGeneration !== row.clientGeneration || !mayStillAsk(client, request)) throw gone('the client has changed');
    return { requestId, client, request, signedInSession: row.signedInSession, approvedBy: row.approvedBy, approvedDigest: row.approvedDigest, cookie, rowId: row.id };
  }

  /** Notes that the user signed in for this request. @throws {OAuthError} when it has been answered meanwhile */
  async noteSignIn({ rowId }: Interaction, sessionId: string, manager: EntityManager): Promise<void> {
    if (!(await this.repository.noteSignIn(rowId, sessionId, manager))) throw gone('answered');
  }

  /** Notes who consented, to what. @throws {OAuthError} when it has been answered meanwhile */
  async approve({ rowId }: Interaction, userId: string, digest: string, manager: EntityManager): Promise<void> {
    if (!(await this.repository.approve(rowId, userId, digest, manager))) throw gone('answered');
  }

  /** Whether a request that was {@link consume}d in the transaction is still allowed by the user. */
  async isApprovedBy({ rowId }: Interaction, userId: string, manager: EntityManager): Promise<boolean> {
    return (await this.repository.findApprover(rowId, manager)) === userId;
  }

  /** @throws {OAuthError} when it has been answered before */
  async consume({ rowId }: Interaction, manager: EntityManager): Promise<void> {
    if (!(await this.repository.consume(rowId, this.clock.nowMs(), manager))) throw gone('answered');
  }
}

/** What an admin took from the client, or demands of it, since the user was asked counts. */
function mayStillAsk(client: Client, request: AuthorizationRequest): boolean {
  const { redirectUri, responseType, codeChallenge, pushedId } = request;
  if (!isRegistered(client, redirectUri) || !mayUse(client, responseType)) return false;
  if (client.requirePushedAuthorizationRequests && pushedId === undefined) return false;
  return responseType !== 'code' || codeChallenge !== undefined || !client.needsPkce;
}
