import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { Database } from '../database/database.js';
import { Startup } from '../database/startup.js';
import { KeyRing } from '../keys/key-ring.js';

export type Check = 'ok' | 'failing';

@Injectable()
export class Readiness {
  constructor(
    private readonly config: Config,
    private readonly database: Database,
    private readonly startup: Startup,
    private readonly keys: KeyRing,
  ) {}

  async check(): Promise<{ database: Check; signing_key: Check }> {
    return { database: await this.databaseCheck(), signing_key: this.keys.has(this.config.accessTokenSigningAlg) ? 'ok' : 'failing' };
  }

  /** Reads a table: a cluster node that has lost its quorum still answers `SELECT 1`. */
  private async databaseCheck(): Promise<Check> {
    if (!this.startup.complete) return 'failing';
    try {
      await this.database.query('SELECT kid FROM signing_keys LIMIT 1');
      return 'ok';
    } catch {
      return 'failing';
    }
  }
}
