import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Logger } from '../../common/logging/logger.js';
import { Clock } from '../../common/time/clock.js';
import { Config } from '../../config/config.js';
import { WriteBehind } from '../../database/write-behind.js';
import type { GrantedAccess } from '../../tokens/granted-access.js';
import { GrantUsageRepository, type PasswordGrantUser, type UsageRow } from './grant-usage.repository.js';

const DAY_MS = 86_400_000;
/** The column's; a longer scope token is counted by its beginning. */
const MAX_SCOPE_LENGTH = 255;

/** Days since the epoch, in UTC. */
export const dayOf = (ms: number): number => Math.floor(ms / DAY_MS);

/** Counts which client gets tokens by which grant, with which scope, day by day, written behind: a token request pays nothing for it. */
@Injectable()
export class GrantUsage implements OnApplicationShutdown {
  private readonly uses: WriteBehind<string, UsageRow>;
  private readonly passwordGrantUsers: WriteBehind<string, PasswordGrantUser>;

  constructor(
    repository: GrantUsageRepository,
    private readonly clock: Clock,
    config: Config,
    logger: Logger,
  ) {
    const intervalMs = config.lastUsedFlushSeconds * 1000;
    this.uses = new WriteBehind({
      what: 'counts of grants',
      intervalMs,
      merge: (before, { tokens, lastUsedAt }) => {
        before.tokens += tokens;
        before.lastUsedAt = lastUsedAt;
        return before;
      },
      write: (uses) => repository.add(inOrder(uses)),
      logger,
    });
    this.passwordGrantUsers = new WriteBehind({
      what: 'users of the password grant',
      intervalMs,
      merge: (_before, next) => next,
      write: (users) => repository.addPasswordGrantUsers(inOrder(users)),
      logger,
    });
  }

  /** How many notes wait to be written. */
  get pending(): number {
    return this.uses.size + this.passwordGrantUsers.size;
  }

  /** How many notes were lost because too many waited. */
  get dropped(): number {
    return this.uses.dropped + this.passwordGrantUsers.dropped;
  }

  note(grantType: string, { client, user, scope }: GrantedAccess): void {
    const { clientId } = client;
    const lastUsedAt = this.clock.nowMs();
    const day = dayOf(lastUsedAt);
    // A row for all tokens of the client, and one for each scope: their number is bounded by the client's scope, in
    // whatever order and choice it asks for them.
    this.count({ clientId, grantType, scope: '', day, tokens: 1, lastUsedAt });
    for (const each of scope) {
      this.count({ clientId, grantType, scope: each.slice(0, MAX_SCOPE_LENGTH), day, tokens: 1, lastUsedAt });
    }
    if (user && grantType === 'password') this.passwordGrantUsers.note(`${clientId} ${user.userId}`, { clientId, userId: user.userId, lastUsedAt });
  }

  /** Writes what is counted. */
  async flush(): Promise<void> {
    await Promise.all([this.uses.flush(), this.passwordGrantUsers.flush()]);
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([this.uses.close(), this.passwordGrantUsers.close()]);
  }

  private count(row: UsageRow): void {
    this.uses.note(`${row.clientId} ${row.grantType} ${row.scope} ${row.day}`, row);
  }
}

/** In the order of their keys, so that two instances do not wait for each other's locks. */
const inOrder = <Row>(rows: ReadonlyMap<string, Row>): Row[] => [...rows.keys()].sort().map((key) => rows.get(key)!);
