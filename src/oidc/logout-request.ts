import { Injectable } from '@nestjs/common';
import type { Client } from '../clients/client.js';
import { ClientDirectory } from '../clients/client-directory.js';
import type { LogoutParams } from '../common/oauth/form-params.js';
import { invalidRequest } from '../common/oauth/oauth-error.js';
import { Config } from '../config/config.js';
import { SignedJwt } from '../tokens/signed-jwt.js';
import { Subjects } from '../tokens/subject.js';

/** A logout request in which every parameter has been checked. */
export interface LogoutRequest {
  readonly client?: Client;
  /** The session that the `id_token_hint` names. */
  readonly hintedSessionId?: string;
  /** Where the browser goes afterwards, `state` included. */
  readonly redirect?: string;
}

/** Reads requests to the end session endpoint, OpenID Connect RP-Initiated Logout 1.0 §2. */
@Injectable()
export class LogoutRequests {
  constructor(
    private readonly config: Config,
    private readonly clients: ClientDirectory,
    private readonly jwt: SignedJwt,
    private readonly subjects: Subjects,
  ) {}

  /** @throws {OAuthError} for a page: nothing is sent anywhere on a request that cannot be believed */
  async read({ id_token_hint: hint, client_id: clientId, post_logout_redirect_uri: uri, state }: LogoutParams): Promise<LogoutRequest> {
    const hinted = hint === undefined ? undefined : this.readHint(hint);
    if (hinted && clientId !== undefined && hinted.clientId !== clientId) throw invalidRequest('The id_token_hint was issued to another client.');
    const client = await this.clientOf(hinted?.clientId ?? clientId);
    const redirect = uri === undefined ? undefined : redirectOf(client, uri, state);
    return { ...(client ? { client } : {}), ...(hinted && client ? { hintedSessionId: this.subjects.sessionIdOf(client, hinted.sid) } : {}), ...(redirect === undefined ? {} : { redirect }) };
  }

  /** An ID token of ours, expired or not. */
  private readHint(hint: string): { clientId: string; sid: string } {
    const { iss, aud, sid } = (this.jwt.verify('JWT', hint) ?? {}) as Readonly<Record<string, unknown>>;
    if (iss !== this.config.issuer || typeof aud !== 'string' || typeof sid !== 'string') throw invalidRequest('The id_token_hint is not an ID token of this server.');
    return { clientId: aud, sid };
  }

  private async clientOf(clientId: string | undefined): Promise<Client | undefined> {
    if (clientId === undefined) return undefined;
    const client = await this.clients.find(clientId);
    if (!client?.enabled) throw invalidRequest('There is no such client.');
    return client;
  }
}

/** Byte by byte one of the client's (§3). */
function redirectOf(client: Client | undefined, uri: string, state: string | undefined): string {
  if (!client?.postLogoutRedirectUris.includes(uri)) throw invalidRequest('The post_logout_redirect_uri is not one that the client has registered.');
  return state === undefined ? uri : `${uri}${uri.includes('?') ? '&' : '?'}${new URLSearchParams({ state }).toString()}`;
}
