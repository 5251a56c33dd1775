import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/time/clock.js';
import { Transactions } from '../../database/transactions.js';
import { SessionsRepository } from '../../sessions/sessions.repository.js';
import { type PreparedTokens, TokenIssuance } from '../../tokens/token-issuance.js';
import type { AuthorizationCodeEntity } from './authorization-code.entity.js';
import { AuthorizationCodesRepository } from './authorization-codes.repository.js';
import { refusedCode } from './refused-code.js';

/** Uses codes up, and stores what they give in the same commit. */
@Injectable()
export class CodeRedemption {
  constructor(
    private readonly codes: AuthorizationCodesRepository,
    private readonly sessions: SessionsRepository,
    private readonly issuance: TokenIssuance,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /** Returns whether this call used the code up: of any number of callers, one does. */
  commit({ id, sessionId }: AuthorizationCodeEntity, tokens: PreparedTokens): Promise<boolean> {
    return this.transactions.run(async (manager) => {
      if (!(await this.codes.consume(id, this.clock.nowMs(), manager))) return false;
      // Whoever ends the session waits for these tokens, and ends them as well.
      if (!(await this.sessions.lock(sessionId, manager))) throw refusedCode('the session has ended');
      await this.issuance.store(tokens, manager);
      return true;
    });
  }

  /** Stores tokens of a code that was used up before. */
  storeAgain(tokens: PreparedTokens): Promise<void> {
    return this.issuance.store(tokens);
  }
}
