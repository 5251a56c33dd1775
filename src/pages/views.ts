import type { Texts } from './texts/texts.js';

/**
 * What each page is made of, by the name of its view. Paths are those below the issuer (`/account`); the renderer puts the issuer's own path in front. Times are milliseconds
 * since the epoch. Every form posts `csrf_token`.
 */
export interface Views {
  login: LoginView;
  account_login: AccountLoginView;
  consent: ConsentView;
  account: AccountView;
  logout_confirm: LogoutConfirmView;
  logged_out: LoggedOutView;
  form_post: FormPostView;
  error: ErrorView;
}

export interface FormView {
  csrfToken: string;
  /** The path that the form posts to. */
  action: string;
}

export interface ClientName {
  clientId: string;
  /** `client_name`, chosen by whoever registered the client. Where it is missing the id stands in its place. */
  name?: string;
}

/** Posts `username`, `password` and `decision`. */
export interface AccountLoginView extends FormView {
  /** What stands in the field already: `login_hint`, or what was entered before. */
  username?: string;
  error?: keyof Texts['signIn']['errors'];
}

/** As {@link AccountLoginView}; `decision` is `sign_in` or `cancel`. */
export interface LoginView extends AccountLoginView {
  client: ClientName;
}

export interface ScopeItem {
  scope: string;
  /** In the words of the protected resource. Where it is missing, the pages' own words for a standard scope, or the bare scope. */
  description?: string;
}

/** Posts `decision`: `allow`, `deny` or `switch_user`. */
export interface ConsentView extends FormView {
  client: ClientName;
  /** The host of the redirect URI, or the scheme where it is a private-use one. */
  returnsTo: string;
  username: string;
  scopes: readonly ScopeItem[];
  /** Names of the protected resources that it would be allowed to use. */
  resources: readonly string[];
  /** Names what is asked: posted back, so that nothing is allowed that was not shown. */
  asked: string;
  /** How long the client can act before it has to ask again: the lifetime of the refresh token, or of the access token where there is none. */
  accessSeconds: number;
  /** The client is an application on the user's device, which anybody could imitate (RFC 8252 §8.6). */
  unverified: boolean;
}

export interface SessionItem {
  sessionId: string;
  /** The `User-Agent` header as it was sent. */
  userAgent?: string;
  address: string;
  signedInAtMs: number;
  lastUsedAtMs: number;
  /** Whether it is the session of this very request. */
  current: boolean;
}

export interface ConsentItem {
  client: ClientName;
  scopes: readonly ScopeItem[];
  /** Names of the protected resources that it may use. */
  resources: readonly string[];
  sinceMs: number;
}

/** Its forms post `session_id`; nothing more (end the other sessions, sign out); `client_id`; or `current_password`, `new_password` and `new_password_repeat`. */
export interface AccountView {
  csrfToken: string;
  actions: { signOut: string; endSession: string; endOtherSessions: string; revokeConsent: string; changePassword: string };
  username: string;
  name?: string;
  sessions: readonly SessionItem[];
  consents: readonly ConsentItem[];
  minPasswordCharacters: number;
  notice?: keyof Texts['account']['notices'];
  passwordError?: keyof Texts['account']['passwordErrors'];
}

/** Posts `decision`, `sign_out` or `stay`, and the given fields. */
export interface LogoutConfirmView extends FormView {
  /** Who asks for it, if it is known. */
  client?: ClientName;
  username: string;
  /** Hidden fields, such as the parameters of the logout request. */
  fields?: Readonly<Record<string, string>>;
}

export interface LoggedOutView {
  /** Only this client was signed out of: the session that it named may go on in another browser. */
  client?: ClientName;
  /** A page that asks for a sign-in. */
  signInPath?: string;
}

/** An authorization response by OAuth 2.0 Form Post Response Mode. The page sends itself, or is sent by hand where scripts are off. */
export interface FormPostView {
  /** The redirect URI. */
  action: string;
  params: Readonly<Record<string, string>>;
}

export interface ErrorView {
  status: number;
  reason: keyof Texts['error']['reasons'];
  /** The code of the OAuth error. */
  code: string;
  /** In English. */
  description: string;
  /** The id of the request in the log. */
  reference: string;
}
