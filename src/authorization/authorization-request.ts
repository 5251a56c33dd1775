import type { ResponseType } from '../clients/client-metadata.js';
import type { ClaimsRequest } from '../tokens/claims-request.js';

/** OAuth 2.0 Multiple Response Type Encoding Practices §2.1, OAuth 2.0 Form Post Response Mode. */
export const RESPONSE_MODES = ['query', 'fragment', 'form_post'] as const;
export type ResponseMode = (typeof RESPONSE_MODES)[number];

/** OIDC Core §3.1.2.1. */
export const PROMPTS = ['none', 'login', 'consent', 'select_account'] as const;
export type Prompt = (typeof PROMPTS)[number];

/** Where the answer goes, once it is known that it may go there. */
export interface ResponseTarget {
  readonly redirectUri: string;
  readonly responseMode: ResponseMode;
  readonly state?: string;
}

/** An authorization request in which every parameter has been checked (RFC 6749 §4.1.1, OIDC Core §3.1.2.1). It is kept as JSON while the user is asked. */
export interface AuthorizationRequest extends ResponseTarget {
  readonly clientId: string;
  /** Whether the request named the redirect URI, or left it to the one that is registered. */
  readonly redirectUriSent: boolean;
  readonly responseType: ResponseType;
  readonly scope: readonly string[];
  /** Whether the request named the scope, or left it to the client's default. */
  readonly scopeSent: boolean;
  readonly resource?: readonly string[];
  /** S256, RFC 7636 §4.2. */
  readonly codeChallenge?: string;
  readonly nonce?: string;
  readonly prompt: readonly Prompt[];
  readonly maxAgeSeconds?: number;
  readonly loginHint?: string;
  /** The user of whom the `id_token_hint` speaks. */
  readonly hintedUserId?: string;
  readonly uiLocales?: string;
  readonly claims?: ClaimsRequest;
  /** Of the pushed request that this one is (RFC 9126): it is used up with the answer. */
  readonly pushedId?: number;
}
