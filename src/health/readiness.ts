import { Injectable } from '@nestjs/common';
import { ChangeFeed } from '../database/change-feed.js';
import { Startup } from '../database/startup.js';
import { KeyRing } from '../keys/key-ring.js';
import { SigningKeysRepository } from '../keys/signing-keys.repository.js';

export type Check = 'ok' | 'failing';

@Injectable()
export class Readiness {
  constructor(
    private readonly signingKeys: SigningKeysRepository,
    private readonly feed: ChangeFeed,
    private readonly startup: Startup,
    private readonly keys: KeyRing,
  ) {}

  async check(): Promise<{ database: Check; change_feed: Check; signing_key: Check }> {
    return { database: await this.databaseCheck(), change_feed: this.feed.isFresh ? 'ok' : 'failing', signing_key: this.keys.canSign ? 'ok' : 'failing' };
  }

  /** Reads a table: a cluster node that has lost its quorum still answers `SELECT 1`. */
  private async databaseCheck(): Promise<Check> {
    if (!this.startup.complete) return 'failing';
    try {
      await this.signingKeys.all();
      return 'ok';
    } catch {
      return 'failing';
    }
  }
}
