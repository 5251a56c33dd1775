import type { UserEntity } from './user.entity.js';

/** A user as token requests see it: what its row says of its state, made ready once and never changed. */
export class User {
  readonly userId: string;
  readonly enabled: boolean;
  readonly tokenGeneration: string;
  readonly roles: readonly string[];

  constructor(entity: Pick<UserEntity, 'userId' | 'enabled' | 'tokenGeneration' | 'roles'>) {
    this.userId = entity.userId;
    this.enabled = entity.enabled;
    this.tokenGeneration = entity.tokenGeneration;
    this.roles = entity.roles;
  }
}
