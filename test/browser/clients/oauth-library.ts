import type { IncomingMessage, ServerResponse } from 'node:http';

/** How a relying party is registered, and where its browser comes back to. */
export interface Registration {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly redirectUri: string;
  readonly postLogoutRedirectUri: string;
}

/** A request of the browser to the relying party. */
export interface Visit {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly url: URL;
  /** A form that was posted. */
  readonly form: string;
}

/** What the browser gets: a redirect, or something to look at. Nothing where the library has answered by itself. */
export type Reply = { readonly location: string | URL } | { readonly shown: unknown } | undefined;

/** What a program does with its OAuth library for the one user who sits at its browser. */
export interface OAuthLibrary {
  signIn(visit: Visit): Promise<Reply>;
  /** Shows the user's claims as the library has them. @throws what it says of an answer that is an error */
  callback(visit: Visit): Promise<Reply>;
  /** Shows the answer of the userinfo endpoint to the current access token. */
  userinfo(): Promise<Reply>;
  /** Shows the current tokens after a refresh. */
  refresh(): Promise<Reply>;
  signOut(): Promise<Reply>;
}

export interface LibraryUnderTest {
  readonly name: string;
  /** How the client is registered, beside its redirect URIs. */
  readonly metadata: Readonly<Record<string, unknown>>;
  connect(registration: Registration): Promise<OAuthLibrary>;
}

/** The tokens of a user, as the page of a refresh shows them. */
export interface ShownTokens {
  readonly accessToken: string;
  readonly refreshToken: string;
}

export const SCOPE = ['openid', 'profile', 'email', 'offline_access'];
