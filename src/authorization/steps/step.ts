import type { Client } from '../../clients/client.js';
import type { LegacyGrants } from '../../clients/legacy-grants.js';
import type { AuthorizationForm, AuthorizationParams } from '../../common/oauth/form-params.js';
import type { Config } from '../../config/config.js';
import type { SignedJwt } from '../../tokens/signed-jwt.js';
import type { Subjects } from '../../tokens/subject.js';
import type { TargetResolver } from '../../tokens/target-resolver.js';
import type { AuthorizationRequest } from '../authorization-request.js';

/** What a step looks at. */
export interface StepInput {
  readonly params: AuthorizationParams;
  readonly repeated: AuthorizationForm['repeated'];
  readonly client: Client;
  /** Whether the client pushed the request (RFC 9126). */
  readonly pushed: boolean;
  /** What the steps before found. */
  readonly request: Partial<AuthorizationRequest>;
}

/** What a step may ask. */
export interface StepParts {
  readonly config: Config;
  readonly legacyGrants: LegacyGrants;
  readonly targets: TargetResolver;
  readonly jwt: SignedJwt;
  readonly subjects: Subjects;
}

/**
 * One check of an authorization request. Answers what it found, for the request that is made of it.
 * @throws {OAuthError}
 */
export type Step = (input: StepInput, parts: StepParts) => Partial<AuthorizationRequest>;
