import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Actor } from '../../audit/audit-log.js';
import { digestOf } from '../../common/crypto/opaque-value.js';
import { Clock } from '../../common/time/clock.js';
import { NewTokenFamilies } from '../../tokens/new-token-families.js';
import { TokenFamiliesRepository } from '../../tokens/token-families.repository.js';
import type { TokenFamilyEntity } from '../../tokens/token-family.entity.js';
import { TokenFamilyRevocation } from '../../tokens/token-family-revocation.js';
import type { PreparedTokens } from '../../tokens/token-issuance.js';
import type { CommittedTokens } from '../grant-handler.js';
import type { AuthorizationCodeEntity } from './authorization-code.entity.js';
import { AuthorizationCodesRepository } from './authorization-codes.repository.js';
import { refusedCode } from './refused-code.js';

/** Pauses between looks for the mark of a redemption that may be under way: one second in all. */
const PAUSES_MS = [10, 20, 40, 80, 150, 300, 400];

/** For how long after its use a code can be repeated whose answer was lost. */
const REPEATABLE_MS = 5 * 60_000;

/**
 * Codes that come a second time. A code is marked once its answer has left: then a second use is a replay, which
 * revokes all that the first one gave (RFC 6749 §4.1.2). Without the mark the answer of the COMMIT, the process or the
 * connection of the client was lost, and whoever can redeem the code gets the same refresh token again while it is
 * unused. On any instance: the mark is in the code's row, and the token is derived from the code.
 */
@Injectable()
export class UsedCodes implements OnApplicationShutdown {
  private readonly marking = new Set<Promise<void>>();

  constructor(
    private readonly codes: AuthorizationCodesRepository,
    private readonly families: TokenFamiliesRepository,
    private readonly newFamilies: NewTokenFamilies,
    private readonly revocation: TokenFamilyRevocation,
    private readonly clock: Clock,
  ) {}

  /** Returns tokens that mark their code when they have left. */
  untilAnswered({ id }: AuthorizationCodeEntity, { access, response }: PreparedTokens): CommittedTokens {
    return { access, response, onAnswered: () => this.mark(id) };
  }

  /**
   * Returns the family of a used code whose answer was lost.
   * @param secret the code itself
   * @throws {OAuthError} `invalid_grant` for any other, after the family was revoked if it is a replay
   */
  async unanswered(code: AuthorizationCodeEntity, secret: string, actor: Actor): Promise<TokenFamilyEntity> {
    const family = await this.families.find(code.familyId);
    if (!family) throw refusedCode('used up without tokens');
    if (family.revokedAt !== null) throw refusedCode('what it gave was revoked');
    if (this.isUnused(family, secret) && (await this.staysUnanswered(code))) {
      if (this.clock.nowMs() < family.issuedAt + REPEATABLE_MS) return family;
      throw refusedCode('used, and its answer lost, too long ago');
    }
    await this.revocation.revoke(family, 'authorization_code.replayed', actor);
    throw refusedCode('used before');
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.marking);
  }

  /** A mark that fails leaves the code repeatable for a while, by its own client alone. */
  private mark(id: number): void {
    const marked = this.codes
      .markAnswered(id, this.clock.nowMs())
      .catch(() => undefined)
      .finally(() => this.marking.delete(marked));
    this.marking.add(marked);
  }

  /** Checks whether the first refresh token is still the valid one, and can be made again. */
  private isUnused(family: TokenFamilyEntity, secret: string): boolean {
    const first = digestOf(this.newFamilies.firstOf(secret, family));
    return family.previousDigest === null && family.currentDigest === first;
  }

  /** Waits for the mark: of requests at the same time, one gets the tokens, and the others are replays. */
  private async staysUnanswered({ digest }: AuthorizationCodeEntity): Promise<boolean> {
    for (const pauseMs of [...PAUSES_MS, 0]) {
      if ((await this.codes.find(digest))?.answeredAt !== null) return false;
      if (pauseMs > 0) await sleep(pauseMs);
    }
    return true;
  }
}
