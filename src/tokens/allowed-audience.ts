import { Injectable } from '@nestjs/common';
import type { Client } from '../clients/client.js';
import { Config } from '../config/config.js';
import { ResourceDirectory } from '../resources/resource-directory.js';

/**
 * For which of its audience a token counts now. A resource that was deleted since takes no tokens. Neither does one
 * without scopes from a client that is not registered for it any more: there the audience is the whole right. Elsewhere
 * the scope is, which the client has or not.
 */
@Injectable()
export class AllowedAudience {
  constructor(
    private readonly config: Config,
    private readonly resources: ResourceDirectory,
  ) {}

  /** @returns `audience` itself where all of it counts: the usual case allocates nothing */
  of(client: Client, audience: readonly string[]): readonly string[] {
    for (const identifier of audience) {
      if (!this.allows(client, identifier)) return audience.filter((each) => this.allows(client, each));
    }
    return audience;
  }

  private allows(client: Client, identifier: string): boolean {
    if (identifier === this.config.issuer) return true;
    const resource = this.resources.find(identifier);
    return resource !== undefined && (resource.scopes.size > 0 || client.resources.has(identifier));
  }
}
