import { Injectable } from '@nestjs/common';
import type { Client } from '../clients/client.js';
import { ResourceDirectory } from '../resources/resource-directory.js';
import type { User } from '../users/user.js';

/**
 * What a client, and the user that a token speaks of, may have of a scope now. A scope that was granted earlier goes through
 * this with every use: a right that was taken away since is gone from the tokens that name it, too.
 */
@Injectable()
export class AllowedScope {
  constructor(private readonly resources: ResourceDirectory) {}

  /**
   * @param user `undefined` where the client acts for itself
   * @returns `scope` itself where all of it is allowed: the usual case allocates nothing
   */
  of(client: Client, user: User | undefined, scope: readonly string[]): readonly string[] {
    for (const token of scope) {
      if (!this.allows(client, user, token)) return scope.filter((each) => this.allows(client, user, each));
    }
    return scope;
  }

  private allows(client: Client, user: User | undefined, token: string): boolean {
    return client.scope.has(token) && (user === undefined || this.resources.allowsUser(token, user.roles));
  }
}
