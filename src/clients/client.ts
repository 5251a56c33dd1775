import { isDeepStrictEqual } from 'node:util';
import { parseScope } from '../common/oauth/scope.js';
import { webOriginsOf } from '../common/oauth/web-origin.js';
import type { ClientSecretEntity } from './client-secret.entity.js';
import type { ClientEntity } from './client.entity.js';
import type { SigningAlgorithm } from '../config/settings.js';
import type { AccessTokenFormat, GrantType, ResponseType, SubjectType, TokenEndpointAuthMethod } from './client-metadata.js';
import { sectorIdentifier } from './sector-identifier.js';

export interface ClientSecret {
  readonly rowId: number;
  readonly digest: Buffer;
  /** Milliseconds since the epoch; `null`: never. */
  readonly expiresAtMs: number | null;
}

/** A client as requests see it: what its row and its secrets say, made ready once and never changed. */
export class Client {
  readonly clientId: string;
  readonly clientName: string;
  readonly enabled: boolean;
  readonly tokenEndpointAuthMethod: TokenEndpointAuthMethod;
  readonly grantTypes: ReadonlySet<GrantType>;
  readonly responseTypes: ReadonlySet<ResponseType>;
  readonly redirectUris: readonly string[];
  /** Those of its redirect URIs: from whose pages it may call. */
  readonly origins: ReadonlySet<string>;
  readonly postLogoutRedirectUris: readonly string[];
  /** `null`: it is not told of logouts. */
  readonly backchannelLogoutUri: string | null;
  readonly requirePkce: boolean;
  /** RFC 9126 §6. */
  readonly requirePushedAuthorizationRequests: boolean;
  readonly skipConsent: boolean;
  readonly idTokenSignedResponseAlg: SigningAlgorithm;
  readonly subjectType: SubjectType;
  /** OIDC Core §8.1. */
  readonly sectorIdentifier: string;
  readonly scope: ReadonlySet<string>;
  readonly defaultScope: readonly string[];
  /** Identifiers of resources that it may name although it has no scope of them. */
  readonly resources: ReadonlySet<string>;
  readonly accessTokenFormat: AccessTokenFormat;
  readonly accessTokenLifetimeSeconds: number;
  /** For how long a token of the client credentials grant is handed out again; 0: every answer has a new one. */
  readonly accessTokenReuseSeconds: number;
  readonly refreshTokenLifetimeSeconds: number;
  readonly refreshTokenIdleLifetimeSeconds: number;
  /** Milliseconds since the epoch; `null`: none. */
  readonly passwordGrantSunsetMs: number | null;
  readonly tokenGeneration: string;
  readonly secrets: readonly ClientSecret[];

  constructor(entity: ClientEntity, secrets: readonly ClientSecretEntity[]) {
    this.clientId = entity.clientId;
    this.clientName = entity.clientName;
    this.enabled = entity.enabled;
    this.tokenEndpointAuthMethod = entity.tokenEndpointAuthMethod as TokenEndpointAuthMethod;
    this.grantTypes = new Set(entity.grantTypes as GrantType[]);
    this.responseTypes = new Set(entity.responseTypes as ResponseType[]);
    this.redirectUris = entity.redirectUris;
    this.origins = new Set(webOriginsOf(entity.redirectUris));
    this.postLogoutRedirectUris = entity.postLogoutRedirectUris;
    this.backchannelLogoutUri = entity.backchannelLogoutUri;
    this.requirePkce = Boolean(entity.requirePkce);
    this.requirePushedAuthorizationRequests = Boolean(entity.requirePushedAuthorizationRequests);
    this.skipConsent = Boolean(entity.skipConsent);
    this.idTokenSignedResponseAlg = entity.idTokenSignedResponseAlg as SigningAlgorithm;
    this.subjectType = entity.subjectType as SubjectType;
    this.sectorIdentifier = sectorIdentifier(entity.clientId, entity.redirectUris);
    this.scope = new Set(parseScope(entity.scope));
    this.defaultScope = parseScope(entity.defaultScope ?? entity.scope) ?? [];
    this.resources = new Set(entity.resources);
    this.accessTokenFormat = entity.accessTokenFormat as AccessTokenFormat;
    this.accessTokenLifetimeSeconds = entity.accessTokenLifetime;
    this.accessTokenReuseSeconds = entity.accessTokenReuse ?? 0;
    this.refreshTokenLifetimeSeconds = entity.refreshTokenLifetime;
    this.refreshTokenIdleLifetimeSeconds = entity.refreshTokenIdleLifetime;
    this.passwordGrantSunsetMs = entity.passwordGrantSunset;
    this.tokenGeneration = entity.tokenGeneration;
    this.secrets = secrets.map((secret) => ({ rowId: secret.id, digest: Buffer.from(secret.digest, 'hex'), expiresAtMs: secret.expiresAt }));
  }

  /**
   * Whether two reads of one client found the same. The version of the row does not say so: a database that lost a change
   * gives the number out again.
   */
  isSameAs(other: Client): boolean {
    return isDeepStrictEqual(this, other);
  }

  /** Whether it has credentials to authenticate with (RFC 6749 §2.1). */
  get confidential(): boolean {
    return this.tokenEndpointAuthMethod !== 'none';
  }

  /** Whether it must use PKCE: unless an admin lets a client that authenticates go without (RFC 9700 §2.1.1). */
  get needsPkce(): boolean {
    return this.requirePkce || !this.confidential;
  }
}
