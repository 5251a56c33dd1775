import { Injectable } from '@nestjs/common';
import { Serial } from '../common/serial.js';
import { ChangeFeed } from '../database/change-feed.js';
import { Startup } from '../database/startup.js';
import { isLegacyGrantType, type LegacyGrantType } from './client-metadata.js';
import { ClientsRepository } from './clients.repository.js';

/** Which grants of yesterday some enabled client may still use: only those are advertised. Follows the change feed. */
@Injectable()
export class LegacyGrants {
  private used: ReadonlySet<LegacyGrantType> = new Set();
  private readonly loads = new Serial();

  constructor(
    private readonly clients: ClientsRepository,
    feed: ChangeFeed,
    startup: Startup,
  ) {
    startup.load(() => this.reload());
    feed.onChanges('client', () => this.reload());
    feed.onReread(() => this.reload());
  }

  /** Whether a grant is to be advertised: all but the legacy ones, and of those the ones in use. */
  isOffered(grantType: string): boolean {
    return !isLegacyGrantType(grantType) || this.used.has(grantType);
  }

  private reload(): Promise<void> {
    return this.loads.run(async () => {
      this.used = new Set((await this.clients.legacyGrantsInUse()).flatMap((grants) => grants.split(' ') as LegacyGrantType[]));
    });
  }
}
