import { Injectable } from '@nestjs/common';
import type { Client } from '../clients/client.js';
import { ClientDirectory } from '../clients/client-directory.js';
import { LegacyGrants } from '../clients/legacy-grants.js';
import type { AuthorizationForm } from '../common/oauth/form-params.js';
import { invalidRequest, OAuthError } from '../common/oauth/oauth-error.js';
import { Config } from '../config/config.js';
import { SignedJwt } from '../tokens/signed-jwt.js';
import { Subjects } from '../tokens/subject.js';
import { TargetResolver } from '../tokens/target-resolver.js';
import { AuthorizationRefusal } from './authorization-refusal.js';
import type { AuthorizationRequest } from './authorization-request.js';
import { PushedAuthorizationRequests } from './pushed/pushed-authorization-requests.js';
import { claims } from './steps/claims.step.js';
import { hints } from './steps/hints.step.js';
import { nonce } from './steps/nonce.step.js';
import { pkce } from './steps/pkce.step.js';
import { prompt } from './steps/prompt.step.js';
import { redirectUriOf } from './steps/redirect-uri.step.js';
import { repeatedParameters } from './steps/repeated-parameters.step.js';
import { requestObject } from './steps/request-object.step.js';
import { resource } from './steps/resource.step.js';
import { provisionalResponseMode, responseMode } from './steps/response-mode.step.js';
import { responseType } from './steps/response-type.step.js';
import { scope } from './steps/scope.step.js';
import { checkState, size } from './steps/size.step.js';
import type { Step, StepParts } from './steps/step.js';

/** What is checked once it is known where errors go, in this order. */
const STEPS: readonly Step[] = [repeatedParameters, requestObject, responseMode, responseType, scope, resource, pkce, nonce, prompt, hints, claims, size];

export interface CheckedRequest {
  client: Client;
  request: AuthorizationRequest;
}

/** Makes an {@link AuthorizationRequest} of what arrived at the authorization endpoint or was pushed. */
@Injectable()
export class AuthorizePipeline {
  private readonly parts: StepParts;

  constructor(
    private readonly clients: ClientDirectory,
    private readonly pushed: PushedAuthorizationRequests,
    config: Config,
    legacyGrants: LegacyGrants,
    targets: TargetResolver,
    jwt: SignedJwt,
    subjects: Subjects,
  ) {
    this.parts = { config, legacyGrants, targets, jwt, subjects };
  }

  /**
   * A request that came through a browser.
   * @throws {OAuthError} that only the user may hear of, while it is not known that the redirect URI is the client's
   * @throws {AuthorizationRefusal} for all the others
   */
  async check(form: AuthorizationForm): Promise<CheckedRequest> {
    const client = await this.clientOf(form);
    const { params } = form;
    if (!this.pushed.isReference(params.request_uri) || form.repeated.has('request_uri')) return { client, request: this.run(client, form, false) };
    const pushed = await this.pushed.find(params.request_uri!, client);
    try {
      // RFC 9126 §4: what stands beside the reference in the browser counts for nothing.
      const { hinted_user_id: hintedUserId, ...params } = pushed.params;
      const request = this.run(client, { params, repeated: new Set() }, true);
      const hinted = hintedUserId === undefined ? {} : { hintedUserId };
      return { client, request: { ...request, ...hinted, pushedId: pushed.id } };
    } catch (error) {
      // It was good when it was pushed, and is not any more: that the client hears so is its answer.
      if (error instanceof AuthorizationRefusal) await this.pushed.consume(pushed.id);
      throw error;
    }
  }

  /**
   * A request that an authenticated client pushes.
   * @throws {OAuthError}
   */
  checkPushed(client: Client, form: AuthorizationForm): AuthorizationRequest {
    try {
      return this.run(client, form, true);
    } catch (error) {
      throw error instanceof AuthorizationRefusal ? error.cause : error;
    }
  }

  private async clientOf({ params, repeated }: AuthorizationForm): Promise<Client> {
    if (repeated.has('client_id')) throw invalidRequest('The parameter client_id is repeated.');
    if (params.client_id === undefined) throw invalidRequest('The parameter client_id is missing.');
    const client = await this.clients.find(params.client_id);
    if (!client?.enabled) throw new OAuthError('invalid_request', 'There is no such client.', 400, {}, client ? 'disabled' : 'unknown');
    return client;
  }

  private run(client: Client, form: AuthorizationForm, pushed: boolean): AuthorizationRequest {
    const { params, repeated } = form;
    const redirect = redirectUriOf(client, form);
    if (params.state !== undefined) checkState(params.state);
    const state = params.state === undefined ? {} : { state: params.state };
    const target = { redirectUri: redirect.redirectUri, responseMode: provisionalResponseMode(params), ...state };
    const request: Partial<AuthorizationRequest> = { clientId: client.clientId, ...redirect, ...state };
    try {
      for (const step of STEPS) Object.assign(request, step({ params, repeated, client, pushed, request }, this.parts));
    } catch (error) {
      throw new AuthorizationRefusal(target, error);
    }
    return request as AuthorizationRequest;
  }
}
