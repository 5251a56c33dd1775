import { Injectable } from '@nestjs/common';
import type { Client } from '../clients/client.js';
import { ClientDirectory } from '../clients/client-directory.js';
import type { LogoutParams } from '../common/oauth/form-params.js';
import { invalidRequest } from '../common/oauth/oauth-error.js';
import { Config } from '../config/config.js';
import { SignedJwt } from '../tokens/signed-jwt.js';
import { Subjects } from '../tokens/subject.js';
import { type LogoutHint, LogoutTickets } from './logout-tickets.js';

/** Parameters that are sent once more: all but the ID token, in whose place stands the client that it named. */
const REPEATED = ['client_id', 'post_logout_redirect_uri', 'state', 'ui_locales'] as const;

/** A logout request in which every parameter has been checked. */
export interface LogoutRequest {
  readonly client?: Client;
  /** What the `id_token_hint` said. */
  readonly hint?: LogoutHint;
  /** The session that it names. */
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
    private readonly tickets: LogoutTickets,
  ) {}

  /** @throws {OAuthError} for a page: nothing is sent anywhere on a request that cannot be believed */
  async read(params: LogoutParams): Promise<LogoutRequest> {
    const { client_id: clientId, post_logout_redirect_uri: uri, state } = params;
    const hint = this.hintOf(params);
    if (hint && clientId !== undefined && hint.clientId !== clientId) {
      throw invalidRequest('The id_token_hint was issued to another client.');
    }
    const client = await this.clientOf(hint?.clientId ?? clientId);
    const redirect = uri === undefined ? undefined : redirectOf(client, uri, state);
    return {
      ...(client ? { client } : {}),
      ...(hint && client ? { hint, hintedSessionId: this.subjects.sessionIdOf(client, hint.sid) } : {}),
      ...(redirect === undefined ? {} : { redirect }),
    };
  }

  /** Returns the parameters for a form that asks the user. */
  repeat(params: LogoutParams, { client }: LogoutRequest): Record<string, string> {
    const sent = REPEATED.flatMap((name) => (params[name] === undefined ? [] : [[name, params[name]] as const]));
    return { ...Object.fromEntries(sent), ...(client ? { client_id: client.clientId } : {}) };
  }

  /** Returns the parameters for an address, with a ticket in the place of the ID token. */
  repeatWithHint(params: LogoutParams, request: LogoutRequest): Record<string, string> {
    const repeated = this.repeat(params, request);
    return request.hint ? { ...repeated, logout_ticket: this.tickets.seal(request.hint) } : repeated;
  }

  private hintOf({ id_token_hint: idToken, logout_ticket: ticket }: LogoutParams): LogoutHint | undefined {
    if (idToken !== undefined) return this.readIdToken(idToken);
    return ticket === undefined ? undefined : this.tickets.open(ticket);
  }

  /** An ID token of ours, expired or not. */
  private readIdToken(idToken: string): LogoutHint {
    const { iss, aud, sid } = (this.jwt.verify('JWT', idToken) ?? {}) as Readonly<Record<string, unknown>>;
    if (iss !== this.config.issuer || typeof aud !== 'string' || typeof sid !== 'string') {
      throw invalidRequest('The id_token_hint is not an ID token of this server.');
    }
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
