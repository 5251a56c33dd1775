import { Injectable } from '@nestjs/common';
import { type Actor, AuditLog } from '../audit/audit-log.js';
import { addressBlock } from '../common/http/address-block.js';
import { Logger } from '../common/logging/logger.js';
import type { Counter } from '../common/metrics/counter.js';
import { Metrics } from '../common/metrics/metrics.js';
import { Clock } from '../common/time/clock.js';
import { Config } from '../config/config.js';
import { RATE_LIMIT_NAMES, type RateLimitName } from '../config/rate-limits.js';
import { RateLimit, type RateLimitHeaders, type RateLimitWorld } from './rate-limit.js';
import { SharedCounts } from './shared-counts.js';

const MINUTE_MS = 60_000;
const FIVE_MINUTES_MS = 5 * MINUTE_MS;
const HOUR_MS = 60 * MINUTE_MS;
const WINDOWS_MS: Partial<Record<RateLimitName, number>> = {
  client_failures: FIVE_MINUTES_MS,
  address_failures: FIVE_MINUTES_MS,
  authorization_storage: HOUR_MS,
};
/** What an address over its failure limit may still have looked up in a second, since a valid caller may share it. */
const LOOKUPS_PER_SECOND = 10;
const SECOND_MS = 1_000;

interface CountedClient {
  readonly clientId: string;
  readonly confidential: boolean;
}

/**
 * Every limit on requests, each asked before the work that it is for. Counting asks nobody and waits for nobody: {@link SharedCounts} tells the other instances behind the requests. Callers
 * without credentials are counted by {@link addressBlock}. Each method throws {@link RateLimitedError} when its limit is reached.
 */
@Injectable()
export class RateLimits {
  private readonly limits: Readonly<Record<RateLimitName, RateLimit>>;
  /** Each instance counts by itself: an exchange with the others would come after the second is over. */
  private readonly lookups: RateLimit;
  private readonly refusals: Counter<{ limit: typeof RATE_LIMIT_NAMES }>;

  constructor(
    config: Config,
    clock: Clock,
    shared: SharedCounts,
    private readonly audit: AuditLog,
    private readonly logger: Logger,
    metrics: Metrics,
  ) {
    this.refusals = metrics.counter({ name: 'rate_limited_requests_total', help: 'Requests that were answered 429, by the limit that was reached.', labels: { limit: RATE_LIMIT_NAMES } });
    const world: RateLimitWorld = { clock, share: (limit, count) => shared.share(limit, count), refused: (limit, first, caller, clientId) => this.tell(limit, first, caller, clientId) };
    const windowOf = (name: RateLimitName) => WINDOWS_MS[name] ?? MINUTE_MS;
    this.limits = Object.fromEntries(RATE_LIMIT_NAMES.map((name) => [name, new RateLimit(name, config.rateLimits[name], windowOf(name), world)])) as Record<RateLimitName, RateLimit>;
    const alone = { clock, share: () => undefined, refused: () => undefined };
    this.lookups = new RateLimit('address_failures', LOOKUPS_PER_SECOND, SECOND_MS, alone);
  }

  /** A token request of a client that is authenticated. One that has nothing to prove who it is can be named by anybody, and is counted by address as well. */
  takeToken({ clientId, confidential }: CountedClient, caller: Actor): RateLimitHeaders {
    return this.limits.token.take(confidential ? clientId : `${addressBlock(caller.address ?? '')} ${clientId}`, caller);
  }

  takeIntrospection({ clientId }: CountedClient, caller: Actor): RateLimitHeaders {
    return this.limits.introspection.take(clientId, caller);
  }

  /** A token that introspection is about to call inactive (RFC 7662 §4: guessing). Active ones are told of whatever others have guessed through the same client. */
  takeInactiveToken({ clientId }: CountedClient, caller: Actor): void {
    this.limits.inactive_tokens.take(clientId, caller);
  }

  /** A request of a client to the admin API. */
  takeAdmin(clientId: string, caller: Actor): RateLimitHeaders {
    return this.limits.admin.take(clientId, caller);
  }

  /** Anything that a browser asks for, or that begins a request of one. */
  takeAuthorization(caller: Actor): void {
    this.limits.authorization.take(addressBlock(caller.address ?? ''), caller);
  }

  /** Bytes that a caller without credentials is about to have stored until a user has answered. */
  takeAuthorizationStorage(bytes: number, caller: Actor): void {
    const kibibytes = Math.ceil(bytes / 1024);
    this.limits.authorization_storage.take(addressBlock(caller.address ?? ''), caller, undefined, kibibytes);
  }

  /**
   * A password that is about to be looked at. No account is counted over all addresses: whoever knows a username could shut its user out.
   * @param account key of the username, whether there is such a user or not
   */
  takeLogin(account: string, caller: Actor): void {
    const block = addressBlock(caller.address ?? '');
    this.limits.address_logins.take(block, caller);
    this.limits.account_logins.take(`${block} ${account}`, caller);
  }

  /** Whether {@link checkClient} may refuse anybody at this time. */
  get refusesClients(): boolean {
    return this.limits.client_failures.isReached || this.limits.address_failures.isReached;
  }

  /**
   * Comes before a client's credentials are looked at (RFC 6749 §2.3.1).
   * @param clientId as it was claimed
   * @param exists whether there is such a client; `undefined` when only a query can tell. One that exists is served
   * although the address has reached its limit: that may be a gateway's, and everybody's
   */
  checkClient(clientId: string, exists: boolean | undefined, caller: Actor): void {
    const block = addressBlock(caller.address ?? '');
    this.limits.client_failures.check(`${block} ${clientId}`, caller, exists ? clientId : undefined);
    if (exists === undefined) this.checkLookup(block, caller);
  }

  /** The credentials were not those of the client. @param clientId as it was claimed @param known the same, if there is such a client */
  clientFailed(clientId: string, caller: Actor, known: string | undefined): void {
    const block = addressBlock(caller.address ?? '');
    this.limits.client_failures.take(`${block} ${clientId}`, caller, known);
    this.limits.address_failures.take(block, caller, known);
  }

  /** Comes before a bearer token is verified that was not valid before: that may cost a query or a signature. */
  checkBearer(caller: Actor): void {
    if (this.limits.address_failures.isReached) this.checkLookup(addressBlock(caller.address ?? ''), caller);
  }

  /** A bearer token was not valid. */
  bearerFailed(caller: Actor): void {
    this.limits.address_failures.take(addressBlock(caller.address ?? ''), caller);
  }

  private checkLookup(block: string, caller: Actor): void {
    const { address_failures: failures } = this.limits;
    if (failures.isReachedBy(block) && !this.lookups.tryTake(block)) failures.refuse(block, caller, undefined, SECOND_MS);
  }

  private tell({ name }: RateLimit, first: boolean, caller: Actor, clientId: string | undefined): void {
    this.refusals.inc({ limit: name });
    if (!first) return;
    const { address, requestId } = caller;
    this.logger.warn('rate limit reached', { limit: name, address, client_id: caller.clientId ?? clientId, request_id: requestId });
    this.audit.note({ type: 'rate_limit.exceeded', actor: caller, ...(clientId === undefined ? {} : { clientId }), detail: { limit: name } });
  }
}
