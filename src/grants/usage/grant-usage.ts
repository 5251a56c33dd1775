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

interface Use {
  clientId: string;
  grantType: string;
  scope: readonly string[];
  day: number;
  tokens: number;
  lastUsedAt: number;
}

/** Days since the epoch, in UTC. */
export const dayOf = (ms: number): number => Math.floor(ms / DAY_MS);

/** Counts which client gets tokens by which grant, with which scope, day by day, written behind: a token request pays nothing for it. */
@Injectable()
export class GrantUsage implements OnApplicationShutdown {
  private readonly uses: WriteBehind<string, Use>;
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
      write: (uses) => repository.add(rowsOf(uses.values())),
      logger,
    });
    this.passwordGrantUsers = new WriteBehind({
      what: 'users of the password grant',
      intervalMs,
      merge: (_before, next) => next,
      write: (users) => repository.addPasswordGrantUsers([...users.keys()].sort().map((key) => users.get(key)!)),
      logger,
    });
  }

  /** How many notes wait to be written. */
  get pending(): number {
    return this.uses.size + this.passwordGrantUsers.size;
  }

  note(grantType: string, { client, user, scope }: GrantedAccess): void {
    const { clientId } = client;
    const lastUsedAt = this.clock.nowMs();
    const day = dayOf(lastUsedAt);
    this.uses.note(`${day} ${clientId} ${grantType} ${scope.join(' ')}`, { clientId, grantType, scope, day, tokens: 1, lastUsedAt });
    if (user && grantType === 'password') this.passwordGrantUsers.note(`${clientId} ${user.userId}`, { clientId, userId: user.userId, lastUsedAt });
  }

  /** Writes what is counted. */
  async flush(): Promise<void> {
    await Promise.all([this.uses.flush(), this.passwordGrantUsers.flush()]);
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([this.uses.close(), this.passwordGrantUsers.close()]);
  }
}

/** One row for all tokens of a client by a grant on a day, and one for each scope, in the order of the key. */
function rowsOf(uses: Iterable<Use>): UsageRow[] {
  const rows = new Map<string, UsageRow>();
  for (const { clientId, grantType, scope: scopes, day, tokens, lastUsedAt } of uses) {
    for (const scope of ['', ...new Set(scopes.map((each) => each.slice(0, MAX_SCOPE_LENGTH)))]) {
      const key = `${clientId} ${grantType} ${scope} ${day}`;
      const row = rows.get(key);
      rows.set(key, { clientId, grantType, scope, day, tokens: tokens + (row?.tokens ?? 0), lastUsedAt: Math.max(lastUsedAt, row?.lastUsedAt ?? 0) });
    }
  }
  return [...rows.keys()].sort().map((key) => rows.get(key)!);
}
