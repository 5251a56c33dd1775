import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '../../database/database.js';
import { PushedAuthorizationRequestEntity } from './pushed-authorization-request.entity.js';

@Injectable()
export class PushedAuthorizationRequestsRepository {
  constructor(private readonly database: Database) {}

  async insert(request: Omit<PushedAuthorizationRequestEntity, 'id'>): Promise<void> {
    await this.database.repository(PushedAuthorizationRequestEntity).insert(request);
  }

  find(digest: string): Promise<PushedAuthorizationRequestEntity | null> {
    return this.database.repository(PushedAuthorizationRequestEntity).findOneBy({ digest });
  }

  /** Uses it up: of any number of answers, one is given. Answers whether it was this one. */
  async consume(id: number, nowMs: number, manager?: EntityManager): Promise<boolean> {
    return (await this.database.execute('UPDATE pushed_authorization_requests SET consumed_at = ? WHERE id = ? AND consumed_at IS NULL', [nowMs, id], manager)) === 1;
  }

  countExpired(nowMs: number): Promise<number> {
    return this.database.countBelow('pushed_authorization_requests', 'purge_after', nowMs);
  }

  /** Deletes a batch of requests that nobody can come back to. Answers how many it deleted. */
  deleteExpired(nowMs: number): Promise<number> {
    return this.database.deleteBelow('pushed_authorization_requests', 'purge_after', nowMs);
  }
}
