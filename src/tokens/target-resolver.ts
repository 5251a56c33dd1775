import { Injectable } from '@nestjs/common';
import type { Client } from '../clients/client.js';
import { OAuthError } from '../common/oauth/oauth-error.js';
import { Config } from '../config/config.js';
import { type Resource, ResourceDirectory } from '../resources/resource-directory.js';
import type { GrantedAccess } from './granted-access.js';

/** What a token is for: its audience, the scope that remains for it, and the form that its audience wants. */
export type Target = Pick<GrantedAccess, 'scope' | 'audience' | 'format' | 'lifetimeSeconds'>;

const invalidTarget = () => new OAuthError('invalid_target', 'The requested resource is unknown, or this client may not use it.');

/**
 * Decides the audience of a token. Named resources (RFC 8707 §2) are it; without any, it is the resource that owns the granted scopes (RFC 9068 §3), and
 * the issuer when no resource owns them.
 */
@Injectable()
export class TargetResolver {
  constructor(
    private readonly config: Config,
    private readonly resources: ResourceDirectory,
  ) {}

  /**
   * @param scope what the client may have of what it asked for
   * @param explicit whether it asked for exactly these: then a scope that does not fit the named resources is an error, and not left out
   * @throws {OAuthError} `invalid_target`, `invalid_scope`
   */
  resolve(client: Client, scope: readonly string[], explicit: boolean, requested: readonly string[] | undefined): Target {
    return requested === undefined || requested.length === 0 ? this.byScope(client, scope) : this.byResource(client, scope, explicit, requested);
  }

  /** The target of a grant that no resource was named for, whoever owns its scopes by now. */
  ofIssuer(client: Client, scope: readonly string[]): Target {
    return this.target(client, scope, []);
  }

  private byScope(client: Client, scope: readonly string[]): Target {
    let owner: Resource | undefined;
    for (const token of scope) {
      const found = this.resources.ownerOf(token);
      if (found && owner && found !== owner) {
        // RFC 9068 §3: a token for two audiences by accident is refused, not issued.
        throw new OAuthError('invalid_scope', 'The scope belongs to more than one resource. Ask for the scope of one, or name the resource.');
      }
      owner ??= found;
    }
    return this.target(client, scope, owner ? [owner] : []);
  }

  private byResource(client: Client, scope: readonly string[], explicit: boolean, requested: readonly string[]): Target {
    const resources = [...new Set(requested)].map((identifier) => this.allowed(client, identifier));
    const fitting = scope.filter((token) => {
      const owner = this.resources.ownerOf(token);
      return owner === undefined || resources.includes(owner);
    });
    if (explicit && fitting.length < scope.length) throw new OAuthError('invalid_scope', 'The scope holds what does not belong to the requested resource.');
    return this.target(client, fitting, resources);
  }

  /** A client may name a resource that it has a scope of, and one that it is registered for. */
  private allowed(client: Client, identifier: string): Resource {
    const resource = this.resources.find(identifier);
    if (!resource) throw invalidTarget();
    const permitted = client.resources.has(identifier) || [...resource.scopes].some((scope) => client.scope.has(scope));
    if (!permitted) throw invalidTarget();
    return resource;
  }

  private target(client: Client, scope: readonly string[], resources: readonly Resource[]): Target {
    const opaque = client.accessTokenFormat === 'opaque' || resources.some((resource) => resource.accessTokenFormat === 'opaque');
    const lifetimes = resources.flatMap((resource) => resource.accessTokenLifetimeSeconds ?? []);
    // A token with `openid` is good at the userinfo endpoint as well, which is this server's own.
    const withIssuer = resources.length === 0 || scope.includes('openid');
    const audience = [...resources.map((resource) => resource.identifier), ...(withIssuer ? [this.config.issuer] : [])];
    return { scope, audience, format: opaque ? 'opaque' : 'jwt', lifetimeSeconds: Math.min(client.accessTokenLifetimeSeconds, ...lifetimes) };
  }
}
