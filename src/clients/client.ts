import { parseScope } from '../common/oauth/scope.js';
import type { ClientSecretEntity } from './client-secret.entity.js';
import type { ClientEntity } from './client.entity.js';
import type { AccessTokenFormat, GrantType, TokenEndpointAuthMethod } from './client-metadata.js';

export interface ClientSecret {
  readonly rowId: number;
  readonly digest: Buffer;
  /** Milliseconds since the epoch; `null`: never. */
  readonly expiresAtMs: number | null;
}

/** A client as requests see it: what its row and its secrets say, made ready once and never changed. */
export class Client {
  readonly clientId: string;
  readonly enabled: boolean;
  readonly tokenEndpointAuthMethod: TokenEndpointAuthMethod;
  readonly grantTypes: ReadonlySet<GrantType>;
  readonly scope: ReadonlySet<string>;
  readonly defaultScope: readonly string[];
  readonly accessTokenFormat: AccessTokenFormat;
  readonly accessTokenLifetimeSeconds: number;
  readonly refreshTokenLifetimeSeconds: number;
  readonly refreshTokenIdleLifetimeSeconds: number;
  /** Milliseconds since the epoch; `null`: none. */
  readonly passwordGrantSunsetMs: number | null;
  readonly tokenGeneration: string;
  readonly secrets: readonly ClientSecret[];

  constructor(entity: ClientEntity, secrets: readonly ClientSecretEntity[]) {
    this.clientId = entity.clientId;
    this.enabled = entity.enabled;
    this.tokenEndpointAuthMethod = entity.tokenEndpointAuthMethod as TokenEndpointAuthMethod;
    this.grantTypes = new Set(entity.grantTypes as GrantType[]);
    this.scope = new Set(parseScope(entity.scope));
    this.defaultScope = parseScope(entity.defaultScope ?? entity.scope) ?? [];
    this.accessTokenFormat = entity.accessTokenFormat as AccessTokenFormat;
    this.accessTokenLifetimeSeconds = entity.accessTokenLifetime;
    this.refreshTokenLifetimeSeconds = entity.refreshTokenLifetime;
    this.refreshTokenIdleLifetimeSeconds = entity.refreshTokenIdleLifetime;
    this.passwordGrantSunsetMs = entity.passwordGrantSunset;
    this.tokenGeneration = entity.tokenGeneration;
    this.secrets = secrets.map((secret) => ({ rowId: secret.id, digest: Buffer.from(secret.digest, 'hex'), expiresAtMs: secret.expiresAt }));
  }

  /** Whether it has credentials to authenticate with (RFC 6749 §2.1). */
  get confidential(): boolean {
    return this.tokenEndpointAuthMethod !== 'none';
  }
}
