import { Injectable } from '@nestjs/common';
import { Serial } from '../common/serial.js';
import { Config } from '../config/config.js';
import { ChangeFeed } from '../database/change-feed.js';
import { Startup } from '../database/startup.js';
import { ADMIN_SCOPES, ADMIN_TOKEN_LIFETIME_SECONDS, adminAudience, isAdminScope } from './admin-api.js';
import { ResourcesRepository } from './resources.repository.js';

/** A protected resource as token requests see it. */
export interface Resource {
  /** The `aud` of its tokens. */
  readonly identifier: string;
  /** As users read it. */
  readonly name: string;
  readonly scopes: ReadonlySet<string>;
  /** Client ids that may introspect its tokens. */
  readonly resourceServers: ReadonlySet<string>;
  readonly accessTokenFormat: 'jwt' | 'opaque' | null;
  readonly accessTokenLifetimeSeconds: number | null;
}

/** All protected resources, in memory: there are as many as an enterprise has APIs. Reloaded whole when one changes, here or on another instance. */
@Injectable()
export class ResourceDirectory {
  private readonly adminApi: Resource;
  private byIdentifier: ReadonlyMap<string, Resource> = new Map();
  private byScope: ReadonlyMap<string, Resource> = new Map();
  private requiredRoles: ReadonlyMap<string, ReadonlySet<string>> = new Map();
  private descriptions: ReadonlyMap<string, string> = new Map();
  private loadCount = 0;
  private readonly loads = new Serial();

  constructor(
    config: Config,
    private readonly resources: ResourcesRepository,
    feed: ChangeFeed,
    startup: Startup,
  ) {
    this.adminApi = {
      identifier: adminAudience(config.issuer),
      name: 'Administration',
      scopes: new Set(Object.keys(ADMIN_SCOPES)),
      resourceServers: new Set(),
      accessTokenFormat: null,
      accessTokenLifetimeSeconds: ADMIN_TOKEN_LIFETIME_SECONDS,
    };
    startup.load(() => this.reload());
    feed.onChanges('resource', () => this.reload());
    feed.onReread(() => this.reload());
  }

  /** Another number after every change: what was worked out from the resources under this one still holds. */
  get revision(): number {
    return this.loadCount;
  }

  find(identifier: string): Resource | undefined {
    return this.byIdentifier.get(identifier);
  }

  /** Whether a user with these roles may have a scope: one of the roles that it asks for, if it asks for any. No user has rights in the admin API. */
  allowsUser(scope: string, roles: readonly string[]): boolean {
    if (isAdminScope(scope)) return false;
    const required = this.requiredRoles.get(scope);
    return required === undefined || roles.some((role) => required.has(role));
  }

  /** What a scope allows, in the words of its resource. */
  describe(scope: string): string | undefined {
    return this.descriptions.get(scope);
  }

  /** The resource that owns a scope. Scopes need not belong to one. */
  ownerOf(scope: string): Resource | undefined {
    return this.byScope.get(scope);
  }

  reload(): Promise<void> {
    return this.loads.run(() => this.load());
  }

  private async load(): Promise<void> {
    const rows = await this.resources.all();
    const all: Resource[] = rows.map((row) => ({
      identifier: row.identifier,
      name: row.name,
      scopes: new Set(row.scopes.map(({ name }) => name)),
      resourceServers: new Set(row.resourceServers),
      accessTokenFormat: row.accessTokenFormat as Resource['accessTokenFormat'],
      accessTokenLifetimeSeconds: row.accessTokenLifetime,
    }));
    this.requiredRoles = new Map(rows.flatMap((row) => row.scopes.filter((scope) => scope.required_roles.length > 0).map((scope) => [scope.name, new Set(scope.required_roles)] as const)));
    this.descriptions = new Map(rows.flatMap((row) => row.scopes.flatMap(({ name, description }) => (description ? [[name, description] as const] : []))));
    // Last, so that no row can take what is the admin API's.
    all.push(this.adminApi);
    this.byIdentifier = new Map(all.map((resource) => [resource.identifier, resource]));
    this.byScope = new Map(all.flatMap((resource) => [...resource.scopes].map((scope) => [scope, resource] as const)));
    this.loadCount++;
  }
}
