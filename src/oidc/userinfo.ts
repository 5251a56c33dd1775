import { Injectable } from '@nestjs/common';
import type { Client } from '../clients/client.js';
import type { AccessToken } from '../tokens/access-token-verifier.js';
import { Subjects } from '../tokens/subject.js';
import { TokenFamiliesRepository } from '../tokens/token-families.repository.js';
import { CLAIMS_BY_SCOPE, claimsWithin, userClaims } from '../users/user-claims.js';
import { UsersRepository } from '../users/users.repository.js';

/** What an access token lets its holder know of the user, OIDC Core §5.3.2. */
@Injectable()
export class Userinfo {
  constructor(
    private readonly users: UsersRepository,
    private readonly families: TokenFamiliesRepository,
    private readonly subjects: Subjects,
  ) {}

  /** The claims of the token's scope (§5.4) and those that were asked for one by one (§5.5); `undefined` when the user is gone. */
  async of(client: Client, token: AccessToken): Promise<Record<string, unknown> | undefined> {
    const user = await this.users.find(token.userId!);
    if (!user) return undefined;
    const byScope = token.scope.flatMap((scope) => CLAIMS_BY_SCOPE.get(scope) ?? []);
    return { ...userClaims(user, [...byScope, ...claimsWithin(client.scope, await this.requestedWith(token))]), sub: this.subjects.of(client, user.userId) };
  }

  private async requestedWith({ ties }: AccessToken): Promise<string[]> {
    const family = ties.familyId === undefined ? null : await this.families.find(ties.familyId);
    return Object.keys(family?.openid?.claims?.userinfo ?? {});
  }
}
